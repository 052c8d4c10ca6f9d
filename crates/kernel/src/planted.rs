//! Bugs on purpose, one at a time, so that the simulator can show that it finds them.
//!
//! Only its tests ask for the feature `planted`. Without it [`is`] is false when the compiler
//! looks, and nothing of a bug is in the binary.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Bug { $($(#[$doc])* $name,)+ }

        #[cfg(feature = "planted")]
        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name for people.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

bugs! {
    /// Stock is read, and written back later, outside any lock.
    StockOutsideLock = "stock read, changed and written outside a lock",
    /// A notice that comes twice is two notices.
    MissingUniqueKey = "missing unique key of notices",
    /// The lane answers before its commit.
    AnswerBeforeCommit = "answer before commit",
    /// News that a notice brings does not move the units.
    NoticeSkipsStock = "webhook that skips stock",
    /// A cancelled order keeps its units held.
    ForgottenRelease = "forgotten release at cancellation",
    /// An amount in another currency is taken.
    CurrencyIgnored = "currency ignored",
    /// Another amount is taken.
    AmountIgnored = "amount ignored",
    /// A payment that was begun is asked for again at the rate of another day.
    RateOfToday = "rate of today instead of the payment's",
    /// Each part that goes back in another currency is rounded for itself.
    PartsRoundedAlone = "parts that go back rounded one by one",
    /// Another order's payment is taken.
    ReferenceIgnored = "notice of another payment accepted",
    /// Events are handed on twice.
    DoublePublish = "double publish",
    /// One more than there is can be held.
    OffByOne = "off-by-one limit of what can be held",
    /// A refund that is asked for again has another key.
    RefundTwice = "refund twice",
    /// Money that comes too late stays.
    RefundForgotten = "refund forgotten for a late success",
    /// An expired order keeps its units held.
    ExpiredKeepsHolds = "expired order keeps its holds",
    /// A key that comes again does its work again.
    KeyIgnored = "idempotency key ignored",
    /// A quote is good for ever.
    QuoteExpiryIgnored = "quote expiry ignored",
    /// An order is placed at a price that has changed.
    PriceChangeAccepted = "price change silently accepted",
    /// Units leave the shelf and are not counted as sold.
    SoldNotRaised = "sold counter not raised",
    /// A step is taken and not written down.
    HistoryMissing = "history row missing",
    /// A hold is given more time as often as somebody asks.
    HoldWithoutLimit = "hold extended without limit",
    /// A paid order is cancelled, and the money stays.
    CancelWithoutRefund = "cancellation of a paid order without refund",
    /// The same cart becomes two orders.
    CartVersionIgnored = "two orders from one cart",
    /// A late success takes units that others have.
    LateSuccessTakesAll = "late success takes units that are gone",
    /// Nobody asks about an attempt whose gateway did not answer.
    AttemptForgotten = "attempt never asked about again",
    /// Nobody looks again at an attempt that was over, though money may come all the same.
    NoLastLook = "payment that is over never looked at again",
    /// A cancelled order that had its units does not give them back.
    NothingTakenBack = "units of a cancelled sale not taken back",
}

/// Whether this bug is planted.
#[cfg(not(feature = "planted"))]
#[inline]
pub const fn is(_: Bug) -> bool {
    false
}

/// Whether this bug is planted.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    NOW.load(std::sync::atomic::Ordering::Relaxed) == bug as usize + 1
}

/// Plants a bug in the whole process, in place of the one that was; none takes it away.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    NOW.store(bug.map_or(0, |bug| bug as usize + 1), std::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "planted")]
static NOW: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
