//! Everything the shop can refuse, with the facts to show.

use inventory::Short;
use kernel::{Coded, Currency, Kind, OrderId, VariantId};
use orders::State;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The price of one unit was another when the quote was made; `now` is none when the variant is
/// no longer sold. Minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PriceChange {
    /// Of what.
    pub variant_id: VariantId,
    /// Price of one in the quote.
    pub was: i64,
    /// Price of one now.
    pub now: Option<i64>,
}

/// Why a use case did not happen. Nothing was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Fewer units can be had than were asked for.
    #[error("not enough in stock")]
    OutOfStock {
        /// Each variant that is short.
        short: Vec<Short>,
    },
    /// The quote was not made by this shop, or was altered.
    #[error("this is not a quote of this shop: ask for a new one")]
    QuoteInvalid,
    /// The quote's time is over.
    #[error("the quote is too old: ask for a new one")]
    QuoteExpired,
    /// Prices have changed since the quote was made.
    #[error("prices have changed since the quote was made: ask for a new one and look at it again")]
    QuoteChanged {
        /// Each price that changed.
        changes: Vec<PriceChange>,
    },
    /// The cart has changed since the quote was made.
    #[error("the cart has changed since the quote was made: ask for a new one")]
    CartChanged,
    /// An order was already made from this cart.
    #[error("order {number} was already made from this cart")]
    CartAlreadyOrdered {
        /// That order.
        order_id: OrderId,
        /// Its number.
        number: String,
    },
    /// The key came before with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// There is no such thing, or it is somebody else's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The quantity is not one that can be bought.
    #[error("the quantity must be between {min} and {max}")]
    QuantityInvalid {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// The cart is full.
    #[error("a cart takes {max} different things at most")]
    TooManyLines {
        /// The most.
        max: usize,
    },
    /// Nothing in the cart is selected.
    #[error("nothing in the cart is selected")]
    NothingSelected,
    /// There is no address to send the goods to.
    #[error("there is no address to deliver to: add one first")]
    AddressMissing,
    /// The shop does not take this.
    #[error("`{0}` is not a way to pay here")]
    MethodUnknown(String),
    /// The gateway does not take this amount, or this currency.
    #[error("`{0}` does not take this amount")]
    MethodUnfit(String),
    /// The sum is beyond what can be counted.
    #[error("the amount is too large")]
    AmountTooLarge,
    /// The order is not where this can be done.
    #[error("the order is {state}: it cannot become {wanted}")]
    OrderState {
        /// Where it stands.
        state: State,
        /// What was asked for.
        wanted: State,
    },
    /// The order does not wait for a payment.
    #[error("the order is {state}: there is nothing to pay")]
    NothingToPay {
        /// Where it stands.
        state: State,
    },
    /// The payment provider does not answer.
    #[error(
        "the payment service does not answer: the order is kept, try again or choose another way"
    )]
    GatewayBusy,
    /// Money of the order is being taken just now.
    #[error("a payment is just being confirmed: wait a moment and look again")]
    PaymentUnderWay,
    /// There is no money of the order that could go back.
    #[error("the order is {state}: there is no money to give back")]
    NothingToRefund {
        /// Where it stands.
        state: State,
    },
    /// More is to go back than is left.
    #[error("{wanted} cannot be given back: {left} is left")]
    RefundTooMuch {
        /// What was asked for, minor units.
        wanted: i64,
        /// What can still go back, minor units.
        left: i64,
    },
    /// What is to go back is less than the smallest coin of the currency it was paid in.
    #[error(
        "it was paid in {currency}, which has no coin as small as this: give more back at once"
    )]
    RefundTooSmall {
        /// The currency it was paid in.
        currency: Currency,
    },
    /// The hold was extended as often as it can be.
    #[error("the hold was extended as often as it can be")]
    HoldUsedUp,
}

impl Coded for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::OutOfStock { .. } => "out-of-stock",
            Self::QuoteInvalid => "quote-invalid",
            Self::QuoteExpired => "quote-expired",
            Self::QuoteChanged { .. } => "quote-changed",
            Self::CartChanged => "cart-changed",
            Self::CartAlreadyOrdered { .. } => "cart-already-ordered",
            Self::KeyReused => "idempotency-key-reused",
            Self::NotFound(_) => "not-found",
            Self::QuantityInvalid { .. } => "quantity-invalid",
            Self::TooManyLines { .. } => "too-many-lines",
            Self::NothingSelected => "nothing-selected",
            Self::AddressMissing => "address-missing",
            Self::MethodUnknown(_) => "payment-method-unknown",
            Self::MethodUnfit(_) => "payment-method-unfit",
            Self::AmountTooLarge => "amount-too-large",
            Self::OrderState { .. } => "order-state",
            Self::NothingToPay { .. } => "nothing-to-pay",
            Self::GatewayBusy => "gateway-busy",
            Self::PaymentUnderWay => "payment-under-way",
            Self::NothingToRefund { .. } => "nothing-to-refund",
            Self::RefundTooMuch { .. } => "refund-too-much",
            Self::RefundTooSmall { .. } => "refund-too-small",
            Self::HoldUsedUp => "hold-used-up",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::QuoteInvalid
            | Self::KeyReused
            | Self::QuantityInvalid { .. }
            | Self::TooManyLines { .. }
            | Self::NothingSelected
            | Self::AddressMissing
            | Self::MethodUnknown(_)
            | Self::MethodUnfit(_)
            | Self::AmountTooLarge => Kind::Invalid,
            Self::NotFound(_) => Kind::NotFound,
            Self::GatewayBusy => Kind::Unavailable,
            _ => Kind::Conflict,
        }
    }

    fn facts(&self) -> serde_json::Value {
        match self {
            Self::OutOfStock { short } => json!({ "short": short }),
            Self::QuoteChanged { changes } => json!({ "changes": changes }),
            Self::CartAlreadyOrdered { order_id, number } => {
                json!({ "order_id": order_id, "number": number })
            }
            Self::QuantityInvalid { min, max } => json!({ "min": min, "max": max }),
            Self::TooManyLines { max } => json!({ "max": max }),
            Self::OrderState { state, wanted } => json!({ "state": state, "wanted": wanted }),
            Self::NothingToPay { state } | Self::NothingToRefund { state } => {
                json!({ "state": state })
            }
            Self::RefundTooMuch { wanted, left } => json!({ "wanted": wanted, "left": left }),
            Self::RefundTooSmall { currency } => json!({ "currency": currency }),
            _ => serde_json::Value::Null,
        }
    }
}
