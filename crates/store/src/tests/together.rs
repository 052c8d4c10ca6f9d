//! Transactions that wait together, and transactions that meet.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use tokio::task::JoinSet;

use super::*;
use crate::EngineKind;

/// A refusal of the work itself.
#[derive(Debug)]
enum No {
    Refused,
    Fault(Fault),
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

crate::on_both_engines! { SCHEMAS;
    async fn whoever_is_answered_can_read_it(t: TestDb) {
        let mut crowd = JoinSet::new();
        for n in 0..200 {
            let db = t.db.clone();
            crowd.spawn(async move {
                add_one(&db, n).await.unwrap();
                numbers(&db).await.contains(&n)
            });
        }
        assert!(crowd.join_all().await.into_iter().all(|seen| seen));
        assert_eq!(numbers(&t.db).await, (0..200).collect::<Vec<_>>());
    }

    async fn a_refusal_and_a_fault_are_undone_alone(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        let write = |n: i64, refuse: bool| {
            t.db.write(move |tx| {
                add(tx, Uuid::from_u128(n.unsigned_abs().into()), n)?;
                if refuse { Err(No::Refused) } else { Ok(()) }
            })
        };
        let (first, refusal, twice, large, last) = tokio::join!(
            write(2, false), write(3, true), write(1, false), write(1_000_000, false),
            write(5, false),
        );
        assert!(first.is_ok() && last.is_ok());
        assert!(matches!(refusal, Err(No::Refused)));
        assert!(matches!(twice, Err(No::Fault(Fault::Constraint(_)))), "{twice:?}");
        let Err(No::Fault(Fault::Constraint(name))) = large else { panic!("{large:?}") };
        assert!(name.contains("things_n_is_small"), "{name}");
        assert_eq!(numbers(&t.db).await, [1, 2, 5]);
    }

    async fn a_fault_that_was_swallowed_is_a_fault(t: TestDb) {
        let write = t.db.write(|tx| {
            add(tx, Uuid::from_u128(1), 1)?;
            let _ = add(tx, Uuid::from_u128(1), 2);
            Ok::<_, Fault>(())
        });
        assert!(matches!(write.await, Err(Fault::Constraint(_))));
        assert!(numbers(&t.db).await.is_empty());
    }

    async fn a_snapshot_stands_still(t: TestDb) {
        let before = add_one(&t.db, 1).await;
        before.unwrap();
        let db = t.db.clone();
        let runtime = tokio::runtime::Handle::current();
        let (go, wait) = mpsc::channel::<()>();
        let (done, seen) = mpsc::channel::<()>();
        let reader = std::thread::spawn(move || {
            runtime.block_on(db.read_long(move |read| {
                let first: Vec<(i64,)> = read.rows(&COUNT, &[])?;
                done.send(()).ok();
                wait.recv().ok();
                let second: Vec<(i64,)> = read.rows(&COUNT, &[])?;
                Ok::<_, Fault>((first[0].0, second[0].0))
            }))
        });
        tokio::task::spawn_blocking(move || seen.recv()).await.unwrap().unwrap();
        add_one(&t.db, 2).await.unwrap();
        go.send(()).unwrap();
        let counts = tokio::task::spawn_blocking(move || reader.join()).await.unwrap().unwrap();
        assert_eq!(counts.unwrap(), (1, 1));
        assert_eq!(numbers(&t.db).await, [1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_together_share_one_commit() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let (go, first) = busy(&t.db);
    let mut crowd: Vec<_> = (0..50_i64)
        .map(|n| {
            let injector = t.injector.clone();
            Box::pin(t.db.write(move |tx| {
                // One answer is lost, whoever asks: it is the answer to all of the commit.
                injector.lose_next_answer();
                add(tx, Uuid::from_u128(n.unsigned_abs().into()), n)
            }))
        })
        .collect();
    for write in &mut crowd {
        let waits = std::future::poll_fn(|context| {
            std::task::Poll::Ready(write.as_mut().poll(context).is_pending())
        });
        assert!(waits.await, "the writer is busy");
    }
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for write in crowd {
        answers.push(write.await);
    }
    assert!(answers.iter().all(|answer| matches!(answer, Err(Fault::Unavailable(_)))));
    assert_eq!(numbers(&t.db).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loser_of_a_race_runs_again() {
    let t = TestDb::new(EngineKind::Postgres, SCHEMAS);
    let meet = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    // Each adds a row only when there is none: in a serial world one of them finds the other's.
    let write = |id: u128| {
        let (meet, runs) = (meet.clone(), runs.clone());
        t.db.write(move |tx| {
            let count: Vec<(i64,)> = tx.rows(&COUNT, &[])?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                meet.wait();
            }
            if count[0].0 == 0 {
                add(tx, Uuid::from_u128(id), 1)?;
            }
            Ok::<_, Fault>(count[0].0)
        })
    };
    let (a, b) = tokio::join!(write(1), write(2));
    assert_eq!(a.unwrap() + b.unwrap(), 1, "one saw nothing, one saw the other's row");
    let runs = runs.load(Ordering::SeqCst);
    assert!(runs >= 3, "the loser ran again: {runs}");
    assert_eq!(numbers(&t.db).await, [1]);
}
