//! Tries to pay.

use kernel::{AttemptId, Currency, Fault, Money, OrderId, Rate, Timestamp};
use store::{FromRow, Read, Row, Tx, from_row};

use crate::sql;
use crate::state::AttemptState;

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
    /// What the payer pays at the gateway.
    pub amount: Money,
    /// What of the order that pays: its total when the attempt was made.
    pub pays: Money,
    /// Units of the gateway's currency for one of the order's, fixed when the attempt was made;
    /// none where they are the same.
    pub rate: Option<Rate>,
    /// The tax in what it pays of the order, minor units of the order's currency.
    pub tax: i64,
    /// Whether the money is first reserved, and taken by a second call.
    pub two_stage: bool,
    /// What the gateway is told beside the amount, JSON: the same on every try.
    pub details: String,
    /// Until when the payer may pay, as the gateway is told.
    pub deadline: Timestamp,
    /// And as the gateway says.
    pub payable_until: Timestamp,
    /// The gateway's id of the payment.
    pub reference: Option<String>,
    /// The gateway's other id of it, where it has two.
    pub secondary: Option<String>,
    /// Where the payer goes.
    pub redirect_url: Option<String>,
    /// What it was paid with, JSON of a [`crate::Method`].
    pub method: Option<String>,
    /// Why a person has to look.
    pub review: Option<String>,
    /// Why it was canceled, in a word.
    pub reason: Option<String>,
    /// Captured, but the order does not want the money.
    pub orphan: bool,
    /// Nobody wants it paid any more, and whether its gateway has heard of it is not known yet.
    pub unwanted: bool,
    /// What came, minor units; zero until it is captured.
    pub captured: i64,
    /// What of it is promised back and not yet confirmed.
    pub reserved: i64,
    /// What of it has gone back.
    pub refunded: i64,
    /// What of the order is promised back or has gone back with it, minor units of the order's
    /// currency.
    pub worth_back: i64,
    /// What the gateway kept of it, as booked.
    pub fee: Option<i64>,
    /// Rows of its history.
    pub observations: i64,
    /// The newest of them in a word.
    pub last_saw: Option<String>,
    /// When it was meant.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it came to where it stands.
    pub since: Timestamp,
    /// When to do something about it next, if at all.
    pub poll_at: Option<Timestamp>,
    /// Times that was done since it stands there.
    pub polls: i64,
}

impl Attempt {
    /// Whether a gateway means this payment by `id`, the one or the other of its two.
    pub fn is_known_as(&self, id: &str) -> bool {
        self.reference.as_deref() == Some(id) || self.secondary.as_deref() == Some(id)
    }

    /// Goes on to another state; the time there begins anew.
    pub(crate) fn go(&mut self, to: AttemptState, now: Timestamp) {
        if self.state != to {
            self.state = to;
            self.since = now;
            self.polls = 0;
        }
    }
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
            tax: row.get(6)?,
            two_stage: row.get(7)?,
            details: row.get(8)?,
            deadline: row.get(9)?,
            payable_until: row.get(10)?,
            reference: row.get(11)?,
            secondary: row.get(12)?,
            redirect_url: row.get(13)?,
            method: row.get(14)?,
            review: row.get(15)?,
            reason: row.get(16)?,
            orphan: row.get(17)?,
            unwanted: row.get(18)?,
            captured: row.get(19)?,
            reserved: row.get(20)?,
            refunded: row.get(21)?,
            fee: row.get(22)?,
            observations: row.get(23)?,
            last_saw: row.get(24)?,
            created_at: row.get(25)?,
            updated_at: row.get(26)?,
            since: row.get(27)?,
            poll_at: row.get(28)?,
            polls: row.get(29)?,
            pays: Money::new(row.get(30)?, row.get::<Currency>(31)?),
            rate: row.get(32)?,
            worth_back: row.get(33)?,
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
    /// Who brought it: `create`, `notice`, `return`, `poll`, `capture`, `void`, `list`.
    pub source: String,
    /// What was said.
    pub saw: String,
    /// The amount it spoke of, minor units.
    pub amount: i64,
    /// In which currency.
    pub currency: Currency,
    /// What had gone back by then, as it said.
    pub refunded: i64,
    /// The gateway's id, if it gave one.
    pub reference: Option<String>,
    /// What it did.
    pub effect: String,
    /// When.
    pub at: Timestamp,
}

from_row!(Observed {
    attempt_id,
    seq,
    source,
    saw,
    amount,
    currency,
    refunded,
    reference,
    effect,
    at,
});

/// The attempt, if there is one.
pub fn find(read: &mut Read<'_>, id: AttemptId) -> Result<Option<Attempt>, Fault> {
    Ok(read.rows_by_key(&sql::ATTEMPTS, [id])?.pop())
}

/// Those attempts that there are, in one look-up.
pub fn find_all(
    read: &mut Read<'_>,
    ids: impl IntoIterator<Item = AttemptId>,
) -> Result<Vec<Attempt>, Fault> {
    read.rows_by_key(&sql::ATTEMPTS, ids)
}

/// The attempt that a gateway knows by this id, the one or the other of two, if there is one.
pub fn by_reference(
    read: &mut Read<'_>,
    gateway: &str,
    reference: &str,
) -> Result<Option<Attempt>, Fault> {
    match read.row(&sql::ATTEMPT_BY_REFERENCE, &[&gateway, &reference])? {
        Some(found) => Ok(Some(found)),
        None => read.row(&sql::ATTEMPT_BY_SECONDARY, &[&gateway, &reference]),
    }
}

/// All attempts to pay an order, oldest first.
pub fn of_order(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_OF_ORDER, &[&order])
}

/// Attempts at `gateway` that were made from `from` until before `to`, oldest first.
pub fn made_between(
    read: &mut Read<'_>,
    gateway: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_MADE_BETWEEN, &[&gateway, &from, &to])
}

/// Attempts at `gateway` that came to where they stand from `from` until before `to`, and were
/// made no earlier than `made`.
pub fn settled_between(
    read: &mut Read<'_>,
    gateway: &str,
    made: Timestamp,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_SINCE_BETWEEN, &[&gateway, &made, &from, &to])
}

/// Everything a gateway said of an attempt, oldest first.
pub fn history(read: &mut Read<'_>, attempt: AttemptId) -> Result<Vec<Observed>, Fault> {
    read.rows(&sql::HISTORY, &[&attempt])
}

/// Attempts to do something about at `now`, the longest overdue first, up to `limit`.
pub fn to_poll(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Attempt>, Fault> {
    read.rows(&sql::ATTEMPTS_TO_POLL, &[&now, &limit])
}

/// What a gateway answered to the creation of a payment.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Opened {
    /// The gateway's id; empty when it gave none.
    pub reference: String,
    /// Its other id.
    pub secondary: Option<String>,
    /// Where the payer goes.
    pub redirect_url: Option<String>,
    /// Until when that page takes money.
    pub payable_until: Option<Timestamp>,
}

/// Notes what the gateway answered to the creation. News may come before the answer, which then
/// still says where the payer goes. False when the attempt has moved on further, or has been
/// answered for.
pub fn submitted(
    tx: &mut Tx<'_>,
    id: AttemptId,
    opened: &Opened,
    now: Timestamp,
    poll_at: Timestamp,
) -> Result<bool, Fault> {
    let reference = Some(&opened.reference).filter(|reference| !reference.is_empty());
    let touched = tx.execute(
        &sql::ATTEMPT_SUBMITTED,
        &[
            &id,
            &reference.cloned(),
            &opened.redirect_url,
            &now,
            &poll_at,
            &opened.secondary,
            &opened.payable_until,
        ],
    )?;
    Ok(touched == 1)
}

/// Notes that the gateway was asked and when to ask again; never, only if the attempt is still
/// over: what was heard meanwhile may have begun it anew.
pub fn mark_polled(
    tx: &mut Tx<'_>,
    id: AttemptId,
    again_at: Option<Timestamp>,
) -> Result<(), Fault> {
    tx.execute(&sql::ATTEMPT_POLLED, &[&id, &again_at]).map(|_| ())
}

/// Has an attempt asked about at `at`, if that is sooner than it would be. The last look at one
/// that is over stays late: payers' terms must be over by then.
pub fn poll_soon(tx: &mut Tx<'_>, id: AttemptId, at: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::ATTEMPT_POLL_SOON, &[&id, &at]).map(|_| ())
}
