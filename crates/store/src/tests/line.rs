//! PostgreSQL behind a bad line: whose commit's answer is lost, or who is not there for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proxy::{Fate, Proxy, What};
use tokio::time::timeout;

use super::*;
use crate::{EngineKind, Options};

/// Commits of a run; each of them is hit once.
const COMMITS: i64 = 50;
/// Two that read, two that write, and the lane.
const CONNECTIONS: usize = 5;
/// How long a server that took a statement is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// A shop is whole again this soon after its database is.
const RECOVERY: Duration = Duration::from_secs(2);

/// A database, and the same behind a line that can be broken.
fn behind_a_line() -> (TestDb, Proxy, Db) {
    let t = TestDb::new(EngineKind::Postgres, SCHEMAS);
    let (proxy, url) = Proxy::before(&t.url).unwrap();
    let options = Options { connections: 2, patience: PATIENCE, ..Options::new(url) };
    let db = Db::open(&options, SCHEMAS).unwrap();
    (t, proxy, db)
}

#[derive(Clone, Copy, Debug)]
enum Road {
    Write,
    Lane,
}

/// Adds a thing; counts how often its closure runs.
async fn count_one(db: &Db, road: Road, n: i64, runs: &Arc<AtomicI64>) -> Result<(), Fault> {
    let (runs, id) = (runs.clone(), Uuid::from_u128(n.unsigned_abs().into()));
    let work = move |tx: &mut Tx<'_>| {
        runs.fetch_add(1, Ordering::SeqCst);
        add(tx, id, n)
    };
    match road {
        Road::Write => db.write(work).await,
        Road::Lane => db.write_lane(work).await,
    }
}

/// Each of fifty commits breaks: its caller is told, its closure has run once, nothing else is
/// touched, and the row says how it really went.
async fn break_each_commit(road: Road, fate: Fate) {
    let (t, proxy, db) = behind_a_line();
    let happened = fate == Fate::AnswerSwallowed;
    for n in (1..=COMMITS).map(|nth| nth * 2) {
        let runs = Arc::new(AtomicI64::new(0));
        proxy.strike(What::Commit, 2, fate);
        count_one(&db, road, n - 1, &runs).await.unwrap();
        let broken = count_one(&db, road, n, &runs).await;
        assert!(matches!(broken, Err(Fault::Unavailable(_))), "commit of {n}: {broken:?}");
        assert!(!proxy.calm(), "the commit of {n} was not hit");
        assert_eq!(runs.load(Ordering::SeqCst), 2, "{n}: a closure ran again");
        let there = numbers(&t.db).await.contains(&n);
        assert_eq!(there, happened, "{n}");
        // Asking again with the same key says how it went, and does not add a second one.
        let again = count_one(&db, road, n, &runs).await;
        assert_eq!(matches!(again, Err(Fault::Constraint(_))), there, "{n}: {again:?}");
    }
    let all: Vec<i64> = (1..=COMMITS * 2).collect();
    assert_eq!(numbers(&t.db).await, all);
}

#[tokio::test]
async fn a_swallowed_commit_is_not_run_again() {
    break_each_commit(Road::Write, Fate::AnswerSwallowed).await;
}

#[tokio::test]
async fn a_swallowed_commit_of_the_lane_is_not_run_again() {
    break_each_commit(Road::Lane, Fate::AnswerSwallowed).await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_told() {
    break_each_commit(Road::Write, Fate::NeverDelivered).await;
    break_each_commit(Road::Lane, Fate::NeverDelivered).await;
}

/// Reads, writes and the lane, each once.
async fn all_roads(db: &Db, n: i64) -> Vec<Result<(), Fault>> {
    let runs = Arc::default();
    let read = db.read(|read| read.rows::<(i64,)>(&COUNT, &[]).map(|_| ()));
    let (read, write, lane) = tokio::join!(
        read,
        count_one(db, Road::Write, n, &runs),
        count_one(db, Road::Lane, n + 1, &runs)
    );
    vec![read, write, lane]
}

#[tokio::test]
async fn a_database_that_pauses_is_waited_for() {
    let (t, proxy, db) = behind_a_line();
    all_roads(&db, 1).await.into_iter().for_each(Result::unwrap);
    proxy.pause();
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { all_roads(&db, 3).await }
    });
    assert!(
        timeout(Duration::from_millis(100), db.read(|read| read.rows::<(i64,)>(&COUNT, &[])))
            .await
            .is_err()
    );
    proxy.resume();
    waiting.await.unwrap().into_iter().for_each(Result::unwrap);
    assert_eq!(numbers(&t.db).await, [1, 2, 3, 4]);
}

/// Whoever waits is told, and the next ones are served again soon.
async fn comes_back(trouble: impl Fn(&Proxy)) {
    let (t, proxy, db) = behind_a_line();
    all_roads(&db, 1).await.into_iter().for_each(Result::unwrap);
    trouble(&proxy);
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { all_roads(&db, 3).await }
    });
    tokio::task::yield_now().await;
    proxy.heal();
    for answer in timeout(RECOVERY, waiting).await.expect("an answer").unwrap() {
        assert!(matches!(answer, Ok(()) | Err(Fault::Unavailable(_))), "{answer:?}");
    }
    let mut put_off = 0;
    let well = async {
        let (mut n, mut in_a_row) = (100, 0);
        while in_a_row < CONNECTIONS {
            let bad = all_roads(&db, n).await.into_iter().filter(Result::is_err).count();
            in_a_row = if bad == 0 { in_a_row + 1 } else { 0 };
            put_off += bad;
            n += 2;
        }
    };
    timeout(RECOVERY, well).await.expect("it did not recover");
    assert!(numbers(&t.db).await.len() >= 12);
    // Each connection is found out at most once.
    assert!(put_off <= CONNECTIONS, "{put_off} were put off");
}

#[tokio::test]
async fn a_database_that_was_away_is_found_again() {
    comes_back(Proxy::blackhole).await;
    comes_back(Proxy::refuse).await;
    comes_back(Proxy::reset).await;
}

/// A database that was restarted while nobody asked anything: the first who asks is served.
#[tokio::test]
async fn a_connection_that_was_cut_while_idle_is_not_used() {
    let (_t, proxy, db) = behind_a_line();
    all_roads(&db, 1).await.into_iter().for_each(Result::unwrap);
    proxy.reset();
    all_roads(&db, 3).await.into_iter().for_each(Result::unwrap);
}

/// A peer that takes every byte and never says a word costs its callers their patience, not the
/// shop its connections.
#[tokio::test]
async fn a_server_that_keeps_silent_is_given_up() {
    let (_t, proxy, db) = behind_a_line();
    all_roads(&db, 1).await.into_iter().for_each(Result::unwrap);
    proxy.blackhole();
    let silent = timeout(PATIENCE * 4, all_roads(&db, 3)).await.expect("an answer");
    for answer in silent {
        assert!(matches!(answer, Err(Fault::Unavailable(_))), "{answer:?}");
    }
    proxy.heal();
    all_roads(&db, 5).await.into_iter().for_each(Result::unwrap);
}
