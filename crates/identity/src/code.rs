//! One-time codes: asked for, sent, sent once more. What they open is in `code_proof`.

use std::net::IpAddr;

use kernel::{AccountId, CodeId, Env, Error, Fault, SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Db, FromColumn, Param, Read, Tx, Value, outbox};

use crate::budget::{self, Budget};
use crate::code_error::CodeRefusal;
use crate::code_letter::{self, Letter, Says, Sealed, masked};
use crate::code_secret::{self, Keys};
use crate::login::{Login, LoginKind};
use crate::sign_in::Identity;
use crate::sql;

/// How long a code is good, however often it is sent.
pub const CODE_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Guesses at one code, of which the last may still be right. The database holds it too.
pub const CODE_TRIES_MAX: i64 = 5;
/// Times one code is sent. The database holds it too.
pub const CODE_SENDS_MAX: i64 = 5;
/// Between the first time a code is sent and the second; then twice as long each time.
const RESEND_AFTER: i64 = 30;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a code is for. It opens nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An account is to be made.
    Register,
    /// Somebody signs in.
    SignIn,
    /// A new password is to be set.
    Reset,
    /// An account is to have this login from now on.
    ChangeLogin,
}

impl Purpose {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
            Self::ChangeLogin => "change_login",
        }
    }
}

impl Param for Purpose {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromColumn for Purpose {
    fn from_value(value: Value<'_>) -> Option<Self> {
        [Self::Register, Self::SignIn, Self::Reset, Self::ChangeLogin]
            .into_iter()
            .find(|purpose| value == Value::Text(purpose.as_str()))
    }
}

/// What a shop allows.
#[derive(Clone, Debug)]
pub struct CodeTerms {
    /// Whether nobody gets an account without a code.
    pub confirm: bool,
    /// Codes for one login in an hour.
    pub per_login_hour: i64,
    /// Codes for one login in a day. Five guesses at each of them are what somebody has who
    /// knows nothing: at 12, sixty in a million.
    pub per_login_day: i64,
    /// Letters that people of one network (/24, /64) ask for in an hour.
    pub per_network_hour: i64,
    /// Letters by mail that the whole shop sends in a day because somebody asked for a code.
    pub mail_per_day: i64,
    /// The same by SMS. Each costs money, and there are those who are paid for having them sent.
    pub sms_per_day: i64,
}

impl Default for CodeTerms {
    fn default() -> Self {
        Self {
            confirm: false,
            per_login_hour: 5,
            per_login_day: 12,
            per_network_hour: 30,
            mail_per_day: 20_000,
            sms_per_day: 500,
        }
    }
}

/// Everything that is done with codes.
#[derive(Clone)]
pub struct Codes {
    pub(crate) keys: Keys,
    pub(crate) identity: Identity,
    /// What the shop allows.
    pub terms: CodeTerms,
}

/// A code that somebody asks for.
#[derive(Clone, Debug)]
pub struct CodeWish {
    /// What for.
    pub purpose: Purpose,
    /// Where it is to be sent.
    pub login: String,
    /// Who is signed in; needed to change a login, and not looked at otherwise.
    pub account: Option<AccountId>,
    /// Where they ask from.
    pub from: Option<IpAddr>,
}

/// An attempt, as far as whoever made it may know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code {
    /// Names it from now on.
    pub id: CodeId,
    /// What for.
    pub purpose: Purpose,
    /// What it was sent by.
    pub kind: LoginKind,
    /// Where it was sent, in part.
    pub sent_to: String,
    /// When it is worth nothing.
    pub expires_at: Timestamp,
    /// When it may be sent once more; never when it was sent often enough.
    pub resend_at: Option<Timestamp>,
    /// Whether it can still be used.
    pub alive: bool,
}

/// A row.
pub(crate) struct Attempt {
    pub(crate) id: CodeId,
    pub(crate) purpose: Purpose,
    pub(crate) key: String,
    pub(crate) kind: LoginKind,
    pub(crate) text: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) hash: Vec<u8>,
    letter: String,
    pub(crate) opens: bool,
    pub(crate) tries: i64,
    sends: i64,
    sent_at: Timestamp,
    expires_at: Timestamp,
    used_at: Option<Timestamp>,
}

store::from_row!(Attempt {
    id,
    purpose,
    key,
    kind,
    text,
    account,
    hash,
    letter,
    opens,
    tries,
    sends,
    sent_at,
    expires_at,
    used_at
});

impl Codes {
    /// With the shop's own keys, which are made now if this is its first start.
    pub async fn open(
        db: &Db,
        env: &Env,
        identity: Identity,
        terms: CodeTerms,
    ) -> Result<Self, Fault> {
        Ok(Self { keys: Keys::open(db, env).await?, identity, terms })
    }

    /// Makes an attempt and has its code sent. The answer and the work are the same whether
    /// somebody has this login or not: only what is in the sealed letter differs.
    pub async fn request(
        &self,
        db: &Db,
        env: &Env,
        wish: CodeWish,
    ) -> Result<Code, Error<CodeRefusal>> {
        let login = Login::parse(&wish.login).ok_or(Error::Refused(CodeRefusal::LoginInvalid))?;
        if !login.can_be_written_to() {
            return Err(Error::Refused(CodeRefusal::LoginUnreachable));
        }
        let account = wish.account.filter(|_| wish.purpose == Purpose::ChangeLogin);
        let (id, now, digits): (CodeId, _, _) = (env.id(), env.now(), code_secret::draw(env));
        let expires_at = now.saturating_add(CODE_LASTS).unwrap_or(now);
        let hash = self.keys.hash(id, wish.purpose, &digits);
        let (nonce, keys) = (env.bytes(), self.keys.clone());
        let budgets = self.budgets(&login, wish.from);
        db.write(move |tx| {
            if let Some(wait) = budget::take(tx, &budgets, now)? {
                return Err(Error::Refused(too_many(wait)));
            }
            let says = says(tx, wish.purpose, &login, &digits)?;
            let opens = matches!(says, Says::Code { .. });
            let Login { kind, text, key } = &login;
            let letter = Letter { to: text.clone(), kind: *kind, says, until: expires_at };
            let sealed = keys.seal(id.0, nonce, &letter)?;
            let purpose = wish.purpose;
            tx.execute(
                &sql::CODE_ADD,
                &[
                    &id,
                    &purpose,
                    key,
                    kind,
                    text,
                    &account,
                    &hash,
                    &sealed,
                    &opens,
                    &now,
                    &expires_at,
                ],
            )?;
            outbox::add(tx, &[code_letter::event(id.0, 1, &sealed, now)?])?;
            let (kind, sent_to) = (*kind, masked(*kind, text));
            let resend_at = resend_at(1, now);
            Ok(Code { id, purpose, kind, sent_to, expires_at, resend_at, alive: true })
        })
        .await
    }

    /// Has the same code sent once more. Its time goes on running, and so do its tries.
    pub async fn resend(
        &self,
        db: &Db,
        env: &Env,
        id: CodeId,
        from: Option<IpAddr>,
    ) -> Result<Code, Error<CodeRefusal>> {
        let (now, codes) = (env.now(), self.clone());
        db.write(move |tx| {
            let over = Error::Refused(CodeRefusal::CodeOver);
            let Some(attempt) = attempt(tx, id)?.filter(|it| it.is_alive(now)) else {
                return Err(over);
            };
            let Some(at) = resend_at(attempt.sends, attempt.sent_at) else { return Err(over) };
            if now < at {
                return Err(Error::Refused(too_many(at.duration_since(now))));
            }
            // What one login gets is bounded by how often a code is sent.
            let budgets = codes.budgets_of_sending(attempt.kind, from);
            if let Some(wait) = budget::take(tx, &budgets, now)? {
                return Err(Error::Refused(too_many(wait)));
            }
            if tx.execute(&sql::CODE_RESEND, &[&id, &attempt.sends, &now])? == 0 {
                return Err(over);
            }
            let seq = attempt.sends + 1;
            outbox::add(tx, &[code_letter::event(id.0, seq, &attempt.letter, now)?])?;
            Ok(Attempt { sends: seq, sent_at: now, ..attempt }.told(now))
        })
        .await
    }

    /// What is known of an attempt to whoever has its id.
    pub async fn look(&self, db: &Db, env: &Env, id: CodeId) -> Result<Option<Code>, Fault> {
        let now = env.now();
        let found = db.read(move |read| attempt(read, id)).await?;
        Ok(found.map(|attempt| attempt.told(now)))
    }

    /// The letter of an event of the outbox; none when it was not sealed here.
    pub fn letter(&self, event: &outbox::Waiting) -> Option<Letter> {
        let Sealed { sealed } = serde_json::from_str(&event.payload).ok()?;
        self.keys.open_seal(event.aggregate, &sealed)
    }

    fn budgets(&self, login: &Login, from: Option<IpAddr>) -> Vec<Budget> {
        let terms = &self.terms;
        let of_login =
            |what, max, window| Budget { key: self.keys.alias(what, &login.key), max, window };
        let mut all = vec![
            of_login("login-hour", terms.per_login_hour, HOUR),
            of_login("login-day", terms.per_login_day, DAY),
        ];
        all.extend(self.budgets_of_sending(login.kind, from));
        all
    }

    fn budgets_of_sending(&self, kind: LoginKind, from: Option<IpAddr>) -> Vec<Budget> {
        let terms = &self.terms;
        let (key, max) = match kind {
            LoginKind::Phone => ("sms-day", terms.sms_per_day),
            LoginKind::Email | LoginKind::Username => ("mail-day", terms.mail_per_day),
        };
        let network = from.map(|from| Budget {
            key: self.keys.alias("network-hour", &network(from)),
            max: terms.per_network_hour,
            window: HOUR,
        });
        let channel = Budget { key: key.to_owned(), max, window: DAY };
        network.into_iter().chain([channel]).collect()
    }
}

impl Attempt {
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && self.tries < CODE_TRIES_MAX && now < self.expires_at
    }

    fn told(&self, now: Timestamp) -> Code {
        Code {
            id: self.id,
            purpose: self.purpose,
            kind: self.kind,
            sent_to: masked(self.kind, &self.text),
            expires_at: self.expires_at,
            resend_at: resend_at(self.sends, self.sent_at).filter(|at| *at < self.expires_at),
            alive: self.is_alive(now),
        }
    }
}

pub(crate) fn attempt(read: &mut Read<'_>, id: CodeId) -> Result<Option<Attempt>, Fault> {
    read.row(&sql::CODE, &[&id])
}

/// What goes out to this login when somebody asks for a code there.
fn says(tx: &mut Tx<'_>, purpose: Purpose, login: &Login, digits: &str) -> Result<Says, Fault> {
    let owner: Option<(AccountId, Option<Timestamp>)> = tx.row(&sql::LOGIN_OWNER, &[&login.key])?;
    let code = Says::Code { purpose, digits: digits.to_owned() };
    Ok(match (purpose, owner) {
        (Purpose::Register | Purpose::ChangeLogin, Some((_, Some(_)))) => Says::HasAccount,
        // A login that nobody has proven gives way to whoever does.
        (Purpose::Register | Purpose::ChangeLogin, _)
        | (Purpose::SignIn | Purpose::Reset, Some((_, Some(_)))) => code,
        // Somebody wrote this login down when they made an account. Whoever proves that it is
        // theirs gets the account, unless it has other logins, which may be somebody else's.
        (Purpose::SignIn | Purpose::Reset, Some((owner, None))) => {
            if is_only_login(tx, owner)? {
                code
            } else {
                Says::Nothing
            }
        }
        (Purpose::SignIn | Purpose::Reset, None) => Says::Nothing,
    })
}

pub(crate) fn is_only_login(tx: &mut Tx<'_>, account: AccountId) -> Result<bool, Fault> {
    type Row = (LoginKind, String, String, Option<Timestamp>);
    let all: Vec<Row> = tx.rows(&sql::LOGINS_OF, &[&account])?;
    Ok(all.len() == 1)
}

/// Forgets codes and budgets that count for nothing any more; gives how many codes there were.
pub fn forget_codes(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, Fault> {
    let before = now.saturating_sub(DAY).unwrap_or(now);
    tx.execute(&sql::BUDGETS_FORGET, &[&before])?;
    tx.execute(&sql::CODES_FORGET, &[&before])
}

/// When a code that was sent so often, last at `sent_at`, may be sent once more.
fn resend_at(sends: i64, sent_at: Timestamp) -> Option<Timestamp> {
    if sends >= CODE_SENDS_MAX {
        return None;
    }
    let doublings = u32::try_from(sends - 1).ok()?;
    sent_at.checked_add(SignedDuration::from_secs(RESEND_AFTER << doublings)).ok()
}

fn too_many(wait: SignedDuration) -> CodeRefusal {
    let part = i64::from(wait.subsec_nanos() > 0);
    CodeRefusal::TooManyCodes { retry_after: (wait.as_secs() + part).max(1) }
}

/// Whom an address belongs to, as networks are given out: a /24, or a /64.
fn network(from: IpAddr) -> String {
    match from.to_canonical() {
        IpAddr::V4(from) => {
            let [a, b, c, _] = from.octets();
            format!("{a}.{b}.{c}")
        }
        IpAddr::V6(from) => {
            let [a, b, c, d, ..] = from.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}
