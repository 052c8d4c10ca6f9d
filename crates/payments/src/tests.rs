//! Attempts, refunds and notices as they lie in the database.

use kernel::{
    AttemptId, Currency, Env, Fault, Money, NoticeId, OrderId, RefundId, SignedDuration, Timestamp,
    Uuid,
};
use store::{Db, Tx};

use crate::{
    Attempt, AttemptState, Earned, Meant, News, Notice, Opened, Origin, RefundState, Saw, Till,
    Wanted, find, history, mark_polled, of_order, poll_soon, refunds_due, refunds_of_order,
    submitted, to_poll,
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
    query LIVE_ORPHAN { "update attempts set orphan = true, state = 'canceled', captured = 0" }
    query SAME_REFERENCE { "update attempts set reference = 'p1'" }
    query BOTH_SETTLE { "update attempts set state = 'captured', orphan = false, captured = amount" }
    query NO_REFUND { "update refunds set amount = 0" }
    query LOST_REFUND { "update refunds set attempt_id = $1" }
    query TOO_MUCH_BACK { "update attempts set reserved = captured + 1" }
    query MONEY_FROM_NOWHERE { "update attempts set captured = 1 where state = 'submitting'" }
    query COOKED { "update ledger set amount = amount + 1" }
    query BURNT { "delete from ledger" }
    query HALF_HANDLED { "update notices set handled_at = received_at, effect = null" }
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1).0
}

fn after(seconds: i64) -> Timestamp {
    env().now() + SignedDuration::from_secs(seconds)
}

fn news(reference: &str, saw: Saw) -> News {
    News::of(saw, PRICE, reference.into(), "poll")
}

fn meant(id: AttemptId, gateway: &str, poll_at: Timestamp) -> Meant {
    Meant {
        id,
        order: ORDER,
        gateway: gateway.into(),
        amount: PRICE,
        pays: PRICE,
        rate: None,
        tax: 0,
        two_stage: false,
        details: "{}".into(),
        deadline: after(1800),
        poll_at,
    }
}

fn opened(reference: &str, url: &str) -> Opened {
    let (reference, redirect_url) = (reference.into(), Some(url.into()));
    Opened { reference, redirect_url, ..Opened::default() }
}

fn wanted(id: RefundId, worth: i64) -> Wanted<'static> {
    let origin = Origin::Staff;
    Wanted { id, attempt: FIRST, worth, reason: "not wanted", origin, actor: None }
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
        till.intend(meant(FIRST, "sandbox", after(20)), after(0));
        till.intend(meant(SECOND, "other", after(30)), after(0));
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
                attempt.captured = attempt.amount.minor;
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
                submitted(tx, FIRST, &opened("p11", "https://pay"), after(1), after(40))?,
                submitted(tx, FIRST, &opened("p12", "https://other"), after(2), after(50))?,
            ])
        });
        assert_eq!(answered.await.unwrap(), [true, false], "answered once");
        t.db.write(|tx| mark_polled(tx, SECOND, Some(after(99)))).await.unwrap();
        t.db.write(|tx| mark_polled(tx, SECOND, None)).await.unwrap();
        let going = t.db.read(|read| find(read, SECOND)).await.unwrap().unwrap();
        assert_eq!(going.poll_at, Some(after(99)), "only what is over is asked no more");
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
        assert_eq!(all.iter().map(|a| a.polls).collect::<Vec<_>>(), [0, 2]);
    }

    async fn the_last_look_at_what_is_over_is_not_brought_forward(t: TestDb) {
        two_attempts(&t.db).await;
        at_till(&t.db, |till| {
            let over = news("p11", Saw::Canceled("declined".into()));
            let ends = |attempt: &mut Attempt| attempt.state = AttemptState::Canceled;
            till.observe(FIRST, &over, "over", ends, after(5));
        })
        .await
        .unwrap();
        t.db.write(|tx| poll_soon(tx, FIRST, after(10))).await.unwrap();
        t.db.write(|tx| poll_soon(tx, SECOND, after(10))).await.unwrap();
        let all = t.db.read(|read| of_order(read, ORDER)).await.unwrap();
        let next: Vec<_> = all.iter().map(|attempt| attempt.poll_at).collect();
        assert_eq!(next, [Some(after(5 + 2 * 3600)), Some(after(10))]);
    }

    async fn money_goes_back_once_and_no_more_than_came(t: TestDb) {
        two_attempts(&t.db).await;
        let orphan = (Origin::Orphan, "nothing came");
        at_till(&t.db, move |till| assert!(!till.send_back(&env(), FIRST, orphan, after(0))))
            .await
            .unwrap();
        capture(&t.db, FIRST, true).await.unwrap();
        at_till(&t.db, |till| {
            assert!(till.reserve(&env(), &wanted(REFUND, 2000), after(0)));
            let again = RefundId(Uuid::from_u128(22));
            assert!(!till.reserve(&env(), &wanted(again, 491), after(0)), "490 are left");
            assert!(!till.reserve(&env(), &wanted(again, 0), after(0)));
            assert_eq!(till.sent_back(FIRST), 0, "promised, not sent");
        })
        .await
        .unwrap();
        let due = |at| t.db.read(move |read| refunds_due(read, at, 10));
        assert_eq!(due(after(0)).await.unwrap()[0].amount.minor, 2000);
        t.db.write(|tx| crate::refund_sent(tx, REFUND, after(1), after(60))).await.unwrap();
        assert!(due(after(59)).await.unwrap().is_empty());
        let sent = due(after(60)).await.unwrap().remove(0);
        assert_eq!((sent.tries, sent.state), (1, RefundState::Sent));
        assert_eq!(sent.sent_at, Some(after(1)));
        at_till(&t.db, |till| {
            assert_eq!((till.gone_back(FIRST), till.sent_back(FIRST)), (0, 2000));
            let ok = (RefundState::Succeeded, Some("r1"), None);
            assert_eq!(till.refund_heard(&env(), REFUND, ok, after(61)), Some(RefundState::Succeeded));
            assert_eq!(till.refund_heard(&env(), REFUND, ok, after(62)), None, "once");
            assert_eq!(till.gone_back(FIRST), 2000);
            assert_eq!(till.attempt(FIRST).unwrap().left(), 490);
        })
        .await
        .unwrap();
        assert!(due(after(999)).await.unwrap().is_empty());
        let ended = t.db.read(|read| refunds_of_order(read, ORDER)).await.unwrap();
        assert_eq!((ended[0].state, ended[0].reference.as_deref()), (RefundState::Succeeded, Some("r1")));
    }

    async fn p11_a_failed_refund_gives_its_promise_up(t: TestDb) {
        two_attempts(&t.db).await;
        capture(&t.db, FIRST, true).await.unwrap();
        at_till(&t.db, |till| {
            assert!(till.reserve(&env(), &wanted(REFUND, 2490), after(0)));
            till.refund_heard(&env(), REFUND, (RefundState::Pending, Some("r1"), None), after(1));
            till.refund_heard(&env(), REFUND, (RefundState::Failed, None, Some("closed")), after(2));
            assert_eq!(till.attempt(FIRST).unwrap().left(), 2490);
            let again = RefundId(Uuid::from_u128(22));
            assert!(till.reserve(&env(), &wanted(again, 2490), after(3)), "under another name");
        })
        .await
        .unwrap();
        let refunds = t.db.read(|read| refunds_of_order(read, ORDER)).await.unwrap();
        assert_eq!(refunds[0].failure.as_deref(), Some("closed"));
        assert_eq!(refunds[1].state, RefundState::Reserved);
    }

    async fn what_is_booked_adds_up_and_stays(t: TestDb) {
        two_attempts(&t.db).await;
        capture(&t.db, FIRST, false).await.unwrap();
        at_till(&t.db, |till| {
            let (env, _) = Env::manual(after(0), 7);
            let earned = Earned { sales: 1800, shipping: 490, tax: 200 };
            till.book_sale(&env, FIRST, earned, after(5));
            assert!(till.reserve(&env, &wanted(REFUND, 1000), after(6)));
            till.refund_heard(&env, REFUND, (RefundState::Succeeded, None, None), after(7));
            till.refund_heard(&env, REFUND, (RefundState::Failed, None, Some("back")), after(8));
        })
        .await
        .unwrap();
        let books = t.db.read(crate::balances).await.unwrap();
        let books: Vec<_> = books.iter().map(|it| (it.account.as_str(), it.amount)).collect();
        assert_eq!(
            books,
            [("customer", 0), ("gateway:sandbox", 2490), ("refunds", 0), ("sales", -1800),
                ("shipping", -490), ("tax", -200)]
        );
        assert_eq!(t.db.read(|read| crate::booked_for(read, ORDER)).await.unwrap().len(), 12);
        for wrong in [
            |tx: &mut Tx<'_>| tx.execute(&COOKED, &[]),
            |tx: &mut Tx<'_>| tx.execute(&BURNT, &[]),
        ] {
            let refused = t.db.write(wrong).await.unwrap_err().to_string();
            assert!(refused.contains("append only"), "{refused}");
        }
    }

    async fn a_notice_that_was_given_up_is_replayed(t: TestDb) {
        let id = NoticeId(Uuid::from_u128(1));
        t.db.write(move |tx| {
            let notice = Notice {
                kind: crate::NoticeKind::Payment,
                payment: None,
                refund_id: None,
                id,
                gateway: "sandbox".into(),
                dedupe_key: "a".into(),
                reference: None,
                attempt_id: Some(FIRST),
                body: r#"{"raw": 1}"#.into(),
                headers: r#"{"x": "y"}"#.into(),
                source: Some("127.0.0.1".into()),
                received_at: after(0),
            };
            crate::receive(tx, &notice)?;
            assert!(!crate::replay_notice(tx, id, after(1))?, "it waits anyway");
            crate::notice_handled(tx, id, "given up: the gateway is mute", after(2))
        })
        .await
        .unwrap();
        let given_up = || t.db.read(|read| crate::notices_given_up(read, None, 10));
        let found = given_up().await.unwrap();
        assert_eq!((found.len(), found[0].body.as_str()), (1, r#"{"raw": 1}"#));
        assert_eq!((&found[0].headers.0["x"], found[0].source.as_deref()),
            (&"y".into(), Some("127.0.0.1")));
        assert!(t.db.write(move |tx| crate::replay_notice(tx, id, after(9))).await.unwrap());
        assert!(given_up().await.unwrap().is_empty());
        let due = t.db.read(|read| crate::notices_due(read, after(9), 9)).await.unwrap();
        assert_eq!((due.len(), due[0].tries), (1, 0));
    }

    async fn a_notice_is_kept_once(t: TestDb) {
        let notice = |id: u128, key: &str| Notice {
                kind: crate::NoticeKind::Payment,
                payment: None,
                refund_id: None,
            id: NoticeId(Uuid::from_u128(id)),
            gateway: "sandbox".into(),
            dedupe_key: key.into(),
            reference: None,
            attempt_id: Some(FIRST),
            body: "{}".into(),
            headers: "{}".into(),
            source: None,
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
            assert!(till.reserve(&env(), &wanted(REFUND, 2490), after(0)));
            let third = AttemptId(Uuid::from_u128(13));
            till.intend(meant(third, "sandbox", after(20)), after(0));
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
            |tx: &mut Tx<'_>| tx.execute(&TOO_MUCH_BACK, &[]),
            |tx: &mut Tx<'_>| tx.execute(&MONEY_FROM_NOWHERE, &[]),
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
        assert_eq!(ALL.len(), 12);
    }
}
