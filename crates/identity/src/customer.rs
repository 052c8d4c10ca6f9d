//! Customers, as the people of the shop see them. What is changed here is a customer and stays one.

use kernel::{AccountId, Env, Error, Fault, Uuid};
use store::{Db, Read, Tx};

use crate::account::{self, Account, Checked};
use crate::error::{AccountRefusal, PeopleRefusal};
use crate::login::Login;
use crate::people::end_sessions;
use crate::role::Role;
use crate::sql;

/// Characters that are looked for at most.
pub const SEARCH_CHARS_MAX: usize = 100;

/// Customers, the newest first, behind `before`: all of them, or those with `search` in their
/// address, number or name, whichever way it is written.
///
/// Looking for a part reads every login and every name once: O(n), 50 milliseconds for 100,000
/// customers on SQLite. Without one a page is read along the key.
pub fn page(
    read: &mut Read<'_>,
    search: Option<&str>,
    before: Option<AccountId>,
    limit: u32,
) -> Result<Vec<Account>, Fault> {
    let (before, limit) = (before.unwrap_or(AccountId(Uuid::max())), i64::from(limit));
    let Some(search) = search.map(str::trim).filter(|search| !search.is_empty()) else {
        return read.rows(&sql::CUSTOMERS, &[&before, &limit]);
    };
    let name = search.to_lowercase();
    let login = digits(search).unwrap_or_else(|| name.clone());
    read.rows(&sql::CUSTOMERS_FOUND, &[&before, &limit, &like(&login), &like(&name)])
}

/// The digits of what could be a part of a telephone number as people write it: kept numbers have
/// neither spaces nor the zero that stands for the country.
fn digits(search: &str) -> Option<String> {
    let written = |c: char| c.is_ascii_digit() || " +-()/.".contains(c);
    let digits: String = search.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (search.chars().all(written) && !digits.is_empty()).then(|| digits.to_owned())
}

fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern + "%"
}

/// The customer with this id, and how often they were changed.
pub fn find(read: &mut Read<'_>, id: AccountId) -> Result<Option<(Account, i64)>, Fault> {
    let Some(account) = account::account(read, id)?.filter(|it| it.role == Role::Customer) else {
        return Ok(None);
    };
    let version: Option<(i64,)> = read.row(&sql::ACCOUNT_VERSION, &[&id])?;
    Ok(version.map(|(version,)| (account, version)))
}

fn there(tx: &mut Tx<'_>, id: AccountId) -> Result<i64, Error<PeopleRefusal>> {
    let found = find(tx, id)?.ok_or(Error::Refused(PeopleRefusal::NoSuchCustomer))?;
    Ok(found.1)
}

/// Makes a customer's account without a password: they sign in with a code that is sent to them.
pub async fn create(
    db: &Db,
    env: &Env,
    login: &str,
    name: &str,
) -> Result<Account, Error<AccountRefusal>> {
    let login = Login::parse(login).ok_or(Error::Refused(AccountRefusal::LoginInvalid))?;
    let name = account::check_name(name).map_err(Error::Refused)?;
    let account = account::ready(env, &Checked { login: login.clone(), name }, Role::Customer);
    db.write(move |tx| {
        if !account::insert(tx, &account, &login, None)? {
            return Err(Error::Refused(AccountRefusal::LoginTaken));
        }
        Ok(account.clone())
    })
    .await
}

/// Changes a customer's name, unless somebody changed them since `version`.
pub fn rename(
    tx: &mut Tx<'_>,
    id: AccountId,
    version: i64,
    name: &str,
) -> Result<(), Error<PeopleRefusal>> {
    let now = there(tx, id)?;
    if now != version {
        return Err(Error::Refused(PeopleRefusal::Changed { version: now }));
    }
    let name = account::check_name(name).map_err(|refusal| match refusal {
        AccountRefusal::NameInvalid { problem } => Error::Refused(PeopleRefusal::Name { problem }),
        other => Error::Fault(Fault::Broken(other.to_string())),
    })?;
    tx.execute(&sql::ACCOUNT_RENAME, &[&id, &name, &account::name_key(&name)])?;
    Ok(())
}

/// Shuts a customer out, and ends their sessions. Twice is no error.
pub fn disable(tx: &mut Tx<'_>, env: &Env, id: AccountId) -> Result<(), Error<PeopleRefusal>> {
    there(tx, id)?;
    tx.execute(&sql::ACCOUNT_DISABLE, &[&id, &env.now()])?;
    end_sessions(tx, env, id)?;
    Ok(())
}

/// Lets a customer in again.
pub fn enable(tx: &mut Tx<'_>, id: AccountId) -> Result<(), Error<PeopleRefusal>> {
    there(tx, id)?;
    tx.execute(&sql::ACCOUNT_ENABLE, &[&id])?;
    Ok(())
}
