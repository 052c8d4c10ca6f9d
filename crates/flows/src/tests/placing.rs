//! From a quote to an order: once, as promised, or not at all.

use catalog::CatalogRefusal;
use kernel::{Money, VariantId};

use super::*;
use crate::{Change, Owner, PriceChange};

async fn reprice(town: &Town, variant: VariantId, minor: i64) {
    let price = Money::new(minor, town.currency());
    let set = town.shop.db.write(move |tx| catalog::set_price(tx, variant, price));
    set.await.unwrap();
}

async fn sell(town: &Town, variant: VariantId, active: bool) {
    let set = town.shop.db.write(move |tx| {
        catalog::set_active(tx, variant, active).map(|_| ())?;
        Ok::<_, Error<CatalogRefusal>>(())
    });
    set.await.unwrap();
}

store::on_both_engines! { SCHEMAS;
    async fn the_same_request_gives_the_same_order(t: TestDb) {
        let town = Town::open(&t.db, 21).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(5).await;
        town.add(ada, shirt, 2).await.unwrap();
        let quote = town.quote_cart(ada).await.unwrap();
        let placed = town.shop.place(ada, &quote.token, "sandbox").await.unwrap();
        assert_eq!((placed.id, placed.replayed), (quote.quote.id, false));
        assert!(orders::is_number(&placed.number));
        let after = t.dump().await.unwrap();

        let again = town.shop.place(ada, &quote.token, "sandbox").await.unwrap();
        assert!(again.replayed);
        assert_eq!(crate::Placed { replayed: false, ..again }, placed);
        town.wait(minutes(20));
        let late = town.shop.place(ada, &quote.token, "sandbox").await.unwrap();
        assert_eq!(late.id, placed.id, "also when the quote is too old for a new order");
        let other = town.shop.place(ada, &quote.token, CASH_ON_DELIVERY).await;
        assert_eq!(refused(other), Refusal::KeyReused);
        let foreign = town.shop.place(bob, &quote.token, "sandbox").await;
        assert_eq!(refused(foreign), Refusal::NotFound("quote"));
        assert_eq!(after, t.dump().await.unwrap(), "none of these wrote anything");
        assert_eq!(levels(&town, shirt).await, (5, 2, 0), "the cart's hold is the order's");
        assert!(town.shop.cart(Owner::Account(ada)).await.unwrap().lines.is_empty());
        sound(&town).await;
    }

    async fn a_quote_must_be_ours_and_fresh(t: TestDb) {
        let town = Town::open(&t.db, 22).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let quote = town.quote_one(ada, shirt, 1).await.unwrap();
        for token in ["", "x", &quote.token[1..], &quote.token.replace('.', "..")] {
            let placed = town.shop.place(ada, token, "sandbox").await;
            assert_eq!(refused(placed), Refusal::QuoteInvalid);
        }
        let unknown = town.shop.place(ada, &quote.token, "seashells").await;
        assert_eq!(refused(unknown), Refusal::MethodUnknown("seashells".into()));
        town.wait(minutes(15));
        let placed = town.shop.place(ada, &quote.token, "sandbox").await;
        assert_eq!(refused(placed), Refusal::QuoteExpired);
        assert_eq!(levels(&town, shirt).await, (5, 0, 0));
        sound(&town).await;
    }

    async fn another_price_is_said_and_not_taken(t: TestDb) {
        let town = Town::open(&t.db, 23).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5, 5]).await;
        for variant in &goods {
            town.add(ada, *variant, 1).await.unwrap();
        }
        let quote = town.quote_cart(ada).await.unwrap();
        reprice(&town, goods[0], 1200).await;
        sell(&town, goods[1], false).await;
        let placed = town.shop.place(ada, &quote.token, "sandbox").await;
        let Refusal::QuoteChanged { mut changes } = refused(placed) else { panic!("changed") };
        changes.sort_by_key(|change| change.variant_id != goods[0]);
        assert_eq!(changes, [
            PriceChange { variant_id: goods[0], was: 1000, now: Some(1200) },
            PriceChange { variant_id: goods[1], was: 1000, now: None },
        ]);
        assert_eq!(refused(town.quote_cart(ada).await), Refusal::NotFound("variant"));
        assert_eq!(refused(town.add(ada, goods[1], 1).await), Refusal::NotFound("variant"));
        sell(&town, goods[1], true).await;
        reprice(&town, goods[0], 1000).await;
        town.shop.place(ada, &quote.token, "sandbox").await.unwrap();
        sound(&town).await;
    }

    async fn a_cart_that_moved_on_is_not_ordered(t: TestDb) {
        let town = Town::open(&t.db, 24).await;
        let ada = town.customer().await;
        let shirt = town.goods(9).await;
        town.add(ada, shirt, 2).await.unwrap();
        let first = town.quote_cart(ada).await.unwrap();
        town.add(ada, shirt, 1).await.unwrap();
        let placed = town.shop.place(ada, &first.token, "sandbox").await;
        assert_eq!(refused(placed), Refusal::CartChanged);

        let (second, third) = (town.quote_cart(ada).await, town.quote_cart(ada).await);
        let (second, third) = (second.unwrap(), third.unwrap());
        let placed = town.shop.place(ada, &second.token, "sandbox").await.unwrap();
        let again = town.shop.place(ada, &third.token, "sandbox").await;
        let number = placed.number.clone();
        let ordered = Refusal::CartAlreadyOrdered { order_id: placed.id, number };
        assert_eq!(refused(again), ordered, "the same cart from another tab");
        assert_eq!(levels(&town, shirt).await, (9, 3, 0));
        sound(&town).await;
    }

    async fn only_what_is_selected_is_ordered(t: TestDb) {
        let town = Town::open(&t.db, 25).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[5, 5]).await;
        let owner = Owner::Account(ada);
        town.add(ada, goods[0], 2).await.unwrap();
        town.add(ada, goods[1], 1).await.unwrap();
        town.shop.select_lines(owner.clone(), Some(vec![goods[1]]), false).await.unwrap();
        let placed = town.order_cart(ada, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!((placed.state, placed.total.minor), (State::CashDue, 2000 + 490));
        let cart = town.shop.cart(owner).await.unwrap();
        assert_eq!((cart.lines.len(), cart.lines[0].variant_id), (1, goods[1]));
        assert_eq!(levels(&town, goods[0]).await, (3, 0, 2));
        assert_eq!(levels(&town, goods[1]).await, (5, 1, 0), "still held for the cart");
        sound(&town).await;
    }

    async fn two_sizes_of_one_product_count_apart_and_together(t: TestDb) {
        let town = Town::open(&t.db, 26).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[2, 1]).await;
        town.add(ada, goods[0], 2).await.unwrap();
        town.add(ada, goods[1], 1).await.unwrap();
        let placed = town.order_cart(ada, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!(placed.item_count, 3);
        assert_eq!(levels(&town, goods[0]).await, (0, 0, 2));
        assert_eq!(levels(&town, goods[1]).await, (0, 0, 1));
        let product = town.stock(goods[0]).await.product_id;
        let of_product = town.shop.db.read(move |read| {
            inventory::levels_of_products(read, [product])
        });
        let sold: i64 = of_product.await.unwrap().iter().map(|stock| stock.sold).sum();
        assert_eq!(sold, 3);
        sound(&town).await;
    }

    async fn all_of_a_basket_or_nothing(t: TestDb) {
        let town = Town::open(&t.db, 27).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let goods = town.product(1000, &[5, 1]).await;
        town.add(ada, goods[0], 1).await.unwrap();
        town.add(ada, goods[1], 1).await.unwrap();
        let quote = town.quote_cart(ada).await.unwrap();
        town.wait(minutes(14));
        let quote_late = town.quote_cart(ada).await.unwrap();
        town.wait(minutes(1));
        town.sweep().await.unwrap();
        town.add(bob, goods[1], 1).await.unwrap();
        assert_eq!(refused(town.shop.place(ada, &quote.token, "sandbox").await),
            Refusal::QuoteExpired);
        let before = t.dump().await.unwrap();
        assert_eq!(short(town.shop.place(ada, &quote_late.token, "sandbox").await), (1, 0));
        assert_eq!(before, t.dump().await.unwrap());
        // Nothing is held for the cart any more, but one of the two is still there.
        town.shop.set_line(Owner::Account(ada), goods[1], Change::Set(0)).await.unwrap();
        let placed = town.order_cart(ada, "sandbox").await.unwrap();
        assert_eq!(placed.item_count, 1);
        sound(&town).await;
    }

    async fn an_order_of_nothing_to_pay_is_paid(t: TestDb) {
        let settings = crate::Settings { shipping: 0, ..Default::default() };
        let town = Town::with_settings(&t.db, 28, settings).await;
        let ada = town.customer().await;
        let gift = town.product(0, &[2]).await[0];
        let placed = town.buy(ada, gift, 1, "sandbox").await.unwrap();
        assert_eq!((placed.state, placed.pay_by), (State::Paid, None));
        let paid = town.intend(ada, placed.id).await;
        assert_eq!(refused(paid), Refusal::NothingToPay { state: State::Paid });
        town.cancel(ada, placed.id).await.unwrap();
        assert_eq!(levels(&town, gift).await, (2, 0, 0));
        sound(&town).await;
    }
}
