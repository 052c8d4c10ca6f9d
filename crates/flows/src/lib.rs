//! What happens in a shop, told use case by use case. This is the only room that joins features
//! in one transaction.
//!
//! Everything that changes stock, orders or the state of a payment goes through the checkout
//! lane ([`lane`]): up to a few hundred waiting commands are loaded, decided purely in the order
//! they came, written in a few set statements and committed once.

mod addresses;
mod cancel;
mod cart;
mod checkout;
mod expire;
mod fulfil;
pub mod lane;
mod payment;
mod personal;
mod quote;
mod refusal;
mod seal;
mod shop;
mod stock;
mod stocking;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;

pub use addresses::address_book;
pub use cart::{CartLine, CartView, Owner};
pub use checkout::Placed;
pub use lane::Change;
pub use payment::{
    GoneBack, NewsEffect, Opening, Paying, RefundNews, RefundOf, RefundOfLine, RefundWish,
};
pub use quote::{Quote, QuoteLine, QuoteView, Source};
pub use refusal::{PriceChange, Refusal};
pub use shop::{CASH_ON_DELIVERY, Receipts, SCHEMAS, Settings, Shop};
pub use stocking::{StockingRefusal, UNITS_MAX};

/// What a use case answers.
pub type Answer<T> = Result<T, kernel::Error<Refusal>>;
