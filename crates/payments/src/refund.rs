//! Money on its way back.

use std::str::FromStr;

use kernel::{AttemptId, Currency, Fault, Money, OrderId, RefundId, Timestamp};
use store::{FromRow, Read, Row, Tx};

use crate::sql;

/// Where a refund stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefundState {
    /// Promised; the gateway has not confirmed it.
    Requested,
    /// The gateway confirmed it.
    Succeeded,
    /// The gateway refused for good: a person has to look.
    Failed,
}

impl RefundState {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for RefundState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Requested, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a refund"))
    }
}

/// Money on its way back to a customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refund {
    /// Also the idempotency key at the gateway.
    pub id: RefundId,
    /// The attempt whose money it is.
    pub attempt_id: AttemptId,
    /// The order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
    /// The gateway's id of the refund.
    pub reference: Option<String>,
    /// Tries that did not end in an answer.
    pub tries: i64,
    /// When it was promised.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl FromRow for Refund {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let state: String = row.get(6)?;
        Ok(Self {
            id: row.get(0)?,
            attempt_id: row.get(1)?,
            order_id: row.get(2)?,
            amount: Money::new(row.get(3)?, row.get::<Currency>(4)?),
            reason: row.get(5)?,
            state: state.parse().map_err(Fault::Broken)?,
            reference: row.get(7)?,
            tries: row.get(8)?,
            created_at: row.get(9)?,
            updated_at: row.get(10)?,
        })
    }
}

/// The refunds of an order, oldest first.
pub fn refunds_of_order(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Refund>, Fault> {
    read.rows(&sql::REFUNDS_OF_ORDER, &[&order])
}

/// Refunds to ask a gateway for at `now`, up to `limit`.
pub fn refunds_due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Refund>, Fault> {
    read.rows(&sql::REFUNDS_DUE, &[&now, &limit])
}

/// Notes a try whose outcome is unknown, and when to try again with the same key.
pub fn refund_failed(tx: &mut Tx<'_>, id: RefundId, again_at: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::REFUND_FAILED, &[&id, &again_at]).map(|_| ())
}
