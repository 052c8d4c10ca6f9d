//! What is planted is found here, too, and by what:
//! `cargo test -p sim --features planted --test it -- --nocapture`.
//!
//! A bug is planted in the whole process, so nothing else is tried beside it.

use std::panic::catch_unwind;

use kernel::planted::{Bug, plant};

use crate::{interleavings, nth_call, traces};

/// Traces within which the model tells a bug, if it ever does.
const TRACES: u32 = 600;

/// The first that finds a bug: the model, a broken call, or two flows at once.
fn found() -> Option<String> {
    let caught = |what: &str, look: &(dyn Fn() -> Option<String> + std::panic::RefUnwindSafe)| {
        let found = catch_unwind(look).unwrap_or_else(|_| Some("it panics".into()));
        found.map(|at| format!("{what}: {at}"))
    };
    caught("the model", &|| traces::first_difference(TRACES).map(|n| format!("trace {n}")))
        .or_else(|| caught("a broken call", &|| Some(format!("{:?}", nth_call::first_wrong()?))))
        .or_else(|| caught("two at once", &|| Some(format!("{:?}", interleavings::first_wrong()?))))
}

#[test]
fn what_is_planted_is_found_by_one_or_the_other() {
    // A bug may well panic; that it was found is said below.
    sim::panics::hush();
    plant(None);
    let sound = found();
    println!("{:58} {}", "nothing planted", sound.as_deref().unwrap_or("nothing found"));
    let mut missed = Vec::new();
    // Nobody here listens to events: the simulator's witness does.
    let bugs: Vec<_> = Bug::ALL.iter().filter(|bug| **bug != Bug::DoublePublish).collect();
    for bug in &bugs {
        plant(Some(**bug));
        let found = found();
        println!("{:58} {}", bug.word(), found.as_deref().unwrap_or("NOT FOUND"));
        if found.is_none() {
            missed.push(bug.word());
        }
    }
    plant(None);
    println!("{} of {} found", bugs.len() - missed.len(), bugs.len());
    assert_eq!(sound, None, "what is not planted is not found");
    assert!(missed.is_empty(), "not found: {missed:?}");
}
