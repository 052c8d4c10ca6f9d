//! Quotes: pure, exact, and honest about what is missing.

use super::*;
use crate::{Change, Owner, Source};

store::on_both_engines! { SCHEMAS;
    async fn a_quote_writes_nothing(t: TestDb) {
        let town = Town::open(&t.db, 11).await;
        let ada = town.customer().await;
        let goods = town.product(1299, &[5, 5]).await;
        town.add(ada, goods[0], 2).await.unwrap();
        let before = t.dump().await.unwrap();
        let quote = town.quote_cart(ada).await.unwrap();
        town.quote_one(ada, goods[1], 5).await.unwrap();
        let wanted = quote.quote.totals;
        assert_eq!((wanted.item_count, wanted.merchandise, wanted.total), (2, 2598, 2598 + 490));
        assert_eq!(quote.quote.expires_at, town.shop.env.now() + minutes(15));
        assert!(quote.missing.is_empty() && quote.short.is_empty());
        assert_eq!(before, t.dump().await.unwrap());
        sound(&town).await;
    }

    async fn a_quote_says_what_is_missing(t: TestDb) {
        let town = Town::open(&t.db, 12).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let quote = town.quote_one(ada, shirt, 3).await.unwrap();
        assert_eq!(quote.missing, ["stock"]);
        assert_eq!((quote.short[0].wanted, quote.short[0].available), (3, 2));
        assert_eq!(short(town.shop.place(ada, &quote.token, CASH_ON_DELIVERY).await), (3, 2));

        let nobody: kernel::AccountId = town.shop.env.id();
        let quote = town.quote_one(nobody, shirt, 1).await.unwrap();
        assert_eq!(quote.missing, ["address"]);
        let placed = town.shop.place(nobody, &quote.token, CASH_ON_DELIVERY).await;
        assert_eq!(refused(placed), Refusal::AddressMissing);
        sound(&town).await;
    }

    async fn a_quote_that_makes_no_sense_is_refused(t: TestDb) {
        let town = Town::open(&t.db, 13).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(2).await;
        let limits = Refusal::QuantityInvalid { min: 1, max: 10_000 };
        for quantity in [0, -1, 10_001, i64::MAX, i64::MIN] {
            assert_eq!(refused(town.quote_one(ada, shirt, quantity).await), limits);
        }
        let unknown = town.quote_one(ada, town.shop.env.id(), 1).await;
        assert_eq!(refused(unknown), Refusal::NotFound("variant"));
        assert_eq!(refused(town.quote_cart(ada).await), Refusal::NothingSelected);
        town.add(ada, shirt, 1).await.unwrap();
        town.shop.select_lines(Owner::Account(ada), None, false).await.unwrap();
        assert_eq!(refused(town.quote_cart(ada).await), Refusal::NothingSelected);

        let of_bob = town.shop.db.read(move |read| identity::addresses::list(read, bob));
        let of_bob = of_bob.await.unwrap()[0].id;
        let source = Source::BuyNow { variant_id: shirt, quantity: 1 };
        let foreign = town.shop.quote(ada, source, Some(of_bob)).await;
        assert_eq!(refused(foreign), Refusal::NotFound("address"));
        sound(&town).await;
    }

    async fn buying_now_does_not_touch_the_cart(t: TestDb) {
        let town = Town::open(&t.db, 14).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        let owner = Owner::Account(ada);
        town.add(ada, goods[0], 2).await.unwrap();
        let mut cart = town.shop.set_line(owner.clone(), goods[1], Change::Set(1)).await.unwrap();
        let placed = town.buy(ada, goods[0], 3, "sandbox").await.unwrap();
        assert_eq!((placed.item_count, placed.state), (3, State::Pending));
        let bought = cart.lines.iter_mut().find(|line| line.variant_id == goods[0]).unwrap();
        bought.available -= 3;
        assert_eq!(town.shop.cart(owner).await.unwrap(), cart);
        assert_eq!(levels(&town, goods[0]).await, (5, 5, 0), "two for the cart, three ordered");
        let order = town.order(placed.id).await;
        assert_eq!((order.cart, order.pay_by), (None, Some(placed.placed_at + minutes(30))));
        sound(&town).await;
    }

    async fn goods_of_another_currency_are_not_sold_here(t: TestDb) {
        let here = Town::open(&t.db, 15).await;
        let ada = here.customer().await;
        let shirt = here.goods(5).await;
        here.add(ada, shirt, 1).await.unwrap();
        let settings = crate::Settings { currency: kernel::Currency::USD, ..Default::default() };
        let there = Town::with_settings(&t.db, 16, settings).await;
        let quote = there.quote_one(ada, shirt, 1).await;
        assert_eq!(refused(quote), Refusal::NotFound("variant"), "no price is relabelled");
        assert_eq!(refused(there.add(ada, shirt, 1).await), Refusal::NotFound("variant"));
        let cart = there.shop.cart(Owner::Account(ada)).await.unwrap();
        assert!(!cart.lines[0].sold_here && cart.selected_total.minor == 0);
        sound(&here).await;
    }
}
