//! Placing an order, decided purely.

use std::collections::BTreeMap;

use inventory::{Holder, Short};
use kernel::VariantId;
use kernel::planted::{self, Bug};
use orders::{Actor, Line, Order};

use super::Outcome;
use super::command::{Done, Place};
use super::state::State;
use crate::checkout::Placed;
use crate::quote::{Quote, later};
use crate::refusal::{PriceChange, Refusal};
use crate::shop::CASH_ON_DELIVERY;

impl State<'_> {
    pub(super) fn place(&mut self, place: &Place) -> Outcome {
        let quote = &place.quote;
        if let Some(order) = self.book.order(quote.id) {
            return replay(order, place);
        }
        if quote.expires_at <= self.now && !planted::is(Bug::QuoteExpiryIgnored) {
            return Err(Refusal::QuoteExpired);
        }
        self.same_cart(quote)?;
        self.same_prices(quote)?;
        let units = units(quote);
        self.all_there(quote, &units)?;
        let placed = self.write_order(place);
        self.take_units(quote, &units, placed.state);
        kernel::crash_point!("lane.order-decided");
        Ok(Done::Placed(placed))
    }

    fn same_cart(&self, quote: &Quote) -> Result<(), Refusal> {
        let Some((cart, version)) = quote.cart else { return Ok(()) };
        if self.baskets.cart(cart).is_some_and(|cart| cart.version == version)
            || planted::is(Bug::CartVersionIgnored)
        {
            return Ok(());
        }
        let made = self.book.made_from(cart, version);
        match made.or_else(|| self.made_from.get(&(cart, version))) {
            Some(order) => Err(Refusal::CartAlreadyOrdered {
                order_id: order.id,
                number: order.number.clone(),
            }),
            None => Err(Refusal::CartChanged),
        }
    }

    fn same_prices(&self, quote: &Quote) -> Result<(), Refusal> {
        let mut changes = Vec::new();
        for line in &quote.lines {
            let offer = self.offers.get(&line.variant_id).filter(|offer| offer.active);
            let offer = offer.filter(|offer| offer.price.currency == quote.totals.currency);
            let now = offer.map(|offer| offer.price.minor);
            if now != Some(line.unit_price) {
                changes.push(PriceChange {
                    variant_id: line.variant_id,
                    was: line.unit_price,
                    now,
                });
            }
        }
        if changes.is_empty() || planted::is(Bug::PriceChangeAccepted) {
            Ok(())
        } else {
            Err(Refusal::QuoteChanged { changes })
        }
    }

    /// What the cart holds counts as there.
    fn all_there(&self, quote: &Quote, units: &BTreeMap<VariantId, i64>) -> Result<(), Refusal> {
        let mut short = Vec::new();
        for (&variant_id, &wanted) in units {
            let own = quote
                .cart
                .and_then(|(cart, _)| self.shelf.hold(Holder::Cart(cart), variant_id))
                .map_or(0, |hold| hold.quantity);
            let available = self.shelf.available(variant_id) + own;
            if wanted > available {
                short.push(Short { variant_id, wanted, available });
            }
        }
        if short.is_empty() { Ok(()) } else { Err(Refusal::OutOfStock { short }) }
    }

    fn write_order(&mut self, place: &Place) -> Placed {
        let Quote { id, customer_id, cart, totals, .. } = place.quote;
        let state = if totals.total == 0 {
            orders::State::Paid
        } else if place.payment_method == CASH_ON_DELIVERY {
            orders::State::CashDue
        } else {
            orders::State::Pending
        };
        let waits = state == orders::State::Pending;
        let order = Order {
            id,
            number: orders::number(id, self.now, place.again),
            customer_id,
            cart,
            state,
            payment_method: place.payment_method.clone(),
            totals,
            address: serde_json::to_string(&place.quote.address).unwrap_or_else(|_| "null".into()),
            fingerprint: place.fingerprint.clone(),
            settled_by: None,
            claimed_by: None,
            pay_by: waits.then(|| later(self.now, self.settings.payment)),
            placed_at: self.now,
            steps: 0,
        };
        let placed = placed(&order, false);
        let lines = place.quote.lines.iter().zip(1..).map(|(line, position)| Line {
            order_id: id,
            position,
            variant_id: line.variant_id,
            product_id: line.product_id,
            sku: line.sku.clone(),
            title: line.title.clone(),
            unit_price: line.unit_price,
            quantity: line.quantity,
            line_total: line.line_total,
            restocked: 0,
        });
        self.book.place(order, lines.collect(), Actor::Customer);
        placed
    }

    /// Moves the units from the cart or the shelf to the order. Nothing here can fall short:
    /// everything was counted before.
    fn take_units(
        &mut self,
        quote: &Quote,
        units: &BTreeMap<VariantId, i64>,
        state: orders::State,
    ) {
        let until = later(self.now, self.settings.payment);
        for (&variant, &quantity) in units {
            if let Some((cart, _)) = quote.cart {
                self.let_go(cart, variant);
                self.baskets.set_quantity(cart, variant, 0, self.now);
            }
            let taken = if state == orders::State::Pending {
                self.shelf.promise(Holder::Order(quote.id), variant, quantity, until)
            } else {
                self.shelf.sell(self.env, quote.id, variant, quantity)
            };
            assert!(taken.is_ok(), "units that were counted are there");
        }
    }
}

fn units(quote: &Quote) -> BTreeMap<VariantId, i64> {
    let mut units = BTreeMap::new();
    for line in &quote.lines {
        let all: &mut i64 = units.entry(line.variant_id).or_insert(0);
        *all = all.saturating_add(line.quantity);
    }
    units
}

fn replay(order: &Order, place: &Place) -> Outcome {
    if order.customer_id != place.quote.customer_id {
        return Err(Refusal::NotFound("quote"));
    }
    if order.fingerprint != place.fingerprint {
        return Err(Refusal::KeyReused);
    }
    Ok(Done::Placed(placed(order, true)))
}

fn placed(order: &Order, replayed: bool) -> Placed {
    Placed {
        id: order.id,
        number: order.number.clone(),
        state: order.state,
        payment_method: order.payment_method.clone(),
        total: order.total(),
        item_count: order.totals.item_count,
        pay_by: order.pay_by,
        placed_at: order.placed_at,
        replayed,
    }
}
