//! What happened: who was served, who was refused, what went wrong, and how long it took.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::StatusCode;

use crate::api;
use crate::client::{Answer, Broken};
use crate::clock::now;
use crate::pace::Turn;
use crate::stats::{Latencies, Op};

/// Errors that are kept to be printed in full.
const SAMPLES_MAX: usize = 5;

/// What an answer means to the one who asked.
#[derive(Debug)]
pub enum Verdict {
    /// The expected answer.
    Served(Answer),
    /// Somebody else was faster: 409 `out-of-stock`.
    Refused,
    /// 503 `overloaded`: turned away by design, with the seconds to wait when they were said.
    Overloaded(Option<u64>),
    /// Counted as an error already, or cut off by a kill.
    Failed,
    /// No answer: the request may or may not have had its effect.
    Unknown,
}

/// Shared by all connections of a run.
#[derive(Debug, Default)]
pub struct Ledger {
    book: Mutex<Book>,
    turns: AtomicU64,
    /// The shop is about to be killed: connections that break are no errors.
    cutting: AtomicBool,
    /// The shop will end at a moment nobody knows: the first connection that breaks is it.
    cut_awaited: AtomicBool,
}

/// The counts; what was done in the warm-up is not among them, except its errors.
#[derive(Debug, Default)]
pub struct Book {
    pub requests: u64,
    pub placed: u64,
    pub refused: u64,
    pub overloaded: u64,
    pub errors: u64,
    /// Requests without an answer because the shop was killed.
    pub cut_off: u64,
    /// Requests in which a client misbehaved on purpose.
    pub misbehaved: u64,
    pub warmup_turns: u64,
    pub latencies: Latencies,
    pub samples: Vec<String>,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was counted and leaves empty counts.
    pub fn close(&self) -> Book {
        std::mem::take(&mut *self.book())
    }

    /// Counts the answer to one request that was wanted at `since`.
    pub fn judge(
        &self,
        op: Op,
        turn: &Turn,
        since: Instant,
        expected: &[StatusCode],
        outcome: Result<Answer, Broken>,
    ) -> Verdict {
        let now = now();
        let mut book = self.book();
        if turn.measured {
            book.requests += 1;
        }
        let answer = match outcome {
            Ok(answer) => answer,
            Err(_) if self.excuses_breaks() => {
                self.expect_cut();
                book.cut_off += 1;
                return Verdict::Unknown;
            }
            Err(broken) => {
                book.error(|| format!("{}: {broken}", op.name()));
                return Verdict::Unknown;
            }
        };
        let verdict = verdict(expected, answer);
        if !turn.measured {
            if let Err(answer) = verdict {
                book.error(|| api::in_full(op.name(), &answer));
                return Verdict::Failed;
            }
            return verdict.unwrap_or(Verdict::Failed);
        }
        match verdict {
            Ok(verdict) => {
                match verdict {
                    // Being turned away at once says nothing about how fast the shop serves.
                    Verdict::Overloaded(_) => book.overloaded += 1,
                    _ => book.latencies.record(op, since, now),
                }
                verdict
            }
            Err(answer) => {
                book.error(|| api::in_full(op.name(), &answer));
                Verdict::Failed
            }
        }
    }

    /// Counts a whole purchase that ended with an order.
    pub fn placed(&self, turn: &Turn) {
        if turn.measured {
            let now = now();
            let mut book = self.book();
            book.placed += 1;
            book.latencies.record(Op::Buy, turn.intended, now);
        }
    }

    /// Counts a purchase that found nothing left.
    pub fn refused(&self, turn: &Turn) {
        if turn.measured {
            let now = now();
            let mut book = self.book();
            book.refused += 1;
            book.latencies.record(Op::Buy, turn.intended, now);
        }
    }

    /// Counts something that is wrong although each answer by itself was right.
    pub fn wrong(&self, describe: impl FnOnce() -> String) {
        self.book().error(describe);
    }

    /// Counts a client that misbehaves.
    pub fn misbehaved(&self) {
        self.book().misbehaved += 1;
    }

    /// Counts a finished turn.
    pub fn turned(&self, turn: &Turn) {
        if turn.measured {
            self.turns.fetch_add(1, Ordering::Relaxed);
        } else {
            self.book().warmup_turns += 1;
        }
    }

    /// From here on broken connections are the kill's work.
    pub fn expect_cut(&self) {
        self.cutting.store(true, Ordering::Relaxed);
    }

    /// The shop will end by itself some time: connections that break are its end.
    pub fn await_cut(&self) {
        self.cut_awaited.store(true, Ordering::Relaxed);
    }

    /// True when a connection that breaks is no error.
    pub fn excuses_breaks(&self) -> bool {
        self.is_cutting() || self.cut_awaited.load(Ordering::Relaxed)
    }

    /// True once the shop is about to be killed.
    pub fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Relaxed)
    }

    /// Finished turns, and what to say about them while the run goes on.
    pub fn progress(&self) -> (u64, String) {
        let book = self.book();
        let text =
            format!("{} placed, {} refused, {} errors", book.placed, book.refused, book.errors);
        (self.turns.load(Ordering::Relaxed), text)
    }
}

impl Book {
    /// Adds the counts of another stretch.
    pub fn absorb(&mut self, other: Self) {
        self.requests += other.requests;
        self.placed += other.placed;
        self.refused += other.refused;
        self.overloaded += other.overloaded;
        self.errors += other.errors;
        self.cut_off += other.cut_off;
        self.misbehaved += other.misbehaved;
        self.warmup_turns += other.warmup_turns;
        self.latencies.absorb(&other.latencies);
        let room = SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.into_iter().take(room));
    }

    /// Counts an error; the first few are kept to be printed.
    pub fn error(&mut self, describe: impl FnOnce() -> String) {
        self.errors += 1;
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(describe());
        }
    }
}

/// The meaning of an answer; the answer itself when it means nothing agreed.
fn verdict(expected: &[StatusCode], answer: Answer) -> Result<Verdict, Answer> {
    if expected.contains(&answer.status) {
        return Ok(Verdict::Served(answer));
    }
    match (answer.status, api::problem_code(&answer.body).as_deref()) {
        (StatusCode::CONFLICT, Some("out-of-stock")) => Ok(Verdict::Refused),
        (StatusCode::SERVICE_UNAVAILABLE, Some("overloaded")) => {
            Ok(Verdict::Overloaded(answer.retry_after))
        }
        _ => Err(answer),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, code: &str) -> Answer {
        let body = format!(r#"{{"type":"/problems/{code}"}}"#);
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Bytes::from(body),
            request_id: None,
            retry_after: Some(2),
        }
    }

    fn turn(measured: bool) -> Turn {
        Turn { number: 0, intended: now(), measured }
    }

    fn judged(ledger: &Ledger, measured: bool, outcome: Result<Answer, Broken>) -> Verdict {
        let turn = turn(measured);
        ledger.judge(Op::Place, &turn, turn.intended, &[StatusCode::CREATED], outcome)
    }

    #[test]
    fn each_answer_is_counted_as_what_it_is() {
        let ledger = Ledger::default();
        assert!(matches!(judged(&ledger, true, Ok(answer(201, ""))), Verdict::Served(_)));
        assert!(matches!(judged(&ledger, true, Ok(answer(409, "out-of-stock"))), Verdict::Refused));
        let overloaded = judged(&ledger, true, Ok(answer(503, "overloaded")));
        assert!(matches!(overloaded, Verdict::Overloaded(Some(2))));
        for (status, code) in [
            (409, "cart-changed"),
            (503, "storage-full"),
            (500, "internal"),
            (200, "not-expected-here"),
            (422, "out-of-stock"),
        ] {
            assert!(matches!(judged(&ledger, true, Ok(answer(status, code))), Verdict::Failed));
        }
        assert!(matches!(judged(&ledger, true, Err(Broken::Late)), Verdict::Unknown));
        let book = ledger.close();
        assert_eq!((book.requests, book.overloaded, book.errors), (9, 1, 6));
        assert_eq!(book.latencies.figures(Op::Place).unwrap().count, 2);
        assert_eq!(book.samples.len(), SAMPLES_MAX);
        assert!(book.samples[0].contains("cart-changed"), "{:?}", book.samples);
    }

    #[test]
    fn the_warm_up_leaves_nothing_but_its_errors() {
        let ledger = Ledger::default();
        assert!(matches!(judged(&ledger, false, Ok(answer(201, ""))), Verdict::Served(_)));
        assert!(matches!(judged(&ledger, false, Ok(answer(500, "internal"))), Verdict::Failed));
        ledger.placed(&turn(false));
        ledger.refused(&turn(false));
        ledger.turned(&turn(false));
        let book = ledger.close();
        assert_eq!((book.requests, book.placed, book.refused, book.errors), (0, 0, 0, 1));
        assert_eq!((book.warmup_turns, book.latencies.figures(Op::Place)), (1, None));
    }

    #[test]
    fn a_kill_excuses_broken_connections_but_no_wrong_answers() {
        let ledger = Ledger::default();
        ledger.expect_cut();
        assert!(matches!(judged(&ledger, true, Err(Broken::Late)), Verdict::Unknown));
        assert!(matches!(judged(&ledger, true, Ok(answer(500, "internal"))), Verdict::Failed));
        let book = ledger.close();
        assert_eq!((book.cut_off, book.errors), (1, 1));
    }

    #[test]
    fn a_cut_that_is_awaited_begins_with_the_first_break() {
        let ledger = Ledger::default();
        ledger.await_cut();
        assert!(matches!(judged(&ledger, true, Ok(answer(201, ""))), Verdict::Served(_)));
        assert!(ledger.excuses_breaks() && !ledger.is_cutting());
        assert!(matches!(judged(&ledger, true, Err(Broken::Late)), Verdict::Unknown));
        assert!(ledger.is_cutting());
        let book = ledger.close();
        assert_eq!((book.cut_off, book.errors), (1, 0));
    }
}
