//! Answers kept under their idempotency keys.

use kernel::SignedDuration;
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Page, micros};
use crate::answer::Answer;

/// What is known of a key.
pub(crate) enum Kept {
    /// It is new, or so old that it was forgotten.
    Nothing,
    /// The answer it has.
    Answer(Answer),
    /// It belongs to another request.
    Other,
}

/// What `key` has been used for. Keys older than `life` are forgotten, if it is limited.
pub(crate) fn find(
    page: &Page<'_>,
    scope: &str,
    key: &str,
    request: &[u8],
    life: Option<SignedDuration>,
) -> rusqlite::Result<Kept> {
    if let Some(life) = life {
        let text = "delete from answers where scope = ?1 and key = ?2 and at <= ?3";
        page.tx.prepare_cached(text)?.execute(params![scope, key, micros(page.now - life)])?;
    }
    let kept = page
        .tx
        .prepare_cached("select request, status, body from answers where scope = ?1 and key = ?2")?
        .query_row(params![scope, key], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    Ok(match kept {
        None => Kept::Nothing,
        Some((hash, ..)) if hash != Sha256::digest(request).as_slice() => Kept::Other,
        Some((_, status, body)) => {
            Kept::Answer(Answer::json(status, serde_json::from_str(&body).unwrap_or(Value::Null)))
        }
    })
}

/// Keeps an answer under its key.
pub(crate) fn keep(
    page: &Page<'_>,
    scope: &str,
    key: &str,
    request: &[u8],
    answer: &Answer,
) -> rusqlite::Result<()> {
    page.tx.execute(
        "insert into answers (scope, key, request, status, body, at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            scope,
            key,
            Sha256::digest(request).as_slice(),
            answer.status,
            answer.value().to_string(),
            micros(page.now),
        ],
    )?;
    Ok(())
}

/// Forgets every key, as if their life were over.
pub(crate) fn forget(page: &Page<'_>) -> rusqlite::Result<usize> {
    page.tx.execute("delete from answers", [])
}
