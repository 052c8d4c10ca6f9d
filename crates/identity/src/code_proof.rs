//! What a code opens. It is used up in the transaction that does what it allows.

use kernel::{AccountId, CodeId, Env, Error, Fault, Timestamp, limits};
use store::{Db, Tx};

use crate::account::{self, Account, Checked};
use crate::code::{Attempt, CODE_TRIES_MAX, Codes, Purpose, attempt, is_only_login};
use crate::code_change::tell;
use crate::code_error::{CodeRefusal, ProofRefusal};
use crate::code_letter::{Says, masked};
use crate::code_secret::typed;
use crate::device::end_all_in;
use crate::error::{AccountRefusal, SignInRefusal};
use crate::login::{Login, LoginKind};
use crate::role::Role;
use crate::second_factor::{self, PendingLogin};
use crate::session::NewSession;
use crate::sign_in::SignIn;
use crate::{password, sql, text};

/// What a guess came to. A wrong one is committed: it counts.
enum Guess<T> {
    Right(T),
    Refused(CodeRefusal),
}

impl Codes {
    /// Makes a customer's account with the login that the code was sent to, and signs it in.
    pub async fn register(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        digits: &str,
        name: &str,
        password: Option<String>,
    ) -> Result<SignIn, Error<ProofRefusal>> {
        let digits = typed(digits).ok_or_else(|| refused(CodeRefusal::CodeInvalid))?;
        let name = text::line(name, limits::TEXT_CHARS_MAX)
            .map_err(|problem| refused(AccountRefusal::NameInvalid { problem }))?
            .to_owned();
        let hash = self.hash_for(db, env, id, password).await?;
        let (env, session) = (env.clone(), NewSession::ready(env));
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let made = self
            .with_code(db, &env.clone(), id, Purpose::Register, digits, move |tx, attempt, now| {
                let login = attempt.login();
                make_way(tx, &login.key)?;
                let checked = Checked { login, name: name.clone() };
                let mut account = account::ready(&env, &checked, Role::Customer);
                match attempt.kind {
                    LoginKind::Phone => account.phone_verified_at = Some(now),
                    _ => account.email_verified_at = Some(now),
                }
                if !account::insert(tx, &account, &checked.login, hash.as_deref())? {
                    return Err(refused(AccountRefusal::LoginTaken));
                }
                enter(tx, &env, &account, &session)?;
                Ok(account)
            })
            .await?;
        Ok(SignIn { account: made, token, expires_at })
    }

    /// Signs in whoever has the login that the code was sent to.
    pub async fn sign_in(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        digits: &str,
    ) -> Result<SignIn, Error<ProofRefusal>> {
        let digits = typed(digits).ok_or_else(|| refused(CodeRefusal::CodeInvalid))?;
        let (codes, env, session) = (self.clone(), env.clone(), NewSession::ready(env));
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let nonce = env.bytes();
        let letter = env.id();
        let (account, pending) = self
            .with_code(db, &env.clone(), id, Purpose::SignIn, digits, move |tx, attempt, now| {
                let account = owner(tx, attempt)?;
                if prove(tx, &account, attempt, now)? && account.role == Role::Customer {
                    // Whoever made the account without having this login may be somebody else,
                    // and must not come in by the password they chose.
                    let dropped: Option<String> = None;
                    let had: Option<(Option<String>,)> =
                        tx.row(&sql::PASSWORD_HASH, &[&account.id])?;
                    tx.execute(&sql::PASSWORD_SET, &[&account.id, &dropped])?;
                    end_all_in(tx, &env, account.id)?;
                    if had.is_some_and(|(hash,)| hash.is_some()) {
                        let says = Says::PasswordDropped;
                        tell(tx, &codes.keys, &attempt.login(), says, (letter, nonce), now)?;
                    }
                }
                let pending = enter(tx, &env, &account, &session)?;
                Ok((found(tx, account.id)?, pending))
            })
            .await?;
        if let Some(pending) = pending {
            return Err(refused(SignInRefusal::SecondFactorRequired { pending }));
        }
        Ok(SignIn { account, token, expires_at })
    }

    /// Sets a new password and ends every session of the account. Nobody is signed in by it: they
    /// sign in afterwards as everybody does, with all that is asked of them then.
    pub async fn reset(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        digits: &str,
        password: String,
    ) -> Result<Account, Error<ProofRefusal>> {
        let digits = typed(digits).ok_or_else(|| refused(CodeRefusal::CodeInvalid))?;
        let hash = self.hash_for(db, env, id, Some(password)).await?;
        let (codes, at) = (self.clone(), env.clone());
        let (letter, nonce) = (env.id(), env.bytes());
        self.with_code(db, env, id, Purpose::Reset, digits, move |tx, attempt, now| {
            let account = owner(tx, attempt)?;
            prove(tx, &account, attempt, now)?;
            tx.execute(&sql::PASSWORD_SET, &[&account.id, &hash])?;
            end_all_in(tx, &at, account.id)?;
            let says = Says::PasswordChanged;
            tell(tx, &codes.keys, &attempt.login(), says, (letter, nonce), now)?;
            found(tx, account.id)
        })
        .await
    }

    /// Gives the account the login that the code was sent to, in place of what it had of this
    /// kind, and tells whoever has the old one.
    pub async fn change_login(
        &self,
        db: &Db,
        env: &Env,
        customer: AccountId,
        kind: LoginKind,
        (id, digits): (CodeId, &str),
    ) -> Result<Account, Error<ProofRefusal>> {
        let digits = typed(digits).ok_or_else(|| refused(CodeRefusal::CodeInvalid))?;
        let theirs = db.read(move |read| attempt(read, id)).await?;
        if !theirs.is_some_and(|it| it.account == Some(customer) && it.kind == kind) {
            return Err(refused(CodeRefusal::CodeOver));
        }
        let codes = self.clone();
        let (letter, nonce) = (env.id(), env.bytes());
        self.with_code(db, env, id, Purpose::ChangeLogin, digits, move |tx, attempt, now| {
            let login = attempt.login();
            let before = found(tx, customer)?;
            make_way(tx, &login.key)?;
            tx.execute(&sql::LOGIN_REMOVE_KIND, &[&customer, &kind])?;
            let Login { kind, text, key } = &login;
            let added =
                tx.execute(&sql::LOGIN_ADD, &[key, kind, text, &customer, &Some(now), &now])?;
            if added == 0 {
                return Err(refused(AccountRefusal::LoginTaken));
            }
            // Where they were reached before; else where they are reached another way.
            let old = before.proven(*kind).or_else(|| before.proven(other(*kind)));
            if let Some(old) = old.filter(|old| old.key != *key) {
                let says = Says::LoginChanged { kind: *kind, to: masked(*kind, text) };
                tell(tx, &codes.keys, &old, says, (letter, nonce), now)?;
            }
            found(tx, customer)
        })
        .await
    }

    /// Counts the guess, and does `work` if it is right. Both are one transaction: a code that
    /// was used without its work done, or the other way round, is never seen.
    async fn with_code<T: Send + 'static>(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        purpose: Purpose,
        digits: String,
        work: impl Fn(&mut Tx<'_>, &Attempt, Timestamp) -> Result<T, Error<ProofRefusal>>
        + Send
        + 'static,
    ) -> Result<T, Error<ProofRefusal>> {
        let (now, keys) = (env.now(), self.keys.clone());
        let guess = db
            .write(move |tx| {
                // Counted before it is looked at, by one statement: of guesses that come
                // together each finds the tries that are left.
                if tx.execute(&sql::CODE_TRY, &[&id, &purpose, &now])? == 0 {
                    return Ok(Guess::Refused(CodeRefusal::CodeOver));
                }
                let Some(attempt) = attempt(tx, id)? else {
                    return Ok(Guess::Refused(CodeRefusal::CodeOver));
                };
                // Guessed digits that were sent to nobody open nothing either.
                if !(keys.fits(id, purpose, &digits, &attempt.hash) & attempt.opens) {
                    let left = CODE_TRIES_MAX - attempt.tries;
                    return Ok(Guess::Refused(CodeRefusal::CodeWrong { left }));
                }
                let done = work(tx, &attempt, now)?;
                if tx.execute(&sql::CODE_USE, &[&id, &now])? != 1 {
                    return Err(Error::Fault(Fault::Broken("a code was used twice".into())));
                }
                Ok(Guess::Right(done))
            })
            .await?;
        match guess {
            Guess::Right(done) => Ok(done),
            Guess::Refused(refusal) => Err(refused(refusal)),
        }
    }

    /// The hash of a password that may stand with the login of this attempt. What is wrong with
    /// it is said before a guess is counted.
    async fn hash_for(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        password: Option<String>,
    ) -> Result<Option<String>, Error<ProofRefusal>> {
        let Some(password) = password else { return Ok(None) };
        let now = env.now();
        let attempt = db.read(move |read| attempt(read, id)).await?;
        let Some(attempt) = attempt.filter(|it| it.is_alive(now)) else {
            return Err(refused(CodeRefusal::CodeOver));
        };
        password::check(&password, &attempt.key).map_err(refused)?;
        Ok(Some(self.identity.passwords.hash(password).await?))
    }
}

impl Attempt {
    fn login(&self) -> Login {
        Login { kind: self.kind, text: self.text.clone(), key: self.key.clone() }
    }
}

impl Account {
    /// The login of this kind, if its owner has proven it.
    pub(crate) fn proven(&self, kind: LoginKind) -> Option<Login> {
        let (text, proven) = match kind {
            LoginKind::Email => (&self.email, self.email_verified_at),
            LoginKind::Phone => (&self.phone, self.phone_verified_at),
            LoginKind::Username => return None,
        };
        proven.and(text.as_deref()).and_then(Login::parse)
    }
}

/// Begins a session of somebody who has proven who they are by a code. This is the one place where
/// a code becomes a session: a second factor, where one is due, is asked for here.
fn enter(
    tx: &mut Tx<'_>,
    env: &Env,
    account: &Account,
    session: &NewSession,
) -> Result<Option<PendingLogin>, Fault> {
    second_factor::open(tx, env, account, session)
}

/// Takes a login that nobody has proven from whoever wrote it down.
fn make_way(tx: &mut Tx<'_>, key: &str) -> Result<(), Error<ProofRefusal>> {
    let owner: Option<(AccountId, Option<Timestamp>)> = tx.row(&sql::LOGIN_OWNER, &[&key])?;
    match owner {
        Some((_, Some(_))) => Err(refused(AccountRefusal::LoginTaken)),
        Some((_, None)) => {
            tx.execute(&sql::LOGIN_REMOVE, &[&key])?;
            Ok(())
        }
        None => Ok(()),
    }
}

/// Whose login this is, as far as a code may open their account.
fn owner(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Account, Error<ProofRefusal>> {
    let found = account::by_key(tx, &attempt.key)?.filter(|it| it.disabled_at.is_none());
    let account = found.ok_or_else(|| refused(CodeRefusal::CodeOver))?;
    if account.proven(attempt.kind).is_none() && !is_only_login(tx, account.id)? {
        return Err(refused(CodeRefusal::CodeOver));
    }
    Ok(account)
}

/// Notes that the login is theirs; whether nobody had known before.
fn prove(
    tx: &mut Tx<'_>,
    account: &Account,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<bool, Fault> {
    if account.proven(attempt.kind).is_some() {
        return Ok(false);
    }
    Ok(tx.execute(&sql::LOGIN_PROVEN, &[&attempt.key, &now])? == 1)
}

fn found(tx: &mut Tx<'_>, id: AccountId) -> Result<Account, Error<ProofRefusal>> {
    let found = account::account(tx, id)?;
    found.ok_or_else(|| Error::Fault(Fault::Broken("an account is not there".into())))
}

fn other(kind: LoginKind) -> LoginKind {
    match kind {
        LoginKind::Email => LoginKind::Phone,
        _ => LoginKind::Email,
    }
}

fn refused(refusal: impl Into<ProofRefusal>) -> Error<ProofRefusal> {
    Error::Refused(refusal.into())
}
