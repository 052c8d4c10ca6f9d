//! Their side of money: one file per payment provider.
//!
//! A gateway is a stateless translator between the words of [`Gateway`] and a provider's wire
//! protocol. It keeps no books and sees no database: what must be remembered (an intent before a
//! call, an observation after it) is the business of the caller. Whatever a provider says comes
//! out as a snapshot ([`Observation`], [`RefundObservation`]) that may be old, repeated or wrong;
//! comparing it with our own records is done once, for all providers, by the caller.

mod cash;
mod error;
mod http;
mod notification;
mod observation;
mod port;
mod sandbox;
mod secret;

pub use cash::CashOnDelivery;
pub use error::{Advice, GatewayError, NotificationError, SetupError};
pub use notification::{Acknowledgement, Notification, RawNotification, RawReply, Subject};
pub use observation::{
    CancelReason, MethodSummary, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
pub use port::{
    BUYER_PATIENCE, Capabilities, Confirmation, CreatePayment, CreateRefund, Created, Currencies,
    Gateway, IdempotencyKey, PaymentRef, RefundRef, VoidUnpaid, WORKER_PATIENCE,
};
pub use sandbox::{SandboxGateway, SandboxSettings};
pub use secret::Secret;
pub use url::Url;
