//! What came of a run, for people at a terminal and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::case::{Case, Verdict};

/// One attack with its cases.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub id: &'static str,
    pub name: &'static str,
    pub seconds: f64,
    pub cases: Vec<Case>,
}

impl Entry {
    /// The worst of its cases.
    pub fn verdict(&self) -> Verdict {
        let any = |verdict| self.cases.iter().any(|case| case.verdict == verdict);
        [Verdict::GotThrough, Verdict::NotTried, Verdict::Held]
            .into_iter()
            .find(|verdict| any(*verdict))
            .unwrap_or(Verdict::NotHere)
    }
}

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub target: String,
    pub engine: &'static str,
    pub rounds: u32,
    pub quick: bool,
    pub seed: u64,
    /// Milliseconds between shop and database that were put there.
    pub db_delay_ms: u128,
    pub seconds: f64,
    pub attacks: Vec<Entry>,
}

impl Report {
    pub fn count(&self, verdict: Verdict) -> usize {
        let cases = self.attacks.iter().flat_map(|entry| &entry.cases);
        cases.filter(|case| case.verdict == verdict).count()
    }

    pub fn is_good(&self) -> bool {
        let mut cases = self.attacks.iter().flat_map(|entry| &entry.cases);
        cases.all(|case| case.verdict.is_good())
    }

    /// One line that says it all.
    pub fn summary(&self) -> String {
        let count = |verdict| self.count(verdict);
        format!(
            "{} attacks, {} cases on {} in {:.0} s: {} held, {} got through, {} not tried, {} not \
             here",
            self.attacks.len(),
            self.attacks.iter().map(|entry| entry.cases.len()).sum::<usize>(),
            self.engine,
            self.seconds,
            count(Verdict::Held),
            count(Verdict::GotThrough),
            count(Verdict::NotTried),
            count(Verdict::NotHere),
        )
    }

    /// A line for each attack, and every case that was not held in full.
    pub fn table(&self, every_case: bool) -> String {
        let mut out = String::new();
        for entry in &self.attacks {
            let held = entry.cases.iter().filter(|case| case.verdict == Verdict::Held).count();
            let tried = entry.cases.iter().filter(|case| case.verdict != Verdict::NotHere).count();
            // Writing to a string does not fail.
            let _ = writeln!(
                out,
                "  {:<4} {:<62} {held:>3} of {tried:<3} {:>5.1} s  {}",
                entry.id,
                entry.name,
                entry.seconds,
                entry.verdict().word()
            );
            for case in &entry.cases {
                if every_case || !case.verdict.is_good() {
                    let Case { id, did, expected, seen, verdict } = case;
                    let word = verdict.word();
                    let _ = writeln!(out, "       {id:<7} {word:<11} {did}");
                    let _ = writeln!(out, "               expected {expected}");
                    let _ = writeln!(out, "               seen     {seen}");
                }
            }
        }
        let _ = writeln!(out, "\n{}", self.summary());
        out
    }
}
