//! The database in memory keeps what the file keeps, and its gate decides on each call.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::testing::{Call, Gate, Memory, Turn};

/// Notes who comes, and does with the next call what it is told.
#[derive(Default)]
struct Porter {
    seen: Mutex<Vec<(&'static str, Call)>>,
    refuses: Mutex<Option<&'static str>>,
    keeps_waiting: Mutex<bool>,
}

impl Porter {
    fn verdict(&self, at: &'static str, call: Call) -> Turn<Result<(), Fault>> {
        self.seen.lock().unwrap().push((at, call));
        let refused = self.refuses.lock().unwrap().take_if(|place| *place == at);
        Box::pin(std::future::ready(match refused {
            Some(_) => Err(Fault::Unavailable("refused".into())),
            None => Ok(()),
        }))
    }
}

impl Gate for Porter {
    fn enter(&self, call: Call) -> Turn<Result<(), Fault>> {
        self.verdict("enter", call)
    }

    fn gather(&self, _: Call) -> Turn<()> {
        if *self.keeps_waiting.lock().unwrap() {
            Box::pin(std::future::pending())
        } else {
            Box::pin(std::future::ready(()))
        }
    }

    fn leave(&self, call: Call) -> Turn<Result<(), Fault>> {
        self.verdict("leave", call)
    }
}

fn opened() -> (Memory, Arc<Porter>, Db) {
    let memory = Memory::new(SCHEMAS).unwrap();
    let porter = Arc::new(Porter::default());
    let db = memory.open(porter.clone(), None);
    (memory, porter, db)
}

/// Drives work that waits for nothing but its gate.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn what_is_written_is_there_for_the_next_who_opens() {
    let (memory, porter, db) = opened();
    now(add_one(&db, 1)).unwrap();
    let seen = std::mem::take(&mut *porter.seen.lock().unwrap());
    assert_eq!(seen, [("enter", Call::Write), ("leave", Call::Write)]);
    drop(db);
    assert_eq!(now(numbers(&memory.open(Arc::new(()), None))), [1]);
}

#[test]
fn a_refused_call_does_nothing_and_a_lost_answer_loses_nothing() {
    let (_, porter, db) = opened();
    *porter.refuses.lock().unwrap() = Some("enter");
    assert!(matches!(now(add_one(&db, 1)), Err(Fault::Unavailable(_))));
    *porter.refuses.lock().unwrap() = Some("leave");
    assert!(matches!(now(add_one(&db, 2)), Err(Fault::Unavailable(_))));
    assert_eq!(now(numbers(&db)), [2]);
}

#[test]
fn whoever_comes_first_commits_all_who_wait() {
    let (_, porter, db) = opened();
    *porter.keeps_waiting.lock().unwrap() = true;
    let mut waiting = Box::pin(add_one(&db, 1));
    let mut context = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut waiting).poll(&mut context).is_pending());
    assert_eq!(now(numbers(&db)), [0; 0], "it waits for its commit");
    *porter.keeps_waiting.lock().unwrap() = false;
    // Too large: undone alone, and the one it meets is kept.
    assert!(matches!(now(add_one(&db, 1_000_000)), Err(Fault::Constraint(_))));
    assert_eq!(now(numbers(&db)), [1]);
}

#[test]
fn a_copy_goes_its_own_way() {
    let (memory, _, db) = opened();
    now(add_one(&db, 1)).unwrap();
    let copy = memory.copy().unwrap();
    assert_eq!(copy.dump().unwrap(), memory.dump().unwrap());
    now(add_one(&db, 2)).unwrap();
    assert_eq!(now(numbers(&copy.open(Arc::new(()), None))), [1]);
    assert_ne!(copy.dump().unwrap(), memory.dump().unwrap());
}

#[test]
fn what_was_remembered_is_put_back() {
    let (memory, _, db) = opened();
    now(add_one(&db, 1)).unwrap();
    memory.remember().unwrap();
    let before = memory.dump().unwrap();
    now(add_one(&db, 2)).unwrap();
    assert_ne!(memory.dump().unwrap(), before);
    for _ in 0..2 {
        memory.put_back().unwrap();
        assert_eq!(memory.dump().unwrap(), before);
    }
    assert_eq!(now(numbers(&db)), [1]);
}
