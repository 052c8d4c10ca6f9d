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

/// A way to pay an order, and what is charged there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Its name.
    pub method: String,
    /// What is charged.
    pub charge: Charge,
}

impl Charge {
    /// In the order's own currency.
    fn own(amount: Money) -> Self {
        Self { amount, rate: None }
    }

    /// For the lane, which does the sum again where the order cannot change.
    pub(super) fn currency_and_rate(self) -> Option<(Currency, Rate)> {
        self.rate.map(|rate| (self.amount.currency, rate))
    }
}

impl Cashier {
    /// The shop's ways to pay `total`, those that take it.
    pub fn offers(&self, total: Money) -> Vec<Offer> {
        let offer = |method: &String| {
            let charge = match self.gateways.get(method.as_str()) {
                // Nothing is charged, and nobody is asked.
                Some(_) if total.minor == 0 => Charge::own(total),
                Some(gateway) => self.charge_at(gateway.as_ref(), total)?,
                None => Charge::own(total),
            };
            Some(Offer { method: method.clone(), charge })
        };
        self.shop.settings.methods.iter().filter_map(offer).collect()
    }

    /// Whether there is a total that this way to pay does not take.
    pub fn is_choosy(&self, method: &str) -> bool {
        self.gateways.get(method).is_some_and(|gateway| {
            let can = gateway.capabilities();
            can.currencies != Currencies::Any || can.amount_minor != (1..=i64::MAX)
        })
    }

    /// What is charged at a gateway for `total`. None when it takes neither the currency nor
    /// another that has a rate, or not such an amount; and for what is no gateway here.
    pub fn charge(&self, gateway: &str, total: Money) -> Option<Charge> {
        self.charge_at(self.gateways.get(gateway)?.as_ref(), total)
    }

    pub(super) fn charge_at(&self, gateway: &dyn Gateway, total: Money) -> Option<Charge> {
        let can = gateway.capabilities();
        let fits = |charge: &Charge| can.amount_minor.contains(&charge.amount.minor);
        if can.currencies.include(total.currency) {
            return Some(Charge::own(total)).filter(fits);
        }
        let Currencies::Only(takes) = can.currencies else { return None };
        let rated = |currency: &Currency| {
            let rate = *self.shop.settings.rates.get(currency)?;
            Some(Charge { amount: rate.convert(total, *currency).ok()?, rate: Some(rate) })
        };
        takes.iter().filter_map(rated).find(fits)
    }
}
