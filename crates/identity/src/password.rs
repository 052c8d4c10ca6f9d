//! Passwords: which are refused, and how they are kept.
//!
//! Argon2id (RFC 9106) in PHC strings, which carry their own parameters. Rules after NIST SP
//! 800-63B, 3.1.1.2: a least length and a list of those tried first, nothing about which
//! characters must stand in them.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _,
    PasswordVerifier as _, Version,
};
use kernel::{Env, Fault};
use tokio::sync::Semaphore;

use crate::error::AccountRefusal;

/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Most characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Passwords hashed at once: each takes a core and the policy's memory.
pub const HASHES_AT_ONCE: usize = 2;
/// Passwords that may wait to be hashed; one more is answered "overloaded".
pub const HASHES_WAITING_MAX: usize = 128;

const HASH_BYTES: usize = 32;

/// In lower case, one on a line, only such as are long enough to be asked about.
static COMMON: &str = include_str!("common_passwords.txt");

/// What a guess is to cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordPolicy {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Times that memory is passed over.
    pub passes: u32,
}

impl Default for PasswordPolicy {
    /// What OWASP's Password Storage Cheat Sheet asks for at least: 19 MiB, two passes.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

/// A policy that Argon2 does not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a password cannot be hashed with {} KiB of memory and {} passes: at least 8 KiB and 1 pass \
     are needed, and at most 4 GiB and 100 passes make sense",
    .0.memory_kib, .0.passes
)]
pub struct PolicyInvalid(pub PasswordPolicy);

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Another password, or no such account.
    Wrong,
    /// The password.
    Right,
    /// The password, but its hash was made under another policy: hash it again.
    RightButOld,
}

/// Hashes passwords, away from the threads that serve requests and a few at a time.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    params: Params,
    env: Env,
    /// What an unknown login is compared with. No password has this hash.
    dummy: String,
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

impl Passwords {
    /// Hashes under `policy`, with salts from `env`.
    pub fn new(policy: PasswordPolicy, env: &Env) -> Result<Self, PolicyInvalid> {
        let sensible = policy.memory_kib <= 4 * 1024 * 1024 && policy.passes <= 100;
        let params = Params::new(policy.memory_kib, policy.passes, 1, Some(HASH_BYTES))
            .ok()
            .filter(|_| sensible)
            .ok_or(PolicyInvalid(policy))?;
        let dummy = dummy(&params, env).ok_or(PolicyInvalid(policy))?;
        Ok(Self(Arc::new(Inner {
            params,
            env: env.clone(),
            dummy,
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING_MAX)),
            workers: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        })))
    }

    /// The PHC string of a password under the policy.
    pub async fn hash(&self, password: String) -> Result<String, Fault> {
        let inner = self.0.clone();
        self.in_turn(move || inner.hash(&password)).await
    }

    /// Compares a password with a PHC string. Without one (no such account) it takes as long and
    /// answers [`Verdict::Wrong`].
    pub async fn verify(&self, password: String, phc: Option<String>) -> Result<Verdict, Fault> {
        let inner = self.0.clone();
        self.in_turn(move || inner.verify(&password, phc.as_deref())).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = self.0.places.clone().try_acquire_owned().map_err(|_| Fault::Overloaded)?;
        let worker = self.0.workers.clone().acquire_owned().await;
        let worker = worker.map_err(|_| Fault::Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            // Kept until the work ends, also when nobody waits for it any more.
            let _turn = (place, worker);
            work()
        });
        done.await.map_err(|error| Fault::Broken(format!("a hash was not finished: {error}")))?
    }
}

impl Inner {
    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    fn hash(&self, password: &str) -> Result<String, Fault> {
        let salt: [u8; 16] = self.env.bytes();
        let hash = self.argon2().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|phc| phc.to_string()).map_err(|error| broken(&error))
    }

    fn verify(&self, password: &str, phc: Option<&str>) -> Result<Verdict, Fault> {
        let hash = PasswordHash::new(phc.unwrap_or(&self.dummy))
            .map_err(|error| Fault::Broken(format!("a kept hash cannot be read: {error}")))?;
        match self.argon2().verify_password(password.as_bytes(), &hash) {
            Ok(()) if phc.is_none() => Ok(Verdict::Wrong),
            Ok(()) if self.is_current(&hash) => Ok(Verdict::Right),
            Ok(()) => Ok(Verdict::RightButOld),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(broken(&error)),
        }
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        let params = ParamsString::try_from(&self.params);
        hash.algorithm == ARGON2ID_IDENT
            && hash.version == Some(Version::V0x13.into())
            && params.is_ok_and(|params| params == hash.params)
    }
}

/// A hash of nothing: right parameters, and random bytes where a hash would stand.
fn dummy(params: &Params, env: &Env) -> Option<String> {
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(Salt::new(&env.bytes::<16>()).ok()?),
        hash: Some(Output::new(&env.bytes::<HASH_BYTES>()).ok()?),
    };
    Some(phc.to_string())
}

fn broken(error: &argon2::password_hash::Error) -> Fault {
    Fault::Broken(format!("a password cannot be hashed: {error}"))
}

/// Whether a new password may be taken by whoever has this e-mail address.
pub(crate) fn check(password: &str, email_key: &str) -> Result<(), AccountRefusal> {
    let chars = password.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return Err(AccountRefusal::PasswordTooShort);
    }
    if chars > PASSWORD_CHARS_MAX {
        return Err(AccountRefusal::PasswordTooLong);
    }
    let lower = password.trim().to_lowercase();
    let mailbox = email_key.split('@').next().unwrap_or_default();
    let one_letter = lower.chars().all(|c| lower.starts_with(c));
    let common = COMMON.lines().any(|line| line == lower);
    if common || one_letter || lower == email_key || lower == mailbox {
        return Err(AccountRefusal::PasswordTooCommon);
    }
    Ok(())
}

/// A password to be shown once: 20 characters that are hard to mix up, about 98 bits.
pub fn generate_password(env: &Env) -> String {
    const LETTERS: &[u8; 30] = b"abcdefghjkmnpqrstuvwxyz2345679";
    let mut password = String::with_capacity(23);
    let mut letters = 0;
    while letters < 20 {
        for byte in env.bytes::<32>() {
            // Every letter is equally likely: what does not fit eight full rounds is thrown away.
            let fits = usize::from(byte) < LETTERS.len() * 8;
            if letters == 20 || !fits {
                continue;
            }
            if letters > 0 && letters % 5 == 0 {
                password.push('-');
            }
            password.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
            letters += 1;
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    fn env() -> Env {
        Env::manual(Timestamp::UNIX_EPOCH, 1).0
    }

    fn cheap(passes: u32) -> PasswordPolicy {
        PasswordPolicy { memory_kib: 64, passes }
    }

    #[test]
    fn which_passwords_are_refused() {
        use AccountRefusal::{PasswordTooCommon, PasswordTooLong, PasswordTooShort};
        let check = |password: &str| super::check(password, "ada.lovelace@example.org");
        assert_eq!(check("short77"), Err(PasswordTooShort));
        assert_eq!(check("жжжжжжж"), Err(PasswordTooShort), "characters count, not bytes");
        assert_eq!(check(&"ab".repeat(65)), Err(PasswordTooLong));
        for common in ["password", "PassWord1", "12345678", "qwertyuiop", "zzzzzzzzzz"] {
            assert_eq!(check(common), Err(PasswordTooCommon), "{common}");
        }
        assert_eq!(check("Ada.Lovelace@example.org"), Err(PasswordTooCommon));
        assert_eq!(check("ada.lovelace"), Err(PasswordTooCommon));
        for good in ["correct horse battery staple", "тихо в лесу", &"ab".repeat(64)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_list_is_as_it_is_read() {
        for line in COMMON.lines() {
            assert_eq!(line, line.trim().to_lowercase());
            assert!(line.chars().count() >= PASSWORD_CHARS_MIN, "{line} is too short to be asked");
        }
    }

    #[test]
    fn generated_ones_differ_and_pass() {
        let env = env();
        let (one, two) = (generate_password(&env), generate_password(&env));
        assert_ne!(one, two);
        assert_eq!(one.len(), 23);
        assert_eq!(check(&one, "owner@example.org"), Ok(()));
    }

    #[test]
    fn impossible_policies_are_refused() {
        for (memory_kib, passes) in [(0, 1), (7, 1), (64, 0), (64, 101), (u32::MAX, 1)] {
            assert!(Passwords::new(PasswordPolicy { memory_kib, passes }, &env()).is_err());
        }
        assert!(Passwords::new(PasswordPolicy::default(), &env()).is_ok());
    }

    #[tokio::test]
    async fn hashes_carry_their_parameters() {
        let passwords = Passwords::new(cheap(2), &env()).unwrap();
        let hash = passwords.hash("a good password".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        assert_ne!(passwords.hash("a good password".into()).await.unwrap(), hash, "salted");
        let verify = |passwords: &Passwords, password: &str| {
            let (passwords, password) = (passwords.clone(), password.to_owned());
            let hash = hash.clone();
            async move { passwords.verify(password, Some(hash)).await.unwrap() }
        };
        assert_eq!(verify(&passwords, "a good password").await, Verdict::Right);
        assert_eq!(verify(&passwords, "A good password").await, Verdict::Wrong);
        let dearer = Passwords::new(cheap(3), &env()).unwrap();
        assert_eq!(verify(&dearer, "a good password").await, Verdict::RightButOld);
        assert_eq!(verify(&dearer, "another password").await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn nobody_has_the_password_of_an_unknown_login() {
        let passwords = Passwords::new(cheap(1), &env()).unwrap();
        assert_eq!(passwords.verify("anything".into(), None).await.unwrap(), Verdict::Wrong);
        let broken = passwords.verify("anything".into(), Some("$1$md5".into())).await;
        assert!(matches!(broken, Err(Fault::Broken(_))));
    }

    #[tokio::test]
    async fn a_full_queue_answers_at_once() {
        let passwords = Passwords::new(cheap(1), &env()).unwrap();
        let all = u32::try_from(HASHES_AT_ONCE + HASHES_WAITING_MAX).unwrap();
        let taken = passwords.0.places.clone().acquire_many_owned(all).await.unwrap();
        assert!(matches!(passwords.hash("x".into()).await, Err(Fault::Overloaded)));
        drop(taken);
        assert!(passwords.hash("x".into()).await.is_ok());
    }
}
