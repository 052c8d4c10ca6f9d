//! The one writer: drains its queue into one transaction, a savepoint for each job, one commit
//! (one sync of the disk) for all, and answers after it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use kernel::{Fault, limits};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::open::Files;
use super::run;
use crate::db::OpenError;
use crate::inject::{Injector, Step};
use crate::job::{Keep, Write};
use crate::tx::{Conn, Tx};

/// The writer itself folds the log back when it has grown past this many pages (64 MiB). The file
/// keeps its size: overwriting costs less than growing it again.
const LOG_PAGES_MAX: i64 = 16 * 1024;
/// How often the log is folded back in the background, beside the writer.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(250);

pub(super) enum Order {
    Run(Box<dyn Write>),
    #[cfg(feature = "testing")]
    LimitPages(i64, tokio::sync::oneshot::Sender<Result<(), Fault>>),
}

/// Starts the writer and the checkpoint thread; both end when the queue is closed.
pub(super) fn start(
    files: Files,
    conn: Connection,
    orders: mpsc::Receiver<Order>,
    injector: Option<Arc<Injector>>,
) -> Result<Vec<JoinHandle<()>>, OpenError> {
    let (alive, ended) = sync_channel(0);
    let log_pages = Arc::new(AtomicI64::new(0));
    let folder = Folder { conn: files.writer()?, log: files.wal.clone(), pages: log_pages.clone() };
    let mut writer =
        Writer { files, conn: Some(conn), injector, log_pages, page_limit: None, _alive: alive };
    let thread = |name: &str, body: Box<dyn FnOnce() + Send>| {
        Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|e| OpenError::Engine(format!("cannot start a thread: {e}")))
    };
    Ok(vec![
        thread("sqlite-writer", Box::new(move || writer.work(orders)))?,
        thread("sqlite-checkpoint", Box::new(move || folder.work(&ended)))?,
    ])
}

/// Folds the log back beside the writer, while there is something to fold.
struct Folder {
    conn: Connection,
    log: PathBuf,
    /// What the writer looks at.
    pages: Arc<AtomicI64>,
}

impl Folder {
    fn work(&self, ended: &Receiver<()>) {
        let mut seen = None;
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(CHECKPOINT_EVERY) {
            let written = std::fs::metadata(&self.log).and_then(|file| file.modified()).ok();
            if written != seen {
                seen = written;
                kernel::crash_point!("log.to-be-folded");
                self.pages.store(fold(&self.conn, "passive"), Ordering::Relaxed);
                kernel::crash_point!("log.folded");
            }
        }
    }
}

/// Folds the log back; gives the pages it holds.
fn fold(conn: &Connection, how: &str) -> i64 {
    let text = format!("pragma wal_checkpoint({how})");
    conn.query_row(&text, [], |row| row.get(1)).unwrap_or_else(|error| {
        tracing::warn!(%error, how, "the write-ahead log could not be folded back");
        0
    })
}

struct Writer {
    files: Files,
    /// None after an error of the disk: what a failed sync left behind is not trusted again.
    conn: Option<Connection>,
    injector: Option<Arc<Injector>>,
    /// Pages in the log, as the background saw them last.
    log_pages: Arc<AtomicI64>,
    page_limit: Option<i64>,
    /// Gone with the writer, which ends the background.
    _alive: SyncSender<()>,
}

impl Writer {
    fn work(&mut self, mut orders: mpsc::Receiver<Order>) {
        let mut batch: Vec<Box<dyn Write>> = Vec::with_capacity(limits::LANE_BATCH_MAX);
        while let Some(order) = orders.blocking_recv() {
            self.take(order, &mut batch);
            while batch.len() < limits::LANE_BATCH_MAX {
                let Ok(order) = orders.try_recv() else { break };
                self.take(order, &mut batch);
            }
            if !batch.is_empty() {
                self.commit(&mut batch);
                self.look_at_the_log();
            }
        }
        if let Some(conn) = &self.conn {
            fold(conn, "truncate");
        }
    }

    #[cfg_attr(not(feature = "testing"), expect(clippy::unused_self, reason = "orders for tests"))]
    fn take(&mut self, order: Order, batch: &mut Vec<Box<dyn Write>>) {
        match order {
            Order::Run(job) => batch.push(job),
            #[cfg(feature = "testing")]
            Order::LimitPages(pages, done) => {
                self.page_limit = Some(pages);
                let set = self.connection().and_then(|conn| limit_pages(conn, pages));
                let _ = done.send(set);
            }
        }
    }

    fn commit(&mut self, batch: &mut Vec<Box<dyn Write>>) {
        let injector = self.injector.clone();
        let mut faults = Vec::with_capacity(batch.len());
        let done = self
            .connection()
            .and_then(|conn| together(conn, batch, injector.as_ref(), &mut faults));
        kernel::crash_point!("writer.committed");
        if let Err(fault) = &done {
            tracing::error!(%fault, jobs = batch.len(), "a batch was not committed");
            self.recover(fault);
        }
        answer(batch, &done, faults, injector.as_ref());
    }

    fn connection(&mut self) -> Result<&Connection, Fault> {
        if self.conn.is_none() {
            let conn = self.files.writer().map_err(|e| Fault::Unavailable(e.to_string()))?;
            if let Some(pages) = self.page_limit {
                limit_pages(&conn, pages)?;
            }
            self.conn = Some(conn);
        }
        self.conn.as_ref().ok_or_else(|| Fault::Unavailable("no connection".into()))
    }

    fn recover(&mut self, fault: &Fault) {
        if matches!(fault, Fault::Unavailable(_)) {
            self.conn = None;
        } else if let Some(conn) = &self.conn
            && !conn.is_autocommit()
            && run(conn, "rollback").is_err()
        {
            self.conn = None;
        }
    }

    fn look_at_the_log(&mut self) {
        if self.log_pages.load(Ordering::Relaxed) > LOG_PAGES_MAX
            && let Some(conn) = &self.conn
        {
            fold(conn, "restart");
            self.log_pages.store(0, Ordering::Relaxed);
        }
    }
}

/// Runs every job of the batch in one transaction. A job that is refused, or that meets a fault
/// of its own (kept in `faults`, by its place), is undone alone.
pub(super) fn together(
    conn: &Connection,
    batch: &mut [Box<dyn Write>],
    injector: Option<&Arc<Injector>>,
    faults: &mut Vec<Option<Fault>>,
) -> Result<(), Fault> {
    run(conn, "begin immediate")?;
    kernel::crash_point!("writer.begun");
    if let [job] = batch {
        return alone(conn, job.as_mut(), injector, faults);
    }
    for job in batch.iter_mut() {
        faults.push(one(conn, job.as_mut(), injector)?);
        kernel::crash_point!("writer.job-run");
    }
    kernel::crash_point!("writer.before-commit");
    commit(conn, injector)
}

/// Answers everybody, after the commit.
pub(super) fn answer(
    batch: &mut Vec<Box<dyn Write>>,
    done: &Result<(), Fault>,
    mut faults: Vec<Option<Fault>>,
    injector: Option<&Arc<Injector>>,
) {
    let lost = injector.is_some_and(|injector| done.is_ok() && injector.loses_answer());
    for (index, job) in batch.drain(..).enumerate() {
        let own = faults.get_mut(index).and_then(Option::take);
        job.answer(match (done, own) {
            (Err(fault), _) => Err(fault.clone()),
            (Ok(()), Some(fault)) => Err(fault),
            (Ok(()), None) if lost => Err(Fault::Unavailable("the answer was lost".into())),
            (Ok(()), None) => Ok(()),
        });
        kernel::crash_point!("writer.answered");
    }
}

/// Runs the only job of a batch: the transaction itself is what is undone, and the pages it
/// changes are not copied for a savepoint.
fn alone(
    conn: &Connection,
    job: &mut dyn Write,
    injector: Option<&Arc<Injector>>,
    faults: &mut Vec<Option<Fault>>,
) -> Result<(), Fault> {
    let kept = job.run(&mut Tx::new(Conn::Sqlite(conn), injector.cloned()));
    if conn.is_autocommit() {
        // The engine rolled the transaction back by itself (a full disk does that).
        return Err(kept.err().unwrap_or(Fault::Contention));
    }
    match kept {
        Ok(Keep::Commit) => {
            kernel::crash_point!("writer.before-lone-commit");
            commit(conn, injector)
        }
        Ok(Keep::Refused) => run(conn, "rollback"),
        Err(fault @ Fault::Unavailable(_)) => Err(fault),
        Err(fault) => {
            faults.push(Some(fault));
            run(conn, "rollback")
        }
    }
}

fn commit(conn: &Connection, injector: Option<&Arc<Injector>>) -> Result<(), Fault> {
    injector.map_or(Ok(()), |injector| injector.before(Step::Commits))?;
    run(conn, "commit")
}

/// Runs one job in a savepoint. The inner fault is the job's alone; the outer one ends the batch.
fn one(
    conn: &Connection,
    job: &mut dyn Write,
    injector: Option<&Arc<Injector>>,
) -> Result<Option<Fault>, Fault> {
    run(conn, "savepoint job")?;
    let kept = job.run(&mut Tx::new(Conn::Sqlite(conn), injector.cloned()));
    if conn.is_autocommit() {
        // The engine rolled the whole transaction back (a full disk does that).
        return Err(kept.err().unwrap_or(Fault::Contention));
    }
    if !matches!(kept, Ok(Keep::Commit)) {
        run(conn, "rollback to job")?;
    }
    run(conn, "release job")?;
    match kept {
        Ok(_) => Ok(None),
        Err(fault @ Fault::Unavailable(_)) => Err(fault),
        Err(fault) => Ok(Some(fault)),
    }
}

fn limit_pages(conn: &Connection, pages: i64) -> Result<(), Fault> {
    conn.query_row(&format!("pragma max_page_count = {pages}"), [], |_| Ok(()))
        .map_err(|e| super::fault(&e))
}
