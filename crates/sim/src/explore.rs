//! Many lives, on as many threads as wanted; each life stays on one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;

use crate::life::{Life, Outcome};
use crate::town::Town;

/// What many lives came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Lives lived.
    pub lives: u64,
    /// Requests of people and rounds of jobs, over all of them.
    pub operations: u64,
    /// Seeds whose life broke a rule, with the first rule it broke.
    pub broken: BTreeMap<u64, String>,
}

/// How to explore.
#[derive(Clone, Copy, Debug)]
pub struct Explore {
    /// The first seed.
    pub from: u64,
    /// How many lives.
    pub lives: u64,
    /// Threads.
    pub threads: usize,
    /// Whether to end at the first life that breaks a rule.
    pub until_broken: bool,
}

impl Explore {
    /// Lives them all; `lived` hears of each as it ends, in no promised order.
    pub fn run(&self, town: &Arc<Town>, mut lived: impl FnMut(&Outcome)) -> Tally {
        let (next, enough) = (AtomicU64::new(0), AtomicBool::new(false));
        let (to, outcomes) = channel();
        let mut tally = Tally::default();
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                let (to, next, enough) = (to.clone(), &next, &enough);
                scope.spawn(move || {
                    while !enough.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= self.lives {
                            return;
                        }
                        let seed = self.from.wrapping_add(index);
                        if to.send((seed, Life::of(seed).live(town, false))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(to);
            for (seed, outcome) in outcomes {
                tally.lives += 1;
                tally.operations += outcome.operations;
                lived(&outcome);
                if let Some(violation) = outcome.violations.first() {
                    tally.broken.insert(seed, violation.rule.clone());
                    enough.store(self.until_broken, Ordering::Relaxed);
                }
            }
        });
        tally
    }
}
