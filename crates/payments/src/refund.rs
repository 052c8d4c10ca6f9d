//! Money on its way back.

use std::str::FromStr;

use kernel::{AccountId, AttemptId, Currency, Fault, Money, OrderId, RefundId, Timestamp};
use store::{FromRow, Read, Row, Tx, from_row};

use crate::sql;

/// Where a refund stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefundState {
    /// Promised: nobody else can promise this money back. The gateway was not asked yet.
    Reserved,
    /// The gateway was asked, and what came of it is not known.
    Sent,
    /// The gateway has taken it on; the money is on its way.
    Pending,
    /// The gateway confirmed it.
    Succeeded,
    /// The gateway refused for good: a person has to look, and may ask for another.
    Failed,
}

impl RefundState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Reserved, Self::Sent, Self::Pending, Self::Succeeded, Self::Failed];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Sent => "sent",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Whether its money is promised, and nobody has said that it arrived.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Reserved | Self::Sent | Self::Pending)
    }

    /// What becomes of a refund that stands here when the gateway says so; none when that is
    /// nothing new. A refund that arrived may come back all the same; one that failed stays
    /// failed, and is asked for again under another name.
    pub fn hears(self, says: Self) -> Option<Self> {
        match (self, says) {
            (Self::Reserved | Self::Sent, Self::Pending | Self::Succeeded | Self::Failed)
            | (Self::Pending, Self::Succeeded | Self::Failed)
            | (Self::Succeeded, Self::Failed)
            | (Self::Reserved, Self::Sent) => Some(says),
            _ => None,
        }
    }
}

impl FromStr for RefundState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no state of a refund"))
    }
}

/// Who wanted money to go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The order did not want it.
    Orphan,
    /// The order was cancelled.
    Cancelled,
    /// Staff.
    Staff,
    /// Somebody in the gateway's own books.
    External,
}

impl Origin {
    const ALL: [Self; 4] = [Self::Orphan, Self::Cancelled, Self::Staff, Self::External];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Cancelled => "cancelled",
            Self::Staff => "staff",
            Self::External => "external",
        }
    }
}

impl FromStr for Origin {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|origin| origin.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no origin of a refund"))
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
    /// How much, as the payer gets it.
    pub amount: Money,
    /// What of the order that gives back, minor units of the order's currency.
    pub worth: i64,
    /// Why.
    pub reason: String,
    /// Who wanted it.
    pub origin: Origin,
    /// Where it stands.
    pub state: RefundState,
    /// The gateway's id of the refund.
    pub reference: Option<String>,
    /// Why it failed, in the gateway's word.
    pub failure: Option<String>,
    /// Which of the staff asked for it.
    pub actor: Option<AccountId>,
    /// Times the gateway was asked.
    pub tries: i64,
    /// When it was first asked.
    pub sent_at: Option<Timestamp>,
    /// When to ask next, if at all.
    pub due_at: Option<Timestamp>,
    /// When it was promised.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl FromRow for Refund {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let (origin, state): (String, String) = (row.get(6)?, row.get(7)?);
        Ok(Self {
            id: row.get(0)?,
            attempt_id: row.get(1)?,
            order_id: row.get(2)?,
            amount: Money::new(row.get(3)?, row.get::<Currency>(4)?),
            reason: row.get(5)?,
            origin: origin.parse().map_err(Fault::Broken)?,
            state: state.parse().map_err(Fault::Broken)?,
            reference: row.get(8)?,
            failure: row.get(9)?,
            actor: row.get(10)?,
            tries: row.get(11)?,
            sent_at: row.get(12)?,
            due_at: row.get(13)?,
            created_at: row.get(14)?,
            updated_at: row.get(15)?,
            worth: row.get(16)?,
        })
    }
}

/// What of an order a refund is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefundLine {
    /// Which.
    pub refund_id: RefundId,
    /// The line of the order.
    pub position: i64,
    /// Units.
    pub quantity: i64,
    /// The part of the refund that is for them, minor units of the order's currency.
    pub amount: i64,
    /// Whether they went back on the shelf.
    pub restocked: bool,
}

from_row!(RefundLine { refund_id, position, quantity, amount, restocked });

/// The refund, if there is one.
pub fn find_refund(read: &mut Read<'_>, id: RefundId) -> Result<Option<Refund>, Fault> {
    Ok(read.rows_by_key(&sql::REFUNDS, [id])?.pop())
}

/// The refunds of an order, oldest first.
pub fn refunds_of_order(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Refund>, Fault> {
    read.rows(&sql::REFUNDS_OF_ORDER, &[&order])
}

/// What of an order its refunds are for.
pub fn refund_lines_of_order(
    read: &mut Read<'_>,
    order: OrderId,
) -> Result<Vec<RefundLine>, Fault> {
    read.rows(&sql::REFUND_LINES_OF_ORDER, &[&order])
}

/// Refunds at `gateway` of which anything was done from `from` until before `to`.
pub fn refunds_between(
    read: &mut Read<'_>,
    gateway: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Refund>, Fault> {
    read.rows(&sql::REFUNDS_BETWEEN, &[&gateway, &from, &to])
}

/// All refunds of these attempts.
pub fn refunds_of_attempts(
    read: &mut Read<'_>,
    attempts: impl IntoIterator<Item = AttemptId>,
) -> Result<Vec<Refund>, Fault> {
    read.rows_by_key(&sql::REFUNDS_OF_ATTEMPTS, attempts)
}

/// Refunds to ask a gateway for at `now`, up to `limit`.
pub fn refunds_due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Refund>, Fault> {
    read.rows(&sql::REFUNDS_DUE, &[&now, &limit])
}

/// Notes that the gateway is about to be asked, and when to ask again should nothing be heard.
/// Committed before the call, so that a crash in between leaves a refund that may have been sent.
/// False when it is not under way any more.
pub fn refund_sent(
    tx: &mut Tx<'_>,
    id: RefundId,
    now: Timestamp,
    again_at: Timestamp,
) -> Result<bool, Fault> {
    Ok(tx.execute(&sql::REFUND_SENT, &[&id, &now, &again_at])? == 1)
}

/// Has a refund asked about at `at`, if that is sooner than it would be.
pub fn refund_soon(tx: &mut Tx<'_>, id: RefundId, at: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::REFUND_SOON, &[&id, &at]).map(|_| ())
}
