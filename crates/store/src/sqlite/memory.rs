//! A database in memory that runs its work on the thread of whoever asks, for simulators and for
//! tests that try every order of events.
//!
//! The statements, the savepoints and the group commit are those of the file; the threads and
//! channels are not there. In their place stands a [`Gate`], which says when each call has its
//! turn, and what becomes of it.

use std::future::{Future, ready};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::Fault;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::open::fault;
use super::{run, snapshot, writer};
use crate::db::{Db, OpenError};
use crate::inject::Injector;
use crate::job::Write;
use crate::migrate::Schema;
use crate::tx::Read;

/// How a call comes to the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// [`Db::write`].
    Write,
    /// [`Db::write_lane`].
    Lane,
    /// [`Db::read`] and [`Db::read_long`].
    Read,
}

/// Something to wait for.
pub type Turn<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Stands before and behind each call. A turn that never comes is a crash: whoever drives the
/// callers drops them.
pub trait Gate: Send + Sync {
    /// Before the work. An error, and nothing is done: the caller hears it.
    fn enter(&self, call: Call) -> Turn<Result<(), Fault>>;

    /// Only for writes: the work waits for its commit. Whoever comes back first commits all who
    /// wait, in one transaction.
    fn gather(&self, call: Call) -> Turn<()> {
        let _ = call;
        Box::pin(ready(()))
    }

    /// After the commit, before the answer. An error, and the caller hears that in place of the
    /// answer, though the work is done.
    fn leave(&self, call: Call) -> Turn<Result<(), Fault>>;
}

/// A gate that is always open.
impl Gate for () {
    fn enter(&self, _: Call) -> Turn<Result<(), Fault>> {
        Box::pin(ready(Ok(())))
    }

    fn leave(&self, _: Call) -> Turn<Result<(), Fault>> {
        Box::pin(ready(Ok(())))
    }
}

/// What is kept when the process that used it dies. Clones are the same database.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<Connection>>);

impl Memory {
    /// An empty database with the tables of `schemas`.
    pub fn new(schemas: &[&'static Schema]) -> Result<Self, OpenError> {
        let mut conn = connect()?;
        for schema in schemas {
            schema.migrate_sqlite(&mut conn)?;
        }
        Ok(Self::of(conn))
    }

    /// Another database with the same in it.
    pub fn copy(&self) -> Result<Self, OpenError> {
        let mut conn = connect()?;
        let copied = Backup::new(&self.lock(), &mut conn).and_then(|backup| backup.step(-1));
        copied.map_err(|e| OpenError::Engine(e.to_string()))?;
        Ok(Self::of(conn))
    }

    /// Remembers every row as it is now, for [`Memory::put_back`].
    pub fn remember(&self) -> Result<(), Fault> {
        let kept = |table: &String| format!("create table kept.{table} as select * from {table};");
        let kept: String = self.tables()?.iter().map(kept).collect();
        // What refuses to have rows taken away would refuse to have them put back.
        let triggers = crate::testing::append_only_triggers(&self.lock());
        self.raw(&triggers.map_err(|error| fault(&error))?)?;
        self.raw(&format!("attach ':memory:' as kept; {kept}"))
    }

    /// Puts every row back as it was remembered. Quicker than a copy, because what was prepared
    /// stays prepared: a pragma in between would make all of it be prepared again.
    pub fn put_back(&self) -> Result<(), Fault> {
        // As they were made: those that others refer to come first.
        let tables = self.tables()?;
        let conn = self.lock();
        run(&conn, "begin")?;
        for table in tables.iter().rev() {
            run(&conn, &format!("delete from main.{table}"))?;
        }
        for table in &tables {
            run(&conn, &format!("insert into main.{table} select * from kept.{table}"))?;
        }
        run(&conn, "commit")
    }

    fn tables(&self) -> Result<Vec<String>, Fault> {
        crate::testing::sqlite_tables(&self.lock()).map_err(|error| fault(&error))
    }

    /// Opens it, as a process that starts does. `gate` stands before and behind each call.
    pub fn open(&self, gate: Arc<dyn Gate>, injector: Option<Arc<Injector>>) -> Db {
        let engine = Inline {
            memory: self.clone(),
            gate,
            queue: Mutex::default(),
            injector: injector.clone(),
        };
        Db::inline(engine, injector)
    }

    /// Every row of every table, as text, in an order that does not change.
    pub fn dump(&self) -> Result<Vec<String>, Fault> {
        let mut lines = crate::testing::sqlite_dump(&self.lock()).map_err(|error| fault(&error))?;
        lines.sort_unstable();
        Ok(lines)
    }

    /// Runs `sql` past the store, so that a test can take away what stands in the way of a
    /// planted bug.
    pub fn raw(&self, sql: &str) -> Result<(), Fault> {
        self.lock().execute_batch(sql).map_err(|error| fault(&error))
    }

    fn of(conn: Connection) -> Self {
        Self(Arc::new(Mutex::new(conn)))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect() -> Result<Connection, OpenError> {
    let set = |conn: Connection| {
        conn.execute_batch("pragma foreign_keys = on; pragma temp_store = memory")?;
        conn.set_prepared_statement_cache_capacity(256);
        Ok(conn)
    };
    Connection::open_in_memory().and_then(set).map_err(|e| OpenError::Engine(e.to_string()))
}

pub(crate) struct Inline {
    memory: Memory,
    gate: Arc<dyn Gate>,
    queue: Mutex<Vec<Box<dyn Write>>>,
    injector: Option<Arc<Injector>>,
}

impl Inline {
    /// Comes back when `job` has been answered, or says why its answer is not to be heard.
    pub(crate) async fn write(&self, call: Call, job: Box<dyn Write>) -> Result<(), Fault> {
        self.gate.enter(call).await?;
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        self.gate.gather(call).await;
        self.commit();
        self.gate.leave(call).await
    }

    /// Commits all that waits. Nothing waits when somebody else has been quicker.
    fn commit(&self) {
        let mut batch = mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.is_empty() {
            return;
        }
        let conn = self.memory.lock();
        let mut faults = Vec::with_capacity(batch.len());
        let injector = self.injector.as_ref();
        // A read that panicked, or a batch that broke, has left its transaction open.
        let clean = || if conn.is_autocommit() { Ok(()) } else { run(&conn, "rollback") };
        let done =
            clean().and_then(|()| writer::together(&conn, &mut batch, injector, &mut faults));
        drop(conn);
        writer::answer(&mut batch, &done, faults, self.injector.as_ref());
    }

    pub(crate) async fn read<T, E: From<Fault>>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, E>,
        injector: Option<Arc<Injector>>,
    ) -> Result<T, E> {
        self.gate.enter(Call::Read).await?;
        let answer = snapshot(&self.memory.lock(), work, injector);
        self.gate.leave(Call::Read).await?;
        answer
    }
}
