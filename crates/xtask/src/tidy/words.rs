//! Words that have no business in the repository: postponed work, ignored tests, one machine's
//! paths. The patterns are put together here so that this file does not contain them itself.

use super::{Finding, Repository};

/// Macros and attributes, found wherever they stand.
const MARKS: [(&str, &str); 3] = [
    (concat!("to", "do!"), "write it, or open an issue"),
    (concat!("unimpl", "emented!"), "write it, or open an issue"),
    (concat!("#[ig", "nore"), "a test runs, or it is not there"),
];

/// Found as whole words.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Found where they start a path.
const FOLDERS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

pub fn not_used(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repository.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            let messages = in_line(line);
            findings.extend(messages.map(|message| Finding::new(&file.path, number, message)));
        }
    }
    findings
}

fn in_line(line: &str) -> impl Iterator<Item = String> {
    let marks = MARKS
        .iter()
        .filter(move |(mark, _)| line.contains(mark))
        .map(|(mark, advice)| format!("{mark}: {advice}"));
    let notes = NOTES
        .iter()
        .filter(move |note| contains_word(line, note))
        .map(|note| format!("{note}: do it now, or open an issue"));
    let folders = FOLDERS
        .iter()
        .filter(move |folder| contains_path(line, folder))
        .map(|folder| format!("{folder} is a place on one machine"));
    marks.chain(notes).chain(folders)
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_of_a_word = |found: char| found.is_alphanumeric() || found == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        // Alone in quotes it is a value: ISO 4217 has a code like that for "no currency".
        let is_value = before.ends_with('"') && after.starts_with('"');
        !is_value && !before.ends_with(is_of_a_word) && !after.starts_with(is_of_a_word)
    })
}

/// A path starts with the folder, and does not merely pass through one of that name.
fn contains_path(line: &str, folder: &str) -> bool {
    let goes_on = |found: char| found.is_alphanumeric() || "_-.}$*~".contains(found);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        in_line(line).count()
    }

    #[test]
    fn postponed_work_is_found() {
        for mark in MARKS.map(|(mark, _)| mark) {
            assert_eq!(found(&format!("    {mark}(\"later\")")), 1, "{mark}");
        }
        for note in NOTES {
            assert_eq!(found(&format!("// {note}: later")), 1, "{note}");
            assert_eq!(found(&format!("a {note}")), 1, "{note}");
            assert_eq!(found(&format!("{note}LIST A_{note} \"{note}\"")), 0, "{note}");
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in FOLDERS {
            assert_eq!(found(&format!("cd {folder}holdfast")), 1, "{folder}");
            assert_eq!(found(&format!("\"{folder}a\"")), 1, "{folder}");
            assert_eq!(found(&format!("example.org{folder}a")), 0, "{folder}");
            assert_eq!(found(&format!("{{data}}{folder}a .{folder}a")), 0, "{folder}");
        }
    }

    #[test]
    fn the_place_is_named() {
        let text = format!("fine\n# {}\n", NOTES[0]);
        let findings = not_used(&Repository::of(&[("docs/a.md", &text)]));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].path.as_str(), findings[0].line), ("docs/a.md", 2));
    }
}
