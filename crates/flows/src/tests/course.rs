//! The course of an order: on to delivery, or off at any point, and what staff count.

use kernel::SignedDuration;
use store::idempotency::Key;

use super::*;

store::on_both_engines! { SCHEMAS;
    async fn cash_on_delivery_goes_from_the_button_to_the_door(t: TestDb) {
        let town = Town::open(&t.db, 31).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let placed = town.buy(ada, shirt, 2, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!((placed.state, placed.pay_by), (State::CashDue, None));
        assert_eq!(levels(&town, shirt).await, (3, 0, 2), "sold at once");
        let early = town.advance(placed.id, State::Shipped).await;
        let no = Refusal::OrderState { state: State::CashDue, wanted: State::Shipped };
        assert_eq!(refused(early), no);
        for to in [State::Packed, State::Shipped, State::Delivered] {
            town.advance(placed.id, to).await.unwrap();
        }
        for wanted in [State::Paid, State::Cancelled, State::Expired, State::Packed] {
            let no = Refusal::OrderState { state: State::Delivered, wanted };
            assert_eq!(refused(town.advance(placed.id, wanted).await), no);
        }
        let id = placed.id;
        let history = town.shop.db.read(move |read| orders::history(read, id)).await.unwrap();
        let steps: Vec<_> =
            history.iter().map(|s| (s.seq, s.from_state.as_str(), s.to_state.as_str())).collect();
        assert_eq!(steps, [
            (1, "new", "cash_due"),
            (2, "cash_due", "packed"),
            (3, "packed", "shipped"),
            (4, "shipped", "delivered"),
        ]);
        assert_eq!(history[0].actor, "customer");
        assert_eq!(history[3].actor, format!("staff:{}", town.staff));
        sound(&town).await;
    }

    async fn an_order_is_called_off_until_it_is_packed(t: TestDb) {
        let town = Town::open(&t.db, 32).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(50).await;
        let pending = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let cash = town.buy(ada, shirt, 2, CASH_ON_DELIVERY).await.unwrap().id;
        let paid = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        town.pay(ada, paid).await.unwrap();
        let packed = town.buy(ada, shirt, 4, CASH_ON_DELIVERY).await.unwrap().id;
        town.advance(packed, State::Packed).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (41, 1, 9));

        for order in [pending, cash, paid] {
            assert_eq!(refused(town.cancel(bob, order).await), Refusal::NotFound("order"));
            town.cancel(ada, order).await.unwrap();
            assert_eq!(state(&town, order).await, State::Cancelled);
            let again = Refusal::OrderState { state: State::Cancelled, wanted: State::Cancelled };
            assert_eq!(refused(town.cancel(ada, order).await), again);
        }
        let no = Refusal::OrderState { state: State::Packed, wanted: State::Cancelled };
        assert_eq!(refused(town.cancel(ada, packed).await), no);
        assert_eq!(levels(&town, shirt).await, (46, 0, 4));
        let key = town.key(town.staff, "cancel");
        let why = Some("it got wet".to_owned());
        town.shop.cancel_for_shop(town.staff, packed, why, key).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (50, 0, 0), "everything was given back");
        let nowhere = town.cancel(ada, town.shop.env.id()).await;
        assert_eq!(refused(nowhere), Refusal::NotFound("order"));

        let delivered = town.buy(ada, shirt, 1, CASH_ON_DELIVERY).await.unwrap().id;
        for to in [State::Packed, State::Shipped] {
            town.advance(delivered, to).await.unwrap();
        }
        let key = town.key(town.staff, "cancel");
        let late = town.shop.cancel_for_shop(town.staff, delivered, None, key).await;
        let no = Refusal::OrderState { state: State::Shipped, wanted: State::Cancelled };
        assert_eq!(refused(late), no);
        sound(&town).await;
    }

    async fn an_unpaid_order_gives_everything_back(t: TestDb) {
        let town = Town::open(&t.db, 33).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        town.add(ada, goods[0], 2).await.unwrap();
        town.add(ada, goods[1], 1).await.unwrap();
        let order = town.order_cart(ada, "sandbox").await.unwrap().id;
        town.wait(minutes(30) - SignedDuration::from_micros(1));
        town.sweep().await.unwrap();
        assert_eq!(state(&town, order).await, State::Pending);
        assert_eq!(levels(&town, goods[0]).await, (5, 2, 0), "an order's hold waits for it");
        town.wait(SignedDuration::from_micros(1));
        let late = town.intend(ada, order).await;
        assert_eq!(refused(late), Refusal::NothingToPay { state: State::Pending });
        town.sweep().await.unwrap();
        assert_eq!(state(&town, order).await, State::Expired);
        for variant in goods {
            assert_eq!(levels(&town, variant).await, (5, 0, 0));
        }
        let no = Refusal::OrderState { state: State::Expired, wanted: State::Cancelled };
        assert_eq!(refused(town.cancel(ada, order).await), no);
        sound(&town).await;
    }

    async fn counting_never_takes_what_is_held(t: TestDb) {
        let town = Town::open(&t.db, 34).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        town.add(ada, shirt, 3).await.unwrap();
        let adjust = |delta| {
            town.wait(SignedDuration::from_secs(1));
            let key = town.key(town.staff, "adjust");
            town.shop.adjust_stock(town.staff, shirt, delta, "counted".into(), key)
        };
        assert_eq!(short(adjust(-3).await), (3, 2));
        assert_eq!(adjust(-2).await.unwrap().on_hand, 3);
        assert_eq!(short(adjust(-1).await), (1, 0));
        assert_eq!(short(adjust(i64::MIN).await).1, 0);
        assert!(matches!(refused(adjust(i64::MAX).await), Refusal::OutOfStock { .. }));
        assert_eq!(adjust(7).await.unwrap().on_hand, 10);
        let key = town.key(town.staff, "adjust");
        let nothing: kernel::VariantId = town.shop.env.id();
        let unknown = town.shop.adjust_stock(town.staff, nothing, 1, "found".into(), key).await;
        assert_eq!(refused(unknown), Refusal::NotFound("variant"));
        let moves = town.shop.db.read(move |read| inventory::movements_of(read, shirt, 10));
        let moves: Vec<i64> = moves.await.unwrap().iter().map(|movement| movement.delta).collect();
        assert_eq!(moves, [7, -2, 5], "one for each change, newest first");
        sound(&town).await;
    }

    async fn a_key_has_one_request_and_one_answer(t: TestDb) {
        let town = Town::open(&t.db, 35).await;
        let shirt = town.goods(5).await;
        let adjust = |key: Key, delta| {
            town.shop.adjust_stock(town.staff, shirt, delta, "counted".into(), key)
        };
        let key = |whose: kernel::AccountId, body: &[u8]| {
            Key::new(whose.0, "adjust", "monday".into(), body)
        };
        let first = adjust(key(town.staff, b"2"), 2).await.unwrap();
        assert_eq!(first.on_hand, 7);
        assert_eq!(adjust(key(town.staff, b"2"), 2).await.unwrap(), first, "given again");
        assert_eq!(refused(adjust(key(town.staff, b"3"), 3).await), Refusal::KeyReused);
        let other = adjust(key(town.shop.env.id(), b"2"), 2).await.unwrap();
        assert_eq!(other.on_hand, 9, "another account's equal key is another key");

        // Both at once in one batch.
        let both = Key::new(town.staff.0, "adjust", "tuesday".into(), b"1");
        let (a, b) = tokio::join!(adjust(both.clone(), 1), adjust(both, 1));
        assert_eq!((a.unwrap().on_hand, b.unwrap().on_hand), (10, 10));
        let one = Key::new(town.staff.0, "adjust", "thursday".into(), b"0");
        let two = Key::new(town.staff.0, "adjust", "thursday".into(), b"7");
        let (a, b) = tokio::join!(adjust(one, 0), adjust(two, 7));
        assert_eq!((a.unwrap().on_hand, refused(b)), (10, Refusal::KeyReused));

        // A refusal is not kept: the next try may find the shop in another state.
        let later = key(town.staff, b"-20");
        let later = Key { key: "wednesday".into(), ..later };
        assert_eq!(short(adjust(later.clone(), -20).await), (20, 10));
        adjust(town.key(town.staff, "adjust"), 10).await.unwrap();
        assert_eq!(adjust(later, -20).await.unwrap().on_hand, 0);
        sound(&town).await;
    }

    async fn a_cancel_with_its_key_twice_is_one(t: TestDb) {
        let town = Town::open(&t.db, 36).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, CASH_ON_DELIVERY).await.unwrap().id;
        let key = town.key(ada, "cancel");
        let cancel = || town.shop.cancel(ada, order, key.clone());
        let (a, b) = tokio::join!(cancel(), cancel());
        assert!(a.is_ok() && b.is_ok() && cancel().await.is_ok());
        assert_eq!(levels(&town, shirt).await, (5, 0, 0));
        sound(&town).await;
    }
}
