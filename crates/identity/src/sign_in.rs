//! Register, sign in, sign out: the flows that touch nothing but this feature's tables.

use kernel::{AccountId, Coded as _, Env, Error, Fault, SignedDuration, Timestamp};
use store::Db;

use crate::account::{self, Account, NewAccount};
use crate::audit::{self, Entry};
use crate::error::{AccountRefusal, SignInRefusal};
use crate::login::Login;
use crate::password::{PasswordPolicy, Passwords, PolicyInvalid, Verdict};
use crate::role::Role;
use crate::session::{NewSession, Sessions};
use crate::tokens::AccessTokens;
use crate::{second_factor, sql, tries};

/// Passwords and sessions together.
#[derive(Clone)]
pub struct Identity {
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Knows whose token it is.
    pub sessions: Sessions,
    /// Whether the people of the shop need a second factor.
    pub staff_second_factor: bool,
    /// Makes and reads access tokens.
    pub tokens: AccessTokens,
}

/// Somebody has just signed in.
pub struct SignIn {
    /// Who.
    pub account: Account,
    /// The token to send with every request. It is not kept anywhere.
    pub token: String,
    /// When it ends unless it is used. Use moves it on, up to
    /// [`LASTS_FOR_MAX`](crate::LASTS_FOR_MAX) after the sign-in.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Hashes under `policy`; tells time and draws salts from `env`.
    pub fn new(policy: PasswordPolicy, env: &Env) -> Result<Self, PolicyInvalid> {
        let sessions = Sessions::new(env);
        let tokens = AccessTokens::new(env, sessions.revoked().clone());
        let passwords = Passwords::new(policy, env)?;
        Ok(Self { passwords, sessions, staff_second_factor: true, tokens })
    }

    /// The people of the shop may go without a second factor. Whoever has one is asked for it.
    #[must_use]
    pub fn with_optional_second_factor(self) -> Self {
        Self { staff_second_factor: false, ..self }
    }

    /// The same, with access tokens that are good for `lasts` in place of
    /// [`ACCESS_LASTS`](crate::ACCESS_LASTS).
    #[must_use]
    pub fn with_access_lasting(mut self, lasts: SignedDuration) -> Self {
        self.tokens = self.tokens.lasting(lasts);
        self
    }

    /// Makes a customer's account and signs it in.
    pub async fn register(
        &self,
        db: &Db,
        env: &Env,
        new: NewAccount,
    ) -> Result<SignIn, Error<AccountRefusal>> {
        let session = NewSession::ready(env);
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let account = self.make(db, env, new, Role::Customer, Some(session)).await?;
        Ok(SignIn { account, token, expires_at })
    }

    /// Lets somebody buy who does not want an account: one is made that nobody else signs in with,
    /// and they are signed in with it. `contact` is where news of their order goes.
    pub async fn guest(
        &self,
        db: &Db,
        env: &Env,
        name: &str,
        contact: &str,
    ) -> Result<SignIn, Error<AccountRefusal>> {
        let account = account::guest(env, name, contact).map_err(Error::Refused)?;
        let session = NewSession::ready(env);
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let made = account.clone();
        db.write(move |tx| {
            let Account { id, name, contact, created_at, .. } = &made;
            let key = account::name_key(name);
            tx.execute(&sql::GUEST_ADD, &[id, name, created_at, contact, &key])?;
            session.insert(tx, *id)
        })
        .await?;
        Ok(SignIn { account, token, expires_at })
    }

    /// Whether that is the account's password. An account without one has none that is right.
    pub async fn is_password(
        &self,
        db: &Db,
        id: AccountId,
        password: String,
    ) -> Result<bool, Fault> {
        let kept: Option<(Option<String>,)> =
            db.read(move |read| read.row(&sql::PASSWORD_HASH, &[&id])).await?;
        let verdict = self.passwords.verify(password, kept.and_then(|(hash,)| hash)).await?;
        Ok(!matches!(verdict, Verdict::Wrong))
    }

    /// Makes an account of any role without signing it in.
    pub async fn create(
        &self,
        db: &Db,
        env: &Env,
        new: NewAccount,
        role: Role,
    ) -> Result<Account, Error<AccountRefusal>> {
        self.make(db, env, new, role, None).await
    }

    /// Signs in. An unknown login takes as long as a wrong password and reads the same. Whoever
    /// has a second factor is refused with a login that waits for it.
    pub async fn sign_in(
        &self,
        db: &Db,
        env: &Env,
        login: &str,
        password: String,
    ) -> Result<SignIn, Error<SignInRefusal>> {
        let key = Login::parse(login).map(|login| login.key);
        let (tried, now) = (tries::hashed(key.as_deref().unwrap_or(login)), env.now());
        let found = credentials(db, key, tried.clone(), now).await?;
        let kept = found.as_ref().map(|(_, hash)| hash.clone());
        let verdict = self.passwords.verify(password.clone(), kept).await?;
        let (account, old_hash) = match (found, &verdict) {
            (Some(found), Verdict::Right | Verdict::RightButOld) => found,
            (found, _) => {
                if let Some((account, _)) = found {
                    note_failure(db, env, &account);
                }
                return Err(self.fail(db, tried, now).await);
            }
        };
        let new_hash = match verdict {
            Verdict::RightButOld => Some(self.passwords.hash(password).await?),
            _ => None,
        };
        let session = NewSession::ready(env);
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let (env, whose) = (env.clone(), account.clone());
        let pending = db
            .write(move |tx| {
                tries::check(tx, &tried, now)?;
                tries::forgive(tx, &tried)?;
                // Changed, or shut out, while the password was looked at.
                let still: Option<(Option<String>,)> =
                    tx.row(&sql::PASSWORD_IF_OPEN, &[&whose.id])?;
                if still.and_then(|(hash,)| hash).as_ref() != Some(&old_hash) {
                    return Err(Error::Refused(SignInRefusal::LoginFailed));
                }
                if let Some(new_hash) = &new_hash {
                    tx.execute(&sql::PASSWORD_REHASH, &[&whose.id, &old_hash, new_hash])?;
                }
                Ok(second_factor::open(tx, &env, &whose, &session)?)
            })
            .await?;
        if let Some(pending) = pending {
            return Err(Error::Refused(SignInRefusal::SecondFactorRequired { pending }));
        }
        Ok(SignIn { account, token, expires_at })
    }

    /// Counts a wrong password; gives what is said to whoever gave it.
    async fn fail(&self, db: &Db, tried: String, now: Timestamp) -> Error<SignInRefusal> {
        let counted = db.write(move |tx| tries::count(tx, &tried, now)).await;
        counted.err().unwrap_or(Error::Refused(SignInRefusal::LoginFailed))
    }

    /// Signs out: the token is worth nothing from here on.
    pub async fn sign_out(&self, db: &Db, token: &str) -> Result<(), Fault> {
        self.sessions.end(db, token).await
    }

    async fn make(
        &self,
        db: &Db,
        env: &Env,
        new: NewAccount,
        role: Role,
        session: Option<NewSession>,
    ) -> Result<Account, Error<AccountRefusal>> {
        let checked = account::check(&new).map_err(Error::Refused)?;
        // Two registrations can still meet in the transaction; this look saves most of them the
        // work of hashing.
        if is_taken(db, checked.login.key.clone()).await? {
            return Err(Error::Refused(AccountRefusal::LoginTaken));
        }
        let hash = self.passwords.hash(new.password).await?;
        let account = account::ready(env, &checked, role);
        let login = checked.login;
        db.write(move |tx| {
            if !account::insert(tx, &account, &login, Some(&hash))? {
                return Err(Error::Refused(AccountRefusal::LoginTaken));
            }
            if let Some(session) = &session {
                session.insert(tx, account.id)?;
            }
            Ok(account.clone())
        })
        .await
    }
}

/// Writes down that somebody tried to sign in as one of the people of the shop. Nobody waits for
/// it: the answer takes as long as for a login that nobody has.
fn note_failure(db: &Db, env: &Env, account: &Account) {
    if account.role == Role::Customer {
        return;
    }
    let noted = Entry::noted(env, None, "sign-in", account.id.to_string());
    let noted = noted.with_outcome(SignInRefusal::LoginFailed.code());
    let (db, env) = (db.clone(), env.clone());
    tokio::spawn(async move {
        if let Err(fault) = audit::write(&db, &env, noted).await {
            tracing::error!(%fault, "a failed sign-in could not be written down");
        }
    });
}

async fn is_taken(db: &Db, key: String) -> Result<bool, Fault> {
    db.read(move |read| Ok(account::by_key(read, &key)?.is_some())).await
}

/// Whose login this is, and the hash of their password if they have one; nobody who is shut out.
/// A login that has to wait is refused before its password is looked at.
async fn credentials(
    db: &Db,
    key: Option<String>,
    tried: String,
    now: Timestamp,
) -> Result<Option<(Account, String)>, Error<SignInRefusal>> {
    db.read(move |read| {
        tries::check(read, &tried, now)?;
        let Some(key) = key else { return Ok(None) };
        let account = account::by_key(read, &key)?;
        let Some(account) = account.filter(|account| account.disabled_at.is_none()) else {
            return Ok(None);
        };
        let hash: Option<(Option<String>,)> = read.row(&sql::PASSWORD_HASH, &[&account.id])?;
        Ok(hash.and_then(|(hash,)| hash).map(|hash| (account, hash)))
    })
    .await
}
