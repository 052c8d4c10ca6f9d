//! What gateways say in their lists: their books beside ours.

use kernel::{AttemptId, Currency, Date, Fault, Timestamp};
use store::{Read, Tx, from_row};

use crate::sql;

/// A payment as it stands in a gateway's own books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// Which gateway.
    pub gateway: String,
    /// Its id of the payment.
    pub reference: String,
    /// Our attempt, where it repeats it.
    pub attempt_id: Option<AttemptId>,
    /// `waiting`, `processing`, `authorized`, `captured`, `canceled`.
    pub status: String,
    /// What was asked for, minor units.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
    /// What was taken.
    pub captured: i64,
    /// What has gone back of it.
    pub refunded: i64,
    /// What the gateway kept of it, if it says.
    pub fee: Option<i64>,
    /// When the payment was made, if it says.
    pub made_at: Option<Timestamp>,
    /// When it said so.
    pub seen_at: Timestamp,
}

impl Statement {
    /// Whether there is money behind it: taken, or reserved.
    pub fn is_money(&self) -> bool {
        matches!(self.status.as_str(), "captured" | "authorized")
    }
}

/// Keeps what a gateway says of a payment, in place of what it said before. `unmatched`: it has
/// money for something that we do not know.
pub fn keep_statement(tx: &mut Tx<'_>, said: &Statement, unmatched: bool) -> Result<(), Fault> {
    tx.execute(
        &sql::STATEMENT_KEPT,
        &[
            &said.gateway,
            &said.reference,
            &said.attempt_id,
            &said.status,
            &said.amount,
            &said.currency,
            &said.captured,
            &said.refunded,
            &said.fee,
            &said.made_at,
            &said.seen_at,
            &unmatched.then_some(said.seen_at),
        ],
    )
    .map(|_| ())
}

/// Money a gateway has for something that we do not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmatched {
    /// Which gateway.
    pub gateway: String,
    /// Its id of the payment.
    pub reference: String,
    /// The attempt it names, whosever that is.
    pub attempt_id: Option<AttemptId>,
    /// `captured` or `authorized`.
    pub status: String,
    /// What was asked for, minor units.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
    /// What was taken.
    pub captured: i64,
    /// What has gone back of it.
    pub refunded: i64,
    /// What the gateway kept of it, if it says.
    pub fee: Option<i64>,
    /// When the payment was made, if it says.
    pub made_at: Option<Timestamp>,
    /// When it said so last.
    pub seen_at: Timestamp,
    /// When it said so first.
    pub unmatched_since: Timestamp,
}

from_row!(Unmatched {
    gateway,
    reference,
    attempt_id,
    status,
    amount,
    currency,
    captured,
    refunded,
    fee,
    made_at,
    seen_at,
    unmatched_since,
});

/// Money that gateways have for something that we do not know, the longest waiting first.
pub fn unmatched(read: &mut Read<'_>, limit: i64) -> Result<Vec<Unmatched>, Fault> {
    read.rows(&sql::STATEMENTS_UNMATCHED, &[&limit])
}

/// Notes that a day's books were compared, and in how many places they differ.
pub fn day_compared(
    tx: &mut Tx<'_>,
    gateway: &str,
    day: Date,
    differences: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    tx.execute(&sql::DAY_COMPARED, &[&gateway, &day.to_string(), &differences, &now]).map(|_| ())
}

/// When a day's books were compared last; none when they never were.
pub fn was_day_compared(
    read: &mut Read<'_>,
    gateway: &str,
    day: Date,
) -> Result<Option<Timestamp>, Fault> {
    let found: Option<(Timestamp,)> =
        read.row(&sql::WAS_DAY_COMPARED, &[&gateway, &day.to_string()])?;
    Ok(found.map(|(at,)| at))
}

/// Until when a gateway's list was read; none when it never was.
pub fn list_read_until(read: &mut Read<'_>, gateway: &str) -> Result<Option<Timestamp>, Fault> {
    let found: Option<(Timestamp,)> = read.row(&sql::LIST_READ_UNTIL, &[&gateway])?;
    Ok(found.map(|(until,)| until))
}

/// Notes that a gateway's list was read until `until`.
pub fn list_read(tx: &mut Tx<'_>, gateway: &str, until: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::LIST_READ, &[&gateway, &until]).map(|_| ())
}
