//! Accounts: a name, a role, and what they sign in with.

use kernel::{AccountId, Env, Error, Fault, Timestamp, limits};
use store::{Read, Tx};

use crate::error::AccountRefusal;
use crate::login::{Login, LoginKind};
use crate::role::Role;
use crate::{password, sql, text};

/// Somebody who can sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What to call them.
    pub name: String,
    /// What they are in this shop.
    pub role: Role,
    /// The e-mail address as its owner wrote it.
    pub email: Option<String>,
    /// When they proved that it is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// The telephone number, E.164.
    pub phone: Option<String>,
    /// When they proved that it is theirs.
    pub phone_verified_at: Option<Timestamp>,
    /// The name they sign in with.
    pub username: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when nobody signs in with it.
    pub disabled_at: Option<Timestamp>,
    /// Whether it was made for one order, by somebody who did not want an account.
    pub guest: bool,
    /// Where a guest can be reached: an e-mail address or a telephone number that they did not
    /// prove to be theirs.
    pub contact: Option<String>,
}

store::from_row!(Account {
    id,
    name,
    role,
    email,
    email_verified_at,
    phone,
    phone_verified_at,
    username,
    created_at,
    disabled_at,
    guest,
    contact
});

impl Account {
    /// The e-mail address and the telephone number they can be reached at.
    pub fn reached_at(self) -> (Option<String>, Option<String>) {
        let address = |contact: &String| contact.contains('@');
        let (email, phone) = match self.contact {
            Some(contact) if address(&contact) => (Some(contact), None),
            contact => (None, contact),
        };
        (self.email.or(email), self.phone.or(phone))
    }

    /// What it is told apart by: its address, else its number, else its name; a guest's contact.
    pub fn login(&self) -> &str {
        let all = [&self.email, &self.phone, &self.username, &self.contact];
        all.into_iter().flatten().next().map_or("", String::as_str)
    }
}

/// An account to be made, as a person fills in the form.
#[derive(Clone)]
pub struct NewAccount {
    /// An e-mail address, a telephone number with its country's code, or a name.
    pub login: String,
    /// A password.
    pub password: String,
    /// What to call them.
    pub name: String,
}

/// An account whose form has been looked through.
pub(crate) struct Checked {
    pub(crate) login: Login,
    pub(crate) name: String,
}

/// The account with this id.
pub fn account(read: &mut Read<'_>, id: AccountId) -> Result<Option<Account>, Fault> {
    read.row(&sql::ACCOUNT, &[&id])
}

/// The account with this login, however it is written.
pub fn account_by_login(read: &mut Read<'_>, login: &str) -> Result<Option<Account>, Fault> {
    match Login::parse(login) {
        Some(login) => by_key(read, &login.key),
        None => Ok(None),
    }
}

pub(crate) fn by_key(read: &mut Read<'_>, key: &str) -> Result<Option<Account>, Fault> {
    read.row(&sql::ACCOUNT_BY_LOGIN, &[&key])
}

/// Whether the account has a password, and does not only sign in with codes.
pub fn has_password(read: &mut Read<'_>, id: AccountId) -> Result<bool, Fault> {
    let kept: Option<(Option<String>,)> = read.row(&sql::PASSWORD_HASH, &[&id])?;
    Ok(kept.is_some_and(|(hash,)| hash.is_some()))
}

/// Calls an account by another name.
pub fn rename(tx: &mut Tx<'_>, id: AccountId, name: &str) -> Result<(), Error<AccountRefusal>> {
    let name = check_name(name).map_err(Error::Refused)?;
    tx.execute(&sql::ACCOUNT_RENAME, &[&id, &name, &name_key(&name)])?;
    Ok(())
}

/// A guest, with where they can be reached: an e-mail address or a telephone number.
pub(crate) fn guest(env: &Env, name: &str, contact: &str) -> Result<Account, AccountRefusal> {
    let contact = Login::parse(contact).filter(Login::can_be_written_to);
    let contact = contact.ok_or(AccountRefusal::ContactInvalid)?;
    Ok(Account {
        id: env.id(),
        name: check_name(name)?,
        role: Role::Customer,
        email: None,
        email_verified_at: None,
        phone: None,
        phone_verified_at: None,
        username: None,
        created_at: env.now(),
        disabled_at: None,
        guest: true,
        contact: Some(contact.text),
    })
}

pub(crate) fn check(new: &NewAccount) -> Result<Checked, AccountRefusal> {
    let login = Login::parse(&new.login).ok_or(AccountRefusal::LoginInvalid)?;
    let name = check_name(&new.name)?;
    password::check(&new.password, &login.key)?;
    Ok(Checked { login, name })
}

/// An account ready to be written, with its id and time.
pub(crate) fn ready(env: &Env, checked: &Checked, role: Role) -> Account {
    let of = |kind| (checked.login.kind == kind).then(|| checked.login.text.clone());
    Account {
        id: env.id(),
        name: checked.name.clone(),
        role,
        email: of(LoginKind::Email),
        email_verified_at: None,
        phone: of(LoginKind::Phone),
        phone_verified_at: None,
        username: of(LoginKind::Username),
        created_at: env.now(),
        disabled_at: None,
        guest: false,
        contact: None,
    }
}

/// What search compares a name by.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// A name that an account may have.
pub(crate) fn check_name(name: &str) -> Result<String, AccountRefusal> {
    let name = text::line(name, limits::TEXT_CHARS_MAX);
    name.map(str::to_owned).map_err(|problem| AccountRefusal::NameInvalid { problem })
}

/// Writes the account unless its login is taken; says whether it was written. What is written of
/// it otherwise has to be undone.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    account: &Account,
    login: &Login,
    password_hash: Option<&str>,
) -> Result<bool, Fault> {
    let Account { id, name, role, created_at, .. } = account;
    let key = name_key(name);
    tx.execute(&sql::ACCOUNT_ADD, &[id, name, role, &password_hash, created_at, &key])?;
    let verified_at = match login.kind {
        LoginKind::Email => account.email_verified_at,
        LoginKind::Phone => account.phone_verified_at,
        LoginKind::Username => None,
    };
    let Login { kind, text, key } = login;
    let added = tx.execute(&sql::LOGIN_ADD, &[key, kind, text, id, &verified_at, created_at])?;
    Ok(added == 1)
}
