//! What is tried in every way there is, instead of by dice: each call of each flow broken, each
//! two flows in every order of their calls, and random traces beside a model.

#![cfg_attr(feature = "planted", allow(dead_code, reason = "a bug is in the whole process"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test cannot go on without")]

mod footprint;
mod held_sessions;
mod interleavings;
mod nth_call;
#[cfg(feature = "planted")]
mod planted;
mod plays;
mod provider;
mod scene;
mod traces;

/// Whether a long night is meant: `HOLDFAST_TEST_EVERYTHING=1`. Then what only some are taken of
/// by day is tried with all.
#[expect(clippy::disallowed_methods, reason = "how a command tells tests how much to try")]
fn everything() -> bool {
    std::env::var("HOLDFAST_TEST_EVERYTHING").is_ok()
}
