//! What a provider says of a payment or a refund, at one moment.

use kernel::{AttemptId, Money, RefundId, SignedDuration, Timestamp};

/// A snapshot of a payment. It may be old by the time it is read, and the amount may not be the
/// one we asked for: the caller compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// Our attempt, as the provider returned it. An answer about another than the one asked for
    /// never gets here; `None` is found in lists only: a payment of which we never wrote.
    pub attempt: Option<AttemptId>,
    /// The provider's id; `None` only where there is none.
    pub gateway_id: Option<String>,
    /// Their other id, where they have two and this one is known.
    pub secondary_id: Option<String>,
    /// How it stands.
    pub status: RemoteStatus,
    /// What the payment is for. Where only a part was captured and a provider forgets the rest,
    /// what was captured.
    pub amount: Money,
    /// What is reserved for us and not taken. Zero unless it is authorized.
    pub authorized: Money,
    /// What they have taken from the payer. Zero until it is captured.
    pub captured: Money,
    /// What they have given back of it, by whomever it was asked for. `None` where they do not
    /// tell: then the refunds have to be asked for.
    pub refunded: Option<Money>,
    /// What they keep for themselves, where they tell.
    pub fee: Option<Money>,
    /// Whose money it is, in the provider's word: the account or seller. `None` where they do not
    /// tell. Compared with [`Identity::payee`] by the caller.
    pub payee: Option<String>,
    /// What it was paid with, once known.
    pub method: Option<MethodSummary>,
    /// Whether it is play money.
    pub test: bool,
    /// When it was opened over there, where they tell.
    pub created_at: Option<Timestamp>,
    /// When the answer reached us.
    pub observed_at: Timestamp,
}

impl Observation {
    /// A payment of which nothing is known but how it stands.
    pub fn bare(
        attempt: AttemptId,
        status: RemoteStatus,
        amount: Money,
        observed_at: Timestamp,
    ) -> Self {
        let nothing = Money::zero(amount.currency);
        Self {
            attempt: Some(attempt),
            gateway_id: None,
            secondary_id: None,
            status,
            amount,
            authorized: nothing,
            captured: nothing,
            refunded: Some(nothing),
            fee: None,
            payee: None,
            method: None,
            test: false,
            created_at: None,
            observed_at,
        }
    }
}

/// Who we are to a provider, as far as the settings tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// Our account or seller number; `None` where the provider's answers carry none.
    pub payee: Option<String>,
    /// Whether we deal in play money; `None` where it cannot be told.
    pub test: Option<bool>,
}

impl Identity {
    /// Whether `seen` is money of ours, of the kind we deal in. What is not told fits.
    pub fn fits(&self, seen: &Observation) -> bool {
        let same_payee = match (&self.payee, &seen.payee) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        same_payee && self.test.is_none_or(|test| test == seen.test)
    }
}

/// What a probe found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Our account, as they call it.
    pub payee: Option<String>,
    /// Whether the credentials are for play money.
    pub test: Option<bool>,
    /// How far our clock is ahead of theirs, to the second.
    pub clock_ahead: Option<SignedDuration>,
    /// Whether they want a receipt with every payment.
    pub receipts_wanted: Option<bool>,
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
    /// Our refund, as the provider returned it; `None` is found in lists only: it was made in
    /// their cabinet.
    pub refund: Option<RefundId>,
    /// The provider's id; `None` only where there is none.
    pub gateway_id: Option<String>,
    /// The provider's id of the payment it is of, where they tell; the one or the other of two.
    pub payment_id: Option<String>,
    /// How it stands.
    pub status: RemoteRefundStatus,
    /// How much is given back by this refund.
    pub amount: Money,
    /// How much of the payment has been given back by all refunds together, where they tell.
    pub payment_refunded: Option<Money>,
    /// When it was made over there, where they tell.
    pub created_at: Option<Timestamp>,
    /// When the answer reached us.
    pub observed_at: Timestamp,
}

impl RefundObservation {
    /// A refund of which nothing is known but how it stands.
    pub fn bare(
        refund: RefundId,
        status: RemoteRefundStatus,
        amount: Money,
        observed_at: Timestamp,
    ) -> Self {
        Self {
            refund: Some(refund),
            gateway_id: None,
            payment_id: None,
            status,
            amount,
            payment_refunded: None,
            created_at: None,
            observed_at,
        }
    }
}

/// A snapshot of a dispute: the payer wants their money back by way of their bank.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputeObservation {
    /// The provider's id of it.
    pub gateway_id: String,
    /// The provider's id of the payment, the one or the other of two.
    pub payment_id: Option<String>,
    /// How it stands.
    pub status: RemoteDisputeStatus,
    /// How much the payer wants back.
    pub amount: Money,
    /// Why, in the provider's word.
    pub reason: String,
}

/// How a dispute stands at the provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RemoteDisputeStatus {
    /// The bank has not decided.
    Open,
    /// The money stays with us.
    Won,
    /// The money is gone.
    Lost,
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
    /// It will not happen, or has been undone: the money is with us.
    Failed {
        /// In the provider's word.
        reason: String,
        /// Whether a new refund (with a new key) may succeed; if not, a person has to look.
        retry_with_new_key: bool,
    },
}
