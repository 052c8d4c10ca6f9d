//! What people may ask of the data about them: a copy of all of it, and that it be forgotten. Both
//! take a while, so both are requests with a state; who carries them out is not decided here.

use kernel::{AccountId, Env, Fault, PersonalRequestId, SessionId, SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use store::{FromColumn, Param, Read, Tx, Value, from_row};

use crate::account::{self, Account};
use crate::{addresses, consents, device, sql};

/// How long a copy can be fetched before it is thrown away.
pub const COPY_KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// A copy of everything.
    Export,
    /// To be forgotten.
    Erasure,
}

impl Wish {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Erasure => "erasure",
        }
    }
}

impl Param for Wish {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromColumn for Wish {
    fn from_value(value: Value<'_>) -> Option<Self> {
        [Self::Export, Self::Erasure].into_iter().find(|wish| value == wish.value())
    }
}

/// A request that is not over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonalRequest {
    /// Its id.
    pub id: PersonalRequestId,
    /// Whose data.
    pub account_id: AccountId,
    /// What is asked.
    pub wish: Wish,
    /// What it still waits for, in words.
    pub waits_for: Option<String>,
    /// The copy, when it is made.
    pub result: Option<String>,
    /// When it was asked.
    pub made_at: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

from_row!(PersonalRequest { id, account_id, wish, waits_for, result, made_at, done_at });

/// Asks; asking again while the first is not over gives the first. It is looked at from `due_at`.
pub fn ask(
    tx: &mut Tx<'_>,
    env: &Env,
    account: AccountId,
    wish: Wish,
    due_at: Timestamp,
) -> Result<PersonalRequest, Fault> {
    let id: PersonalRequestId = env.id();
    tx.execute(&sql::PERSONAL_REQUEST_ADD, &[&id, &account, &wish, &env.now(), &due_at])?;
    asked(tx, account, wish)?.ok_or_else(|| Fault::Broken("a request just made is gone".into()))
}

/// What somebody has asked and is not over.
pub fn asked(
    read: &mut Read<'_>,
    account: AccountId,
    wish: Wish,
) -> Result<Option<PersonalRequest>, Fault> {
    read.row(&sql::PERSONAL_REQUEST_OF, &[&account, &wish])
}

/// The request with this id.
pub fn request(
    read: &mut Read<'_>,
    id: PersonalRequestId,
) -> Result<Option<PersonalRequest>, Fault> {
    read.row(&sql::PERSONAL_REQUEST, &[&id])
}

/// Requests to be looked at, the oldest first.
pub fn due(read: &mut Read<'_>, now: Timestamp, limit: i64) -> Result<Vec<PersonalRequest>, Fault> {
    read.rows(&sql::PERSONAL_REQUESTS_DUE, &[&now, &limit])
}

/// It has to wait for something, and is looked at again.
pub fn put_off(
    tx: &mut Tx<'_>,
    id: PersonalRequestId,
    waits_for: &str,
    due_at: Timestamp,
) -> Result<(), Fault> {
    tx.execute(&sql::PERSONAL_REQUEST_PUT_OFF, &[&id, &waits_for, &due_at]).map(|_| ())
}

/// The copy is made and can be fetched for a while.
pub fn copied(
    tx: &mut Tx<'_>,
    id: PersonalRequestId,
    copy: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let until = now.checked_add(COPY_KEPT).unwrap_or(Timestamp::MAX);
    tx.execute(&sql::PERSONAL_REQUEST_COPIED, &[&id, &copy, &now, &until]).map(|_| ())
}

/// It is over; a copy is thrown away.
pub fn over(tx: &mut Tx<'_>, id: PersonalRequestId, now: Timestamp) -> Result<(), Fault> {
    tx.execute(&sql::PERSONAL_REQUEST_OVER, &[&id, &now]).map(|_| ())
}

/// Everything these tables know of somebody, but for secrets.
pub fn everything(read: &mut Read<'_>, id: AccountId, now: Timestamp) -> Result<Json, Fault> {
    let Some(account) = account::account(read, id)? else { return Ok(Json::Null) };
    let Account { name, role, email, phone, username, contact, created_at, .. } = &account;
    let addresses: Vec<Json> = addresses::list(read, id)?
        .into_iter()
        .map(|address| {
            json!({
                "id": address.id, "name": address.name, "line1": address.line1,
                "line2": address.line2, "city": address.city, "postcode": address.postcode,
                "country": address.country, "phone": address.phone, "default": address.is_default,
            })
        })
        .collect();
    let sessions: Vec<Json> = device::places(read, id, now)?
        .into_iter()
        .map(|it| {
            json!({
                "browser": it.is_browser, "device": it.device, "address": it.address,
                "began_at": it.created_at, "last_used_at": it.last_used_at,
                "expires_at": it.expires_at,
            })
        })
        .collect();
    let consents: Vec<Json> = consents::of_account(read, id)?
        .into_iter()
        .map(|it| {
            json!({ "purpose": it.purpose, "given": it.given, "wording": it.wording, "at": it.at })
        })
        .collect();
    Ok(json!({
        "id": id, "name": name, "role": role.as_str(), "email": email,
        "email_verified_at": account.email_verified_at, "phone": phone,
        "phone_verified_at": account.phone_verified_at, "username": username,
        "contact": contact, "created_at": created_at,
        "addresses": addresses, "sessions": sessions, "consents": consents,
    }))
}

/// Forgets somebody: what they sign in with, where they live, what they agreed to, where they are
/// signed in. The bare row stays, because orders name it.
pub fn erase(tx: &mut Tx<'_>, id: AccountId, now: Timestamp) -> Result<(), Fault> {
    for statement in [
        // What was sent to their logins, before the logins go.
        &sql::CODES_ERASE,
        &sql::INVITATIONS_ERASE,
        &sql::PENDING_LOGINS_ERASE,
        &sql::TOTP_REMOVE,
        &sql::RECOVERY_CODES_FORGET,
        &sql::LOGINS_ERASE,
        &sql::ADDRESSES_ERASE,
        &sql::SESSIONS_ERASE,
        &sql::CONSENTS_ERASE,
        &sql::COPIES_ERASE,
    ] {
        tx.execute(statement, &[&id])?;
    }
    tx.execute(&sql::ACCOUNT_ERASE, &[&id, &now]).map(|_| ())
}

/// From here on nobody signs in with the account, and nobody is. Gives the sessions that ended.
pub fn shut_out(tx: &mut Tx<'_>, env: &Env, id: AccountId) -> Result<Vec<SessionId>, Fault> {
    tx.execute(&sql::ACCOUNT_DISABLE, &[&id, &env.now()])?;
    device::end_all_in(tx, env, id)
}
