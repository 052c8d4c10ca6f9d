//! What of a night is done, line by line, so that it goes on after an interruption.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A piece that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Done {
    /// The step's name.
    pub step: String,
    /// Which piece of it, from 0.
    pub piece: u32,
    /// Whether it ended well.
    pub good: bool,
    /// How long it took.
    pub seconds: u64,
    /// The last thing it said.
    pub said: String,
}

impl Done {
    fn line(&self) -> String {
        let word = if self.good { "good" } else { "bad" };
        format!("{}\t{}\t{word}\t{}\t{}", self.step, self.piece, self.seconds, self.said)
    }

    fn read(line: &str) -> Option<Self> {
        let mut parts = line.splitn(5, '\t');
        Some(Self {
            step: parts.next()?.to_owned(),
            piece: parts.next()?.parse().ok()?,
            good: parts.next()? == "good",
            seconds: parts.next()?.parse().ok()?,
            said: parts.next()?.to_owned(),
        })
    }
}

/// The folder of one night.
pub struct Journal {
    /// Logs, journal and report are in here.
    pub folder: PathBuf,
    /// Seeds of pieces come from it.
    pub seed: u64,
    /// In the order in which they ended.
    pub done: Vec<Done>,
}

impl Journal {
    /// The night of `commit` below `parent`: the one that was begun, or a new one.
    pub fn open(parent: &Path, commit: &str, seed: u64, fresh: bool) -> anyhow::Result<Self> {
        let folder = parent.join(commit);
        if fresh && folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let seed = if let Ok(text) = fs::read_to_string(folder.join("seed")) {
            text.trim().parse().context("the seed of the night cannot be read")?
        } else {
            fs::write(folder.join("seed"), seed.to_string())?;
            seed
        };
        let lines = fs::read_to_string(folder.join("journal")).unwrap_or_default();
        // A last line that was cut off is a piece that runs again.
        let done = lines.lines().filter_map(Done::read).collect();
        Ok(Self { folder, seed, done })
    }

    /// Whether this piece has ended.
    pub fn has(&self, step: &str, piece: u32) -> bool {
        self.done.iter().any(|done| done.step == step && done.piece == piece)
    }

    /// Remembers a piece, also after this process.
    pub fn note(&mut self, done: Done) -> anyhow::Result<()> {
        let mut file =
            File::options().create(true).append(true).open(self.folder.join("journal"))?;
        writeln!(file, "{}", done.line())?;
        self.done.push(done);
        Ok(())
    }

    /// Where a piece writes what it says.
    pub fn log(&self, step: &str, piece: u32) -> PathBuf {
        self.folder.join(format!("{step}-{piece}.log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(piece: u32, good: bool) -> Done {
        Done { step: "lives".into(), piece, good, seconds: 61, said: "25000 lives\twell".into() }
    }

    #[test]
    fn a_night_goes_on_where_it_was() {
        let parent = tempfile::tempdir().unwrap();
        let mut first = Journal::open(parent.path(), "abc", 7, false).unwrap();
        first.note(done(0, true)).unwrap();
        first.note(done(2, false)).unwrap();
        let again = Journal::open(parent.path(), "abc", 8, false).unwrap();
        assert_eq!((again.seed, &again.done), (7, &first.done));
        assert!(again.has("lives", 2) && !again.has("lives", 1) && !again.has("power", 0));
        let other = Journal::open(parent.path(), "def", 8, false).unwrap();
        assert!(other.seed == 8 && other.done.is_empty());
        assert!(Journal::open(parent.path(), "abc", 9, true).unwrap().done.is_empty());
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_read() {
        let whole = done(3, true).line();
        assert_eq!(Done::read(&whole), Some(done(3, true)));
        assert_eq!(Done::read("lives\t3\tgood"), None);
        assert_eq!(Done::read(""), None);
    }
}
