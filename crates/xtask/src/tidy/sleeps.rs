//! A test waits for a fact. One that waits for the clock is slow on a good day and wrong on a bad.

use super::source::line_at;
use super::{Finding, Repository};

const FUNCTIONS: [&str; 2] = ["sleep", "sleep_until"];

pub fn not_in_tests(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in repository.rust() {
        let lines = FUNCTIONS.iter().flat_map(|name| calls(&rust.code, name));
        for line in lines.filter(|line| file.is_for_tests() || rust.is_test(*line)) {
            let message = "a test sleeps: wait for what it is about, with a limit";
            findings.push(Finding::new(&file.path, line, message));
        }
    }
    findings
}

/// The lines where a free function of this name is called; a method may have the name.
fn calls(code: &str, name: &str) -> Vec<usize> {
    let is_another = |before: &str| {
        before.ends_with(|found: char| found.is_alphanumeric() || found == '_' || found == '.')
            || before.trim_end().ends_with("fn")
    };
    code.match_indices(name)
        .filter(|(at, _)| !is_another(&code[..*at]))
        .filter(|(at, _)| code[at + name.len()..].trim_start().starts_with('('))
        .map(|(at, _)| line_at(code, at))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_in_a_test_is_found() {
        let text = "fn a() {\n    std::thread::sleep(A);\n    tokio::time::sleep_until(A);\n    sleep(A);\n}\n";
        let in_module = format!("{text}#[cfg(test)]\nmod tests {{\n{text}}}\n");
        let findings = not_in_tests(&Repository::of(&[
            ("crates/a/src/tests.rs", text),
            ("crates/a/src/lib.rs", &in_module),
        ]));
        let mut places: Vec<_> =
            findings.iter().map(|found| (found.path.as_str(), found.line)).collect();
        places.sort_unstable();
        let lib = [9, 10, 11].map(|line| ("crates/a/src/lib.rs", line));
        let tests = [2, 3, 4].map(|line| ("crates/a/src/tests.rs", line));
        assert_eq!(places, [lib, tests].concat());
    }

    #[test]
    fn what_only_looks_like_a_sleep_is_none() {
        for code in ["clock.sleep(a)", "fn sleep(a: A) {}", "asleep(a)", "let sleep = a;"] {
            assert_eq!(calls(code, "sleep"), Vec::<usize>::new(), "{code}");
        }
    }
}
