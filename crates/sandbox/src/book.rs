//! The book: everything that must survive a restart, in one SQLite file.

pub(crate) mod answers;
pub(crate) mod events;
pub(crate) mod payments;
pub(crate) mod refunds;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Env, Timestamp, Uuid};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

/// Bumped with every change of [`SCHEMA`].
const VERSION: i64 = 1;

const SCHEMA: &str = "
create table payments (
    id text primary key,
    reference text not null unique,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    status text not null check (status in ('pending', 'succeeded', 'canceled')),
    canceled_reason text check ((canceled_reason is null) = (status <> 'canceled')),
    captured_minor integer not null default 0
        check (captured_minor = case status when 'succeeded' then amount_minor else 0 end),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and captured_minor),
    description text not null,
    return_url text not null,
    notify_url text not null,
    created_at integer not null,
    expires_at integer not null
) strict;
create index payments_open on payments (expires_at) where status = 'pending';
create table refunds (
    id text primary key,
    payment_id text not null references payments (id),
    reference text not null unique,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    created_at integer not null
) strict;
create table answers (
    op text not null,
    key text not null,
    request blob not null,
    status integer not null,
    body text not null,
    primary key (op, key)
) strict, without rowid;
create table events (
    seq integer primary key,
    id text not null unique,
    kind text not null,
    subject text not null,
    url text not null,
    body text not null,
    tries integer not null default 0,
    next_at integer not null,
    state text not null default 'pending'
        check (state in ('pending', 'delivered', 'lost', 'given_up'))
) strict;
create index events_due on events (next_at) where state = 'pending';
create index events_subject on events (subject);
";

/// The one connection, until it is closed. Work is small, so one at a time is enough.
#[derive(Clone)]
pub(crate) struct Book(Arc<Mutex<Option<Connection>>>, Arc<Semaphore>);

/// Why the book did not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("the book is closed")]
    Closed,
}

/// One transaction over the book.
pub(crate) struct Page<'a> {
    pub tx: Transaction<'a>,
    pub env: &'a Env,
    /// When the transaction began.
    pub now: Timestamp,
}

impl Page<'_> {
    /// A new id: `pay_0192…`.
    pub fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.env.id::<Uuid>().simple())
    }
}

impl Book {
    /// Opens or creates the file; without one, a book in memory.
    pub fn open(file: Option<&Path>) -> Result<Self, String> {
        let connection = match file {
            Some(file) => Connection::open(file),
            None => Connection::open_in_memory(),
        };
        connection
            .and_then(prepare)
            .map(|c| Self(Arc::new(Mutex::new(Some(c))), Arc::new(Semaphore::new(1))))
            .map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    "another process is using it".to_owned()
                }
                Some(ErrorCode::NotADatabase) => "it is not a sandbox's data file".to_owned(),
                _ => error.to_string(),
            })
    }

    /// Runs `work` in one transaction, off the threads that serve connections. Payments whose
    /// term is over are ended first, so that nobody ever sees one that still looks open.
    pub async fn write<T: Send + 'static>(
        &self,
        env: &Env,
        work: impl FnOnce(&Page<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BookError> {
        let (book, env) = (self.0.clone(), env.clone());
        // Waiting here costs no thread; waiting for the connection would cost one each.
        let _turn = self.1.acquire().await.map_err(|_| BookError::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = book.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = connection.as_mut().ok_or(BookError::Closed)?;
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let page = Page { tx, env: &env, now: env.now() };
            payments::end_overdue(&page)?;
            let result = work(&page)?;
            page.tx.commit()?;
            Ok(result)
        });
        // The task fails only by a panic (already reported) or when the runtime shuts down.
        done.await.unwrap_or(Err(BookError::Closed))
    }

    /// Lets go of the file, after what is being written. Nothing can be written any more.
    pub async fn close(&self) {
        let book = self.0.clone();
        let closing = tokio::task::spawn_blocking(move || {
            book.lock().unwrap_or_else(PoisonError::into_inner).take();
        });
        if let Err(error) = closing.await {
            tracing::warn!(%error, "the payment sandbox did not close its book");
        }
    }
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    // One process at a time: two would deliver everything twice. The second is told at once.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A witness that forgets what was paid when the power fails is none.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            connection.execute_batch(&format!(
                "begin immediate; {SCHEMA} pragma user_version = {VERSION}; commit;"
            ))?;
        }
        VERSION => {}
        _ => {
            let message = "it was written by another version of the sandbox".to_owned();
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR);
            return Err(rusqlite::Error::SqliteFailure(code, Some(message)));
        }
    }
    Ok(connection)
}

/// How the book writes a moment.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// How the book reads one.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_and_a_foreign_file_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandbox.db");
        let first = Book::open(Some(&file)).unwrap();
        assert_eq!(Book::open(Some(&file)).err().as_deref(), Some("another process is using it"));
        drop(first);
        assert!(Book::open(Some(&file)).is_ok(), "free again");

        let other = folder.path().join("other.txt");
        std::fs::write(&other, "Dear diary, ".repeat(200)).unwrap();
        let said = Book::open(Some(&other)).err();
        assert_eq!(said.as_deref(), Some("it is not a sandbox's data file"));

        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(Book::open(Some(&file)).err().unwrap().contains("another version"));
    }
}
