//! Money is counted in whole minor units. A number with a point in it, anywhere on its way, is a
//! rounding error that waits for its day.

use super::source::line_at;
use super::{Finding, Repository};

/// Where money goes along. `sandbox` stands on the other side of the line and counts money too.
const PATHS: [&str; 11] = [
    "crates/kernel/src/money.rs",
    "crates/gateways/",
    "crates/payments/",
    "crates/orders/",
    "crates/carts/",
    "crates/flows/",
    "crates/jobs/",
    "crates/reports/",
    "crates/web/src/",
    "crates/sandbox/src/",
    "crates/catalog/",
];
/// Rates and shares of time, beside them: no money comes by here.
const NOT_MONEY: &str = "crates/web/src/admission";
const TYPES: [&str; 2] = ["f32", "f64"];

pub fn not_where_money_is(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in repository.rust() {
        // A test may hand in a number with a point, to see it refused.
        let on_the_way = PATHS.iter().any(|path| file.path.starts_with(path));
        if file.is_for_tests() || !on_the_way || file.path.starts_with(NOT_MONEY) {
            continue;
        }
        let lines = TYPES.iter().flat_map(|name| named(&rust.code, name));
        for line in lines.chain(literals(&rust.code)).filter(|line| !rust.is_test(*line)) {
            let message = "a floating point number on the way of money: count minor units";
            findings.push(Finding::new(&file.path, line, message));
        }
    }
    findings
}

/// Where a type is named, also at the end of a name: `as_f64`, `1_f64`.
fn named(code: &str, name: &str) -> Vec<usize> {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let in_a_word = |before: &str| before.ends_with(char::is_alphabetic);
    code.match_indices(name)
        .filter(|(at, _)| !in_a_word(&code[..*at]) && !goes_on(&code[at + name.len()..]))
        .map(|(at, _)| line_at(code, at))
        .collect()
}

/// Where a number with a point stands: digits on both sides that are no part of a tuple's field
/// or a range.
fn literals(code: &str) -> Vec<usize> {
    let is_digit = |c: char| c.is_ascii_digit();
    code.match_indices('.')
        .filter(|(at, _)| {
            let (before, after) = (&code[..*at], &code[at + 1..]);
            let digits = before.len() - before.trim_end_matches(|c| is_digit(c) || c == '_').len();
            let number = &before[before.len() - digits..];
            let left = &before[..before.len() - digits];
            let of_a_name = left.ends_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_');
            number.starts_with(is_digit) && !of_a_name && after.starts_with(is_digit)
        })
        .map(|(at, _)| line_at(code, at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut lines: Vec<_> = not_where_money_is(&Repository::of(&[(path, text)]))
            .iter()
            .map(|finding| finding.line)
            .collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn a_number_with_a_point_is_found_however_it_is_written() {
        let text = "fn a(b: f64) {}\nlet c = d as f32;\nlet e = f.as_f64();\nlet g = 1.5;\nlet h = 10_000.25;\nlet i = 1_f64;\n";
        assert_eq!(lines("crates/gateways/src/a.rs", text), [1, 2, 3, 4, 5, 6]);
        assert_eq!(lines("crates/kernel/src/money.rs", "let a = 0.1;\n"), [1]);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "let a = b.0.1;",
            "let a = b.0 .1;",
            "for i in 1..5 {}",
            "let a = &text[0..1];",
            "// 1.5",
            "let a = \"1.5\";",
            "let f64s = 1;",
            "let a = xf64;",
            "let a = 1.max(2);",
            "#[cfg(test)]\nmod tests {\n    let a = 1.5;\n}",
        ] {
            assert_eq!(lines("crates/payments/src/a.rs", text), [0; 0], "{text}");
        }
        assert!(lines("crates/gateways/src/sandbox/tests.rs", "let a = 1.5;").is_empty());
        assert!(lines("crates/load/src/figures.rs", "let a = 1.5;").is_empty());
    }
}
