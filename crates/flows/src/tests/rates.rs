//! Orders that are paid in another currency than the shop sells in.

use kernel::{Currency, Money, OrderId};
use payments::{Attempt, Origin, Refund, RefundState, Saw};

use super::*;
use crate::testing::in_roubles;
use crate::{NewsEffect, Opening, Paying, RefundOf, RefundOfLine, RefundWish};

/// 34.90 EUR at 101.2537: 3533.75413.
const ROUBLES: i64 = 353_375;
const EUROS: i64 = 3490;

fn roubles(minor: i64) -> Money {
    Money::new(minor, Currency::RUB)
}

async fn attempt(town: &Town, paying: &Paying) -> Attempt {
    let id = paying.attempt_id;
    town.shop.db.read(move |read| payments::find(read, id)).await.unwrap().unwrap()
}

async fn refund(town: &Town, order: OrderId, of: RefundOf) -> Answer<Refund> {
    let wish = RefundWish { of, reason: "torn".into() };
    let key = town.key(town.staff, "refund");
    let id = town.shop.refund(town.staff, order, wish, key).await?;
    let found = town.shop.db.read(move |read| payments::find_refund(read, id)).await.unwrap();
    Ok(found.unwrap())
}

/// Balances, as `account currency amount`; without those of nothing.
async fn books(town: &Town) -> Vec<String> {
    let books = town.shop.db.read(payments::balances).await.unwrap();
    let books = books.into_iter().filter(|it| it.amount != 0);
    books.map(|it| format!("{} {}", it.account, it.money())).collect()
}

/// An order of three shirts that waits for roubles.
async fn begun(town: &Town) -> (OrderId, Paying) {
    let ada = town.customer().await;
    let shirt = town.goods(5).await;
    let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
    let paying = town.intend_at(ada, order, in_roubles()).await.unwrap();
    (order, paying)
}

async fn paid(town: &Town) -> (OrderId, Paying) {
    let (order, paying) = begun(town).await;
    assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
    (order, paying)
}

store::on_both_engines! { SCHEMAS;
    async fn p27_an_order_is_paid_in_another_currency(t: TestDb) {
        let town = Town::open(&t.db, 271).await;
        let (order, paying) = begun(&town).await;
        assert_eq!(paying.amount, roubles(ROUBLES));
        let made = attempt(&town, &paying).await;
        assert_eq!((made.amount, made.pays), (roubles(ROUBLES), town.order(order).await.total()));
        assert_eq!(made.rate.unwrap().to_string(), "101.2537");
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        assert_eq!(state(&town, order).await, State::Paid);
        assert_eq!(books(&town).await, [
            "exchange 34.90 EUR", "exchange -3533.75 RUB", "gateway:sandbox 3533.75 RUB",
            "sales -30.00 EUR", "shipping -4.90 EUR",
        ]);
        town.shop.book_fee(order, paying.attempt_id, Money::new(7067, paying.amount.currency)).await.unwrap();
        assert!(books(&town).await.contains(&"fees 70.67 RUB".to_owned()), "in what it was kept of");
        sound(&town).await;
    }

    async fn p27_a_rate_is_fixed_with_the_attempt(t: TestDb) {
        let town = Town::open(&t.db, 272).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        let at = |rate: &str| {
            Opening { rate: Some((Currency::RUB, rate.parse().unwrap())), ..Opening::at("sandbox") }
        };
        let paying = town.intend_at(ada, order, at("101.2537")).await.unwrap();
        // The merchant changes the rate, then the gateway takes euros; the page is still open.
        for other in [at("50"), Opening::at("sandbox")] {
            let again = town.intend_at(ada, order, other).await.unwrap();
            assert_eq!((again.attempt_id, again.amount), (paying.attempt_id, roubles(ROUBLES)));
        }
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        assert_eq!(attempt(&town, &paying).await.rate.unwrap().to_string(), "101.2537");
        sound(&town).await;
    }

    async fn p27_another_currency_or_amount_goes_to_a_person(t: TestDb) {
        let town = Town::open(&t.db, 273).await;
        for wrong in [
            Money::new(ROUBLES, Currency::EUR),
            Money::new(EUROS, Currency::EUR),
            roubles(EUROS),
            roubles(ROUBLES - 1),
        ] {
            let (order, paying) = begun(&town).await;
            let mut news = town.news(&paying, Saw::Captured);
            news.amount = wrong;
            assert_eq!(town.say(&paying, news).await.unwrap(), NewsEffect::Review, "{wrong}");
            assert_eq!(state(&town, order).await, State::Pending);
            let why = attempt(&town, &paying).await.review.unwrap();
            assert_eq!(why, format!("{wrong} instead of 3533.75 RUB"));
        }
        sound(&town).await;
    }

    async fn p27_money_for_another_sum_than_the_orders_goes_to_a_person(t: TestDb) {
        let town = Town::open(&t.db, 282).await;
        let (order, paying) = begun(&town).await;
        t.raw("update attempts set pays = pays - 1").await.unwrap();
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Review);
        assert_eq!(state(&town, order).await, State::Pending);
        let why = attempt(&town, &paying).await.review.unwrap();
        assert_eq!(why, "it pays 34.89 EUR of 34.90 EUR");
    }

    async fn p27_a_rate_in_the_shops_own_currency_is_none(t: TestDb) {
        let town = Town::open(&t.db, 274).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        let rate = "2".parse().unwrap();
        let own = Opening { rate: Some((Currency::EUR, rate)), ..Opening::at("sandbox") };
        let paying = town.intend_at(ada, order, own).await.unwrap();
        assert_eq!(paying.amount, Money::new(EUROS, Currency::EUR));
        assert_eq!(attempt(&town, &paying).await.rate, None);
    }

    async fn p27_what_comes_to_nothing_is_not_begun(t: TestDb) {
        let settings = crate::Settings { shipping: 0, ..Default::default() };
        let town = Town::with_settings(&t.db, 275, settings).await;
        let ada = town.customer().await;
        for (price, rate) in [(1, "0.00000001"), (100_000_000_000, "999999999")] {
            let dear = town.product(price, &[5]).await[0];
            let order = town.buy(ada, dear, 1, "sandbox").await.unwrap().id;
            let rate = rate.parse().unwrap();
            let opening = Opening { rate: Some((Currency::RUB, rate)), ..Opening::at("sandbox") };
            let no = refused(town.intend_at(ada, order, opening).await);
            assert_eq!(no, Refusal::MethodUnfit("sandbox".into()));
            town.cancel(ada, order).await.unwrap();
        }
        sound(&town).await;
    }

    async fn p27_parts_that_go_back_add_up_in_both(t: TestDb) {
        let town = Town::open(&t.db, 276).await;
        let (order, _) = paid(&town).await;
        let shirt = || RefundOf::Lines(vec![RefundOfLine { position: 1, quantity: 1, restock: true }]);
        let mut gone = (0, 0);
        for of in [shirt(), RefundOf::Amount(1), shirt(), RefundOf::Amount(333)] {
            let part = refund(&town, order, of).await.unwrap();
            gone = (gone.0 + part.amount.minor, gone.1 + part.worth);
            assert_eq!(part.amount.currency, Currency::RUB);
            assert_eq!(gone.0, ROUBLES * gone.1 / EUROS, "all parts together, rounded down");
            town.end_refunds(order, RefundState::Succeeded).await.unwrap();
            sound(&town).await;
        }
        assert_eq!(gone.1, 2334);
        let left = EUROS - gone.1;
        let wanted = left + 1;
        let no = refused(refund(&town, order, RefundOf::Amount(wanted)).await);
        assert_eq!(no, Refusal::RefundTooMuch { wanted, left }, "in the order's currency");
        let rest = refund(&town, order, RefundOf::Rest { restock: false }).await.unwrap();
        assert_eq!((gone.0 + rest.amount.minor, gone.1 + rest.worth), (ROUBLES, EUROS));
        let mut now = books(&town).await;
        now.retain(|it| it.starts_with("customer") || it.starts_with("gateway"));
        let owed = rest.amount;
        assert_eq!(now, [format!("customer -{owed}"), format!("gateway:sandbox {owed}")]);
        let none = refused(refund(&town, order, RefundOf::Amount(1)).await);
        assert_eq!(none, Refusal::NothingToRefund { state: State::Paid });
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, order).await, State::Refunded);
        assert_eq!(books(&town).await, [
            "refunds 34.90 EUR", "sales -30.00 EUR", "shipping -4.90 EUR",
        ]);
        sound(&town).await;
    }

    async fn p27_what_went_back_elsewhere_counts_in_both(t: TestDb) {
        let town = Town::open(&t.db, 277).await;
        let (order, paying) = paid(&town).await;
        let says = async |refunded| {
            let news = payments::News { refunded, ..town.news(&paying, Saw::Captured) };
            town.say(&paying, news).await.unwrap()
        };
        // A kopeck is less than a cent; the next hundred are one.
        for (refunded, worth) in [(1, 0), (101, 0), (102, 1), (ROUBLES / 2, 1744)] {
            assert_eq!(says(refunded).await, NewsEffect::GivenBack);
            assert_eq!(attempt(&town, &paying).await.worth_back, worth);
            sound(&town).await;
        }
        let half = attempt(&town, &paying).await;
        let (left, wanted) = (EUROS - 1744, EUROS);
        let no = refused(refund(&town, order, RefundOf::Amount(wanted)).await);
        assert_eq!(no, Refusal::RefundTooMuch { wanted, left });
        let ours = refund(&town, order, RefundOf::Amount(700)).await.unwrap();
        assert_eq!(half.refunded + ours.amount.minor, ROUBLES * 2444 / EUROS);
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(says(ROUBLES).await, NewsEffect::GivenBack);
        assert_eq!(attempt(&town, &paying).await.worth_back, EUROS);
        assert_eq!(state(&town, order).await, State::Refunded);
        sound(&town).await;
    }

    async fn p27_what_failed_to_go_back_is_left_in_both(t: TestDb) {
        let town = Town::open(&t.db, 278).await;
        let (order, paying) = paid(&town).await;
        refund(&town, order, RefundOf::Amount(1111)).await.unwrap();
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        town.end_refunds(order, RefundState::Failed).await.unwrap();
        let after = attempt(&town, &paying).await;
        assert_eq!((after.left(), after.worth_left()), (ROUBLES, EUROS));
        refund(&town, order, RefundOf::Rest { restock: false }).await.unwrap();
        let after = attempt(&town, &paying).await;
        assert_eq!((after.left(), after.worth_left()), (0, 0));
        sound(&town).await;
    }

    async fn p27_less_than_their_smallest_coin_is_not_given_back(t: TestDb) {
        let town = Town::open(&t.db, 279).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        let (yen, rate) = ("JPY".parse().unwrap(), "0.5".parse().unwrap());
        let opening = Opening { rate: Some((yen, rate)), ..Opening::at("sandbox") };
        let paying = town.intend_at(ada, order, opening).await.unwrap();
        assert_eq!(paying.amount, Money::new(17, yen), "17.45");
        town.captured(&paying).await.unwrap();
        let no = refused(refund(&town, order, RefundOf::Amount(205)).await);
        assert_eq!(no, Refusal::RefundTooSmall { currency: yen });
        let part = refund(&town, order, RefundOf::Amount(206)).await.unwrap();
        assert_eq!(part.amount.minor, 1);
        sound(&town).await;
    }

    async fn p27_late_money_pays_or_goes_back_as_it_came(t: TestDb) {
        let town = Town::open(&t.db, 280).await;
        let (revived, late) = begun(&town).await;
        let (gone, unwanted) = begun(&town).await;
        town.wait(minutes(31));
        town.sweep().await.unwrap();
        assert_eq!(town.captured(&late).await.unwrap(), NewsEffect::SettledLate);
        assert_eq!(state(&town, revived).await, State::Paid);
        let variant = {
            let lines = town.shop.db.read(move |read| orders::lines(read, gone)).await.unwrap();
            lines[0].variant_id
        };
        let bob = town.customer().await;
        town.buy(bob, variant, 3, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!(town.captured(&unwanted).await.unwrap(), NewsEffect::SentBack);
        let back = town.shop.db.read(move |read| payments::refunds_of_order(read, gone)).await;
        let back = back.unwrap().remove(0);
        assert_eq!((back.amount, back.worth, back.origin), (roubles(ROUBLES), EUROS, Origin::Orphan));
        assert!(books(&town).await.contains(&"customer -3533.75 RUB".to_owned()));
        sound(&town).await;
        town.end_refunds(gone, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, gone).await, State::Expired);
        sound(&town).await;
    }

    async fn p27_a_cancelled_order_gives_back_what_came(t: TestDb) {
        let town = Town::open(&t.db, 281).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        let two_stage = Opening { two_stage: true, ..in_roubles() };
        let paying = town.intend_at(ada, order, two_stage).await.unwrap();
        let reserved = town.news(&paying, Saw::Authorized(None));
        assert_eq!(town.say(&paying, reserved).await.unwrap(), NewsEffect::Capturing);
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        refund(&town, order, RefundOf::Amount(1000)).await.unwrap();
        town.cancel(ada, order).await.unwrap();
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, order).await, State::Refunded);
        let back = town.shop.db.read(move |read| payments::refunds_of_order(read, order)).await;
        let back = back.unwrap();
        assert_eq!(back.iter().map(|it| it.amount.minor).sum::<i64>(), ROUBLES);
        sound(&town).await;
    }
}
