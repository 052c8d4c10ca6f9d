//! The book: everything that must survive a restart, in one SQLite file. It is the outside
//! witness of what was really paid, whatever was said about it.

pub(crate) mod answers;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod payments;
pub(crate) mod refunds;
mod schema;
pub(crate) mod steps;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Env, Timestamp};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use crate::accounts::Accounts;
use crate::answer::{Answer, Halt, Outcome};
use crate::hex::hex;

/// What does not change while the sandbox runs.
pub(crate) struct Fixed {
    pub env: Env,
    /// `http://127.0.0.1:8081`
    pub base_url: String,
    pub accounts: Accounts,
}

/// The one connection, until it is closed. Work is small, so one at a time is enough.
#[derive(Clone)]
pub(crate) struct Book {
    connection: Arc<Mutex<Option<Connection>>>,
    fixed: Arc<Fixed>,
}

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
    pub fixed: &'a Fixed,
    /// When the transaction began.
    pub now: Timestamp,
}

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Page<'_> {
    /// 32 bytes that nobody drew before: of the book's seed and how often was drawn. The same
    /// seed gives the same ids in the same order, and a restart does not begin again.
    pub fn draw(&self) -> rusqlite::Result<[u8; 32]> {
        let (seed, drawn): (String, i64) = self
            .tx
            .prepare_cached("update meta set drawn = drawn + 1 returning seed, drawn")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Sha256::digest(format!("{seed} {drawn}")).into())
    }

    /// `count` hexadecimal digits, at most 64.
    pub fn hex(&self, count: usize) -> rusqlite::Result<String> {
        let mut text = hex(&self.draw()?);
        text.truncate(count);
        Ok(text)
    }

    /// `count` decimal digits, at most 32.
    pub fn digits(&self, count: usize) -> rusqlite::Result<String> {
        Ok(self.draw()?.iter().take(count).map(|byte| char::from(b'0' + byte % 10)).collect())
    }

    /// `pi_3…`: `prefix` and `count` letters and digits.
    pub fn token(&self, prefix: &str, count: usize) -> rusqlite::Result<String> {
        let mut text = prefix.to_owned();
        while text.len() < prefix.len() + count {
            for byte in self.draw()?.iter().take(prefix.len() + count - text.len()) {
                text.push(char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
            }
        }
        Ok(text)
    }

    /// An id of the plain protocol: `pay_0192…`.
    pub fn id(&self, prefix: &str) -> rusqlite::Result<String> {
        Ok(format!("{prefix}_{}", self.hex(32)?))
    }
}

impl Book {
    /// Opens or creates the file; without one, a book in memory. `seed` is for a new book: an old
    /// one goes on with its own.
    pub fn open(file: Option<&Path>, seed: Option<u64>, fixed: Fixed) -> Result<Self, String> {
        let connection = match file {
            Some(file) => Connection::open(file),
            None => Connection::open_in_memory(),
        };
        let seed =
            seed.map_or_else(|| fixed.env.bytes::<16>().to_vec(), |n| n.to_be_bytes().into());
        let seed = hex(&seed);
        let prepared = connection.and_then(|connection| prepare(connection, &seed));
        let fixed = Arc::new(fixed);
        prepared.map(|c| Self { connection: Arc::new(Mutex::new(Some(c))), fixed }).map_err(
            |error| match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    "another process is using it".to_owned()
                }
                Some(ErrorCode::NotADatabase) => "it is not a sandbox's data file".to_owned(),
                _ => error.to_string(),
            },
        )
    }

    pub fn fixed(&self) -> &Fixed {
        &self.fixed
    }

    /// Runs `work` in one transaction, off the threads that serve connections. Payments whose
    /// term is over are ended first, so that nobody ever sees one that still looks open.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Page<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, BookError> {
        let (book, fixed) = (self.connection.clone(), self.fixed.clone());
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = book.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = connection.as_mut().ok_or(BookError::Closed)?;
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let page = Page { tx, fixed: &fixed, now: fixed.env.now() };
            steps::end_overdue(&page)?;
            let result = work(&page)?;
            page.tx.commit()?;
            Ok(result)
        });
        // The task fails only by a panic (already reported) or when the runtime shuts down.
        done.await.unwrap_or(Err(BookError::Closed))
    }

    /// [`Book::write`] for work that may refuse: a refusal is an answer like any other.
    pub async fn answer(
        &self,
        work: impl FnOnce(&Page<'_>) -> Outcome + Send + 'static,
    ) -> Result<Answer, BookError> {
        self.write(move |page| match work(page) {
            Ok(answer) => Ok(answer),
            Err(Halt::Answer(answer)) => Ok(*answer),
            Err(Halt::Book(error)) => Err(error),
        })
        .await
    }

    /// Lets go of the file, after what is being written. Nothing can be written any more.
    pub async fn close(&self) {
        let book = self.connection.clone();
        let closing = tokio::task::spawn_blocking(move || {
            book.lock().unwrap_or_else(PoisonError::into_inner).take();
        });
        if let Err(error) = closing.await {
            tracing::warn!(%error, "the payment sandbox did not close its book");
        }
    }
}

fn prepare(connection: Connection, seed: &str) -> rusqlite::Result<Connection> {
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
                "begin immediate; {} pragma user_version = {};",
                schema::TABLES,
                schema::VERSION
            ))?;
            connection.execute("insert into meta (seed, drawn) values (?1, 0)", params![seed])?;
            connection.execute_batch("commit")?;
        }
        schema::VERSION => {}
        _ => {
            let message = "it was written by another version of the sandbox: move it away";
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR);
            return Err(rusqlite::Error::SqliteFailure(code, Some(message.to_owned())));
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

    fn open(file: &Path) -> Result<Book, String> {
        let (base_url, accounts) = (String::new(), Accounts::published());
        Book::open(Some(file), None, Fixed { env: Env::system(), base_url, accounts })
    }

    #[test]
    fn a_second_process_and_a_foreign_file_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandbox.db");
        let first = open(&file).unwrap();
        assert_eq!(open(&file).err().as_deref(), Some("another process is using it"));
        drop(first);
        assert!(open(&file).is_ok(), "free again");

        let other = folder.path().join("other.txt");
        std::fs::write(&other, "Dear diary, ".repeat(200)).unwrap();
        assert_eq!(open(&other).err().as_deref(), Some("it is not a sandbox's data file"));

        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(open(&file).err().unwrap().contains("another version"));
    }
}
