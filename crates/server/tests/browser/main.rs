//! What people do, buyers and the people of the shop: a real browser, a real shop, and a payment world beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod buyer;
mod chromium;
mod codes;
mod people;
#[path = "../../../jobs/tests/it/postbox.rs"]
mod postbox;
mod purchases;
#[path = "../town/shop.rs"]
mod shop;
mod staff;
mod tab;

use std::time::Duration;

/// Nothing takes longer than this, on a busy machine either.
const WAIT: Duration = Duration::from_secs(40);
