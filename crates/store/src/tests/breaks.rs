//! Bad days: full disks, full queues, callers who leave, closures with bugs.

use tokio::task::JoinSet;

use super::*;
use crate::EngineKind;

crate::on_both_engines! { SCHEMAS;
    async fn a_closure_that_panics_takes_nobody_with_it(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        for _ in 0..4 {
            let write = t.db.write(|tx| -> Result<(), Fault> {
                add(tx, Uuid::from_u128(2), 2)?;
                panic!("a bug")
            });
            assert!(matches!(write.await, Err(Fault::Broken(_))));
            let write = t.db.write_lane(|tx| -> Result<(), Fault> {
                add(tx, Uuid::from_u128(2), 2)?;
                panic!("a bug")
            });
            assert!(matches!(write.await, Err(Fault::Broken(_))));
            let db = t.db.clone();
            let read = tokio::spawn(async move {
                db.read(|read| -> Result<(), Fault> {
                    let _: Vec<(i64,)> = read.rows(&COUNT, &[])?;
                    panic!("a bug")
                })
                .await
            });
            assert!(!matches!(read.await, Ok(Ok(()))));
        }
        add_one(&t.db, 3).await.unwrap();
        assert_eq!(numbers(&t.db).await, [1, 3]);
    }

    async fn a_planned_break_leaves_nothing(t: TestDb) {
        t.injector.fail_statement(2);
        let write = t.db.write(|tx| {
            add(tx, Uuid::from_u128(1), 1)?;
            add(tx, Uuid::from_u128(2), 2)
        });
        assert!(matches!(write.await, Err(Fault::Unavailable(_))));
        assert!(!t.injector.calm() && numbers(&t.db).await.is_empty());
        t.injector.lose_next_answer();
        assert!(matches!(add_one(&t.db, 1).await, Err(Fault::Unavailable(_))));
        assert_eq!(numbers(&t.db).await, [1], "the commit was there, the answer was not");
    }

    async fn a_call_breaks_before_or_after_or_for_good(t: TestDb) {
        use crate::Break;
        // Two statements and a commit: only what breaks behind the commit is kept.
        for (index, how) in Break::ALL.into_iter().enumerate() {
            for nth in 1..=3 {
                let before = numbers(&t.db).await.len();
                let n = i64::try_from(index * 10).unwrap() + nth;
                t.injector.break_call(nth, how);
                let write = t.db.write(move |tx| {
                    let id = |n: i64| Uuid::from_u128(n.unsigned_abs().into());
                    add(tx, id(n), n)?;
                    add(tx, id(n + 1000), n + 1000)
                });
                assert!(matches!(write.await, Err(Fault::Unavailable(_))), "{how:?} {nth}");
                let died = t.injector.is_down();
                assert_eq!(died, how.is_crash(), "{how:?} {nth}");
                assert_eq!(add_one(&t.db, n + 500).await.is_err(), died, "{how:?} {nth}");
                assert!(!t.injector.calm(), "it has broken: {how:?} {nth}");
                let done = nth == 3 && matches!(how, Break::After | Break::CrashAfter);
                let kept = numbers(&t.db).await.len() - before;
                assert_eq!(kept, usize::from(done) * 2 + usize::from(!died), "{how:?} {nth}");
            }
        }
        t.injector.break_call(1, Break::Before);
        assert_eq!(t.injector.call("a bank", || 7), Err(false));
        t.injector.break_call(1, Break::CrashAfter);
        assert_eq!(t.injector.call("a bank", || 7), Err(true));
        assert_eq!(t.injector.call("a bank", || 7), Err(false), "it is down");
        t.injector.calm();
        t.injector.break_call(2, Break::Before);
        assert_eq!(t.injector.call("a bank", || 7), Ok(7));
        assert!(t.injector.calm(), "the second was never made");
    }

    async fn a_closed_database_says_so(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        t.db.close();
        assert!(matches!(add_one(&t.db, 2).await, Err(Fault::Unavailable(_))));
        let read = t.db.read(|read| read.rows::<(i64,)>(&COUNT, &[])).await;
        assert!(matches!(read, Err(Fault::Unavailable(_))));
        t.db.close();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_goes_by() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    t.db.limit_pages(1).await.unwrap();
    let word = "a long word ".repeat(300);
    let write = |n: u128| {
        let word = format!("{n} {word}");
        t.db.write(move |tx| {
            let row = [(Uuid::from_u128(n), 1_i64, word.clone())];
            tx.insert_many(&ADD_MANY, &row, |(id, n, word)| [id.value(), n.value(), word.value()])
        })
    };
    let mut written = 0;
    let full = loop {
        match write(written).await {
            Ok(()) => written += 1,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(full, Fault::StorageFull), "{full:?}");
    assert_eq!(numbers(&t.db).await.len() as u128, written, "reads go on");
    assert!(matches!(write(written).await, Err(Fault::StorageFull)));
    t.db.limit_pages(1_000_000).await.unwrap();
    write(written).await.unwrap();
    assert_eq!(numbers(&t.db).await.len() as u128, written + 1, "it recovers by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_said_at_once() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let (go, first) = busy(&t.db);
    let mut crowd = JoinSet::new();
    let many = kernel::limits::WRITE_QUEUE_MAX + 10;
    for _ in 0..many {
        let db = t.db.clone();
        crowd.spawn(async move { db.write(|_| Ok::<_, Fault>(())).await });
    }
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(crowd.join_next().await.unwrap().unwrap());
    }
    assert!(answers.iter().all(|answer| matches!(answer, Err(Fault::Overloaded))));
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    let rest = crowd.join_all().await;
    assert!(rest.len() == many - 10 && rest.iter().all(Result::is_ok));
}

/// A reader's place in the queue is its own only as long as it waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_the_queue_gives_its_place_back() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let mut doors = Vec::new();
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (go, wait) = mpsc::channel::<()>();
        let (say, begun) = mpsc::channel::<()>();
        let db = t.db.clone();
        readers.spawn(async move {
            db.read(move |_| {
                say.send(()).ok();
                tokio::task::block_in_place(|| wait.recv()).ok();
                Ok::<_, Fault>(())
            })
            .await
        });
        tokio::task::block_in_place(|| begun.recv()).unwrap();
        doors.push(go);
    }
    for _ in 0..=kernel::limits::READ_QUEUE_MAX {
        let mut read = Box::pin(t.db.read(|read| read.rows::<(i64,)>(&COUNT, &[])));
        let waits = std::future::poll_fn(|context| {
            std::task::Poll::Ready(read.as_mut().poll(context).is_pending())
        });
        assert!(waits.await, "no reader is free");
    }
    drop(doors);
    assert!(readers.join_all().await.into_iter().all(|read| read.is_ok()));
    for _ in 0..=kernel::limits::READ_QUEUE_MAX {
        assert!(numbers(&t.db).await.is_empty(), "and so does one that had its turn");
    }
}
