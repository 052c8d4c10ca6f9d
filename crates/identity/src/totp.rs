//! One-time passwords by the clock: RFC 6238 with SHA-1, six digits and steps of thirty seconds,
//! which is what every authenticator app understands. Pure, but for the key secrets are sealed
//! with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{AccountId, Fault, Timestamp};
use ring::{aead, hmac};
use subtle::ConstantTimeEq as _;

/// Bytes of a secret: as many as SHA-1 gives (RFC 4226, 4).
pub(crate) const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Steps before and behind the present one whose codes are taken: clocks differ.
const STEPS_ASIDE: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The six digits of a step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 0xf);
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// The step whose code this is, if it may be taken now: near the present, and after `last`.
pub(crate) fn step_of(secret: &[u8], said: &str, now: Timestamp, last: i64) -> Option<i64> {
    let said: String = said.chars().filter(|c| !c.is_whitespace()).collect();
    let present = now.as_second().div_euclid(STEP_SECONDS);
    let mut found = None;
    // Every step is compared, however soon one fits.
    for step in present - STEPS_ASIDE..=present + STEPS_ASIDE {
        let same: bool = code(secret, step).as_bytes().ct_eq(said.as_bytes()).into();
        if same && step > last {
            found = Some(step);
        }
    }
    found
}

/// The code of the present, as an app shows it.
pub fn totp_now(secret: &[u8], now: Timestamp) -> String {
    code(secret, now.as_second().div_euclid(STEP_SECONDS))
}

/// RFC 4648, 6, without padding: how secrets are written for people.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut five = [0_u8; 5];
        five[..chunk.len()].copy_from_slice(chunk);
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for letter in 0..(chunk.len() * 8).div_ceil(5) {
            let index = (bits >> (35 - 5 * letter)) & 0x1f;
            text.push(char::from(BASE32[usize::try_from(index).unwrap_or(0)]));
        }
    }
    text
}

/// What an app reads from the picture.
pub(crate) fn uri(issuer: &str, login: &str, secret: &[u8]) -> String {
    let escape = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escaped = text.bytes().map(|byte| {
            if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        });
        escaped.collect()
    };
    let (issuer, login, secret) = (escape(issuer), escape(login), base32(secret));
    format!(
        "otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// Seals secrets before they are kept. What is sealed for one account opens for no other.
pub(crate) struct Seal(aead::LessSafeKey);

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, Fault> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key);
        let key = key.map_err(|_| Fault::Broken("a key of 32 bytes is no key".into()))?;
        Ok(Self(aead::LessSafeKey::new(key)))
    }

    pub(crate) fn close(
        &self,
        nonce: [u8; 12],
        account: AccountId,
        secret: &[u8],
    ) -> Result<String, Fault> {
        let mut sealed = secret.to_vec();
        let about = aead::Aad::from(account.0.into_bytes());
        let number = aead::Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(number, about, &mut sealed)
            .map_err(|_| Fault::Broken("a secret could not be sealed".into()))?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    pub(crate) fn open(&self, account: AccountId, sealed: &str) -> Result<Vec<u8>, Fault> {
        let broken = || Fault::Broken("a sealed secret cannot be opened".into());
        let bytes = STANDARD.decode(sealed).map_err(|_| broken())?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>().ok_or_else(broken)?;
        let mut secret = sealed.to_vec();
        let about = aead::Aad::from(account.0.into_bytes());
        let number = aead::Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(number, about, &mut secret).map_err(|_| broken())?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B; it shows eight digits, of which six are ours.
        let secret = b"12345678901234567890";
        for (second, shown) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(totp_now(secret, at(second)), shown[2..], "{second}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_near_its_time() {
        let secret = b"12345678901234567890";
        let now = at(1_234_567_890);
        let step = 1_234_567_890 / 30;
        for (aside, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = step_of(secret, &code(secret, step + aside), now, 0);
            assert_eq!(found, taken.then_some(step + aside), "{aside}");
        }
        let present = code(secret, step);
        assert_eq!(step_of(secret, &present, now, step), None, "not again");
        assert_eq!(step_of(secret, &code(secret, step - 1), now, step), None, "nor an older one");
        assert_eq!(
            step_of(secret, &format!("{} {}", &present[..3], &present[3..]), now, 0),
            Some(step)
        );
        for wrong in ["", "12345", "1234567", "٨٩٠٠٥٩", "      "] {
            assert_eq!(step_of(secret, wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_written_as_apps_read_them() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(
            uri("The Shop", "ada@example.org", b"foobar"),
            "otpauth://totp/The%20Shop:ada%40example.org?secret=MZXW6YTBOI&issuer=The%20Shop\
             &algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn what_is_sealed_opens_for_its_account_only() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let id = |number| AccountId(kernel::Uuid::from_u128(number));
        let sealed = seal.close([1; 12], id(1), b"secret").unwrap();
        assert_eq!(seal.open(id(1), &sealed).unwrap(), b"secret");
        assert!(seal.open(id(2), &sealed).is_err());
        assert!(Seal::new(&[8; 32]).unwrap().open(id(1), &sealed).is_err());
        assert!(seal.open(id(1), "AAAA").is_err());
    }
}
