//! Tries to pay.

use std::str::FromStr;

use kernel::{AttemptId, Currency, Fault, Money, OrderId, Timestamp};
use store::{FromRow, Read, Row, Tx, from_row};

use crate::sql;

/// Where an attempt stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptState {
    /// Meant, perhaps asked for; we have not heard from the gateway.
    Submitting,
    /// The payer may pay.
    AwaitingPayer,
    /// The money is ours. This never changes; what goes back is a refund.
    Captured,
    /// Nothing will come. A gateway that says otherwise later is believed.
    Canceled,
}

impl AttemptState {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitting => "submitting",
            Self::AwaitingPayer => "awaiting_payer",
            Self::Captured => "captured",
            Self::Canceled => "canceled",
        }
    }

    /// Whether money may still come without surprise.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Submitting | Self::AwaitingPayer)
    }
}

impl FromStr for AttemptState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Submitting, Self::AwaitingPayer, Self::Captured, Self::Canceled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of an attempt"))
    }
}

/// A try to pay an order at one gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Also the idempotency key and our reference at the gateway.
    pub id: AttemptId,
    /// The order.
    pub order_id: OrderId,
    /// The gateway's name.
    pub gateway: String,
    /// Where it stands.
    pub state: AttemptState,
    /// What is to be paid: the order's total when the attempt was made.
    pub amount: Money,
    /// The gateway's id of the payment.
    pub reference: Option<String>,
    /// Where the payer goes.
    pub redirect_url: Option<String>,
    /// Why a person has to look.
    pub review: Option<String>,
    /// Captured, but the order does not want the money.
    pub orphan: bool,
    /// Rows of its history.
    pub observations: i64,
    /// When it was meant.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When to ask the gateway next, if at all.
    pub poll_at: Option<Timestamp>,
    /// Times we asked.
    pub polls: i64,
}

impl FromRow for Attempt {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let state: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            order_id: row.get(1)?,
            gateway: row.get(2)?,
            state: state.parse().map_err(Fault::Broken)?,
            amount: Money::new(row.get(4)?, row.get::<Currency>(5)?),
            reference: row.get(6)?,
            redirect_url: row.get(7)?,
            review: row.get(8)?,
            orphan: row.get(9)?,
            observations: row.get(10)?,
            created_at: row.get(11)?,
            updated_at: row.get(12)?,
            poll_at: row.get(13)?,
            polls: row.get(14)?,
        })
    }
}

/// One thing a gateway said of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Who brought it: `create`, `notice`, `return`, `poll`.
    pub source: String,
    /// What was said.
    pub saw: String,
    /// What it did.
    pub effect: String,
    /// When.
    pub at: Timestamp,
}

from_row!(Observed { attempt_id, seq, source, saw, effect, at });

/// The attempt, if there is one.
pub fn find(read: &mut Read<'_>, id: AttemptId) -> Result<Option<Attempt>, Fault> {
    Ok(read.rows_by_key(&sql::ATTEMPTS, [id])?.pop())
}

/// All attempts to pay an order, oldest first.
pub fn of_order(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_OF_ORDER, &[&order])
}

/// Everything a gateway said of an attempt, oldest first.
pub fn history(read: &mut Read<'_>, attempt: AttemptId) -> Result<Vec<Observed>, Fault> {
    read.rows(&sql::HISTORY, &[&attempt])
}

/// Attempts to ask about at `now`, the longest overdue first, up to `limit`.
pub fn to_poll(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_TO_POLL, &[&now, &limit])
}

/// Notes what the gateway answered to the creation; an empty `reference` is none. News may come
/// before the answer, which then still says where the payer goes. False when the attempt has
/// moved on further, or has been answered for.
pub fn submitted(
    tx: &mut Tx<'_>,
    id: AttemptId,
    reference: &str,
    redirect_url: Option<&str>,
    now: Timestamp,
    poll_at: Timestamp,
) -> Result<bool, Fault> {
    let reference = Some(reference).filter(|reference| !reference.is_empty());
    let touched =
        tx.execute(&sql::ATTEMPT_SUBMITTED, &[&id, &reference, &redirect_url, &now, &poll_at])?;
    Ok(touched == 1)
}

/// Notes that the gateway was asked and when to ask again.
pub fn mark_polled(
    tx: &mut Tx<'_>,
    id: AttemptId,
    again_at: Option<Timestamp>,
) -> Result<(), Fault> {
    tx.execute(&sql::ATTEMPT_POLLED, &[&id, &again_at]).map(|_| ())
}
