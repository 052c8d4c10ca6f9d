//! The keys that sign access tokens, and those that did.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, SignedDuration, Timestamp};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Bytes of the secret half.
pub(crate) const SEED_BYTES: usize = 32;
/// A new key is published this long before it signs, so that every node knows it by then.
const SIGNS_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// A token made just before its key was followed is still read this long after its end.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A pair of keys.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    kid: String,
    made_at: Timestamp,
}

/// A key as it is published (RFC 7517, RFC 8037).
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct PublishedKey {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
    alg: &'static str,
    /// The thumbprint of the key (RFC 7638).
    pub kid: String,
    x: String,
}

/// All keys whose tokens may be alive, the oldest first.
#[derive(Default)]
pub struct KeySet(Vec<SigningKey>);

impl SigningKey {
    pub(crate) fn of(seed: &[u8], made_at: Timestamp) -> Result<Self, Fault> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Fault::Broken("a kept key is no Ed25519 key".into()))?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self { pair, kid, made_at })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }

    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key());
        public.verify(bytes, signature).is_ok()
    }

    fn published(&self) -> PublishedKey {
        PublishedKey {
            kty: "OKP",
            crv: "Ed25519",
            purpose: "sig",
            alg: "EdDSA",
            kid: self.kid.clone(),
            x: URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref()),
        }
    }
}

impl KeySet {
    /// Those of `keys` that may have signed what lives for `lasts`, at `now`.
    pub(crate) fn of(mut keys: Vec<SigningKey>, lasts: SignedDuration, now: Timestamp) -> Self {
        keys.sort_by(|a, b| (a.made_at, &a.kid).cmp(&(b.made_at, &b.kid)));
        let over = |successor: &SigningKey| {
            now.duration_since(successor.made_at) > SIGNS_AFTER + lasts + GRACE
        };
        let first = keys.iter().skip(1).filter(|successor| over(successor)).count();
        Self(keys.split_off(first))
    }

    /// The latest key that every node knows of.
    pub(crate) fn signs(&self, now: Timestamp) -> Option<&SigningKey> {
        let known = |key: &&SigningKey| now.duration_since(key.made_at) >= SIGNS_AFTER;
        self.0.iter().rev().find(known).or(self.0.first())
    }

    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// What others need to read our tokens.
    pub fn published(&self) -> Vec<PublishedKey> {
        self.0.iter().map(SigningKey::published).collect()
    }
}

/// The name of a key by what it is (RFC 7638, RFC 8037).
fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let text = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}
