//! Style as a test: what the compiler and clippy do not look at.
//!
//! A check is a pure function over the texts of the repository and the crates of the workspace,
//! so that a test can plant what it has to find.

mod durability;
mod edges;
mod floats;
mod layout;
mod lengths;
mod manifests;
mod pitfalls;
pub mod points;
mod sleeps;
mod source;
mod sql;
mod words;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};

use self::manifests::Crate;
use self::source::Rust;

/// Text that people write here; pictures and lock files are not read.
const EXTENSIONS: [&str; 8] = ["rs", "toml", "md", "html", "css", "sql", "js", "sh"];
/// Scripts that have no extension.
const SCRIPTS: [&str; 1] = [".ci/run"];

type Check = fn(&Repository) -> Vec<Finding>;

const CHECKS: [Check; 14] = [
    edges::between_our_crates,
    edges::to_guarded_libraries,
    manifests::inherit_from_the_workspace,
    sql::stands_in_its_places,
    lengths::within_limits,
    words::not_used,
    sleeps::not_in_tests,
    floats::not_where_money_is,
    durability::not_switched_off,
    layout::files_are_named_by_their_subject,
    layout::readme_is_short,
    pitfalls::have_tests,
    points::are_listed,
    points::are_off_by_default,
];

/// Looks at the whole repository; prints what is wrong, or that nothing is.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let repository = Repository::read(root)?;
    let findings: BTreeSet<Finding> = CHECKS.iter().flat_map(|check| check(&repository)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    let (files, checks, found) = (repository.files.len(), CHECKS.len(), findings.len());
    println!("tidy: {files} files, {checks} checks, {found} findings");
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One thing that is not as it should be.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Everything that the checks look at.
#[derive(Default)]
struct Repository {
    files: Vec<TextFile>,
    crates: Vec<Crate>,
}

impl Repository {
    /// Reads what git keeps or would keep, and asks cargo for the workspace.
    fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in kept_paths(root)? {
            let extension = Path::new(&path).extension().and_then(|extension| extension.to_str());
            let is_text = extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
            if !is_text && !SCRIPTS.contains(&path.as_str()) && path != lengths::DEBT_FILE {
                continue;
            }
            let place = root.join(&path);
            // Git still names a file that is deleted but not yet committed so.
            if place.is_file() {
                let text = std::fs::read_to_string(&place)
                    .with_context(|| format!("cannot read {path} as text"))?;
                files.push(TextFile::new(&path, text));
            }
        }
        Ok(Self { files, crates: manifests::workspace_crates(root)? })
    }

    fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files, each with its text taken apart.
    fn rust(&self) -> impl Iterator<Item = (&TextFile, &Rust)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| TextFile::new(path, (*text).to_owned()));
        Self { files: files.collect(), crates: Vec::new() }
    }
}

/// A file's place in the repository, with `/` between folders, and what it says.
struct TextFile {
    path: String,
    text: String,
    rust: Option<Rust>,
}

impl TextFile {
    fn new(path: &str, text: String) -> Self {
        let rust = (extension(path) == Some("rs")).then(|| Rust::take_apart(&text));
        Self { path: path.to_owned(), text, rust }
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_in_folder(&self, folder: &str) -> bool {
        let mut folders = self.path.split('/').rev().skip(1);
        folders.any(|found| found == folder)
    }

    /// Whether the whole file is there for tests or benches.
    fn is_for_tests(&self) -> bool {
        self.name() == "tests.rs" || self.is_in_folder("tests") || self.is_in_folder("benches")
    }
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension().and_then(|extension| extension.to_str())
}

/// Everything git tracks, and what it would track if it were added now.
fn kept_paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("tidy asks git which files belong to the project, and cannot start it")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git cannot list the files of {}: {}", root.display(), said.trim());
    }
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compilers() {
        let finding = Finding::new("crates/a/src/lib.rs", 7, "is too long");
        assert_eq!(finding.to_string(), "crates/a/src/lib.rs:7: is too long");
    }

    #[test]
    fn a_file_knows_its_place() {
        let file = |path| TextFile::new(path, String::new());
        assert!(file("crates/a/src/tests.rs").is_for_tests());
        assert!(file("crates/a/tests/it/cart.rs").is_for_tests());
        assert!(file("crates/a/benches/lane.rs").is_for_tests());
        assert!(!file("crates/a/src/latests.rs").is_for_tests());
        assert!(!file("tests").is_for_tests());
    }

    #[test]
    fn untracked_files_are_read_and_ignored_ones_are_not() {
        let root = tempfile::tempdir().unwrap();
        let git = Command::new("git").args(["init", "--quiet"]).current_dir(root.path()).status();
        assert!(git.unwrap().success());
        for (name, text) in [(".gitignore", "/target\n"), ("a.rs", ""), ("target", "")] {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        assert_eq!(kept_paths(root.path()).unwrap(), [".gitignore", "a.rs"]);
    }

    #[test]
    fn this_repository_is_readable() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let repository = Repository::read(root).unwrap();
        assert!(repository.file("crates/xtask/src/tidy.rs").is_some());
        assert!(repository.crates.iter().any(|found| found.name == "xtask"));
    }
}
