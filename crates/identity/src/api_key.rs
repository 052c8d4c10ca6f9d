//! Keys of the API, for programs: what they may do is a set of permissions, and never more than
//! the role of whoever made them allows at that moment. The secret is shown once; its SHA-256 is
//! kept, which needs neither salt nor slowness: nobody guesses 256 bits.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{AccountId, ApiKeyId, Env, Error, Fault, SignedDuration, Timestamp, limits};
use sha2::{Digest as _, Sha256};
use store::{Db, FromColumn, Read, Tx, Value, from_row};

use crate::audit::{self, Actor, Entry};
use crate::error::ApiKeyRefusal;
use crate::permission::Permission;
use crate::role::Role;
use crate::{sql, text};

/// What every key begins with: it is told apart from a token by it, and found by it where it
/// should not lie.
pub const PREFIX: &str = "hf_";
/// The use of a key is noted at most this often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);
const SECRET_BYTES: usize = 32;

/// A set of permissions, kept as their names with a space between them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scopes(pub BTreeSet<Permission>);

/// A key as it is listed. Its secret is not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who made it.
    pub made_by: AccountId,
    /// When.
    pub made_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

from_row!(ApiKey { id, name, scopes, made_by, made_at, expires_at, last_used_at, revoked_at });

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What it is for, in a line.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Permission>,
    /// From when on it is worth nothing.
    pub expires_at: Option<Timestamp>,
}

/// Who uses a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyHolder {
    /// The key.
    pub id: ApiKeyId,
    /// Who made it.
    pub made_by: AccountId,
    role: Role,
    scopes: Scopes,
}

impl KeyHolder {
    /// Whether the key, and whoever made it, may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.0.contains(&permission) && self.role.may(permission)
    }
}

impl FromColumn for Scopes {
    fn from_value(value: Value<'_>) -> Option<Self> {
        let Value::Text(text) = value else { return None };
        // A permission that is no more is nobody's.
        Some(Self(text.split(' ').filter_map(|word| word.parse().ok()).collect()))
    }
}

impl Scopes {
    fn text(&self) -> String {
        self.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Makes a key; gives it with its secret, which is kept nowhere.
pub async fn make(
    db: &Db,
    env: &Env,
    by: AccountId,
    new: NewApiKey,
) -> Result<(ApiKey, String), Error<ApiKeyRefusal>> {
    let name = text::line(&new.name, limits::TEXT_CHARS_MAX)
        .map_err(|problem| Error::Refused(ApiKeyRefusal::KeyInvalid { field: "name", problem }))?
        .to_owned();
    let invalid = |field, problem: &str| {
        Error::Refused(ApiKeyRefusal::KeyInvalid { field, problem: problem.to_owned() })
    };
    if new.scopes.is_empty() {
        return Err(invalid("scopes", "name at least one permission"));
    }
    if let Some(scope) = new.scopes.iter().find(|scope| !scope.is_for_keys()) {
        return Err(invalid("scopes", &format!("`{}` is not for keys", scope.as_str())));
    }
    let now = env.now();
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(invalid("expires_at", "lies in the past"));
    }
    let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(env.bytes::<SECRET_BYTES>()));
    let key = ApiKey {
        id: env.id(),
        name,
        scopes: Scopes(new.scopes),
        made_by: by,
        made_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let (hash, made, env) = (hash(&secret), key.clone(), env.clone());
    db.write(move |tx| {
        let role = crate::account(tx, by)?.map(|account| account.role);
        let too_much = made.scopes.0.iter().find(|it| !role.is_some_and(|role| role.may(**it)));
        if let Some(scope) = too_much {
            return Err(Error::Refused(ApiKeyRefusal::MoreThanYours { scope: *scope }));
        }
        let ApiKey { id, name, scopes, made_by, made_at, expires_at, .. } = &made;
        let scopes = scopes.text();
        tx.execute(&sql::API_KEY_ADD, &[id, name, &hash, &scopes, made_by, made_at, expires_at])?;
        let noted = Entry::noted(&env, Some(Actor::from(by)), "api-key-made", id.to_string());
        let noted = noted.with("name", name.as_str()).with("scopes", scopes);
        audit::append(tx, &noted, now)?;
        Ok(())
    })
    .await?;
    Ok((key, secret))
}

/// All keys, the newest first.
pub fn list(read: &mut Read<'_>) -> Result<Vec<ApiKey>, Fault> {
    read.rows(&sql::API_KEYS, &[])
}

/// Takes a key back; says whether there is such a key. Twice is no error.
pub fn revoke(tx: &mut Tx<'_>, env: &Env, by: AccountId, id: ApiKeyId) -> Result<bool, Fault> {
    let now = env.now();
    if tx.execute(&sql::API_KEY_REVOKE, &[&id, &now])? == 1 {
        let noted = Entry::noted(env, Some(Actor::from(by)), "api-key-revoked", id.to_string());
        audit::append(tx, &noted, now)?;
        return Ok(true);
    }
    let there: Option<(ApiKeyId,)> = tx.row(&sql::API_KEY, &[&id])?;
    Ok(there.is_some())
}

/// Whose key this is, if it is good.
pub async fn who(db: &Db, env: &Env, secret: &str) -> Result<Option<KeyHolder>, Fault> {
    type Found = (ApiKeyId, AccountId, Role, Scopes, Option<Timestamp>, Option<Timestamp>);
    let (hash, now) = (hash(secret), env.now());
    let found: Option<Found> = db.read(move |read| read.row(&sql::API_KEY_WHO, &[&hash])).await?;
    let Some((id, made_by, role, scopes, expires_at, last_used_at)) = found else {
        return Ok(None);
    };
    if expires_at.is_some_and(|at| at <= now) {
        return Ok(None);
    }
    if last_used_at.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY) {
        let noted = db.write(move |tx| tx.execute(&sql::API_KEY_USED, &[&id, &now])).await;
        if let Err(fault) = noted {
            // A full disk is no reason to refuse somebody who only looks.
            tracing::debug!(%fault, "the use of a key was not noted");
        }
    }
    Ok(Some(KeyHolder { id, made_by, role, scopes }))
}

fn hash(secret: &str) -> String {
    crate::hex(&Sha256::digest(secret.as_bytes()))
}
