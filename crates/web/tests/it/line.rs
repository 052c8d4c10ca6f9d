//! Bad lines: to the gateway, whose answers are lost after it has done what was asked; and to the
//! database, which is not there for a while.

use std::time::Duration;

use kernel::SignedDuration;
use proxy::{Fate, Proxy, What};
use serde_json::{Value, json};
use store::testing::TestDb;
use store::{Db, EngineKind, Options};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::shop::{Answer, Person, TABLES, TestShop};

/// A shop is whole again this soon after its database is.
const RECOVERY: Duration = Duration::from_secs(2);

/// Less than a gateway is waited for, and more than anything else takes.
const LOST: Duration = Duration::from_secs(20);

/// Does what is due, a minute later, until nothing more comes of it.
async fn later(shop: &TestShop) {
    for _ in 0..3 {
        shop.clock.advance(SignedDuration::from_mins(1));
        shop.settle().await;
    }
}

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

store::on_both_engines! { TABLES;
    async fn a_lost_answer_of_the_gateway_charges_once(db: TestDb) {
        let shop = TestShop::open_behind_a_line(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 50).await;
        let words = ["POST /plain/v1/payments", "GET /plain/v1/payments", "POST /plain/v1/refunds"];
        let mut turn = 0;
        for fate in [Fate::AnswerSwallowed, Fate::NeverDelivered] {
            for word in words {
                for nth in 1..=2 {
                    turn += 1;
                    let what = format!("{fate:?} {word} {nth}");
                    let buyer = shop.buyer().await;
                    let order = shop.order(&buyer, &variant, "sandbox").await;
                    let total = minor(&order["total"]["minor"]);
                    let order = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
                    shop.gateway_line().strike(What::Text(word.into()), nth, fate);
                    let begun = pay(&shop, &order, &buyer).await;
                    shop.at_the_sandbox(begun["redirect_url"].as_str().unwrap(), "pay").await;
                    later(&shop).await;
                    let paid = shop.get(&order).by(&buyer).expect(200).await.body;
                    assert_eq!(paid["state"], "paid", "{what}: {paid}");
                    let off = shop.post(format!("{order}/cancel"), &json!({})).by(&buyer);
                    off.key("off").expect(200).await;
                    later(&shop).await;
                    let back = shop.get(&order).by(&buyer).expect(200).await.body;
                    assert_eq!(back["state"], "refunded", "{what}: {back}");
                    let book = shop.sandbox_book().await;
                    assert_eq!(book.len(), turn, "{what}: one payment for each order");
                    let last = &book[turn - 1];
                    assert_eq!(minor(&last["captured_minor"]), total, "{what}: {last}");
                    assert_eq!(minor(&last["refunded_minor"]), total, "{what}: {last}");
                    let struck = !shop.gateway_line().calm();
                    assert!(struck || nth == 2, "{what} did not happen");
                }
            }
        }
        assert_eq!(shop.stock("shirt").await, (50, 0));
    }
}

store::on_both_engines! { TABLES;
    async fn a_mute_gateway_does_not_keep_the_shop_from_stopping(db: TestDb) {
        let shop = TestShop::open_behind_a_line(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let order = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let begun = pay(&shop, &order, &buyer).await;
        shop.at_the_sandbox(begun["redirect_url"].as_str().unwrap(), "pay").await;
        shop.gateway_line().blackhole();
        shop.clock.advance(SignedDuration::from_mins(1));
        let (say_stop, stop) = watch::channel(false);
        let jobs = tokio::spawn(shop.jobs.clone().run(stop, Duration::ZERO));
        // Its time to be asked about again is set before the gateway is called.
        let now = shop.shop.env.now();
        let due = || shop.shop.db.read(move |read| payments::to_poll(read, now, 1));
        while !due().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        say_stop.send(true).unwrap();
        timeout(LOST, jobs).await.expect("it waits for the gateway").unwrap();
        shop.gateway_line().heal();
        later(&shop).await;
        let paid = shop.get(&order).by(&buyer).expect(200).await.body;
        assert_eq!(paid["state"], "paid", "what was cut off is taken up again");
    }
}

/// Begins to pay; whoever hears that the gateway is busy asks again with the same key.
async fn pay(shop: &TestShop, order: &str, buyer: &Person) -> Value {
    for _ in 0..3 {
        let answer = shop.post(format!("{order}/payments"), &json!({})).by(buyer).key("pay");
        let answer = answer.send().await;
        if answer.status == 201 {
            return answer.body;
        }
        assert_eq!((answer.status.as_u16(), answer.code()), (503, "gateway-busy"));
    }
    panic!("the gateway stays busy");
}

/// A shop whose database is behind a line that can be broken.
async fn behind_a_line() -> (TestShop, Proxy) {
    let mut t = TestDb::new(EngineKind::Postgres, TABLES);
    let (proxy, url) = Proxy::before(&t.url).unwrap();
    t.db = Db::open(&Options { connections: 2, ..Options::new(url) }, TABLES).unwrap();
    (TestShop::open(t).await, proxy)
}

/// A read, a write, the lane, and whoever asks whether the shop can work, all at once.
async fn all_roads(shop: &TestShop, buyer: &Person, variant: &str, wish: &Value) -> Vec<Answer> {
    let line = json!({ "variant_id": variant, "quantity": 1 });
    let address = crate::shop::address();
    let (cart, add, place, address, ready) = tokio::join!(
        shop.get("/api/v1/cart").by(buyer).send(),
        shop.post("/api/v1/cart/lines", &line).by(buyer).send(),
        shop.post("/api/v1/orders", wish).by(buyer).send(),
        shop.post("/api/v1/me/addresses", &address).by(buyer).send(),
        shop.get("/readyz").send(),
    );
    vec![cart, add, place, address, ready]
}

/// Nobody waits for ever while the database is away; soon after it has come back everybody is
/// served, and what was asked for meanwhile is there once.
async fn comes_back(leave: impl Fn(&Proxy), come_back: impl Fn(&Proxy)) {
    let (shop, proxy) = behind_a_line().await;
    let owner = shop.owner().await;
    let variant = shop.product(&owner, "shirt", 1000).await;
    let buyer = shop.buyer().await;
    let wish = |quote: Value| json!({ "quote": quote["token"], "payment_method": "sandbox" });
    let first = wish(shop.quote(&buyer, &variant, 1).await);
    leave(&proxy);
    let away = async {
        let asked = all_roads(&shop, &buyer, &variant, &first);
        let mut asked = std::pin::pin!(asked);
        // Everything is on its way before the clock may jump to the next alarm.
        assert!(timeout(Duration::from_millis(50), &mut asked).await.is_err());
        tokio::time::pause();
        let answers = asked.await;
        tokio::time::resume();
        answers
    };
    for answer in away.await {
        let (status, code) = (answer.status.as_u16(), answer.code());
        let known = ["timed-out", "storage-unavailable", "not-ready"];
        assert!(status == 503 && known.contains(&code), "{status} {}", answer.text);
        assert!(
            code == "timed-out" || !answer.header("retry-after").is_empty() || code == "not-ready"
        );
    }
    come_back(&proxy);
    let well = async {
        // More in a row than there are connections.
        let mut in_a_row = 0;
        while in_a_row < 5 {
            let answers = all_roads(&shop, &buyer, &variant, &first).await;
            let bad = answers.iter().any(|answer| answer.status.is_server_error());
            in_a_row = if bad { 0 } else { in_a_row + 1 };
        }
    };
    timeout(RECOVERY, well).await.expect("the shop did not recover");
    let again = shop.post("/api/v1/orders", &first).by(&buyer).expect(200).await;
    let mine = shop.get("/api/v1/orders").by(&buyer).expect(200).await.body;
    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "one order: {}", again.text);
}

#[tokio::test]
async fn a_paused_database_is_waited_for_but_not_for_ever() {
    comes_back(Proxy::pause, Proxy::resume).await;
}

#[tokio::test]
async fn a_database_in_a_black_hole_comes_back() {
    comes_back(Proxy::blackhole, Proxy::heal).await;
}
