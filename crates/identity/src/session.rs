//! Sessions: who a token belongs to.
//!
//! A token is 256 random bits in base64url and means nothing. The database keeps its SHA-256,
//! which needs neither salt nor slowness: nobody guesses 256 bits.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{AccountId, Env, Fault, SessionId, SignedDuration, Timestamp};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use store::{Db, Tx};

use crate::revocation::Revoked;
use crate::role::Role;
use crate::sql;
use crate::tokens::Holder;
use crate::tries;

/// A session ends this long after it began, whatever happens.
pub const LASTS_FOR_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session ends this long after it was last used.
pub const IDLE_FOR_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What is known of a token is asked again after this time, so that a session ended by another
/// node is not accepted for longer.
pub const CACHED_FOR: SignedDuration = SignedDuration::from_secs(1);
/// Use moves the end of a session on at most this often.
const EXTENDED_EVERY: SignedDuration = SignedDuration::from_hours(1);
const CACHED_MAX: usize = 100_000;
const TOKEN_BYTES: usize = 32;
const TOKEN_CHARS: usize = 43;

/// Who sent a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// Whose token it is.
    pub account_id: AccountId,
    /// Which sign-in gave it.
    pub session_id: SessionId,
    /// What they are in this shop.
    pub role: Role,
    /// What to call them.
    pub name: String,
    /// Whether they proved a second factor in this session.
    pub second_factor: bool,
}

impl SignedIn {
    /// Who they are, and by which session.
    pub fn holder(&self) -> Holder {
        let Self { account_id, session_id, role, .. } = *self;
        Holder { account_id, session_id, role }
    }
}

/// Answers whose token it is, mostly from memory.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    env: Env,
    revoked: Arc<Revoked>,
    known: Cache<TokenHash, Known>,
}

type TokenHash = [u8; 32];

/// What the database said of a token a moment ago.
#[derive(Clone)]
struct Known {
    who: Arc<SignedIn>,
    asked_at: Timestamp,
    expires_at: Timestamp,
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.asked_at);
        age >= SignedDuration::ZERO && age < CACHED_FOR && now < self.expires_at
    }
}

/// A session to be written, with the token that only its owner will know.
pub(crate) struct NewSession {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
    id: SessionId,
    created_at: Timestamp,
    second_factor: bool,
}

impl Sessions {
    /// Sessions by the clock of `env`.
    pub fn new(env: &Env) -> Self {
        let revoked = Arc::default();
        Self(Arc::new(Inner { env: env.clone(), revoked, known: Cache::new(CACHED_MAX) }))
    }

    pub(crate) fn revoked(&self) -> &Arc<Revoked> {
        &self.0.revoked
    }

    /// Who has this token, if anybody has. Reads the database once a second for each token in
    /// use, and writes once an hour to move the end of the session on.
    pub async fn who(&self, db: &Db, token: &str) -> Result<Option<SignedIn>, Fault> {
        let who = self.whoever(db, token).await?;
        Ok(who.filter(|who| !self.0.revoked.contains(who.session_id)))
    }

    async fn whoever(&self, db: &Db, token: &str) -> Result<Option<SignedIn>, Fault> {
        let Some(hash) = hash(token) else { return Ok(None) };
        let now = self.0.env.now();
        if let Some(known) = self.0.known.get(&hash) {
            if known.is_fresh(now) {
                return Ok(Some(SignedIn::clone(&known.who)));
            }
            self.0.known.remove_if(&hash, |known| !known.is_fresh(now));
        }
        // One request asks the database, the others with the same token wait for its answer. A
        // session that is ended meanwhile loses this place, so that what was read is not kept.
        let place = match self.0.known.get_value_or_guard_async(&hash).await {
            Ok(known) => return Ok(Some(SignedIn::clone(&known.who))),
            Err(place) => place,
        };
        let Some(found) = self.find(db, &hash, now).await? else { return Ok(None) };
        let (known, extended) = found;
        let who = SignedIn::clone(&known.who);
        // Refused when the session was ended meanwhile.
        let _ = place.insert(known);
        if let Some(expires_at) = extended {
            extend(db, who.session_id, expires_at, now).await;
        }
        Ok(Some(who))
    }

    /// Ends the session of a token, at once on this node. Ending it twice is no error.
    pub async fn end(&self, db: &Db, token: &str) -> Result<(), Fault> {
        let Some(hash) = hash(token) else { return Ok(()) };
        let text = text(&hash);
        let ended = db.write(move |tx| tx.execute(&sql::SESSION_END, &[&text]).map(|_| ())).await;
        // Also after a fault: the outcome may be unknown, and asking again costs little.
        self.0.known.remove(&hash);
        ended
    }

    /// What is known of a token is asked anew: something about its session has changed.
    pub fn look_again(&self, token: &str) {
        if let Some(hash) = hash(token) {
            self.0.known.remove(&hash);
        }
    }

    /// What the database says of a token, and the new end of its session when that is to move.
    async fn find(
        &self,
        db: &Db,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(Known, Option<Timestamp>)>, Fault> {
        type Found = (SessionId, Timestamp, Timestamp, bool, AccountId, Role, String);
        let text = text(hash);
        let found: Option<Found> =
            db.read(move |read| read.row(&sql::SESSION_FIND, &[&text])).await?;
        let Some((session_id, created_at, expires_at, second_factor, account_id, role, name)) =
            found.filter(|found| now < found.2)
        else {
            return Ok(None);
        };
        let who = Arc::new(SignedIn { account_id, session_id, role, name, second_factor });
        let later = ends_at(created_at, now);
        let extended = (later.duration_since(expires_at) >= EXTENDED_EVERY).then_some(later);
        Ok(Some((Known { who, asked_at: now, expires_at }, extended)))
    }
}

/// A session that loses an hour of its fortnight is no reason to refuse a request: a full disk
/// or a busy writer is only noted.
async fn extend(db: &Db, session: SessionId, expires_at: Timestamp, now: Timestamp) {
    let extended =
        db.write(move |tx| tx.execute(&sql::SESSION_EXTEND, &[&session, &expires_at, &now])).await;
    if let Err(fault) = extended {
        tracing::debug!(%fault, "the end of a session was not moved on");
    }
}

/// Removes the sessions that are over, and what is of no use without them; gives how many there
/// were.
pub fn forget_expired(tx: &mut Tx<'_>, env: &Env) -> Result<u64, Fault> {
    let now = env.now();
    // No access token lasts longer than a day.
    let before = now.saturating_sub(SignedDuration::from_hours(48)).unwrap_or(now);
    tx.execute(&sql::REVOCATIONS_FORGET, &[&before])?;
    tries::forget(tx, env)?;
    tx.execute(&sql::PENDING_LOGINS_FORGET, &[&now])?;
    tx.execute(&sql::SESSIONS_FORGET, &[&now])
}

impl NewSession {
    pub(crate) fn ready(env: &Env) -> Self {
        let now = env.now();
        Self {
            token: URL_SAFE_NO_PAD.encode(env.bytes::<TOKEN_BYTES>()),
            expires_at: ends_at(now, now),
            id: env.id(),
            created_at: now,
            second_factor: false,
        }
    }

    /// Opened with a second factor.
    pub(crate) fn with_second_factor(self) -> Self {
        Self { second_factor: true, ..self }
    }

    pub(crate) fn insert(&self, tx: &mut Tx<'_>, account: AccountId) -> Result<(), Fault> {
        let Some(hash) = hash(&self.token) else {
            return Err(Fault::Broken("a token of the wrong length was made".into()));
        };
        tx.execute(
            &sql::SESSION_ADD,
            &[
                &self.id,
                &text(&hash),
                &account,
                &self.created_at,
                &self.expires_at,
                &self.second_factor,
            ],
        )?;
        Ok(())
    }
}

/// When a session ends that began at `created_at` and is used at `now`.
pub(crate) fn ends_at(created_at: Timestamp, now: Timestamp) -> Timestamp {
    let add = |at: Timestamp, span| at.saturating_add(span).unwrap_or(at);
    add(created_at, LASTS_FOR_MAX).min(add(now, IDLE_FOR_MAX))
}

/// `None` for what cannot be a token.
fn hash(token: &str) -> Option<TokenHash> {
    (token.len() == TOKEN_CHARS).then(|| Sha256::digest(token.as_bytes()).into())
}

fn text(hash: &TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}
