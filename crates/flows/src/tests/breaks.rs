//! Everything breaks once: each statement of each use case, the answer to its commit, one
//! command among many, and the disk.

use std::future::Future;
use std::sync::Arc;

use store::EngineKind;
use tokio::task::JoinSet;

use super::*;
use crate::{Change, NewsEffect, Owner, Refusal};

/// Breaks the first statement of `work`, then the second and so on. Each time the caller hears of
/// it and nothing has been written; in the end `work` comes through. Gives what it answers and
/// how many statements it took.
async fn break_each<T, F>(t: &TestDb, mut work: impl FnMut() -> F) -> (T, usize)
where
    T: std::fmt::Debug,
    F: Future<Output = Answer<T>>,
{
    let before = t.dump().await.unwrap();
    for nth in 1.. {
        t.injector.fail_statement(nth);
        let answer = work().await;
        if t.injector.calm() {
            return (answer.unwrap(), usize::try_from(nth).unwrap() - 1);
        }
        assert!(matches!(fault(answer), Fault::Unavailable(_)), "statement {nth}");
        assert_eq!(before, t.dump().await.unwrap(), "statement {nth} left something behind");
    }
    unreachable!("a use case ends")
}

/// The commit happens, but nobody hears of it.
async fn lose_the_answer<T: std::fmt::Debug>(t: &TestDb, work: impl Future<Output = Answer<T>>) {
    t.injector.lose_next_answer();
    assert!(matches!(fault(work.await), Fault::Unavailable(_)));
    assert!(!t.injector.calm(), "it was lost");
}

store::on_both_engines! { SCHEMAS;
    async fn placing_a_cart_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 71).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        for variant in &goods {
            town.add(ada, *variant, 2).await.unwrap();
        }
        let token = town.quote_cart(ada).await.unwrap().token;
        let (placed, statements) =
            break_each(&t, || town.shop.place(ada, &token, CASH_ON_DELIVERY)).await;
        assert!(!placed.replayed && statements > 10, "{statements} statements");
        assert_eq!(levels(&town, goods[0]).await, (3, 0, 2));
        sound(&town).await;
    }

    async fn buying_now_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 72).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let token = town.quote_one(ada, shirt, 2).await.unwrap().token;
        let (placed, _) = break_each(&t, || town.shop.place(ada, &token, "sandbox")).await;
        assert!(!placed.replayed);
        assert_eq!(levels(&town, shirt).await, (5, 2, 0));
        sound(&town).await;
    }

    async fn settling_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 73).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let key = town.key(ada, "pay");
        let intend = || town.shop.intend_payment(ada, order, "sandbox", key.clone());
        let (paying, _) = break_each(&t, intend).await;
        let (effect, _) = break_each(&t, || town.captured(&paying)).await;
        assert_eq!(effect, NewsEffect::Settled);
        assert_eq!(levels(&town, shirt).await, (3, 0, 2));
        sound(&town).await;
    }

    async fn sending_money_back_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 74).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.captured(&paying).await.unwrap();
        let key = town.key(ada, "cancel");
        break_each(&t, || town.shop.cancel(ada, order, key.clone())).await;
        let refunds = town.shop.db.read(move |read| payments::refunds_of_order(read, order));
        let refund = refunds.await.unwrap().remove(0);
        let end = || crate::RefundEnd {
            refund_id: refund.id,
            order_id: order,
            state: payments::RefundState::Succeeded,
            reference: None,
        };
        break_each(&t, || town.shop.refund_ended(end())).await;
        assert_eq!(state(&town, order).await, State::Refunded);
        sound(&town).await;
    }

    async fn time_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 75).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        town.add(ada, goods[0], 2).await.unwrap();
        let order = town.buy(ada, goods[1], 2, "sandbox").await.unwrap().id;
        town.wait(minutes(31));
        let sweep = || async { Ok(town.shop.sweep().await?) };
        let (swept, _) = break_each(&t, sweep).await;
        assert_eq!(swept, (1, 1));
        assert_eq!(state(&town, order).await, State::Expired);
        assert_eq!(levels(&town, goods[0]).await, (5, 0, 0));
        assert_eq!(levels(&town, goods[1]).await, (5, 0, 0));
        sound(&town).await;
    }

    async fn a_line_breaks_at_each_statement(t: TestDb) {
        let town = Town::open(&t.db, 76).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        town.add(ada, goods[0], 1).await.unwrap();
        let cart = town.shop.cart(Owner::Account(ada)).await.unwrap().id.unwrap();
        let set = || async {
            let change = Change::Set(3);
            let command = crate::lane::Command::SetLine { cart, variant: goods[1], change };
            town.shop.lane.submit(command).await
        };
        break_each(&t, set).await;
        assert_eq!(levels(&town, goods[1]).await, (5, 3, 0));
        // The cart is looked at again after the commit: a fault then has written the line, and
        // the same request again changes nothing.
        t.injector.fail_statement(1);
        let set = || town.shop.set_line(Owner::Account(ada), goods[1], Change::Set(2));
        fault(set().await);
        assert_eq!(set().await.unwrap().selected_quantity, 3);
        assert_eq!(set().await.unwrap().selected_quantity, 3);
        sound(&town).await;
    }

    async fn an_answer_that_was_lost_is_given_again(t: TestDb) {
        let town = Town::open(&t.db, 77).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        town.add(ada, shirt, 2).await.unwrap();
        let quote = town.quote_cart(ada).await.unwrap();
        let place = || town.shop.place(ada, &quote.token, "sandbox");
        lose_the_answer(&t, place()).await;
        let placed = place().await.unwrap();
        assert!(placed.replayed && placed.id == quote.quote.id);
        assert_eq!(rows_of(&t.dump().await.unwrap(), "orders"), 1);

        let key = town.key(ada, "pay");
        let intend = || town.shop.intend_payment(ada, placed.id, "sandbox", key.clone());
        lose_the_answer(&t, intend()).await;
        let paying = intend().await.unwrap();
        assert_eq!(rows_of(&t.dump().await.unwrap(), "attempts"), 1);

        lose_the_answer(&t, town.captured(&paying)).await;
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Nothing);
        assert_eq!(levels(&town, shirt).await, (3, 0, 2));

        let key = town.key(ada, "cancel");
        let cancel = || town.shop.cancel(ada, placed.id, key.clone());
        lose_the_answer(&t, cancel()).await;
        cancel().await.unwrap();
        assert_eq!(rows_of(&t.dump().await.unwrap(), "refunds"), 1);

        let key = town.key(town.staff, "adjust");
        let adjust = || town.shop.adjust_stock(town.staff, shirt, 2, "found".into(), key.clone());
        lose_the_answer(&t, adjust()).await;
        assert_eq!(adjust().await.unwrap().on_hand, 7);
        sound(&town).await;
    }

    async fn one_bad_command_does_not_stop_the_others(t: TestDb) {
        let town = Town::open(&t.db, 78).await;
        let shirt = town.goods(100).await;
        let mut tokens = Vec::new();
        for index in 0..50 {
            let buyer = town.customer().await;
            let quote = town.quote_one(buyer, shirt, 1).await.unwrap();
            if index == 17 {
                let event = format!(
                    "insert into outbox (aggregate, seq, kind, payload, created_at, due_at)
                     select uuid '{}', 1, 'planted', '{{}}', created_at, created_at from secrets",
                    quote.quote.id
                );
                t.raw(&event).await.unwrap();
            }
            tokens.push((index, buyer, Arc::<str>::from(quote.token)));
        }
        let mut crowd = JoinSet::new();
        for (index, buyer, token) in tokens.clone() {
            let shop = town.shop.clone();
            crowd.spawn(async move { (index, shop.place(buyer, &token, "sandbox").await) });
        }
        for (index, answer) in crowd.join_all().await {
            if index == 17 {
                assert!(matches!(fault(answer), Fault::Constraint(_)));
            } else {
                assert!(!answer.unwrap().replayed, "{index}");
            }
        }
        assert_eq!(levels(&town, shirt).await, (100, 49, 0));
        t.raw("delete from outbox where kind = 'planted'").await.unwrap();
        let (_, buyer, token) = &tokens[17];
        assert!(!town.shop.place(*buyer, token, "sandbox").await.unwrap().replayed);
        sound(&town).await;
    }

    async fn a_number_that_is_taken_is_changed_for_another(t: TestDb) {
        let town = Town::open(&t.db, 79).await;
        let ada = town.customer().await;
        let shirt = town.goods(10).await;
        let quote = town.quote_one(ada, shirt, 1).await.unwrap();
        for again in 0..2 {
            let other = town.buy(ada, shirt, 1, "sandbox").await.unwrap();
            let number = orders::number(quote.quote.id, town.shop.env.now(), again);
            let taken = format!("update orders set number = '{number}' where id = uuid '{}'", other.id);
            t.raw(&taken).await.unwrap();
        }
        let other = town.quote_one(ada, shirt, 1).await.unwrap();
        let (placed, beside) = tokio::join!(
            town.shop.place(ada, &quote.token, "sandbox"),
            town.shop.place(ada, &other.token, "sandbox"),
        );
        let number = orders::number(quote.quote.id, town.shop.env.now(), 2);
        assert_eq!(placed.unwrap().number, number);
        assert!(!beside.unwrap().replayed);
        sound(&town).await;
    }
}

#[tokio::test]
async fn a_full_disk_stops_writes_and_nothing_else() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let town = Town::open(&t.db, 80).await;
    let ada = town.customer().await;
    let shirt = town.goods(10_000).await;
    t.db.limit_pages(1).await.unwrap();
    let mut placed = 0;
    let token = loop {
        let token = town.quote_one(ada, shirt, 1).await.unwrap().token;
        match town.shop.place(ada, &token, CASH_ON_DELIVERY).await {
            Ok(_) => placed += 1,
            Err(Error::Fault(Fault::StorageFull)) => break token,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(levels(&town, shirt).await, (10_000 - placed, 0, placed), "reads go on");
    let again = town.shop.place(ada, &token, CASH_ON_DELIVERY).await;
    assert!(matches!(fault(again), Fault::StorageFull));
    t.db.limit_pages(1_000_000).await.unwrap();
    let placed_now = town.shop.place(ada, &token, CASH_ON_DELIVERY).await.unwrap();
    assert!(!placed_now.replayed, "it recovers by itself");
    sound(&town).await;
}

#[tokio::test]
async fn a_full_lane_says_so() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let town = Town::open(&t.db, 81).await;
    let ada = town.customer().await;
    let shirt = town.goods(10).await;
    let token: Arc<str> = town.quote_one(ada, shirt, 1).await.unwrap().token.into();
    let mut crowd = JoinSet::new();
    for _ in 0..10_000 {
        let (shop, token) = (town.shop.clone(), token.clone());
        crowd.spawn(async move { shop.place(ada, &token, CASH_ON_DELIVERY).await });
    }
    let answers = crowd.join_all().await;
    let refused =
        |answer: &&Answer<crate::Placed>| matches!(answer, Err(Error::Fault(Fault::Overloaded)));
    let overloaded = answers.iter().filter(refused).count();
    assert!(overloaded > 0 && overloaded < 10_000, "{overloaded}");
    let placed = answers.iter().flatten().filter(|placed| !placed.replayed).count();
    assert_eq!(placed, 1);
    assert!(answers.iter().all(|a| !matches!(a, Err(Error::Refused(Refusal::KeyReused)))));
    sound(&town).await;
}
