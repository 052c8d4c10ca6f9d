//! Orders paid at each gateway. The clock stands, so that nobody asks a gateway by himself: an
//! order becomes paid by the gateway's notice, or not at all.

use tokio::time::Instant;

use serde_json::{Value, json};
use server::running::schemas;
use store::testing::TestDb;

use crate::WAIT;
use crate::shop::{TestShop, ask};

const GATEWAYS: [(&str, i64); 3] = [("stripe", 5690), ("yookassa", 576_113), ("alipay", 47_227)];

/// Somebody with a token and an address.
struct Buyer<'a> {
    shop: &'a TestShop,
    token: String,
}

impl<'a> Buyer<'a> {
    async fn new(shop: &'a TestShop, name: &str) -> Self {
        let mut buyer = Self { shop, token: String::new() };
        let account = json!({
            "login": format!("{name}@example.org"), "password": "correct horse battery",
            "name": name,
        });
        let made = buyer.post("accounts", "", &account, 201).await;
        made["token"].as_str().unwrap().clone_into(&mut buyer.token);
        let address = json!({
            "name": name, "line1": "12 Long Lane", "city": "Bern", "postcode": "3011",
            "country": "CH",
        });
        buyer.post("me/addresses", "", &address, 201).await;
        buyer
    }

    async fn call(&self, method: &str, path: &str, lines: &str, body: &str) -> (u16, Value) {
        let url = format!("{}/api/v1/{path}", self.shop.url);
        let mut lines = format!("content-type: application/json\r\n{lines}");
        if !self.token.is_empty() {
            lines.extend(["authorization: Bearer ", self.token.as_str(), "\r\n"]);
        }
        let deadline = Instant::now() + WAIT;
        loop {
            let (status, _, body) = ask(method, &url, &lines, body).await;
            // A machine that does other things too may be too busy for newcomers.
            if status != 503 || Instant::now() > deadline {
                return (status, serde_json::from_str(&body).unwrap_or(Value::Null));
            }
        }
    }

    async fn post(&self, path: &str, lines: &str, body: &Value, status: u16) -> Value {
        let (got, answer) = self.call("POST", path, lines, &body.to_string()).await;
        assert_eq!(got, status, "{path}: {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call("GET", path, "", "").await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// An order of one good; gives its path.
    async fn order(&self, good: &str, quantity: i64, method: &str) -> String {
        let product = self.get(&format!("products/{good}")).await;
        let wish = json!({
            "source": "buy_now", "variant_id": product["variants"][0]["id"], "quantity": quantity,
        });
        let quote = self.post("checkout/quote", "", &wish, 200).await;
        let wish = json!({ "quote": quote["token"], "payment_method": method });
        let order = self.post("orders", "", &wish, 201).await;
        format!("orders/{}", order["id"].as_str().unwrap())
    }

    /// Begins to pay; gives where the payer goes.
    async fn begin(&self, order: &str, key: &str, wish: &Value) -> String {
        let key = format!("idempotency-key: {key}\r\n");
        let begun = self.post(&format!("{order}/payments"), &key, wish, 201).await;
        begun["redirect_url"].as_str().unwrap().to_owned()
    }

    /// The order, once it stands as it should.
    async fn until(&self, order: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + WAIT;
        loop {
            let found = self.get(order).await;
            if is(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "{found}");
            tokio::task::yield_now().await;
        }
    }
}

/// A payer who opens the page and presses a button.
async fn press(page: &str, button: &str) {
    let (status, location, _) = ask("GET", page, "", "").await;
    let page = if status == 302 {
        url::Url::parse(page).unwrap().join(&location).unwrap().to_string()
    } else {
        page.to_owned()
    };
    let (action, form) = button.split_once('?').unwrap_or((button, ""));
    let kind = "content-type: application/x-www-form-urlencoded\r\n";
    let (status, ..) = ask("POST", &format!("{page}/{action}"), kind, form).await;
    assert_eq!(status, 303, "{page}/{action}");
}

/// What was taken and given back, by the sandbox's book.
fn moved(payment: &Value) -> (&str, i64, i64) {
    let minor = |name: &str| payment[name].as_i64().unwrap();
    (payment["gateway"].as_str().unwrap(), minor("captured_minor"), minor("refunded_minor"))
}

fn is(state: &'static str) -> impl Fn(&Value) -> bool {
    move |order| order["state"] == state
}

/// Closes what the test opened, for the shop to have it alone.
async fn shop_on(db: &TestDb) -> TestShop {
    let open = db.db.clone();
    tokio::task::spawn_blocking(move || open.close()).await.unwrap();
    TestShop::open_on(&db.url).await
}

store::on_both_engines! { &schemas();
    async fn every_gateway_tells_the_shop_that_it_was_paid(db: TestDb) {
        let shop = shop_on(&db).await;
        let buyer = Buyer::new(&shop, "ada").await;
        for (gateway, sum) in GATEWAYS {
            let order = buyer.order("pepper-mill", 1, gateway).await;
            let page = buyer.begin(&order, gateway, &json!({})).await;
            press(&page, "pay").await;
            let paid = buyer.until(&order, is("paid")).await;
            assert_eq!(paid["payments"][0]["state"], "captured", "{paid}");
            assert_eq!(paid["payments"][0]["gateway"], gateway);
            assert_eq!(moved(shop.book().await.last().unwrap()), (gateway, sum, 0));
        }
        let cash = buyer.order("pepper-mill", 1, "cash_on_delivery").await;
        assert_eq!(buyer.get(&cash).await["state"], "cash_due");
        assert_eq!(shop.book().await.len(), GATEWAYS.len());
        shop.close().await;
    }

    async fn nobody_else_can_tell_it(db: TestDb) {
        let shop = shop_on(&db).await;
        let buyer = Buyer::new(&shop, "ada").await;
        for (gateway, answer) in [("stripe", 400), ("alipay", 400), ("yookassa", 200)] {
            let order = buyer.order("pepper-mill", 1, gateway).await;
            buyer.begin(&order, gateway, &json!({})).await;
            let lie = json!({
                "type": "notification", "event": "payment.succeeded",
                "object": { "id": shop.book().await.last().map(|it| it["id"].clone()) },
            });
            let hook = format!("{}/hooks/{gateway}", shop.url);
            let kind = "content-type: application/json\r\n";
            let (status, _, said) = ask("POST", &hook, kind, &lie.to_string()).await;
            // YooKassa signs nothing: what comes from its address is kept, and it is asked.
            assert_eq!(status, answer, "{gateway}: {said}");
            assert_eq!(buyer.get(&order).await["state"], "pending");
        }
        shop.close().await;
    }

    async fn a_decline_leaves_the_order_to_another_gateway(db: TestDb) {
        let shop = shop_on(&db).await;
        let buyer = Buyer::new(&shop, "ada").await;
        let order = buyer.order("pepper-mill", 1, "yookassa").await;
        let page = buyer.begin(&order, "a", &json!({})).await;
        press(&page, "decline?reason=insufficient_funds").await;
        let declined = |order: &Value| order["payments"][0]["state"] == "canceled";
        let order_then = buyer.until(&order, declined).await;
        assert_eq!(order_then["state"], "pending", "it waits for another way");
        shop.wait(1);
        let page = buyer.begin(&order, "b", &json!({ "gateway": "stripe" })).await;
        press(&page, "pay").await;
        let paid = buyer.until(&order, is("paid")).await;
        assert_eq!(paid["payments"][1]["state"], "captured", "{paid}");
        let book = shop.book().await;
        let [first, second] = book.as_slice() else { panic!("{book:?}") };
        assert_eq!([moved(first), moved(second)], [("yookassa", 0, 0), ("stripe", 5690, 0)]);
        shop.close().await;
    }

    async fn money_after_the_end_goes_back(db: TestDb) {
        let shop = shop_on(&db).await;
        let (late, quick) = (Buyer::new(&shop, "ada").await, Buyer::new(&shop, "bob").await);
        // What was only reserved is let go; what was taken is paid back.
        for (gateway, came) in [("stripe", 0), ("yookassa", 0), ("alipay", 69_637)] {
            let order = late.order("iron-pan", 1, gateway).await;
            let page = late.begin(&order, gateway, &json!({})).await;
            ask("GET", &page, "", "").await;
            let id = shop.book().await.last().unwrap()["id"].as_str().unwrap().to_owned();
            shop.wait(31);
            late.until(&order, is("expired")).await;
            let others = quick.order("iron-pan", 2, "cash_on_delivery").await;
            shop.provider(&format!("{gateway}/{id}/pay")).await;
            let deadline = Instant::now() + WAIT;
            loop {
                let paid = shop.book().await.last().unwrap().clone();
                let let_go = paid["status"] == "canceled" && came == 0;
                if let_go || moved(&paid) == (gateway, came, came) && came > 0 {
                    break;
                }
                assert!(Instant::now() < deadline, "{paid}");
            }
            assert_eq!(late.get(&order).await["state"], "expired");
            let off = format!("{others}/cancel");
            quick.post(&off, &format!("idempotency-key: {gateway}\r\n"), &json!({}), 200).await;
        }
        shop.close().await;
    }

    async fn a_phone_gets_a_page_of_its_own(db: TestDb) {
        let shop = shop_on(&db).await;
        let buyer = Buyer::new(&shop, "ada").await;
        let order = buyer.order("pepper-mill", 1, "alipay").await;
        let page = buyer.begin(&order, "a", &json!({})).await;
        assert!(page.contains("method=alipay.trade.page.pay"), "{page}");
        let order = buyer.order("pepper-mill", 1, "alipay").await;
        let phone = "idempotency-key: b\r\nuser-agent: X (iPhone) Mobile/15E148\r\n";
        let path = format!("{order}/payments");
        let begun = buyer.post(&path, phone, &json!({}), 201).await;
        let page = begun["redirect_url"].as_str().unwrap();
        assert!(page.contains("method=alipay.trade.wap.pay"), "{page}");
        // The same wish from elsewhere is the same wish, byte for byte.
        assert_eq!(buyer.begin(&order, "b", &json!({})).await, page);
        let order = buyer.order("pepper-mill", 1, "alipay").await;
        let page = buyer.begin(&order, "c", &json!({ "channel": "mobile" })).await;
        assert!(page.contains("method=alipay.trade.wap.pay"), "{page}");
        shop.close().await;
    }
}
