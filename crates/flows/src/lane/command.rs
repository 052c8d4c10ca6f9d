//! What can be asked of the lane, and what it can answer.

use kernel::{AccountId, AttemptId, CartId, Money, OrderId, ProductId, RefundId, VariantId};
use payments::News;
use serde::{Deserialize, Serialize};
use store::idempotency::Key;

use crate::checkout::Placed;
use crate::payment::{GoneBack, NewsEffect, Opening, Paying, RefundNews, RefundWish};
use crate::quote::Quote;

/// How the quantity of a line changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// To this many; 0 takes the line out.
    Set(i64),
    /// By this many, signed; a line that is not there counts as 0.
    By(i64),
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Customer(AccountId),
    Staff(AccountId),
}

/// An order to be placed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub quote: Quote,
    pub payment_method: String,
    pub fingerprint: String,
    /// Numbers that were taken.
    pub again: u8,
}

/// A command. Each names everything it touches, so that a batch can be loaded in a few reads.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    SetLine { cart: CartId, variant: VariantId, change: Change },
    Select { cart: CartId, variants: Option<Vec<VariantId>>, selected: bool },
    Clear { cart: CartId },
    Extend { cart: CartId },
    Merge { from: CartId, into: CartId },
    EndHold { cart: CartId, variant: VariantId },
    Place(Box<Place>),
    Pay { order: OrderId, customer: AccountId, attempt: AttemptId, opening: Opening, key: Key },
    News { order: OrderId, attempt: AttemptId, news: News },
    Freeze { order: OrderId, attempt: AttemptId, why: String },
    Refund { order: OrderId, staff: AccountId, refund: RefundId, wish: RefundWish, key: Key },
    RefundHeard(RefundNews),
    Fee { order: OrderId, attempt: AttemptId, fee: Money },
    GoneBack(GoneBack),
    Cash { order: OrderId, staff: AccountId, attempt: AttemptId, received: bool, key: Key },
    Cancel { order: OrderId, who: Who, reason: Option<String>, key: Key },
    Expire { order: OrderId },
    Advance { order: OrderId, to: orders::State, staff: AccountId, key: Key },
    Adjust { variant: VariantId, delta: i64, staff: AccountId, reason: String, key: Key },
}

/// What a command came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Done {
    Nothing,
    Moved(i64),
    Placed(Placed),
    Paying(Paying),
    News(NewsEffect),
    Refunding(RefundId),
    Adjusted { variant_id: VariantId, product_id: ProductId, on_hand: i64, held: i64, sold: i64 },
}

impl Command {
    /// The caller's key, for commands that are answered from it the second time.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Pay { key, .. }
            | Self::Refund { key, .. }
            | Self::Cash { key, .. }
            | Self::Cancel { key, .. }
            | Self::Advance { key, .. }
            | Self::Adjust { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether somebody waits for the answer in person, and asks again when there is none. What a
    /// gateway or the clock has said is not thrown away.
    pub(crate) fn has_somebody_waiting(&self) -> bool {
        !matches!(
            self,
            Self::News { .. }
                | Self::Freeze { .. }
                | Self::Fee { .. }
                | Self::GoneBack(_)
                | Self::RefundHeard(_)
                | Self::Expire { .. }
                | Self::EndHold { .. }
        )
    }

    /// The order, for commands about one that is there.
    pub(crate) fn order(&self) -> Option<OrderId> {
        match self {
            Self::Pay { order, .. }
            | Self::News { order, .. }
            | Self::Freeze { order, .. }
            | Self::Fee { order, .. }
            | Self::Refund { order, .. }
            | Self::Cash { order, .. }
            | Self::Cancel { order, .. }
            | Self::Expire { order }
            | Self::Advance { order, .. } => Some(*order),
            Self::RefundHeard(news) => Some(news.order_id),
            Self::GoneBack(back) => Some(back.order_id),
            _ => None,
        }
    }

    /// The carts it touches.
    pub(crate) fn carts(&self) -> [Option<CartId>; 2] {
        match self {
            Self::SetLine { cart, .. }
            | Self::Select { cart, .. }
            | Self::Clear { cart }
            | Self::Extend { cart }
            | Self::EndHold { cart, .. } => [Some(*cart), None],
            Self::Merge { from, into } => [Some(*from), Some(*into)],
            Self::Place(place) => [place.quote.cart.map(|(cart, _)| cart), None],
            _ => [None, None],
        }
    }
}
