//! What the shop promises, in plain maps: units, carts, holds, quotes, orders, money. No I/O, no
//! batches, no rows. Written from the promises and not from the code that keeps them, so that a
//! trace on which the two differ is a bug in one of them.
//!
//! Things go by small numbers: a variant, a buyer, a quote and an attempt are the nth of their
//! kind, an order has the number of its quote. Time is in seconds, money in minor units.
#![allow(missing_docs, reason = "the words are the shop's own, and say it")]

mod money;
mod payment;
mod picture;
mod stock;
mod words;

use std::collections::BTreeMap;

use flows::Settings;
use kernel::limits::LINE_QUANTITY_MAX;

use payment::Payment;
pub use payment::RATES;
pub use picture::*;
use stock::{Hold, Holder};
pub use words::*;

#[derive(Clone, Copy, Debug)]
struct Line {
    quantity: i64,
    selected: bool,
}

#[derive(Clone, Default, Debug)]
struct Cart {
    lines: BTreeMap<Variant, Line>,
    changes: u64,
}

#[derive(Clone, Debug)]
struct Quote {
    buyer: Buyer,
    /// How often the cart had changed; none when bought directly.
    cart: Option<u64>,
    /// Units and price of one.
    lines: BTreeMap<Variant, (i64, i64)>,
    total: i64,
    until: i64,
}

/// What came of an act, or why nothing did.
pub type Answer = Result<Done, No>;

/// The whole shop.
#[derive(Clone, Default, Debug)]
pub struct Model {
    rules: Settings,
    now: i64,
    on_hand: Vec<i64>,
    sold: Vec<i64>,
    /// What one costs, and whether it can be bought.
    prices: Vec<(i64, bool)>,
    carts: BTreeMap<Buyer, Cart>,
    holds: BTreeMap<(Holder, Variant), Hold>,
    quotes: Vec<Quote>,
    orders: BTreeMap<Number, Order>,
    payments: Vec<Payment>,
    /// Units of an order's lines that came back.
    restocked: BTreeMap<(Number, Variant), i64>,
    keys: BTreeMap<(Who, &'static str, u8), (Act, Done)>,
}

impl Model {
    /// A shop that has just received `goods`: units and the price of one.
    pub fn open(rules: Settings, goods: &[(i64, i64)]) -> Self {
        Self {
            rules,
            on_hand: goods.iter().map(|(units, _)| *units).collect(),
            sold: vec![0; goods.len()],
            prices: goods.iter().map(|(_, price)| (*price, true)).collect(),
            ..Self::default()
        }
    }

    /// Does it, or says why not; then nothing has changed. The same key with the same wish is
    /// answered as before.
    pub fn act(&mut self, act: &Act) -> Answer {
        let key = act.key();
        match key.and_then(|key| self.keys.get(&key)) {
            Some((before, done)) if before == act => return Ok(done.clone()),
            Some(_) => return Err(No::KeyReused),
            None => {}
        }
        let done = self.really(act)?;
        if let Some(key) = key {
            self.keys.insert(key, (act.clone(), done.clone()));
        }
        Ok(done)
    }

    fn really(&mut self, act: &Act) -> Answer {
        match *act {
            Act::Put { buyer, variant, more } => {
                let has = self.carts.get(&buyer).and_then(|cart| cart.lines.get(&variant));
                let has = has.map_or(0, |line| line.quantity);
                self.set(buyer, variant, has + more)
            }
            Act::Set { buyer, variant, quantity } => self.set(buyer, variant, quantity),
            Act::Select { buyer, variant, selected } => self.select(buyer, variant, selected),
            Act::Clear { buyer } => Ok(self.clear(buyer)),
            Act::Extend { buyer } => self.extend(buyer),
            Act::Quote { buyer } => self.quote_cart(buyer),
            Act::QuoteOne { buyer, variant, quantity } => self.quote_one(buyer, variant, quantity),
            Act::Place { buyer, quote, cash } => self.place(buyer, quote, cash),
            Act::Pay { buyer, order, gateway, key } => self.pay(buyer, order, gateway, key),
            Act::News { attempt, says, fit } => self.news(attempt, says, fit),
            Act::GiveBack { order, of, .. } => self.give_back(order, of),
            Act::Cash { order, received, .. } => self.cash(order, received),
            Act::RefundsEnd { order, succeeded } => Ok(self.refunds_end(order, succeeded)),
            Act::Cancel { who, order, .. } => self.cancel(who, order),
            Act::Advance { order, to, .. } => self.advance(order, to),
            Act::Adjust { variant, delta, .. } => self.adjust(variant, delta),
            Act::Price { variant, price } => {
                let before = self.prices[variant].0;
                self.prices[variant] = (price.unwrap_or(before), price.is_some());
                Ok(Done::Nothing)
            }
            Act::Wait { seconds } => {
                self.now += seconds;
                Ok(Done::Nothing)
            }
            Act::Sweep => Ok(self.sweep()),
        }
    }
}

/// Carts and quotes.
impl Model {
    fn set(&mut self, buyer: Buyer, variant: Variant, quantity: i64) -> Answer {
        let for_sale = self.prices[variant].1;
        if !for_sale && !self.carts.contains_key(&buyer) {
            return Err(No::NotFound("variant"));
        }
        let has = self.carts.entry(buyer).or_default().lines.get(&variant).copied();
        let had = has.map_or(0, |line| line.quantity);
        if !(0..=LINE_QUANTITY_MAX).contains(&quantity) {
            return Err(No::QuantityInvalid { min: 0 });
        }
        if quantity > had && !for_sale {
            return Err(No::NotFound("variant"));
        }
        if quantity == 0 && had == 0 {
            return Err(No::NotFound("line"));
        }
        let holder = Holder::Cart(buyer);
        match self.promise(holder, variant, quantity) {
            // Fewer than before is never refused; what cannot be held again is let go.
            Err(_) if quantity < had => drop(self.holds.remove(&(holder, variant))),
            promised => promised?,
        }
        let cart = self.carts.entry(buyer).or_default();
        cart.changes += 1;
        let selected = has.is_none_or(|line| line.selected);
        cart.lines.insert(variant, Line { quantity, selected });
        cart.lines.retain(|_, line| line.quantity > 0);
        self.is_there(buyer);
        Ok(Done::Nothing)
    }

    fn select(&mut self, buyer: Buyer, only: Option<Variant>, selected: bool) -> Answer {
        let Some(cart) = self.carts.get_mut(&buyer) else {
            return only.map_or(Ok(Done::Nothing), |_| Err(No::NotFound("line")));
        };
        if only.is_some_and(|variant| !cart.lines.contains_key(&variant)) {
            return Err(No::NotFound("line"));
        }
        let meant =
            cart.lines.iter_mut().filter(|(variant, _)| only.is_none_or(|v| v == **variant));
        for (_, line) in meant.filter(|(_, line)| line.selected != selected) {
            line.selected = selected;
            cart.changes += 1;
        }
        self.is_there(buyer);
        Ok(Done::Nothing)
    }

    fn clear(&mut self, buyer: Buyer) -> Done {
        if let Some(cart) = self.carts.get_mut(&buyer).filter(|cart| !cart.lines.is_empty()) {
            cart.lines.clear();
            cart.changes += 1;
        }
        self.holds.retain(|(holder, _), _| *holder != Holder::Cart(buyer));
        Done::Nothing
    }

    /// Refused when nothing at all could be given.
    fn extend(&mut self, buyer: Buyer) -> Answer {
        let lines = self.carts.get(&buyer).map(|cart| cart.lines.clone()).unwrap_or_default();
        let mut given = lines.is_empty();
        let mut short = Vec::new();
        for (&variant, line) in &lines {
            if self.held_until(buyer, variant).is_some() {
                given |= self.more_time(buyer, variant);
            } else {
                match self.promise(Holder::Cart(buyer), variant, line.quantity) {
                    Err(No::OutOfStock(missing)) => short.extend(missing),
                    _ => given = true,
                }
            }
        }
        match short.is_empty() {
            _ if given => Ok(Done::Nothing),
            true => Err(No::HoldUsedUp),
            false => Err(No::OutOfStock(short)),
        }
    }

    fn quote_cart(&mut self, buyer: Buyer) -> Answer {
        let cart = self.carts.get(&buyer).ok_or(No::NothingSelected)?;
        let selected = cart.lines.iter().filter(|(_, line)| line.selected);
        let wanted: BTreeMap<_, _> = selected.map(|(v, line)| (*v, line.quantity)).collect();
        if wanted.is_empty() {
            return Err(No::NothingSelected);
        }
        self.quote(buyer, Some(cart.changes), wanted)
    }

    fn quote_one(&mut self, buyer: Buyer, variant: Variant, quantity: i64) -> Answer {
        if !(1..=LINE_QUANTITY_MAX).contains(&quantity) {
            return Err(No::QuantityInvalid { min: 1 });
        }
        self.quote(buyer, None, [(variant, quantity)].into())
    }

    /// What it costs now. Nothing is promised by it but the price.
    fn quote(&mut self, buyer: Buyer, cart: Option<u64>, wanted: BTreeMap<Variant, i64>) -> Answer {
        if wanted.keys().any(|variant| !self.prices[*variant].1) {
            return Err(No::NotFound("variant"));
        }
        let units = wanted.iter().map(|(variant, units)| (*variant, *units));
        let short = match cart {
            Some(_) => self.short(Holder::Cart(buyer), units),
            None => self.short(Holder::Order(self.quotes.len()), units),
        };
        let lines: BTreeMap<_, _> =
            wanted.into_iter().map(|(v, units)| (v, (units, self.prices[v].0))).collect();
        let merchandise: i64 = lines.values().map(|(units, price)| units * price).sum();
        let total = merchandise + self.rules.shipping;
        let items = lines.values().map(|(units, _)| units).sum();
        let until = self.now + self.rules.quote.as_secs();
        self.quotes.push(Quote { buyer, cart, lines, total, until });
        Ok(Done::Quoted { total, items, short })
    }
}

/// Orders and money.
impl Model {
    fn place(&mut self, buyer: Buyer, number: Number, cash: bool) -> Answer {
        let quote = self.quotes[number].clone();
        if quote.buyer != buyer {
            return Err(No::NotFound("quote"));
        }
        if let Some(order) = self.orders.get(&number) {
            if order.cash != cash {
                return Err(No::KeyReused);
            }
            let (state, total) = (order.state, order.total);
            return Ok(Done::Placed { order: number, state, total, replayed: true });
        }
        if quote.until <= self.now {
            return Err(No::QuoteExpired);
        }
        let cart = self.carts.get(&buyer).map(|cart| cart.changes);
        if quote.cart.is_some() && quote.cart != cart {
            let twin =
                |n: &Number| self.quotes[*n].buyer == buyer && self.quotes[*n].cart == quote.cart;
            let twin = self.orders.keys().copied().find(twin);
            return Err(twin.map_or(No::CartChanged, No::CartAlreadyOrdered));
        }
        let other = |(&variant, &(_, was)): (&Variant, &(i64, i64))| {
            let (price, for_sale) = self.prices[variant];
            let now = for_sale.then_some(price);
            (now != Some(was)).then_some((variant, was, now))
        };
        let changes: Vec<_> = quote.lines.iter().filter_map(other).collect();
        if !changes.is_empty() {
            return Err(No::QuoteChanged(changes));
        }
        let taker = quote.cart.map_or(Holder::Order(number), |_| Holder::Cart(buyer));
        let units: Vec<_> = quote.lines.iter().map(|(v, (units, _))| (*v, *units)).collect();
        let short = self.short(taker, units.iter().copied());
        if !short.is_empty() {
            return Err(No::OutOfStock(short));
        }
        for (variant, units) in units {
            self.holds.remove(&(taker, variant));
            if let Some(cart) = self.carts.get_mut(&buyer).filter(|_| quote.cart.is_some()) {
                cart.lines.remove(&variant);
                cart.changes += 1;
            }
            self.promise(Holder::Order(number), variant, units)?;
        }
        if cash {
            self.sell(number, 1);
        }
        let state = if cash { State::CashDue } else { State::Pending };
        let pay_by = Some(self.now + self.rules.payment.as_secs()).filter(|_| !cash);
        let (total, settled_by, claimed_by) = (quote.total, None, None);
        let order = Order { number, buyer, cash, state, total, settled_by, claimed_by, pay_by };
        self.orders.insert(number, order);
        Ok(Done::Placed { order: number, state, total, replayed: false })
    }

    fn cancel(&mut self, who: Who, number: Number) -> Answer {
        use State::{Cancelled, CashDue, Packed, Paid, Pending};
        let order = self.orders.get_mut(&number).ok_or(No::NotFound("order"))?;
        if matches!(who, Who::Buyer(buyer) if buyer != order.buyer) {
            return Err(No::NotFound("order"));
        }
        let state = order.state;
        if !matches!(state, Pending | CashDue | Paid) && (state, who) != (Packed, Who::Staff) {
            return Err(No::OrderState { state, wanted: Cancelled });
        }
        if order.claimed_by.is_some() {
            return Err(No::PaymentUnderWay);
        }
        order.state = Cancelled;
        let settled_by = order.settled_by;
        if let Some(payment) = settled_by {
            self.payments[payment].send_all_back();
        }
        self.holds.retain(|(holder, _), _| *holder != Holder::Order(number));
        if state == Pending {
            self.close(number, None);
        } else {
            self.take_all_back(number);
        }
        Ok(Done::Nothing)
    }

    fn advance(&mut self, number: Number, wanted: State) -> Answer {
        use State::{CashDue, Delivered, Packed, Paid, Shipped};
        let order = self.orders.get_mut(&number).ok_or(No::NotFound("order"))?;
        let state = order.state;
        match (state, wanted) {
            (CashDue | Paid, Packed) | (Packed, Shipped) | (Shipped, Delivered) => {
                order.state = wanted;
                Ok(Done::Nothing)
            }
            _ => Err(No::OrderState { state, wanted }),
        }
    }

    fn sweep(&mut self) -> Done {
        let now = self.now;
        let over = |order: &&Order| {
            let waits = order.state == State::Pending && order.claimed_by.is_none();
            waits && order.pay_by <= Some(now)
        };
        let over: Vec<Number> = self.orders.values().filter(over).map(|o| o.number).collect();
        for number in over {
            self.holds.retain(|(holder, _), _| *holder != Holder::Order(number));
            self.close(number, None);
            if let Some(order) = self.orders.get_mut(&number) {
                order.state = State::Expired;
            }
        }
        self.holds.retain(|(holder, _), hold| match holder {
            Holder::Cart(_) => hold.until > now,
            Holder::Order(_) => true,
        });
        Done::Nothing
    }
}
