//! Sessions that are over although a token of theirs may still be alive.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use kernel::{Env, Fault, SessionId, SignedDuration, Timestamp};
use store::{Read, Tx};

use crate::sql;

/// A commit may be seen this long after the time it carries: transactions last no longer than 35
/// seconds, and clocks of nodes differ.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// The list, in memory. Asked by every request that carries a token.
#[derive(Default)]
pub(crate) struct Revoked(RwLock<HashMap<SessionId, Timestamp>>);

impl Revoked {
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(&session)
    }

    /// Takes in what was read, and drops what no token can be of any more.
    pub(crate) fn learn(&self, rows: &[(SessionId, Timestamp)], forget_before: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.extend(rows.iter().copied());
        all.retain(|_, revoked_at| *revoked_at >= forget_before);
    }

    /// Takes in what this node has just ended, or has tried to: where the outcome is unknown, a
    /// session that lives on signs its owner out for no longer than a token lasts.
    pub(crate) fn add(&self, sessions: &[SessionId], now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.extend(sessions.iter().map(|session| (*session, now)));
    }
}

/// Ends these sessions, for every node, with the transaction.
pub(crate) fn revoke(tx: &mut Tx<'_>, env: &Env, sessions: &[SessionId]) -> Result<(), Fault> {
    for session in sessions {
        tx.execute(&sql::SESSION_END_BY_ID, &[session])?;
        tx.execute(&sql::REVOCATION_ADD, &[session, &env.now()])?;
    }
    Ok(())
}

/// What was revoked since `read_at`, with what may have been committed late.
pub(crate) fn since(
    read: &mut Read<'_>,
    read_at: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, Fault> {
    let from = read_at.saturating_sub(SEEN_WITHIN).unwrap_or(read_at);
    read.rows(&sql::REVOCATIONS_SINCE, &[&from])
}
