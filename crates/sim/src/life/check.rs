//! What must hold on the way, and what must have become of everything at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use kernel::{AttemptId, Currency, Fault, Money, OrderId, RefundId, SignedDuration, Uuid};
use orders::State;
use store::testing::Memory;
use store::{Db, Read, from_row};

use super::scene::Scene;
use crate::bank::{Lie, Payment, Stands};
use crate::sql;
use crate::town::{may_cost, settings};
use crate::trace::short;
use crate::witness::Witness;

struct Order {
    id: OrderId,
    state: State,
    total: i64,
    currency: Currency,
    settled_by: Option<AttemptId>,
    number: String,
    payment_method: String,
}

from_row!(Order { id, state, total, currency, settled_by, number, payment_method });

struct Attempt {
    id: AttemptId,
    order_id: OrderId,
    state: String,
    review: Option<String>,
    orphan: bool,
    reference: Option<String>,
    refunded: i64,
}

from_row!(Attempt { id, order_id, state, review, orphan, reference, refunded });

/// The shop's tables, past every door.
struct Look {
    db: Db,
}

impl Look {
    fn at(memory: &Memory) -> Self {
        Self { db: memory.open(Arc::new(()), None) }
    }

    /// What `ask` finds; nothing waits here.
    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Read<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        now(self.db.read(ask))
    }
}

fn now<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(Fault::Broken("a look into the tables waits".into())),
    }
}

/// What must hold at every moment. What should have happened by itself may be late.
pub(super) fn on_the_way(scene: &Scene, memory: &Memory) {
    invariants(scene, memory, SignedDuration::from_hours(24 * 365));
    extensions(scene, memory);
}

fn invariants(scene: &Scene, memory: &Memory, grace: SignedDuration) {
    let look = Look::at(memory);
    let clock = scene.shop_clock();
    match now(reports::verify(&look.db, clock, grace)) {
        Err(fault) => scene.witness.accuse("the tables can be read", fault.to_string()),
        Ok(report) if report.violations > 0 => {
            for finding in report.invariants.iter().filter(|finding| finding.violations > 0) {
                scene.witness.accuse(finding.name, finding.rows.join(" "));
            }
        }
        Ok(_) => {}
    }
}

/// What must have become of everything.
pub(super) fn at_the_end(scene: &Scene, memory: &Memory) {
    invariants(scene, memory, SignedDuration::ZERO);
    let look = Look::at(memory);
    let looked = look_around(scene, &look);
    if let Err(fault) = looked {
        scene.witness.accuse("the tables can be read", fault.to_string());
    }
}

fn look_around(scene: &Scene, look: &Look) -> Result<(), Fault> {
    let orders: Vec<Order> = look.ask(|read| read.rows(&sql::ORDERS, &[]))?;
    let attempts: Vec<Attempt> = look.ask(|read| read.rows(&sql::ATTEMPTS, &[]))?;
    let orders: BTreeMap<OrderId, Order> =
        orders.into_iter().map(|order| (order.id, order)).collect();
    confirmed_orders(&scene.witness, &orders);
    money(scene, &orders, &attempts);
    nothing_waits(scene, look, &orders, &attempts)?;
    stock(scene, look)?;
    notices(scene, look)?;
    events(scene, look)
}

fn confirmed_orders(witness: &Witness, orders: &BTreeMap<OrderId, Order>) {
    for (id, confirmed) in witness.confirmed() {
        let Some(order) = orders.get(&id) else {
            witness.accuse("a confirmed order is there", confirmed.number);
            continue;
        };
        if Money::new(order.total, order.currency) != confirmed.total {
            witness.accuse("a confirmed order costs what was confirmed", confirmed.number);
        }
    }
    for id in witness.cancellations() {
        let ended = |order: &Order| matches!(order.state, State::Cancelled | State::Refunded);
        if !orders.get(&id).is_some_and(ended) {
            witness.accuse("what was called off stays so", short(id).to_string());
        }
    }
}

/// The bank's book beside the shop's.
fn money(scene: &Scene, orders: &BTreeMap<OrderId, Order>, attempts: &[Attempt]) {
    let witness = &scene.witness;
    let attempts: BTreeMap<AttemptId, &Attempt> =
        attempts.iter().map(|attempt| (attempt.id, attempt)).collect();
    let mut keeps: BTreeSet<OrderId> = BTreeSet::new();
    for payment in scene.bank.payments() {
        let reference = &payment.reference;
        let Some(attempt) = attempts.get(&payment.attempt) else {
            witness.accuse("a payment has its attempt", reference);
            continue;
        };
        if payment.stands != Stands::Captured {
            not_taken(witness, &payment, attempt);
            continue;
        }
        if attempt.review.is_some() {
            if payment.lie.is_none() {
                witness.accuse("only what does not fit waits for a person", reference);
            }
            continue;
        }
        // Whoever never heard the right reference cannot know that this one is not.
        let knew = attempt.reference.as_deref() == Some(reference.as_str());
        if payment.lie == Some(Lie::Reference) && knew && attempt.state == "captured" {
            let words = format!("{reference} was taken for {}", payment.says);
            witness.accuse("what does not fit waits for a person", words);
        }
        if payment.charged != payment.asked {
            let words = format!("{reference}: {} for {}", payment.charged, payment.asked);
            witness.accuse("what does not fit waits for a person", words);
        }
        let order = orders.get(&attempt.order_id);
        let earned = order.filter(|order| {
            order.settled_by == Some(attempt.id)
                && order.state.has_sold()
                && may_cost(
                    Money::new(order.total, order.currency),
                    payment.gateway,
                    payment.charged,
                )
        });
        let kept = payment.charged.minor - payment.refunded;
        if payment.refunded != attempt.refunded {
            let words = format!("{reference}: {} of {}", attempt.refunded, payment.refunded);
            witness.accuse("what went back is in the books", words);
        }
        match earned {
            Some(order) => {
                if kept != payment.charged.minor && !witness.refund_was_asked(order.id) {
                    witness.accuse("goods that were paid for stay paid for", reference);
                }
                if !keeps.insert(order.id) {
                    witness.accuse("nobody pays twice", &order.number);
                }
            }
            None if kept != 0 => {
                witness.accuse("money without goods goes back", words_of(&payment, order));
            }
            None => {}
        }
    }
    paid_orders_were_paid(scene, orders, &keeps);
}

/// A payment whose money the bank has not taken for the shop.
fn not_taken(witness: &Witness, payment: &Payment, attempt: &Attempt) {
    let reference = &payment.reference;
    if payment.stands == Stands::Authorized && attempt.review.is_none() {
        let words = format!("{reference} is still reserved; ours is {}", attempt.state);
        witness.accuse("reserved money is taken or let go", words);
    }
    if attempt.state == "captured" && payment.lie.is_none() {
        witness.accuse("what is ours was taken", reference);
    }
}

fn paid_orders_were_paid(
    scene: &Scene,
    orders: &BTreeMap<OrderId, Order>,
    keeps: &BTreeSet<OrderId>,
) {
    // No bank knows of cash.
    let at_a_bank = |order: &&Order| order.payment_method != flows::CASH_ON_DELIVERY;
    for order in orders.values().filter(|o| o.settled_by.is_some()).filter(at_a_bank) {
        if order.state.has_sold() && !keeps.contains(&order.id) {
            let lied = |payment: &Payment| {
                Some(payment.attempt) == order.settled_by && payment.lie.is_some()
            };
            if !scene.bank.payments().iter().any(lied) {
                scene.witness.accuse("a paid order was paid", &order.number);
            }
        }
    }
}

fn words_of(payment: &Payment, order: Option<&Order>) -> String {
    let order = order.map_or("no order".to_owned(), |order| {
        format!("order {} is {}", order.number, order.state)
    });
    format!(
        "{} ({}): {} taken, {} went back; {order}",
        payment.reference,
        short(payment.attempt),
        payment.charged,
        payment.refunded
    )
}

fn nothing_waits(
    scene: &Scene,
    look: &Look,
    orders: &BTreeMap<OrderId, Order>,
    attempts: &[Attempt],
) -> Result<(), Fault> {
    let witness = &scene.witness;
    for order in orders.values().filter(|order| order.state == State::Pending) {
        witness.accuse("no order waits for ever", &order.number);
    }
    for attempt in attempts {
        let over = matches!(attempt.state.as_str(), "captured" | "canceled");
        if !over && attempt.review.is_none() {
            let words = format!("{} is {}", short(attempt.id), attempt.state);
            witness.accuse("no attempt to pay waits for ever", words);
        }
        if attempt.orphan && attempt.state != "captured" {
            witness.accuse("only money can be an orphan", short(attempt.id).to_string());
        }
    }
    let holds: Vec<(Uuid, Uuid, i64, i64)> = look.ask(|read| read.rows(&sql::HOLDS, &[]))?;
    for (owner, variant, quantity, _) in holds {
        let words = format!("{} holds {quantity} of {}", short(owner), short(variant));
        witness.accuse("no hold is left", words);
    }
    let refunds: Vec<(RefundId,)> = look.ask(|read| read.rows(&sql::REFUNDS_OPEN, &[]))?;
    for (refund,) in refunds {
        witness.accuse("every refund arrives", short(refund).to_string());
    }
    let notices: Vec<(Uuid,)> = look.ask(|read| read.rows(&sql::NOTICES_WAITING, &[]))?;
    for (notice,) in notices {
        witness.accuse("every notice is looked into", short(notice).to_string());
    }
    Ok(())
}

fn stock(scene: &Scene, look: &Look) -> Result<(), Fault> {
    let stock: Vec<(Uuid, i64, i64)> = look.ask(|read| read.rows(&sql::STOCK, &[]))?;
    for good in &scene.town.goods {
        let Some(added) = scene.witness.added(good.variant) else { continue };
        let found = stock.iter().find(|(id, ..)| *id == good.variant.0);
        let (on_hand, sold) = found.map_or((0, 0), |(_, on_hand, sold)| (*on_hand, *sold));
        if on_hand + sold != good.units + added {
            let words = format!(
                "{}: {on_hand} on hand and {sold} sold of {} and {added}",
                short(good.variant),
                good.units
            );
            scene.witness.accuse("units are neither made nor lost", words);
        }
    }
    Ok(())
}

fn notices(scene: &Scene, look: &Look) -> Result<(), Fault> {
    let kept: Vec<(String, String)> = look.ask(|read| read.rows(&sql::NOTICES, &[]))?;
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, body) in &kept {
        *times.entry(body.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    for (event, times) in &times {
        if *times > 1 {
            scene.witness.accuse("a notice is kept once", *event);
        }
        if event.contains("forged") {
            scene.witness.accuse("a forged notice is refused", *event);
        }
    }
    for event in scene.bank.accepted() {
        if !times.contains_key(event.as_str()) {
            scene.witness.accuse("a notice that was confirmed is there", event);
        }
    }
    Ok(())
}

fn events(scene: &Scene, look: &Look) -> Result<(), Fault> {
    let written: Vec<(Uuid, i64)> = look.ask(|read| read.rows(&sql::EVENTS, &[]))?;
    let heard = scene.witness.events();
    for event in &written {
        if !heard.contains_key(event) {
            let words = format!("{} {}", short(event.0), event.1);
            scene.witness.accuse("every event is handed on", words);
        }
    }
    let all_well = scene.counters.relays_broken.load(Ordering::Relaxed) == 0;
    for ((aggregate, seq), times) in heard {
        if times > 1 && all_well {
            let words = format!("{} {seq}: {times} times", short(aggregate));
            scene.witness.accuse("an event is handed on once while nothing breaks", words);
        }
        if !written.contains(&(aggregate, seq)) {
            let words = format!("{} {seq}", short(aggregate));
            scene.witness.accuse("only what happened is handed on", words);
        }
    }
    Ok(())
}

/// How often a hold may be given more time.
fn extensions(scene: &Scene, memory: &Memory) {
    let look = Look::at(memory);
    let holds: Result<Vec<(Uuid, Uuid, i64, i64)>, Fault> =
        look.ask(|read| read.rows(&sql::HOLDS, &[]));
    let most = settings().hold_extensions_max;
    for (owner, _, _, extensions) in holds.unwrap_or_default() {
        if extensions > most {
            let words = format!("{} was given more time {extensions} times", short(owner));
            scene.witness.accuse("a hold is given more time only so often", words);
        }
    }
}
