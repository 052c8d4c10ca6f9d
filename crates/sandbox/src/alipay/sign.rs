//! RSA2: RSASSA-PKCS1-v1_5 with SHA-256, Base64 with padding.
//!
//! Three texts are signed: a request without `sign`, a notification or a return without `sign`
//! and `sign_type`, and the very bytes of the object in an answer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

/// What stands in front of the key itself in the SPKI of an RSA key of 2048 bits.
const SPKI_HEADER: usize = 24;

/// The bytes between the lines of a PEM text.
fn der(pem: &str) -> Option<Vec<u8>> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64_STANDARD.decode(text).ok()
}

/// Signs `text` with a private key (PEM, PKCS#1).
pub(super) fn sign(private: &str, text: &str) -> Option<String> {
    let key = KeyPair::from_der(&der(private)?).ok()?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
    Some(BASE64_STANDARD.encode(signature))
}

/// Whether `signature` is that of `text` by the owner of a public key (PEM, SPKI, 2048 bits).
pub(super) fn is_genuine(public: &str, text: &str, signature: &str) -> bool {
    let (Some(spki), Ok(signature)) = (der(public), BASE64_STANDARD.decode(signature)) else {
        return false;
    };
    let Some(key) = spki.get(SPKI_HEADER..) else { return false };
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(text.as_bytes(), &signature).is_ok()
}

/// What a request signs: everything but `sign` that is not empty, by name.
pub(super) fn request_text(fields: &[(String, String)]) -> String {
    joined(fields, &["sign"])
}

/// What a notification or a return signs: `sign_type` is left out as well.
pub(super) fn notification_text(fields: &[(String, String)]) -> String {
    joined(fields, &["sign", "sign_type"])
}

fn joined(fields: &[(String, String)], without: &[&str]) -> String {
    let mut signed: Vec<_> = fields
        .iter()
        .filter(|(name, value)| !without.contains(&name.as_str()) && !value.is_empty())
        .collect();
    signed.sort();
    let pairs: Vec<String> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
