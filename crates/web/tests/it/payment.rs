//! Paying at the sandbox: the buyer's side, the gateway's notices, and what comes late.

use kernel::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::shop::{Person, TABLES, TestShop};

/// A shop with one shirt, and an order for it that waits for its payment.
struct Till {
    buyer: Person,
    order: String,
    redirect_url: String,
}

async fn till(shop: &TestShop) -> Till {
    let owner = shop.owner().await;
    let variant = shop.product(&owner, "shirt", 1).await;
    let buyer = shop.buyer().await;
    let order = shop.order(&buyer, &variant, "sandbox").await;
    assert_eq!(order["state"], "pending");
    assert_eq!(order["pay_by"], "2027-01-15T08:30:00Z");
    let order = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    let path = format!("{order}/payments");
    let pay = |key: &str| shop.post(&path, &json!({})).by(&buyer).key(key);
    let begun = pay("one").expect(201).await.body;
    assert_eq!(begun["state"], "awaiting_payer");
    assert_eq!(pay("one").expect(201).await.body, begun, "the same wish again");
    assert_eq!(pay("two").expect(201).await.body, begun, "one payment at a time");
    let redirect_url = begun["redirect_url"].as_str().unwrap().to_owned();
    Till { buyer, order, redirect_url }
}

async fn state(shop: &TestShop, till: &Till) -> Value {
    shop.get(&till.order).by(&till.buyer).expect(200).await.body
}

store::on_both_engines! { TABLES;
    async fn a_buyer_pays_and_the_shop_asks(db: TestDb) {
        let shop = TestShop::open(db).await;
        let till = till(&shop).await;
        assert_eq!(shop.stock("shirt").await, (0, 0), "held for the order");
        shop.at_the_sandbox(&till.redirect_url, "pay").await;
        assert_eq!(state(&shop, &till).await["state"], "pending", "a page changes nothing");
        shop.clock.advance(SignedDuration::from_secs(25));
        shop.settle().await;
        let order = state(&shop, &till).await;
        assert_eq!(order["state"], "paid");
        assert_eq!(order["pay_by"], json!(null));
        assert_eq!(order["payments"][0]["state"], "captured");
        assert_eq!(order["payments"][0]["redirect_url"], json!(null));
        assert_eq!(order["history"][1]["by"], "payment");
        assert_eq!(shop.stock("shirt").await, (0, 1));
        let again = shop.post(format!("{}/payments", till.order), &json!({})).by(&till.buyer);
        again.key("three").refused(409, "nothing-to-pay").await;

        let cancel = shop.post(format!("{}/cancel", till.order), &json!({})).by(&till.buyer);
        cancel.key("off").expect(200).await;
        shop.settle().await;
        assert_eq!(state(&shop, &till).await["state"], "refunded", "the money goes back");
        assert_eq!(shop.stock("shirt").await, (1, 0));
    }

    async fn a_buyer_declines_and_tries_again(db: TestDb) {
        let shop = TestShop::open(db).await;
        let till = till(&shop).await;
        shop.at_the_sandbox(&till.redirect_url, "decline").await;
        shop.clock.advance(SignedDuration::from_secs(25));
        shop.settle().await;
        let order = state(&shop, &till).await;
        assert_eq!(order["state"], "pending", "the order waits until its time is over");
        assert_eq!(order["payments"][0]["state"], "canceled");
        let again = shop.post(format!("{}/payments", till.order), &json!({ "gateway": "sandbox" }));
        let again = again.by(&till.buyer).key("again").expect(201).await.body;
        let redirect_url = again["redirect_url"].as_str().unwrap();
        assert_ne!(redirect_url, till.redirect_url);
        shop.at_the_sandbox(redirect_url, "pay").await;
        shop.clock.advance(SignedDuration::from_secs(25));
        shop.settle().await;
        assert_eq!(state(&shop, &till).await["state"], "paid");
    }

    async fn an_unpaid_order_expires(db: TestDb) {
        let shop = TestShop::open(db).await;
        let till = till(&shop).await;
        shop.clock.advance(SignedDuration::from_mins(31));
        shop.settle().await;
        assert_eq!(state(&shop, &till).await["state"], "expired");
        assert_eq!(shop.stock("shirt").await, (1, 0));
        let late = shop.post(format!("{}/payments", till.order), &json!({})).by(&till.buyer);
        late.key("late").refused(409, "nothing-to-pay").await;
    }

    async fn other_ways_to_pay(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 2).await;
        let buyer = shop.buyer().await;
        let cash = shop.order(&buyer, &variant, "cash_on_delivery").await;
        let cash = format!("/api/v1/orders/{}/payments", cash["id"].as_str().unwrap());
        let pay = shop.post(&cash, &json!({})).by(&buyer).key("a");
        pay.refused(409, "nothing-to-pay").await;
        let pay = shop.post(&cash, &json!({ "gateway": "sandbox" })).by(&buyer).key("b");
        pay.refused(409, "nothing-to-pay").await;
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let path = format!("/api/v1/orders/{}/payments", order["id"].as_str().unwrap());
        for gateway in ["cash_on_delivery", "nobody", "", "sandbox\u{0}"] {
            let pay = shop.post(&path, &json!({ "gateway": gateway })).by(&buyer).key("c");
            pay.refused(422, "payment-method-unknown").await;
        }
    }

    async fn the_gateway_tells_the_shop(db: TestDb) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}/", listener.local_addr().unwrap());
        let shop = TestShop::open_with(db, flows::Settings::default(), &here).await;
        let (tell, mut told) = mpsc::unbounded_channel();
        let tell = move |answer: axum::response::Response| {
            let tell = tell.clone();
            async move {
                // Nobody listens any more when the test is over.
                let _ = tell.send(answer.status());
                answer
            }
        };
        let router = shop.router.clone().layer(axum::middleware::map_response(tell));
        let admission = web::Admission::of_shop(&shop.shop, false);
        tokio::spawn(web::serve(listener, router, admission, std::future::pending()));
        let till = till(&shop).await;
        shop.at_the_sandbox(&till.redirect_url, "pay").await;
        let heard = tokio::time::timeout(std::time::Duration::from_secs(30), told.recv()).await;
        assert_eq!(heard.unwrap().unwrap(), 200, "the notice is taken");
        shop.settle().await;
        assert_eq!(state(&shop, &till).await["state"], "paid");
    }

    async fn nobody_else_can(db: TestDb) {
        let shop = TestShop::open(db).await;
        let till = till(&shop).await;
        let notice = json!({ "type": "payment.succeeded", "payment": { "id": "pay_1" } });
        let before = shop.everything().await;
        shop.post("/hooks/nobody", &notice).refused(404, "not-found").await;
        for ask in [
            shop.post("/hooks/sandbox", &notice),
            shop.post("/hooks/sandbox", &notice).header("sandbox-signature", "t=1,v1=00"),
        ] {
            let answer = ask.look_away().await;
            assert_eq!(answer.0.as_u16(), 400, "{}", answer.1);
        }
        let large = shop.ask(http::Method::POST, "/hooks/sandbox").bytes(vec![b'x'; 70_000]);
        large.refused(413, "body-too-large").await;
        assert_eq!(shop.everything().await, before);
        assert_eq!(state(&shop, &till).await["state"], "pending");
    }
}
