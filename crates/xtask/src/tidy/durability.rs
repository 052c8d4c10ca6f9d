//! What a commit promises is not switched off, in tests no more than in a shop: only a bench may
//! show what it would bring.

use super::{Finding, Repository, extension};

/// Settings and the values they must not have, as they look without spaces and quotes.
const SETTINGS: [(&str, &[&str]); 4] = [
    ("synchronous", &["off", "normal", "0", "1"]),
    ("synchronous_commit", &["off", "local"]),
    ("fsync", &["off", "false", "0"]),
    ("full_page_writes", &["off", "false", "0"]),
];

pub fn not_switched_off(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repository.files {
        // Prose may say why.
        if file.is_in_folder("benches") || extension(&file.path) == Some("md") {
            continue;
        }
        let text = file.rust.as_ref().map_or(&file.text, |rust| &rust.uncommented);
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(setting) = weakened(line) {
                let message = format!("{setting} is weakened: acknowledged orders would be lost");
                findings.push(Finding::new(&file.path, number, message));
            }
        }
    }
    findings
}

fn weakened(line: &str) -> Option<&'static str> {
    let line = line.to_lowercase();
    let is_of_a_word = |found: char| found.is_alphanumeric() || found == '_';
    let weakens = |setting: &str, values: &[&str]| {
        line.match_indices(setting).any(|(at, _)| {
            let value = value_given(&line[at + setting.len()..]);
            !line[..at].ends_with(is_of_a_word) && values.contains(&value.as_str())
        })
    };
    SETTINGS.iter().find(|(setting, values)| weakens(setting, values)).map(|(setting, _)| *setting)
}

/// The word that a setting is given, in SQL, in a configuration file or as an argument:
/// ` = off`, `=off`, `", "off"`, ` to off`. Empty when what follows gives none.
fn value_given(rest: &str) -> String {
    let is_noise = |found: char| found.is_whitespace() || "\"'`".contains(found);
    let rest = rest.trim_start_matches(is_noise);
    let given = rest.strip_prefix(['=', ',', ':']).or_else(|| rest.strip_prefix("to "));
    let value = given.unwrap_or_default().trim_start_matches(is_noise);
    value.chars().take_while(|found| found.is_alphanumeric() || *found == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples have a stroke in them, so that they are no settings in this file.
    fn example(text: &str) -> String {
        text.replace('/', "")
    }

    #[test]
    fn a_weakened_setting_is_found_however_it_is_written() {
        for line in [
            "pragma synchronous = NOR/MAL;",
            "connection.pragma_update(None, \"synchronous\", \"O/FF\")?;",
            "args.push(\"fsync=o/ff\")",
            "set_config('synchronous_commit', 'o/ff', true)",
            "set synchronous_commit TO o/ff",
            "full_page_writes = o/ff",
        ] {
            assert!(weakened(&example(line)).is_some(), "{line}");
        }
        for line in [
            "pragma synchronous=FULL",
            "synchronous: bool",
            "fsync = on",
            "synchronous_commit = on",
            "offsync=off",
            "one synchronous commit",
            "fsync",
        ] {
            assert_eq!(weakened(line), None, "{line}");
        }
    }

    #[test]
    fn comments_prose_and_benches_may_name_it() {
        let text = "// synchronous=NOR/MAL loses orders\nlet a = \"synchronous=NOR/MAL\";\n";
        let text = &text.replace("NOR/MAL", "NORMAL");
        let findings = not_switched_off(&Repository::of(&[
            ("crates/store/src/sqlite.rs", text),
            ("crates/flows/benches/lane.rs", text),
            ("docs/operating.md", text),
        ]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "crates/store/src/sqlite.rs");
        assert_eq!(findings[0].line, 2);
    }
}
