//! Stock, holds and movements: the only room that changes a quantity.
//!
//! All changes go through a [`Shelf`]: it loads what a batch names, changes it in memory by the
//! few moves there are, and writes the difference.

mod shelf;
mod sql;
mod stock;
#[cfg(test)]
mod tests;

pub use shelf::{Hold, Holder, Shelf, Short};
#[cfg(feature = "planted")]
pub use stock::overwrite;
pub use stock::{
    Cause, Levels, Movement, Stock, expired_cart_holds, holds_of, levels, levels_of_products,
    movements_of, receive,
};

use store::{Migration, Schema};

/// The tables of this feature.
pub static SCHEMA: Schema = Schema {
    feature: "inventory",
    migrations: &[Migration {
        name: "V1__stock",
        sql: include_str!("../migrations/V1__stock.sql"),
    }],
    statements: sql::ALL,
};
