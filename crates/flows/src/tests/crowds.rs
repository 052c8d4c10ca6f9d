//! Many at once.

use std::sync::Arc;

use kernel::VariantId;
use store::idempotency::Key;
use tokio::task::JoinSet;

use super::*;
use crate::{Placed, Refusal};

/// Everybody presses the button with the token in hand; gives what each heard.
async fn press(
    town: &Town,
    buyers: Vec<(kernel::AccountId, Arc<str>)>,
    method: &'static str,
) -> Vec<Answer<Placed>> {
    let mut crowd = JoinSet::new();
    for (buyer, token) in buyers {
        let shop = town.shop.clone();
        crowd.spawn(async move { shop.place(buyer, &token, method).await });
    }
    crowd.join_all().await
}

fn sold_and_short(answers: &[Answer<Placed>]) -> (usize, usize) {
    let sold = answers.iter().filter(|answer| answer.is_ok()).count();
    let no = |answer: &&Answer<Placed>| {
        matches!(answer, Err(Error::Refused(Refusal::OutOfStock { .. })))
    };
    (sold, answers.iter().filter(no).count())
}

store::on_both_engines! { SCHEMAS;
    async fn fifty_buyers_for_ten_units(t: TestDb) {
        let town = Town::open(&t.db, 61).await;
        let shirt = town.goods(10).await;
        let mut buyers = Vec::new();
        for _ in 0..50 {
            let buyer = town.customer().await;
            let quote = town.quote_one(buyer, shirt, 1).await.unwrap();
            buyers.push((buyer, Arc::from(quote.token)));
        }
        let answers = press(&town, buyers, CASH_ON_DELIVERY).await;
        assert_eq!(sold_and_short(&answers), (10, 40));
        assert_eq!(levels(&town, shirt).await, (0, 0, 10));
        sound(&town).await;
    }

    async fn the_same_cart_from_two_tabs_at_once(t: TestDb) {
        let town = Town::open(&t.db, 62).await;
        let ada = town.customer().await;
        let shirt = town.goods(100).await;
        for round in 0..50 {
            town.add(ada, shirt, 1).await.unwrap();
            let (a, b) = (town.quote_cart(ada).await.unwrap(), town.quote_cart(ada).await.unwrap());
            let buyers = [a, b].map(|quote| (ada, Arc::from(quote.token)));
            let answers = press(&town, buyers.to_vec(), "sandbox").await;
            let placed = answers.iter().filter(|answer| answer.is_ok()).count();
            let refused = answers.into_iter().find(Answer::is_err).map(refused);
            assert_eq!(placed, 1, "round {round}");
            assert!(matches!(refused, Some(Refusal::CartAlreadyOrdered { .. })), "{refused:?}");
        }
        assert_eq!(levels(&town, shirt).await, (100, 50, 0));
        sound(&town).await;
    }

    async fn one_button_pressed_many_times_at_once(t: TestDb) {
        let town = Town::open(&t.db, 63).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let token: Arc<str> = town.quote_one(ada, shirt, 2).await.unwrap().token.into();
        let answers = press(&town, vec![(ada, token); 20], "sandbox").await;
        let placed: Vec<Placed> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(placed.iter().filter(|placed| !placed.replayed).count(), 1);
        assert!(placed.iter().all(|again| again.number == placed[0].number));
        assert_eq!(levels(&town, shirt).await, (5, 2, 0));
        sound(&town).await;
    }

    async fn baskets_in_opposite_order_all_come_through(t: TestDb) {
        let town = Town::open(&t.db, 64).await;
        let goods = town.product(1000, &[100, 100]).await;
        let mut buyers = Vec::new();
        for index in 0..30 {
            let buyer = town.customer().await;
            let (first, second) = if index % 2 == 0 { (0, 1) } else { (1, 0) };
            town.add(buyer, goods[first], 1).await.unwrap();
            town.wait(SignedDuration::from_micros(1));
            town.add(buyer, goods[second], 2).await.unwrap();
            let quote = town.quote_cart(buyer).await.unwrap();
            assert_eq!(quote.quote.lines[0].variant_id, goods[first], "as they were put in");
            buyers.push((buyer, Arc::from(quote.token)));
        }
        let answers = press(&town, buyers, CASH_ON_DELIVERY).await;
        assert_eq!(sold_and_short(&answers), (30, 0));
        assert_eq!(levels(&town, goods[0]).await, (55, 0, 45));
        assert_eq!(levels(&town, goods[1]).await, (55, 0, 45));
        sound(&town).await;
    }

    async fn a_storm_leaves_every_counter_right(t: TestDb) {
        let town = Town::open(&t.db, 65).await;
        let goods = town.product(700, &[40, 40, 40]).await;
        let mut crowd = JoinSet::new();
        for index in 0..24_usize {
            let (town, buyer) = (town.clone(), town.customer().await);
            let goods = goods.clone();
            crowd.spawn(async move { life_of_a_buyer(&town, buyer, &goods, index).await });
        }
        crowd.join_all().await;
        sound(&town).await;
        let mut sold = 0;
        for variant in &goods {
            let stock = town.stock(*variant).await;
            assert_eq!(stock.on_hand + stock.sold, 40);
            sold += stock.sold;
        }
        let orders = town.shop.db.read(move |read| orders::page_of_all(read, None, 100));
        let orders = orders.await.unwrap().orders;
        let units = orders.iter().filter(|order| order.state.has_sold());
        assert_eq!(units.map(|order| order.totals.item_count).sum::<i64>(), sold);
        town.wait(minutes(60));
        sound(&town).await;
        for variant in &goods {
            assert_eq!(town.stock(*variant).await.held, 0, "every promise has ended");
        }
    }
}

/// A bit of everything, some of it refused; what is refused is another test's subject.
async fn life_of_a_buyer(town: &Town, buyer: kernel::AccountId, goods: &[VariantId], index: usize) {
    let (one, other) = (goods[index % 3], goods[(index + 1) % 3]);
    let _ = town.add(buyer, one, 2).await;
    let _ = town.add(buyer, other, 1).await;
    let method = if index.is_multiple_of(2) { CASH_ON_DELIVERY } else { "sandbox" };
    let Ok(placed) = town.order_cart(buyer, method).await else { return };
    let bought = town.buy(buyer, other, 3, "sandbox").await;
    match index % 4 {
        0 => town.cancel(buyer, placed.id).await.unwrap(),
        1 => drop(town.pay(buyer, placed.id).await.unwrap()),
        2 => town.advance(placed.id, State::Packed).await.unwrap(),
        _ => {
            town.pay(buyer, placed.id).await.unwrap();
            town.cancel(buyer, placed.id).await.unwrap();
            town.end_refunds(placed.id, payments::RefundState::Succeeded).await.unwrap();
        }
    }
    if let Ok(bought) = bought {
        let _ = town.intend(buyer, bought.id).await;
    }
}

#[tokio::test]
async fn two_nodes_on_one_database_agree() {
    let t = TestDb::new(store::EngineKind::Postgres, SCHEMAS);
    let town = Town::open(&t.db, 66).await;
    let beside = store::Db::open(&store::Options::new(t.url.clone()), SCHEMAS).unwrap();
    let other = Town::open(&beside, 67).await;
    let shirt = town.goods(60).await;
    let ada = town.customer().await;
    for round in 0..40 {
        let quote = town.quote_one(ada, shirt, 1).await.unwrap();
        let (a, b) = tokio::join!(
            town.shop.place(ada, &quote.token, CASH_ON_DELIVERY),
            other.shop.place(ada, &quote.token, CASH_ON_DELIVERY),
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.number, b.number, "round {round}");
        assert_eq!(u8::from(a.replayed) + u8::from(b.replayed), 1, "round {round}");

        let key = town.key(town.staff, "adjust");
        let (a, b) = tokio::join!(
            town.shop.adjust_stock(town.staff, shirt, 1, "found".into(), key.clone()),
            other.shop.adjust_stock(town.staff, shirt, 1, "found".into(), key.clone()),
        );
        assert_eq!(a.unwrap(), b.unwrap(), "round {round}");
    }
    assert_eq!(levels(&town, shirt).await, (60, 0, 40));
    sound(&town).await;
    beside.close();
}

store::on_both_engines! { SCHEMAS;
    /// Whoever asks again hears the first answer, also when another wish under the same key comes
    /// in the same moment, and so in the same batch.
    async fn one_key_for_two_wishes_at_once(t: TestDb) {
        let town = Town::open(&t.db, 68).await;
        let shirt = town.goods(10).await;
        let key = |wish: &str| Key::new(town.staff.0, "adjust", "one".into(), wish.as_bytes());
        let adjust = |delta: i64| {
            let key = key(&delta.to_string());
            town.shop.adjust_stock(town.staff, shirt, delta, "counted".into(), key)
        };
        assert_eq!(adjust(1).await.unwrap().on_hand, 11);
        let (other, again, another, once_more) =
            tokio::join!(adjust(2), adjust(1), adjust(2), adjust(1));
        assert_eq!((again.unwrap().on_hand, once_more.unwrap().on_hand), (11, 11));
        for other in [other, another] {
            assert!(matches!(refused(other), Refusal::KeyReused));
        }
        assert_eq!(levels(&town, shirt).await, (11, 0, 0));
        sound(&town).await;
    }
}
