//! The second factor: what somebody has, beside the password that they know.
//!
//! Whoever has set one up is asked for it at every sign-in, in a second step that knows how the
//! first one ended by the id of a pending login. A wrong one counts against that login and against
//! the account. A session says whether it was opened with one; the people of the shop may do
//! nothing in a session that was not.

use kernel::{AccountId, Env, Error, Fault, SessionId, SignedDuration, Timestamp, Uuid};
use store::{Db, Read, Tx};

use crate::audit::{self, Actor, Entry};
use crate::error::SecondFactorRefusal;
use crate::role::Role;
use crate::session::NewSession;
use crate::sign_in::{Identity, SignIn};
use crate::tokens::Holder;
use crate::totp::{self, Seal};
use crate::{Account, account, recovery, sql};

/// How long the second step may take.
pub const LOGIN_PENDS_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Wrong factors in one login.
pub const TRIES_OF_LOGIN_MAX: i64 = 5;
/// Wrong factors of one account in [`FAILURES_COUNT_FOR`]; then nobody is let in by a code.
pub const FAILURES_MAX: i64 = 20;
/// How long a wrong factor counts against its account.
pub const FAILURES_COUNT_FOR: SignedDuration = SignedDuration::from_hours(1);
const CHALLENGE_BYTES: usize = 32;

/// What an account can prove itself with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ways {
    /// An authenticator app.
    pub totp: bool,
    /// Passkeys, how many.
    pub passkeys: i64,
    /// Recovery codes that are left. They are no way of their own.
    pub recovery_codes: i64,
}

impl Ways {
    /// Whether there is a second factor at all.
    pub fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Their names in the API.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (self.totp, "totp"),
            (self.passkeys > 0, "passkey"),
            (self.recovery_codes > 0, "recovery_code"),
        ];
        all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
    }
}

/// A password was right; the second factor is still to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PendingLogin {
    /// What the second step names it by. Not guessable.
    pub id: Uuid,
    /// What it can be done with.
    pub ways: Ways,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A second factor, as it is shown.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The six digits of an app.
    Totp(String),
    /// A recovery code.
    RecoveryCode(String),
}

impl Proof {
    fn way(&self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::RecoveryCode(_) => "recovery_code",
        }
    }
}

/// A secret that waits to be confirmed with its first code.
pub struct OfferedTotp {
    /// For people who type.
    pub secret: String,
    /// For the picture: `otpauth://…`.
    pub uri: String,
}

/// What the account has.
pub fn ways(read: &mut Read<'_>, of: AccountId) -> Result<Ways, Fault> {
    let totp: Option<(Option<String>,)> = read.row(&sql::TOTP_SEALED, &[&of])?;
    let passkeys: Option<(i64,)> = read.row(&sql::PASSKEYS_COUNT, &[&of])?;
    Ok(Ways {
        totp: totp.is_some_and(|(sealed,)| sealed.is_some()),
        passkeys: passkeys.map_or(0, |(count,)| count),
        recovery_codes: recovery::left(read, of)?,
    })
}

/// Opens a session for whoever has proved who they are by a password or a code, unless a second
/// factor is to come.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    env: &Env,
    account: &Account,
    session: &NewSession,
) -> Result<Option<PendingLogin>, Fault> {
    let ways = ways(tx, account.id)?;
    let now = env.now();
    let actor = Some(Actor::from(account.id));
    if !ways.any() {
        if account.role != Role::Customer {
            let noted = Entry::noted(env, actor, "sign-in", account.id.to_string());
            audit::append(tx, &noted, now)?;
        }
        session.insert(tx, account.id)?;
        return Ok(None);
    }
    let id: Uuid = env.id();
    let expires_at = now.saturating_add(LOGIN_PENDS_FOR).unwrap_or(now);
    let challenge = crate::hex(&env.bytes::<CHALLENGE_BYTES>());
    tx.execute(&sql::PENDING_LOGIN_ADD, &[&id, &account.id, &challenge, &expires_at])?;
    Ok(Some(PendingLogin { id, ways, expires_at }))
}

/// Whether this session was opened with the account's second factor, or has shown it since.
pub fn is_proven(read: &mut Read<'_>, session: SessionId) -> Result<bool, Fault> {
    let found: Option<(bool,)> = read.row(&sql::SESSION_IS_PROVEN, &[&session])?;
    Ok(found.is_some_and(|(proven,)| proven))
}

/// Whether whoever sent a request may change the account's factors: with the factor that is
/// there, or when there is none.
fn may_change(read: &mut Read<'_>, who: Holder) -> Result<Ways, Error<SecondFactorRefusal>> {
    let ways = ways(read, who.account_id)?;
    if ways.any() && !is_proven(read, who.session_id)? {
        return Err(Error::Refused(SecondFactorRefusal::FactorNeeded));
    }
    Ok(ways)
}

impl Identity {
    async fn seal(&self, db: &Db, env: &Env) -> Result<Seal, Fault> {
        Seal::new(&store::secrets::get_or_make(db, env, "second-factor").await?)
    }

    /// Completes a sign-in with the second factor.
    pub async fn second_step(
        &self,
        db: &Db,
        env: &Env,
        login: Uuid,
        proof: Proof,
    ) -> Result<SignIn, Error<SecondFactorRefusal>> {
        let seal = self.seal(db, env).await?;
        let session = NewSession::ready(env).with_second_factor();
        let (token, expires_at) = (session.token.clone(), session.expires_at);
        let env = env.clone();
        // A wrong factor is counted, so its transaction ends well.
        let step = db
            .write(move |tx| {
                let now = env.now();
                let Some((of, tries)) = pending(tx, login, now)? else {
                    return Ok(Err(SecondFactorRefusal::LoginOver));
                };
                let Some(account) = account(tx, of)?.filter(|it| it.disabled_at.is_none()) else {
                    return Ok(Err(SecondFactorRefusal::LoginOver));
                };
                let failures = failures(tx, of, now)?;
                if failures >= FAILURES_MAX {
                    return Ok(Err(SecondFactorRefusal::TooManyFailures));
                }
                let right = match &proof {
                    Proof::Totp(code) => take_totp(tx, &seal, of, code, now)?,
                    Proof::RecoveryCode(code) => recovery::take(tx, of, code, now)?,
                };
                let noted = Entry::noted(&env, Some(of.into()), "sign-in", of.to_string());
                let noted = noted.with("way", proof.way());
                if !right {
                    tx.execute(&sql::PENDING_LOGIN_TRIED, &[&login, &(tries + 1)])?;
                    fail(tx, of, failures, now)?;
                    let code = kernel::Coded::code(&SecondFactorRefusal::FactorWrong);
                    audit::append(tx, &noted.with_outcome(code), now)?;
                    return Ok(Err(SecondFactorRefusal::FactorWrong));
                }
                tx.execute(&sql::PENDING_LOGIN_END, &[&login])?;
                tx.execute(&sql::FAILURES_FORGET, &[&of])?;
                audit::append(tx, &noted, now)?;
                session.insert(tx, of)?;
                Ok::<_, Fault>(Ok(account))
            })
            .await?;
        match step {
            Ok(account) => Ok(SignIn { account, token, expires_at }),
            Err(refusal) => Err(Error::Refused(refusal)),
        }
    }

    /// Makes a secret for an app. It counts once it is confirmed; one that counts goes on until
    /// then.
    pub async fn offer_totp(
        &self,
        db: &Db,
        env: &Env,
        who: Holder,
        issuer: &str,
    ) -> Result<OfferedTotp, Error<SecondFactorRefusal>> {
        let secret = env.bytes::<{ totp::SECRET_BYTES }>();
        let sealed = self.seal(db, env).await?.close(env.bytes(), who.account_id, &secret)?;
        let login = db
            .write(move |tx| {
                may_change(tx, who)?;
                tx.execute(&sql::TOTP_OFFER, &[&who.account_id, &sealed])?;
                let account = account(tx, who.account_id)?;
                Ok::<_, Error<_>>(account.map_or_else(String::new, |it| it.login().to_owned()))
            })
            .await?;
        let uri = totp::uri(issuer, &login, &secret);
        Ok(OfferedTotp { secret: totp::base32(&secret), uri })
    }

    /// Takes the offered secret into use, proved by a code of it. The session counts as one with
    /// a second factor from here on. Gives recovery codes where there were none.
    pub async fn confirm_totp(
        &self,
        db: &Db,
        env: &Env,
        who: Holder,
        code: String,
    ) -> Result<Option<Vec<String>>, Error<SecondFactorRefusal>> {
        let seal = self.seal(db, env).await?;
        let env = env.clone();
        let done = db
            .write(move |tx| {
                let (of, now) = (who.account_id, env.now());
                may_change(tx, who)?;
                let failures = failures(tx, of, now)?;
                if failures >= FAILURES_MAX {
                    return Ok(Err(SecondFactorRefusal::TooManyFailures));
                }
                let offered: Option<(Option<String>,)> = tx.row(&sql::TOTP_OFFERED, &[&of])?;
                let Some(offered) = offered.and_then(|(offered,)| offered) else {
                    return Ok(Err(SecondFactorRefusal::NothingOffered));
                };
                let Some(step) = totp::step_of(&seal.open(of, &offered)?, &code, now, 0) else {
                    fail(tx, of, failures, now)?;
                    return Ok(Err(SecondFactorRefusal::FactorWrong));
                };
                tx.execute(&sql::TOTP_CONFIRM, &[&of, &step, &now])?;
                Ok::<_, Error<SecondFactorRefusal>>(Ok(set_up(tx, &env, who, "totp")?))
            })
            .await?;
        done.map_err(Error::Refused)
    }

    /// Takes the app away.
    pub async fn remove_totp(
        &self,
        db: &Db,
        env: &Env,
        who: Holder,
    ) -> Result<(), Error<SecondFactorRefusal>> {
        let (env, required) = (env.clone(), self.staff_second_factor);
        db.write(move |tx| {
            let ways = may_change(tx, who)?;
            if !ways.totp {
                return Err(Error::Refused(SecondFactorRefusal::NoSuchFactor));
            }
            may_go(required, who, ways.passkeys > 0)?;
            tx.execute(&sql::TOTP_REMOVE, &[&who.account_id])?;
            taken_away(tx, &env, who.account_id, who.account_id, "totp")?;
            Ok(())
        })
        .await
    }

    /// New recovery codes in place of the old.
    pub async fn renew_recovery_codes(
        &self,
        db: &Db,
        env: &Env,
        who: Holder,
    ) -> Result<Vec<String>, Error<SecondFactorRefusal>> {
        let codes = recovery::draw(env);
        let (env, made) = (env.clone(), codes.clone());
        db.write(move |tx| {
            let of = who.account_id;
            if !may_change(tx, who)?.any() {
                return Err(Error::Refused(SecondFactorRefusal::NoSuchFactor));
            }
            recovery::replace(tx, of, &made)?;
            let noted = Entry::noted(&env, Some(of.into()), "recovery-codes-made", of.to_string());
            audit::append(tx, &noted, env.now())?;
            Ok(())
        })
        .await?;
        Ok(codes)
    }
}

/// The last factor of somebody who must have one stays.
fn may_go(required: bool, who: Holder, another: bool) -> Result<(), Error<SecondFactorRefusal>> {
    if required && who.role != Role::Customer && !another {
        return Err(Error::Refused(SecondFactorRefusal::LastFactor));
    }
    Ok(())
}

/// Notes that a factor was set up in a session, and draws recovery codes where there are none.
pub(crate) fn set_up(
    tx: &mut Tx<'_>,
    env: &Env,
    who: Holder,
    way: &'static str,
) -> Result<Option<Vec<String>>, Fault> {
    let of = who.account_id;
    proved(tx, who.session_id)?;
    let noted = Entry::noted(env, Some(of.into()), "second-factor-set-up", of.to_string());
    audit::append(tx, &noted.with("way", way), env.now())?;
    if recovery::left(tx, of)? > 0 {
        return Ok(None);
    }
    let codes = recovery::draw(env);
    recovery::replace(tx, of, &codes)?;
    Ok(Some(codes))
}

/// The session counts as one with a second factor.
fn proved(tx: &mut Tx<'_>, session: SessionId) -> Result<(), Fault> {
    tx.execute(&sql::SESSION_PROVED, &[&session]).map(|_| ())
}

/// Notes that a factor was taken away. Recovery codes go with the last one.
pub(crate) fn taken_away(
    tx: &mut Tx<'_>,
    env: &Env,
    by: AccountId,
    of: AccountId,
    way: &'static str,
) -> Result<(), Fault> {
    if !ways(tx, of)?.any() {
        tx.execute(&sql::RECOVERY_CODES_FORGET, &[&of])?;
    }
    let noted = Entry::noted(env, Some(by.into()), "second-factor-taken-away", of.to_string());
    audit::append(tx, &noted.with("way", way), env.now())
}

fn pending(
    tx: &mut Tx<'_>,
    login: Uuid,
    now: Timestamp,
) -> Result<Option<(AccountId, i64)>, Fault> {
    let found: Option<(AccountId, i64, Timestamp)> = tx.row(&sql::PENDING_LOGIN, &[&login])?;
    Ok(found
        .filter(|(_, tries, expires_at)| *tries < TRIES_OF_LOGIN_MAX && now < *expires_at)
        .map(|(of, tries, _)| (of, tries)))
}

fn take_totp(
    tx: &mut Tx<'_>,
    seal: &Seal,
    of: AccountId,
    code: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let found: Option<(Option<String>, i64)> = tx.row(&sql::TOTP, &[&of])?;
    let Some((Some(sealed), last)) = found else { return Ok(false) };
    let Some(step) = totp::step_of(&seal.open(of, &sealed)?, code, now, last) else {
        return Ok(false);
    };
    // Only one of two that bring the same code at once moves the step on.
    Ok(tx.execute(&sql::TOTP_STEP, &[&of, &step])? == 1)
}

/// Wrong factors of the account that still count.
fn failures(tx: &mut Tx<'_>, of: AccountId, now: Timestamp) -> Result<i64, Fault> {
    let found: Option<(i64, Timestamp)> = tx.row(&sql::FAILURES, &[&of])?;
    let counts = |since| now.duration_since(since) < FAILURES_COUNT_FOR;
    Ok(found.filter(|(_, since)| counts(*since)).map_or(0, |(failures, _)| failures))
}

fn fail(tx: &mut Tx<'_>, of: AccountId, before: i64, now: Timestamp) -> Result<(), Fault> {
    if before == 0 {
        tx.execute(&sql::FAILURES_FORGET, &[&of])?;
        tx.execute(&sql::FAILURES_ADD, &[&of, &now])?;
    } else {
        tx.execute(&sql::FAILURES_COUNT, &[&of])?;
    }
    Ok(())
}
