//! What can go wrong with a provider, sorted by what is known afterwards.

use std::time::Duration;

use crate::observation::Observation;

/// Why a call to a provider did not succeed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GatewayError {
    /// No byte of the request left (name, connection or TLS failed): nothing happened there.
    #[error("the payment provider cannot be reached: {0}")]
    NotSent(String),
    /// The request left and no usable answer came back (time ran out, the line broke, an error of
    /// theirs, an answer cut short): it may or may not have happened.
    #[error("the payment provider did not answer clearly: {0}")]
    Unknown(String),
    /// They understood and said no.
    #[error("the payment provider declined: {reason}")]
    Declined {
        /// In their word.
        reason: String,
    },
    /// They did not accept the request as we made it: a mistake in our code or configuration.
    #[error("the payment provider refused the request: {code}")]
    Invalid {
        /// In their word.
        code: String,
        /// The field they object to.
        param: Option<String>,
    },
    /// The payment has moved on; the truth is inside if they told it.
    #[error("the payment is in another state at the provider")]
    WrongState(Option<Box<Observation>>),
    /// They do not know an id that they once gave us.
    #[error("the payment provider does not know this payment")]
    NotFound,
    /// They do not accept our credentials.
    #[error("the payment provider does not accept our credentials")]
    Unauthorized,
    /// Too many calls.
    #[error("the payment provider asks for fewer calls")]
    RateLimited {
        /// How long they asked us to wait.
        after: Option<Duration>,
    },
    /// Our key or our reference was used before for something else.
    #[error("the payment provider has seen this key or reference with another request")]
    Conflict,
    /// This provider cannot do that at all.
    #[error("this payment provider cannot do that")]
    Unsupported,
    /// Well formed, but not an answer to what we asked: another payment, an impossible amount, a
    /// page for the payer on an address we would not send anybody to. What happened is unknown.
    #[error("the payment provider's answer cannot be trusted: {0}")]
    UntrustedAnswer(String),
}

/// What to do about a failed call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// The same call again with the same key, not before `after`.
    SameKey {
        /// How long they asked us to wait; `None` leaves it to the caller's own schedule.
        after: Option<Duration>,
    },
    /// Fetch, and decide by what is seen.
    FetchThenDecide,
    /// This one is over; a new attempt with a new key may succeed.
    NewKey,
    /// No use in trying again.
    Stop,
    /// A person has to look: something is misconfigured, or somebody lies.
    Alarm,
}

impl GatewayError {
    /// Whether we know what happened at the provider (mostly: nothing). If not, nothing may be
    /// given up or tried with another key until it has been found out.
    pub fn outcome_known(&self) -> bool {
        !matches!(self, Self::Unknown(_) | Self::UntrustedAnswer(_))
    }

    /// What to do next.
    pub fn advice(&self) -> Advice {
        match self {
            Self::NotSent(_) | Self::Unknown(_) => Advice::SameKey { after: None },
            Self::RateLimited { after } => Advice::SameKey { after: *after },
            Self::WrongState(_) => Advice::FetchThenDecide,
            Self::Declined { .. } => Advice::NewKey,
            Self::Unsupported => Advice::Stop,
            Self::Invalid { .. }
            | Self::NotFound
            | Self::Unauthorized
            | Self::Conflict
            | Self::UntrustedAnswer(_) => Advice::Alarm,
        }
    }
}

/// Why a notification is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotificationError {
    /// This provider sends none.
    #[error("this payment provider sends no notifications")]
    NotExpected,
    /// It came from an address that is not one of theirs, or by a way they were not told.
    #[error("the notification does not come from the payment provider")]
    NotTheirs,
    /// It carries no signature, or one that cannot be read.
    #[error("the notification is not signed")]
    Unsigned,
    /// The signature is not by any of our secrets over these bytes.
    #[error("the signature of the notification is wrong")]
    BadSignature,
    /// Genuine, but signed too long ago or too far ahead: a replay, or a clock that is off.
    #[error("the notification was signed {seconds} s away from now")]
    Stale {
        /// Our time less theirs.
        seconds: i64,
    },
    /// Genuine, and still not readable.
    #[error("the notification cannot be read")]
    Malformed,
}

/// Why a gateway cannot be set up. Each is one sentence for the person who configures it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetupError {
    /// The base address will not do.
    #[error("the payment provider's address {url:?} cannot be used: {why}")]
    BadUrl {
        /// As configured.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no usable secret.
    #[error("the secret of the {gateway} gateway {why}")]
    BadSecret {
        /// Which gateway.
        gateway: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something else in the settings will not do, or contradicts something.
    #[error("the {gateway} gateway cannot be set up: {why}")]
    BadSetting {
        /// Which gateway.
        gateway: &'static str,
        /// What is wrong.
        why: String,
    },
    /// There is no such gateway.
    #[error("there is no gateway {name:?}; there are {known}")]
    NoSuchGateway {
        /// As configured.
        name: String,
        /// Those there are.
        known: String,
    },
    /// No TLS: most often a machine without root certificates.
    #[error("cannot prepare secure connections to the payment provider: {0}")]
    Tls(String),
}
