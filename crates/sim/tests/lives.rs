//! Lives in the size of a test: a few hundred; `cargo run --release -p sim -- --lives 10000` is
//! the size of a check before a change goes in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on without its town ends"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use sim::{Explore, Life, Town, Trouble, hash_of, shrink};

static TOWN: LazyLock<Arc<Town>> = LazyLock::new(|| Arc::new(Town::build("").unwrap()));

#[test]
fn nothing_breaks_in_a_few_hundred_lives() {
    let threads = available_parallelism().map_or(1, usize::from);
    let explore = Explore { from: 1_000_000, lives: 200, threads, until_broken: false };
    let tally = explore.run(&TOWN, |_| {});
    assert_eq!(tally.lives, 200);
    assert!(tally.operations > 200 * 30, "lives are full: {}", tally.operations);
    assert!(tally.broken.is_empty(), "repeat with --seed: {:?}", tally.broken);
}

#[test]
fn the_same_life_comes_out_the_same() {
    let mut seen = BTreeSet::new();
    for seed in 1..=20 {
        let life = Life::of(seed);
        let first = hash_of(&life.live(&TOWN, true).trace);
        // On a database that others have lived in meanwhile, and with its trace not kept.
        Life::of(seed + 100).live(&TOWN, false);
        assert_eq!(first, hash_of(&life.live(&TOWN, true).trace), "seed {seed}");
        seen.insert(first);
    }
    assert_eq!(seen.len(), 20, "each seed has a life of its own");
}

#[test]
fn every_trouble_can_be_switched_off_and_every_act_left_out() {
    let calm = Life { off: Trouble::ALL.iter().copied().collect(), ..Life::of(3) };
    let outcome = calm.live(&TOWN, true);
    assert_eq!(outcome.violations, []);
    let bad =
        |line: &&String| line.contains("DIES") || line.contains("lost") || line.contains("lying");
    assert_eq!(outcome.trace.iter().find(bad), None);
    let empty = Life { left_out: (0..100).collect(), ..Life::of(3) };
    assert!(empty.plan().is_empty());
    let outcome = empty.live(&TOWN, false);
    assert_eq!(outcome.violations, []);
    assert!(outcome.operations < 30);
}

#[test]
fn a_sound_life_is_not_shrunk() {
    let life = Life::of(5);
    assert_eq!(shrink(&life, &TOWN, |_| {}), life);
}
