//! Faults on demand, so that a test can break a flow at each of its steps in turn, or hold it
//! there.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::Fault;

/// A call that leaves the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The first statement of a snapshot, by name: what the snapshot sees is decided here.
    Looks(&'static str),
    /// A later statement of a snapshot.
    LooksOn(&'static str),
    /// A statement of a transaction that reads, and may lock.
    Asks(&'static str),
    /// A statement of a transaction that writes.
    Writes(&'static str),
    /// The commit of a transaction.
    Commits,
    /// A call of something that is no database.
    Calls(&'static str),
}

/// How a call breaks. The caller hears "unavailable" in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Break {
    /// Nothing is done.
    Before,
    /// It is done, and its answer is lost.
    After,
    /// The process dies before: nothing is done, and no later call either.
    CrashBefore,
    /// The process dies after: it is done, and no later call is.
    CrashAfter,
}

impl Break {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Before, Self::After, Self::CrashBefore, Self::CrashAfter];

    /// Whether the process dies of it.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }
}

/// Stands before each call and may let its thread wait.
pub trait Hold: Send + Sync {
    /// Comes back when the call may be made.
    fn before(&self, step: Step);
}

/// Breaks the nth call from now. Idle until told.
#[derive(Default)]
pub struct Injector {
    statements_left: AtomicI64,
    lose_answer: AtomicBool,
    plan: Mutex<Option<(i64, Break)>>,
    /// A call that is to break after it is done is being done.
    breaks_after: Mutex<Option<Break>>,
    down: AtomicBool,
    hold: Mutex<Option<Arc<dyn Hold>>>,
}

impl Injector {
    /// The `nth` statement from now (1 is the next) answers "unavailable" and nothing of its
    /// transaction is kept.
    pub fn fail_statement(&self, nth: i64) {
        self.statements_left.store(nth, Ordering::SeqCst);
    }

    /// The next commit happens, but its answer is lost: the caller hears "unavailable".
    pub fn lose_next_answer(&self) {
        self.lose_answer.store(true, Ordering::SeqCst);
    }

    /// The `nth` call from now (1 is the next) breaks: statements and commits count, and whatever
    /// goes through [`Injector::call`]. After a crash every call breaks, until
    /// [`Injector::calm`].
    pub fn break_call(&self, nth: i64, how: Break) {
        *lock(&self.plan) = Some((nth, how));
    }

    /// Whether the process has died of a planned break.
    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// Nothing breaks any more. Says whether a planned break was still waiting.
    pub fn calm(&self) -> bool {
        let waiting = self.statements_left.swap(0, Ordering::SeqCst) > 0;
        let waiting = self.lose_answer.swap(false, Ordering::SeqCst) || waiting;
        self.down.store(false, Ordering::SeqCst);
        lock(&self.plan).take().is_some() || waiting
    }

    /// Lets `hold` stand before each call, or nobody.
    pub fn hold(&self, hold: Option<Arc<dyn Hold>>) {
        *lock(&self.hold) = hold;
    }

    /// Whether somebody stands before each call.
    pub(crate) fn holds(&self) -> bool {
        lock(&self.hold).is_some()
    }

    /// Makes a call of something that is no database. An error says whether it was made.
    pub fn call<T>(&self, name: &'static str, call: impl FnOnce() -> T) -> Result<T, bool> {
        self.before(Step::Calls(name)).map_err(|_| false)?;
        let answer = call();
        self.after().map_err(|_| true)?;
        Ok(answer)
    }

    pub(crate) fn before(&self, step: Step) -> Result<(), Fault> {
        let hold = lock(&self.hold).clone();
        if let Some(hold) = hold {
            hold.before(step);
        }
        if self.is_down() {
            return Err(planned());
        }
        let statement = !matches!(step, Step::Commits | Step::Calls(_));
        if statement
            && self.statements_left.load(Ordering::Relaxed) > 0
            && self.statements_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            return Err(planned());
        }
        let mut plan = lock(&self.plan);
        let Some((left, how)) = plan.as_mut() else { return Ok(()) };
        *left -= 1;
        if *left > 0 {
            return Ok(());
        }
        let how = *how;
        *plan = None;
        match how {
            Break::Before => Err(planned()),
            Break::CrashBefore => {
                self.down.store(true, Ordering::SeqCst);
                Err(planned())
            }
            Break::After | Break::CrashAfter => {
                *lock(&self.breaks_after) = Some(how);
                Ok(())
            }
        }
    }

    pub(crate) fn after(&self) -> Result<(), Fault> {
        let Some(how) = lock(&self.breaks_after).take() else { return Ok(()) };
        self.down.store(how.is_crash(), Ordering::SeqCst);
        Err(planned())
    }

    pub(crate) fn loses_answer(&self) -> bool {
        let lost = self.lose_answer.load(Ordering::Relaxed)
            && self.lose_answer.swap(false, Ordering::SeqCst);
        self.after().is_err() || lost
    }
}

fn planned() -> Fault {
    Fault::Unavailable("a planned break".into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
