//! The simulator finds what is planted:
//! `cargo test --release -p sim --features planted --test planted -- --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on without its town ends"
)]

use std::sync::Arc;
use std::thread::available_parallelism;

use kernel::planted::{Bug, plant};
use sim::{Explore, Town};

/// Lives within which each bug is found.
const LIVES_MAX: u64 = 5_000;

/// One test, since a bug is planted in the whole process.
#[test]
fn every_planted_bug_is_found() {
    // A bug may well panic; what is said of it is said below.
    sim::panics::hush();
    let town = Arc::new(Town::build("").expect("a town"));
    let threads = available_parallelism().map_or(1, usize::from);
    let explore =
        |lives, until_broken| Explore { from: 1, lives, threads, until_broken }.run(&town, |_| {});
    plant(None);
    let sound = explore(200, false);
    println!("{:58} {} lives, {:?}", "nothing planted", sound.lives, sound.broken);
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        plant(Some(*bug));
        let tally = explore(LIVES_MAX, true);
        // With threads side by side the first seed that broke need not be the first found.
        if let Some((seed, rule)) = tally.broken.first_key_value() {
            println!("{:58} found in life {seed:>4}: {rule}", bug.word());
        } else {
            println!("{:58} NOT FOUND in {} lives", bug.word(), tally.lives);
            missed.push(*bug);
        }
    }
    plant(None);
    println!("{} of {} found", Bug::ALL.len() - missed.len(), Bug::ALL.len());
    assert!(sound.broken.is_empty(), "what is not planted is not found: {:?}", sound.broken);
    assert!(missed.is_empty(), "not found: {missed:?}");
}
