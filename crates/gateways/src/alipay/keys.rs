//! RSA keys as people get them: with PEM armour or as one line, PKCS #1 or PKCS #8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use x509_cert::der::Decode as _;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::secret::Secret;

/// What we sign with.
pub(super) struct PrivateKey(RsaKeyPair);

impl PrivateKey {
    /// Reads a key of at least 2048 bits.
    pub fn read(text: &Secret) -> Result<Self, &'static str> {
        let der = body(text.reveal()).ok_or("is not Base64, with or without PEM lines")?;
        let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        pair.map(Self).map_err(|_| "is not an RSA key of 2048 bits or more")
    }

    /// The signature over `text`, in Base64.
    pub fn sign(&self, text: &str) -> Option<String> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        let random = SystemRandom::new();
        self.0.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).ok()?;
        Some(STANDARD.encode(signature))
    }

    /// The other half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public().as_ref().to_vec())
    }
}

/// What a signature is checked with, as PKCS #1.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads a public key.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let der = body(text).ok_or("is not Base64, with or without PEM lines")?;
        Self::from_info(&der).ok_or("is not an RSA public key")
    }

    /// The key in a `SubjectPublicKeyInfo`, the form in which keys and certificates carry it.
    pub fn from_info(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        Some(Self(info.subject_public_key.as_bytes()?.to_vec()))
    }

    /// Whether `signature` is one over `text` by the other half of this key.
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0);
        key.verify(text.as_bytes(), signature).is_ok()
    }
}

/// A signature, out of Base64.
pub(super) fn signature(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// What is inside the PEM lines, if there are any.
fn body(text: &str) -> Option<Vec<u8>> {
    let inner = text.lines().filter(|line| !line.trim_start().starts_with("-----"));
    let inner: String = inner.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(inner).ok().filter(|der| !der.is_empty())
}
