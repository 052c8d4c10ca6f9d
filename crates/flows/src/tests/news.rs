//! News of payments comes twice, late, in any order, or lies.

use kernel::{Currency, Money};
use payments::{AttemptState, News, Saw};

use super::*;
use crate::NewsEffect;

fn opened(reference: &str, url: &str) -> payments::Opened {
    payments::Opened {
        reference: reference.to_owned(),
        redirect_url: Some(url.to_owned()),
        ..payments::Opened::default()
    }
}

store::on_both_engines! { SCHEMAS;
    async fn the_same_news_twice_is_once(t: TestDb) {
        let town = Town::open(&t.db, 51).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        let news = town.news(&paying, Saw::Captured);
        let (a, b) = tokio::join!(town.say(&paying, news.clone()), town.say(&paying, news.clone()));
        assert_eq!((a.unwrap(), b.unwrap()), (NewsEffect::Settled, NewsEffect::Nothing));
        let id = paying.attempt_id;
        let attempt = || t.db.read(move |read| payments::find(read, id));
        let before = attempt().await.unwrap().unwrap();
        for saw in [Saw::Waiting, Saw::Processing, Saw::Absent, Saw::Canceled("late".into())] {
            let effect = town.say(&paying, town.news(&paying, saw)).await.unwrap();
            assert_eq!(effect, NewsEffect::Nothing, "what came stays");
        }
        let after = attempt().await.unwrap().unwrap();
        assert_eq!((after.state, after.captured), (before.state, before.captured));
        assert_eq!(after.observations, before.observations + 4, "it is noted all the same");
        let dump = t.dump().await.unwrap();
        for _ in 0..3 {
            town.say(&paying, town.news(&paying, Saw::Canceled("late".into()))).await.unwrap();
        }
        assert_eq!(dump, t.dump().await.unwrap(), "who repeats himself fills no history");
        sound(&town).await;
    }

    async fn any_order_of_news_ends_the_same(t: TestDb) {
        let town = Town::open(&t.db, 52).await;
        let ada = town.customer().await;
        let shirt = town.goods(50).await;
        let told = [Saw::Waiting, Saw::Captured, Saw::Canceled("no".into()), Saw::Absent];
        for first in 0..4 {
            for second in (0..4).filter(|second| *second != first) {
                let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
                let paying = town.intend(ada, order).await.unwrap();
                let rest = (0..4).filter(|index| ![first, second].contains(index));
                for index in [first, second].into_iter().chain(rest) {
                    let news = town.news(&paying, told[index].clone());
                    town.say(&paying, news).await.unwrap();
                }
                assert_eq!(state(&town, order).await, State::Paid, "{first} {second}");
            }
        }
        assert_eq!(levels(&town, shirt).await, (38, 0, 12));
        sound(&town).await;
    }

    async fn a_payment_that_no_gateway_heard_of_is_given_up(t: TestDb) {
        let town = Town::open(&t.db, 54).await;
        let ada = town.customer().await;
        let shirt = town.goods(50).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        let absent = || News { reference: String::new(), ..town.news(&paying, Saw::Absent) };
        let effect = async || town.say(&paying, absent()).await.unwrap();
        assert_eq!(effect().await, NewsEffect::Nothing, "the order waits for it");
        town.wait(minutes(31));
        town.sweep().await.unwrap();
        assert_eq!(effect().await, NewsEffect::Nothing, "the last call may be under way");
        town.wait(minutes(60));
        assert_eq!(effect().await, NewsEffect::Over);
        let id = paying.attempt_id;
        let attempt = t.db.read(move |read| payments::find(read, id)).await.unwrap().unwrap();
        assert_eq!(attempt.state, AttemptState::Canceled);
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::SettledLate);
        sound(&town).await;
    }

    async fn a_payment_that_is_over_is_looked_at_once_more(t: TestDb) {
        let town = Town::open(&t.db, 55).await;
        let ada = town.customer().await;
        let shirt = town.goods(50).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        let due = async || {
            let now = town.shop.env.now();
            t.db.read(move |read| payments::to_poll(read, now, 9)).await.unwrap().len()
        };
        town.wait(minutes(1));
        assert_eq!(due().await, 1);
        town.say(&paying, town.news(&paying, Saw::Canceled("no".into()))).await.unwrap();
        assert_eq!(due().await, 0);
        town.wait(minutes(120));
        assert_eq!(due().await, 1, "somebody may have paid all the same");
        town.sweep().await.unwrap();
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::SettledLate);
        assert_eq!(due().await, 0, "money that came is never asked about again");
        sound(&town).await;
    }

    async fn what_does_not_fit_waits_for_a_person(t: TestDb) {
        let town = Town::open(&t.db, 53).await;
        let ada = town.customer().await;
        let shirt = town.goods(50).await;
        let less: fn(News) -> News =
            |news| News { amount: Money::new(news.amount.minor - 1, Currency::EUR), ..news };
        let dollars: fn(News) -> News =
            |news| News { amount: Money::new(news.amount.minor, Currency::USD), ..news };
        for lie in [less, dollars] {
            let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
            let paying = town.intend(ada, order).await.unwrap();
            let news = lie(town.news(&paying, Saw::Captured));
            assert_eq!(town.say(&paying, news).await.unwrap(), NewsEffect::Review);
            let order_now = town.order(order).await;
            assert_eq!((order_now.state, order_now.settled_by), (State::Pending, None));
            let refunds = town.shop.db.read(move |read| payments::refunds_of_order(read, order));
            assert!(refunds.await.unwrap().is_empty(), "nothing goes back by itself either");
            let id = paying.attempt_id;
            let attempt = town.shop.db.read(move |read| payments::find(read, id));
            let attempt = attempt.await.unwrap().unwrap();
            assert!(attempt.review.is_some() && attempt.poll_at.is_none());
            assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Nothing);
        }
        assert_eq!(levels(&town, shirt).await, (50, 2, 0));
        sound(&town).await;
    }

    async fn another_payments_reference_is_not_believed(t: TestDb) {
        let town = Town::open(&t.db, 54).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        town.say(&paying, town.news(&paying, Saw::Waiting)).await.unwrap();
        // A gateway that does not know the payment cannot name it either.
        let silent = News { reference: String::new(), ..town.news(&paying, Saw::Absent) };
        assert_eq!(town.say(&paying, silent).await.unwrap(), NewsEffect::Nothing);
        let foreign = News { reference: "pay_x".into(), ..town.news(&paying, Saw::Captured) };
        assert_eq!(town.say(&paying, foreign).await.unwrap(), NewsEffect::Review);
        assert_eq!(state(&town, order).await, State::Pending);
        sound(&town).await;
    }

    async fn news_may_come_before_the_gateways_first_answer(t: TestDb) {
        let town = Town::open(&t.db, 55).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
        let paying = town.intend(ada, order).await.unwrap();
        let news = town.news(&paying, Saw::Waiting);
        let reference = news.reference.clone();
        assert_eq!(town.say(&paying, news).await.unwrap(), NewsEffect::Waiting);
        let (id, now) = (paying.attempt_id, town.shop.env.now());
        let noted = town.shop.db.write(move |tx| {
            payments::submitted(tx, id, &opened(&reference, "https://pay.example/1"), now, now)
        });
        assert!(noted.await.unwrap(), "the answer still says where the payer goes");
        let again = town.intend(ada, order).await.unwrap();
        assert_eq!(again.redirect_url.as_deref(), Some("https://pay.example/1"));
        assert_eq!(town.captured(&paying).await.unwrap(), NewsEffect::Settled);
        let attempt = town.shop.db.read(move |read| payments::find(read, id)).await.unwrap();
        assert_eq!(attempt.unwrap().state, AttemptState::Captured);
        let late = town.shop.db.write(move |tx| {
            payments::submitted(tx, id, &opened("other", "https://pay.example/2"), now, now)
        });
        assert!(!late.await.unwrap(), "an answer that comes too late changes nothing");
        sound(&town).await;
    }

    async fn an_answer_without_a_name_is_no_name(t: TestDb) {
        let town = Town::open(&t.db, 56).await;
        let ada = town.customer().await;
        let shirt = town.goods(5).await;
        for _ in 0..2 {
            let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
            let (id, now) = (town.intend(ada, order).await.unwrap().attempt_id, town.shop.env.now());
            let noted = town.shop.db.write(move |tx| {
                payments::submitted(tx, id, &opened("", "https://pay.example"), now, now)
            });
            assert!(noted.await.unwrap());
            let attempt = town.shop.db.read(move |read| payments::find(read, id)).await.unwrap();
            assert_eq!(attempt.unwrap().reference, None);
        }
        sound(&town).await;
    }
}
