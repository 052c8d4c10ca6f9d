//! What a provider can and cannot do, for the caller to decide by.

use std::ops::RangeInclusive;
use std::time::Duration;

use kernel::Currency;
use serde::{Deserialize, Serialize};

/// What a provider can and cannot do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Currencies it takes.
    pub currencies: Currencies,
    /// The least and the most one payment may be, in minor units of its currency.
    pub amount_minor: RangeInclusive<i64>,
    /// Whether money is taken at once, or authorized first and captured by a second call. The
    /// first is what is used when nobody chooses.
    pub capture_modes: &'static [CaptureMode],
    /// Whether less than the authorized amount can be captured.
    pub partial_capture: bool,
    /// Whether less than the captured amount can be refunded.
    pub partial_refund: bool,
    /// Whether a payment that nobody has paid yet can be called off.
    pub void_unpaid: VoidUnpaid,
    /// Whether the buyer has to be sent to a page of theirs.
    pub needs_redirect: bool,
    /// How long a payer may be given, shortest and longest. Where it is one and the same, nobody
    /// can choose: a payment may then succeed after our deadline.
    pub payer_term: RangeInclusive<Duration>,
    /// How long authorized money waits for its capture at most; an observation may say less.
    pub capture_term: Option<Duration>,
    /// How long after a payment it can be refunded.
    pub refund_term: Option<Duration>,
    /// The pause they want between two refunds of one payment.
    pub min_refund_interval: Duration,
    /// How long they remember a key; `None` is for ever.
    pub idempotency_ttl: Option<Duration>,
    /// How one day is compared with theirs.
    pub listing: Listing,
    /// What proves that a notification is theirs.
    pub notification_auth: NotificationAuth,
}

impl Capabilities {
    /// A provider that takes any amount of any currency at once, on a page of its own, and lists
    /// nothing: what small gateways differ from.
    pub const fn simple() -> Self {
        Self {
            currencies: Currencies::Any,
            amount_minor: 1..=i64::MAX,
            capture_modes: &[CaptureMode::Immediate],
            partial_capture: false,
            partial_refund: true,
            void_unpaid: VoidUnpaid::Impossible,
            needs_redirect: true,
            payer_term: Duration::from_mins(1)..=Duration::from_hours(1),
            capture_term: None,
            refund_term: None,
            min_refund_interval: Duration::ZERO,
            idempotency_ttl: None,
            listing: Listing::None,
            notification_auth: NotificationAuth::Signature,
        }
    }
}

/// When money is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMode {
    /// As soon as the payer pays.
    Immediate,
    /// Authorized first; taken, or let go for nothing, by a second call.
    Manual,
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

/// How one day is compared with theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Payments and refunds can be listed, page by page.
    Cursor,
    /// There is a bill the day after.
    DailyReport,
    /// Payments can only be asked for one by one.
    None,
}

/// What proves that a notification is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotificationAuth {
    /// A signature over its bytes.
    Signature,
    /// Nothing in it: it comes from their addresses, and what it says is asked for again.
    SourceIpThenFetch,
    /// None are sent.
    NotUsed,
}
