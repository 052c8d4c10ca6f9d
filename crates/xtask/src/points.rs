//! Searches binaries for crash points, which a shop that is handed out does not have.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use crate::tidy::points::{LIST, names};

/// Looks into each file; prints what it finds.
pub fn search(root: &Path, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let list = std::fs::read_to_string(root.join(LIST)).with_context(|| LIST.to_owned())?;
    let mut clean = true;
    for file in files {
        let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        let (found, all) = found(&list, &bytes);
        ensure!(all > 0, "{LIST} lists none");
        println!("{}: {} of {all} crash points", file.display(), found.len());
        for name in &found {
            println!("  {name}");
        }
        clean &= found.is_empty();
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of the list that stand in the bytes, and how many are listed.
fn found<'l>(list: &'l str, bytes: &[u8]) -> (Vec<&'l str>, usize) {
    let all: Vec<&str> = names(list).map(|(name, _)| name).collect();
    let count = all.len();
    let around_dots: Vec<&[u8]> = bytes.split(|byte| *byte == b'.').collect();
    let is_there = |name: &&str| {
        let (room, moment) = name.split_once('.').unwrap_or((name, ""));
        let (room, moment) = (room.as_bytes(), moment.as_bytes());
        around_dots.windows(2).any(|two| two[0].ends_with(room) && two[1].starts_with(moment))
    };
    (all.into_iter().filter(is_there).collect(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_among_bytes_is_found() {
        let list = "| `writer.committed` | x |\n| `lane.queued` | x |\n";
        assert_eq!(found(list, b"\0\xffwriter.committedlane.queue"), (vec!["writer.committed"], 2));
        assert_eq!(found(list, b""), (vec![], 2));
    }
}
