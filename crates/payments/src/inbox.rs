//! What gateways send us. A notice is kept before its sender hears that we have it, once for
//! each key it goes by, and says only what to ask the gateway about.

use std::str::FromStr;

use kernel::{AttemptId, Fault, NoticeId, RefundId, Timestamp};
use store::{FromRow, Json, Read, Row, Tx, from_row};

use crate::sql;

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeKind {
    /// A payment.
    Payment,
    /// Money on its way back.
    Refund,
    /// A payer who wants their money back by way of their bank.
    Dispute,
    /// Nothing we deal in.
    Other,
}

impl NoticeKind {
    const ALL: [Self; 4] = [Self::Payment, Self::Refund, Self::Dispute, Self::Other];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::Other => "other",
        }
    }
}

impl FromStr for NoticeKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of notice"))
    }
}

/// A notice as it came.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Ours.
    pub id: NoticeId,
    /// Which gateway.
    pub gateway: String,
    /// What makes two deliveries the same.
    pub dedupe_key: String,
    /// The gateway's id of the payment it is about.
    pub reference: Option<String>,
    /// Our attempt, where the gateway repeats it.
    pub attempt_id: Option<AttemptId>,
    /// What kind of thing it is about.
    pub kind: NoticeKind,
    /// The gateway's id of the payment, the one or the other of two.
    pub payment: Option<String>,
    /// Our refund, where the gateway repeats it.
    pub refund_id: Option<RefundId>,
    /// The body, as it came.
    pub body: String,
    /// The headers worth keeping, a JSON object.
    pub headers: String,
    /// Who sent it: an address, where that is known.
    pub source: Option<String>,
    /// When.
    pub received_at: Timestamp,
}

/// A notice waiting to be looked into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Which.
    pub id: NoticeId,
    /// Which gateway to ask.
    pub gateway: String,
    /// What to ask about.
    pub reference: Option<String>,
    /// Our attempt, where known.
    pub attempt_id: Option<AttemptId>,
    /// What kind of thing it is about.
    pub kind: NoticeKind,
    /// The gateway's id of the payment, the one or the other of two.
    pub payment: Option<String>,
    /// Our refund, where known.
    pub refund_id: Option<RefundId>,
    /// Tries that failed.
    pub tries: i64,
}

impl FromRow for Waiting {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let kind: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            gateway: row.get(1)?,
            reference: row.get(2)?,
            attempt_id: row.get(3)?,
            kind: kind.parse().map_err(Fault::Broken)?,
            payment: row.get(5)?,
            refund_id: row.get(6)?,
            tries: row.get(7)?,
        })
    }
}

/// Keeps a notice. False when it was here before.
pub fn receive(tx: &mut Tx<'_>, notice: &Notice) -> Result<bool, Fault> {
    let added = tx.execute(
        &sql::NOTICE_ADD,
        &[
            &notice.id,
            &notice.gateway,
            &notice.dedupe_key,
            &notice.reference,
            &notice.attempt_id,
            &notice.body,
            &notice.headers,
            &notice.source,
            &notice.received_at,
            &notice.kind.as_str().to_owned(),
            &notice.payment,
            &notice.refund_id,
        ],
    )?;
    Ok(added == 1)
}

/// Notices to look into at `now`, the longest waiting first, up to `limit`.
pub fn notices_due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, Fault> {
    read.rows(&sql::NOTICES_DUE, &[&now, &limit])
}

/// Notes which attempt a notice is about, found later than it came.
pub fn notice_matched(tx: &mut Tx<'_>, id: NoticeId, attempt: AttemptId) -> Result<(), Fault> {
    tx.execute(&sql::NOTICE_MATCHED, &[&id, &attempt]).map(|_| ())
}

/// Notes what a notice did.
pub fn notice_handled(
    tx: &mut Tx<'_>,
    id: NoticeId,
    effect: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    tx.execute(&sql::NOTICE_HANDLED, &[&id, &now, &effect]).map(|_| ())
}

/// Puts a notice back until `again_at`.
pub fn notice_failed(tx: &mut Tx<'_>, id: NoticeId, again_at: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::NOTICE_FAILED, &[&id, &again_at]).map(|_| ())
}

/// A notice that could not be looked into yet, and is tried again.
#[derive(Clone, PartialEq, Debug)]
pub struct Retried {
    /// Which.
    pub id: NoticeId,
    /// Which gateway sent it.
    pub gateway: String,
    /// What made two deliveries the same.
    pub dedupe_key: String,
    /// The gateway's id of what it is about.
    pub reference: Option<String>,
    /// Our attempt, where known.
    pub attempt_id: Option<AttemptId>,
    /// The body, as it came.
    pub body: String,
    /// The headers that were kept, a JSON object.
    pub headers: Json<serde_json::Value>,
    /// Who sent it.
    pub source: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Tries that failed.
    pub tries: i64,
    /// When it is tried next.
    pub due_at: Timestamp,
}

from_row!(Retried {
    id,
    gateway,
    dedupe_key,
    reference,
    attempt_id,
    body,
    headers,
    source,
    received_at,
    tries,
    due_at,
});

/// Notices that failed at least once and are tried again, the newest first, from before `before`.
pub fn notices_waiting(
    read: &mut Read<'_>,
    before: Option<NoticeId>,
    limit: i64,
) -> Result<Vec<Retried>, Fault> {
    let before = before.unwrap_or(NoticeId(kernel::Uuid::max()));
    read.rows(&sql::NOTICES_WAITING, &[&before, &limit])
}

/// What the effect of a notice begins with that was tried so often that a person has to look.
pub const GIVEN_UP: &str = "given up";

/// A notice that was tried too often.
#[derive(Clone, PartialEq, Debug)]
pub struct GivenUp {
    /// Which.
    pub id: NoticeId,
    /// Which gateway sent it.
    pub gateway: String,
    /// What made two deliveries the same.
    pub dedupe_key: String,
    /// The gateway's id of the payment it is about.
    pub reference: Option<String>,
    /// Our attempt, where known.
    pub attempt_id: Option<AttemptId>,
    /// The body, as it came.
    pub body: String,
    /// The headers that were kept, a JSON object.
    pub headers: Json<serde_json::Value>,
    /// Who sent it.
    pub source: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Tries that failed.
    pub tries: i64,
    /// Why it was given up.
    pub effect: String,
}

from_row!(GivenUp {
    id,
    gateway,
    dedupe_key,
    reference,
    attempt_id,
    body,
    headers,
    source,
    received_at,
    tries,
    effect,
});

/// Notices that were given up, the newest first, from before `before`.
pub fn notices_given_up(
    read: &mut Read<'_>,
    before: Option<NoticeId>,
    limit: i64,
) -> Result<Vec<GivenUp>, Fault> {
    let before = before.unwrap_or(NoticeId(kernel::Uuid::max()));
    read.rows(&sql::NOTICES_GIVEN_UP, &[&before, &limit])
}

/// Has a notice looked into again, as if it had just come. False when there is no such notice, or
/// it waits to be looked into anyway.
pub fn replay_notice(tx: &mut Tx<'_>, id: NoticeId, now: Timestamp) -> Result<bool, Fault> {
    Ok(tx.execute(&sql::NOTICE_REPLAYED, &[&id, &now])? == 1)
}
