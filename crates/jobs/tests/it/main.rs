//! Letters on their way out: a mail server that speaks SMTP, and a provider that takes HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod carriers;
mod postbox;
