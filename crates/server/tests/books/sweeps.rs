//! What the sweeps find in the providers' books without anybody's asking, and what waits for a
//! person then.

use kernel::{Currency, Money, SignedDuration};
use payments::RefundState;
use serde_json::json;

use crate::town::Town;

const START: &str = "2026-01-15T02:00:00Z";

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

store::on_both_engines! { flows::SCHEMAS;
    /// Each provider tells in its own way what it kept: it is booked once, however often it is told.
    async fn what_providers_keep_is_booked_once(db: TestDb) {
        let town = Town::found(db, START).await;
        let all = ["yookassa", "stripe", "alipay"];
        let mut paid = Vec::new();
        for name in all {
            paid.push(town.paid(name).await);
        }
        for hours in [1, 1, 23, 24] {
            town.clock.advance(SignedDuration::from_hours(hours));
            town.sweep(&all).await;
        }
        for attempt in paid {
            let fees = town.booked(attempt.order_id, "fees", "fee").await;
            // 3.5 %; 1.5 % and a quarter; 0.6 %: what the payment world keeps of 123.00.
            let kept = match attempt.gateway.as_str() {
                "yookassa" => 430,
                "stripe" => 209,
                _ => 73,
            };
            assert_eq!(fees, [kept], "{}", attempt.gateway);
            assert_eq!(town.attempt(attempt.id).await.fee, Some(kept));
        }
        assert_eq!(town.concerns().await, [], "and the days that were compared agree");
    }

    /// A payment that waits long between being reserved and being taken is seen once more when its
    /// day is over: only then it is known what was kept.
    async fn what_is_kept_of_late_money_is_booked_too(db: TestDb) {
        let town = Town::found(db, START).await;
        let attempt = town.begun("stripe").await;
        town.clock.advance(SignedDuration::from_mins(10));
        town.control("stripe", attempt.reference.as_deref(), attempt.id, "process").await;
        town.sweep(&["stripe"]).await;
        for _ in 0..3 {
            town.clock.advance(SignedDuration::from_hours(3));
            town.sweep(&["stripe"]).await;
        }
        town.control("stripe", attempt.reference.as_deref(), attempt.id, "pay").await;
        town.at("stripe").cashier.look(attempt.order_id).await.unwrap();
        town.sweep(&["stripe"]).await;
        assert_eq!(town.attempt(attempt.id).await.fee, None, "out of the sweep's sight");
        town.clock.advance(SignedDuration::from_hours(14));
        town.sweep(&["stripe"]).await;
        assert_eq!(town.attempt(attempt.id).await.fee, Some(209));
    }

    async fn p14_money_that_nobody_asked_for_is_listed_until_it_is_seen_to(db: TestDb) {
        let town = Town::found(db, START).await;
        let rouble = |minor| Money::new(minor, Currency::RUB);
        let id = town.paid_behind("yookassa", town.env.id(), rouble(5000)).await;
        let ours = town.paid("yookassa").await;
        let twice = town.paid_behind("yookassa", ours.id, ours.amount).await;
        town.clock.advance(SignedDuration::from_mins(15));
        town.sweep(&["yookassa"]).await;
        let subject = |id: &str| ("unmatched", format!("money yookassa {id}"));
        let mut wanted = [subject(&id), subject(&twice)];
        wanted.sort();
        let mut found = town.concerns().await;
        found.sort();
        assert_eq!(found, wanted, "a stranger's, and the second of one attempt");
        let said = town.holdfast(&["reconcile", "--day", "2026-01-10"]).await;
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(said.out.contains("Waiting for a person: 2"), "{}", said.out);
        assert!(said.out.contains(&id), "{}", said.out);
        let (actor, now) = (town.env.id(), town.env.now());
        let attended = town.db.db.write(move |tx| {
            for (_, subject) in &wanted {
                assert!(payments::attend(tx, subject, actor, "sent back by hand", now)?);
                assert!(!payments::attend(tx, subject, actor, "again", now)?);
            }
            Ok::<_, kernel::Fault>(())
        });
        attended.await.unwrap();
        town.clock.advance(SignedDuration::from_mins(15));
        town.sweep(&["yookassa"]).await;
        assert_eq!(town.concerns().await, []);
        let said = town.holdfast(&["reconcile", "--day", "2026-01-10"]).await;
        assert_eq!(said.code, Some(0), "{}", said.out);
    }

    async fn p10_a_refund_in_their_pages_of_an_old_payment_is_found(db: TestDb) {
        let town = Town::found(db, START).await;
        let all = ["yookassa", "stripe", "alipay"];
        let mut paid = Vec::new();
        for name in all {
            paid.push(town.paid(name).await);
        }
        town.clock.advance(days(5));
        town.sweep(&all).await;
        for attempt in &paid {
            let id = attempt.reference.as_deref();
            town.control(&attempt.gateway, id, attempt.id, "refund?amount_minor=300").await;
        }
        for hours in [1, 1, 24, 24] {
            town.clock.advance(SignedDuration::from_hours(hours));
            town.sweep(&all).await;
        }
        for attempt in &paid {
            let refunds = town.refunds(attempt.order_id).await;
            let seen: Vec<_> = refunds.iter().map(|it| (it.origin, it.amount.minor)).collect();
            assert_eq!(seen, [(payments::Origin::External, 300)], "{}", attempt.gateway);
            assert_eq!(town.attempt(attempt.id).await.refunded, 300);
            let account = format!("gateway:{}", attempt.gateway);
            assert_eq!(town.booked(attempt.order_id, &account, "refunded").await, [-300]);
        }
        assert_eq!(town.concerns().await, []);
    }

    async fn p28_a_dispute_is_seen_and_stops_nothing_and_a_lost_one_is_money_gone(db: TestDb) {
        let town = Town::found(db, START).await;
        let (won, lost) = (town.paid("stripe").await, town.paid("stripe").await);
        for attempt in [&won, &lost] {
            let id = attempt.reference.as_deref();
            town.control("stripe", id, attempt.id, "dispute").await;
        }
        // One is told of by a notice, the other one by the list of what was told.
        let id = |of: &payments::Attempt| format!("du_{}", &of.secondary.as_ref().unwrap()[3..]);
        let object = json!({
            "id": id(&won), "object": "dispute", "payment_intent": won.secondary,
        });
        assert_eq!(town.stripe_says("evt_1", object).await, 200);
        town.at("stripe").cashier.read_notices().await.unwrap();
        let subject = |of: &payments::Attempt, word: &str| {
            ("dispute", format!("dispute stripe {} {word}", id(of)))
        };
        assert_eq!(town.concerns().await, [subject(&won, "open")]);
        town.clock.advance(SignedDuration::from_mins(15));
        town.sweep(&["stripe"]).await;
        assert_eq!(town.concerns().await, [subject(&won, "open"), subject(&lost, "open")]);
        assert_eq!(town.attempt(lost.id).await.review, None, "it is read on");

        // Who is disputed with cannot be given money back, and that is said.
        town.give_back(&won, 100).await;
        town.at("stripe").cashier.refund().await.unwrap();
        let refund = town.refunds(won.order_id).await.remove(0);
        assert_eq!(refund.state, RefundState::Failed);
        assert_eq!(refund.failure.as_deref(), Some("charge_disputed"));

        for (attempt, how) in [(&won, "won"), (&lost, "lost")] {
            let id = attempt.reference.as_deref();
            let what = format!("close_dispute?reason={how}");
            town.control("stripe", id, attempt.id, &what).await;
        }
        town.clock.advance(days(1));
        for _ in 0..3 {
            town.at("stripe").cashier.poll_disputes().await.unwrap();
            town.sweep(&["stripe"]).await;
        }
        let failed = ("refund", format!("refund {} failed", refund.id));
        assert_eq!(town.concerns().await, [subject(&lost, "lost"), failed]);
        let gone = town.attempt(lost.id).await;
        assert_eq!((gone.refunded, gone.left()), (gone.captured, 0));
        let booked = town.booked(lost.order_id, "gateway:stripe", "refunded").await;
        assert_eq!(booked, [-gone.captured], "once, however often it is told");
        let order = lost.order_id;
        let order = town.db.db.read(move |read| orders::find(read, order)).await.unwrap().unwrap();
        assert_eq!(order.state, orders::State::Refunded);
        assert_eq!(town.attempt(won.id).await.refunded, 0);
        // Their lists do not count it as refunded, and the books agree all the same.
        let day = "2026-01-15".parse().unwrap();
        let compared = town.at("stripe").cashier.compare_day(day, &|_, _| {}).await.unwrap();
        assert_eq!(compared[0].breaks, []);
        let report = reports::verify(&town.db.db, town.env.now(), days(3)).await.unwrap();
        assert_eq!(report.violations, 0, "{report}");
    }

    async fn p11_a_refund_that_hangs_for_a_week_is_seen_and_asked_about_daily(db: TestDb) {
        let town = Town::found(db, START).await;
        let attempt = town.paid("yookassa").await;
        let fault = r#"{"gateway": "yookassa", "op": "refund", "fault": "refund_pending"}"#;
        town.fault(fault).await;
        let refund = town.give_back(&attempt, 500).await;
        let cashier = town.at("yookassa").cashier.clone();
        let mut asked = Vec::new();
        for _ in 0..10 {
            let mut times = 0;
            for _ in 0..24 {
                times += cashier.refund().await.unwrap();
                town.clock.advance(SignedDuration::from_hours(1));
            }
            asked.push(times);
        }
        assert_eq!(asked[..7], [24; 7], "hourly at the most");
        assert_eq!(asked[7..], [1; 3], "and then daily");
        let waits = ("refund", format!("refund {refund} waits"));
        assert_eq!(town.concerns().await, [waits]);
        let there = town.refunds(attempt.order_id).await.remove(0).reference.unwrap();
        town.control("refunds", Some(&there), attempt.id, "succeed").await;
        cashier.refund().await.unwrap();
        assert_eq!(town.concerns().await, []);
        assert_eq!(town.refunds(attempt.order_id).await[0].state, RefundState::Succeeded);
    }

    async fn p14_a_notice_about_nothing_known_is_tried_for_a_day_and_can_be_replayed(db: TestDb) {
        let mut town = Town::found(db, START).await;
        let object = json!({ "id": "pi_nobody", "object": "payment_intent" });
        assert_eq!(town.stripe_says("evt_1", object).await, 200);
        let other = json!({ "id": "po_1", "object": "payout" });
        assert_eq!(town.stripe_says("evt_2", other).await, 200);
        let cashier = town.at("stripe").cashier.clone();
        assert_eq!(cashier.read_notices().await.unwrap(), 2);
        assert_eq!(cashier.read_notices().await.unwrap(), 0, "the other one is over at once");
        let mut tries = 1;
        for _ in 0..26 * 60 {
            town.clock.advance(SignedDuration::from_mins(1));
            tries += cashier.read_notices().await.unwrap();
            if tries == 5 {
                let waiting = town.holdfast(&["notices", "list", "--waiting"]).await;
                let line = "pi_nobody  5 tries, again at";
                assert!(waiting.out.contains(line), "{} {}", waiting.out, waiting.err);
                tries += 0;
            }
        }
        assert_eq!(tries, 21, "twenty tries more, over a day");
        let given_up = town.holdfast(&["notices", "list"]).await;
        assert!(given_up.out.contains("given up: it is about nothing that this shop knows"));
        let id = given_up.out.split(' ').next().unwrap().to_owned();

        // What it is about turns out to be ours after all: replayed, it finds its payment.
        let ours = town.paid("stripe").await;
        let learn = format!("update attempts set secondary = 'pi_nobody' where id = uuid '{}'", ours.id);
        town.db.raw(&learn).await.unwrap();
        let notice = id.parse().unwrap();
        let now = town.env.now();
        let again = town.db.db.write(move |tx| payments::replay_notice(tx, notice, now));
        assert!(again.await.unwrap());
        assert_eq!(cashier.read_notices().await.unwrap(), 1);
        assert_eq!(cashier.read_notices().await.unwrap(), 0);
        let waiting = town.db.db.read(|read| payments::notices_waiting(read, None, 10));
        assert_eq!(waiting.await.unwrap(), [], "it found its payment");
        drop(cashier);
        town.close_the_shop();
        let replay = town.holdfast(&["notices", "replay", &id]).await;
        assert!(replay.out.contains("looks into it again"), "{} {}", replay.out, replay.err);
    }
}
