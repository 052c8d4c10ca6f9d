//! One command among many breaks, a number is taken, the disk or the lane is full. That every call
//! of every flow breaks once is tried in `sim`.

use std::sync::Arc;

use store::EngineKind;
use tokio::task::JoinSet;

use super::*;
use crate::Refusal;

store::on_both_engines! { SCHEMAS;
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
