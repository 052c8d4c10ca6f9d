//! PostgreSQL behind a bad line: every commit of a shop's day is carried out and its answer
//! swallowed. Whoever asks again with the same key hears how it went, and nothing happens twice.

use std::future::Future;

use proxy::{Fate, Proxy, What};
use store::{Db, EngineKind, Options};

use super::*;

/// Orders of the day; with their payments and the rest about 150 commits.
const ORDERS: i64 = 50;

/// The first commit of `work` meets its fate, and the caller is told; the same `work` again comes
/// through.
async fn lose_and_ask_again<T, F>(proxy: &Proxy, fate: Fate, mut work: impl FnMut() -> F) -> T
where
    T: std::fmt::Debug,
    F: Future<Output = Answer<T>>,
{
    proxy.strike(What::Commit, 1, fate);
    assert!(matches!(fault(work().await), Fault::Unavailable(_)), "{fate:?}");
    assert!(!proxy.calm(), "no commit went by");
    work().await.unwrap()
}

async fn a_day_of_lost_commits(fate: Fate) {
    let t = TestDb::new(EngineKind::Postgres, SCHEMAS);
    let (proxy, url) = Proxy::before(&t.url).unwrap();
    let db = Db::open(&Options { connections: 2, ..Options::new(url) }, SCHEMAS).unwrap();
    let town = Town::open(&db, 73).await;
    let goods = town.goods(200).await;
    let happened = fate == Fate::AnswerSwallowed;
    let (mut sold, mut free) = (0, 0);
    for turn in 0..ORDERS {
        let who = town.customer().await;
        let method = if turn % 2 == 0 { CASH_ON_DELIVERY } else { crate::testing::GATEWAY };
        let quote = if turn % 3 == 0 {
            town.add(who, goods, 2).await.unwrap();
            town.quote_cart(who).await.unwrap()
        } else {
            town.quote_one(who, goods, 2).await.unwrap()
        };
        let place = || town.shop.place(who, &quote.token, method);
        let placed = lose_and_ask_again(&proxy, fate, place).await;
        assert_eq!((placed.id, placed.replayed), (quote.quote.id, happened), "order {turn}");
        if method != CASH_ON_DELIVERY {
            let key = town.key(who, "pay");
            let intend = || {
                let opening = crate::Opening::at(crate::testing::GATEWAY);
                town.shop.intend_payment(who, placed.id, opening, key.clone())
            };
            let paying = lose_and_ask_again(&proxy, fate, intend).await;
            lose_and_ask_again(&proxy, fate, || town.captured(&paying)).await;
            assert_eq!(state(&town, placed.id).await, State::Paid);
        }
        if turn % 5 == 0 {
            let key = town.key(who, "cancel");
            let cancel = || town.shop.cancel(who, placed.id, key.clone());
            lose_and_ask_again(&proxy, fate, cancel).await;
            town.end_refunds(placed.id, payments::RefundState::Succeeded).await.unwrap();
            free += 2;
        } else {
            let key = town.key(town.staff, "advance");
            let pack = || town.shop.advance(town.staff, placed.id, State::Packed, key.clone());
            lose_and_ask_again(&proxy, fate, pack).await;
            assert_eq!(state(&town, placed.id).await, State::Packed);
        }
        sold += 2;
    }
    assert_eq!(levels(&town, goods).await, (200 - sold + free, 0, sold - free));
    sound(&town).await;
}

#[tokio::test]
async fn swallowed_commits_are_found_by_their_keys() {
    a_day_of_lost_commits(Fate::AnswerSwallowed).await;
}

#[tokio::test]
async fn commits_that_never_arrived_are_done_by_asking_again() {
    a_day_of_lost_commits(Fate::NeverDelivered).await;
}

/// Many wait for one commit of the lane, and it is swallowed: all are told, each asks again, and
/// each has one order.
#[tokio::test]
async fn a_whole_batch_asks_again() {
    let t = TestDb::new(EngineKind::Postgres, SCHEMAS);
    let (proxy, url) = Proxy::before(&t.url).unwrap();
    let db = Db::open(&Options { connections: 2, ..Options::new(url) }, SCHEMAS).unwrap();
    let town = Town::open(&db, 74).await;
    let goods = town.goods(100).await;
    let mut wishes = Vec::new();
    for _ in 0..40 {
        let who = town.customer().await;
        wishes.push((who, town.quote_one(who, goods, 1).await.unwrap()));
    }
    let all = async || {
        let mut answers = tokio::task::JoinSet::new();
        for (who, quote) in &wishes {
            let (shop, who, token) = (town.shop.clone(), *who, quote.token.clone());
            answers.spawn(async move { shop.place(who, &token, CASH_ON_DELIVERY).await });
        }
        answers.join_all().await
    };
    proxy.strike(What::Commit, 1, Fate::AnswerSwallowed);
    let lost = all().await.into_iter().filter(Result::is_err).count();
    assert!(!proxy.calm() && lost > 0, "nobody lost anything");
    let placed: Vec<_> = all().await.into_iter().map(Result::unwrap).collect();
    assert!(placed.iter().all(|placed| placed.replayed), "{lost} of them had happened");
    assert_eq!(levels(&town, goods).await, (60, 0, 40));
    sound(&town).await;
}
