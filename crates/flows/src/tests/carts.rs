//! Carts and their holds.

use kernel::VariantId;

use super::*;
use crate::{CartLine, CartView, Change, Owner, Settings};

fn line(view: &CartView, variant: VariantId) -> &CartLine {
    view.lines.iter().find(|line| line.variant_id == variant).expect("a line")
}

store::on_both_engines! { SCHEMAS;
    async fn a_line_is_held_for_a_while(t: TestDb) {
        let town = Town::open(&t.db, 1).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(5).await;
        let cart = town.shop.set_line(Owner::Account(ada), shirt, Change::By(3)).await.unwrap();
        let until = town.shop.env.now() + minutes(15);
        assert_eq!(line(&cart, shirt).held_until, Some(until));
        assert_eq!(line(&cart, shirt).available, 5, "what is held for the buyer counts");
        assert_eq!(levels(&town, shirt).await, (5, 3, 0));
        assert_eq!(short(town.add(bob, shirt, 3).await), (3, 2));

        town.wait(minutes(14));
        town.sweep().await.unwrap();
        assert_eq!(levels(&town, shirt).await, (5, 3, 0), "its time is not over");
        town.wait(minutes(1));
        let cart = town.shop.cart(Owner::Account(ada)).await.unwrap();
        assert_eq!(line(&cart, shirt).held_until, None, "over is over, swept or not");
        town.sweep().await.unwrap();
        assert_eq!(levels(&town, shirt).await, (5, 0, 0));
        let cart = town.shop.cart(Owner::Account(ada)).await.unwrap();
        assert_eq!((cart.lines.len(), line(&cart, shirt).quantity), (1, 3), "the line stays");
        town.add(bob, shirt, 5).await.unwrap();
        sound(&town).await;
    }

    async fn activity_keeps_a_hold_alive_but_not_for_ever(t: TestDb) {
        let settings = Settings { hold_extensions_max: 2, ..Settings::default() };
        let town = Town::with_settings(&t.db, 2, settings).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        town.add(ada, goods[0], 1).await.unwrap();
        let first_until = town.shop.env.now() + minutes(15);

        town.wait(minutes(1));
        let cart = town.shop.set_line(Owner::Account(ada), goods[1], Change::Set(1)).await.unwrap();
        assert_eq!(line(&cart, goods[0]).held_until, Some(first_until), "not half over");
        town.wait(minutes(8));
        let select = town.shop.select_lines(Owner::Account(ada), None, true).await;
        let until = town.shop.env.now() + minutes(15);
        assert_eq!(line(&select.unwrap(), goods[0]).held_until, Some(until), "half over");

        // One more and one less is activity as well: it must not hold units for ever.
        let last = town.shop.env.now() + minutes(15 * 3);
        for change in [1, -1].into_iter().cycle().take(12) {
            town.wait(minutes(8));
            town.sweep().await.unwrap();
            if town.stock(goods[0]).await.held == 0 {
                break;
            }
            town.add(ada, goods[0], change).await.unwrap();
        }
        assert_eq!(town.stock(goods[0]).await.held, 0, "the units came back");
        assert!(town.shop.env.now() <= last, "in time");
        sound(&town).await;
    }

    async fn a_buyer_asks_for_more_time(t: TestDb) {
        let settings = Settings { hold_extensions_max: 1, ..Settings::default() };
        let town = Town::with_settings(&t.db, 3, settings).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        let owner = Owner::Account(ada);
        town.add(ada, goods[0], 2).await.unwrap();
        town.wait(minutes(5));
        let cart = town.shop.extend_cart(owner.clone()).await.unwrap();
        assert_eq!(line(&cart, goods[0]).held_until, Some(town.shop.env.now() + minutes(15)));
        assert_eq!(refused(town.shop.extend_cart(owner.clone()).await), Refusal::HoldUsedUp);

        // A line that can have more time gets it beside one that cannot: all that is refused is
        // an extension of nothing.
        town.wait(minutes(1));
        town.add(ada, goods[1], 1).await.unwrap();
        town.wait(minutes(1));
        let cart = town.shop.extend_cart(owner.clone()).await.unwrap();
        let until = town.shop.env.now() + minutes(15);
        assert_eq!(line(&cart, goods[1]).held_until, Some(until));
        assert!(line(&cart, goods[0]).held_until < Some(until), "it was used up");
        let before = t.dump().await.unwrap();
        assert_eq!(refused(town.shop.extend_cart(owner.clone()).await), Refusal::HoldUsedUp);
        assert_eq!(before, t.dump().await.unwrap(), "a refusal writes nothing");
        sound(&town).await;
    }

    async fn what_is_no_longer_held_is_held_again_if_it_can_be(t: TestDb) {
        let town = Town::open(&t.db, 4).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let goods = town.product(1000, &[2, 2]).await;
        town.add(ada, goods[0], 2).await.unwrap();
        town.add(ada, goods[1], 2).await.unwrap();
        town.wait(minutes(16));
        town.sweep().await.unwrap();
        town.add(bob, goods[0], 1).await.unwrap();
        let cart = town.shop.extend_cart(Owner::Account(ada)).await.unwrap();
        assert_eq!(line(&cart, goods[0]).held_until, None);
        assert!(line(&cart, goods[1]).held_until.is_some());
        assert_eq!(line(&cart, goods[0]).available, 1);
        town.add(bob, goods[0], 1).await.unwrap();
        // Fewer than before is always fine.
        town.add(ada, goods[0], -1).await.unwrap();
        assert_eq!(short(town.add(ada, goods[0], 1).await), (2, 0));
        sound(&town).await;
    }

    async fn lines_change_are_chosen_and_cleared(t: TestDb) {
        let town = Town::open(&t.db, 5).await;
        let ada = town.customer().await;
        let owner = Owner::Account(ada);
        let goods = town.product(1000, &[5, 5]).await;
        let set = |variant, change| town.shop.set_line(owner.clone(), variant, change);
        let first = set(goods[0], Change::By(1)).await.unwrap().version;
        let cart = set(goods[0], Change::By(1)).await.unwrap();
        assert_eq!((cart.version, cart.selected_quantity), (first + 1, 2));
        assert_eq!(cart.selected_total.minor, 2000);
        set(goods[1], Change::Set(3)).await.unwrap();
        let cart = town.shop.select_lines(owner.clone(), Some(vec![goods[1]]), false).await.unwrap();
        assert_eq!((cart.selected_quantity, cart.selected_total.minor), (2, 2000));
        let cart = set(goods[0], Change::By(-2)).await.unwrap();
        assert_eq!((cart.lines.len(), cart.selected_quantity), (1, 0));
        assert_eq!(levels(&town, goods[0]).await, (5, 0, 0));

        let limit = Refusal::QuantityInvalid { min: 0, max: 10_000 };
        for bad in [Change::Set(-1), Change::Set(10_001), Change::By(i64::MAX), Change::By(-4)] {
            assert_eq!(refused(set(goods[1], bad).await), limit, "{bad:?}");
        }
        assert_eq!(refused(set(goods[0], Change::Set(0)).await), Refusal::NotFound("line"));
        let unknown = set(town.shop.env.id(), Change::By(1)).await;
        assert_eq!(refused(unknown), Refusal::NotFound("variant"));
        let chosen = town.shop.select_lines(owner.clone(), Some(vec![goods[0]]), true).await;
        assert_eq!(refused(chosen), Refusal::NotFound("line"));

        let cart = town.shop.clear_cart(owner.clone()).await.unwrap();
        assert!(cart.lines.is_empty() && cart.version > first);
        assert_eq!(levels(&town, goods[1]).await, (5, 0, 0));
        sound(&town).await;
    }

    async fn a_cart_takes_so_many_lines_and_no_more(t: TestDb) {
        let town = Town::open(&t.db, 6).await;
        let ada = town.customer().await;
        let goods = town.product(100, &[1; 50]).await;
        let more = town.product(100, &[1; 51]).await;
        for variant in goods.iter().chain(&more[..50]) {
            town.add(ada, *variant, 1).await.unwrap();
        }
        assert_eq!(refused(town.add(ada, more[50], 1).await), Refusal::TooManyLines { max: 100 });
        let placed = town.order_cart(ada, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!(placed.item_count, 100, "a token carries them all");
        sound(&town).await;
    }

    async fn a_visitors_cart_joins_the_customers(t: TestDb) {
        let town = Town::open(&t.db, 7).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 3, 2]).await;
        let token = vec![7_u8; 32];
        let visitor = Owner::Visitor(token.clone());
        for (variant, quantity) in [(goods[0], 2), (goods[1], 2), (goods[2], 2)] {
            town.shop.set_line(visitor.clone(), variant, Change::By(quantity)).await.unwrap();
        }
        town.add(ada, goods[0], 1).await.unwrap();
        town.add(ada, goods[1], 1).await.unwrap();
        // The visitor's hold ends, and somebody else takes what was held.
        town.wait(minutes(10));
        town.add(ada, goods[0], 0).await.unwrap();
        town.wait(minutes(6));
        town.sweep().await.unwrap();
        let bob = town.customer().await;
        town.add(bob, goods[2], 1).await.unwrap();

        assert_eq!(town.shop.merge_carts(token.clone(), ada).await.unwrap(), 5);
        let cart = town.shop.cart(Owner::Account(ada)).await.unwrap();
        let quantities: Vec<i64> = goods.iter().map(|id| line(&cart, *id).quantity).collect();
        assert_eq!(quantities, [3, 3, 1], "as far as stock goes");
        assert!(town.shop.cart(visitor).await.unwrap().lines.is_empty());
        assert_eq!(town.shop.merge_carts(token, ada).await.unwrap(), 0, "twice is once");
        assert_eq!(town.shop.merge_carts(vec![8; 32], ada).await.unwrap(), 0, "no such cart");
        sound(&town).await;
    }
}
