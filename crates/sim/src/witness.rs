//! What was seen from outside: what the shop has confirmed, what it showed, and what cannot be
//! true beside it. Nobody asks the shop's tables here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flows::{Placed, Quote, Refusal};
use jobs::Consumer;
use kernel::{AccountId, AttemptId, Money, OrderId, Timestamp, Uuid, VariantId};
use store::outbox;

use crate::trace::short;

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule it breaks, in a few words that stay the same.
    pub rule: String,
    /// Where and how.
    pub words: String,
}

/// An order that the shop has confirmed.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// What it costs, as confirmed.
    pub total: Money,
    /// What people say.
    pub number: String,
    /// Whose.
    pub customer: AccountId,
}

/// A price that was set, and when it was: between the two numbers.
#[derive(Clone, Copy, Debug)]
struct PriceSet {
    price: i64,
    asked: u64,
    done: u64,
}

#[derive(Default)]
struct Notes {
    step: u64,
    confirmed: BTreeMap<OrderId, Confirmed>,
    cancelled: BTreeSet<OrderId>,
    /// Orders of which staff asked for money to be given back.
    refunds_asked: BTreeSet<OrderId>,
    /// Every attempt to pay that a customer was told of.
    attempts: BTreeMap<AttemptId, OrderId>,
    prices: BTreeMap<VariantId, Vec<PriceSet>>,
    /// Units that staff have added, confirmed.
    added: BTreeMap<VariantId, i64>,
    /// Variants of which it is not known.
    unknown: BTreeSet<VariantId>,
    events: BTreeMap<(Uuid, i64), usize>,
    violations: Vec<Violation>,
}

/// The notes of everybody outside. Clones share them.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Notes>>);

/// A time in which something was asked and answered.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The step before it was asked.
    pub asked: u64,
    /// What the shop's clock showed then.
    pub clock: Timestamp,
}

impl Witness {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts steps, so that what came before what can be said.
    pub fn step(&self) -> u64 {
        let mut notes = self.notes();
        notes.step += 1;
        notes.step
    }

    /// Notes that a rule was broken.
    pub fn accuse(&self, rule: impl Into<String>, words: impl Into<String>) {
        let violation = Violation { rule: rule.into(), words: words.into() };
        let mut notes = self.notes();
        if !notes.violations.contains(&violation) {
            notes.violations.push(violation);
        }
    }

    /// Everything that was found.
    pub fn violations(&self) -> Vec<Violation> {
        self.notes().violations.clone()
    }

    /// The shop answered an order. `quote` is what the customer saw, `span` begins before the
    /// request.
    pub fn placed(&self, quote: &Quote, placed: &Placed, span: Span, clock: Timestamp) {
        let step = self.step();
        if placed.total.minor != quote.totals.total {
            let words = format!("{} instead of {}", placed.total, quote.totals.total);
            self.accuse("an order costs what was shown", words);
        }
        // A clock that jumped meanwhile may have been right for a moment.
        if !placed.replayed && span.clock.min(clock) >= quote.expires_at {
            let words = format!("order {} of a quote until {}", placed.number, quote.expires_at);
            self.accuse("a quote ends", words);
        }
        if !placed.replayed {
            for line in &quote.lines {
                self.check_price(line.variant_id, line.unit_price, (span.asked, step));
            }
        }
        let known = self.notes().confirmed.get(&placed.id).cloned();
        match known {
            Some(known) if known.total != placed.total || known.number != placed.number => {
                let words = format!("order {} was {} before", placed.number, known.number);
                self.accuse("the same request has the same answer", words);
            }
            Some(_) => {}
            None => {
                let customer = quote.customer_id;
                let (total, number) = (placed.total, placed.number.clone());
                self.notes().confirmed.insert(placed.id, Confirmed { total, number, customer });
            }
        }
    }

    /// The shop refused a request to place an order.
    pub fn not_placed(&self, quote: &Quote, refusal: &Refusal, confirmed_before: bool) {
        if confirmed_before {
            let words = format!("{} was confirmed and is refused: {refusal}", short(quote.id));
            self.accuse("the same request has the same answer", words);
        }
    }

    /// Whether the shop has confirmed this order.
    pub fn has_confirmed(&self, order: OrderId) -> bool {
        self.notes().confirmed.contains_key(&order)
    }

    /// Orders that were confirmed to this customer, the newest last.
    pub fn orders_of(&self, customer: AccountId) -> Vec<OrderId> {
        let notes = self.notes();
        let of = notes.confirmed.iter().filter(|(_, order)| order.customer == customer);
        of.map(|(id, _)| *id).collect()
    }

    /// Every order that was confirmed.
    pub fn confirmed(&self) -> BTreeMap<OrderId, Confirmed> {
        self.notes().confirmed.clone()
    }

    /// The shop confirmed that an order is called off.
    pub fn cancelled(&self, order: OrderId) {
        self.notes().cancelled.insert(order);
    }

    /// Staff are about to give money of an order back.
    pub fn refund_asked(&self, order: OrderId) {
        self.notes().refunds_asked.insert(order);
    }

    /// Whether staff ever asked for money of an order to be given back.
    pub fn refund_was_asked(&self, order: OrderId) -> bool {
        self.notes().refunds_asked.contains(&order)
    }

    /// Every order that was called off, confirmed.
    pub fn cancellations(&self) -> BTreeSet<OrderId> {
        self.notes().cancelled.clone()
    }

    /// A customer heard where to pay.
    pub fn paying(&self, attempt: AttemptId, order: OrderId) {
        self.notes().attempts.insert(attempt, order);
    }

    /// Every attempt to pay that a customer has heard of.
    pub fn attempts(&self) -> Vec<AttemptId> {
        self.notes().attempts.keys().copied().collect()
    }

    /// A price was asked to be set; noted now, since it may be so from now on.
    pub fn price_asked(&self, variant: VariantId, price: i64) {
        let asked = self.step();
        let set = PriceSet { price, asked, done: u64::MAX };
        self.notes().prices.entry(variant).or_default().push(set);
    }

    /// The price asked for last was confirmed.
    pub fn price_set(&self, variant: VariantId) {
        let step = self.step();
        if let Some(set) = self.notes().prices.entry(variant).or_default().last_mut() {
            set.done = step;
        }
    }

    /// An order at a price that nobody had asked any more, or not yet.
    fn check_price(&self, variant: VariantId, price: i64, (from, to): (u64, u64)) {
        let notes = self.notes();
        let sets = notes.prices.get(&variant).map_or(&[][..], Vec::as_slice);
        let possible = sets.iter().enumerate().any(|(index, set)| {
            let over = sets[index + 1..].iter().any(|later| later.done < from);
            set.price == price && set.asked <= to && !over
        });
        drop(notes);
        if !possible {
            let words = format!("{} sold at {price}", short(variant));
            self.accuse("a price that changed is not taken silently", words);
        }
    }

    /// Staff asked for units to be added, and this came of it: none when nobody knows.
    pub fn adjusted(&self, variant: VariantId, delta: i64, done: Option<bool>) {
        let mut notes = self.notes();
        match done {
            Some(true) => *notes.added.entry(variant).or_default() += delta,
            Some(false) => {}
            None => {
                notes.unknown.insert(variant);
            }
        }
    }

    /// Units that staff have added to a variant; none when that is not known.
    pub fn added(&self, variant: VariantId) -> Option<i64> {
        let notes = self.notes();
        let known = !notes.unknown.contains(&variant);
        known.then(|| notes.added.get(&variant).copied().unwrap_or(0))
    }

    /// How often each event was handed on.
    pub fn events(&self) -> BTreeMap<(Uuid, i64), usize> {
        self.notes().events.clone()
    }
}

impl Consumer for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn handle(&self, event: &outbox::Waiting) -> Result<(), String> {
        *self.notes().events.entry((event.aggregate, event.seq)).or_default() += 1;
        Ok(())
    }
}
