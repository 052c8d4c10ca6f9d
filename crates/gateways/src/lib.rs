//! Their side of money: one file per payment provider.
//!
//! A gateway is a stateless translator between the words of [`Gateway`] and a provider's wire
//! protocol. It keeps no books and sees no database: what must be remembered (an intent before a
//! call, an observation after it) is the business of the caller. Whatever a provider says comes
//! out as a snapshot ([`Observation`], [`RefundObservation`]) that may be old, repeated or wrong;
//! comparing it with our own records is done once, for all providers, by the caller.

mod alipay;
mod amount;
mod answer;
mod breaker;
mod capabilities;
mod cash;
mod error;
mod hex;
mod http;
mod listing;
mod mode;
mod notification;
mod observation;
mod patience;
mod port;
mod receipt;
mod registry;
mod relay;
mod request;
mod sandbox;
mod secret;
mod stripe;
#[cfg(test)]
mod testing;
mod timed_signature;
#[cfg(test)]
mod world;
mod yookassa;

use std::time::Duration;

pub use alipay::{Alipay, AlipaySettings};
pub use capabilities::{
    Capabilities, CaptureMode, Currencies, Listing, NotificationAuth, VoidUnpaid,
};
pub use cash::{CashOnDelivery, CashSettings};
pub use error::{Advice, GatewayError, NotificationError, SetupError};
pub use listing::{DailyReport, EntryKind, Page, PageToken, ReportEntry, TimeWindow};
pub use mode::Mode;
pub use notification::{Acknowledgement, Notification, RawNotification, RawReply, Subject, Trust};
pub use observation::{
    CancelReason, DisputeObservation, Health, Identity, MethodSummary, Observation,
    RefundObservation, RemoteDisputeStatus, RemoteRefundStatus, RemoteStatus,
};
pub use port::Gateway;
pub use receipt::{PaymentMode, PaymentSubject, Receipt, ReceiptLine};
pub use registry::{names, open};
pub use relay::Relayed;
pub use request::{
    BuyerContact, CapturePayment, Channel, Confirmation, CreatePayment, CreateRefund, Created,
    IdempotencyKey, Payer, PaymentRef, RefundRef,
};
pub use sandbox::{SandboxGateway, SandboxSettings};
pub use secret::Secret;
pub use stripe::{Stripe, StripeSettings};
pub use url::Url;
pub use yookassa::{YooKassa, YooKassaSettings};

/// How long a call may take while a buyer looks at a spinner.
pub const BUYER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a call may take in the background: the slowest provider we know gives up at 30 s.
pub const WORKER_PATIENCE: Duration = Duration::from_secs(35);
