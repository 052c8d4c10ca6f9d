//! What people may ask of the data about them: a copy of all of it, and that it be forgotten.

use identity::personal::{self, PersonalRequest, Wish};
use kernel::{AccountId, Fault, SessionId, SignedDuration, Timestamp};
use orders::Order;
use serde_json::{Value, json};
use store::Read;

use crate::Answer;
use crate::cart::Owner;
use crate::quote::later;
use crate::shop::Shop;

/// Requests one round takes up.
const ROUND: i64 = 10;
/// Orders that are read at once.
const PAGE: u32 = 200;
/// When something that waits is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

impl Shop {
    /// Asks for a copy of everything that is known of an account. Asking again while one is being
    /// made or can be fetched gives that one.
    pub async fn ask_for_copy(&self, account: AccountId) -> Result<PersonalRequest, Fault> {
        let (env, now) = (self.env.clone(), self.env.now());
        self.db.write(move |tx| personal::ask(tx, &env, account, Wish::Export, now)).await
    }

    /// Asks that somebody be forgotten. From here on nobody signs in with the account. It is done
    /// when what they were shown can no longer become an order, and when their orders and their
    /// money have come to an end.
    /// Gives the sessions that ended with it.
    pub async fn ask_to_be_forgotten(
        &self,
        account: AccountId,
    ) -> Result<(PersonalRequest, Vec<SessionId>), Fault> {
        let env = self.env.clone();
        let due = later(self.env.now(), self.settings.quote + SignedDuration::from_mins(1));
        self.db
            .write(move |tx| {
                let ended = personal::shut_out(tx, &env, account)?;
                Ok((personal::ask(tx, &env, account, Wish::Erasure, due)?, ended))
            })
            .await
    }

    /// Carries out what is due; gives how many requests were looked at.
    pub async fn answer_people(&self) -> Answer<usize> {
        let now = self.env.now();
        let due = self.db.read(move |read| personal::due(read, now, ROUND)).await?;
        let count = due.len();
        for request in due {
            match request.wish {
                Wish::Export if request.done_at.is_none() => self.copy(&request).await?,
                Wish::Export => {
                    let id = request.id;
                    self.db.write(move |tx| personal::over(tx, id, now)).await?;
                }
                Wish::Erasure => self.forget(&request).await?,
            }
        }
        Ok(count)
    }

    async fn copy(&self, request: &PersonalRequest) -> Result<(), Fault> {
        let (id, account, now) = (request.id, request.account_id, self.env.now());
        let copy = self.db.read_long(move |read| everything(read, account, now)).await?;
        self.db.write(move |tx| personal::copied(tx, id, &copy.to_string(), now)).await
    }

    async fn forget(&self, request: &PersonalRequest) -> Answer<()> {
        let (id, account, now) = (request.id, request.account_id, self.env.now());
        // What is in the cart is held by nobody else afterwards.
        self.clear_cart(Owner::Account(account)).await?;
        self.db
            .write(move |tx| {
                let orders = orders_of(tx, account)?;
                if let Some(waits_for) = open(tx, &orders)? {
                    return personal::put_off(tx, id, waits_for, later(now, AGAIN));
                }
                orders::erase(tx, &orders)?;
                for order in &orders {
                    payments::erase(tx, order.id)?;
                }
                store::idempotency::forget_scope(tx, account.0)?;
                personal::erase(tx, account, now)?;
                personal::over(tx, id, now)
            })
            .await
            .map_err(Into::into)
    }
}

/// What keeps somebody from being forgotten yet.
fn open(read: &mut Read<'_>, orders: &[Order]) -> Result<Option<&'static str>, Fault> {
    use orders::State::{CashDue, Packed, Paid, Pending, Shipped};
    let under_way = [Pending, CashDue, Paid, Packed, Shipped];
    if orders.iter().any(|order| under_way.contains(&order.state)) {
        return Ok(Some("an order that is on its way"));
    }
    for order in orders {
        if payments::is_under_way(read, order.id)? {
            return Ok(Some("money that is on its way"));
        }
    }
    Ok(None)
}

fn orders_of(read: &mut Read<'_>, account: AccountId) -> Result<Vec<Order>, Fault> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = orders::page_of_customer(read, account, before, PAGE)?;
        all.extend(page.orders);
        before = page.next;
        if before.is_none() {
            return Ok(all);
        }
    }
}

/// Everything the shop knows of somebody, as of one moment.
fn everything(read: &mut Read<'_>, account: AccountId, now: Timestamp) -> Result<Value, Fault> {
    let person = personal::everything(read, account, now)?;
    let cart = match carts::find(read, account)? {
        None => Vec::new(),
        Some(cart) => carts::lines(read, cart.id)?.answer(read)?,
    };
    let cart: Vec<Value> = cart
        .iter()
        .map(|line| {
            json!({
                "variant_id": line.variant_id, "quantity": line.quantity,
                "selected": line.selected, "added_at": line.added_at,
            })
        })
        .collect();
    let mut orders = Vec::new();
    for order in orders_of(read, account)? {
        orders.push(story(read, &order)?);
    }
    Ok(json!({ "made_at": now, "account": person, "cart": cart, "orders": orders }))
}

fn story(read: &mut Read<'_>, order: &Order) -> Result<Value, Fault> {
    let lines: Vec<Value> = orders::lines(read, order.id)?
        .into_iter()
        .map(|line| {
            json!({
                "sku": line.sku, "title": line.title, "quantity": line.quantity,
                "unit_price": line.unit_price, "line_total": line.line_total,
            })
        })
        .collect();
    let history: Vec<Value> = orders::history(read, order.id)?
        .into_iter()
        .map(|step| {
            json!({ "from": step.from_state, "to": step.to_state, "note": step.note, "at": step.at })
        })
        .collect();
    let mut paid = Vec::new();
    for attempt in payments::of_order(read, order.id)? {
        let asked: Value = serde_json::from_str(&attempt.details).unwrap_or_default();
        paid.push(json!({
            "gateway": attempt.gateway, "state": attempt.state.as_str(), "amount": attempt.amount,
            "reference": attempt.reference, "method": attempt.method, "told": asked,
            "captured": attempt.captured, "refunded": attempt.refunded,
            "created_at": attempt.created_at,
        }));
    }
    let refunds: Vec<Value> = payments::refunds_of_order(read, order.id)?
        .into_iter()
        .map(|refund| {
            json!({
                "amount": refund.amount, "state": refund.state.as_str(), "reason": refund.reason,
                "created_at": refund.created_at,
            })
        })
        .collect();
    let address: Value = serde_json::from_str(&order.address).unwrap_or_default();
    Ok(json!({
        "number": order.number, "id": order.id, "state": order.state, "placed_at": order.placed_at,
        "payment_method": order.payment_method, "address": address, "lines": lines,
        "currency": order.totals.currency, "merchandise": order.totals.merchandise,
        "discount": order.totals.discount, "shipping": order.totals.shipping,
        "tax": order.totals.tax, "total": order.totals.total,
        "history": history, "payments": paid, "refunds": refunds,
    }))
}
