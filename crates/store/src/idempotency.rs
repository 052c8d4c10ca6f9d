//! Answers already given. A write that moves money or stock carries a key; the second time the
//! key comes, the first answer is given again and nothing moves.
//!
//! The key's row is written in the transaction that does the work, so there is no time in which
//! one is there without the other. Source of the semantics: the IETF Idempotency-Key header
//! draft (missing 400, other body 422).

use kernel::{Fault, Timestamp, Uuid};
use sha2::{Digest, Sha256};

use crate::sql;
use crate::tx::{Read, Tx};

/// Whose key it is, for what, and a fingerprint of what was asked.
#[derive(Clone, Debug)]
pub struct Key {
    /// The account that asks; another account's equal key is another key.
    pub scope: Uuid,
    /// The operation.
    pub route: &'static str,
    /// What the caller chose, 1 to 255 bytes.
    pub key: String,
    /// SHA-256 of the request, in hex.
    pub fingerprint: String,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// A number for the face that answered (its status).
    pub status: i64,
    /// The body, as text.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never seen: do the work.
    Never,
    /// Seen with the same request: give this answer again.
    Answered(Answer),
    /// Seen with another request: refuse.
    OtherRequest,
}

impl Key {
    /// A key for `route`, with the fingerprint of `request`'s bytes.
    pub fn new(scope: Uuid, route: &'static str, key: String, request: &[u8]) -> Self {
        Self { scope, route, key, fingerprint: fingerprint(request) }
    }
}

/// SHA-256 of `bytes`, in hex.
pub fn fingerprint(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Looks a key up.
pub fn seen(read: &mut Read<'_>, key: &Key) -> Result<Seen, Fault> {
    let found: Option<(String, i64, String)> =
        read.row(&sql::KEY_FIND, &[&key.scope, &key.route, &key.key])?;
    Ok(match found {
        None => Seen::Never,
        Some((fingerprint, ..)) if fingerprint != key.fingerprint => Seen::OtherRequest,
        Some((_, status, body)) => Seen::Answered(Answer { status, body }),
    })
}

/// Keeps the answer, in the transaction that did the work. Two that race meet at the primary
/// key: the second is a constraint fault, and asking again finds the answer.
pub fn keep(tx: &mut Tx<'_>, key: &Key, answer: &Answer, now: Timestamp) -> Result<(), Fault> {
    tx.execute(
        &sql::KEY_ADD,
        &[&key.scope, &key.route, &key.key, &key.fingerprint, &answer.status, &answer.body, &now],
    )
    .map(|_| ())
}

/// Forgets keys older than `before`; gives how many.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, Fault> {
    tx.execute(&sql::KEYS_FORGET, &[&before])
}

/// Forgets the keys of one scope, with the answers that are kept for them.
pub fn forget_scope(tx: &mut Tx<'_>, scope: Uuid) -> Result<u64, Fault> {
    tx.execute(&sql::KEYS_FORGET_SCOPE, &[&scope])
}
