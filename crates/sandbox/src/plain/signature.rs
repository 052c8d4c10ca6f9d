//! The signature on a notification: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::hex::hex;

pub(super) const HEADER: &str = "sandbox-signature";

/// What the header says for a body that is sent at `at`, in seconds since 1970.
pub fn sign(secret: &str, at: i64, body: &str) -> String {
    // HMAC takes a key of any length, so nothing is ever left out.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok();
    let mac = mac.map(|mac| mac.chain_update(format!("{at}.{body}")).finalize().into_bytes());
    format!("t={at},v1={}", mac.map(|bytes| hex(&bytes)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #[test]
    fn signs_as_openssl_does() {
        // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac first-secret
        let header = super::sign("first-secret", 1_800_000_000, r#"{"id":"evt_1"}"#);
        assert_eq!(
            header,
            "t=1800000000,v1=23c6b8be950489536482a46c9739054d2a3bf154f26f476ff0e3412365e9ade7"
        );
    }
}
