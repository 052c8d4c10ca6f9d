//! Invitations to work in the shop: for one login, once, for a week.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{AccountId, Env, Error, Fault, InvitationId, SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use store::{Db, Read, Tx, from_row};

use crate::account::{self, Account, NewAccount};
use crate::audit::{self, Entry};
use crate::error::InvitationRefusal;
use crate::login::{Login, LoginKind};
use crate::people::{end_sessions, role_of};
use crate::role::Role;
use crate::sign_in::Identity;
use crate::sql;

/// How long an invitation can be accepted.
pub const INVITED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
const TOKEN_BYTES: usize = 32;

/// Somebody who was asked and has not answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for: an e-mail address or a telephone number.
    pub login: String,
    /// What they are to be.
    pub role: Role,
    /// Who asked them.
    pub invited_by: AccountId,
    /// When.
    pub invited_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

from_row!(Invitation { id, login, role, invited_by, invited_at, expires_at });

/// What an invited person without an account makes one with.
#[derive(Clone)]
pub struct NewMember {
    /// A password.
    pub password: String,
    /// What to call them.
    pub name: String,
}

/// Invitations that can be accepted, the newest first.
pub fn list(read: &mut Read<'_>, now: Timestamp) -> Result<Vec<Invitation>, Fault> {
    read.rows(&sql::INVITATIONS_OPEN, &[&now])
}

/// Asks somebody to work in the shop, in place of what they were asked before. Gives the token
/// that accepts it, which is kept nowhere.
pub async fn invite(
    db: &Db,
    env: &Env,
    by: AccountId,
    login: &str,
    role: Role,
) -> Result<(Invitation, String), Error<InvitationRefusal>> {
    let login = Login::parse(login).filter(|login| login.kind != LoginKind::Username);
    let login = login.ok_or(Error::Refused(InvitationRefusal::LoginInvalid))?;
    let token = URL_SAFE_NO_PAD.encode(env.bytes::<TOKEN_BYTES>());
    let now = env.now();
    let invitation = Invitation {
        id: env.id(),
        login: login.text.clone(),
        role,
        invited_by: by,
        invited_at: now,
        expires_at: now.saturating_add(INVITED_FOR).unwrap_or(now),
    };
    let (hash, env, made) = (hash(&token), env.clone(), invitation.clone());
    db.write(move |tx| {
        covered(tx, by, role)?;
        let there = account::by_key(tx, &login.key)?;
        if there.is_some_and(|account| account.role != Role::Customer) {
            return Err(Error::Refused(InvitationRefusal::AlreadyHere));
        }
        let Invitation { id, login: text, role, invited_by, invited_at, expires_at } = &made;
        tx.execute(&sql::INVITATIONS_WITHDRAW, &[&login.key, invited_at])?;
        tx.execute(
            &sql::INVITATION_ADD,
            &[id, &hash, &login.key, text, role, invited_by, invited_at, expires_at],
        )?;
        let noted = Entry::noted(&env, Some(by.into()), "invited", id.to_string());
        let noted = noted.with("login", text.as_str()).with("role", role.as_str());
        Ok(audit::append(tx, &noted, now)?)
    })
    .await?;
    Ok((invitation, token))
}

/// Takes an invitation back; says whether it could still be accepted.
pub fn withdraw(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    id: InvitationId,
) -> Result<bool, Fault> {
    let now = env.now();
    if tx.execute(&sql::INVITATION_WITHDRAW, &[&id, &now])? == 0 {
        return Ok(false);
    }
    let noted = Entry::noted(env, Some(by.into()), "invitation-withdrawn", id.to_string());
    audit::append(tx, &noted, now)?;
    Ok(true)
}

/// Nobody hands out more than they have, nor when they are shut out.
fn covered(tx: &mut Tx<'_>, by: AccountId, role: Role) -> Result<(), Error<InvitationRefusal>> {
    if role == Role::Customer || !role_of(tx, by)?.is_some_and(|own| own.covers(role)) {
        return Err(Error::Refused(InvitationRefusal::AboveYours { role }));
    }
    Ok(())
}

struct Open {
    id: InvitationId,
    login_key: String,
    role: Role,
    invited_by: AccountId,
    expires_at: Timestamp,
}

from_row!(Open { id, login_key, role, invited_by, expires_at });

fn open(
    tx: &mut Read<'_>,
    token_hash: &str,
    now: Timestamp,
) -> Result<Open, Error<InvitationRefusal>> {
    let found: Option<Open> = tx.row(&sql::INVITATION_BY_TOKEN, &[&token_hash])?;
    let found = found.filter(|open| now < open.expires_at);
    found.ok_or(Error::Refused(InvitationRefusal::Over))
}

impl Identity {
    /// Accepts an invitation: the invited account itself, when there is one (it has to be signed
    /// in), or a new one. Sessions that the account had end.
    pub async fn accept_invitation(
        &self,
        db: &Db,
        env: &Env,
        token: &str,
        by: Option<AccountId>,
        new: Option<NewMember>,
    ) -> Result<Account, Error<InvitationRefusal>> {
        let token_hash = hash(token);
        let made = match new {
            None => None,
            Some(new) => {
                let (hash, now) = (token_hash.clone(), env.now());
                let open = db.read(move |read| open(read, &hash, now)).await?;
                let login = open.login_key;
                let NewMember { password, name } = new;
                let new = NewAccount { login, password: password.clone(), name };
                let checked = account::check(&new)
                    .map_err(|refusal| Error::Refused(InvitationRefusal::Account(refusal)))?;
                let hashed = self.passwords.hash(password).await?;
                let account = account::ready(env, &checked, open.role);
                Some((account, checked.login, hashed))
            }
        };
        let env = env.clone();
        db.write(move |tx| accept(tx, &env, &token_hash, by, made.as_ref())).await
    }
}

fn accept(
    tx: &mut Tx<'_>,
    env: &Env,
    token_hash: &str,
    by: Option<AccountId>,
    new: Option<&(Account, Login, String)>,
) -> Result<Account, Error<InvitationRefusal>> {
    let now = env.now();
    let open = open(tx, token_hash, now)?;
    covered(tx, open.invited_by, open.role)?;
    let there = account::by_key(tx, &open.login_key)?;
    let account = match (there, new) {
        (Some(account), _) => {
            // The token alone is not enough: whoever found it is not yet who was invited.
            if by != Some(account.id) {
                return Err(Error::Refused(InvitationRefusal::ForSomebodyElse));
            }
            if account.role != Role::Customer {
                return Err(Error::Refused(InvitationRefusal::AlreadyHere));
            }
            tx.execute(&sql::ACCOUNT_ROLE, &[&account.id, &open.role])?;
            end_sessions(tx, env, account.id)?;
            Account { role: open.role, ..account }
        }
        (None, Some((account, login, hash))) => {
            account::insert(tx, account, login, Some(hash))?;
            account.clone()
        }
        (None, None) => return Err(Error::Refused(InvitationRefusal::NoAccount)),
    };
    tx.execute(&sql::INVITATION_ACCEPT, &[&open.id, &now, &account.id])?;
    let noted =
        Entry::noted(env, Some(account.id.into()), "invitation-accepted", open.id.to_string());
    let noted = noted.with("role", open.role.as_str());
    audit::append(tx, &noted, now)?;
    Ok(account)
}

fn hash(token: &str) -> String {
    crate::hex(&Sha256::digest(token.as_bytes()))
}
