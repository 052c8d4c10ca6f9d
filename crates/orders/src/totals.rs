//! The only place that adds up the money of an order.

use kernel::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

/// What a line adds: a price and how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineTotal {
    /// Price of one.
    pub unit_price: Money,
    /// How many, above zero.
    pub quantity: i64,
}

/// The sums of an order. `total = merchandise − discount + shipping + tax`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// The currency of all of them.
    pub currency: Currency,
    /// Units over all lines.
    pub item_count: i64,
    /// Lines before any discount, in minor units.
    pub merchandise: i64,
    /// Taken off, between 0 and `merchandise`.
    pub discount: i64,
    /// Delivery.
    pub shipping: i64,
    /// Tax on top.
    pub tax: i64,
    /// To be paid.
    pub total: i64,
}

/// Adds up an order. A discount larger than the goods takes off no more than the goods.
///
/// # Errors
/// When the currencies differ or a sum does not fit 64 bits.
pub fn add_up(
    currency: Currency,
    lines: impl IntoIterator<Item = LineTotal>,
    discount: i64,
    shipping: i64,
    tax: i64,
) -> Result<Totals, MoneyError> {
    let mut merchandise = Money::zero(currency);
    let mut item_count: i64 = 0;
    for line in lines {
        merchandise = merchandise.plus(line.unit_price.times(line.quantity)?)?;
        item_count = item_count.checked_add(line.quantity).ok_or(MoneyError::Overflow)?;
    }
    let discount = discount.clamp(0, merchandise.minor);
    let total = Money::new(merchandise.minor - discount, currency)
        .plus(Money::new(shipping, currency))?
        .plus(Money::new(tax, currency))?;
    let merchandise = merchandise.minor;
    Ok(Totals { currency, item_count, merchandise, discount, shipping, tax, total: total.minor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(minor: i64, quantity: i64) -> LineTotal {
        LineTotal { unit_price: Money::new(minor, Currency::EUR), quantity }
    }

    #[test]
    fn adds_up_a_plain_order() {
        let totals = add_up(Currency::EUR, [line(1299, 2), line(500, 1)], 98, 490, 0).unwrap();
        assert_eq!((totals.item_count, totals.merchandise), (3, 3098));
        assert_eq!((totals.discount, totals.total), (98, 3490));
    }

    #[test]
    fn refuses_what_does_not_fit_and_what_does_not_match() {
        let huge = add_up(Currency::EUR, [line(i64::MAX, 2)], 0, 0, 0);
        assert_eq!(huge, Err(MoneyError::Overflow));
        let mixed = add_up(Currency::USD, [line(1, 1)], 0, 0, 0);
        assert_eq!(mixed, Err(MoneyError::MixedCurrencies));
        let sum = add_up(Currency::EUR, [line(i64::MAX, 1)], 0, 1, 0);
        assert_eq!(sum, Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn the_sums_always_agree(
            lines in prop::collection::vec((0_i64..10_000_000, 1_i64..10_000), 1..50),
            discount in -1000_i64..1_000_000_000_000,
            shipping in 0_i64..100_000,
            tax in 0_i64..100_000,
        ) {
            let lines = lines.into_iter().map(|(minor, quantity)| line(minor, quantity));
            let sums = add_up(Currency::EUR, lines.clone(), discount, shipping, tax).unwrap();
            let by_hand: i64 = lines.map(|l| l.unit_price.minor * l.quantity).sum();
            prop_assert_eq!(sums.merchandise, by_hand);
            prop_assert!(sums.discount >= 0 && sums.discount <= sums.merchandise);
            prop_assert_eq!(
                sums.total,
                sums.merchandise - sums.discount + sums.shipping + sums.tax
            );
            prop_assert!(sums.total >= 0);
        }
    }
}
