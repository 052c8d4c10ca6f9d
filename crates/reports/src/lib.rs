//! Read-only numbers over all tables. The only room that joins the tables of several features.
//!
//! For now: [`verify`], the invariants of stock, orders and money as statements that find what
//! breaks them, on a live database of either engine.

#[macro_use]
mod words;
mod chain;
mod invariants;
mod sql;
#[cfg(test)]
mod tests;
mod verify;

pub use verify::{Finding, Report, verify};

/// No tables of its own: only statements over everybody's.
pub static SCHEMA: store::Schema =
    store::Schema { feature: "reports", migrations: &[], statements: sql::ALL };
