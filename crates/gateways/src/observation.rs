//! What a provider says of a payment or a refund, at one moment.

use kernel::{AttemptId, Money, RefundId, Timestamp};

/// A snapshot of a payment. It may be old by the time it is read, and the amount may not be the
/// one we asked for: the caller compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// Our attempt, as the provider returned it (an answer about another one never gets here).
    pub attempt: AttemptId,
    /// The provider's id; `None` only where there is none.
    pub gateway_id: Option<String>,
    /// How it stands.
    pub status: RemoteStatus,
    /// What the payment is for.
    pub amount: Money,
    /// What they have taken from the payer. Zero until it is captured.
    pub captured: Money,
    /// What they have given back of it, by whomever it was asked for.
    pub refunded: Money,
    /// What it was paid with, once known.
    pub method: Option<MethodSummary>,
    /// Whether it is play money.
    pub test: bool,
    /// When the answer reached us.
    pub observed_at: Timestamp,
}

/// How a payment stands at the provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RemoteStatus {
    /// They know of none.
    Absent,
    /// Open, nobody has paid.
    AwaitingPayer,
    /// The payer has done their part, the bank has not.
    Processing,
    /// The money is reserved for us, not ours.
    Authorized {
        /// Until when it can be captured, if they say.
        until: Option<Timestamp>,
    },
    /// The money is ours (and may have been refunded since: see [`Observation::refunded`]).
    Captured,
    /// Over without money.
    Canceled {
        /// Why.
        reason: CancelReason,
    },
}

/// Why a payment ended without money.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CancelReason {
    /// The payer's bank refused.
    Declined,
    /// The payer's term ended.
    Expired,
    /// We called it off.
    Voided,
    /// In the provider's own word.
    Other(String),
}

/// What a payment was made with, as far as may be shown and kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MethodSummary {
    /// `card`, `cash`, `wallet`.
    pub kind: String,
    /// The card's scheme, if it has one.
    pub brand: Option<String>,
    /// The last four digits of the card.
    pub last4: Option<String>,
    /// The provider's stable mark of the same card, for counting abuse.
    pub fingerprint: Option<String>,
}

/// A snapshot of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundObservation {
    /// Our refund, as the provider returned it.
    pub refund: RefundId,
    /// The provider's id; `None` only where there is none.
    pub gateway_id: Option<String>,
    /// How it stands.
    pub status: RemoteRefundStatus,
    /// How much is given back.
    pub amount: Money,
    /// When the answer reached us.
    pub observed_at: Timestamp,
}

/// How a refund stands at the provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RemoteRefundStatus {
    /// They know of none.
    Absent,
    /// Accepted, the money is on its way. Ask again.
    Pending,
    /// Done.
    Succeeded,
    /// It will not happen. A new refund (with a new key) may be tried.
    Failed {
        /// In the provider's word.
        reason: String,
    },
}
