//! Files and functions that stay short enough to be read, and a list of those that do not.
//! The list may only shrink.

use std::collections::BTreeMap;

use super::source::{End, item_end, line_at};
use super::{Finding, Repository};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// What is too long today: `path lines` and `path::function lines`, one in a line.
pub const DEBT_FILE: &str = "crates/xtask/tidy-debt.txt";

/// Something with a length, named as the list of debts names it.
struct Measured {
    name: String,
    path: String,
    line: usize,
    lines: usize,
    limit: usize,
}

pub fn within_limits(repository: &Repository) -> Vec<Finding> {
    let (debts, mut findings) = debts(repository);
    let mut settled = debts.clone();
    for found in measure(repository).into_values().filter(|found| found.lines > found.limit) {
        let Measured { name, path, line, lines, limit } = found;
        settled.remove(&name);
        match debts.get(&name) {
            None => {
                let message = format!("{name} has {lines} lines; {limit} are allowed");
                findings.push(Finding::new(&path, line, message));
            }
            Some(debt) if lines > debt.lines => {
                let message = format!("{name} grew from {} to {lines} lines", debt.lines);
                findings.push(Finding::new(&path, line, message));
            }
            Some(debt) if lines < debt.lines => {
                let message = format!("{name} shrank: lower its entry to {lines}");
                findings.push(Finding::new(DEBT_FILE, debt.line, message));
            }
            Some(_) => {}
        }
    }
    findings.extend(settled.iter().map(|(name, debt)| {
        let message = format!("{name} is not too long any more: remove its entry");
        Finding::new(DEBT_FILE, debt.line, message)
    }));
    findings
}

#[derive(Clone, Copy)]
struct Debt {
    line: usize,
    lines: usize,
}

fn debts(repository: &Repository) -> (BTreeMap<String, Debt>, Vec<Finding>) {
    let mut debts = BTreeMap::new();
    let mut findings = Vec::new();
    let text = repository.file(DEBT_FILE).map_or("", |file| file.text.as_str());
    for (line, entry) in (1..).zip(text.lines()) {
        if entry.trim().is_empty() || entry.starts_with('#') {
            continue;
        }
        let parts = entry.rsplit_once(' ');
        match parts.and_then(|(name, lines)| Some((name.trim(), lines.parse().ok()?))) {
            None => {
                let message = "an entry is `path lines` or `path::function lines`";
                findings.push(Finding::new(DEBT_FILE, line, message));
            }
            Some((name, lines)) => {
                if debts.insert(name.to_owned(), Debt { line, lines }).is_some() {
                    let message = format!("{name} has an entry already");
                    findings.push(Finding::new(DEBT_FILE, line, message));
                }
            }
        }
    }
    (debts, findings)
}

/// Every file and every function outside tests. Functions of one name in one file count as the
/// longest of them.
fn measure(repository: &Repository) -> BTreeMap<String, Measured> {
    let mut all: BTreeMap<String, Measured> = BTreeMap::new();
    let mut keep = |found: Measured| {
        let longest = all.get(&found.name).is_none_or(|known| known.lines < found.lines);
        if longest {
            all.insert(found.name.clone(), found);
        }
    };
    for (file, rust) in repository.rust() {
        let path = &file.path;
        keep(Measured {
            name: path.clone(),
            path: path.clone(),
            line: 1,
            lines: file.text.lines().count(),
            limit: FILE_LINES,
        });
        if file.is_for_tests() {
            continue;
        }
        for Function { name, line, lines } in functions(&rust.code) {
            if !rust.is_test(line) {
                let name = format!("{path}::{name}");
                keep(Measured { name, path: path.clone(), line, lines, limit: FUNCTION_LINES });
            }
        }
    }
    all
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// The functions with a body, from the line with `fn` to the line with the last brace.
fn functions(code: &str) -> Vec<Function<'_>> {
    let is_of_a_name = |found: char| found.is_alphanumeric() || found == '_';
    let heads = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_of_a_name));
    heads
        .filter_map(|(at, word)| {
            let rest = code[at + word.len()..].trim_start();
            let end = rest.find(|found| !is_of_a_name(found))?;
            let name = rest.get(..end).filter(|name| !name.is_empty())?;
            let End::Brace(close) = item_end(code, at)? else { return None };
            let line = line_at(code, at);
            Some(Function { name, line, lines: 1 + line_at(code, close) - line })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "crates/a/src/b.rs";

    /// A function of so many lines.
    fn function(name: &str, lines: usize) -> String {
        format!("pub fn {name}(a: [u8; 4]) -> u8 {{\n{}}}\n", "    a(\"}\");\n".repeat(lines - 2))
    }

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        within_limits(&Repository::of(files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn what_is_short_enough_is_left_alone() {
        let text = function("longest", FUNCTION_LINES) + &function("shortest", 2);
        assert_eq!(messages(&[(PATH, &text)]), Vec::<String>::new());
        assert_eq!(messages(&[(PATH, &"\n".repeat(FILE_LINES))]), Vec::<String>::new());
    }

    #[test]
    fn a_long_function_is_found() {
        let text = format!("trait A {{ fn short(&self); }}\n{}", function("long", 71));
        let expected = "crates/a/src/b.rs:2: crates/a/src/b.rs::long has 71 lines; 70 are allowed";
        assert_eq!(messages(&[(PATH, &text)]), [expected]);
    }

    #[test]
    fn a_long_function_in_an_impl_is_found_once() {
        let text = format!("impl A {{\n{}}}\n", function("long", 80) + &function("long", 90));
        let expected = "crates/a/src/b.rs:82: crates/a/src/b.rs::long has 90 lines; 70 are allowed";
        assert_eq!(messages(&[(PATH, &text)]), [expected]);
    }

    #[test]
    fn a_long_file_is_found() {
        let expected = "crates/a/src/b.rs:1: crates/a/src/b.rs has 501 lines; 500 are allowed";
        assert_eq!(messages(&[(PATH, &"\n".repeat(501))]), [expected]);
    }

    #[test]
    fn a_test_may_be_long() {
        let text = function("long", 100);
        let module = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        let files = [("crates/a/src/tests.rs", text.as_str()), (PATH, module.as_str())];
        assert_eq!(messages(&files), Vec::<String>::new());
    }

    #[test]
    fn a_debt_is_allowed_and_may_only_shrink() {
        let text = function("long", 80);
        let with_debt = |entry: &str| messages(&[(PATH, &text), (DEBT_FILE, entry)]);
        assert_eq!(with_debt("# known\n\ncrates/a/src/b.rs::long 80\n"), Vec::<String>::new());
        assert_eq!(
            with_debt("crates/a/src/b.rs::long 79"),
            ["crates/a/src/b.rs:1: crates/a/src/b.rs::long grew from 79 to 80 lines"]
        );
        assert_eq!(
            with_debt("# known\ncrates/a/src/b.rs::long 81"),
            ["crates/xtask/tidy-debt.txt:2: crates/a/src/b.rs::long shrank: lower its entry to 80"]
        );
    }

    #[test]
    fn a_debt_that_is_paid_or_unreadable_is_found() {
        let debts = "crates/a/src/b.rs::gone 80\nnonsense\n";
        assert_eq!(
            messages(&[(PATH, &function("short", 3)), (DEBT_FILE, debts)]),
            [
                "crates/xtask/tidy-debt.txt:2: an entry is `path lines` or `path::function lines`",
                "crates/xtask/tidy-debt.txt:1: crates/a/src/b.rs::gone is not too long any more: \
                 remove its entry",
            ]
        );
        let twice = "crates/a/src/b.rs::long 80\ncrates/a/src/b.rs::long 80\n";
        assert_eq!(
            messages(&[(PATH, &function("long", 80)), (DEBT_FILE, twice)]),
            ["crates/xtask/tidy-debt.txt:2: crates/a/src/b.rs::long has an entry already"]
        );
    }

    #[test]
    fn what_only_looks_like_a_function_is_none() {
        for code in ["type A = fn (u8);", "call(my_fn );", "fn $name() {}", "fn cut"] {
            assert_eq!(functions(code).len(), 0, "{code}");
        }
    }
}
