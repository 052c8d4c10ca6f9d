//! What somebody agreed to, and took back. Nothing is overwritten: the words they saw are kept
//! with every answer, and the newest answer counts.

use kernel::{AccountId, Env, Error, Fault, Timestamp, Uuid};
use store::{Read, Tx, from_row};

use crate::error::ConsentRefusal;
use crate::{sql, text};

/// Characters of a purpose's name.
const PURPOSE_CHARS_MAX: usize = 40;
/// Characters of the words that were shown.
const WORDING_CHARS_MAX: usize = 2_000;
/// Answers that are kept of one account.
const ANSWERS_MAX: i64 = 500;

/// An answer to "may we?".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    /// What for: `newsletter`.
    pub purpose: String,
    /// Whether they agreed.
    pub given: bool,
    /// The words they saw.
    pub wording: String,
    /// When.
    pub at: Timestamp,
}

from_row!(Consent { purpose, given, wording, at });

/// Every answer of an account, the newest first.
pub fn of_account(read: &mut Read<'_>, account: AccountId) -> Result<Vec<Consent>, Fault> {
    read.rows(&sql::CONSENTS, &[&account])
}

/// Whether an account has agreed to something and not taken it back.
pub fn is_given(read: &mut Read<'_>, account: AccountId, purpose: &str) -> Result<bool, Fault> {
    let newest: Option<(bool,)> = read.row(&sql::CONSENT_TO, &[&account, &purpose])?;
    Ok(newest.is_some_and(|(given,)| given))
}

/// Keeps an answer.
pub fn answer(
    tx: &mut Tx<'_>,
    env: &Env,
    account: AccountId,
    (purpose, given, wording): (&str, bool, &str),
) -> Result<Consent, Error<ConsentRefusal>> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=PURPOSE_CHARS_MAX).contains(&purpose.len()) && purpose.chars().all(word);
    if !fits {
        return Err(Error::Refused(ConsentRefusal::PurposeInvalid));
    }
    let wording = text::line(wording, WORDING_CHARS_MAX)
        .map_err(|problem| Error::Refused(ConsentRefusal::WordingInvalid { problem }))?;
    let there: Option<(i64,)> = tx.row(&sql::CONSENTS_COUNT, &[&account])?;
    if there.is_some_and(|(count,)| count >= ANSWERS_MAX) {
        return Err(Error::Refused(ConsentRefusal::TooMany));
    }
    let (id, at): (Uuid, Timestamp) = (env.id(), env.now());
    tx.execute(&sql::CONSENT_ADD, &[&account, &id, &purpose, &given, &wording, &at])?;
    Ok(Consent { purpose: purpose.to_owned(), given, wording: wording.to_owned(), at })
}
