//! SQLite: one writer on its own thread, a handful of readers, a checkpoint in the background.

#[cfg(feature = "testing")]
mod memory;
mod open;
mod statements;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kernel::{Fault, limits};
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc};

use crate::db::OpenError;
use crate::inject::Injector;
use crate::job::Write;
use crate::migrate::Schema;
use crate::tx::{Conn, Read};

#[cfg(feature = "testing")]
pub(crate) use memory::Inline;
#[cfg(feature = "testing")]
pub use memory::{Call, Gate, Memory, Turn};
#[cfg(feature = "testing")]
pub(crate) use statements::prepare;
pub(crate) use statements::{
    Take, column, execute, execute_many, query, query_by_key, query_values,
};

use open::{Files, fault};

pub(crate) struct Engine {
    files: Files,
    queue: Mutex<Option<mpsc::Sender<writer::Order>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    free: Semaphore,
    waiting: AtomicUsize,
}

impl Engine {
    pub(crate) fn open(
        path: &Path,
        readers: usize,
        schemas: &[&'static Schema],
        injector: Option<&Arc<Injector>>,
    ) -> Result<Arc<Self>, OpenError> {
        let files = Files::claim(path)?;
        let mut conn = files.writer()?;
        for schema in schemas {
            schema.migrate_sqlite(&mut conn)?;
        }
        let readers: Result<Vec<_>, _> = (0..readers.max(1)).map(|_| files.reader()).collect();
        let readers = readers?;
        let (queue, orders) = mpsc::channel(limits::WRITE_QUEUE_MAX);
        let threads = writer::start(files.clone(), conn, orders, injector.cloned())?;
        Ok(Arc::new(Self {
            files,
            queue: Mutex::new(Some(queue)),
            threads: Mutex::new(threads),
            free: Semaphore::new(readers.len()),
            readers: Mutex::new(readers),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// One reader and no writer, beside whoever holds the file.
    pub(crate) fn open_to_look(path: &Path) -> Result<Arc<Self>, OpenError> {
        let files = Files::look(path)?;
        let reader = files.reader()?;
        Ok(Arc::new(Self {
            files,
            queue: Mutex::new(None),
            threads: Mutex::default(),
            free: Semaphore::new(1),
            readers: Mutex::new(vec![reader]),
            waiting: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn submit(&self, job: Box<dyn Write>) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return };
        if let Err(mpsc::error::TrySendError::Full(writer::Order::Run(job))) =
            queue.try_send(writer::Order::Run(job))
        {
            job.answer(Err(Fault::Overloaded));
        }
    }

    pub(crate) async fn read<T, E: From<Fault>>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, E>,
        injector: Option<Arc<Injector>>,
    ) -> Result<T, E> {
        let waits = Waits::begin(&self.waiting).ok_or(Fault::Overloaded)?;
        let permit = self.free.acquire().await;
        drop(waits);
        let Ok(_permit) = permit else {
            return Err(Fault::Unavailable("the database is closing".into()).into());
        };
        let conn = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match conn {
            Some(conn) => conn,
            // A reader was lost to a panic; the next one in its place is a fresh one.
            None => self.files.reader().map_err(|e| Fault::Unavailable(e.to_string()))?,
        };
        let answer = snapshot(&conn, work, injector);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        answer
    }

    pub(crate) fn read_on_own_connection<T, E: From<Fault>>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, E>,
        injector: Option<Arc<Injector>>,
    ) -> Result<T, E> {
        let conn = self.files.reader().map_err(|e| Fault::Unavailable(e.to_string()))?;
        snapshot(&conn, work, injector)
    }

    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.free.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        crate::job::join_others(threads);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.files.release();
    }

    #[cfg(feature = "testing")]
    pub(crate) async fn limit_pages(&self, pages: i64) -> Result<(), Fault> {
        let (done, answer) = tokio::sync::oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closing = || Fault::Unavailable("the database is closing".into());
        let queue = queue.ok_or_else(closing)?;
        queue.send(writer::Order::LimitPages(pages, done)).await.map_err(|_| closing())?;
        answer.await.map_err(|_| closing())?
    }
}

/// A place in the queue of readers. Given back also when the caller goes away before its turn.
struct Waits<'e>(&'e AtomicUsize);

impl<'e> Waits<'e> {
    fn begin(waiting: &'e AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        (before < limits::READ_QUEUE_MAX).then_some(place)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

fn snapshot<T, E: From<Fault>>(
    conn: &Connection,
    work: impl FnOnce(&mut Read<'_>) -> Result<T, E>,
    injector: Option<Arc<Injector>>,
) -> Result<T, E> {
    // A closure that panicked may have left its snapshot open.
    if !conn.is_autocommit() {
        run(conn, "rollback")?;
    }
    run(conn, "begin")?;
    let answer = work(&mut Read::new(Conn::Sqlite(conn), injector));
    run(conn, "commit")?;
    answer
}

fn run(conn: &Connection, text: &str) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(text).map_err(|e| fault(&e))?;
    statement.raw_execute().map(|_| ()).map_err(|e| fault(&e))
}
