//! Names and sizes of files that say something to a reader.

use super::{Finding, Repository};

/// Names that say nothing about a subject.
const EMPTY_NAMES: [&str; 9] =
    ["service", "services", "manager", "managers", "util", "utils", "helper", "helpers", "models"];

const README: &str = "README.md";
const README_LINES: usize = 120;

pub fn files_are_named_by_their_subject(repository: &Repository) -> Vec<Finding> {
    let named = repository.rust().filter_map(|(file, _)| {
        let mut parts = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        let name = parts.find(|part| EMPTY_NAMES.contains(part))?;
        let message = format!("`{name}` names no subject: call the file by what it is about");
        Some(Finding::new(&file.path, 1, message))
    });
    named.collect()
}

pub fn readme_is_short(repository: &Repository) -> Vec<Finding> {
    let lines = repository.file(README).map_or(0, |file| file.text.lines().count());
    if lines <= README_LINES {
        return Vec::new();
    }
    let message = format!("{lines} lines; {README_LINES} are allowed: move the rest to docs/");
    vec![Finding::new(README, README_LINES + 1, message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_subject_is_found() {
        let findings = files_are_named_by_their_subject(&Repository::of(&[
            ("crates/orders/src/service.rs", ""),
            ("crates/orders/src/utils/mod.rs", ""),
            ("crates/orders/src/services_of_carriers.rs", ""),
            ("docs/service.md", ""),
        ]));
        let paths: Vec<&str> = findings.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["crates/orders/src/service.rs", "crates/orders/src/utils/mod.rs"]);
    }

    #[test]
    fn a_long_readme_is_found() {
        let of_lines = |lines: usize| {
            let text = "a\n".repeat(lines);
            readme_is_short(&Repository::of(&[(README, &text)]))
        };
        assert_eq!(of_lines(README_LINES), []);
        assert_eq!(of_lines(README_LINES + 1)[0].line, 121);
        assert_eq!(readme_is_short(&Repository::default()), []);
    }
}
