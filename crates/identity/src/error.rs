//! What this feature refuses.

use kernel::{Coded, Kind, limits};
use serde_json::{Value, json};

use crate::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::permission::Permission;
use crate::second_factor::PendingLogin;

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
            | Self::NameInvalid { .. }
            | Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTooCommon => Kind::Invalid,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginInvalid | Self::LoginTaken => json!({ "field": "login" }),
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
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignInRefusal {
    /// No such account, or another password: the two are never told apart.
    #[error("the login or the password is not right")]
    LoginFailed,
    /// The password is right, and the account has a second factor.
    #[error("now the second factor: a code of your app, a passkey, or a recovery code")]
    SecondFactorRequired {
        /// What the second step completes.
        pending: PendingLogin,
    },
}

impl Coded for SignInRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginFailed => "login-failed",
            Self::SecondFactorRequired { .. } => "second-factor-required",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginFailed => Kind::Unauthenticated,
            Self::SecondFactorRequired { .. } => Kind::Forbidden,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginFailed => Value::Null,
            Self::SecondFactorRequired { pending } => json!({
                "login_id": pending.id, "ways": pending.ways.names(),
                "expires_at": pending.expires_at,
            }),
        }
    }
}

/// Why a second factor is not taken, set up or taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecondFactorRefusal {
    /// There is no such login any more: too late, too many tries, or completed.
    #[error("this sign-in is over: begin again with your password")]
    LoginOver,
    /// Not the right one.
    #[error("this is not right, or was used before")]
    FactorWrong,
    /// So many were wrong that none is looked at.
    #[error("too many wrong codes: wait an hour")]
    TooManyFailures,
    /// There is one, and this session was opened without it.
    #[error("sign in again, with your second factor")]
    FactorNeeded,
    /// No secret waits to be confirmed.
    #[error("there is nothing to confirm: ask for a new secret")]
    NothingOffered,
    /// It is not there.
    #[error("there is no such second factor")]
    NoSuchFactor,
    /// It is the last, and who works in the shop has one.
    #[error("people of the shop have a second factor: set up another before this one goes")]
    LastFactor,
}

impl Coded for SecondFactorRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginOver => "login-over",
            Self::FactorWrong => "second-factor-wrong",
            Self::TooManyFailures => "second-factor-blocked",
            Self::FactorNeeded => "second-factor-required",
            Self::NothingOffered => "nothing-to-confirm",
            Self::NoSuchFactor => "second-factor-unknown",
            Self::LastFactor => "last-second-factor",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginOver => Kind::Unauthenticated,
            Self::FactorWrong => Kind::Invalid,
            Self::TooManyFailures => Kind::RateLimited,
            Self::FactorNeeded => Kind::Forbidden,
            Self::NothingOffered | Self::LastFactor => Kind::Conflict,
            Self::NoSuchFactor => Kind::NotFound,
        }
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
    #[error("there is no such address")]
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

/// Why a key of the API is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApiKeyRefusal {
    /// A field is not as it should be.
    #[error("{field}: {problem}")]
    KeyInvalid {
        /// Which, by its name in the API.
        field: &'static str,
        /// What is wrong with it, for people.
        problem: String,
    },
    /// Whoever makes it may not do this.
    #[error("a key may do no more than whoever makes it: `{}` is not yours", .scope.as_str())]
    MoreThanYours {
        /// What they may not do.
        scope: Permission,
    },
}

impl Coded for ApiKeyRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::KeyInvalid { .. } => "key-invalid",
            Self::MoreThanYours { .. } => "more-than-yours",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::KeyInvalid { .. } => Kind::Invalid,
            Self::MoreThanYours { .. } => Kind::Forbidden,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::KeyInvalid { field, problem } => json!({ "field": field, "problem": problem }),
            Self::MoreThanYours { scope } => json!({ "permission": scope.as_str() }),
        }
    }
}
