//! What is planted is found here, too, and by what:
//! `cargo test --release -p sim --features planted --test it -- --nocapture`.
//!
//! A bug is planted in the whole process, so nothing else is tried beside it.

use std::panic::catch_unwind;

use kernel::planted::{Bug, plant};

use crate::{interleavings, nth_call, traces};

/// Traces within which the model tells a bug, if it ever does.
const TRACES: u32 = 300;

#[test]
fn what_is_planted_is_found_by_one_or_the_other() {
    // A bug may well panic; that it was found is said below.
    std::panic::set_hook(Box::new(|_| {}));
    let words = |found: std::thread::Result<Option<String>>| match found {
        Ok(None) => "-".to_owned(),
        Ok(Some(where_)) => where_,
        Err(_) => "panics".to_owned(),
    };
    let try_all = || {
        let traces = || traces::first_difference(TRACES).map(|cases| format!("trace {cases}"));
        let calls = || nth_call::first_wrong().map(|play| format!("{play:?}"));
        let orders = || interleavings::first_wrong().map(|pair| format!("{pair:?}"));
        [words(catch_unwind(traces)), words(catch_unwind(calls)), words(catch_unwind(orders))]
    };
    plant(None);
    let sound = try_all();
    let mut missed = Vec::new();
    println!("{:58} {:12} {:16} orders of two", "", "model", "nth call");
    println!("{:58} {:12} {:16} {}", "nothing planted", sound[0], sound[1], sound[2]);
    for bug in Bug::ALL {
        plant(Some(*bug));
        let found = try_all();
        println!("{:58} {:12} {:16} {}", bug.word(), found[0], found[1], found[2]);
        if found.iter().all(|found| found == "-") {
            missed.push(bug.word());
        }
    }
    plant(None);
    println!("{} of {} found", Bug::ALL.len() - missed.len(), Bug::ALL.len());
    assert!(sound.iter().all(|found| found == "-"), "what is not planted is not found");
    assert!(missed.is_empty(), "not found: {missed:?}");
}
