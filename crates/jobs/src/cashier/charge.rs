//! What a payer is charged for an order, where a gateway takes another currency than the shop.

use gateways::{Currencies, Gateway};
use kernel::{Currency, Money, Rate};

use super::Cashier;

/// What a payer is charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge {
    /// How much, in a currency that the gateway takes.
    pub amount: Money,
    /// How many units of it one of the order's currency costs; none where they are the same.
    pub rate: Option<Rate>,
}

impl Charge {
    /// For the lane, which does the sum again where the order cannot change.
    pub(super) fn currency_and_rate(self) -> Option<(Currency, Rate)> {
        self.rate.map(|rate| (self.amount.currency, rate))
    }
}

impl Cashier {
    /// What is charged at a gateway for `total`. None when it takes neither the currency nor
    /// another that has a rate, or not such an amount; and for what is no gateway here.
    pub fn charge(&self, gateway: &str, total: Money) -> Option<Charge> {
        self.charge_at(self.gateways.get(gateway)?.as_ref(), total)
    }

    pub(super) fn charge_at(&self, gateway: &dyn Gateway, total: Money) -> Option<Charge> {
        let can = gateway.capabilities();
        let fits = |charge: &Charge| can.amount_minor.contains(&charge.amount.minor);
        if can.currencies.include(total.currency) {
            return Some(Charge { amount: total, rate: None }).filter(fits);
        }
        let Currencies::Only(takes) = can.currencies else { return None };
        let rated = |currency: &Currency| {
            let rate = *self.shop.settings.rates.get(currency)?;
            Some(Charge { amount: rate.convert(total, *currency).ok()?, rate: Some(rate) })
        };
        takes.iter().filter_map(rated).find(fits)
    }
}
