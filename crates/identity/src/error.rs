//! What this feature refuses.

use kernel::{Coded, Kind, limits};
use serde_json::{Value, json};

use crate::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};

/// Why an account is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountRefusal {
    /// Neither an e-mail address, nor a telephone number, nor a name.
    #[error(
        "this is neither an e-mail address nor a telephone number with its country's code, \
             such as +41 79 123 45 67"
    )]
    LoginInvalid,
    /// Somebody has an account with this login.
    #[error("there is already an account with this login: sign in instead")]
    LoginTaken,
    /// A guest cannot be reached there.
    #[error(
        "this is neither an e-mail address nor a telephone number with its country's code, \
             such as +41 79 123 45 67"
    )]
    ContactInvalid,
    /// No name, or one that is too long.
    #[error("name: {problem}")]
    NameInvalid {
        /// What is wrong with it, for people.
        problem: String,
    },
    /// Fewer characters than [`PASSWORD_CHARS_MIN`].
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    PasswordTooShort,
    /// More characters than [`PASSWORD_CHARS_MAX`].
    #[error("a password has at most {PASSWORD_CHARS_MAX} characters")]
    PasswordTooLong,
    /// One of those that are tried first, or the address itself.
    #[error("this password is among the first that anybody would try: choose another")]
    PasswordTooCommon,
}

impl Coded for AccountRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginInvalid => "login-invalid",
            Self::LoginTaken => "login-taken",
            Self::ContactInvalid => "contact-invalid",
            Self::NameInvalid { .. } => "name-invalid",
            Self::PasswordTooShort => "password-too-short",
            Self::PasswordTooLong => "password-too-long",
            Self::PasswordTooCommon => "password-too-common",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginTaken => Kind::Conflict,
            Self::LoginInvalid
            | Self::ContactInvalid
            | Self::NameInvalid { .. }
            | Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTooCommon => Kind::Invalid,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginInvalid | Self::LoginTaken => json!({ "field": "login" }),
            Self::ContactInvalid => json!({ "field": "contact" }),
            Self::NameInvalid { problem } => json!({ "field": "name", "problem": problem }),
            Self::PasswordTooShort => {
                json!({ "field": "password", "min_length": PASSWORD_CHARS_MIN })
            }
            Self::PasswordTooLong => {
                json!({ "field": "password", "max_length": PASSWORD_CHARS_MAX })
            }
            Self::PasswordTooCommon => json!({ "field": "password" }),
        }
    }
}

/// Why nobody is signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// No such account, or another password: the two are never told apart.
    #[error("the login or the password is not right")]
    LoginFailed,
    /// Too many wrong passwords in a row; whether there is such an account is not said.
    #[error("too many wrong passwords: wait a little, or sign in with a code")]
    TooManyTries {
        /// Seconds to wait.
        retry_after: u32,
    },
}

impl Coded for SignInRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginFailed => "login-failed",
            Self::TooManyTries { .. } => "too-many-tries",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginFailed => Kind::Unauthenticated,
            Self::TooManyTries { .. } => Kind::RateLimited,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginFailed => Value::Null,
            Self::TooManyTries { retry_after } => json!({ "retry_after": retry_after }),
        }
    }
}

/// Why a token is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// Not ours, altered, over, used before, or of a session that was ended: which of these is
    /// not said.
    #[error("the token is not good, or no longer: sign in again")]
    TokenInvalid,
}

impl Coded for TokenRefusal {
    fn code(&self) -> &'static str {
        "token-invalid"
    }

    fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
}

/// Why an address is not kept.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressRefusal {
    /// A field is missing, too long or not what it should be.
    #[error("{field}: {problem}")]
    AddressInvalid {
        /// Which, by its name in the API.
        field: &'static str,
        /// What is wrong with it, for people.
        problem: String,
    },
    /// The account keeps [`limits::ADDRESSES_MAX`] already.
    #[error("an account keeps at most {} addresses: remove one first", limits::ADDRESSES_MAX)]
    TooManyAddresses,
    /// No such address, or not yours.
    #[error("there is no such delivery address")]
    AddressUnknown,
}

impl Coded for AddressRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::AddressInvalid { .. } => "address-invalid",
            Self::TooManyAddresses => "too-many-addresses",
            Self::AddressUnknown => "address-unknown",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::AddressInvalid { .. } => Kind::Invalid,
            Self::TooManyAddresses => Kind::Conflict,
            Self::AddressUnknown => Kind::NotFound,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::AddressInvalid { field, problem } => {
                json!({ "field": field, "problem": problem })
            }
            Self::TooManyAddresses => json!({ "max": limits::ADDRESSES_MAX }),
            Self::AddressUnknown => Value::Null,
        }
    }
}

/// Why an answer to "may we?" is not kept.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConsentRefusal {
    /// Not a purpose's name.
    #[error("a purpose is a short name of small letters, digits and dashes: newsletter")]
    PurposeInvalid,
    /// The words that were shown are missing or too long.
    #[error("wording: {problem}")]
    WordingInvalid {
        /// What is wrong with them, for people.
        problem: String,
    },
    /// The account has answered too often.
    #[error("this account has answered too often: nothing more is kept")]
    TooMany,
}

impl Coded for ConsentRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::PurposeInvalid => "purpose-invalid",
            Self::WordingInvalid { .. } => "wording-invalid",
            Self::TooMany => "too-many-answers",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::PurposeInvalid | Self::WordingInvalid { .. } => Kind::Invalid,
            Self::TooMany => Kind::Conflict,
        }
    }
}
