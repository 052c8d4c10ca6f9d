//! Faults on demand, so that a test can break a flow at each of its steps in turn.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use kernel::Fault;

/// Breaks the nth statement from now, or the answer to the next commit. Idle until told.
#[derive(Debug, Default)]
pub struct Injector {
    statements_left: AtomicI64,
    lose_answer: AtomicBool,
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

    /// Nothing breaks any more. Says whether a planned break was still waiting.
    pub fn calm(&self) -> bool {
        let waiting = self.statements_left.swap(0, Ordering::SeqCst) > 0;
        self.lose_answer.swap(false, Ordering::SeqCst) || waiting
    }

    pub(crate) fn tick(&self) -> Result<(), Fault> {
        if self.statements_left.load(Ordering::Relaxed) > 0
            && self.statements_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            return Err(Fault::Unavailable("a planned break".into()));
        }
        Ok(())
    }

    pub(crate) fn loses_answer(&self) -> bool {
        self.lose_answer.load(Ordering::Relaxed) && self.lose_answer.swap(false, Ordering::SeqCst)
    }
}
