//! Refresh tokens: what a program gets new access tokens with.
//!
//! `<session id>.<secret>`, each good once. The next secret is drawn from the one before with a key
//! of the shop, so that whoever asks twice within [`ASKED_AGAIN`], because the answer was lost or
//! because two requests were made at once, gets the same one again: a session has never more than
//! one token that can be refreshed. Used later, a token that was followed is a stolen one, whoever
//! of the two has it: the session ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{AccountId, Env, Error, Fault, SessionId, SignedDuration, Timestamp};
use ring::hmac;
use sha2::{Digest as _, Sha256};
use store::{Db, Tx};

use crate::device::Device;
use crate::error::{SignInRefusal, TokenRefusal};
use crate::revocation;
use crate::role::Role;
use crate::session::ends_at;
use crate::sign_in::{Identity, SignIn};
use crate::sql;
use crate::tokens::Holder;

/// For this long after it was followed a refresh token gets the same answer again.
pub const ASKED_AGAIN: SignedDuration = SignedDuration::from_secs(10);

const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;

/// What a program is handed at a sign-in, and again with each refresh.
#[derive(Debug)]
pub struct TokenPair {
    /// Which session it is of.
    pub session_id: SessionId,
    /// The access token.
    pub token: String,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Gets the next pair. It is not kept anywhere.
    pub refresh_token: String,
    /// When the refresh token ends, and the session with it, unless it is used.
    pub refresh_expires_at: Timestamp,
}

/// What came of a refresh token.
enum Outcome {
    Followed { account: AccountId, role: Role, ends_at: Timestamp },
    Reused(AccountId),
    Unknown,
}

/// A session as it is before a refresh.
struct Before {
    account: AccountId,
    role: Role,
    created_at: Timestamp,
    expires_at: Timestamp,
    current: String,
    previous: Option<String>,
    rotated_at: Option<Timestamp>,
}

store::from_row!(Before { account, role, created_at, expires_at, current, previous, rotated_at });

impl Identity {
    /// Turns a sign-in into the session of a program: its token becomes a pair. The role is read
    /// here, with the transaction, so that none that was changed during the sign-in gets into a
    /// token.
    pub async fn hand_tokens(
        &self,
        db: &Db,
        env: &Env,
        signed: &SignIn,
        device: Device,
    ) -> Result<TokenPair, Error<SignInRefusal>> {
        let secret = URL_SAFE_NO_PAD.encode(env.bytes::<SECRET_BYTES>());
        let (old, new, now) = (hashed(&signed.token), hashed(&secret), env.now());
        let found: Option<(SessionId, AccountId, Role, Timestamp)> = db
            .write(move |tx| {
                let found = tx.row(&sql::SESSION_TO_HAND, &[&old])?;
                let Device { name, address } = &device;
                tx.execute(&sql::SESSION_HAND, &[&old, &new, &now, name, address])?;
                Ok::<_, Fault>(found)
            })
            .await?;
        // Ended or shut out while they signed in.
        let refused = Error::Refused(SignInRefusal::LoginFailed);
        let Some((session_id, account_id, role, ends_at)) = found else { return Err(refused) };
        let holder = Holder { account_id, session_id, role };
        Ok(self.pair(db, holder, &secret, ends_at).await?)
    }

    /// Notes which browser a sign-in belongs to.
    pub async fn note_browser(
        &self,
        db: &Db,
        signed: &SignIn,
        device: Device,
    ) -> Result<(), Fault> {
        let (hash, now) = (hashed(&signed.token), self.tokens.now());
        db.write(move |tx| {
            let Device { name, address } = &device;
            tx.execute(&sql::SESSION_NOTE, &[&hash, &now, name, address]).map(|_| ())
        })
        .await
    }

    /// The next pair for a refresh token.
    pub async fn refresh(
        &self,
        db: &Db,
        env: &Env,
        token: &str,
    ) -> Result<TokenPair, Error<TokenRefusal>> {
        let refused = Error::Refused(TokenRefusal::TokenInvalid);
        let Some((session_id, secret)) = parse(token) else { return Err(refused) };
        let next = successor(&self.tokens.successors(db).await?, session_id, secret);
        let (used, following, at) = (hashed(secret), hashed(&next), env.clone());
        let outcome = db.write(move |tx| follow(tx, &at, session_id, &used, &following)).await?;
        match outcome {
            Outcome::Followed { account, role, ends_at } => {
                let holder = Holder { account_id: account, session_id, role };
                Ok(self.pair(db, holder, &next, ends_at).await?)
            }
            Outcome::Reused(account) => {
                tracing::warn!(%account, session = %session_id,
                    "a refresh token came a second time: its session was ended");
                self.forget_sessions(&[session_id]);
                Err(refused)
            }
            Outcome::Unknown => Err(refused),
        }
    }

    async fn pair(
        &self,
        db: &Db,
        holder: Holder,
        secret: &str,
        refresh_expires_at: Timestamp,
    ) -> Result<TokenPair, Fault> {
        let issued = self.tokens.issue(db, holder, refresh_expires_at).await?;
        let session_id = holder.session_id;
        Ok(TokenPair {
            session_id,
            token: issued.token,
            expires_at: issued.expires_at,
            refresh_token: format!("{session_id}.{secret}"),
            refresh_expires_at,
        })
    }
}

fn follow(
    tx: &mut Tx<'_>,
    env: &Env,
    session: SessionId,
    used: &str,
    following: &str,
) -> Result<Outcome, Fault> {
    let now = env.now();
    let before: Option<Before> = tx.row(&sql::SESSION_TO_REFRESH, &[&session, &now])?;
    let Some(before) = before else { return Ok(Outcome::Unknown) };
    let (account, role) = (before.account, before.role);
    if before.current == used {
        let ends_at = ends_at(before.created_at, now);
        tx.execute(&sql::SESSION_REFRESH, &[&session, &used, &following, &now, &ends_at])?;
        return Ok(Outcome::Followed { account, role, ends_at });
    }
    let just_now = before.rotated_at.is_some_and(|at| now.duration_since(at) < ASKED_AGAIN);
    if just_now && before.previous.as_deref() == Some(used) && before.current == following {
        return Ok(Outcome::Followed { account, role, ends_at: before.expires_at });
    }
    revocation::revoke(tx, env, &[session])?;
    Ok(Outcome::Reused(account))
}

/// The parts of what could be a refresh token.
fn parse(token: &str) -> Option<(SessionId, &str)> {
    let (session, secret) = token.split_once('.')?;
    let id: SessionId = session.parse().ok()?;
    let is_ours = secret.len() == SECRET_CHARS && id.to_string() == session;
    is_ours.then_some((id, secret))
}

fn successor(key: &[u8], session: SessionId, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{session}.{secret}").as_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref())
}

fn hashed(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}
