//! The customer's list of things to buy: lines, and which of them are selected for checkout.
//! It knows nothing of stock or prices.

mod basket;
mod cart;
mod sql;
#[cfg(test)]
mod tests;

pub use basket::Baskets;
pub use cart::{Cart, Line, find, find_by_token, get_or_make, lines, make_for_token};

use store::{Migration, Schema};

/// The tables of this feature.
pub static SCHEMA: Schema = Schema {
    feature: "carts",
    migrations: &[Migration {
        name: "V1__carts",
        sql: include_str!("../migrations/V1__carts.sql"),
    }],
    statements: sql::ALL,
};
