//! A signature that says when it was made: `t=<unix seconds>,v1=<hex>[,v1=<hex>]`, where `v1` is
//! HMAC-SHA256 of `<t>.<body>`. Stripe signs like this, and the sandbox after its example. While a
//! secret is being changed the sender signs with both, and we accept both.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Timestamp;
use sha2::Sha256;

use crate::error::NotificationError;
use crate::hex::unhex;
use crate::secret::Secret;

/// How far their clock and the way here may be off, in seconds, either side.
const TOLERANCE: i64 = 300;
/// More signatures than this nobody honest sends.
const SIGNATURES_MAX: usize = 4;

/// Whether `header` is a signature over `body` by any of `secrets`, made about `now`.
pub(crate) fn verify(
    header: &str,
    body: &[u8],
    secrets: &[Secret],
    now: Timestamp,
) -> Result<(), NotificationError> {
    let (signed_at, signatures) = parse(header).ok_or(NotificationError::Unsigned)?;
    // Every pair is compared, each in constant time: how long it takes tells nothing.
    let mut genuine = false;
    for secret in secrets {
        for signature in &signatures {
            genuine |= matches(secret, signed_at, body, signature);
        }
    }
    if !genuine {
        return Err(NotificationError::BadSignature);
    }
    let seconds = now.as_second().saturating_sub(signed_at);
    if seconds.unsigned_abs() > TOLERANCE.unsigned_abs() {
        return Err(NotificationError::Stale { seconds });
    }
    Ok(())
}

fn matches(secret: &Secret, signed_at: i64, body: &[u8], signature: &[u8; 32]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return false;
    };
    mac.update(signed_at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

fn parse(header: &str) -> Option<(i64, Vec<[u8; 32]>)> {
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", text) => {
                let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let canonical = plain && (text == "0" || !text.starts_with('0'));
                if !canonical || signed_at.is_some() {
                    return None;
                }
                signed_at = Some(text.parse().ok()?);
            }
            ("v1", text) if signatures.len() < SIGNATURES_MAX => signatures.push(unhex(text)?),
            ("v1", _) => return None,
            // A later version of the scheme may stand beside this one.
            _ => {}
        }
    }
    if signatures.is_empty() { None } else { Some((signed_at?, signatures)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const AT: i64 = 1_800_000_000;
    // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac first-secret
    const BY_FIRST: &str = "23c6b8be950489536482a46c9739054d2a3bf154f26f476ff0e3412365e9ade7";
    // the same, -hmac second-secret
    const BY_SECOND: &str = "870f13c03015c395adfa5fd77d105e2da168dab5087b242d4a9c750c78ad3304";

    fn check(
        header: &str,
        body: &[u8],
        secrets: &[&str],
        at: i64,
    ) -> Result<(), NotificationError> {
        let secrets: Vec<_> = secrets.iter().map(|s| Secret::new(*s)).collect();
        verify(header, body, &secrets, Timestamp::from_second(at).unwrap())
    }

    #[test]
    fn takes_what_openssl_signed() {
        let header = format!("t={AT},v1={BY_FIRST}");
        assert_eq!(check(&header, BODY, &["first-secret"], AT), Ok(()));
        let upper = format!("t={AT},v1={}", BY_FIRST.to_uppercase());
        assert_eq!(check(&upper, BODY, &["first-secret"], AT), Ok(()));
    }

    #[test]
    fn refuses_another_secret_time_or_byte() {
        let header = format!("t={AT},v1={BY_FIRST}");
        let bad = Err(NotificationError::BadSignature);
        assert_eq!(check(&header, BODY, &["second-secret"], AT), bad);
        assert_eq!(check(&header, br#"{"id":"evt_2"}"#, &["first-secret"], AT), bad);
        assert_eq!(check(&header, b"", &["first-secret"], AT), bad);
        assert_eq!(check(&header, BODY, &[], AT), bad);
        let later = format!("t={},v1={BY_FIRST}", AT + 1);
        assert_eq!(check(&later, BODY, &["first-secret"], AT), bad);
        let mut altered = BY_FIRST.to_owned();
        let last = if altered.ends_with('0') { "1" } else { "0" };
        altered.replace_range(63.., last);
        assert_eq!(check(&format!("t={AT},v1={altered}"), BODY, &["first-secret"], AT), bad);
    }

    #[test]
    fn five_minutes_either_side_and_no_more() {
        let header = format!("t={AT},v1={BY_FIRST}");
        for off in [-300, 0, 300] {
            assert_eq!(check(&header, BODY, &["first-secret"], AT + off), Ok(()), "{off}");
        }
        for seconds in [-301, 301, 86_400] {
            let stale = Err(NotificationError::Stale { seconds });
            assert_eq!(check(&header, BODY, &["first-secret"], AT + seconds), stale);
        }
    }

    #[test]
    fn a_changing_secret_is_taken_from_either_side() {
        let both = format!("t={AT},v1={BY_FIRST},v1={BY_SECOND}");
        for secrets in
            [&["first-secret"][..], &["second-secret"], &["second-secret", "first-secret"]]
        {
            assert_eq!(check(&both, BODY, secrets, AT), Ok(()), "signed with both");
        }
        let old = format!("t={AT},v1={BY_FIRST}");
        assert_eq!(check(&old, BODY, &["second-secret", "first-secret"], AT), Ok(()));
        let one_wrong = format!("t={AT},v1={},v1={BY_SECOND}", "0".repeat(64));
        assert_eq!(check(&one_wrong, BODY, &["second-secret"], AT), Ok(()));
    }

    #[test]
    fn refuses_what_is_not_a_signature() {
        let zero = "0".repeat(64);
        let headers = [
            String::new(),
            format!("t={AT}"),
            format!("v1={BY_FIRST}"),
            format!("t=+{AT},v1={BY_FIRST}"),
            format!("t=0{AT},v1={BY_FIRST}"),
            format!("t=-{AT},v1={BY_FIRST}"),
            format!("t={AT}9999999999,v1={BY_FIRST}"),
            format!("t={AT},t={AT},v1={BY_FIRST}"),
            format!("t={AT},v1={}", &BY_FIRST[..62]),
            format!("t={AT},v1={}é", &BY_FIRST[..62]),
            format!("t={AT},v1={}gg", &BY_FIRST[..62]),
            format!("t={AT},v1={zero},v1={zero},v1={zero},v1={zero},v1={BY_FIRST}"),
            "nonsense".to_owned(),
        ];
        for header in headers {
            let unsigned = Err(NotificationError::Unsigned);
            assert_eq!(check(&header, BODY, &["first-secret"], AT), unsigned, "{header}");
        }
    }
}
