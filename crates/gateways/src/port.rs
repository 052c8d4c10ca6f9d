//! The port: what the shop asks of any payment provider.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{AttemptId, Currency, Money, RefundId, Timestamp};
use url::Url;

use crate::error::{GatewayError, NotificationError};
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{Observation, RefundObservation};

/// How long a call may take while a buyer looks at a spinner.
pub const BUYER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a call may take in the background: the slowest provider we know gives up at 30 s.
pub const WORKER_PATIENCE: Duration = Duration::from_secs(35);

/// A payment provider.
///
/// Every call states how long it may take (`within`, one round trip from the first byte to the
/// last). Calls that create something carry an [`IdempotencyKey`]: the same key with the same
/// request may be sent again and again and has one effect, which is how an
/// [unknown outcome](GatewayError::Unknown) is resolved.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Stable name, part of the API and of stored rows: `sandbox`, `cash_on_delivery`.
    fn name(&self) -> &'static str;

    /// What this provider can and cannot do.
    fn capabilities(&self) -> &Capabilities;

    /// Opens a payment. No money moves yet.
    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError>;

    /// Asks how a payment stands: by the provider's id if we know it, else by our attempt. A
    /// payment found under neither is `Absent` if we never knew its id, and
    /// [`GatewayError::NotFound`] if we did.
    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError>;

    /// Cancels a payment that has not been captured. If it has been, the answer is
    /// [`GatewayError::WrongState`] with the truth inside.
    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError>;

    /// Gives captured money back, all or a part.
    async fn refund(
        &self,
        request: &CreateRefund,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError>;

    /// Asks how a refund stands, by the provider's id if we know it, else by our refund.
    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError>;

    /// Checks that a notification is from the provider and reads what it is about. Pure: no I/O,
    /// no state. The result only says what to fetch; it is never itself believed.
    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError>;

    /// The answer the provider wants to its notification.
    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        match outcome {
            Acknowledgement::Stored => RawReply::text(200, "ok"),
            Acknowledgement::Rejected => RawReply::text(400, "rejected"),
            Acknowledgement::TryAgain => RawReply::text(503, "try again"),
        }
    }
}

/// What a provider can and cannot do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Currencies it takes.
    pub currencies: Currencies,
    /// Whether money is first authorized and then captured by a second call.
    pub two_stage: bool,
    /// Whether less than the captured amount can be refunded.
    pub partial_refund: bool,
    /// Whether a payment that nobody has paid yet can be called off.
    pub void_unpaid: VoidUnpaid,
    /// Whether the buyer has to be sent to a page of theirs.
    pub needs_redirect: bool,
    /// How long a payer may be given, shortest and longest.
    pub payer_term: RangeInclusive<Duration>,
}

/// Currencies a provider takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Currencies {
    /// Whatever the shop trades in.
    Any,
    /// These and no others.
    Only(&'static [Currency]),
}

impl Currencies {
    /// Whether `currency` is among them.
    pub fn include(&self, currency: Currency) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => list.contains(&currency),
        }
    }
}

/// Whether a payment that nobody has paid yet can be called off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VoidUnpaid {
    /// At any time.
    Supported,
    /// Never: only the payer's term ends it.
    Impossible,
    /// Only once the buyer has opened their page.
    OnlyOnceOpened,
}

/// A key under which a call has one effect however often it is sent. Made from our own ids, so
/// that a call repeated after a crash carries the same one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of opening the payment of `attempt`.
    pub fn create(attempt: AttemptId) -> Self {
        Self(attempt.to_string())
    }

    /// The key of calling off the payment of `attempt`.
    pub fn void(attempt: AttemptId) -> Self {
        Self(format!("v-{attempt}"))
    }

    /// The key of `refund`.
    pub fn refund(refund: RefundId) -> Self {
        Self(format!("r-{refund}"))
    }

    /// At most 38 characters of `[0-9a-z-]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A payment to open. Everything in it must be the same when the call is repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatePayment {
    /// Our attempt; travels with the payment as our reference.
    pub attempt: AttemptId,
    /// What is to be paid. More than zero.
    pub amount: Money,
    /// What the payer reads next to the amount: "Order 7K3M-22".
    pub description: String,
    /// Where the payer's browser goes afterwards, whatever happened.
    pub return_url: Url,
    /// Where notifications go.
    pub notify_url: Url,
    /// Until when the payer may pay.
    pub payer_deadline: Timestamp,
}

/// A payment just opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Created {
    /// How it stands.
    pub observation: Observation,
    /// What the payer has to do next.
    pub confirmation: Confirmation,
}

/// What the payer has to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Confirmation {
    /// Open this page of the provider's.
    Redirect {
        /// The page. Whoever has the address can pay, so it is shown to the buyer only.
        url: Url,
        /// Until when it takes a payment.
        valid_until: Timestamp,
    },
    /// Nothing on the web.
    None,
}

/// Which payment is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentRef {
    /// Our attempt.
    pub attempt: AttemptId,
    /// The provider's id, once we have heard it.
    pub gateway_id: Option<String>,
    /// The amount of our attempt. Never sent; it is the amount in the [`Observation`] where the
    /// provider has none to tell (an absent payment, or one that nobody keeps books of).
    pub amount: Money,
}

/// A refund to make. Everything in it must be the same when the call is repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateRefund {
    /// Our refund; travels with it as our reference.
    pub refund: RefundId,
    /// The payment that is given back.
    pub payment: PaymentRef,
    /// How much of it. More than zero.
    pub amount: Money,
}

/// Which refund is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundRef {
    /// Our refund.
    pub refund: RefundId,
    /// The provider's id, once we have heard it.
    pub gateway_id: Option<String>,
    /// The amount of our refund; used like [`PaymentRef::amount`].
    pub amount: Money,
}
