//! Closures on their way to a connection, and their answers on the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Fault;
use tokio::sync::oneshot;

use crate::tx::{Read, Tx};

/// A transaction waiting to run. It may run more than once before it is answered.
pub(crate) trait Write: Send {
    /// Runs the work; says whether it is to be kept, or why the engine broke it.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<Keep, Fault>;
    /// Answers the caller, who hears of success only after the commit.
    fn answer(self: Box<Self>, commit: Result<(), Fault>);
}

/// What becomes of a transaction whose statements all worked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Commit,
    Refused,
}

pub(crate) struct WriteJob<F, T, E> {
    work: F,
    outcome: Option<Result<T, E>>,
    to: oneshot::Sender<Result<T, E>>,
    commits: Arc<AtomicU64>,
}

impl<F, T, E> WriteJob<F, T, E> {
    /// `commits` counts up before anybody hears of the commit.
    pub(crate) fn new(
        work: F,
        commits: &Arc<AtomicU64>,
    ) -> (Box<Self>, oneshot::Receiver<Result<T, E>>) {
        let (to, answer) = oneshot::channel();
        (Box::new(Self { work, outcome: None, to, commits: commits.clone() }), answer)
    }
}

impl<F, T, E> Write for WriteJob<F, T, E>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Fault> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<Keep, Fault> {
        let outcome = without_panic(|| (self.work)(tx))?;
        if let Some(fault) = tx.failure() {
            return Err(fault);
        }
        let keep = if outcome.is_ok() { Keep::Commit } else { Keep::Refused };
        self.outcome = Some(outcome);
        Ok(keep)
    }

    fn answer(self: Box<Self>, commit: Result<(), Fault>) {
        // Also after a fault: it may have happened all the same.
        self.commits.fetch_add(1, Ordering::Release);
        let answer = match (commit, self.outcome) {
            (Err(fault), _) => Err(fault.into()),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(Fault::Broken("a job was answered before it ran".into()).into()),
        };
        // The caller may have gone; what was committed stays committed.
        let _ = self.to.send(answer);
    }
}

/// A snapshot read waiting for a PostgreSQL connection.
pub(crate) trait Ask: Send {
    /// Runs the work and answers the caller.
    fn run(self: Box<Self>, read: &mut Read<'_>);
    /// Answers the caller that it could not run.
    fn fail(self: Box<Self>, fault: Fault);
}

pub(crate) struct AskJob<F, T, E> {
    work: F,
    to: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> AskJob<F, T, E> {
    pub(crate) fn new(work: F) -> (Box<Self>, oneshot::Receiver<Result<T, E>>) {
        let (to, answer) = oneshot::channel();
        (Box::new(Self { work, to }), answer)
    }
}

impl<F, T, E> Ask for AskJob<F, T, E>
where
    F: FnOnce(&mut Read<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Fault> + Send,
{
    fn run(self: Box<Self>, read: &mut Read<'_>) {
        let work = self.work;
        let answer = without_panic(|| work(read)).unwrap_or_else(|fault| Err(fault.into()));
        let _ = self.to.send(answer);
    }

    fn fail(self: Box<Self>, fault: Fault) {
        let _ = self.to.send(Err(fault.into()));
    }
}

/// A closure with a bug must not take the thread with it that everybody's work runs on. What it
/// did is undone like that of any other fault.
fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|_| Fault::Broken("the work on the database panicked".into()))
}

/// Waits for threads to end. The last handle to a database may be held by a job, and then it is
/// dropped on one of these very threads, which cannot wait for itself.
pub(crate) fn join_others(threads: Vec<std::thread::JoinHandle<()>>) {
    let this = std::thread::current().id();
    for thread in threads {
        if thread.thread().id() != this {
            // A thread that panicked has already said so.
            let _ = thread.join();
        }
    }
}
