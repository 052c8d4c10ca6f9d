//! Orders after the button: totals, lifecycle, lines, history.

mod book;
mod lifecycle;
mod number;
mod order;
mod sql;
#[cfg(test)]
mod tests;
mod totals;

pub use book::Book;
pub use lifecycle::{NotAllowed, State};
pub use number::{is_number, number};
pub use order::{
    Actor, Line, Order, Page, Step, by_number, erase, find, history, lines, of_cart_version,
    page_of_all, page_of_customer, unpaid_after,
};
pub use totals::{LineTotal, Totals, add_up};

use store::{Migration, Schema};

/// The tables of this feature.
pub static SCHEMA: Schema = Schema {
    feature: "orders",
    migrations: &[Migration {
        name: "V1__orders",
        sql: include_str!("../migrations/V1__orders.sql"),
    }],
    statements: sql::ALL,
};
