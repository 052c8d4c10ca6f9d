//! Where an account is signed in, and ending it there.

use kernel::{AccountId, Env, Fault, SessionId, Timestamp};
use store::{Db, Read, Tx};

use crate::revocation;
use crate::sign_in::Identity;
use crate::sql;

/// Characters kept of what a device says of itself.
const DEVICE_CHARS_MAX: usize = 200;

/// What somebody signed in with.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Device {
    /// What it says of itself (`User-Agent`).
    pub name: Option<String>,
    /// The address it came from.
    pub address: Option<String>,
}

impl Device {
    /// A device as it is kept: one line, not too long.
    pub fn new(name: Option<&str>, address: Option<String>) -> Self {
        let clean = |name: &str| -> String {
            name.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS_MAX).collect()
        };
        let name = name.map(clean).filter(|name| !name.trim().is_empty());
        Self { name, address }
    }
}

/// A place where an account is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its id.
    pub id: SessionId,
    /// Whether it is a browser with a cookie, or a program with tokens.
    pub is_browser: bool,
    /// What it said of itself at the sign-in.
    pub device: Option<String>,
    /// Where the sign-in came from.
    pub address: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last seen, to the hour or so.
    pub last_used_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

store::from_row!(Place { id, is_browser, device, address, created_at, last_used_at, expires_at });

/// Where `account` is signed in, the latest first.
pub fn places(
    read: &mut Read<'_>,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<Place>, Fault> {
    read.rows(&sql::SESSIONS_OF_ACCOUNT, &[&account, &now])
}

/// Ends all sessions of `account` with the transaction. Tell [`Identity::forget_sessions`] of them
/// after the commit, so that this node need not wait for its next look.
pub fn end_all_in(tx: &mut Tx<'_>, env: &Env, account: AccountId) -> Result<Vec<SessionId>, Fault> {
    end_others_in(tx, env, account, None)
}

/// The same for all but one.
pub(crate) fn end_others_in(
    tx: &mut Tx<'_>,
    env: &Env,
    account: AccountId,
    keep: Option<SessionId>,
) -> Result<Vec<SessionId>, Fault> {
    let rows: Vec<(SessionId,)> = tx.rows(&sql::SESSION_IDS_OF_ACCOUNT, &[&account])?;
    let others = rows.into_iter().map(|(id,)| id).filter(|id| Some(*id) != keep);
    let sessions: Vec<SessionId> = others.collect();
    revocation::revoke(tx, env, &sessions)?;
    Ok(sessions)
}

impl Identity {
    /// Ends every session of `account`: at once on this node, within a second on every other.
    pub async fn end_all_sessions(
        &self,
        db: &Db,
        env: &Env,
        account: AccountId,
    ) -> Result<(), Fault> {
        let at = env.clone();
        let ended = db.write(move |tx| end_all_in(tx, &at, account)).await?;
        self.forget_sessions(&ended);
        Ok(())
    }

    /// Ends one session of `account`; says whether there was one.
    pub async fn end_session(
        &self,
        db: &Db,
        env: &Env,
        account: AccountId,
        session: SessionId,
    ) -> Result<bool, Fault> {
        let at = env.clone();
        let ended = db
            .write(move |tx| {
                let owner: Option<(AccountId,)> = tx.row(&sql::SESSION_OWNER, &[&session])?;
                let is_theirs = owner.is_some_and(|(owner,)| owner == account);
                if is_theirs {
                    revocation::revoke(tx, &at, &[session])?;
                }
                Ok::<_, Fault>(is_theirs)
            })
            .await?;
        if ended {
            self.forget_sessions(&[session]);
        }
        Ok(ended)
    }

    /// From here on this node takes these sessions for ended.
    pub fn forget_sessions(&self, sessions: &[SessionId]) {
        self.sessions.revoked().add(sessions, self.tokens.now());
    }
}
