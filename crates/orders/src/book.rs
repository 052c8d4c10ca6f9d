//! The orders a batch of commands works on: loaded under lock, changed in memory, written back.

use std::collections::{BTreeSet, HashMap};

use kernel::planted::{self, Bug};
use kernel::{CartId, Fault, OrderId, Timestamp};
use store::outbox::Event;
use store::{Asked, Param, Tracked, Tx};

use crate::lifecycle::{NotAllowed, State};
use crate::order::{Actor, Line, Order, Step};
use crate::sql;

/// Each step writes a row of history and an event with the same number, so that both are
/// without a gap and neither is without the other.
#[derive(Default, Debug)]
pub struct Book {
    orders: Tracked<OrderId, Order>,
    lines: HashMap<OrderId, Vec<Line>>,
    new_lines: Vec<Line>,
    restocked: BTreeSet<(OrderId, i64)>,
    by_cart: HashMap<(CartId, i64), OrderId>,
    steps: Vec<Step>,
    events: Vec<Event>,
}

impl Book {
    /// Asks for orders and locks them; [`Book::take`] takes the answer.
    pub fn ask(
        &self,
        tx: &mut Tx<'_>,
        ids: impl IntoIterator<Item = OrderId>,
    ) -> Result<Asked<Order>, Fault> {
        tx.ask_by_key(&sql::ORDERS_LOCKED, ids)
    }

    /// Takes orders as they are in the database. An id that is not there is simply not loaded.
    pub fn take(&mut self, orders: Vec<Order>) {
        self.orders.load(orders.into_iter().map(|order| (order.id, order)));
    }

    /// Asks for orders to be answered from, and not to be changed: without a lock.
    pub fn look(
        &self,
        tx: &mut Tx<'_>,
        ids: impl IntoIterator<Item = OrderId>,
    ) -> Result<Asked<Order>, Fault> {
        tx.ask_by_key(&sql::ORDERS, ids)
    }

    /// Loads the lines of orders.
    pub fn load_lines(
        &mut self,
        tx: &mut Tx<'_>,
        ids: impl IntoIterator<Item = OrderId>,
    ) -> Result<(), Fault> {
        for line in tx.rows_by_key::<Line, _>(&sql::LINES, ids)? {
            self.lines.entry(line.order_id).or_default().push(line);
        }
        Ok(())
    }

    /// A loaded or new order.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// The lines of a loaded or new order.
    pub fn lines(&self, id: OrderId) -> &[Line] {
        self.lines.get(&id).map_or(&[], Vec::as_slice)
    }

    /// All variants in loaded lines.
    pub fn variants(&self) -> impl Iterator<Item = kernel::VariantId> {
        self.lines.values().flatten().map(|line| line.variant_id)
    }

    /// An order of this batch that was made from this version of a cart.
    pub fn made_from(&self, cart: CartId, version: i64) -> Option<&Order> {
        self.order(*self.by_cart.get(&(cart, version))?)
    }

    /// Adds a new order; its first step and event go with it. `order.steps` is set here.
    pub fn place(&mut self, mut order: Order, lines: Vec<Line>, actor: Actor) {
        assert!(order.state.may_be_first(), "no order begins {}", order.state);
        order.steps = 0;
        let (id, at) = (order.id, order.placed_at);
        let to = order.state;
        if let Some(made_from) = order.cart {
            self.by_cart.insert(made_from, id);
        }
        self.new_lines.extend(lines.iter().cloned());
        self.lines.insert(id, lines);
        self.orders.put(id, order);
        self.note(id, "new", to, actor, None, at);
    }

    /// Takes a step of the lifecycle.
    pub fn step(
        &mut self,
        id: OrderId,
        to: State,
        actor: Actor,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<(), NotAllowed> {
        let Some(order) = self.orders.get_mut(id) else {
            return Err(NotAllowed { from: to, to });
        };
        let from = order.state;
        from.check(to)?;
        order.state = to;
        self.note(id, from.as_str(), to, actor, note, at);
        Ok(())
    }

    /// Notes whose money made the order paid.
    pub fn settled_by(&mut self, id: OrderId, attempt: kernel::AttemptId) {
        if let Some(order) = self.orders.get_mut(id) {
            order.settled_by = Some(attempt);
            order.claimed_by = None;
        }
    }

    /// Notes whose money is being taken; none when nobody's is any more.
    pub fn claimed_by(&mut self, id: OrderId, attempt: Option<kernel::AttemptId>) {
        if let Some(order) = self.orders.get_mut(id) {
            order.claimed_by = attempt;
        }
    }

    /// Gives an unpaid order time until `until`, if it has less.
    pub fn wait_until(&mut self, id: OrderId, until: Timestamp) {
        if let Some(order) = self.orders.get_mut(id) {
            order.pay_by = order.pay_by.map(|pay_by| pay_by.max(until));
        }
    }

    /// Notes that units of a line came back onto the shelf.
    pub fn restock(&mut self, id: OrderId, position: i64, units: i64) {
        let lines = self.lines.get_mut(&id).into_iter().flatten();
        for line in lines.filter(|line| line.position == position) {
            line.restocked += units;
            self.restocked.insert((id, position));
        }
    }

    fn note(
        &mut self,
        order_id: OrderId,
        from: &str,
        to: State,
        actor: Actor,
        note: Option<String>,
        at: Timestamp,
    ) {
        let Some(order) = self.orders.get_mut(order_id) else { return };
        order.steps += 1;
        let seq = order.steps;
        self.events.push(Event {
            aggregate: order_id.0,
            seq,
            kind: event_kind(to),
            payload: payload(order, from),
            at,
        });
        if planted::is(Bug::HistoryMissing) && to == State::Cancelled {
            return;
        }
        self.steps.push(Step {
            order_id,
            seq,
            from_state: from.to_owned(),
            to_state: to.as_str().to_owned(),
            actor: actor.to_string(),
            note,
            at,
        });
    }

    /// Writes the difference.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.insert_many(&sql::ORDERS_ADD, &self.orders.added(), |(_, order)| bind_order(order))?;
        tx.update_many(&sql::ORDERS_SET, &self.orders.changed(), |(id, order)| {
            [
                id.value(),
                order.state.value(),
                order.settled_by.value(),
                order.claimed_by.value(),
                order.pay_by.value(),
                order.steps.value(),
            ]
        })?;
        tx.insert_many(&sql::LINES_ADD, &self.new_lines, |line| {
            [
                line.order_id.value(),
                line.position.value(),
                line.variant_id.value(),
                line.product_id.value(),
                line.sku.value(),
                line.title.value(),
                line.unit_price.value(),
                line.quantity.value(),
                line.line_total.value(),
            ]
        })?;
        let lines = self.restocked.iter().flat_map(|(id, position)| {
            self.lines(*id).iter().filter(move |line| line.position == *position)
        });
        tx.update_many(&sql::LINES_RESTOCKED, &lines.collect::<Vec<_>>(), |line| {
            [line.order_id.value(), line.position.value(), line.restocked.value()]
        })?;
        tx.insert_many(&sql::HISTORY_ADD, &self.steps, |step| {
            [
                step.order_id.value(),
                step.seq.value(),
                step.from_state.value(),
                step.to_state.value(),
                step.actor.value(),
                step.note.value(),
                step.at.value(),
            ]
        })?;
        store::outbox::add(tx, &self.events)
    }
}

fn bind_order(order: &Order) -> [store::Value<'_>; 20] {
    let (cart, version) = match &order.cart {
        Some((cart, version)) => (cart.value(), version.value()),
        None => (store::Value::Null, store::Value::Null),
    };
    [
        order.id.value(),
        order.number.value(),
        order.customer_id.value(),
        cart,
        version,
        order.state.value(),
        order.payment_method.value(),
        order.totals.currency.value(),
        order.totals.item_count.value(),
        order.totals.merchandise.value(),
        order.totals.discount.value(),
        order.totals.shipping.value(),
        order.totals.tax.value(),
        order.totals.total.value(),
        order.address.value(),
        order.fingerprint.value(),
        order.settled_by.value(),
        order.pay_by.value(),
        order.placed_at.value(),
        order.steps.value(),
    ]
}

fn event_kind(to: State) -> &'static str {
    match to {
        State::Pending => "order.placed",
        State::CashDue => "order.placed_for_cash",
        State::Paid => "order.paid",
        State::Packed => "order.packed",
        State::Shipped => "order.shipped",
        State::Delivered => "order.delivered",
        State::Expired => "order.expired",
        State::Cancelled => "order.cancelled",
        State::Refunded => "order.refunded",
    }
}

/// Built by hand: every value is a number, a UUID, or a word of ours, and this runs for each
/// step of each order.
fn payload(order: &Order, from: &str) -> String {
    format!(
        r#"{{"order_id":"{}","number":"{}","from":"{from}","state":"{}","total":{{"minor":{},"currency":"{}"}}}}"#,
        order.id, order.number, order.state, order.totals.total, order.totals.currency
    )
}
