//! What this feature refuses.

use kernel::{Coded, Kind, limits};
use serde_json::{Value, json};

use crate::password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::permission::Permission;
use crate::role::Role;
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
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
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
            Self::TooManyTries { .. } => "too-many-tries",
            Self::SecondFactorRequired { .. } => "second-factor-required",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginFailed => Kind::Unauthenticated,
            Self::TooManyTries { .. } => Kind::RateLimited,
            Self::SecondFactorRequired { .. } => Kind::Forbidden,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::LoginFailed => Value::Null,
            Self::TooManyTries { retry_after } => json!({ "retry_after": retry_after }),
            Self::SecondFactorRequired { pending } => json!({
                "login_id": pending.id, "ways": pending.ways.names(),
                "expires_at": pending.expires_at,
            }),
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

/// Why a customer, or somebody of the shop, is not changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PeopleRefusal {
    /// No such customer.
    #[error("there is no such customer")]
    NoSuchCustomer,
    /// Nobody of the shop.
    #[error("there is no such person in the shop")]
    NoSuchMember,
    /// Somebody changed them meanwhile.
    #[error("somebody changed this meanwhile: look at it again")]
    Changed {
        /// How it is counted now.
        version: i64,
    },
    /// Not a name.
    #[error("name: {problem}")]
    Name {
        /// What is wrong with it, for people.
        problem: String,
    },
    /// They may do more than whoever asks.
    #[error("nobody hands out, or takes away, more than they have: {} is above yours", .role.as_str())]
    AboveYours {
        /// The role that is too much.
        role: Role,
    },
    /// Nobody would be left to run the shop.
    #[error("this is the last owner who can sign in: make somebody else an owner first")]
    LastOwner,
}

impl Coded for PeopleRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchCustomer | Self::NoSuchMember => "not-found",
            Self::Changed { .. } => "changed-meanwhile",
            Self::Name { .. } => "name-invalid",
            Self::AboveYours { .. } => "more-than-yours",
            Self::LastOwner => "last-owner",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchCustomer | Self::NoSuchMember => Kind::NotFound,
            Self::Changed { .. } | Self::LastOwner => Kind::Conflict,
            Self::Name { .. } => Kind::Invalid,
            Self::AboveYours { .. } => Kind::Forbidden,
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::Changed { version } => json!({ "version": version }),
            Self::Name { problem } => json!({ "field": "name", "problem": problem }),
            Self::AboveYours { role } => json!({ "role": role.as_str() }),
            _ => Value::Null,
        }
    }
}

/// Why nobody is invited, or an invitation is not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvitationRefusal {
    /// Neither an e-mail address nor a telephone number.
    #[error("an invitation is for an e-mail address or a telephone number")]
    LoginInvalid,
    /// Whoever asks may do less.
    #[error("nobody hands out more than they have: {} is above yours", .role.as_str())]
    AboveYours {
        /// The role that is too much.
        role: Role,
    },
    /// They work in the shop.
    #[error("whoever has this login works in the shop already")]
    AlreadyHere,
    /// Too late, accepted, withdrawn, or never made: not told apart.
    #[error("this invitation is no longer good: ask for another")]
    Over,
    /// The invited account has to sign in.
    #[error("this invitation is for an account that there is: sign in with it first")]
    ForSomebodyElse,
    /// There is no account yet.
    #[error("choose a name and a password: there is no account yet")]
    NoAccount,
    /// The account cannot be made.
    #[error(transparent)]
    Account(AccountRefusal),
}

impl Coded for InvitationRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::LoginInvalid => "login-invalid",
            Self::AboveYours { .. } => "more-than-yours",
            Self::AlreadyHere => "already-staff",
            Self::Over => "invitation-over",
            Self::ForSomebodyElse => "invitation-for-an-account",
            Self::NoAccount => "invitation-needs-an-account",
            Self::Account(refusal) => refusal.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::LoginInvalid | Self::NoAccount => Kind::Invalid,
            Self::AboveYours { .. } | Self::ForSomebodyElse => Kind::Forbidden,
            Self::AlreadyHere => Kind::Conflict,
            Self::Over => Kind::Gone,
            Self::Account(refusal) => refusal.kind(),
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::AboveYours { role } => json!({ "role": role.as_str() }),
            Self::Account(refusal) => refusal.facts(),
            _ => Value::Null,
        }
    }
}
