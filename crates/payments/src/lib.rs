//! Our side of money: attempts, refunds, the ledger, and the inbox of what gateways send. It speaks no HTTP
//! and calls nobody.

mod attempt;
mod concern;
mod dispute;
mod erase;
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
    Attempt, Observed, Opened, by_reference, find, find_all, history, made_between, mark_polled,
    of_order, poll_soon, settled_between, submitted, to_poll,
};
pub use concern::{Concern, Why, attend, concerns};
pub use dispute::{
    Dispute, DisputeState, dispute_polled, disputes_due, disputes_of_attempts, keep_dispute,
};
pub use erase::{erase, is_under_way};
pub use inbox::{
    GIVEN_UP, GivenUp, Notice, NoticeKind, Retried, Waiting, notice_failed, notice_handled,
    notice_matched, notices_due, notices_given_up, notices_waiting, receive, replay_notice,
};
pub use judge::{AFTER_THE_TERM, Method, News, Saw, Stance, Verdict, judge};
pub use ledger::{Account, Balance, Earned, Entry, balances, booked_for};
pub use parts::Part;
pub use reconcile::{Break, Class, Fix, GivenBack, Ours, Reach, Span, Theirs, compare};
pub use refund::{
    Origin, Refund, RefundLine, RefundState, find_refund, refund_lines_of_order, refund_sent,
    refund_soon, refunds_between, refunds_due, refunds_of_attempts, refunds_of_order,
};
pub use state::AttemptState;
pub use statement::{
    Statement, Unmatched, day_compared, keep_statement, list_read, list_read_until, unmatched,
    was_day_compared,
};
pub use till::{GONE_AT_THE_PROVIDER, Meant, Till, Wanted};

use store::{Migration, Schema};

/// The tables of this feature.
pub static SCHEMA: Schema = Schema {
    feature: "payments",
    migrations: &[
        Migration { name: "V1__payments", sql: include_str!("../migrations/V1__payments.sql") },
        Migration { name: "V2__books", sql: include_str!("../migrations/V2__books.sql") },
        Migration { name: "V3__ledger", sql: include_str!("../migrations/V3__ledger.sql") },
        Migration { name: "V4__erasure", sql: include_str!("../migrations/V4__erasure.sql") },
    ],
    statements: sql::ALL,
};
