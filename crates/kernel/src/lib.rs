//! The words every room shares: typed ids, money, time, randomness, errors and limits.
//!
//! Nothing here does I/O. Time and randomness are handed in as [`Env`], so that a test or a
//! simulation can decide what the clock says and what the dice show.

mod env;
mod error;
mod id;
pub mod limits;
mod money;
pub mod planted;
pub mod points;
mod rate;

pub use env::{Clock, Env, ManualClock, Rng, SeededRng, SystemClock, SystemRng};
pub use error::{Coded, Error, Fault, Kind};
pub use id::{
    AccountId, AddressId, ApiKeyId, AttemptId, CartId, CategoryId, CodeId, EventId, ImageId,
    InvitationId, MovementId, NoticeId, OrderId, PasskeyId, PersonalRequestId, ProductId, RefundId,
    SessionId, VariantId,
};
pub use jiff::civil::Date;
pub use jiff::{SignedDuration, Timestamp};
pub use money::{Currency, Money, MoneyError};
pub use rate::{Rate, RateError};
pub use uuid::Uuid;
