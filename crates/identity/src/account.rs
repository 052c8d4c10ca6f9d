//! Accounts: an e-mail address, a name, a role.

use kernel::{AccountId, Env, Fault, Timestamp, limits};
use serde::Serialize;
use store::{Read, Tx};

use crate::email::{self, Email};
use crate::error::AccountRefusal;
use crate::role::Role;
use crate::{password, sql, text};

/// Somebody who can sign in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The address as its owner wrote it.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// What they are in this shop.
    pub role: Role,
    /// When the account was made.
    pub created_at: Timestamp,
}

store::from_row!(Account { id, email, name, role, created_at });

/// An account to be made, as a person fills in the form.
#[derive(Clone)]
pub struct NewAccount {
    /// An e-mail address.
    pub email: String,
    /// A password.
    pub password: String,
    /// What to call them.
    pub name: String,
}

/// An account whose form has been looked through.
pub(crate) struct Checked {
    pub(crate) email: Email,
    pub(crate) name: String,
}

/// The account with this id.
pub fn account(read: &mut Read<'_>, id: AccountId) -> Result<Option<Account>, Fault> {
    read.row(&sql::ACCOUNT, &[&id])
}

/// The account with this e-mail address, however it is written.
pub fn account_by_email(read: &mut Read<'_>, email: &str) -> Result<Option<Account>, Fault> {
    match email::parse(email) {
        Some(email) => by_key(read, &email.key),
        None => Ok(None),
    }
}

pub(crate) fn by_key(read: &mut Read<'_>, key: &str) -> Result<Option<Account>, Fault> {
    read.row(&sql::ACCOUNT_BY_EMAIL, &[&key])
}

pub(crate) fn check(new: &NewAccount) -> Result<Checked, AccountRefusal> {
    let email = email::parse(&new.email).ok_or(AccountRefusal::EmailInvalid)?;
    let name = text::line(&new.name, limits::TEXT_CHARS_MAX)
        .map_err(|problem| AccountRefusal::NameInvalid { problem })?
        .to_owned();
    password::check(&new.password, &email.key)?;
    Ok(Checked { email, name })
}

/// An account ready to be written, with its id and time.
pub(crate) fn ready(env: &Env, checked: &Checked, role: Role) -> Account {
    Account {
        id: env.id(),
        email: checked.email.text.clone(),
        name: checked.name.clone(),
        role,
        created_at: env.now(),
    }
}

/// Writes the account unless its address is taken; says whether it was written.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    account: &Account,
    email_key: &str,
    password_hash: &str,
) -> Result<bool, Fault> {
    let added = tx.execute(
        &sql::ACCOUNT_ADD,
        &[
            &account.id,
            &account.email,
            &email_key,
            &account.name,
            &account.role,
            &password_hash,
            &account.created_at,
        ],
    )?;
    Ok(added == 1)
}
