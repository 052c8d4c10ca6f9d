//! Attempts, refunds and notices as they lie in the database.

use kernel::{
    AttemptId, Currency, Env, Fault, Money, NoticeId, OrderId, RefundId, SignedDuration, Timestamp,
    Uuid,
};
use store::{Db, Tx};

use crate::{
    AttemptState, News, Notice, RefundState, Saw, Till, find, history, mark_polled, of_order,
    refunds_due, refunds_of_order, submitted, to_poll,
};

static SCHEMAS: &[&store::Schema] = &[&store::SCHEMA, &crate::SCHEMA];

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
const FIRST: AttemptId = AttemptId(Uuid::from_u128(11));
const SECOND: AttemptId = AttemptId(Uuid::from_u128(12));
const REFUND: RefundId = RefundId(Uuid::from_u128(21));
const PRICE: Money = Money::new(2490, Currency::EUR);

store::sql! {
    query STRANGE_STATE { "update attempts set state = 'lost'" }
    query NO_MONEY { "update attempts set amount = 0" }
    query LIVE_ORPHAN { "update attempts set orphan = true, state = 'canceled'" }
    query SAME_REFERENCE { "update attempts set reference = 'p1'" }
    query BOTH_SETTLE { "update attempts set state = 'captured', orphan = false" }
    query NO_REFUND { "update refunds set amount = 0" }
    query LOST_REFUND { "update refunds set attempt_id = $1" }
    query HALF_HANDLED { "update notices set handled_at = received_at, effect = null" }
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1).0
}

fn after(seconds: i64) -> Timestamp {
    env().now() + SignedDuration::from_secs(seconds)
}

fn news(reference: &str, saw: Saw) -> News {
    News { saw, amount: PRICE, reference: reference.into(), source: "poll" }
}

/// Opens the till of the order, lets `work` change it, and writes what has become of it.
async fn at_till(db: &Db, work: impl Fn(&mut Till) + Send + 'static) -> Result<(), Fault> {
    db.write_lane(move |tx| {
        let mut till = Till::default();
        till.load(tx, [ORDER])?;
        work(&mut till);
        till.write(tx)
    })
    .await
}

async fn two_attempts(db: &Db) {
    at_till(db, |till| {
        till.intend(FIRST, ORDER, "sandbox", PRICE, (after(0), after(20)));
        till.intend(SECOND, ORDER, "other", PRICE, (after(0), after(30)));
    })
    .await
    .unwrap();
}

async fn capture(db: &Db, id: AttemptId, orphan: bool) -> Result<(), Fault> {
    at_till(db, move |till| {
        let news = news(&format!("p{}", id.0.as_u128()), Saw::Captured);
        till.observe(
            id,
            &news,
            "settled",
            |attempt| {
                attempt.state = AttemptState::Captured;
                attempt.orphan = orphan;
            },
            after(5),
        );
    })
    .await
}

store::on_both_engines! { SCHEMAS;
    async fn an_attempt_is_meant_asked_for_and_observed(t: TestDb) {
        two_attempts(&t.db).await;
        let polled = |at| t.db.read(move |read| to_poll(read, at, 10));
        assert!(polled(after(19)).await.unwrap().is_empty());
        let due = polled(after(30)).await.unwrap();
        assert_eq!(due.iter().map(|a| a.id).collect::<Vec<_>>(), [FIRST, SECOND]);
        let answered = t.db.write(|tx| {
            Ok::<_, Fault>([
                submitted(tx, FIRST, "p11", Some("https://pay"), after(1), after(40))?,
                submitted(tx, FIRST, "p12", Some("https://other"), after(2), after(50))?,
            ])
        });
        assert_eq!(answered.await.unwrap(), [true, false], "answered once");
        t.db.write(|tx| mark_polled(tx, SECOND, Some(after(99)))).await.unwrap();
        assert_eq!(polled(after(40)).await.unwrap().len(), 1);
        capture(&t.db, FIRST, false).await.unwrap();
        let first = t.db.read(|read| find(read, FIRST)).await.unwrap().unwrap();
        assert_eq!((first.state, first.reference.as_deref()), (AttemptState::Captured, Some("p11")));
        assert_eq!((first.redirect_url.as_deref(), first.poll_at), (Some("https://pay"), None));
        t.db.write(|tx| mark_polled(tx, FIRST, Some(after(60)))).await.unwrap();
        let quiet = t.db.read(|read| find(read, FIRST)).await.unwrap().unwrap();
        assert_eq!(quiet.poll_at, None, "what is settled is not asked about again");
        let seen = t.db.read(|read| history(read, FIRST)).await.unwrap();
        assert_eq!((seen.len(), seen[0].seq, seen[0].saw.as_str()), (1, 1, "captured"));
        let all = t.db.read(|read| of_order(read, ORDER)).await.unwrap();
        assert_eq!(all.iter().map(|a| a.polls).collect::<Vec<_>>(), [0, 1]);
    }

    async fn money_goes_back_once_and_no_more_than_came(t: TestDb) {
        two_attempts(&t.db).await;
        at_till(&t.db, |till| {
            assert!(!till.send_back(REFUND, FIRST, "nothing came", after(0)));
        })
        .await
        .unwrap();
        capture(&t.db, FIRST, true).await.unwrap();
        at_till(&t.db, |till| {
            assert_eq!(till.left_to_refund(FIRST), 2490);
            assert!(till.send_back(REFUND, FIRST, "not wanted", after(0)));
            let again = RefundId(Uuid::from_u128(22));
            assert!(!till.send_back(again, FIRST, "twice", after(0)), "nothing is left");
        })
        .await
        .unwrap();
        let due = |at| t.db.read(move |read| refunds_due(read, at, 10));
        assert_eq!(due(after(0)).await.unwrap()[0].amount, PRICE);
        t.db.write(|tx| crate::refund_failed(tx, REFUND, after(60))).await.unwrap();
        assert!(due(after(59)).await.unwrap().is_empty());
        assert_eq!(due(after(60)).await.unwrap()[0].tries, 1);
        at_till(&t.db, |till| {
            assert_eq!(till.gone_back(FIRST), 0);
            till.refund_ended(REFUND, RefundState::Succeeded, Some("r1".into()), after(61));
            till.refund_ended(REFUND, RefundState::Failed, None, after(62));
            assert_eq!((till.gone_back(FIRST), till.left_to_refund(FIRST)), (2490, 0));
        })
        .await
        .unwrap();
        assert!(due(after(999)).await.unwrap().is_empty());
        let ended = t.db.read(|read| refunds_of_order(read, ORDER)).await.unwrap();
        assert_eq!((ended[0].state, ended[0].reference.as_deref()), (RefundState::Succeeded, Some("r1")));
    }

    async fn a_failed_refund_may_be_promised_again(t: TestDb) {
        two_attempts(&t.db).await;
        capture(&t.db, FIRST, true).await.unwrap();
        at_till(&t.db, |till| {
            till.send_back(REFUND, FIRST, "not wanted", after(0));
            till.refund_ended(REFUND, RefundState::Failed, None, after(1));
            assert_eq!(till.left_to_refund(FIRST), 2490);
            assert!(till.send_back(RefundId(Uuid::from_u128(22)), FIRST, "again", after(2)));
        })
        .await
        .unwrap();
        assert_eq!(t.db.read(|read| refunds_of_order(read, ORDER)).await.unwrap().len(), 2);
    }

    async fn a_notice_is_kept_once(t: TestDb) {
        let notice = |id: u128, key: &str| Notice {
            id: NoticeId(Uuid::from_u128(id)),
            gateway: "sandbox".into(),
            dedupe_key: key.into(),
            reference: None,
            attempt_id: Some(FIRST),
            body: "{}".into(),
            headers: "{}".into(),
            received_at: after(0),
        };
        let notices = [notice(1, "a"), notice(2, "a"), notice(3, "b")];
        let kept = t.db.write(move |tx| {
            notices.iter().map(|n| crate::receive(tx, n)).collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(kept.await.unwrap(), [true, false, true]);
        let due = |at| t.db.read(move |read| crate::notices_due(read, at, 10));
        assert_eq!(due(after(0)).await.unwrap().len(), 2);
        t.db.write(|tx| {
            crate::notice_handled(tx, NoticeId(Uuid::from_u128(1)), "settled", after(1))?;
            crate::notice_failed(tx, NoticeId(Uuid::from_u128(1)), after(2))?;
            crate::notice_failed(tx, NoticeId(Uuid::from_u128(3)), after(60))
        })
        .await
        .unwrap();
        assert!(due(after(59)).await.unwrap().is_empty());
        let late = due(after(60)).await.unwrap();
        assert_eq!((late.len(), late[0].tries, late[0].attempt_id), (1, 1, Some(FIRST)));
        assert!(matches!(t.db.write(|tx| tx.execute(&HALF_HANDLED, &[])).await,
            Err(Fault::Constraint(_))));
    }

    async fn the_database_refuses_what_must_not_be(t: TestDb) {
        two_attempts(&t.db).await;
        let same = |tx: &mut Tx<'_>| tx.execute(&SAME_REFERENCE, &[]);
        assert_eq!(t.db.write(same).await.unwrap(), 2, "at two gateways it may be");
        capture(&t.db, FIRST, true).await.unwrap();
        at_till(&t.db, |till| {
            assert!(till.send_back(REFUND, FIRST, "not wanted", after(0)));
            let third = AttemptId(Uuid::from_u128(13));
            till.intend(third, ORDER, "sandbox", PRICE, (after(0), after(20)));
        })
        .await
        .unwrap();
        for bad in [
            |tx: &mut Tx<'_>| tx.execute(&STRANGE_STATE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&NO_MONEY, &[]),
            |tx: &mut Tx<'_>| tx.execute(&LIVE_ORPHAN, &[]),
            |tx: &mut Tx<'_>| tx.execute(&SAME_REFERENCE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&BOTH_SETTLE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&NO_REFUND, &[]),
            |tx: &mut Tx<'_>| tx.execute(&LOST_REFUND, &[&Uuid::max()]),
        ] {
            let answer = t.db.write(bad).await;
            assert!(matches!(answer, Err(Fault::Constraint(_))), "{answer:?}");
        }
        capture(&t.db, SECOND, false).await.unwrap();
        let both = capture(&t.db, AttemptId(Uuid::from_u128(13)), false).await;
        assert!(matches!(both, Err(Fault::Constraint(_))), "one attempt settles an order");
    }

    async fn every_statement_is_taken(t: TestDb) {
        let all = store::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert!(all > crate::sql::ALL.len());
        assert_eq!(ALL.len(), 8);
    }
}
