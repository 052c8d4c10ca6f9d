//! Recovery codes: what helps when the second factor is lost. Ten, each good once. A code is 80
//! random bits, so its SHA-256 needs neither salt nor slowness.

use kernel::{AccountId, Env, Fault, Timestamp};
use sha2::{Digest as _, Sha256};
use store::{Read, Tx};

use crate::{sql, totp};

/// How many are made at once.
pub const RECOVERY_CODES: usize = 10;
const CODE_BYTES: usize = 10;

/// New codes, as they are shown once: `ABCD-EFGH-JKLM-NPQR`.
pub(crate) fn draw(env: &Env) -> Vec<String> {
    let one = || {
        let letters = totp::base32(&env.bytes::<CODE_BYTES>());
        let groups: Vec<&str> =
            (0..letters.len()).step_by(4).map(|at| &letters[at..at + 4]).collect();
        groups.join("-")
    };
    std::iter::repeat_with(one).take(RECOVERY_CODES).collect()
}

/// Puts new codes in place of the old.
pub(crate) fn replace(tx: &mut Tx<'_>, of: AccountId, codes: &[String]) -> Result<(), Fault> {
    tx.execute(&sql::RECOVERY_CODES_FORGET, &[&of])?;
    for code in codes {
        tx.execute(&sql::RECOVERY_CODE_ADD, &[&of, &hash(of, code)])?;
    }
    Ok(())
}

/// Uses a code up; says whether it was one.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    of: AccountId,
    code: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    Ok(tx.execute(&sql::RECOVERY_CODE_USE, &[&of, &hash(of, code), &now])? == 1)
}

/// How many are left.
pub(crate) fn left(read: &mut Read<'_>, of: AccountId) -> Result<i64, Fault> {
    Ok(read.row(&sql::RECOVERY_CODES_LEFT, &[&of])?.map_or(0, |(left,): (i64,)| left))
}

/// However it is written: small letters, without dashes, with spaces.
fn hash(of: AccountId, code: &str) -> String {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    crate::hex(&Sha256::digest([of.0.as_bytes().as_slice(), letters.as_bytes()].concat()))
}
