//! The whole shop, as programs use it: over its API, with its real gateways against the payment
//! world, whose notices come over the line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod payments;
#[path = "../town/shop.rs"]
mod shop;

use std::time::Duration;

/// Nothing takes longer than this, on a busy machine either.
const WAIT: Duration = Duration::from_secs(40);
