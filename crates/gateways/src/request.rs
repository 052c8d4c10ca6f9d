//! What is asked of a provider. Requests can be stored (they serialise), because a call that is
//! repeated must say the same again, byte for byte: a gateway's body is made of nothing else.

use std::fmt;
use std::net::IpAddr;

use kernel::{AttemptId, Money, RefundId, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::capabilities::CaptureMode;
use crate::observation::Observation;
use crate::receipt::Receipt;

/// A key under which a call has one effect however often it is sent. Made from our own ids, so
/// that a call repeated after a crash carries the same one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of opening the payment of `attempt`.
    pub fn create(attempt: AttemptId) -> Self {
        Self(attempt.to_string())
    }

    /// The key of capturing the payment of `attempt`.
    pub fn capture(attempt: AttemptId) -> Self {
        Self(format!("c-{attempt}"))
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreatePayment {
    /// Our attempt; travels with the payment as our reference.
    pub attempt: AttemptId,
    /// The order's number, for people who look at the provider's pages: `7K3M-22`.
    pub order: String,
    /// What is to be paid. More than zero.
    pub amount: Money,
    /// When the money is taken; one of the gateway's capture modes.
    pub capture: CaptureMode,
    /// What the payer holds in their hand.
    pub channel: Channel,
    /// What the payer reads next to the amount: "Order 7K3M-22".
    pub description: String,
    /// Where the payer's browser goes afterwards, whatever happened.
    pub return_url: Url,
    /// Where it goes when the payer turns back, where a provider makes a difference.
    pub cancel_url: Url,
    /// Where notifications go.
    pub notify_url: Url,
    /// Until when the payer may pay.
    pub payer_deadline: Timestamp,
    /// How the payer can be reached.
    pub buyer: BuyerContact,
    /// The payer's address on the internet, for the provider's fraud checks.
    pub client_ip: Option<IpAddr>,
    /// The payer's language, as in BCP 47: `en`, `ru`, `zh-CN`. Empty leaves it to the provider.
    pub locale: String,
    /// The fiscal receipt, where the law of the shop wants one.
    pub receipt: Option<Receipt>,
}

impl CreatePayment {
    /// The least a payment needs: paid at once, on a desktop, by nobody in particular.
    pub fn new(
        attempt: AttemptId,
        amount: Money,
        description: impl Into<String>,
        return_url: Url,
        notify_url: Url,
        payer_deadline: Timestamp,
    ) -> Self {
        Self {
            attempt,
            order: String::new(),
            amount,
            capture: CaptureMode::Immediate,
            channel: Channel::Desktop,
            description: description.into(),
            cancel_url: return_url.clone(),
            return_url,
            notify_url,
            payer_deadline,
            buyer: BuyerContact::default(),
            client_ip: None,
            locale: String::new(),
            receipt: None,
        }
    }
}

/// What is known of whoever begins to pay, from the request they sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Payer {
    /// What they hold in their hand.
    pub channel: Channel,
    /// Their address on the internet.
    pub client_ip: Option<IpAddr>,
    /// Their language; empty when it is not known.
    pub locale: String,
}

/// What the payer holds in their hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A wide screen.
    #[default]
    Desktop,
    /// A phone.
    Mobile,
}

/// How a payer can be reached.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BuyerContact {
    /// Where receipts are sent.
    pub email: Option<String>,
    /// With the country code; anything but digits is left out on the wire.
    pub phone: Option<String>,
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentRef {
    /// Our attempt.
    pub attempt: AttemptId,
    /// The provider's id, once we have heard it.
    pub gateway_id: Option<String>,
    /// Their other id, where they have two: Stripe's `pi_…` beside the page's `cs_…`, Alipay's
    /// `trade_no` beside our own number.
    pub secondary_id: Option<String>,
    /// The amount of our attempt. Never sent; it is the amount in the [`Observation`] where the
    /// provider has none to tell (an absent payment, or one that nobody keeps books of).
    pub amount: Money,
}

/// Authorized money to take. Everything in it must be the same when the call is repeated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CapturePayment {
    /// The payment.
    pub payment: PaymentRef,
    /// How much of it. More than zero; what is left goes back to the payer.
    pub amount: Money,
    /// The receipt of what is taken, if it is less than what was authorized and receipts are made.
    pub receipt: Option<Receipt>,
}

/// A refund to make. Everything in it must be the same when the call is repeated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreateRefund {
    /// Our refund; travels with it as our reference.
    pub refund: RefundId,
    /// The payment that is given back.
    pub payment: PaymentRef,
    /// How much of it. More than zero.
    pub amount: Money,
    /// Why, in words the payer may read. May be empty.
    pub reason: String,
    /// The receipt of what is given back, if it is a part and receipts are made.
    pub receipt: Option<Receipt>,
}

/// Which refund is meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefundRef {
    /// Our refund.
    pub refund: RefundId,
    /// The provider's id, once we have heard it.
    pub gateway_id: Option<String>,
    /// The amount of our refund; used like [`PaymentRef::amount`].
    pub amount: Money,
    /// The payment it is of.
    pub payment: PaymentRef,
}
