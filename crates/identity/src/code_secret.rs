//! The digits: drawn, hashed, and sealed on their way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{CodeId, Env, Fault, Uuid};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use store::{Db, secrets};

use crate::code::Purpose;

/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
const CODES: u32 = 1_000_000;

/// The shop's keys for codes. They are made on the first start and kept in the database.
#[derive(Clone)]
pub(crate) struct Keys {
    hash: Hmac<Sha256>,
    seal: LessSafeKey,
}

impl Keys {
    pub(crate) async fn open(db: &Db, env: &Env) -> Result<Self, Fault> {
        let hash = secrets::get_or_make(db, env, "code-hash").await?;
        let seal = secrets::get_or_make(db, env, "letter-seal").await?;
        let broken = |_| Fault::Broken("a key of 32 bytes does not fit".into());
        Ok(Self {
            hash: Hmac::new_from_slice(&hash)
                .map_err(|_| Fault::Broken("a key of 32 bytes does not fit".into()))?,
            seal: LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &seal).map_err(broken)?),
        })
    }

    /// What is kept of the digits of an attempt. They are few, so that only the key keeps somebody
    /// who reads the table from trying all of them.
    pub(crate) fn hash(&self, id: CodeId, purpose: Purpose, digits: &str) -> Vec<u8> {
        self.over(id, purpose, digits).finalize().into_bytes().to_vec()
    }

    /// Whether these are the digits; takes as long whichever of them is wrong.
    pub(crate) fn fits(&self, id: CodeId, purpose: Purpose, digits: &str, hash: &[u8]) -> bool {
        self.over(id, purpose, digits).verify_slice(hash).is_ok()
    }

    fn over(&self, id: CodeId, purpose: Purpose, digits: &str) -> Hmac<Sha256> {
        let mac = self.hash.clone().chain_update(id.0.as_bytes());
        mac.chain_update(purpose.as_str()).chain_update([0]).chain_update(digits)
    }

    /// A name for somebody in the table of budgets that does not say who they are.
    pub(crate) fn alias(&self, what: &str, who: &str) -> String {
        let mac = self.hash.clone().chain_update("budget").chain_update([0]).chain_update(what);
        let mac = mac.chain_update([0]).chain_update(who);
        format!("{what}:{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    /// A letter as it lies in the outbox. It is sealed rather than derived from the attempt's id:
    /// the id is known to whoever asked, and with an old copy of the keys they could then work out
    /// every code of the shop. A seal has to be read from the live database. What is sealed also
    /// has the address in it, so that neither the outbox nor a log names anybody.
    pub(crate) fn seal<T: Serialize>(
        &self,
        about: Uuid,
        nonce: [u8; NONCE_LEN],
        content: &T,
    ) -> Result<String, Fault> {
        let broken = || Fault::Broken("a letter could not be sealed".into());
        let mut bytes = serde_json::to_vec(content).map_err(|_| broken())?;
        let with = Nonce::assume_unique_for_key(nonce);
        let about = Aad::from(about.as_bytes());
        self.seal.seal_in_place_append_tag(with, about, &mut bytes).map_err(|_| broken())?;
        Ok(BASE64.encode([&nonce[..], &bytes].concat()))
    }

    /// What was sealed about this; none when it was not sealed here, or about something else.
    pub(crate) fn open_seal<T: DeserializeOwned>(&self, about: Uuid, sealed: &str) -> Option<T> {
        let mut bytes = BASE64.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.seal.open_in_place(nonce, Aad::from(about.as_bytes()), rest).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

/// Six digits, each of the million as likely as any other: what would favour the small ones is
/// thrown away (once in four thousand draws).
pub(crate) fn draw(env: &Env) -> String {
    const FAIR: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let drawn = u32::from_be_bytes(env.bytes());
        if drawn < FAIR {
            return format!("{:0width$}", drawn % CODES, width = CODE_DIGITS);
        }
    }
}

/// The digits as they are meant, however they were typed; none when it cannot be a code.
pub(crate) fn typed(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let fits = digits.len() == CODE_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(digits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Chi-square over the million cut into a hundred parts, and over the digits at each place; the
    /// limits are those that a fair draw passes 9,999 times in 10,000.
    #[test]
    fn every_code_is_as_likely_as_any_other() {
        let env = Env::system();
        let draws: Vec<String> = (0..10_000).map(|_| draw(&env)).collect();
        let chi = |counts: &BTreeMap<&str, u32>, parts: f64| {
            let expected = 10_000.0 / parts;
            let seen: f64 =
                counts.values().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
            seen + (parts - f64::from(u32::try_from(counts.len()).unwrap())) * expected
        };
        let count = |from: usize, to: usize| {
            let mut counts = BTreeMap::new();
            for draw in &draws {
                assert_eq!(draw.len(), 6);
                *counts.entry(&draw[from..to]).or_insert(0) += 1;
            }
            counts
        };
        let hundred = chi(&count(0, 2), 100.0);
        assert!(hundred < 161.4, "{hundred}");
        for place in 0..6 {
            let ten = chi(&count(place, place + 1), 10.0);
            assert!(ten < 33.8, "place {place}: {ten}");
        }
    }
}
