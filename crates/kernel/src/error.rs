//! Two kinds of bad news: a refusal a person can cause, and broken machinery.

use std::fmt;

/// Broken machinery. Nobody's input causes it, and it carries nothing a customer should read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The queue in front of the work is full. Nothing was done.
    #[error("the queue is full")]
    Overloaded,
    /// The disk is full. Nothing was written; reads go on.
    #[error("the storage is full")]
    StorageFull,
    /// The database cannot be reached or is shutting down. The outcome of a commit in flight is
    /// unknown: ask again with the same key.
    #[error("the storage is unavailable: {0}")]
    Unavailable(String),
    /// Another transaction won, more often than we retry.
    #[error("too many transactions met on the same rows")]
    Contention,
    /// The database refused a row: the name of the constraint, or what the engine said of it.
    #[error("the database refused a row: {0}")]
    Constraint(String),
    /// A row that cannot be read as what it should be, or a statement the engine does not take.
    #[error("{0}")]
    Broken(String),
}

impl Fault {
    /// Whether splitting a batch can help: one command of it may be the cause.
    pub fn may_be_one_command(&self) -> bool {
        matches!(self, Self::Constraint(_) | Self::Contention | Self::Broken(_))
    }

    /// Short stable name, for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::StorageFull => "storage-full",
            Self::Unavailable(_) => "unavailable",
            Self::Contention => "contention",
            Self::Constraint(_) => "constraint",
            Self::Broken(_) => "broken",
        }
    }
}

/// What sort of refusal this is. `web` maps it to a status; nothing below knows HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The request does not make sense as it stands.
    Invalid,
    /// Nobody is signed in, or the proof is not good.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// No such thing, or not yours: the two are never told apart.
    NotFound,
    /// It made sense, but the shop's state says no.
    Conflict,
    /// It was here and will not come back.
    Gone,
    /// Too many tries.
    RateLimited,
    /// Somebody we depend on does not answer. Nothing was lost; trying again may help.
    Unavailable,
}

/// A refusal with a stable code and the facts to show.
pub trait Coded: std::error::Error + Send + Sync + 'static {
    /// Stable, in kebab case: `out-of-stock`. Part of the API.
    fn code(&self) -> &'static str;
    /// What sort of refusal.
    fn kind(&self) -> Kind;
    /// Machine-readable facts, an object, or null.
    fn facts(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// What a flow answers when it does not succeed: a typed refusal, or a fault.
#[derive(Debug)]
pub enum Error<R> {
    /// A person can cause it and should read it.
    Refused(R),
    /// The machinery is broken.
    Fault(Fault),
}

impl<R> From<Fault> for Error<R> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<R: fmt::Display> fmt::Display for Error<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl<R: std::error::Error> std::error::Error for Error<R> {}
