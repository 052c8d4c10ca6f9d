//! Decisions on carts, holds, stock and the course of an order. No I/O.

use inventory::{Holder, Short};
use kernel::planted::{self, Bug};
use kernel::{CartId, OrderId, SignedDuration, Timestamp, VariantId, limits};
use orders::Actor;
use payments::Origin;

use super::Outcome;
use super::command::{Change, Command, Done, Who};
use super::state::State;
use crate::quote::later;
use crate::refusal::Refusal;

impl State<'_> {
    /// Decides one command against the running state: all of it happens, or nothing.
    pub(super) fn decide(&mut self, command: &Command) -> Outcome {
        if let Some(key) = command.key()
            && !planted::is(Bug::KeyIgnored)
            && let Some(done) = self.keys.answer(key)?
        {
            return Ok(done);
        }
        let done = match command {
            Command::SetLine { cart, variant, change } => self.set_line(*cart, *variant, *change),
            Command::Select { cart, variants, selected } => {
                self.select(*cart, variants.as_deref(), *selected)
            }
            Command::Clear { cart } => Ok(self.clear(*cart)),
            Command::Extend { cart } => self.extend(*cart),
            Command::Merge { from, into } => Ok(self.merge(*from, *into)),
            Command::EndHold { cart, variant } => Ok(self.end_hold(*cart, *variant)),
            Command::Place(place) => self.place(place),
            Command::Pay { order, customer, attempt, opening, .. } => {
                self.pay(*order, *customer, *attempt, opening)
            }
            Command::News { order, attempt, news } => self.news(*order, *attempt, news),
            Command::Freeze { attempt, why, .. } => {
                self.till.freeze(*attempt, why, self.now);
                Ok(Done::Nothing)
            }
            Command::Fee { attempt, fee, .. } => {
                self.till.book_fee(self.env, *attempt, *fee, self.now);
                Ok(Done::Nothing)
            }
            Command::Refund { order, staff, refund, wish, .. } => {
                self.refund(*order, *staff, *refund, wish)
            }
            Command::RefundHeard(news) => self.refund_heard(news),
            Command::GoneBack(back) => self.gone_back(back),
            Command::Cash { order, staff, attempt, received, .. } => {
                self.cash(*order, *staff, *attempt, *received)
            }
            Command::Cancel { order, who, reason, .. } => {
                self.cancel(*order, *who, reason.as_deref())
            }
            Command::Expire { order } => self.expire(*order),
            Command::Advance { order, to, staff, .. } => {
                self.advance(*order, *to, Actor::Staff(*staff))
            }
            Command::Adjust { variant, delta, staff, reason, .. } => {
                match self.shelf.adjust(self.env, *variant, *delta, (*staff, reason)) {
                    Ok(stock) => Ok(Done::Adjusted {
                        variant_id: stock.variant_id,
                        product_id: stock.product_id,
                        on_hand: stock.on_hand,
                        held: stock.held,
                        sold: stock.sold,
                    }),
                    Err(_) if !self.shelf.knows(*variant) => Err(Refusal::NotFound("variant")),
                    Err(short) => Err(Refusal::OutOfStock { short: vec![short] }),
                }
            }
        }?;
        if let Some(key) = command.key().filter(|_| !planted::is(Bug::KeyIgnored)) {
            self.keys.keep(key, &done);
        }
        Ok(done)
    }

    fn is_sold_here(&self, variant: VariantId) -> bool {
        let currency = self.settings.currency;
        self.offers
            .get(&variant)
            .is_some_and(|offer| offer.active && offer.price.currency == currency)
    }

    fn hold_until(&self) -> Timestamp {
        later(self.now, self.settings.hold)
    }

    fn set_line(&mut self, cart: CartId, variant: VariantId, change: Change) -> Outcome {
        if self.baskets.cart(cart).is_none() {
            return Err(Refusal::NotFound("cart"));
        }
        let has = self.baskets.line(cart, variant).map_or(0, |line| line.quantity);
        let quantity = match change {
            Change::Set(quantity) => quantity,
            Change::By(delta) => has.saturating_add(delta),
        };
        if !(0..=limits::LINE_QUANTITY_MAX).contains(&quantity) {
            return Err(Refusal::QuantityInvalid { min: 0, max: limits::LINE_QUANTITY_MAX });
        }
        if quantity > has && !self.is_sold_here(variant) {
            return Err(Refusal::NotFound("variant"));
        }
        if has == 0 && quantity == 0 {
            return Err(Refusal::NotFound("line"));
        }
        if has == 0 && self.baskets.lines(cart).len() >= limits::LINES_MAX {
            return Err(Refusal::TooManyLines { max: limits::LINES_MAX });
        }
        let until = self.hold_until();
        match self.shelf.promise(Holder::Cart(cart), variant, quantity, until) {
            Ok(()) => {}
            // Fewer than before is always fine, even when what is left cannot be held again.
            Err(_) if quantity < has => self.let_go(cart, variant),
            Err(short) => return Err(Refusal::OutOfStock { short: vec![short] }),
        }
        self.baskets.set_quantity(cart, variant, quantity, self.now);
        self.keep_alive(cart);
        kernel::crash_point!("lane.hold-decided");
        Ok(Done::Nothing)
    }

    /// The buyer is active: holds that are half over get their time again, as often as they may.
    fn keep_alive(&mut self, cart: CartId) {
        let half = self.settings.hold.as_secs() / 2;
        let soon = later(self.now, SignedDuration::from_secs(half));
        let until = self.hold_until();
        for hold in self.shelf.holds(Holder::Cart(cart)) {
            if hold.expires_at < soon {
                self.shelf.extend(
                    hold.holder,
                    hold.variant_id,
                    until,
                    self.settings.hold_extensions_max,
                );
            }
        }
    }

    fn select(&mut self, cart: CartId, variants: Option<&[VariantId]>, selected: bool) -> Outcome {
        let all: Vec<VariantId>;
        let variants = if let Some(variants) = variants {
            variants
        } else {
            all = self.baskets.lines(cart).iter().map(|line| line.variant_id).collect();
            &all
        };
        if variants.iter().any(|variant| self.baskets.line(cart, *variant).is_none()) {
            return Err(Refusal::NotFound("line"));
        }
        for variant in variants {
            self.baskets.select(cart, *variant, selected);
        }
        self.keep_alive(cart);
        Ok(Done::Nothing)
    }

    fn clear(&mut self, cart: CartId) -> Done {
        for line in self.baskets.lines(cart) {
            self.let_go(cart, line.variant_id);
            self.baskets.set_quantity(cart, line.variant_id, 0, self.now);
        }
        Done::Nothing
    }

    fn extend(&mut self, cart: CartId) -> Outcome {
        let until = self.hold_until();
        let lines = self.baskets.lines(cart);
        let mut short = Vec::new();
        let mut given = lines.is_empty();
        for line in &lines {
            let holder = Holder::Cart(cart);
            if self.shelf.hold(holder, line.variant_id).is_some() {
                let max = self.settings.hold_extensions_max;
                given |= self.shelf.extend(holder, line.variant_id, until, max);
            } else {
                match self.shelf.promise(holder, line.variant_id, line.quantity, until) {
                    Ok(()) => given = true,
                    Err(missing) => short.push(missing),
                }
            }
        }
        // Refused only when nothing at all was given: what is refused must not have happened.
        match (given, short.is_empty()) {
            (true, _) => Ok(Done::Nothing),
            (false, false) => Err(Refusal::OutOfStock { short }),
            (false, true) => Err(Refusal::HoldUsedUp),
        }
    }

    /// Moves what can be had; the visitor's cart is empty afterwards.
    fn merge(&mut self, from: CartId, into: CartId) -> Done {
        if from == into || self.baskets.cart(into).is_none() {
            return Done::Moved(0);
        }
        let until = self.hold_until();
        let mut moved = 0;
        for line in self.baskets.lines(from) {
            let variant = line.variant_id;
            self.let_go(from, variant);
            self.baskets.set_quantity(from, variant, 0, self.now);
            let has = self.baskets.line(into, variant).map_or(0, |line| line.quantity);
            let full = has == 0 && self.baskets.lines(into).len() >= limits::LINES_MAX;
            if full || !self.is_sold_here(variant) {
                continue;
            }
            let held = self.shelf.hold(Holder::Cart(into), variant).map_or(0, |h| h.quantity);
            let can = self.shelf.available(variant) + held;
            let quantity = (has + line.quantity).min(can.max(has)).min(limits::LINE_QUANTITY_MAX);
            if quantity > has
                && self.shelf.promise(Holder::Cart(into), variant, quantity, until).is_ok()
            {
                self.baskets.set_quantity(into, variant, quantity, self.now);
                moved += quantity - has;
            }
        }
        Done::Moved(moved)
    }

    fn end_hold(&mut self, cart: CartId, variant: VariantId) -> Done {
        let hold = self.shelf.hold(Holder::Cart(cart), variant);
        if hold.is_some_and(|hold| hold.expires_at <= self.now) {
            self.let_go(cart, variant);
        }
        Done::Nothing
    }

    pub(super) fn let_go(&mut self, cart: CartId, variant: VariantId) {
        self.release(Holder::Cart(cart), variant);
    }

    /// Ends a promise; asking for nothing is never refused.
    fn release(&mut self, holder: Holder, variant: VariantId) {
        let ended = self.shelf.promise(holder, variant, 0, self.now);
        debug_assert_eq!(ended, Ok(()), "ending a promise cannot fall short");
    }

    pub(super) fn release_order(&mut self, order: OrderId) {
        for hold in self.shelf.holds(Holder::Order(order)) {
            self.release(hold.holder, hold.variant_id);
        }
    }

    /// Units of an order by variant, in ascending id.
    pub(super) fn units(&self, order: OrderId) -> Vec<(VariantId, i64)> {
        let mut units = std::collections::BTreeMap::new();
        for line in self.book.lines(order) {
            *units.entry(line.variant_id).or_insert(0) += line.quantity;
        }
        units.into_iter().collect()
    }

    /// What is not there to sell, of these units.
    pub(super) fn short(&self, units: &[(VariantId, i64)]) -> Vec<Short> {
        let short = |&(variant_id, wanted): &(VariantId, i64)| {
            let available = self.shelf.available(variant_id);
            (wanted > available).then_some(Short { variant_id, wanted, available })
        };
        units.iter().filter_map(short).collect()
    }

    fn cancel(&mut self, id: OrderId, who: Who, reason: Option<&str>) -> Outcome {
        use orders::State::{Cancelled, CashDue, Packed, Paid, Pending};
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let allowed = match who {
            Who::Customer(customer) if customer != order.customer_id => {
                return Err(Refusal::NotFound("order"));
            }
            Who::Customer(_) => matches!(order.state, Pending | CashDue | Paid),
            Who::Staff(_) => matches!(order.state, Pending | CashDue | Paid | Packed),
        };
        let (state, settled_by) = (order.state, order.settled_by);
        let claimed = order.claimed_by.is_some();
        if !allowed {
            return Err(Refusal::OrderState { state, wanted: Cancelled });
        }
        if claimed {
            return Err(Refusal::PaymentUnderWay);
        }
        self.step(id, Cancelled, who.actor(), reason)?;
        if state == Pending {
            if !planted::is(Bug::ForgottenRelease) {
                self.release_order(id);
            }
            self.close_attempts(id, None);
            return Ok(Done::Nothing);
        }
        if !planted::is(Bug::NothingTakenBack) {
            self.take_all_back(id);
        }
        if let Some(attempt) = settled_by.filter(|_| !planted::is(Bug::CancelWithoutRefund)) {
            let why = (Origin::Cancelled, "the order was cancelled");
            self.till.send_back(self.env, attempt, why, self.now);
            self.all_gone_back(id, attempt)?;
        }
        kernel::crash_point!("lane.cancel-decided");
        Ok(Done::Nothing)
    }

    fn expire(&mut self, id: OrderId) -> Outcome {
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let over = order.pay_by.is_some_and(|pay_by| pay_by <= self.now);
        if order.state == orders::State::Pending && over && order.claimed_by.is_none() {
            self.step(id, orders::State::Expired, Actor::Clock, None)?;
            if !planted::is(Bug::ExpiredKeepsHolds) {
                self.release_order(id);
            }
            self.close_attempts(id, None);
            kernel::crash_point!("lane.expiry-decided");
        }
        Ok(Done::Nothing)
    }

    fn advance(&mut self, id: OrderId, to: orders::State, actor: Actor) -> Outcome {
        use orders::State::{Delivered, Packed, Shipped};
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        if !matches!(to, Packed | Shipped | Delivered) {
            return Err(Refusal::OrderState { state: order.state, wanted: to });
        }
        self.step(id, to, actor, None)?;
        kernel::crash_point!("lane.advance-decided");
        Ok(Done::Nothing)
    }

    pub(super) fn step(
        &mut self,
        id: OrderId,
        to: orders::State,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<(), Refusal> {
        self.book
            .step(id, to, actor, note.map(str::to_owned), self.now)
            .map_err(|no| Refusal::OrderState { state: no.from, wanted: no.to })
    }
}
