//! One face over two engines: SQLite in a file beside the binary, or PostgreSQL.
//!
//! Business code is a synchronous closure handed to [`Db::write`] or [`Db::read`]. Inside it only
//! SQL runs: the closure cannot await, so no HTTP call, mail or sleep can hide in a transaction.
//! What must follow a commit is an [`outbox`] row written in that commit.
//!
//! This is the only room that names a database driver.

mod db;
mod inject;
mod job;
mod migrate;
pub mod outbox;
mod postgres;
pub mod secrets;
mod sqlite;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod tracked;
mod tx;
mod value;

pub mod idempotency;
mod sql;

pub use db::{Db, EngineKind, OpenError, Options};
pub use inject::{Break, Hold, Injector, Step};
pub use kernel::Fault;
pub use migrate::{Migration, Schema};
pub use sea_query;
pub use statement::{Column, DeleteMany, InsertMany, Statement, Texts, UpdateMany, to_sqlite};
pub use tracked::Tracked;
pub use tx::{Asked, Read, Tx};
pub use value::{FromColumn, FromRow, Json, Param, Row, Value};

/// The store's own tables: outbox and idempotency keys.
pub static SCHEMA: Schema = Schema {
    feature: "store",
    migrations: &[Migration {
        name: "V1__outbox_and_keys",
        sql: include_str!("../migrations/V1__outbox_and_keys.sql"),
    }],
    statements: sql::ALL,
};
