//! Money that comes as it should, and money that goes back.

use payments::{AttemptState, RefundState};

use super::*;
use crate::NewsEffect;

store::on_both_engines! { SCHEMAS;
    async fn a_paid_order_has_its_units(t: TestDb) {
        let town = Town::open(&t.db, 41).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        assert_eq!(refused(town.intend(bob, order).await), Refusal::NotFound("order"));
        let paying = town.intend(ada, order).await.unwrap();
        assert_eq!(paying.amount.minor, 2490);
        let again = town.intend(ada, order).await.unwrap();
        assert_eq!(again.attempt_id, paying.attempt_id, "the one under way");
        let wrong_order = crate::Paying { order_id: town.shop.env.id(), ..paying.clone() };
        assert_eq!(refused(town.captured(&wrong_order).await), Refusal::NotFound("payment"));
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        let paid = town.order(order).await;
        assert_eq!((paid.state, paid.settled_by), (State::Paid, Some(paying.attempt_id)));
        assert_eq!(levels(&town, shirt).await, (3, 0, 2));
        for to in [State::Packed, State::Shipped, State::Delivered] {
            town.advance(order, to).await.unwrap();
        }
        sound(&town).await;
    }

    async fn a_paid_order_that_is_cancelled_is_refunded(t: TestDb) {
        let town = Town::open(&t.db, 42).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        town.pay(ada, order).await.unwrap();
        town.cancel(ada, order).await.unwrap();
        assert_eq!(levels(&town, shirt).await, (5, 0, 0));
        let refunds = || town.shop.db.read(move |read| payments::refunds_of_order(read, order));
        let refund = refunds().await.unwrap().remove(0);
        assert_eq!((refund.amount.minor, refund.state), (2490, RefundState::Reserved));
        assert_eq!(state(&town, order).await, State::Cancelled, "not before it is confirmed");
        assert_eq!(town.end_refunds(order, RefundState::Succeeded).await.unwrap(), 1);
        assert_eq!(state(&town, order).await, State::Refunded);
        let after = t.dump().await.unwrap();
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        town.end_refunds(order, RefundState::Pending).await.unwrap();
        assert_eq!(after, t.dump().await.unwrap(), "it has ended once");
        sound(&town).await;
    }

    async fn a_late_success_takes_what_is_still_there(t: TestDb) {
        let town = Town::open(&t.db, 43).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.wait(minutes(31));
        town.sweep().await.unwrap();
        assert_eq!(state(&town, order).await, State::Expired);
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::SettledLate);
        assert_eq!(state(&town, order).await, State::Paid);
        assert_eq!(levels(&town, shirt).await, (0, 0, 2));
        sound(&town).await;
    }

    async fn a_late_success_for_what_is_gone_goes_back(t: TestDb) {
        let town = Town::open(&t.db, 44).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.wait(minutes(31));
        town.sweep().await.unwrap();
        town.buy(bob, shirt, 1, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::SentBack);
        assert_eq!(state(&town, order).await, State::Expired);
        assert_eq!(levels(&town, shirt).await, (1, 0, 1), "one left is not two");
        let refunds = town.shop.db.read(move |read| payments::refunds_of_order(read, order));
        assert_eq!(refunds.await.unwrap()[0].amount, paying.amount);
        sound(&town).await;
        town.end_refunds(order, RefundState::Succeeded).await.unwrap();
        assert_eq!(state(&town, order).await, State::Expired, "it was never paid");
        sound(&town).await;
    }

    async fn a_success_in_time_but_before_the_sweep_settles(t: TestDb) {
        let town = Town::open(&t.db, 45).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.wait(minutes(31));
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        sound(&town).await;
        assert_eq!(state(&town, order).await, State::Paid);
    }

    async fn a_second_payment_goes_back(t: TestDb) {
        let town = Town::open(&t.db, 46).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend(ada, order).await.unwrap();
        // The first page is left, a second is opened; in the end both are paid.
        let left = town.news(&first, payments::Saw::Canceled("left".into()));
        assert_eq!(town.say(&first, left).await.unwrap(), NewsEffect::Over);
        let second = town.intend(ada, order).await.unwrap();
        assert_ne!(first.attempt_id, second.attempt_id);
        assert_eq!(town.captured(&second).await.unwrap(), NewsEffect::Settled);
        assert_eq!(town.captured(&first).await.unwrap(), NewsEffect::SentBack);
        assert_eq!(town.order(order).await.settled_by, Some(second.attempt_id));
        let id = first.attempt_id;
        let attempt = town.shop.db.read(move |read| payments::find(read, id)).await.unwrap();
        let attempt = attempt.unwrap();
        assert!(attempt.orphan && attempt.state == AttemptState::Captured);
        assert_eq!(town.end_refunds(order, RefundState::Succeeded).await.unwrap(), 1);
        assert_eq!(state(&town, order).await, State::Paid, "only the orphan went back");
        assert_eq!(levels(&town, shirt).await, (4, 0, 1));
        sound(&town).await;
    }

    async fn two_pages_paid_at_once_pay_once(t: TestDb) {
        let town = Town::open(&t.db, 47).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend(ada, order).await.unwrap();
        let other = town.intend_at(ada, order, crate::Opening::at("other"));
        let second = other.await.unwrap();
        assert_ne!(first.attempt_id, second.attempt_id, "at another gateway");
        let (a, b) = tokio::join!(town.captured(&first), town.captured(&second));
        assert_eq!((a.unwrap(), b.unwrap()), (NewsEffect::Settled, NewsEffect::SentBack));
        sound(&town).await;
    }

    async fn money_for_a_cancelled_order_goes_back(t: TestDb) {
        let town = Town::open(&t.db, 48).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.cancel(ada, order).await.unwrap();
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::SentBack);
        assert_eq!(state(&town, order).await, State::Cancelled);
        assert_eq!(town.end_refunds(order, RefundState::Succeeded).await.unwrap(), 1);
        assert_eq!(state(&town, order).await, State::Cancelled, "it was never paid");
        assert_eq!(levels(&town, shirt).await, (5, 0, 0));
        sound(&town).await;
    }

    async fn paid_and_cancelled_at_once_ends_with_one_of_the_two(t: TestDb) {
        let town = Town::open(&t.db, 49).await;
        let ada = town.customer().await;
        let shirt = town.goods(100).await;
        for round in 0..10 {
            let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
            let paying = town.intend(ada, order).await.unwrap();
            let (pay, cancel) = (town.captured(&paying), town.cancel(ada, order));
            let (paid, cancelled) = if round % 2 == 0 {
                tokio::join!(pay, cancel)
            } else {
                let (cancelled, paid) = tokio::join!(cancel, pay);
                (paid, cancelled)
            };
            cancelled.unwrap();
            paid.unwrap();
            let refunds = town.shop.db.read(move |read| payments::refunds_of_order(read, order));
            assert_eq!(refunds.await.unwrap().len(), 1, "whichever came first");
            assert_eq!(state(&town, order).await, State::Cancelled);
        }
        assert_eq!(levels(&town, shirt).await, (100, 0, 0));
        sound(&town).await;
    }
}
