//! What somebody who is signed in changes about how they sign in, and what they are told of it.

use kernel::{AccountId, Env, Error, Fault, SessionId, SignedDuration, Timestamp, Uuid};
use store::{Db, Tx, outbox};

use crate::account;
use crate::code::Codes;
use crate::code_error::ChangeRefusal;
use crate::code_letter::{self, Letter, Says};
use crate::code_secret::Keys;
use crate::device::end_others_in;
use crate::error::AccountRefusal;
use crate::login::{Login, LoginKind};
use crate::password::{self, Verdict};
use crate::sql;

/// How long it is worth while to tell somebody of a change.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(3 * 24);

impl Codes {
    /// Sets a new password and ends the account's other sessions.
    pub async fn change_password(
        &self,
        db: &Db,
        env: &Env,
        (id, session): (AccountId, SessionId),
        current: String,
        new: String,
    ) -> Result<(), Error<ChangeRefusal>> {
        let (account, old) = db
            .read(move |read| {
                let hash: Option<(Option<String>,)> = read.row(&sql::PASSWORD_HASH, &[&id])?;
                Ok::<_, Fault>((account::account(read, id)?, hash.and_then(|(hash,)| hash)))
            })
            .await?;
        let account = account.ok_or_else(|| Fault::Broken("an account is not there".into()))?;
        let Some(old) = old else { return Err(Error::Refused(ChangeRefusal::NoPassword)) };
        password::check(&new, account.login()).map_err(|it| Error::Refused(it.into()))?;
        if let Verdict::Wrong = self.identity.passwords.verify(current, Some(old.clone())).await? {
            return Err(Error::Refused(ChangeRefusal::PasswordWrong));
        }
        let hash = self.identity.passwords.hash(new).await?;
        let (letter, nonce, now, keys) = (env.id(), env.bytes(), env.now(), self.keys.clone());
        let env = env.clone();
        let work = move |tx: &mut Tx<'_>| {
            if tx.execute(&sql::PASSWORD_REHASH, &[&id, &old, &hash])? == 0 {
                // Somebody was faster; what was proven is not the present password any more.
                return Err(Error::Refused(ChangeRefusal::PasswordWrong));
            }
            let ended = end_others_in(tx, &env, id, Some(session))?;
            let proven = [LoginKind::Email, LoginKind::Phone].map(|kind| account.proven(kind));
            if let Some(login) = proven.into_iter().flatten().next() {
                tell(tx, &keys, &login, Says::PasswordChanged, (letter, nonce), now)?;
            }
            Ok(ended)
        };
        let ended = db.write(work).await?;
        self.identity.forget_sessions(&ended);
        Ok(())
    }

    /// Gives the account a name to sign in with, in place of the one it had.
    pub async fn change_username(
        &self,
        db: &Db,
        env: &Env,
        id: AccountId,
        name: &str,
    ) -> Result<(), Error<AccountRefusal>> {
        let login = Login::parse(name).filter(|login| login.kind == LoginKind::Username);
        let login = login.ok_or(Error::Refused(AccountRefusal::LoginInvalid))?;
        let now = env.now();
        db.write(move |tx| {
            let Login { kind, text, key } = &login;
            let never: Option<Timestamp> = None;
            tx.execute(&sql::LOGIN_REMOVE_KIND, &[&id, kind])?;
            let added = tx.execute(&sql::LOGIN_ADD, &[key, kind, text, &id, &never, &now])?;
            if added == 0 {
                return Err(Error::Refused(AccountRefusal::LoginTaken));
            }
            Ok(())
        })
        .await
    }
}

/// Writes a letter to whoever has this login, in the commit of what it tells.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    keys: &Keys,
    to: &Login,
    says: Says,
    (id, nonce): (Uuid, [u8; 12]),
    now: Timestamp,
) -> Result<(), Fault> {
    let until = now.saturating_add(TOLD_WITHIN).unwrap_or(now);
    let letter = Letter { to: to.text.clone(), kind: to.kind, says, until };
    let sealed = keys.seal(id, nonce, &letter)?;
    outbox::add(tx, &[code_letter::event(id, 1, &sealed, now)?])
}
