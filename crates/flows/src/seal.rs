//! A quote on its way through the buyer's hands: readable, but not to be altered.
//!
//! `base64url(json) "." base64url(HMAC-SHA-256(json))`, RFC 2104 and RFC 4648 section 5.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 48 * 1024;

pub(crate) struct Seal {
    mac: Hmac<Sha256>,
}

impl Seal {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(&key).expect("a key of any length") }
    }

    pub(crate) fn close<T: Serialize>(&self, content: &T) -> Result<String, serde_json::Error> {
        let json = serde_json::to_vec(content)?;
        let tag = self.mac.clone().chain_update(&json).finalize().into_bytes();
        let mut token = String::with_capacity(json.len() * 4 / 3 + 50);
        BASE64.encode_string(&json, &mut token);
        token.push('.');
        BASE64.encode_string(tag, &mut token);
        Ok(token)
    }

    /// A mark under some words, to be put into a link: whoever has it was given it here.
    pub(crate) fn mark(&self, words: &str) -> String {
        BASE64.encode(self.mac.clone().chain_update(words).finalize().into_bytes())
    }

    /// Whether that is the mark under these words. Compares in constant time.
    pub(crate) fn is_mark(&self, words: &str, mark: &str) -> bool {
        let tag = (mark.len() <= 64).then(|| BASE64.decode(mark).ok()).flatten();
        tag.is_some_and(|tag| self.mac.clone().chain_update(words).verify_slice(&tag).is_ok())
    }

    /// The content, or none when it was not sealed here. Compares in constant time.
    pub(crate) fn open<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (json, tag) = token.split_once('.')?;
        let (json, tag) = (BASE64.decode(json).ok()?, BASE64.decode(tag).ok()?);
        self.mac.clone().chain_update(&json).verify_slice(&tag).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_belongs_to_its_words() {
        let seal = Seal::new([7; 32]);
        let mark = seal.mark("order 1");
        assert!(seal.is_mark("order 1", &mark));
        assert!(!seal.is_mark("order 2", &mark));
        assert!(!Seal::new([8; 32]).is_mark("order 1", &mark));
        for wrong in ["", "x", &mark[1..], &format!("{mark}A"), &"A".repeat(10_000)] {
            assert!(!seal.is_mark("order 1", wrong), "{wrong}");
        }
    }

    #[test]
    fn opens_only_what_it_closed() {
        let seal = Seal::new([7; 32]);
        let token = seal.close(&("quote", 1299)).unwrap();
        assert_eq!(seal.open::<(String, i64)>(&token), Some(("quote".into(), 1299)));
        let other = Seal::new([8; 32]);
        assert_eq!(other.open::<(String, i64)>(&token), None, "another key");
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(seal.open::<(String, i64)>(&altered), None, "byte {at}");
        }
        assert_eq!(seal.open::<(String, i64)>(""), None);
        assert_eq!(seal.open::<(String, i64)>("a.b.c"), None);
    }
}
