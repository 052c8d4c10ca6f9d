//! What a closure may do inside a transaction: [`Read`] asks, [`Tx`] also writes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use kernel::{Fault, Uuid};
use sea_query::{PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder};

use crate::inject::{Injector, Step};
use crate::statement::{DeleteMany, InsertMany, Statement, Texts, UpdateMany};
use crate::value::{Columns, FromRow, Param, Row, Value};
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
    /// What the next statement is to whoever watches.
    step: fn(&'static str) -> Step,
}

/// A transaction that can be asked and written.
pub struct Tx<'c>(Read<'c>);

/// A question whose rows are on their way. It is answered by whoever was asked.
#[must_use = "rows that nobody wants need not be asked for"]
pub enum Asked<T> {
    /// They are here.
    Here(Vec<T>),
    /// They come over the wire; the number they were asked under.
    Sent(usize),
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self::Here(Vec::new())
    }
}

impl<T: FromRow> Asked<T> {
    /// The rows. Waits for them, and for those of all that was asked before.
    pub fn answer(self, read: &mut Read<'_>) -> Result<Vec<T>, Fault> {
        match self {
            Self::Here(rows) => Ok(rows),
            Self::Sent(number) => read.fetch(number),
        }
    }

    /// The only row, if there is one.
    pub fn one(self, read: &mut Read<'_>) -> Result<Option<T>, Fault> {
        Ok(self.answer(read)?.pop())
    }
}

fn collected<T: FromRow>(
    query: impl FnOnce(&mut sqlite::Take<'_>) -> Result<(), Fault>,
) -> Result<Asked<T>, Fault> {
    let mut found = Vec::new();
    query(&mut |row| {
        found.push(T::from_row(row)?);
        Ok(())
    })?;
    Ok(Asked::Here(found))
}

/// A set verb met fewer rows than it was given.
pub(crate) fn not_all_there(touched: u64, wanted: u64) -> Fault {
    Fault::Broken(format!("{touched} rows were there to change instead of {wanted}"))
}

impl<'c> Read<'c> {
    pub(crate) fn new(conn: Conn<'c>, injector: Option<Arc<Injector>>) -> Self {
        Self { conn, injector, failure: None, step: Step::Looks }
    }

    /// All rows of `statement`.
    pub fn rows<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<Vec<T>, Fault> {
        self.ask(statement, params)?.answer(self)
    }

    /// The only row of `statement`, if there is one.
    pub fn row<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(statement, params)?.pop())
    }

    /// All rows whose key is one of `keys`; see [`Read::ask_by_key`].
    pub fn rows_by_key<T: FromRow, K: Into<Uuid>>(
        &mut self,
        statement: &'static Statement,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<T>, Fault> {
        self.ask_by_key(statement, keys)?.answer(self)
    }

    /// Asks for all rows of `statement` without waiting for them: on PostgreSQL several
    /// questions in a row cost one round trip. They are worked on in the order they were asked.
    pub fn ask<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<Asked<T>, Fault> {
        self.before(statement.name())?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => {
                collected(|take| sqlite::query(conn, statement.sqlite_text(), params, take))
            }
            Conn::Postgres(session) => {
                session.ask(statement.postgres_text(), params).map(Asked::Sent)
            }
        };
        self.note(asked)
    }

    /// Asks, as [`Read::ask`] does, for all rows whose key is one of `keys`; the statement says
    /// `= any($1)` and takes nothing else. Keys are asked for in ascending order and once each,
    /// so that a statement that ends in `for update` locks in the one order all of us keep.
    /// O(n log n) in the keys.
    pub fn ask_by_key<T: FromRow, K: Into<Uuid>>(
        &mut self,
        statement: &'static Statement,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Asked<T>, Fault> {
        let mut keys: Vec<Uuid> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Asked::default());
        }
        self.before(statement.name())?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => {
                collected(|take| sqlite::query_by_key(conn, statement.sqlite_text(), &keys, take))
            }
            Conn::Postgres(session) => {
                session.ask_by_key(statement.postgres_text(), &keys).map(Asked::Sent)
            }
        };
        self.note(asked)
    }

    /// All rows of a list that was built with the query builder: filters, sorting, keyset.
    pub fn select<T: FromRow>(&mut self, query: &SelectStatement) -> Result<Vec<T>, Fault> {
        self.before("select")?;
        let asked = match &mut self.conn {
            Conn::Sqlite(conn) => {
                let (text, values) = query.build(SqliteQueryBuilder);
                let values = crate::value::from_builder(&values)?;
                collected(|take| sqlite::query_values(conn, &text, &values, take))
            }
            Conn::Postgres(session) => {
                let (text, values) = query.build(PostgresQueryBuilder);
                let values = crate::value::from_builder(&values)?;
                session.ask_values(&text, &values).map(Asked::Sent)
            }
        };
        self.note(asked)?.answer(self)
    }

    fn fetch<T: FromRow>(&mut self, number: usize) -> Result<Vec<T>, Fault> {
        let Conn::Postgres(session) = &mut self.conn else {
            return Err(Fault::Broken("rows were fetched from another connection".into()));
        };
        let rows = session.fetch(number);
        let rows = self.note(rows)?;
        let read: Result<Vec<T>, Fault> =
            rows.iter().map(|row| T::from_row(&Row(Columns::Postgres(row)))).collect();
        self.note(read)
    }

    /// Prepares a statement without running it.
    #[cfg(feature = "testing")]
    pub(crate) fn prepare(&mut self, text: &dyn crate::Texts) -> Result<(), Fault> {
        match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::prepare(conn, text.sqlite()).map(|_| ()),
            Conn::Postgres(session) => session.prepare(text.postgres()).map(|_| ()),
        }
    }

    /// The first fault any statement met; a transaction that met one is never committed.
    pub(crate) fn failure(&mut self) -> Option<Fault> {
        self.failure.take()
    }

    fn before(&mut self, name: &'static str) -> Result<(), Fault> {
        let step = (self.step)(name);
        if matches!(step, Step::Looks(_)) {
            self.step = Step::LooksOn;
        }
        self.announce(step)
    }

    fn announce(&mut self, step: Step) -> Result<(), Fault> {
        let Some(injector) = self.injector.clone() else { return Ok(()) };
        if injector.holds() {
            // Who is held before a step has done those before it, and not only sent them.
            let done = match &mut self.conn {
                Conn::Postgres(session) => session.settle(),
                Conn::Sqlite(_) => Ok(()),
            };
            self.remember(done)?;
        }
        self.remember(injector.before(step))
    }

    /// Notes how a statement ended.
    fn note<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        let after = self.injector.as_ref().map_or(Ok(()), |injector| injector.after());
        self.remember(result.and_then(|answer| after.map(|()| answer)))
    }

    fn remember<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
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
        Self(Read { step: Step::Asks, ..Read::new(conn, injector) })
    }

    /// Runs a statement that answers no rows; gives the number of rows it touched.
    pub fn execute(
        &mut self,
        statement: &'static Statement,
        params: &[&dyn Param],
    ) -> Result<u64, Fault> {
        self.announce(Step::Writes(statement.name()))?;
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
    ) -> Result<(), Fault> {
        self.many(statement, rows, bind)
    }

    /// Updates `rows` by key; `bind` gives the key first, then the values to set. A row whose
    /// key is not there is a fault: whoever writes a set has read it before.
    pub fn update_many<'r, R, const N: usize>(
        &mut self,
        statement: &'static UpdateMany,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<(), Fault> {
        self.many(statement, rows, bind)
    }

    /// Deletes rows by their whole key; a key that is not there is a fault.
    pub fn delete_many<'r, R, const N: usize>(
        &mut self,
        statement: &'static DeleteMany,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<(), Fault> {
        self.many(statement, rows, bind)
    }

    /// One statement for all rows, each of which it has to touch. On PostgreSQL it is sent
    /// without waiting: a fault shows with the next answer, at the latest instead of the commit.
    fn many<'r, R, const N: usize>(
        &mut self,
        statement: &'static dyn Texts,
        rows: &'r [R],
        bind: impl Fn(&'r R) -> [Value<'r>; N],
    ) -> Result<(), Fault> {
        if rows.is_empty() {
            return Ok(());
        }
        self.announce(Step::Writes(statement.name()))?;
        let wanted = rows.len() as u64;
        let done = match &mut self.0.conn {
            Conn::Sqlite(conn) => {
                let touched = sqlite::execute_many(conn, statement.sqlite(), rows.iter().map(bind));
                touched.and_then(|touched| match touched {
                    touched if touched == wanted => Ok(()),
                    touched => Err(not_all_there(touched, wanted)),
                })
            }
            Conn::Postgres(session) => {
                let mut columns: [Vec<Value<'r>>; N] =
                    std::array::from_fn(|_| Vec::with_capacity(rows.len()));
                for row in rows {
                    for (column, value) in columns.iter_mut().zip(bind(row)) {
                        column.push(value);
                    }
                }
                session.send_columns(statement.postgres(), &columns, wanted)
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
