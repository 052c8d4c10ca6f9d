//! `Idempotency-Key` (IETF HTTPAPI draft): one name for one wish, however often it is sent.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use kernel::{AccountId, limits};
use serde::Serialize;
use store::idempotency::Key;

use crate::problem::Problem;

/// The header.
const HEADER: &str = "idempotency-key";

/// A key that must be there.
pub struct IdempotencyKey(pub String);

/// A key that may be there.
pub struct OptionalKey(pub Option<IdempotencyKey>);

impl IdempotencyKey {
    /// The key as it is kept: of this account, for this route, with the fingerprint of what is
    /// asked of `about`.
    pub fn of(
        self,
        account: AccountId,
        route: &'static str,
        about: &str,
        request: &impl Serialize,
    ) -> Key {
        let mut asked = about.as_bytes().to_vec();
        asked.push(b'\n');
        // What was read from JSON can be written as JSON; a key is better than no key in any case.
        asked.extend(serde_json::to_vec(request).unwrap_or_default());
        Key::new(account.0, route, self.0, &asked)
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        given(&parts.headers)?.ok_or_else(|| {
            let detail = "send an `Idempotency-Key`: any text that names this one wish, the same \
                          when you send it again";
            Problem::new(StatusCode::BAD_REQUEST, "idempotency-key-missing", detail)
        })
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        given(&parts.headers).map(Self)
    }
}

fn given(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut all = headers.get_all(HEADER).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let key = match all.next() {
        None => text(value.as_bytes()),
        Some(_) => None,
    };
    key.map(|key| Some(IdempotencyKey(key))).ok_or_else(|| {
        let max = limits::KEY_BYTES_MAX;
        let detail =
            format!("an `Idempotency-Key` is 1 to {max} visible ASCII characters, given once");
        Problem::new(StatusCode::BAD_REQUEST, "idempotency-key-invalid", detail)
    })
}

/// A structured-field string (RFC 9651, 3.3.3), or the same without its quotes.
fn text(value: &[u8]) -> Option<String> {
    let value = value.trim_ascii();
    let mut key = String::with_capacity(value.len());
    match value {
        [b'"', inner @ .., b'"'] => {
            let mut bytes = inner.iter();
            while let Some(byte) = bytes.next() {
                key.push(char::from(match byte {
                    b'\\' => *bytes.next().filter(|escaped| matches!(escaped, b'"' | b'\\'))?,
                    b'"' => return None,
                    plain => *plain,
                }));
            }
        }
        bare if bare.contains(&b'"') => return None,
        bare => key.extend(bare.iter().copied().map(char::from)),
    }
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=limits::KEY_BYTES_MAX).contains(&key.len())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_quotes() {
        let long = "k".repeat(limits::KEY_BYTES_MAX);
        let good = [
            ("abc-1", "abc-1"),
            (" abc ", "abc"),
            (r#""abc""#, "abc"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            (&long, &long),
        ];
        for (sent, key) in good {
            assert_eq!(text(sent.as_bytes()).as_deref(), Some(key), "{sent}");
        }
        let longer = "k".repeat(limits::KEY_BYTES_MAX + 1);
        let bad = [
            "",
            "\"\"",
            "\"",
            "a b",
            "\"a b\"",
            "a\"",
            "\"a",
            "\"a\"b\"",
            r#""a\x""#,
            "\"a\\\"",
            "é",
            "\"a\";p=1",
            &longer,
        ];
        for sent in bad {
            assert_eq!(text(sent.as_bytes()), None, "{sent}");
        }
    }
}
