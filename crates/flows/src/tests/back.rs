//! Money that goes back: in parts, elsewhere, twice at once; and money that comes in cash.

use kernel::{Error, OrderId, RefundId};
use payments::{News, Origin, RefundState, Saw};

use super::*;
use crate::{NewsEffect, RefundOf, RefundOfLine, RefundWish};

async fn refund(town: &Town, order: OrderId, of: RefundOf) -> Result<RefundId, Error<Refusal>> {
    let wish = RefundWish { of, reason: "torn".into() };
    town.shop.refund(town.staff, order, wish, town.key(town.staff, "refund")).await
}

async fn refunds(town: &Town, order: OrderId) -> Vec<payments::Refund> {
    town.shop.db.read(move |read| payments::refunds_of_order(read, order)).await.unwrap()
}

fn line(position: i64, quantity: i64, restock: bool) -> RefundOf {
    RefundOf::Lines(vec![RefundOfLine { position, quantity, restock }])
}

async fn books(town: &Town) -> Vec<(String, i64)> {
    let books = town.shop.db.read(payments::balances).await.unwrap();
    books.into_iter().map(|it| (it.account, it.amount)).collect()
}

store::on_both_engines! { SCHEMAS;
    async fn parts_go_back_until_nothing_is_left(t: TestDb) {
        let town = Town::open(&t.db, 81).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
        let none = Refusal::NothingToRefund { state: State::Pending };
        assert_eq!(refused(refund(&town, order, RefundOf::Amount(1)).await), none);
        town.pay(ada, order).await.unwrap();
        refund(&town, order, line(1, 1, true)).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (3, 0, 2), "it is on the shelf again");
        refund(&town, order, line(1, 1, false)).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (3, 0, 2), "and this one is not");
        for wrong in [0, 2, -1] {
            let wrong = refused(refund(&town, order, line(1, wrong, true)).await);
            assert_eq!(wrong, Refusal::QuantityInvalid { min: 1, max: 1 });
        }
        let unknown = refused(refund(&town, order, line(2, 1, true)).await);
        assert_eq!(unknown, Refusal::NotFound("line"));
        let left = 3490 - 2000;
        for wanted in [left + 1, 0, -5] {
            let wrong = refused(refund(&town, order, RefundOf::Amount(wanted)).await);
            assert_eq!(wrong, Refusal::RefundTooMuch { wanted, left });
        }
        sound(&town).await;
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, order).await, State::Paid, "a part is not all");
        refund(&town, order, RefundOf::Rest { restock: true }).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (4, 0, 1));
        let amounts: Vec<_> = refunds(&town, order).await.iter().map(|r| r.amount.minor).collect();
        assert_eq!(amounts.iter().sum::<i64>(), 3490, "delivery goes back with the rest");
        let under_way = refused(refund(&town, order, RefundOf::Amount(1)).await);
        assert_eq!(under_way, Refusal::NothingToRefund { state: State::Paid });
        for one in refunds(&town, order).await.iter().filter(|it| it.state.is_under_way()) {
            let (refund_id, order_id) = (one.id, order);
            let says = RefundState::Succeeded;
            let news =
                crate::RefundNews { refund_id, order_id, says, reference: None, failure: None };
            town.shop.refund_news(news).await.unwrap();
        }
        assert_eq!(state(&town, order).await, State::Refunded);
        sound(&town).await;
    }

    async fn p08_two_of_the_staff_cannot_give_the_same_money_back(t: TestDb) {
        let town = Town::open(&t.db, 82).await;
        let ada = town.customer().await;
        let shirt = town.goods(50).await;
        for _ in 0..5 {
            let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
            town.pay(ada, order).await.unwrap();
            let of = || RefundOf::Amount(900);
            let (a, b) = tokio::join!(refund(&town, order, of()), refund(&town, order, of()));
            let won = [a, b].into_iter().flatten().count();
            assert_eq!((won, refunds(&town, order).await.len()), (1, 1));
        }
        sound(&town).await;
    }

    async fn p08_a_key_gives_back_once(t: TestDb) {
        let town = Town::open(&t.db, 83).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        town.pay(ada, order).await.unwrap();
        let key = town.key(town.staff, "refund");
        let wish = || RefundWish { of: RefundOf::Amount(100), reason: "late".into() };
        let again = || town.shop.refund(town.staff, order, wish(), key.clone());
        let (a, b) = (again().await.unwrap(), again().await.unwrap());
        assert_eq!((a, refunds(&town, order).await.len()), (b, 1));
        sound(&town).await;
    }

    async fn p10_what_was_given_back_elsewhere_is_written_down(t: TestDb) {
        let town = Town::open(&t.db, 84).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.captured(&paying).await.unwrap();
        refund(&town, order, RefundOf::Amount(300)).await.unwrap();
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        let says = async |refunded| {
            let news = News { refunded, ..town.news(&paying, Saw::Captured) };
            town.say(&paying, news).await.unwrap()
        };
        assert_eq!(says(300).await, NewsEffect::Nothing, "that was us");
        assert_eq!(says(500).await, NewsEffect::GivenBack);
        assert_eq!(says(500).await, NewsEffect::Nothing, "once");
        let all = refunds(&town, order).await;
        let external = all.iter().find(|refund| refund.origin == Origin::External).unwrap();
        assert_eq!(external.amount.minor, 200);
        assert_eq!(external.state, RefundState::Succeeded);
        sound(&town).await;
        assert_eq!(says(1490).await, NewsEffect::GivenBack);
        assert_eq!(state(&town, order).await, State::Refunded);
        assert_eq!(books(&town).await[1], ("gateway:sandbox".into(), 0));
        sound(&town).await;
    }

    async fn p11_a_refund_that_failed_may_be_asked_for_again(t: TestDb) {
        let town = Town::open(&t.db, 85).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        town.pay(ada, order).await.unwrap();
        refund(&town, order, RefundOf::Rest { restock: false }).await.unwrap();
        town.end_refunds(order, RefundState::Failed).await.unwrap();
        assert_eq!(state(&town, order).await, State::Paid);
        refund(&town, order, line(1, 1, true)).await.unwrap();
        sound(&town).await;
    }

    async fn the_ledger_follows_the_money(t: TestDb) {
        let town = Town::open(&t.db, 86).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        assert!(books(&town).await.is_empty(), "a promise is no money");
        town.captured(&paying).await.unwrap();
        let account = |name: &str, minor| (name.to_owned(), minor);
        let sold = [account("gateway:sandbox", 1490), account("sales", -1000),
            account("shipping", -490)];
        assert_eq!(books(&town).await, sold);
        refund(&town, order, RefundOf::Amount(400)).await.unwrap();
        assert_eq!(books(&town).await[0], account("customer", -400));
        assert_eq!(books(&town).await[2], account("refunds", 400));
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(books(&town).await[..2],
            [account("customer", 0), account("gateway:sandbox", 1090)]);
        sound(&town).await;
    }

    async fn cash_comes_with_the_goods_or_before_them(t: TestDb) {
        let town = Town::open(&t.db, 87).await;
        let ada = town.customer().await;
        let shirt = town.goods(9).await;
        let cash = async |order, received| {
            let key = town.key(town.staff, "cash");
            town.shop.cash(town.staff, order, received, key).await
        };
        let order = town.buy(ada, shirt, 1, CASH_ON_DELIVERY).await.unwrap().id;
        cash(order, true).await.unwrap();
        assert_eq!(state(&town, order).await, State::Paid);
        assert_eq!(refused(cash(order, true).await), Refusal::NothingToPay { state: State::Paid });
        let road = town.buy(ada, shirt, 2, CASH_ON_DELIVERY).await.unwrap().id;
        for to in [State::Packed, State::Shipped, State::Delivered] {
            town.advance(road, to).await.unwrap();
        }
        let over = refused(cash(road, false).await);
        assert_eq!(over, Refusal::NothingToPay { state: State::Delivered });
        cash(road, true).await.unwrap();
        assert_eq!(state(&town, road).await, State::Delivered);
        assert_eq!(books(&town).await[0], ("gateway:cash_on_delivery".into(), 1490 + 2490));
        let door = town.buy(ada, shirt, 3, CASH_ON_DELIVERY).await.unwrap().id;
        town.advance(door, State::Packed).await.unwrap();
        town.advance(door, State::Shipped).await.unwrap();
        cash(door, false).await.unwrap();
        assert_eq!(state(&town, door).await, State::Cancelled);
        assert_eq!(levels(&town, shirt).await, (6, 0, 3));
        let card = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let wrong = refused(cash(card, true).await);
        assert_eq!(wrong, Refusal::NothingToPay { state: State::Pending });
        // Cash that came goes back like any other money.
        town.cancel(ada, order).await.unwrap();
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, order).await, State::Refunded);
        sound(&town).await;
    }
}
