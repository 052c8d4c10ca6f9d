//! The people of the shop: what they are in it, and who is shut out.
//!
//! There is always an owner who can sign in. Two who would each leave the shop to the other meet
//! in transactions that see a serial world, so one of them is refused.

use kernel::{AccountId, Env, Error, Fault};
use store::{Read, Tx};

use crate::account::{self, Account};
use crate::audit::{self, Entry};
use crate::device;
use crate::error::PeopleRefusal;
use crate::role::Role;
use crate::second_factor::{Ways, ways};
use crate::sql;

/// Somebody of the shop, and what they can prove themselves with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who.
    pub account: Account,
    /// Their second factors.
    pub ways: Ways,
}

/// Everybody who works in the shop, those who are shut out too, oldest first.
pub fn list(read: &mut Read<'_>) -> Result<Vec<Member>, Fault> {
    let accounts: Vec<Account> = read.rows(&sql::STAFF, &[])?;
    let member = |account: Account| Ok(Member { ways: ways(read, account.id)?, account });
    accounts.into_iter().map(member).collect()
}

/// Somebody of the shop.
pub fn find(read: &mut Read<'_>, id: AccountId) -> Result<Option<Member>, Fault> {
    match account::account(read, id)?.filter(|it| it.role != Role::Customer) {
        Some(account) => Ok(Some(Member { ways: ways(read, id)?, account })),
        None => Ok(None),
    }
}

/// What somebody is, if they may sign in.
pub(crate) fn role_of(read: &mut Read<'_>, id: AccountId) -> Result<Option<Role>, Fault> {
    let account = account::account(read, id)?;
    Ok(account.filter(|account| account.disabled_at.is_none()).map(|account| account.role))
}

/// Ends every session of an account: whoever lost a role, or was shut out, is out.
pub(crate) fn end_sessions(tx: &mut Tx<'_>, env: &Env, of: AccountId) -> Result<(), Fault> {
    device::end_all_in(tx, env, of).map(|_| ())
}

/// Somebody of the shop that `by` may change: nobody changes whoever may do more than they.
fn subordinate(
    tx: &mut Tx<'_>,
    by: AccountId,
    of: AccountId,
) -> Result<Account, Error<PeopleRefusal>> {
    let found = find(tx, of)?.ok_or(Error::Refused(PeopleRefusal::NoSuchMember))?.account;
    if !role_of(tx, by)?.is_some_and(|role| role.covers(found.role)) {
        return Err(Error::Refused(PeopleRefusal::AboveYours { role: found.role }));
    }
    Ok(found)
}

/// Refuses to leave the shop without an owner who can sign in.
///
/// Whoever takes an account out of use (also one who erases themselves) asks this first, in the
/// same transaction.
pub fn keep_an_owner(tx: &mut Tx<'_>, without: AccountId) -> Result<(), Error<PeopleRefusal>> {
    let Some(account) = account::account(tx, without)? else { return Ok(()) };
    if account.role != Role::Owner || account.disabled_at.is_some() {
        return Ok(());
    }
    let others: Option<(i64,)> = tx.row(&sql::OTHER_OWNERS, &[&without])?;
    match others {
        Some((1.., ..)) => Ok(()),
        _ => Err(Error::Refused(PeopleRefusal::LastOwner)),
    }
}

/// Makes somebody of the shop something else, at most what `by` is. Their sessions end.
pub fn change_role(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    of: AccountId,
    to: Role,
) -> Result<(), Error<PeopleRefusal>> {
    let account = subordinate(tx, by, of)?;
    if !role_of(tx, by)?.is_some_and(|role| role.covers(to)) {
        return Err(Error::Refused(PeopleRefusal::AboveYours { role: to }));
    }
    if to == account.role {
        return Ok(());
    }
    keep_an_owner(tx, of)?;
    tx.execute(&sql::ACCOUNT_ROLE, &[&of, &to])?;
    end_sessions(tx, env, of)?;
    let noted = Entry::noted(env, Some(by.into()), "role-changed", of.to_string());
    let noted = noted.with("from", account.role.as_str()).with("to", to.as_str());
    Ok(audit::append(tx, &noted, env.now())?)
}

/// Shuts somebody of the shop out, and ends their sessions. Twice is no error.
pub fn disable(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    of: AccountId,
) -> Result<(), Error<PeopleRefusal>> {
    subordinate(tx, by, of)?;
    keep_an_owner(tx, of)?;
    tx.execute(&sql::ACCOUNT_DISABLE, &[&of, &env.now()])?;
    end_sessions(tx, env, of)?;
    let noted = Entry::noted(env, Some(by.into()), "member-disabled", of.to_string());
    Ok(audit::append(tx, &noted, env.now())?)
}

/// Lets somebody of the shop in again.
pub fn enable(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    of: AccountId,
) -> Result<(), Error<PeopleRefusal>> {
    subordinate(tx, by, of)?;
    tx.execute(&sql::ACCOUNT_ENABLE, &[&of])?;
    let noted = Entry::noted(env, Some(by.into()), "member-enabled", of.to_string());
    Ok(audit::append(tx, &noted, env.now())?)
}

/// Takes every second factor off somebody who lost theirs, and ends their sessions: they set up a
/// new one when they sign in next.
pub fn reset_second_factor(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    of: AccountId,
) -> Result<(), Error<PeopleRefusal>> {
    subordinate(tx, by, of)?;
    tx.execute(&sql::TOTP_REMOVE, &[&of])?;
    tx.execute(&sql::PASSKEYS_REMOVE_ALL, &[&of])?;
    tx.execute(&sql::RECOVERY_CODES_FORGET, &[&of])?;
    end_sessions(tx, env, of)?;
    let noted = Entry::noted(env, Some(by.into()), "second-factor-reset", of.to_string());
    Ok(audit::append(tx, &noted, env.now())?)
}
