//! Access tokens: made at a sign-in, and checked by every request of the API without the database.
//!
//! What may change meanwhile is looked at once a second, by the first request that comes: which
//! sessions were ended, and which keys there are. Where that look fails the last one counts for
//! [`OLD_MAX`]; from then on the shop's own people are refused, who could do harm with a token
//! that was taken from them, and customers are served, who would lose their purchase.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use kernel::{AccountId, Env, Fault, SessionId, SignedDuration, Timestamp, Uuid};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use store::{Db, secrets};
use tokio::sync::Mutex;

use crate::jwt::{self, AUDIENCE, Claims, KeySet, PublishedKey, SEED_BYTES, SigningKey};
use crate::revocation::{self, Revoked};
use crate::role::Role;

/// An access token is good for this long, unless the shop says otherwise.
pub const ACCESS_LASTS: SignedDuration = SignedDuration::from_mins(15);
/// A look at what was revoked is good for this long.
pub const LOOKED_FOR: SignedDuration = SignedDuration::from_secs(1);
/// A look that could not be repeated counts for this long.
pub const OLD_MAX: SignedDuration = SignedDuration::from_secs(5);

/// What is kept of a revocation beyond the life of a token: clocks may be set back.
const KEPT_BEYOND: SignedDuration = SignedDuration::from_hours(1);
const CACHED_MAX: usize = 100_000;
const NEVER: i64 = i64::MIN;
/// The first key's name; a later one's has its id behind it.
const KEYS: &str = "access-token";
const SUCCESSORS: &str = "refresh-successor";

/// Who holds an access token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Whose it is.
    pub account_id: AccountId,
    /// Which sign-in gave it.
    pub session_id: SessionId,
    /// What they are in this shop.
    pub role: Role,
}

/// An access token and its end.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

/// Makes access tokens and reads them. Cheap to clone.
#[derive(Clone)]
pub struct AccessTokens {
    inner: Arc<Inner>,
    lasts: SignedDuration,
}

struct Inner {
    env: Env,
    issuer: OnceLock<String>,
    revoked: Arc<Revoked>,
    read: Cache<[u8; 32], Read>,
    keys: RwLock<Arc<KeySet>>,
    successors: OnceLock<[u8; 32]>,
    /// When the last look began and when the last one failed, in microseconds.
    looked_at: AtomicI64,
    failed_at: AtomicI64,
    looking: Mutex<()>,
}

/// What a token said when its signature was checked.
#[derive(Clone, Copy)]
struct Read {
    holder: Holder,
    nbf: i64,
    exp: i64,
}

impl AccessTokens {
    pub(crate) fn new(env: &Env, revoked: Arc<Revoked>) -> Self {
        let inner = Inner {
            env: env.clone(),
            issuer: OnceLock::new(),
            revoked,
            read: Cache::new(CACHED_MAX),
            keys: RwLock::default(),
            successors: OnceLock::new(),
            looked_at: AtomicI64::new(NEVER),
            failed_at: AtomicI64::new(NEVER),
            looking: Mutex::default(),
        };
        Self { inner: Arc::new(inner), lasts: ACCESS_LASTS }
    }

    /// Tokens that are good for another time.
    pub(crate) fn lasting(self, lasts: SignedDuration) -> Self {
        Self { lasts, ..self }
    }

    /// Says once whose tokens these are: the public address of the shop.
    pub fn issued_by(&self, issuer: &str) {
        let _ = self.inner.issuer.set(issuer.to_owned());
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    /// Who holds this token, if it is good. Asks the database at most once a second, whoever
    /// comes.
    pub async fn holder(&self, db: &Db, token: &str) -> Result<Option<Holder>, Fault> {
        let is_current = self.look(db).await?;
        let Some(holder) = self.said_by(token) else { return Ok(None) };
        if self.inner.revoked.contains(holder.session_id) {
            return Ok(None);
        }
        if !is_current && holder.role != Role::Customer {
            let words = "whether the session was ended cannot be told";
            return Err(Fault::Unavailable(words.into()));
        }
        Ok(Some(holder))
    }

    /// What a token says. Without I/O.
    fn said_by(&self, token: &str) -> Option<Holder> {
        let inner = &self.inner;
        if token.len() > jwt::TOKEN_BYTES_MAX {
            return None;
        }
        let now = inner.env.now().as_second();
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(read) = inner.read.get(&hash) {
            // A clock that was set back makes a token young again, never old.
            if now < read.exp && now.saturating_add(60) >= read.nbf {
                return Some(read.holder);
            }
            inner.read.remove(&hash);
            return None;
        }
        let claims = jwt::read(&self.keys(), inner.issuer.get()?, now, token)?;
        let Claims { sub, sid, role, nbf, exp, .. } = claims;
        let holder = Holder { account_id: sub, session_id: sid, role };
        inner.read.insert(hash, Read { holder, nbf, exp });
        Some(holder)
    }

    /// A token for `holder`, whose session ends at `session_ends_at`.
    pub(crate) async fn issue(
        &self,
        db: &Db,
        holder: Holder,
        session_ends_at: Timestamp,
    ) -> Result<Issued, Fault> {
        self.look(db).await?;
        let env = &self.inner.env;
        let broken = |what: &str| Fault::Broken(format!("no access token is made: {what}"));
        let issuer = self.inner.issuer.get().ok_or_else(|| broken("whose?"))?;
        let now = env.now();
        let ends = now.saturating_add(self.lasts).unwrap_or(now).min(session_ends_at);
        let claims = Claims {
            iss: issuer.clone(),
            aud: AUDIENCE.into(),
            sub: holder.account_id,
            sid: holder.session_id,
            role: holder.role,
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: ends.as_second(),
            jti: env.id::<Uuid>(),
        };
        let keys = self.keys();
        let key = keys.signs(now).ok_or_else(|| broken("there is no key"))?;
        let token = jwt::write(key, &claims).map_err(|error| broken(&error.to_string()))?;
        let expires_at = Timestamp::from_second(claims.exp).unwrap_or(ends);
        Ok(Issued { token, expires_at })
    }

    /// The keys that others read our tokens with.
    pub async fn published(&self, db: &Db) -> Result<Vec<PublishedKey>, Fault> {
        self.look(db).await?;
        Ok(self.keys().published())
    }

    /// What the next refresh token is drawn from.
    pub(crate) async fn successors(&self, db: &Db) -> Result<[u8; 32], Fault> {
        if let Some(key) = self.inner.successors.get() {
            return Ok(*key);
        }
        let key = secrets::get_or_make(db, &self.inner.env, SUCCESSORS).await?;
        Ok(*self.inner.successors.get_or_init(|| key))
    }

    fn keys(&self) -> Arc<KeySet> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at what was revoked and which keys there are, unless somebody has just done so. Says
    /// whether what is known is young enough.
    async fn look(&self, db: &Db) -> Result<bool, Fault> {
        let inner = &self.inner;
        let now = inner.env.now();
        let within = |at: &AtomicI64, span: SignedDuration| {
            let at = at.load(Ordering::Acquire);
            at != NEVER && (0..span.as_micros()).contains(&i128::from(now.as_microsecond() - at))
        };
        if within(&inner.looked_at, LOOKED_FOR) {
            return Ok(true);
        }
        let is_young = || within(&inner.looked_at, OLD_MAX);
        let _turn = match inner.looking.try_lock() {
            Ok(turn) => turn,
            // Somebody looks; what they saw last will do meanwhile.
            Err(_) if is_young() => return Ok(true),
            Err(_) => inner.looking.lock().await,
        };
        if within(&inner.looked_at, LOOKED_FOR) {
            return Ok(true);
        }
        let never = inner.looked_at.load(Ordering::Acquire) == NEVER;
        // Those who waited behind a look that failed do not all try again.
        if !never && within(&inner.failed_at, LOOKED_FOR) {
            return Ok(is_young());
        }
        match self.look_now(db, now).await {
            Ok(()) => {
                inner.looked_at.store(now.as_microsecond(), Ordering::Release);
                Ok(true)
            }
            Err(fault) if never => Err(fault),
            Err(fault) => {
                inner.failed_at.store(now.as_microsecond(), Ordering::Release);
                tracing::warn!(%fault, "what was revoked could not be read");
                Ok(is_young())
            }
        }
    }

    async fn look_now(&self, db: &Db, now: Timestamp) -> Result<(), Fault> {
        let inner = &self.inner;
        let forget_before = self.forgotten_before(now);
        let since = match inner.looked_at.load(Ordering::Acquire) {
            NEVER => forget_before,
            at => Timestamp::from_microsecond(at).unwrap_or(forget_before).min(now),
        };
        let (mut kept, revoked) = db
            .read(move |read| {
                let kept = secrets::all_named(read, KEYS)?;
                Ok::<_, Fault>((kept, revocation::since(read, since)?))
            })
            .await?;
        if kept.is_empty() {
            secrets::get_or_make(db, &inner.env, KEYS).await?;
            kept = db.read(|read| secrets::all_named(read, KEYS)).await?;
        }
        inner.revoked.learn(&revoked, forget_before);
        let keys = kept.iter().map(|kept| SigningKey::of(&kept.bytes, kept.made_at));
        let keys = KeySet::of(keys.collect::<Result<_, _>>()?, self.lasts, now);
        *inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Revocations from before this are of no use any more.
    pub(crate) fn forgotten_before(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.lasts + KEPT_BEYOND).unwrap_or(now)
    }
}

/// Makes a new key that signs from a few seconds on. What the one before has signed stays good.
pub async fn rotate_keys(db: &Db, env: &Env) -> Result<String, Fault> {
    let seed = env.bytes::<SEED_BYTES>();
    let now = env.now();
    let kid = SigningKey::of(&seed, now)?.kid().to_owned();
    let name = format!("{KEYS}.{kid}");
    db.write(move |tx| secrets::add(tx, &name, &seed, now)).await?;
    Ok(kid)
}
