//! What is there of a variant, and why.

use kernel::{AccountId, CartId, Env, Fault, MovementId, OrderId, ProductId, Timestamp, VariantId};
use store::{Asked, Param, Read, Tx, from_row};

use crate::shelf::Hold;
use crate::sql;

/// The counters of one variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stock {
    /// What is counted.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Units owned and not sold.
    pub on_hand: i64,
    /// Units of `on_hand` that are promised to carts and unpaid orders.
    pub held: i64,
    /// Units in orders that are paid or to be paid in cash.
    pub sold: i64,
}

from_row!(Stock { variant_id, product_id, on_hand, held, sold });

impl Stock {
    /// Units that nobody has been promised.
    pub fn available(&self) -> i64 {
        self.on_hand - self.held
    }
}

/// Counters for showing, by variant.
pub type Levels = Vec<Stock>;

/// Why `on_hand` changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Goods came in.
    Received,
    /// Somebody counted, broke or found something.
    Adjusted,
    /// An order took them.
    Sold,
    /// An order gave them back.
    Returned,
}

impl Cause {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Adjusted => "adjusted",
            Self::Sold => "sold",
            Self::Returned => "returned",
        }
    }
}

/// One change of `on_hand`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    /// Of what.
    pub variant_id: VariantId,
    /// Which.
    pub id: MovementId,
    /// Units, signed.
    pub delta: i64,
    /// Why, as the word in the database.
    pub cause: String,
    /// The order that took or gave back.
    pub order_id: Option<OrderId>,
    /// What a person wrote.
    pub reason: Option<String>,
    /// Who, when it was a person.
    pub actor: Option<AccountId>,
    /// When.
    pub created_at: Timestamp,
}

from_row!(Movement { variant_id, id, delta, cause, order_id, reason, actor, created_at });

/// Begins to count a new variant with `units` received.
pub fn receive(
    tx: &mut Tx<'_>,
    env: &Env,
    (variant_id, product_id): (VariantId, ProductId),
    units: i64,
    actor: Option<AccountId>,
) -> Result<(), Fault> {
    tx.execute(&sql::STOCK_ADD, &[&variant_id, &product_id, &units])?;
    if units != 0 {
        let movement = Movement {
            variant_id,
            id: env.id(),
            delta: units,
            cause: Cause::Received.as_str().into(),
            order_id: None,
            reason: None,
            actor,
            created_at: env.now(),
        };
        add_movements(tx, &[movement])?;
    }
    Ok(())
}

/// Writes counters whatever they are. Only the bug `planted::Bug::StockOutsideLock` does.
#[cfg(feature = "planted")]
pub fn overwrite(tx: &mut Tx<'_>, stock: Stock) -> Result<(), Fault> {
    tx.update_many(&sql::STOCK_SET, &[stock], |it| {
        [it.variant_id.value(), it.on_hand.value(), it.held.value(), it.sold.value()]
    })
}

/// The counters of `variants`, for showing. Never decide a sale from these.
pub fn levels(
    read: &mut Read<'_>,
    variants: impl IntoIterator<Item = VariantId>,
) -> Result<Asked<Stock>, Fault> {
    read.ask_by_key(&sql::STOCK, variants)
}

/// The counters of all variants of `products`, for showing.
pub fn levels_of_products(
    read: &mut Read<'_>,
    products: impl IntoIterator<Item = ProductId>,
) -> Result<Levels, Fault> {
    read.rows_by_key(&sql::STOCK_OF_PRODUCTS, products)
}

/// The live promises made to a cart or an order, for showing.
pub fn holds_of(read: &mut Read<'_>, owner: kernel::Uuid) -> Result<Asked<Hold>, Fault> {
    read.ask_by_key(&sql::HOLDS, [owner])
}

/// Cart holds that ended at `now` or before, the oldest first, up to `limit`.
pub fn expired_cart_holds(
    read: &mut Read<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(CartId, VariantId)>, Fault> {
    read.rows(&sql::HOLDS_ENDED, &[&now, &limit])
}

/// The last `limit` movements of a variant, newest first.
pub fn movements_of(
    read: &mut Read<'_>,
    variant: VariantId,
    limit: i64,
) -> Result<Vec<Movement>, Fault> {
    read.rows(&sql::MOVEMENTS_OF, &[&variant, &limit])
}

pub(crate) fn add_movements(tx: &mut Tx<'_>, movements: &[Movement]) -> Result<(), Fault> {
    tx.insert_many(&sql::MOVEMENTS_ADD, movements, |movement| {
        [
            movement.variant_id.value(),
            movement.id.value(),
            movement.delta.value(),
            movement.cause.value(),
            movement.order_id.value(),
            movement.reason.value(),
            movement.actor.value(),
            movement.created_at.value(),
        ]
    })
}
