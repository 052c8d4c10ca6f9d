//! The handle every other room holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::Fault;

use crate::inject::Injector;
use crate::job::{AskJob, WriteJob};
use crate::migrate::Schema;
#[cfg(feature = "testing")]
use crate::sqlite::Call;
use crate::tx::{Read, Tx};
use crate::{postgres, sqlite};

/// Which engine is behind a [`Db`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineKind {
    /// A file beside the binary.
    Sqlite,
    /// A server.
    Postgres,
}

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:<path>` or `postgres://user@host:port/database`.
    pub url: String,
    /// Connections that read, and (PostgreSQL) as many that write.
    pub connections: usize,
    /// How long a PostgreSQL that took a statement may keep silent before its connection is given
    /// up; longer than the server itself lets a statement run.
    pub patience: Duration,
}

impl Options {
    /// The URL with the usual pool: four readers, about twice the cores this is sized for.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections: 4, patience: Duration::from_secs(35) }
    }
}

/// Why a database cannot be opened: one sentence each that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing to look at.
    #[error("there is no database at {0}")]
    Absent(PathBuf),
    /// Neither of the two forms.
    #[error("`{0}` is no database address: write sqlite:<path> or postgres://user@host:port/name")]
    Address(String),
    /// Another process has it.
    #[error("another Holdfast process is using {0}: stop it first, or give this one another file")]
    InUse(PathBuf),
    /// The directory or the file cannot be written.
    #[error("cannot write {path}: {cause}")]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// An engine that lacks a fix we rely on.
    #[error("SQLite {found} is too old: at least {wanted} is needed")]
    TooOld {
        /// The version linked in.
        found: String,
        /// The version needed.
        wanted: &'static str,
    },
    /// The schema was written by a newer Holdfast.
    #[error(
        "the database was written by a newer Holdfast ({0}): start the newer one, or restore a \
         backup from before the upgrade"
    )]
    Newer(String),
    /// A migration did not run.
    #[error("the tables of `{feature}` could not be brought up to date: {cause}")]
    Migration {
        /// The feature that owns the tables.
        feature: &'static str,
        /// What the engine said.
        cause: String,
    },
    /// Anything else the engine said.
    #[error("cannot open the database: {0}")]
    Engine(String),
}

/// A database with its writer, its readers and its tables. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Engine,
    injector: Option<Arc<Injector>>,
    commits: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Engine>),
    Postgres(Arc<postgres::Engine>),
    #[cfg(feature = "testing")]
    Inline(Arc<sqlite::Inline>),
}

impl Db {
    /// Opens the database and brings every feature's tables up to date. Blocks: call it before
    /// the server starts.
    pub fn open(options: &Options, schemas: &[&'static Schema]) -> Result<Self, OpenError> {
        Self::open_with(options, schemas, None)
    }

    /// Opens a database only to look at it, beside whoever is using it: no tables are touched,
    /// and every write answers "unavailable". Blocks.
    pub fn open_to_look(options: &Options) -> Result<Self, OpenError> {
        let engine = match Address::of(&options.url)? {
            Address::Sqlite(path) => Engine::Sqlite(sqlite::Engine::open_to_look(&path)?),
            Address::Postgres => Engine::Postgres(postgres::Engine::open(options, &[], None)?),
        };
        Ok(Self { engine, injector: None, commits: Arc::default() })
    }

    pub(crate) fn open_with(
        options: &Options,
        schemas: &[&'static Schema],
        injector: Option<Arc<Injector>>,
    ) -> Result<Self, OpenError> {
        let engine = match Address::of(&options.url)? {
            Address::Sqlite(path) => {
                let readers = options.connections;
                Engine::Sqlite(sqlite::Engine::open(&path, readers, schemas, injector.as_ref())?)
            }
            Address::Postgres => {
                Engine::Postgres(postgres::Engine::open(options, schemas, injector.as_ref())?)
            }
        };
        Ok(Self { engine, injector, commits: Arc::default() })
    }

    /// A database in memory, run on the thread of whoever asks.
    #[cfg(feature = "testing")]
    pub(crate) fn inline(engine: sqlite::Inline, injector: Option<Arc<Injector>>) -> Self {
        Self { engine: Engine::Inline(Arc::new(engine)), injector, commits: Arc::default() }
    }

    /// Which engine this is.
    pub fn engine(&self) -> EngineKind {
        match &self.engine {
            Engine::Sqlite(_) => EngineKind::Sqlite,
            Engine::Postgres(_) => EngineKind::Postgres,
            #[cfg(feature = "testing")]
            Engine::Inline(_) => EngineKind::Sqlite,
        }
    }

    /// Counts the transactions of this process that have been answered, before whoever waits for
    /// one hears of it. While it stands still, whatever was read after looking at it is as this
    /// process left it; on PostgreSQL other processes may have written since.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Runs `work` in one transaction and answers after its commit. An `Err` rolls it back.
    ///
    /// The transaction sees a serial world: SQLite has one writer, PostgreSQL runs it
    /// SERIALIZABLE and again (up to ten times) when another transaction won. So `work` may run
    /// more than once and must only compute and ask the `Tx`. Transactions that wait together on
    /// SQLite share one commit. A full queue answers [`Fault::Overloaded`] at once.
    pub async fn write<T, E>(
        &self,
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (job, answer) = WriteJob::new(work, &self.commits);
        match &self.engine {
            Engine::Sqlite(engine) => engine.submit(job),
            Engine::Postgres(engine) => engine.submit_write(job),
            #[cfg(feature = "testing")]
            Engine::Inline(engine) => engine.write(Call::Write, job).await?,
        }
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// As [`Db::write`], for the checkout lane: on PostgreSQL on a connection of its own, READ
    /// COMMITTED, with plans pinned to index look-ups. The work must lock (`for update`, in
    /// ascending id) every row it decides on.
    pub async fn write_lane<T, E>(
        &self,
        work: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (job, answer) = WriteJob::new(work, &self.commits);
        match &self.engine {
            Engine::Sqlite(engine) => engine.submit(job),
            Engine::Postgres(engine) => engine.submit_lane(job),
            #[cfg(feature = "testing")]
            Engine::Inline(engine) => engine.write(Call::Lane, job).await?,
        }
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Runs `work` on a snapshot. On SQLite it runs where it is called (a point read costs less
    /// than a hop to another thread), on PostgreSQL on a connection's own thread.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(work, self.injector.clone()).await,
            Engine::Postgres(engine) => {
                let (job, answer) = AskJob::new(work);
                engine.submit_ask(job);
                answer.await.unwrap_or_else(|_| Err(gone().into()))
            }
            #[cfg(feature = "testing")]
            Engine::Inline(engine) => engine.read(work, self.injector.clone()).await,
        }
    }

    /// As [`Db::read`] for work that takes long (a report, a check of the whole database): away
    /// from the threads that serve requests.
    pub async fn read_long<T, E>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => {
                let engine = engine.clone();
                let injector = self.injector.clone();
                let done = tokio::task::spawn_blocking(move || {
                    engine.read_on_own_connection(work, injector)
                });
                done.await.unwrap_or_else(|_| Err(gone().into()))
            }
            Engine::Postgres(_) => self.read(work).await,
            #[cfg(feature = "testing")]
            Engine::Inline(_) => self.read(work).await,
        }
    }

    /// Finishes what is queued, then closes. Later calls answer "unavailable". Blocks briefly.
    pub fn close(&self) {
        match &self.engine {
            Engine::Sqlite(engine) => engine.close(),
            Engine::Postgres(engine) => engine.close(),
            #[cfg(feature = "testing")]
            Engine::Inline(_) => {}
        }
    }

    /// Limits an SQLite file to `pages` pages of 4 KiB, so that a test can fill its disk.
    #[cfg(feature = "testing")]
    pub async fn limit_pages(&self, pages: i64) -> Result<(), Fault> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.limit_pages(pages).await,
            Engine::Postgres(_) | Engine::Inline(_) => Ok(()),
        }
    }
}

enum Address {
    Sqlite(PathBuf),
    Postgres,
}

impl Address {
    fn of(url: &str) -> Result<Self, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
        } else if ["postgres://", "postgresql://"].iter().any(|p| url.starts_with(p)) {
            Ok(Self::Postgres)
        } else {
            Err(OpenError::Address(url.to_owned()))
        }
    }
}

fn gone() -> Fault {
    Fault::Unavailable("the database is closing".into())
}
