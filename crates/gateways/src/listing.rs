//! Their books, to be compared with ours.

use kernel::{AttemptId, Date, Money, RefundId, Timestamp};

/// A span of time, `from` included, `to` not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeWindow {
    /// The first moment of it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// Where the next page begins, in the provider's own word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageToken(pub String);

/// A part of a list. Entries may move while it is being read: the same one may come twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where to go on; `None` on the last page.
    pub next: Option<PageToken>,
}

/// A provider's bill of one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DailyReport {
    /// The day, in the provider's time zone.
    pub day: Date,
    /// From when until when that is.
    pub span: TimeWindow,
    /// What moved on it.
    pub entries: Vec<ReportEntry>,
}

/// One movement of money in a bill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportEntry {
    /// What it was.
    pub kind: EntryKind,
    /// Our attempt, if the entry carries one.
    pub attempt: Option<AttemptId>,
    /// The provider's id of the payment.
    pub gateway_id: String,
    /// Their other id of it, if they have two.
    pub secondary_id: Option<String>,
    /// How much moved; more than zero either way.
    pub amount: Money,
    /// What they kept for themselves of it; less than zero where a fee is given back.
    pub fee: Option<Money>,
    /// When.
    pub at: Timestamp,
}

/// What moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// Money came.
    Payment,
    /// Money went back.
    Refund {
        /// Our refund, if the entry carries one (none when it was made in their cabinet).
        refund: Option<RefundId>,
        /// What it goes by there; the same in every copy of the bill.
        name: String,
    },
}
