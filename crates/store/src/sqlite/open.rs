//! Opening the file: who may, with which settings, and what the engine's errors mean.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::Fault;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::db::OpenError;

/// The first SQLite without the WAL-reset bug, which could corrupt a database when a checkpoint
/// and a commit met.
const OLDEST: (i32, &str) = (3_051_003, "3.51.3");

/// Pages of the writer's and of a reader's cache, in KiB (negative is SQLite's way to say so).
const WRITER_CACHE: i64 = -24_000;
const READER_CACHE: i64 = -4_000;

/// The database file, and the lock that says it is ours.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) database: PathBuf,
    pub(super) wal: PathBuf,
    lock: Arc<Mutex<Option<File>>>,
}

impl Files {
    /// Takes the file for this process. The lock dies with the process, however it dies.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST.0 {
            let found = rusqlite::version().to_owned();
            return Err(OpenError::TooOld { found, wanted: OLDEST.1 });
        }
        let unwritable = |path: &Path, cause| OpenError::Unwritable { path: path.into(), cause };
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(|cause| unwritable(parent, cause))?;
        }
        let lock_path = beside(path, "-lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|cause| unwritable(&lock_path, cause))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.into())),
            Err(TryLockError::Error(cause)) => return Err(unwritable(&lock_path, cause)),
        }
        Ok(Self {
            database: path.into(),
            wal: beside(path, "-wal"),
            lock: Arc::new(Mutex::new(Some(lock))),
        })
    }

    /// Names the files without taking them.
    pub(super) fn look(path: &Path) -> Result<Self, OpenError> {
        if !path.is_file() {
            return Err(OpenError::Absent(path.into()));
        }
        let lock = Arc::new(Mutex::new(None));
        Ok(Self { database: path.into(), wal: beside(path, "-wal"), lock })
    }

    pub(super) fn release(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn writer(&self) -> Result<Connection, OpenError> {
        let conn = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE);
        let synchronous = kernel::crash_word!("sqlite.synchronous", "full");
        // What is deleted is overwritten: who is forgotten must not be found in the file.
        let more = format!(
            "pragma journal_mode = wal; pragma synchronous = {synchronous}; \
             pragma secure_delete = on;"
        );
        self.set_up(conn, WRITER_CACHE, &more)
    }

    pub(super) fn reader(&self) -> Result<Connection, OpenError> {
        // Not read-only: a reader may be the one who has to rebuild the shared WAL index.
        let conn = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE);
        self.set_up(conn, READER_CACHE, "pragma query_only = on;")
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.database, flags)
    }

    fn set_up(
        &self,
        conn: rusqlite::Result<Connection>,
        cache: i64,
        more: &str,
    ) -> Result<Connection, OpenError> {
        let set = |conn: Connection| {
            conn.execute_batch(&format!(
                "pragma busy_timeout = 5000; pragma foreign_keys = on; \
                 pragma wal_autocheckpoint = 0; pragma cache_size = {cache}; \
                 pragma temp_store = memory; {more}"
            ))?;
            conn.set_prepared_statement_cache_capacity(256);
            Ok(conn)
        };
        conn.and_then(set)
            .map_err(|e| OpenError::Engine(format!("{}: {e}", self.database.display())))
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What an error of the engine means for the caller.
pub(super) fn fault(error: &rusqlite::Error) -> Fault {
    let rusqlite::Error::SqliteFailure(cause, message) = error else {
        return Fault::Broken(error.to_string());
    };
    let words = || message.clone().unwrap_or_else(|| cause.to_string());
    match cause.code {
        ErrorCode::ConstraintViolation => Fault::Constraint(words()),
        ErrorCode::DiskFull => Fault::StorageFull,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Fault::Contention,
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied => Fault::Unavailable(words()),
        _ => Fault::Broken(words()),
    }
}
