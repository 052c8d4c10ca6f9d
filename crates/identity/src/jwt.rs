//! Access tokens: JSON Web Tokens (RFC 7519) in compact form, signed with Ed25519 (RFC 8037), of
//! the type `at+jwt` (RFC 9068).
//!
//! One header and one algorithm are read, and nothing else: what RFC 8725 warns of has no place
//! to stand. A header that names where to find a key, or any other field, is refused.

mod keys;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{AccountId, SessionId, Uuid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::role::Role;

pub use keys::{KeySet, PublishedKey};
pub(crate) use keys::{SEED_BYTES, SigningKey};

/// Bytes of a token: ours have about 500.
pub const TOKEN_BYTES_MAX: usize = 2048;
/// Whom access tokens are for.
pub const AUDIENCE: &str = "holdfast";

const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";
/// Seconds that the clock of another node may be ahead of ours.
const AHEAD_MAX: i64 = 5;

/// The head of a token. Any other field, and any field twice, is refused by the reader.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

/// What a token says.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Which shop made it: its public address.
    pub iss: String,
    /// Whom it is for: [`AUDIENCE`].
    pub aud: String,
    /// Whose it is.
    pub sub: AccountId,
    /// Of which session.
    pub sid: SessionId,
    /// What they were in this shop when it was made.
    pub role: Role,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// Until when.
    pub exp: i64,
    /// Its own id.
    pub jti: Uuid,
}

impl Claims {
    /// Whether it is good at `now`, in seconds.
    pub(crate) fn is_alive(&self, now: i64) -> bool {
        now < self.exp && now.saturating_add(AHEAD_MAX) >= self.nbf
    }
}

/// The token that says `claims`, signed with `key`.
pub(crate) fn write(key: &SigningKey, claims: &Claims) -> Result<String, serde_json::Error> {
    let head = Head { alg: ALGORITHM.into(), typ: TYPE.into(), kid: key.kid().into() };
    let head = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&head)?);
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let signed = format!("{head}.{body}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// What a token says, if one of `keys` signed it and it is for us, from `issuer`, and alive at
/// `now`. Why not is nobody's business.
pub(crate) fn read(keys: &KeySet, issuer: &str, now: i64, token: &str) -> Option<Claims> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, body) = signed.split_once('.')?;
    let head: Head = json(head)?;
    if head.alg != ALGORITHM || head.typ != TYPE {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !keys.find(&head.kid)?.verifies(signed.as_bytes(), &signature) {
        return None;
    }
    let claims: Claims = json(body)?;
    let is_ours = claims.iss == issuer && claims.aud == AUDIENCE;
    (is_ours && claims.is_alive(now)).then_some(claims)
}

/// An object in base64url. The alphabet without padding is the only form that is taken.
fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    // The reader would take a list of the values as well.
    (bytes.first() == Some(&b'{')).then(|| serde_json::from_slice(&bytes).ok())?
}
