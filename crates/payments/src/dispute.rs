//! Payers who want their money back by way of their bank. It stops nothing: the payment is read on
//! as before, and whoever looks after the shop sees it until the bank has decided.

use std::str::FromStr;

use kernel::{AttemptId, Currency, Fault, Money, OrderId, Timestamp};
use store::{FromRow, Read, Row, Tx};

use crate::sql;

/// Where a dispute stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisputeState {
    /// The bank has not decided: the shop may have to send evidence.
    Open,
    /// The money stays.
    Won,
    /// The money is gone.
    Lost,
}

impl DisputeState {
    const ALL: [Self; 3] = [Self::Open, Self::Won, Self::Lost];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for DisputeState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no state of a dispute"))
    }
}

/// A dispute as its gateway told it last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dispute {
    /// Which gateway.
    pub gateway: String,
    /// Its id of the dispute.
    pub reference: String,
    /// The attempt whose money it is about.
    pub attempt_id: AttemptId,
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: DisputeState,
    /// How much the payer wants back.
    pub amount: Money,
    /// Why, in the gateway's word.
    pub reason: String,
    /// When it was heard of first.
    pub opened_at: Timestamp,
    /// When it was heard of last.
    pub updated_at: Timestamp,
    /// When to ask about it next, if at all.
    pub due_at: Option<Timestamp>,
}

impl FromRow for Dispute {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let state: String = row.get(4)?;
        Ok(Self {
            gateway: row.get(0)?,
            reference: row.get(1)?,
            attempt_id: row.get(2)?,
            order_id: row.get(3)?,
            state: state.parse().map_err(Fault::Broken)?,
            amount: Money::new(row.get(5)?, row.get::<Currency>(6)?),
            reason: row.get(7)?,
            opened_at: row.get(8)?,
            updated_at: row.get(9)?,
            due_at: row.get(10)?,
        })
    }
}

/// Keeps what a gateway says of a dispute. One that was decided stays decided.
pub fn keep_dispute(tx: &mut Tx<'_>, dispute: &Dispute) -> Result<(), Fault> {
    tx.execute(
        &sql::DISPUTE_KEPT,
        &[
            &dispute.gateway,
            &dispute.reference,
            &dispute.attempt_id,
            &dispute.order_id,
            &dispute.state.as_str().to_owned(),
            &dispute.amount.minor,
            &dispute.amount.currency,
            &dispute.reason,
            &dispute.opened_at,
            &dispute.updated_at,
            &dispute.due_at,
        ],
    )
    .map(|_| ())
}

/// Disputes to ask about at `now`, the longest overdue first, up to `limit`.
pub fn disputes_due(
    read: &mut Read<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Dispute>, Fault> {
    read.rows(&sql::DISPUTES_DUE, &[&now, &limit])
}

/// Notes when to ask about an open dispute again.
pub fn dispute_polled(
    tx: &mut Tx<'_>,
    gateway: &str,
    reference: &str,
    again_at: Timestamp,
) -> Result<(), Fault> {
    tx.execute(&sql::DISPUTE_POLLED, &[&gateway, &reference, &again_at]).map(|_| ())
}

/// Disputes about these attempts.
pub fn disputes_of_attempts(
    read: &mut Read<'_>,
    attempts: impl IntoIterator<Item = AttemptId>,
) -> Result<Vec<Dispute>, Fault> {
    read.rows_by_key(&sql::DISPUTES_OF_ATTEMPTS, attempts)
}
