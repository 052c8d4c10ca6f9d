//! What gateways say in their lists: their books beside ours.

use kernel::{AttemptId, Currency, Fault, Timestamp};
use store::{Read, Tx};

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

/// Keeps what a gateway says of a payment, in place of what it said before.
pub fn keep_statement(tx: &mut Tx<'_>, said: &Statement) -> Result<(), Fault> {
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
        ],
    )
    .map(|_| ())
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
