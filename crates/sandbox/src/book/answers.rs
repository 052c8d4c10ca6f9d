//! Answers kept under their idempotency keys, for ever: a sandbox has no reason to forget.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Page;
use crate::answer::Answer;

/// Gives the answer that `key` already has, or makes and keeps one. The same key with another
/// request is refused.
pub(crate) fn once(
    page: &Page<'_>,
    op: &str,
    key: &str,
    request: &[u8],
    make: impl FnOnce(&Page<'_>) -> rusqlite::Result<Answer>,
) -> rusqlite::Result<Answer> {
    let hash = Sha256::digest(request);
    let kept = page
        .tx
        .prepare_cached("select request, status, body from answers where op = ?1 and key = ?2")?
        .query_row(params![op, key], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    if let Some((request, status, body)) = kept {
        return Ok(if request == hash.as_slice() {
            Answer { status, body: serde_json::from_str(&body).unwrap_or(Value::Null) }
        } else {
            let message = "This Idempotency-Key was used with another request.";
            Answer::refused(422, "idempotency_key_reused", message)
        });
    }
    let answer = make(page)?;
    page.tx.execute(
        "insert into answers (op, key, request, status, body) values (?1, ?2, ?3, ?4, ?5)",
        params![op, key, hash.as_slice(), answer.status, answer.body.to_string()],
    )?;
    Ok(answer)
}
