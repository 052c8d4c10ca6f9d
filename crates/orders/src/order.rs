//! One order with its lines and its history.

use std::fmt;

use kernel::{
    AccountId, AttemptId, CartId, Currency, Fault, Money, OrderId, ProductId, Timestamp, VariantId,
};
use store::{FromRow, Param, Read, Row, Tx, from_row};

use crate::lifecycle::State;
use crate::sql;
use crate::totals::Totals;

/// An order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// The quote's id, and the order's.
    pub id: OrderId,
    /// What people say.
    pub number: String,
    /// Whose.
    pub customer_id: AccountId,
    /// The cart it was made from and that cart's version, unless it was bought directly.
    pub cart: Option<(CartId, i64)>,
    /// Where it stands.
    pub state: State,
    /// The gateway the buyer chose first, or `cash_on_delivery`.
    pub payment_method: String,
    /// Its sums.
    pub totals: Totals,
    /// Where it goes: the address as it was, JSON.
    pub address: String,
    /// SHA-256 of the request that placed it.
    pub fingerprint: String,
    /// The attempt whose money made it paid.
    pub settled_by: Option<AttemptId>,
    /// The attempt whose money is being taken just now.
    pub claimed_by: Option<AttemptId>,
    /// When it expires unless paid.
    pub pay_by: Option<Timestamp>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Steps taken so far.
    pub steps: i64,
}

impl Order {
    /// What is to be paid.
    pub fn total(&self) -> Money {
        Money::new(self.totals.total, self.totals.currency)
    }
}

impl FromRow for Order {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let cart: (Option<CartId>, Option<i64>) = (row.get(3)?, row.get(4)?);
        Ok(Self {
            id: row.get(0)?,
            number: row.get(1)?,
            customer_id: row.get(2)?,
            cart: cart.0.zip(cart.1),
            state: row.get(5)?,
            payment_method: row.get(6)?,
            totals: Totals {
                currency: row.get::<Currency>(7)?,
                item_count: row.get(8)?,
                merchandise: row.get(9)?,
                discount: row.get(10)?,
                shipping: row.get(11)?,
                tax: row.get(12)?,
                total: row.get(13)?,
            },
            address: row.get(14)?,
            fingerprint: row.get(15)?,
            settled_by: row.get(16)?,
            claimed_by: row.get(17)?,
            pay_by: row.get(18)?,
            placed_at: row.get(19)?,
            steps: row.get(20)?,
        })
    }
}

/// A line of an order: what was bought, as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The order.
    pub order_id: OrderId,
    /// 1, 2, 3 …
    pub position: i64,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Its code then.
    pub sku: String,
    /// Its name then.
    pub title: String,
    /// Price of one then, in minor units of the order's currency.
    pub unit_price: i64,
    /// How many.
    pub quantity: i64,
    /// `unit_price × quantity`.
    pub line_total: i64,
    /// Units that came back onto the shelf.
    pub restocked: i64,
}

from_row!(Line {
    order_id,
    position,
    variant_id,
    product_id,
    sku,
    title,
    unit_price,
    quantity,
    line_total,
    restocked,
});

/// Who took a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The buyer.
    Customer,
    /// Somebody of the shop.
    Staff(AccountId),
    /// A payment, by whoever brought the news.
    Payment,
    /// Time.
    Clock,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer => f.write_str("customer"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Payment => f.write_str("payment"),
            Self::Clock => f.write_str("clock"),
        }
    }
}

/// A step of an order's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The order.
    pub order_id: OrderId,
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Where it stood; `new` for the first.
    pub from_state: String,
    /// Where it went.
    pub to_state: String,
    /// Who: `customer`, `staff:<id>`, `payment`, `clock`.
    pub actor: String,
    /// Why, in words.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

from_row!(Step { order_id, seq, from_state, to_state, actor, note, at });

/// A page of orders, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// The orders.
    pub orders: Vec<Order>,
    /// Where the next page begins, if there is one.
    pub next: Option<OrderId>,
}

/// The order, if there is one.
pub fn find(read: &mut Read<'_>, id: OrderId) -> Result<Option<Order>, Fault> {
    Ok(read.rows_by_key(&sql::ORDERS, [id])?.pop())
}

/// The order with this number, if there is one.
pub fn by_number(read: &mut Read<'_>, number: &str) -> Result<Option<Order>, Fault> {
    read.row(&sql::ORDER_BY_NUMBER, &[&number])
}

/// The order that was made from this version of a cart, if there is one.
pub fn of_cart_version(
    read: &mut Read<'_>,
    cart: CartId,
    version: i64,
) -> Result<Option<Order>, Fault> {
    read.row(&sql::ORDER_OF_CART_VERSION, &[&cart, &version])
}

/// The lines of an order.
pub fn lines(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Line>, Fault> {
    read.rows_by_key(&sql::LINES, [order])
}

/// The history of an order, oldest first.
pub fn history(read: &mut Read<'_>, order: OrderId) -> Result<Vec<Step>, Fault> {
    read.rows(&sql::HISTORY, &[&order])
}

/// A customer's orders before `before` (an order of an earlier page), newest first.
pub fn page_of_customer(
    read: &mut Read<'_>,
    customer: AccountId,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Page, Fault> {
    let before = before.unwrap_or(OrderId(kernel::Uuid::max()));
    let wanted = i64::from(limit) + 1;
    let orders = read.rows(&sql::ORDERS_OF_CUSTOMER, &[&customer, &before, &wanted])?;
    Ok(page(orders, limit))
}

/// Everybody's orders before `before`, newest first. For staff.
pub fn page_of_all(
    read: &mut Read<'_>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Page, Fault> {
    let before = before.unwrap_or(OrderId(kernel::Uuid::max()));
    let wanted = i64::from(limit) + 1;
    let orders = read.rows(&sql::ORDERS_OF_ALL, &[&before, &wanted])?;
    Ok(page(orders, limit))
}

/// Unpaid orders whose time is over at `now`, the oldest first, up to `limit`.
pub fn unpaid_after(
    read: &mut Read<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OrderId>, Fault> {
    let found: Vec<(OrderId,)> = read.rows(&sql::ORDERS_UNPAID_AFTER, &[&now, &limit])?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Keeps of a customer's finished orders what the law wants an invoice to say: who bought what, and
/// where it went. Telephone numbers and notes go.
pub fn erase(tx: &mut Tx<'_>, orders: &[Order]) -> Result<(), Fault> {
    let kept = |order: &Order| {
        let mut address: serde_json::Value =
            serde_json::from_str(&order.address).unwrap_or_default();
        if let Some(phone) = address.get_mut("phone") {
            *phone = serde_json::Value::Null;
        }
        address.to_string()
    };
    let rows: Vec<(OrderId, String)> = orders.iter().map(|it| (it.id, kept(it))).collect();
    tx.update_many(&sql::ADDRESSES_SET, &rows, |(id, address)| [id.value(), address.value()])?;
    for order in orders {
        tx.execute(&sql::NOTES_ERASE, &[&order.id])?;
    }
    Ok(())
}

fn page(mut orders: Vec<Order>, limit: u32) -> Page {
    let more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let next = if more { orders.last().map(|order| order.id) } else { None };
    Page { orders, next }
}
