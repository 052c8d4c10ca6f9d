//! Our side of money: attempts, refunds, the ledger, and the inbox of what gateways send. It speaks no HTTP
//! and calls nobody.

mod attempt;
mod inbox;
mod judge;
mod ledger;
pub mod pace;
mod parts;
mod reconcile;
mod refund;
mod sql;
mod state;
mod statement;
#[cfg(test)]
mod tests;
mod till;

pub use attempt::{
    Attempt, Observed, Opened, by_reference, find, history, made_between, mark_polled, of_order,
    poll_soon, submitted, to_poll,
};
pub use inbox::{
    GIVEN_UP, GivenUp, Notice, Waiting, notice_failed, notice_handled, notices_due,
    notices_given_up, receive, replay_notice,
};
pub use judge::{AFTER_THE_TERM, Method, News, Saw, Stance, Verdict, judge};
pub use ledger::{Account, Balance, Earned, Entry, balances, booked_for};
pub use parts::Part;
pub use reconcile::{Break, Class, Fix, Reach, Span, compare};
pub use refund::{
    Origin, Refund, RefundLine, RefundState, find_refund, refund_lines_of_order, refund_sent,
    refund_soon, refunds_due, refunds_of_order,
};
pub use state::AttemptState;
pub use statement::{Statement, keep_statement, list_read, list_read_until};
pub use till::{Meant, Till, Wanted};

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
