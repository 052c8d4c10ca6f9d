//! Pitfalls of payments: each row of the table in the documentation names tests that are there.

use std::collections::BTreeSet;

use super::{Finding, Repository};

/// Where they are listed.
const LIST: &str = "docs/payments.md";
/// The table's head.
const HEAD: &str = "| # | what goes wrong |";
/// As many rows as the table has.
const ROWS: usize = 30;

pub(super) fn have_tests(repository: &Repository) -> Vec<Finding> {
    let Some(list) = repository.file(LIST) else { return Vec::new() };
    let mut tests = BTreeSet::new();
    for (_, rust) in repository.rust() {
        let names = rust.uncommented.split("fn ").skip(1);
        tests.extend(names.filter_map(|rest| rest.split('(').next()).map(str::trim));
    }
    let mut findings = Vec::new();
    let (mut row, mut in_table) = (0, false);
    for (number, line) in (1..).zip(list.text.lines()) {
        if line.starts_with(HEAD) {
            in_table = true;
        } else if in_table && !line.starts_with('|') {
            break;
        } else if in_table && !line.starts_with("|---") {
            row += 1;
            let mut complain = |message| findings.push(Finding::new(LIST, number, message));
            if !line.starts_with(&format!("| {row} |")) {
                complain(format!("this should be pitfall {row}"));
            }
            let mark = format!("p{row:02}_");
            let named: Vec<&str> =
                line.split('`').skip(1).step_by(2).filter(|name| name.starts_with(&mark)).collect();
            if named.is_empty() {
                complain(format!("pitfall {row} names no test that begins with `{mark}`"));
            }
            for name in named.iter().filter(|name| !tests.contains(**name)) {
                complain(format!("there is no test `{name}`"));
            }
        }
    }
    if row != ROWS {
        findings.push(Finding::new(LIST, 1, format!("{row} pitfalls are listed, and not {ROWS}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: impl Fn(usize) -> Option<String>) -> Vec<String> {
        let row = |n: usize| format!("| {n} | x | y | `p{n:02}_holds` |\n");
        let rows: Vec<String> = (1..=ROWS).map(|n| change(n).unwrap_or_else(|| row(n))).collect();
        let list = format!("# Payments\n\n{HEAD} z |\n|---|---|\n{}\nMore.\n", rows.concat());
        let test = |n| format!("#[test]\nfn p{n:02}_holds() {{}}\n");
        let code = (1..=ROWS).map(test).collect::<Vec<_>>().concat();
        let repository = Repository::of(&[(LIST, &list), ("crates/a/src/tests.rs", &code)]);
        have_tests(&repository).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn every_row_names_tests_that_are_there() {
        assert_eq!(found(|_| None), [""; 0]);
        let gone = |n| (n == 7).then(|| "| 7 | x | y | `p07_holds`, `p07_gone` |\n".to_owned());
        assert_eq!(found(gone), ["docs/payments.md:11: there is no test `p07_gone`"]);
        let none = |n| (n == 2).then(|| "| 2 | x | y | `p03_holds` |\n".to_owned());
        let says = "docs/payments.md:6: pitfall 2 names no test that begins with `p02_`";
        assert_eq!(found(none), [says]);
        let short = found(|n| (n == ROWS).then(String::new));
        assert_eq!(short, ["docs/payments.md:1: 29 pitfalls are listed, and not 30"]);
    }
}
