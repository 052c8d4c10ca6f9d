//! Crash points: the list in the documentation against the code, and that no manifest turns them
//! on by itself.

use std::collections::BTreeMap;

use super::source::line_at;
use super::{Finding, Repository};

/// Where they are listed.
pub const LIST: &str = "docs/crash-points.md";
/// How they stand in the code.
const MACROS: [&str; 2] = [concat!("crash_po", "int!(\""), concat!("crash_wo", "rd!(\"")];
/// The feature of a build that has them.
const FEATURE: &str = "failpoints";

pub(super) fn are_listed(repository: &Repository) -> Vec<Finding> {
    let listed: BTreeMap<&str, usize> =
        repository.file(LIST).map(|list| names(&list.text).collect()).unwrap_or_default();
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, rust) in repository.rust() {
        for mark in MACROS {
            for (at, _) in rust.uncommented.match_indices(mark) {
                let name = rust.uncommented[at + mark.len()..].split('"').next().unwrap_or("");
                let line = line_at(&rust.uncommented, at);
                if let Some(path) = seen.insert(name, &file.path) {
                    let message = format!("the crash point `{name}` is in {path} already");
                    findings.push(Finding::new(&file.path, line, message));
                }
                if !listed.contains_key(name) {
                    let message = format!("the crash point `{name}` is not in {LIST}");
                    findings.push(Finding::new(&file.path, line, message));
                }
            }
        }
    }
    let gone = listed.into_iter().filter(|(name, _)| !seen.contains_key(name));
    findings.extend(gone.map(|(name, line)| {
        Finding::new(LIST, line, format!("there is no crash point `{name}` in the code"))
    }));
    findings
}

/// The names in the list, with their lines.
pub fn names(list: &str) -> impl Iterator<Item = (&str, usize)> {
    (1..).zip(list.lines()).filter_map(|(number, line)| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        Some((name, number))
    })
}

/// Whoever wants them asks for them on the command line.
pub(super) fn are_off_by_default(repository: &Repository) -> Vec<Finding> {
    let manifests = repository.files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let mut findings = Vec::new();
    for file in manifests {
        for (number, line) in (1..).zip(file.text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let asks =
                line.contains(&format!("\"{FEATURE}\"")) || line.contains(&format!("/{FEATURE}\""));
            // The feature itself, handing on; and the library, which is nothing without its own.
            let may = line.starts_with(&format!("{FEATURE} = ")) || line.starts_with("fail = ");
            if asks && !may {
                let message = format!("turns `{FEATURE}` on: a shop must be built without it");
                findings.push(Finding::new(&file.path, number, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str) -> String {
        format!("fn f() {{\n    kernel::{}{name}\");\n}}\n", MACROS[0])
    }

    #[test]
    fn the_list_and_the_code_are_the_same() {
        let list = "| point | x |\n|---|---|\n| `a.b` | x |\n| `e.f` | x |\n";
        let (good, bad) = (point("a.b"), point("c.d"));
        let findings = are_listed(&Repository::of(&[
            (LIST, list),
            ("crates/a/src/one.rs", &good),
            ("crates/a/src/three.rs", &bad),
            ("crates/a/src/two.rs", &good),
        ]));
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(
            lines,
            [
                "crates/a/src/three.rs:2: the crash point `c.d` is not in docs/crash-points.md",
                "crates/a/src/two.rs:2: the crash point `a.b` is in crates/a/src/one.rs already",
                "docs/crash-points.md:4: there is no crash point `e.f` in the code",
            ]
        );
    }

    #[test]
    fn a_manifest_that_turns_them_on_is_found() {
        let found = |text: &str| {
            are_off_by_default(&Repository::of(&[("crates/a/Cargo.toml", text)])).len()
        };
        for good in [
            "failpoints = [\"dep:fail\"]\n",
            "failpoints = [\"kernel/failpoints\"]\n",
            "fail = { version = \"0.5\", features = [\"failpoints\"] }\n",
            "# \"failpoints\"\n",
        ] {
            assert_eq!(found(good), 0, "{good}");
        }
        for bad in [
            "default = [\"failpoints\"]\n",
            "default = [\"kernel/failpoints\"]\n",
            "kernel = { workspace = true, features = [\"failpoints\"] }\n",
            "    \"failpoints\",\n",
        ] {
            assert_eq!(found(bad), 1, "{bad}");
        }
    }
}
