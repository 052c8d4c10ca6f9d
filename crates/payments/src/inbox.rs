//! What gateways send us. A notice is kept before its sender hears that we have it, once for
//! each key it goes by, and says only what to ask the gateway about.

use kernel::{AttemptId, Fault, NoticeId, Timestamp};
use store::{Read, Tx, from_row};

use crate::sql;

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
    /// The body, as it came.
    pub body: String,
    /// The headers worth keeping, a JSON object.
    pub headers: String,
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
    /// Tries that failed.
    pub tries: i64,
}

from_row!(Waiting { id, gateway, reference, attempt_id, tries });

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
            &notice.received_at,
        ],
    )?;
    Ok(added == 1)
}

/// Notices to look into at `now`, the longest waiting first, up to `limit`.
pub fn notices_due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<Waiting>, Fault> {
    read.rows(&sql::NOTICES_DUE, &[&now, &limit])
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
