//! What is refused about codes.

use kernel::{Coded, Kind};
use serde_json::{Value, json};

use crate::error::{AccountRefusal, SignInRefusal};

/// Why a code is not sent, or opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodeRefusal {
    /// Neither an e-mail address nor a telephone number.
    #[error(
        "this is neither an e-mail address nor a telephone number with its country's code, \
             such as +41 79 123 45 67"
    )]
    LoginInvalid,
    /// Nothing can be sent to a name.
    #[error("a code goes to an e-mail address or a telephone number: use one of them")]
    LoginUnreachable,
    /// One of the budgets is used up, or the last code was sent a moment ago.
    #[error("too many codes: the next one can be sent in {retry_after} seconds")]
    TooManyCodes {
        /// Seconds.
        retry_after: i64,
    },
    /// Not six digits.
    #[error("a code has six digits")]
    CodeInvalid,
    /// Not the digits that were sent.
    #[error("this is not the code: look at it again ({left} more tries)")]
    CodeWrong {
        /// Tries that are left.
        left: i64,
    },
    /// Too old, used, guessed at too often, sent too often, or never there: not told apart.
    #[error("this code can no longer be used: ask for a new one")]
    CodeOver,
}

impl Coded for CodeRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginInvalid => "login-invalid",
            Self::LoginUnreachable => "login-unreachable",
            Self::TooManyCodes { .. } => "too-many-codes",
            Self::CodeInvalid => "code-invalid",
            Self::CodeWrong { .. } => "code-wrong",
            Self::CodeOver => "code-over",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::TooManyCodes { .. } => Kind::RateLimited,
            Self::CodeOver => Kind::Gone,
            Self::LoginInvalid
            | Self::LoginUnreachable
            | Self::CodeInvalid
            | Self::CodeWrong { .. } => Kind::Invalid,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginInvalid | Self::LoginUnreachable => json!({ "field": "login" }),
            Self::TooManyCodes { retry_after } => json!({ "retry_after": retry_after }),
            Self::CodeInvalid => json!({ "field": "code" }),
            Self::CodeWrong { left } => json!({ "field": "code", "left": left }),
            Self::CodeOver => Value::Null,
        }
    }
}

/// Why what a code was for is not done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofRefusal {
    /// The code.
    #[error(transparent)]
    Code(#[from] CodeRefusal),
    /// What comes with it.
    #[error(transparent)]
    Account(#[from] AccountRefusal),
    /// What is still to come.
    #[error(transparent)]
    SignIn(#[from] SignInRefusal),
}

impl Coded for ProofRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Code(refusal) => refusal.code(),
            Self::Account(refusal) => refusal.code(),
            Self::SignIn(refusal) => refusal.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Code(refusal) => refusal.kind(),
            Self::Account(refusal) => refusal.kind(),
            Self::SignIn(refusal) => refusal.kind(),
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::Code(refusal) => refusal.facts(),
            Self::Account(refusal) => refusal.facts(),
            Self::SignIn(refusal) => refusal.facts(),
        }
    }
}

/// Why a password or a name to sign in with stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChangeRefusal {
    /// The present password is another.
    #[error("this is not your present password")]
    PasswordWrong,
    /// There is none yet.
    #[error("your account has no password yet: set one with a code")]
    NoPassword,
    /// What is new.
    #[error(transparent)]
    Account(#[from] AccountRefusal),
}

impl Coded for ChangeRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::PasswordWrong => "password-wrong",
            Self::NoPassword => "no-password",
            Self::Account(refusal) => refusal.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::PasswordWrong => Kind::Invalid,
            Self::NoPassword => Kind::Conflict,
            Self::Account(refusal) => refusal.kind(),
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::PasswordWrong => json!({ "field": "current" }),
            Self::NoPassword => Value::Null,
            Self::Account(refusal) => refusal.facts(),
        }
    }
}
