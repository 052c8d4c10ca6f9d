//! A copy of everything, and being forgotten.

use identity::personal::{self, Wish};
use identity::{NewAddress, consents};
use kernel::{AccountId, NoticeId, OrderId};
use payments::{Notice, NoticeKind, RefundState};
use store::idempotency;

use super::*;
use crate::{Opening, Owner, RefundOf, RefundWish};

/// Words that stand nowhere else.
const EVERYWHERE: [&str; 9] = [
    "zyx-street",
    "zyx-floor",
    "zyx-town",
    "zyx-door",
    "+41790001122",
    "zyx-wording",
    "zyx-payer@example.org",
    "zyx-reason",
    "c0@example.org",
];
/// What the law wants to be kept of them.
const INVOICE: [&str; 3] = ["zyx-street", "zyx-floor", "zyx-town"];
/// What others sent us or were told, which is not in a copy of ours.
const ANSWER: &str = "zyx-answer";
const NOTICE: &str = "zyx-notice";

/// A customer who has left traces in every table that can have some.
async fn somebody(town: &Town) -> (AccountId, OrderId) {
    let ada = town.customer().await;
    let (db, env) = (&town.shop.db, town.shop.env.clone());
    let address = NewAddress {
        name: "zyx-door".into(),
        line1: "zyx-street 1".into(),
        line2: Some("zyx-floor".into()),
        city: "zyx-town".into(),
        postcode: "3011".into(),
        country: "CH".into(),
        phone: Some("+41790001122".into()),
        is_default: true,
    };
    let kept = env.clone();
    db.write(move |tx| identity::addresses::add(tx, &kept, ada, address.clone())).await.unwrap();
    let kept = env.clone();
    db.write(move |tx| consents::answer(tx, &kept, ada, ("news", true, "zyx-wording")))
        .await
        .unwrap();
    let shirt = town.goods(50).await;
    let order = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
    let told = r#"{"buyer":{"email":"zyx-payer@example.org"},"client_ip":"203.0.113.7"}"#;
    let opening = Opening { details: told.into(), ..Opening::at("sandbox") };
    let paying = town.intend_at(ada, order, opening).await.unwrap();
    town.captured(&paying).await.unwrap();
    let (id, now) = (env.id::<NoticeId>(), env.now());
    let notice = Notice {
        id,
        gateway: "sandbox".into(),
        dedupe_key: "1".into(),
        reference: None,
        attempt_id: Some(paying.attempt_id),
        kind: NoticeKind::Payment,
        payment: None,
        refund_id: None,
        body: NOTICE.into(),
        headers: r#"{"from":"zyx-notice"}"#.into(),
        source: Some(NOTICE.into()),
        received_at: now,
    };
    db.write(move |tx| {
        payments::receive(tx, &notice)?;
        payments::notice_handled(tx, id, "nothing", now)
    })
    .await
    .unwrap();
    let key = town.key(ada, "pay");
    let answer = idempotency::Answer { status: 201, body: ANSWER.into() };
    db.write(move |tx| idempotency::keep(tx, &key, &answer, now)).await.unwrap();
    let wish = RefundWish { of: RefundOf::Amount(100), reason: "zyx-reason".into() };
    town.shop.refund(town.staff, order, wish, town.key(town.staff, "refund")).await.unwrap();
    town.add(ada, shirt, 3).await.unwrap();
    (ada, order)
}

/// Time goes by, and with it what is due.
async fn later(town: &Town, by: SignedDuration) {
    town.wait(by);
    while town.shop.answer_people().await.unwrap() > 0 {}
}

async fn asked(town: &Town, who: AccountId, wish: Wish) -> Option<personal::PersonalRequest> {
    town.shop.db.read(move |read| personal::asked(read, who, wish)).await.unwrap()
}

/// The order ends, and all its money goes back.
async fn end(town: &Town, order: OrderId) {
    let wish = RefundWish { of: RefundOf::Rest { restock: true }, reason: "zyx-reason".into() };
    town.end_refunds(order, RefundState::Succeeded).await.unwrap();
    town.shop.refund(town.staff, order, wish, town.key(town.staff, "refund")).await.unwrap();
    let open =
        town.shop.db.read(move |read| payments::refunds_of_order(read, order)).await.unwrap();
    for refund in open.into_iter().filter(|it| it.state.is_under_way()) {
        let news = crate::RefundNews {
            refund_id: refund.id,
            order_id: order,
            says: RefundState::Succeeded,
            reference: None,
            failure: None,
        };
        town.shop.refund_news(news).await.unwrap();
    }
}

store::on_both_engines! { SCHEMAS;
    async fn a_copy_has_everything_and_nobody_elses(t: TestDb) {
        let town = Town::open(&t.db, 91).await;
        let (ada, _) = somebody(&town).await;
        let bob = town.customer().await;
        let first = town.shop.ask_for_copy(ada).await.unwrap();
        let again = town.shop.ask_for_copy(ada).await.unwrap();
        assert_eq!((again.id, again.result), (first.id, None), "asked once");
        later(&town, SignedDuration::ZERO).await;
        let copy = asked(&town, ada, Wish::Export).await.unwrap().result.unwrap();
        for word in EVERYWHERE {
            assert!(copy.contains(word), "{word} in {copy}");
        }
        town.shop.ask_for_copy(bob).await.unwrap();
        later(&town, SignedDuration::ZERO).await;
        let other = asked(&town, bob, Wish::Export).await.unwrap().result.unwrap();
        assert!(!other.contains("zyx") && !other.contains("c0@"), "{other}");
        later(&town, personal::COPY_KEPT).await;
        assert_eq!(asked(&town, ada, Wish::Export).await, None, "thrown away");
        let contents = t.contents().await;
        assert!(!contents.contains(r#""told":"#), "no copy is left");
    }

    async fn forgotten_is_forgotten(t: TestDb) {
        let town = Town::open(&t.db, 92).await;
        let (ada, order) = somebody(&town).await;
        let bob = town.customer().await;
        town.shop.ask_for_copy(ada).await.unwrap();
        let (request, _) = town.shop.ask_to_be_forgotten(ada).await.unwrap();
        assert_eq!(town.shop.ask_to_be_forgotten(ada).await.unwrap().0.id, request.id);
        later(&town, minutes(20)).await;
        let waits = asked(&town, ada, Wish::Erasure).await.unwrap().waits_for;
        assert_eq!(waits.as_deref(), Some("an order that is on its way"));
        let cart = town.shop.cart(Owner::Account(ada)).await.unwrap();
        assert!(cart.lines.is_empty(), "its units are free again");
        end(&town, order).await;
        later(&town, minutes(20)).await;
        assert_eq!(asked(&town, ada, Wish::Erasure).await, None, "done");
        sound(&town).await;
        let kept = town.order(order).await;
        assert_eq!((kept.customer_id, kept.totals.merchandise), (ada, 2000), "the books stay");
        let person = town.shop.db.read(move |read| identity::account(read, ada)).await.unwrap();
        assert_eq!(person.unwrap().login(), "", "nobody signs in with it");
        let other = town.shop.db.read(move |read| identity::account(read, bob)).await.unwrap();
        assert!(other.unwrap().login().ends_with("@example.org"), "others stay");
        let contents = t.contents().await;
        for word in EVERYWHERE.into_iter().chain([ANSWER, NOTICE, "203.0.113.7"]) {
            let count = contents.matches(word).count();
            let wanted = usize::from(INVOICE.contains(&word) || word == "zyx-door");
            assert_eq!(count, wanted, "{word}");
        }
    }

    async fn a_break_anywhere_leaves_all_or_nothing(t: TestDb) {
        let town = Town::open(&t.db, 93).await;
        let (ada, order) = somebody(&town).await;
        end(&town, order).await;
        town.shop.ask_to_be_forgotten(ada).await.unwrap();
        town.wait(minutes(20));
        let mut broken = 0;
        for nth in 1.. {
            t.injector.fail_statement(nth);
            let done = town.shop.answer_people().await;
            let reached = !t.injector.calm();
            let left = town.shop.db.read(move |read| identity::account(read, ada)).await.unwrap();
            let there = left.unwrap().login() == "c0@example.org";
            let phone = town.order(order).await.address.contains("+41790001122");
            assert_eq!(there, phone, "statement {nth}: half forgotten");
            if done.is_ok() && !there && !reached {
                break;
            }
            broken += 1;
        }
        assert!(broken > 10, "{broken} statements broke");
        assert_eq!(asked(&town, ada, Wish::Erasure).await, None);
        sound(&town).await;
    }
}
