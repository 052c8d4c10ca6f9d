//! A charge in another currency than the order's, as its buyer reads it.

use jobs::Charge;
use kernel::Currency;
use orders::Order;
use payments::Attempt;

use super::show::{self, Price, money};
use crate::App;

/// See the module's words.
pub(crate) struct Abroad {
    /// What is charged.
    pub(crate) amount: Price,
    /// `€1 = ₽101.25`.
    pub(crate) rate: String,
}

impl Abroad {
    /// None for a charge in the order's own currency.
    pub(crate) fn of(charge: Charge, own: Currency) -> Option<Self> {
        let rate = show::rate(own, charge.rate?, charge.amount.currency);
        Some(Self { amount: money(charge.amount), rate })
    }
}

/// What an attempt charges.
pub(crate) fn charged(attempt: &Attempt) -> Charge {
    Charge { amount: attempt.amount, rate: attempt.rate }
}

/// What is charged for an order at a gateway: by the payment that is under way there, or as one
/// that is begun now.
pub(crate) fn charge(app: &App, order: &Order, attempts: &[Attempt], gateway: &str) -> Charge {
    let mut live = attempts.iter().filter(|it| it.gateway == gateway && it.state.is_live());
    let total = order.total();
    live.next_back()
        .map(charged)
        .or_else(|| app.cashier.charge(gateway, total))
        .unwrap_or(Charge { amount: total, rate: None })
}
