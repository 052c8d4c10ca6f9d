//! Our side of money: attempts, refunds, and the inbox of what gateways send. It speaks no HTTP
//! and calls nobody.

mod attempt;
mod inbox;
mod judge;
mod refund;
mod sql;
#[cfg(test)]
mod tests;
mod till;

pub use attempt::{
    Attempt, AttemptState, Observed, find, history, mark_polled, of_order, submitted, to_poll,
};
pub use inbox::{Notice, Waiting, notice_failed, notice_handled, notices_due, receive};
pub use judge::{News, Saw, Verdict, judge};
pub use refund::{Refund, RefundState, refund_failed, refunds_due, refunds_of_order};
pub use till::Till;

use store::{Migration, Schema};

/// The tables of this feature.
pub static SCHEMA: Schema = Schema {
    feature: "payments",
    migrations: &[Migration {
        name: "V1__payments",
        sql: include_str!("../migrations/V1__payments.sql"),
    }],
    statements: sql::ALL,
};
