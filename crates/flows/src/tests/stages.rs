//! Money that is reserved first and taken by a second call; pages that are left for others.

use payments::{AttemptState, Saw};

use super::*;
use crate::{NewsEffect, Opening, Paying};

/// A way to pay that reserves money first.
fn reserving(gateway: &str) -> Opening {
    Opening { two_stage: true, ..Opening::at(gateway) }
}

async fn attempt(town: &Town, paying: &Paying) -> payments::Attempt {
    let id = paying.attempt_id;
    town.shop.db.read(move |read| payments::find(read, id)).await.unwrap().unwrap()
}

async fn hears(town: &Town, paying: &Paying, saw: Saw) -> NewsEffect {
    town.say(paying, town.news(paying, saw)).await.unwrap()
}

const AUTHORIZED: Saw = Saw::Authorized(None);

fn voided() -> Saw {
    Saw::Canceled("voided".into())
}

store::on_both_engines! { SCHEMAS;
    async fn money_is_claimed_before_it_is_taken(t: TestDb) {
        let town = Town::open(&t.db, 71).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
        let paying = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        assert_eq!(hears(&town, &paying, AUTHORIZED).await, NewsEffect::Capturing);
        let now = town.order(order).await;
        assert_eq!((now.state, now.claimed_by), (State::Pending, Some(paying.attempt_id)));
        assert_eq!(levels(&town, shirt).await, (5, 2, 0), "its units are its own");
        // Neither the buyer, nor staff, nor time, nor another page ends it now.
        assert_eq!(refused(town.cancel(ada, order).await), Refusal::PaymentUnderWay);
        let again = town.intend_at(ada, order, Opening::at("other")).await;
        assert_eq!(refused(again), Refusal::PaymentUnderWay);
        town.wait(minutes(29));
        let key = town.key(town.staff, "cancel");
        let by_staff = town.shop.cancel_for_shop(town.staff, order, None, key).await;
        assert_eq!(refused(by_staff), Refusal::PaymentUnderWay);
        town.wait(minutes(60));
        town.sweep().await.unwrap();
        assert_eq!(state(&town, order).await, State::Pending);
        sound(&town).await;
        // The same word again is no second claim.
        assert_eq!(hears(&town, &paying, AUTHORIZED).await, NewsEffect::Nothing);
        assert_eq!(hears(&town, &paying, Saw::Captured).await, NewsEffect::Settled);
        let now = town.order(order).await;
        assert_eq!((now.state, now.claimed_by), (State::Paid, None));
        assert_eq!(levels(&town, shirt).await, (3, 0, 2));
        sound(&town).await;
    }

    async fn p04_a_second_reservation_is_let_go_and_not_refunded(t: TestDb) {
        let town = Town::open(&t.db, 72).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        let second = town.intend_at(ada, order, reserving("other")).await.unwrap();
        let both = tokio::join!(
            hears(&town, &first, AUTHORIZED),
            hears(&town, &second, AUTHORIZED),
        );
        assert_eq!(both, (NewsEffect::Capturing, NewsEffect::Voiding));
        assert_eq!(hears(&town, &second, voided()).await, NewsEffect::Over);
        assert_eq!(hears(&town, &first, Saw::Captured).await, NewsEffect::Settled);
        let refunds = town.shop.db.read(move |read| payments::refunds_of_order(read, order));
        assert!(refunds.await.unwrap().is_empty());
        sound(&town).await;
    }

    async fn p04_what_another_gateway_took_at_once_goes_back(t: TestDb) {
        let town = Town::open(&t.db, 73).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        let second = town.intend_at(ada, order, Opening::at("other")).await.unwrap();
        assert_eq!(hears(&town, &first, AUTHORIZED).await, NewsEffect::Capturing);
        assert_eq!(hears(&town, &second, Saw::Captured).await, NewsEffect::SentBack);
        assert_eq!(hears(&town, &first, Saw::Captured).await, NewsEffect::Settled);
        assert_eq!(state(&town, order).await, State::Paid);
        sound(&town).await;
    }

    async fn p06_a_reservation_that_ran_out_leaves_the_order_as_it_was(t: TestDb) {
        let town = Town::open(&t.db, 74).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        hears(&town, &paying, AUTHORIZED).await;
        let ran_out = Saw::Canceled("expired on capture".into());
        assert_eq!(hears(&town, &paying, ran_out).await, NewsEffect::Over);
        let now = town.order(order).await;
        assert_eq!((now.state, now.claimed_by), (State::Pending, None));
        assert_eq!(levels(&town, shirt).await, (5, 1, 0), "still held");
        assert_eq!(attempt(&town, &paying).await.reason.as_deref(), Some("expired on capture"));
        let again = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        assert_ne!(again.attempt_id, paying.attempt_id);
        hears(&town, &again, AUTHORIZED).await;
        assert_eq!(hears(&town, &again, Saw::Captured).await, NewsEffect::Settled);
        sound(&town).await;
    }

    async fn p03_a_late_reservation_brings_the_order_back_or_is_let_go(t: TestDb) {
        let town = Town::open(&t.db, 75).await;
        let (ada, bob) = (town.customer().await, town.customer().await);
        let shirt = town.goods(2).await;
        let first = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let second = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let early = town.intend_at(ada, first, reserving("sandbox")).await.unwrap();
        let late = town.intend_at(ada, second, reserving("sandbox")).await.unwrap();
        town.wait(minutes(31));
        town.sweep().await.unwrap();
        assert_eq!(hears(&town, &early, AUTHORIZED).await, NewsEffect::Capturing);
        assert_eq!(state(&town, first).await, State::Pending);
        assert_eq!(levels(&town, shirt).await, (2, 1, 0), "it has its unit again");
        town.sweep().await.unwrap();
        assert_eq!(state(&town, first).await, State::Pending, "time does not end it now");
        town.buy(bob, shirt, 1, CASH_ON_DELIVERY).await.unwrap();
        assert_eq!(hears(&town, &late, AUTHORIZED).await, NewsEffect::Voiding);
        assert_eq!(hears(&town, &late, voided()).await, NewsEffect::Over);
        // Nothing comes of the first after all: now time may end it.
        assert_eq!(hears(&town, &early, voided()).await, NewsEffect::Over);
        town.sweep().await.unwrap();
        assert_eq!(state(&town, first).await, State::Expired);
        assert_eq!(levels(&town, shirt).await, (1, 0, 1));
        sound(&town).await;
    }

    async fn what_is_let_go_and_was_taken_all_the_same_goes_back(t: TestDb) {
        let town = Town::open(&t.db, 76).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend_at(ada, order, reserving("sandbox")).await.unwrap();
        town.cancel(ada, order).await.unwrap();
        assert_eq!(hears(&town, &paying, AUTHORIZED).await, NewsEffect::Voiding);
        assert_eq!(hears(&town, &paying, Saw::Captured).await, NewsEffect::SentBack);
        assert_eq!(state(&town, order).await, State::Cancelled);
        sound(&town).await;
    }

    async fn p16_a_page_that_is_left_is_called_off(t: TestDb) {
        let town = Town::open(&t.db, 77).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend(ada, order).await.unwrap();
        hears(&town, &first, Saw::Waiting).await;
        let mute = town.intend_at(ada, order, Opening::at("mute")).await.unwrap();
        let left = attempt(&town, &first).await;
        assert_eq!(left.state, AttemptState::Closing);
        assert_eq!(left.poll_at, Some(town.shop.env.now()), "at once");
        // The second never answered; the buyer goes back to the first gateway.
        let third = town.intend(ada, order).await.unwrap();
        assert_ne!(third.attempt_id, first.attempt_id, "what is called off is not used again");
        assert!(attempt(&town, &mute).await.unwanted);
        assert_eq!(hears(&town, &mute, Saw::Waiting).await, NewsEffect::Closing);
        // It cannot be called off; its payer's time ends it, a little later.
        assert_eq!(hears(&town, &first, Saw::Waiting).await, NewsEffect::Nothing);
        town.wait(minutes(36));
        assert_eq!(hears(&town, &first, Saw::Absent).await, NewsEffect::Over);
        // Who pays the left page all the same, pays.
        assert_eq!(hears(&town, &mute, Saw::Captured).await, NewsEffect::Settled);
        assert_eq!(hears(&town, &first, Saw::Captured).await, NewsEffect::SentBack);
        sound(&town).await;
    }

    async fn a_paid_order_calls_its_other_pages_off(t: TestDb) {
        let town = Town::open(&t.db, 78).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let first = town.intend(ada, order).await.unwrap();
        let second = town.intend_at(ada, order, Opening::at("other")).await.unwrap();
        hears(&town, &second, Saw::Waiting).await;
        town.captured(&first).await.unwrap();
        assert_eq!(attempt(&town, &second).await.state, AttemptState::Closing);
        sound(&town).await;
    }

    async fn a_bank_that_takes_its_time_gives_the_order_time(t: TestDb) {
        let town = Town::open(&t.db, 79).await;
        let ada = town.customer().await;
        let shirt = town.goods(2).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.wait(minutes(20));
        assert_eq!(hears(&town, &paying, Saw::Processing).await, NewsEffect::Processing);
        town.wait(minutes(25));
        town.sweep().await.unwrap();
        assert_eq!(state(&town, order).await, State::Pending, "the bank has it");
        assert_eq!(hears(&town, &paying, Saw::Captured).await, NewsEffect::Settled);
        sound(&town).await;
    }
}
