//! Wrong passwords in a row slow a login down: five are free, then the wait doubles, and after a
//! hundred (NIST SP 800-63B-4, 3.2.2) it is a day. A code is taken meanwhile, and so is whatever
//! else proves who somebody is; then the count begins anew.
//!
//! A login that nobody has is counted like any other. What counts is decided with the transaction
//! that would sign in, so that passwords tried at once are no more than those tried in turn.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Env, Error, Fault, SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use store::{Read, Tx};

use crate::error::SignInRefusal;
use crate::sql;

/// Wrong passwords that cost nothing but their own time.
pub const TRIES_FREE: i64 = 5;
/// After this many in a row a login waits for [`TRIES_WAIT_MAX`].
pub const TRIES_MAX: i64 = 100;
/// The longest wait, and how long wrong passwords are remembered twice over.
pub const TRIES_WAIT_MAX: SignedDuration = SignedDuration::from_hours(24);
const DOUBLED_UP_TO: SignedDuration = SignedDuration::from_hours(1);

/// What a login is counted under.
pub(crate) fn hashed(login: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(login.as_bytes()))
}

/// Refuses a login that has to wait.
pub(crate) fn check(
    read: &mut Read<'_>,
    login: &str,
    now: Timestamp,
) -> Result<(), Error<SignInRefusal>> {
    let tried: Option<(i64, Timestamp)> = read.row(&sql::TRIES, &[&login])?;
    let Some((failures, last_at)) = tried else { return Ok(()) };
    let over = last_at.saturating_add(wait(failures)).unwrap_or(last_at);
    let left = over.duration_since(now).as_secs();
    // A clock that was set back makes nobody wait longer than they had to.
    match u32::try_from(left.min(wait(failures).as_secs())) {
        _ if now >= over => Ok(()),
        Ok(left) => Err(Error::Refused(SignInRefusal::TooManyTries { retry_after: left + 1 })),
        Err(_) => Ok(()),
    }
}

/// Counts a wrong password, unless the login has to wait anyhow.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    login: &str,
    now: Timestamp,
) -> Result<(), Error<SignInRefusal>> {
    check(tx, login, now)?;
    tx.execute(&sql::TRIES_ADD, &[&login, &now])?;
    Ok(())
}

/// Begins anew, by the hash of a login.
pub(crate) fn forgive(tx: &mut Tx<'_>, login: &str) -> Result<(), Fault> {
    tx.execute(&sql::TRIES_FORGIVE, &[&login]).map(|_| ())
}

/// Begins anew for the login with this key: for whoever proved another way who they are.
pub fn forgive_tries(tx: &mut Tx<'_>, key: &str) -> Result<(), Fault> {
    forgive(tx, &hashed(key))
}

/// Forgets what was long ago.
pub(crate) fn forget(tx: &mut Tx<'_>, env: &Env) -> Result<u64, Fault> {
    let now = env.now();
    let before = now.saturating_sub(TRIES_WAIT_MAX * 2).unwrap_or(now);
    tx.execute(&sql::TRIES_FORGET, &[&before])
}

fn wait(failures: i64) -> SignedDuration {
    match failures {
        ..TRIES_FREE => SignedDuration::ZERO,
        TRIES_FREE..TRIES_MAX => {
            let doubled = 1 << (failures - TRIES_FREE).min(20);
            SignedDuration::from_secs(doubled).min(DOUBLED_UP_TO)
        }
        TRIES_MAX.. => TRIES_WAIT_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows() {
        let secs = |failures| wait(failures).as_secs();
        assert_eq!([1, 4, 5, 6, 10, 16, 17, 99].map(secs), [0, 0, 1, 2, 32, 2048, 3600, 3600]);
        assert_eq!([100, 101, i64::MAX].map(wait), [TRIES_WAIT_MAX; 3]);
    }
}
