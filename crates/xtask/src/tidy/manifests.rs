//! The crates of the workspace as cargo sees them, and what each manifest has to say.

use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{Finding, Repository, TextFile};

/// A member of the workspace.
pub struct Crate {
    pub name: String,
    /// Its `Cargo.toml`, from the root of the repository.
    pub manifest: String,
    pub dependencies: Vec<Dependency>,
}

/// What a crate names.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Debug)]
pub struct Dependency {
    pub name: String,
    /// Named by its tests and benches only.
    pub for_tests: bool,
}

/// Asks cargo for the members of the workspace. No network, no lock file needed.
pub fn workspace_crates(root: &Path) -> anyhow::Result<Vec<Crate>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo cannot describe the workspace")?;
    let base = &metadata.workspace_root;
    let members = metadata.packages.iter().map(|package| {
        let manifest = package.manifest_path.strip_prefix(base).unwrap_or(&package.manifest_path);
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            for_tests: dependency.kind == DependencyKind::Development,
        });
        Crate {
            name: package.name.to_string(),
            manifest: manifest.as_str().replace('\\', "/"),
            dependencies: dependencies.collect(),
        }
    });
    Ok(members.collect())
}

/// What every crate takes from the workspace instead of saying it again.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];
const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub fn inherit_from_the_workspace(repository: &Repository) -> Vec<Finding> {
    let manifests = repository
        .files
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"));
    manifests.flat_map(check_manifest).collect()
}

fn check_manifest(file: &TextFile) -> Vec<Finding> {
    let table: toml::Table = match file.text.parse() {
        Ok(table) => table,
        Err(error) => {
            return vec![Finding::new(&file.path, 1, format!("not readable: {}", error.message()))];
        }
    };
    let get = |section: &str, key: &str| table.get(section)?.as_table()?.get(key);
    let mut findings = Vec::new();
    let mut complain = |start: &str, message: String| {
        findings.push(Finding::new(&file.path, line_starting_with(&file.text, start), message));
    };
    let description = get("package", "description").and_then(toml::Value::as_str);
    if description.unwrap_or_default().trim().is_empty() {
        complain("[package]", "has no description".to_owned());
    }
    for key in INHERITED {
        if !get("package", key).is_some_and(is_inherited) {
            complain(key, format!("write `{key}.workspace = true`"));
        }
    }
    if !table.get("lints").is_some_and(is_inherited) {
        complain("[lints]", "write `[lints]` with `workspace = true`".to_owned());
    }
    for section in DEPENDENCY_TABLES {
        let dependencies = table.get(section).and_then(toml::Value::as_table);
        for (name, dependency) in dependencies.into_iter().flatten() {
            // A crate that names itself for its tests has only a path to do it with.
            let is_itself = get("package", "name").and_then(toml::Value::as_str) == Some(name);
            if !is_itself && !is_inherited(dependency) {
                complain(
                    name,
                    format!("take {name} from the workspace: `{name}.workspace = true`"),
                );
            }
        }
    }
    findings
}

fn is_inherited(value: &toml::Value) -> bool {
    value.get("workspace").and_then(toml::Value::as_bool) == Some(true)
}

/// The line, counted from 1, that starts with a key; the first one when there is none.
pub fn line_starting_with(manifest: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        let rest = line.strip_prefix(key);
        rest.is_some_and(|rest| {
            !rest.starts_with(|found: char| found.is_alphanumeric() || found == '-')
        })
    };
    1 + manifest.lines().position(is_key).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\ndescription = \"A room.\"\n\n[dependencies]\n\
        serde.workspace = true\nuuid = { workspace = true, optional = true }\n\n\
        [dev-dependencies]\na = { path = \".\" }\n\n[lints]\nworkspace = true\n";

    fn messages(text: &str) -> Vec<String> {
        let repository = Repository::of(&[("crates/a/Cargo.toml", text)]);
        inherit_from_the_workspace(&repository).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_good_manifest_is_left_alone() {
        assert_eq!(messages(GOOD), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let plants = [
            ("description = \"A room.\"\n", "", "crates/a/Cargo.toml:1: has no description"),
            (
                "edition.workspace = true",
                "edition = \"2021\"",
                "crates/a/Cargo.toml:4: write `edition.workspace = true`",
            ),
            (
                "[lints]\nworkspace = true\n",
                "",
                "crates/a/Cargo.toml:1: write `[lints]` with `workspace = true`",
            ),
            (
                "serde.workspace = true",
                "serde = \"1\"",
                "crates/a/Cargo.toml:11: take serde from the workspace: `serde.workspace = true`",
            ),
        ];
        for (good, bad, expected) in plants {
            assert_eq!(messages(&GOOD.replace(good, bad)), [expected]);
        }
    }

    #[test]
    fn what_is_no_manifest_is_said_so() {
        assert_eq!(messages("[package").len(), 1);
        let elsewhere = Repository::of(&[("Cargo.toml", "[workspace]\n")]);
        assert_eq!(inherit_from_the_workspace(&elsewhere), []);
    }
}
