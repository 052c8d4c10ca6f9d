//! The words in which a trace is told: what somebody does, what comes of it, why not.
#![allow(missing_docs, reason = "the words are the shop's own, and say it")]

pub use flows::NewsEffect;
pub use orders::State;

use super::Units;

pub type Variant = usize;
pub type Buyer = usize;
/// A quote, and the order made of it.
pub type Number = usize;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    Buyer(Buyer),
    Staff,
}

/// What a gateway says of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    Waiting,
    Processing,
    Absent,
    Authorized,
    Captured,
    /// Captured, and so much of it went back.
    GivenBack {
        minor: i64,
    },
    Declined,
}

/// What staff give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GiveBack {
    Lines { variant: Variant, units: i64, restock: bool },
    Amount(i64),
    Rest { restock: bool },
}

/// Whether what it says fits what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    Exactly,
    OtherAmount,
    OtherCurrency,
    OtherReference,
    OtherOrder,
}

/// Something somebody does. What moves money or stock carries a key. A price of none takes a thing
/// off the shelves; a sweep ends what time has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    Put { buyer: Buyer, variant: Variant, more: i64 },
    Set { buyer: Buyer, variant: Variant, quantity: i64 },
    Select { buyer: Buyer, variant: Option<Variant>, selected: bool },
    Clear { buyer: Buyer },
    Extend { buyer: Buyer },
    Quote { buyer: Buyer },
    QuoteOne { buyer: Buyer, variant: Variant, quantity: i64 },
    Place { buyer: Buyer, quote: Number, cash: bool },
    Pay { buyer: Buyer, order: Number, gateway: usize, key: u8 },
    News { attempt: usize, says: Says, fit: Fit },
    GiveBack { order: Number, of: GiveBack, key: u8 },
    RefundsEnd { order: Number, succeeded: bool },
    Cash { order: Number, received: bool, key: u8 },
    Cancel { who: Who, order: Number, key: u8 },
    Advance { order: Number, to: State, key: u8 },
    Adjust { variant: Variant, delta: i64, key: u8 },
    Price { variant: Variant, price: Option<i64> },
    Wait { seconds: i64 },
    Sweep,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    Nothing,
    Quoted { total: i64, items: i64, short: Vec<Short> },
    Placed { order: Number, state: State, total: i64, replayed: bool },
    Paying { attempt: usize, amount: i64 },
    News(NewsEffect),
    Counted(Units),
}

/// Wanted and available units of a variant.
pub type Short = (Variant, i64, i64);

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum No {
    OutOfStock(Vec<Short>),
    QuoteExpired,
    QuoteChanged(Vec<(Variant, i64, Option<i64>)>),
    CartChanged,
    CartAlreadyOrdered(Number),
    KeyReused,
    NotFound(&'static str),
    QuantityInvalid { min: i64 },
    NothingSelected,
    OrderState { state: State, wanted: State },
    NothingToPay { state: State },
    HoldUsedUp,
    PaymentUnderWay,
    NothingToRefund { state: State },
    RefundTooMuch { wanted: i64, left: i64 },
    Other(String),
}

impl Act {
    /// Whose key it carries, for what, and which.
    pub fn key(&self) -> Option<(Who, &'static str, u8)> {
        match *self {
            Self::Pay { buyer, key, .. } => Some((Who::Buyer(buyer), "pay", key)),
            Self::Cancel { who, key, .. } => Some((who, "cancel", key)),
            Self::GiveBack { key, .. } => Some((Who::Staff, "give back", key)),
            Self::Cash { key, .. } => Some((Who::Staff, "cash", key)),
            Self::Advance { key, .. } => Some((Who::Staff, "advance", key)),
            Self::Adjust { key, .. } => Some((Who::Staff, "adjust", key)),
            _ => None,
        }
    }
}
