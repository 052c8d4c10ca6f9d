//! What can be asked for on the command line, and how a life is written there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;

use clap::Parser;
use sim::{Life, Trouble};

/// Lives of a shop: customers, staff, payments, clocks, crashes and broken disks, all decided by
/// a seed. Every life ends with a look whether an order was lost, stock was sold twice, somebody
/// paid twice, or money stayed without goods.
#[derive(Parser, Debug)]
#[command(
    version,
    after_help = "Examples:\n  \
    sim --lives 10000              ten thousand lives, from seed 1\n  \
    sim --lives 10000 --seed 5000  the ten thousand after them that begin at 5000\n  \
    sim --seed 4711                one life, told line by line; the same each time\n  \
    sim --seed 4711 --shrink       the shortest life that breaks the same rule\n\n\
    It ends with 1 when a rule was broken, and says how to repeat the life that broke it."
)]
pub struct Cli {
    /// The seed of the life to repeat; with --lives the first of them.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Explore so many lives, and tell only those that break a rule.
    #[arg(long)]
    pub lives: Option<u64>,
    /// Look for a shorter life that breaks the same rule.
    #[arg(long, conflicts_with = "lives")]
    pub shrink: bool,
    /// Threads that live lives side by side; each life stays on one [default: the cores].
    #[arg(long)]
    pub jobs: Option<NonZeroUsize>,
    /// Stop at the first life that breaks a rule.
    #[arg(long, requires = "lives")]
    pub first: bool,
    /// Leave acts out, by the numbers in the trace: 3,7,9-14.
    #[arg(long, value_name = "ACTS", value_parser = acts, conflicts_with = "lives")]
    pub drop: Option<Acts>,
    /// Switch troubles off: crash, storage, lost-answer, slow, gateway, notices, lies,
    /// late-money, clock, impatience.
    #[arg(long, value_name = "TROUBLES", value_delimiter = ',', conflicts_with = "lives")]
    pub off: Vec<Trouble>,
    /// Another order of the same events.
    #[arg(long, default_value_t = 0, conflicts_with = "lives")]
    pub variation: u64,
}

/// Numbers of acts.
#[derive(Clone, Debug, Default)]
pub struct Acts(BTreeSet<usize>);

fn acts(text: &str) -> Result<Acts, String> {
    let number = |text: &str| {
        text.trim().parse::<usize>().map_err(|_| format!("`{text}` is no number of an act"))
    };
    let mut all = BTreeSet::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        match part.split_once('-') {
            Some((first, last)) => all.extend(number(first)?..=number(last)?),
            None => all.extend([number(part)?]),
        }
    }
    Ok(Acts(all))
}

impl Cli {
    /// The one life that is asked for.
    pub fn life(&self) -> Life {
        Life {
            seed: self.seed,
            left_out: self.drop.clone().unwrap_or_default().0,
            off: self.off.iter().copied().collect(),
            variation: self.variation,
        }
    }

    /// Threads to use.
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.map_or_else(cores, NonZeroUsize::get)
    }
}

/// The command that repeats a life.
pub fn command(life: &Life) -> String {
    let mut text = format!("cargo run --release -p sim -- --seed {}", life.seed);
    if !life.left_out.is_empty() {
        let _ = write!(text, " --drop {}", ranges(&life.left_out));
    }
    if !life.off.is_empty() {
        let words: Vec<&str> = life.off.iter().map(|trouble| trouble.word()).collect();
        let _ = write!(text, " --off {}", words.join(","));
    }
    if life.variation > 0 {
        let _ = write!(text, " --variation {}", life.variation);
    }
    text
}

fn ranges(numbers: &BTreeSet<usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let words = ranges.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_written_as_it_is_read() {
        let text = "sim --seed 7 --drop 1,3-5,9 --off crash,lies --variation 2";
        let cli = Cli::parse_from(text.split(' '));
        let life = cli.life();
        assert_eq!(life.left_out, BTreeSet::from([1, 3, 4, 5, 9]));
        let written = command(&life).replace("cargo run --release -p sim --", "sim");
        assert_eq!(written, text);
        for wrong in ["sim --drop x", "sim --off rain", "sim --lives 3 --shrink"] {
            assert!(Cli::try_parse_from(wrong.split(' ')).is_err(), "{wrong}");
        }
    }
}
