//! What a closure may do inside a transaction: [`Read`] asks, [`Tx`] also writes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use kernel::{Fault, Uuid};
use sea_query::{PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder};

use crate::inject::Injector;
use crate::statement::{DeleteMany, InsertMany, Statement, UpdateMany};
use crate::value::{FromRow, Param, Row, Value};
use crate::{postgres, sqlite};

pub(crate) enum Conn<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c mut postgres::Session),
}

/// A snapshot that can be asked.
pub struct Read<'c> {
    conn: Conn<'c>,
    injector: Option<Arc<Injector>>,
    failure: Option<Fault>,
}

/// A transaction that can be asked and written.
pub struct Tx<'c>(Read<'c>);

impl<'c> Read<'c> {
    pub(crate) fn new(conn: Conn<'c>, injector: Option<Arc<Injector>>) -> Self {
        Self { conn, injector, failure: None }
    }

    /// All rows of `statement`.
    pub fn rows<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<Vec<T>, Fault> {
        let mut found = Vec::new();
        self.each(statement, params, |row| {
            found.push(T::from_row(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The only row of `statement`, if there is one.
    pub fn row<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(statement, params)?.pop())
    }

    /// All rows whose key is one of `keys`; the statement says `= any($1)` and takes nothing
    /// else. Keys are asked for in ascending order and once each, so that a statement that ends
    /// in `for update` locks in the one order all of us keep. O(n log n) in the keys.
    pub fn rows_by_key<T: FromRow, K: Into<Uuid>>(
        &mut self,
        statement: &'static Statement,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<T>, Fault> {
        let mut keys: Vec<Uuid> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut found = Vec::with_capacity(keys.len());
        if keys.is_empty() {
            return Ok(found);
        }
        let mut take = |row: &Row<'_>| {
            found.push(T::from_row(row)?);
            Ok(())
        };
        self.tick()?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => {
                sqlite::query_by_key(conn, statement.sqlite_text(), &keys, &mut take)
            }
            Conn::Postgres(session) => {
                session.query_by_key(statement.postgres_text(), &keys, &mut take)
            }
        };
        self.note(asked)?;
        Ok(found)
    }

    /// All rows of a list that was built with the query builder: filters, sorting, keyset.
    pub fn select<T: FromRow>(&mut self, query: &SelectStatement) -> Result<Vec<T>, Fault> {
        let mut found = Vec::new();
        let mut take = |row: &Row<'_>| {
            found.push(T::from_row(row)?);
            Ok(())
        };
        self.tick()?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => {
                let (text, values) = query.build(SqliteQueryBuilder);
                let values = crate::value::from_builder(&values)?;
                sqlite::query_values(conn, &text, &values, &mut take)
            }
            Conn::Postgres(session) => {
                let (text, values) = query.build(PostgresQueryBuilder);
                let values = crate::value::from_builder(&values)?;
                session.query_values(&text, &values, &mut take)
            }
        };
        self.note(asked)?;
        Ok(found)
    }

    /// Prepares a statement without running it.
    #[cfg(feature = "testing")]
    pub(crate) fn prepare(&mut self, text: &dyn crate::Texts) -> Result<(), Fault> {
        match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::prepare(conn, text.sqlite()).map(|_| ()),
            Conn::Postgres(session) => session.prepare(text.postgres()).map(|_| ()),
        }
    }

    fn each(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
        mut take: impl FnMut(&Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.tick()?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::query(conn, statement.sqlite_text(), params, &mut take),
            Conn::Postgres(session) => session.query(statement.postgres_text(), params, &mut take),
        };
        self.note(asked)
    }

    /// The first fault any statement met; a transaction that met one is never committed.
    pub(crate) fn failure(&mut self) -> Option<Fault> {
        self.failure.take()
    }

    fn tick(&mut self) -> Result<(), Fault> {
        let verdict = self.injector.as_ref().map_or(Ok(()), |injector| injector.tick());
        self.note(verdict)
    }

    fn note<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result
            && self.failure.is_none()
        {
            self.failure = Some(fault.clone());
        }
        result
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(conn: Conn<'c>, injector: Option<Arc<Injector>>) -> Self {
        Self(Read::new(conn, injector))
    }

    /// Runs a statement that answers no rows; gives the number of rows it touched.
    pub fn execute(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<u64, Fault> {
        self.tick()?;
        let done = match &mut self.0.conn {
            Conn::Sqlite(conn) => sqlite::execute(conn, statement.sqlite_text(), params),
            Conn::Postgres(session) => session.execute(statement.postgres_text(), params),
        };
        self.note(done)
    }

    /// Inserts `rows`; `bind` gives a row's values in the order of the statement's columns.
    pub fn insert_many<'r, R, const N: usize>(
        &mut self,
        statement: &'static InsertMany,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<u64, Fault> {
        self.many(statement.sqlite_text(), statement.postgres_text(), rows, bind)
    }

    /// Updates `rows` by key; `bind` gives the key first, then the values to set. A row whose
    /// key is not there is a fault: whoever writes a set has read it before.
    pub fn update_many<'r, R, const N: usize>(
        &mut self,
        statement: &'static UpdateMany,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<(), Fault> {
        let touched = self.many(statement.sqlite_text(), statement.postgres_text(), rows, bind)?;
        self.expect_all(touched, rows.len())
    }

    /// Deletes rows by their whole key; a key that is not there is a fault.
    pub fn delete_many<'r, R, const N: usize>(
        &mut self,
        statement: &'static DeleteMany,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<(), Fault> {
        let touched = self.many(statement.sqlite_text(), statement.postgres_text(), rows, bind)?;
        self.expect_all(touched, rows.len())
    }

    fn expect_all(&mut self, touched: u64, wanted: usize) -> Result<(), Fault> {
        let all = u64::try_from(wanted).is_ok_and(|wanted| wanted == touched);
        self.note(if all {
            Ok(())
        } else {
            Err(Fault::Broken(format!("{touched} rows were there to change instead of {wanted}")))
        })
    }

    fn many<'r, R, const N: usize>(
        &mut self,
        sqlite_text: &'static str,
        postgres_text: &'static str,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<u64, Fault> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.tick()?;
        let done = match &mut self.0.conn {
            Conn::Sqlite(conn) => sqlite::execute_many(conn, sqlite_text, rows.iter().map(bind)),
            Conn::Postgres(session) => {
                let mut columns: [Vec<Value<'r>>; N] =
                    std::array::from_fn(|_| Vec::with_capacity(rows.len()));
                for row in rows {
                    for (column, value) in columns.iter_mut().zip(bind(row)) {
                        column.push(value);
                    }
                }
                session.execute_columns(postgres_text, &columns)
            }
        };
        kernel::crash_point!("store.set-written");
        self.note(done)
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.0
    }
}

impl<'c> DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Read<'c> {
        &mut self.0
    }
}
