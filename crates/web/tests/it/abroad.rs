//! Paying in another currency than the shop sells in: what is said before the click, after it,
//! and when money goes back.

use std::ops::RangeInclusive;
use std::sync::Arc;

use flows::Settings;
use gateways::{Capabilities, Currencies, Gateway};
use kernel::Currency;
use serde_json::{Value, json};

use crate::between::Between;
use crate::browser::Browser;
use crate::shop::{PASSWORD, TABLES, TestShop};

/// A shop in euros whose gateway takes nothing but roubles, and so many of them.
async fn open(db: store::testing::TestDb, kopecks: RangeInclusive<i64>) -> TestShop {
    let rates = [(Currency::RUB, "101.2500".parse().unwrap())].into();
    let settings = Settings { rates, ..Settings::default() };
    let roubles = |inner: Arc<dyn Gateway>| -> Arc<dyn Gateway> {
        let between = Between::here(inner);
        let currencies = Currencies::Only(&[Currency::CNY, Currency::RUB]);
        let can = Capabilities { currencies, amount_minor: kopecks, ..between.can.clone() };
        Arc::new(Between { can, ..between })
    };
    TestShop::open_with_gateway(db, settings, roubles).await
}

/// 17.89 EUR at 101.25: 1811.3625.
const ROUBLES: i64 = 181_136;

fn money(minor: i64, currency: &str) -> Value {
    json!({ "minor": minor, "currency": currency })
}

store::on_both_engines! { TABLES;
    async fn p27_the_api_says_what_is_charged_and_what_goes_back(db: TestDb) {
        let shop = open(db, 100..=9_999_999).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let buyer = shop.buyer().await;
        let quote = shop.quote(&buyer, &variant, 1).await;
        assert_eq!(quote["payment_methods"], json!(["sandbox", "cash_on_delivery"]));
        assert_eq!(quote["charges"], json!([
            { "payment_method": "sandbox", "amount": money(ROUBLES, "RUB"), "rate": "101.25" },
            { "payment_method": "cash_on_delivery", "amount": money(1789, "EUR"), "rate": null },
        ]));
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let begin = shop.post(format!("{path}/payments"), &json!({})).by(&buyer).key("pay");
        let begun = begin.expect(201).await.body;
        assert_eq!((&begun["amount"], &begun["rate"]), (&money(ROUBLES, "RUB"), &json!("101.25")));
        shop.at_the_sandbox(begun["redirect_url"].as_str().unwrap(), "pay").await;
        let book = shop.sandbox_book().await;
        assert_eq!(book[0]["captured_minor"], ROUBLES, "{book:?}");
        assert_eq!(book[0]["currency"], "RUB");
        shop.clock.advance(kernel::SignedDuration::from_secs(25));
        shop.settle().await;

        let at = format!("/api/v1/admin/orders/{}/refunds", order["id"].as_str().unwrap());
        let give = async |wish: &Value, key: &str| {
            shop.post(&at, wish).by(&owner).key(key).expect(201).await;
            shop.settle().await;
            shop.get(&path).by(&buyer).expect(200).await.body
        };
        let paid = give(&json!({ "amount": 500, "reason": "late" }), "one").await;
        assert_eq!(paid["payments"][0]["amount"], money(ROUBLES, "RUB"));
        assert_eq!(paid["payments"][0]["pays"], money(1789, "EUR"));
        assert_eq!(paid["payments"][0]["rate"], "101.25");
        assert_eq!((&paid["paid"], &paid["refunded"]), (&money(1289, "EUR"), &money(500, "EUR")));
        assert_eq!(paid["refunds"][0]["amount"], money(ROUBLES * 500 / 1789, "RUB"));
        assert_eq!(paid["refunds"][0]["worth"], money(500, "EUR"));
        let much = json!({ "amount": 1290, "reason": "late" });
        let refused = shop.post(&at, &much).by(&owner).key("much");
        assert_eq!(refused.refused(409, "refund-too-much").await.body["left"], 1289);
        let back = give(&json!({ "reason": "torn" }), "rest").await;
        assert_eq!((&back["state"], &back["paid"]), (&json!("refunded"), &money(0, "EUR")));
        assert_eq!(shop.sandbox_book().await[0]["refunded_minor"], ROUBLES);
        let books = shop.get("/api/v1/admin/ledger/balances").by(&owner).expect(200).await.body;
        for currency in ["EUR", "RUB"] {
            let own = books["items"].as_array().unwrap().iter().filter(|it| it["currency"] == currency);
            assert_eq!(own.map(|it| it["balance"]["minor"].as_i64().unwrap()).sum::<i64>(), 0);
        }
    }

    async fn p27_the_pages_say_what_is_charged(db: TestDb) {
        let shop = open(db, 100..=9_999_999).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let browser = Browser::new(&shop);
        browser.post("/cart/add", &[("variant", &*variant), ("quantity", "1"), ("back", "/")]).await;
        let fields = [("name", "Ada"), ("login", "ada@example.org"), ("password", PASSWORD),
            ("next", "/checkout")];
        browser.post("/register", &fields).await;
        let address = [("name", "Ada"), ("line1", "12 Square"), ("line2", ""), ("city", "London"),
            ("postcode", "SW1Y 4JH"), ("country", "GB"), ("phone", "")];
        let preview = browser.post("/checkout/details", &address).await.leads_to();
        let page = browser.see(&preview).await;
        page.says("You pay").says("₽1,811.36").says("(€1 = ₽101.25)").says("€17.89");
        page.says("Pay <span class=\"money\">₽1,811.36</span>");
        let placing = [("quote", &*page.field("quote")), ("method", "sandbox")];
        let go = browser.post("/checkout", &placing).await.leads_to();
        let page = browser.see(&go).await;
        page.says("₽1,811.36").says("for <span class=\"money\">€17.89</span> (€1 = ₽101.25)");
        let url = page.html.split_once("content=\"0; url=").unwrap().1.split('"').next().unwrap();
        let (url, back) = (url.to_owned(), go.replace("/go", "/return"));
        let order = go.replace("/pay/", "/o/").replace("/go", "");
        browser.see(&order).await.says("Pay <span class=\"money\">₽1,811.36</span>");
        shop.at_the_sandbox(&url, "decline").await;
        browser.see(&back).await.says("Pay <span class=\"money\">₽1,811.36</span>");
        let key = browser.see(&back).await.field("key");
        let pay = back.replace("/return", "");
        let go = browser.post(&pay, &[("key", &key)]).await.leads_to();
        let page = browser.see(&go).await;
        let url = page.html.split_once("content=\"0; url=").unwrap().1.split('"').next().unwrap();
        shop.at_the_sandbox(url, "pay").await;
        let paid = browser.see(&browser.get(&back).await.leads_to()).await;
        paid.says("Paid as <span class=\"money\">₽1,811.36</span> (€1 = ₽101.25)");
        let key = browser.see(&format!("{order}/cancel")).await.field("key");
        browser.post(&format!("{order}/cancel"), &[("key", &key)]).await.leads_to();
        shop.settle().await;
        browser.see(&order).await.says("₽1,811.36 for €17.89").says("Paid back");
    }

    async fn a_way_to_pay_that_does_not_take_an_order_is_not_offered_for_it(db: TestDb) {
        // Less than the roubles of one shirt, and of two.
        let shop = open(db, 1..=ROUBLES).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let buyer = shop.buyer().await;
        let one = shop.quote(&buyer, &variant, 1).await;
        assert_eq!(one["payment_methods"], json!(["sandbox", "cash_on_delivery"]));
        let two = shop.quote(&buyer, &variant, 2).await;
        assert_eq!(two["payment_methods"], json!(["cash_on_delivery"]));
        let wish = |quote: &Value| json!({ "quote": quote["token"], "payment_method": "sandbox" });
        let place = |quote: &Value| shop.post("/api/v1/orders", &wish(quote)).by(&buyer);
        place(&two).refused(422, "payment-method-unfit").await;
        assert_eq!(shop.stock("shirt").await, (5, 0), "nothing was placed");
        place(&one).expect(201).await;
        place(&one).expect(200).await;

        // Somebody whose page is older than the limit.
        let browser = Browser::new(&shop);
        let fields = [("name", "Bob"), ("login", "bob@example.org"), ("password", PASSWORD),
            ("next", "/")];
        browser.post("/register", &fields).await;
        let address = [("name", "Bob"), ("line1", "1 Lane"), ("line2", ""), ("city", "London"),
            ("postcode", "N1 9GU"), ("country", "GB"), ("phone", "")];
        let details = format!("/checkout/details?buy={variant}&q=2");
        let preview = browser.post(&details, &address).await.leads_to();
        let page = browser.see(&preview).await;
        page.says("m-cash_on_delivery").does_not_say("m-sandbox");
        let placing = [("quote", &*page.field("quote")), ("method", "sandbox")];
        let again = browser.post("/checkout", &placing).await;
        assert_eq!(again.status, 409);
        again.says("That way to pay does not take this order any more.");
    }
}
