//! What a shop is sent by mistake or by malice: each a precise problem, and nothing written.

use http::Method;
use kernel::SignedDuration;
use serde_json::{Value, json};
use store::testing::TestDb;

use crate::shop::{Answer, Ask, Person, TABLES, TestShop, address};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// A shop with a product, its owner and a buyer.
pub async fn stage(db: TestDb) -> (TestShop, Person, Person, String) {
    let shop = TestShop::open(db).await;
    let owner = shop.owner().await;
    let variant = shop.product(&owner, "shirt", 5).await;
    let buyer = shop.buyer().await;
    (shop, owner, buyer, variant)
}

/// Sends, expects the problem, and compares everything that could have been written.
pub async fn refused(shop: &TestShop, ask: Ask<'_>, status: u16, code: &str) -> Answer {
    let before = shop.everything().await;
    let answer = ask.refused(status, code).await;
    assert_eq!(shop.everything().await, before, "{}", answer.text);
    answer
}

/// The one field that a validation problem names, and what it says of it.
fn field(answer: &Answer) -> (&str, &str) {
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{}", answer.text);
    (errors[0]["field"].as_str().unwrap(), errors[0]["message"].as_str().unwrap())
}

/// Quantities as they stand in a body, with what is said of them.
const QUANTITIES: &[(&str, u16, &str, &str)] = &[
    ("0", 422, "quantity-invalid", ""),
    ("-1", 422, "quantity-invalid", ""),
    ("10001", 422, "quantity-invalid", ""),
    ("2147483648", 422, "quantity-invalid", ""),
    ("9223372036854775807", 422, "quantity-invalid", ""),
    ("-9223372036854775808", 422, "quantity-invalid", ""),
    ("9223372036854775808", 422, "validation", "must be a whole number of at most 64 bits"),
    ("1e18", 422, "validation", "must be a whole number of at most 64 bits, not a fraction"),
    ("1.5", 422, "validation", "must be a whole number of at most 64 bits, not a fraction"),
    ("\"1\"", 422, "validation", "must be a whole number of at most 64 bits, not a string"),
    ("\"１\"", 422, "validation", "must be a whole number of at most 64 bits, not a string"),
    ("null", 422, "validation", "must be a whole number of at most 64 bits, not null"),
    ("true", 422, "validation", "must be a whole number of at most 64 bits, not a boolean"),
    ("[]", 422, "validation", "must be a whole number of at most 64 bits, not a list"),
    ("{}", 422, "validation", "must be a whole number of at most 64 bits, not an object"),
    ("1e400", 400, "malformed-json", ""),
    ("NaN", 400, "malformed-json", ""),
    ("01", 400, "malformed-json", ""),
    ("１", 400, "malformed-json", ""),
];

store::on_both_engines! { TABLES;
    async fn quantities(db: TestDb) {
        let (shop, _, buyer, variant) = stage(db).await;
        let wish = json!({ "variant_id": variant, "quantity": 1 });
        shop.post("/api/v1/cart/lines", &wish).by(&buyer).expect(200).await;
        let line = format!("/api/v1/cart/lines/{variant}");
        for (quantity, status, code, message) in QUANTITIES {
            let bodies = [
                (Method::POST, "/api/v1/cart/lines", format!("\"variant_id\":\"{variant}\"")),
                (Method::PATCH, line.as_str(), "\"selected\":true".to_owned()),
                (
                    Method::POST,
                    "/api/v1/checkout/quote",
                    format!("\"source\":\"buy_now\",\"variant_id\":\"{variant}\""),
                ),
            ];
            for (method, path, rest) in bodies {
                let body = format!("{{{rest},\"quantity\":{quantity}}}");
                let ask = shop.ask(method, path).by(&buyer).bytes(body);
                let answer = refused(&shop, ask, *status, code).await;
                match *code {
                    "validation" => assert_eq!(field(&answer), ("quantity", *message)),
                    "quantity-invalid" => assert_eq!(answer.body["max"], 10_000),
                    _ => assert_eq!(answer.body["line"], 1),
                }
            }
        }
        for change in ["-2", "10000", "-9223372036854775808", "9223372036854775807"] {
            let ask = shop.ask(Method::PATCH, &line).by(&buyer);
            let ask = ask.bytes(format!("{{\"change\":{change}}}"));
            refused(&shop, ask, 422, "quantity-invalid").await;
        }
        let more = shop.patch(&line, &json!({ "quantity": 6 })).by(&buyer);
        refused(&shop, more, 409, "out-of-stock").await;
    }

    async fn things_that_are_not_there_or_not_yours(db: TestDb) {
        let (shop, _, buyer, variant) = stage(db).await;
        let other = shop.buyer().await;
        let theirs = shop.get("/api/v1/me/addresses").by(&other).expect(200).await;
        let theirs = theirs.body["items"][0]["id"].as_str().unwrap().to_owned();
        let order = shop.order(&other, &variant, "sandbox").await;
        let order = order["id"].as_str().unwrap();
        let quote = shop.quote(&other, &variant, 1).await;

        let wish = json!({ "variant_id": NOBODY, "quantity": 1 });
        let unknown = shop.post("/api/v1/cart/lines", &wish).by(&buyer);
        refused(&shop, unknown, 404, "not-found").await;
        let wish = json!({ "source": "buy_now", "variant_id": NOBODY, "quantity": 1 });
        let unknown = shop.post("/api/v1/checkout/quote", &wish).by(&buyer);
        refused(&shop, unknown, 404, "not-found").await;
        let mut details = Vec::new();
        for address in [theirs.as_str(), NOBODY] {
            let wish = json!({
                "source": "buy_now", "variant_id": variant, "quantity": 1, "address_id": address,
            });
            let foreign = shop.post("/api/v1/checkout/quote", &wish).by(&buyer);
            details.push(refused(&shop, foreign, 404, "not-found").await.body["detail"].clone());
        }
        assert_eq!(details[0], details[1], "what is foreign looks like what is not there");
        let wish = json!({ "quote": quote["token"], "payment_method": "sandbox" });
        let foreign = shop.post("/api/v1/orders", &wish).by(&buyer);
        refused(&shop, foreign, 404, "not-found").await;
        for id in [order, NOBODY, "not-a-uuid", "%ff", "1"] {
            let path = format!("/api/v1/orders/{id}");
            let (cancel, pay) = (format!("{path}/cancel"), format!("{path}/payments"));
            refused(&shop, shop.get(&path).by(&buyer), 404, "not-found").await;
            let ask = shop.ask(Method::POST, cancel).by(&buyer).key("k");
            refused(&shop, ask, 404, "not-found").await;
            for body in [json!({}), json!({ "gateway": "sandbox" })] {
                let ask = shop.post(&pay, &body).by(&buyer).key("k");
                refused(&shop, ask, 404, "not-found").await;
            }
        }
        for path in ["products/nothing", "products/UPPER", "products/%00", "nothing", "products/a/b"] {
            refused(&shop, shop.get(format!("/api/v1/{path}")), 404, "not-found").await;
        }
        let list = shop.get("/api/v1/products?category=nothing");
        refused(&shop, list, 404, "category-unknown").await;
        let line = format!("/api/v1/cart/lines/{NOBODY}");
        for body in [json!({ "quantity": 1 }), json!({ "change": 1 }), json!({ "selected": true })] {
            refused(&shop, shop.patch(&line, &body).by(&buyer), 404, "not-found").await;
        }
        refused(&shop, shop.delete(&line).by(&buyer), 404, "not-found").await;
        shop.delete("/api/v1/cart").by(&buyer).expect(200).await;
        shop.ask(Method::POST, "/api/v1/cart/extend").by(&buyer).expect(200).await;
    }

    async fn quotes_that_no_longer_hold(db: TestDb) {
        let (shop, owner, buyer, variant) = stage(db).await;
        let nothing = json!({ "source": "cart" });
        let empty = shop.post("/api/v1/checkout/quote", &nothing).by(&buyer);
        refused(&shop, empty, 422, "nothing-selected").await;
        let wish = json!({ "variant_id": variant, "quantity": 1 });
        shop.post("/api/v1/cart/lines", &wish).by(&buyer).expect(200).await;
        let line = format!("/api/v1/cart/lines/{variant}");
        shop.patch(&line, &json!({ "selected": false })).by(&buyer).expect(200).await;
        let empty = shop.post("/api/v1/checkout/quote", &nothing).by(&buyer);
        refused(&shop, empty, 422, "nothing-selected").await;

        let place = |token: &Value| {
            let wish = json!({ "quote": token, "payment_method": "sandbox" });
            shop.post("/api/v1/orders", &wish).by(&buyer)
        };
        let good = shop.quote(&buyer, &variant, 1).await["token"].clone();
        let text = good.as_str().unwrap();
        let altered = [
            json!(""), json!("."), json!("a.b"), json!(&text[1..]), json!(format!("{text}A")),
            json!(text.replace('.', "..")), json!("x".repeat(60_000)),
        ];
        for token in altered {
            refused(&shop, place(&token), 422, "quote-invalid").await;
        }
        let wish = json!({ "quote": good, "payment_method": "barter" });
        let ask = shop.post("/api/v1/orders", &wish).by(&buyer);
        refused(&shop, ask, 422, "payment-method-unknown").await;

        let price = json!({ "price": { "minor": 1999, "currency": "EUR" } });
        let path = format!("/api/v1/admin/variants/{variant}");
        shop.patch(&path, &price).by(&owner).expect(200).await;
        let changed = refused(&shop, place(&good), 409, "quote-changed").await;
        let wanted = json!([{ "variant_id": variant, "was": 1299, "now": 1999 }]);
        assert_eq!(changed.body["changes"], wanted);

        let late = shop.quote(&buyer, &variant, 1).await["token"].clone();
        shop.clock.advance(SignedDuration::from_mins(15));
        refused(&shop, place(&late), 409, "quote-expired").await;

        let greedy = shop.quote(&buyer, &variant, 6).await;
        assert_eq!(greedy["missing"], json!(["stock"]));
        let short = refused(&shop, place(&greedy["token"]), 409, "out-of-stock").await;
        assert_eq!(short.body["short"][0]["wanted"], 6);
        // One unit lies in the buyer's own cart, and buying directly leaves it there.
        assert_eq!(short.body["short"][0]["available"], 4);
    }

    async fn one_cart_from_two_tabs(db: TestDb) {
        let (shop, _, buyer, variant) = stage(db).await;
        let wish = json!({ "variant_id": variant, "quantity": 2 });
        shop.post("/api/v1/cart/lines", &wish).by(&buyer).expect(200).await;
        let quote = async || {
            let wish = json!({ "source": "cart" });
            let quote = shop.post("/api/v1/checkout/quote", &wish).by(&buyer).expect(200).await;
            json!({ "quote": quote.body["token"], "payment_method": "cash_on_delivery" })
        };
        let (one, two, old) = (quote().await, quote().await, quote().await);
        let place = |wish| shop.post("/api/v1/orders", wish).by(&buyer);
        let (first, second) = tokio::join!(place(&one).send(), place(&two).send());
        let mut both = [first, second];
        both.sort_by_key(|answer| answer.status);
        assert_eq!(both[0].status, 201, "{}", both[0].text);
        assert_eq!((both[1].status.as_u16(), both[1].code()), (409, "cart-already-ordered"));
        assert_eq!(both[1].body["order_id"], both[0].body["id"]);
        assert_eq!(both[1].body["number"], both[0].body["number"]);
        refused(&shop, place(&old), 409, "cart-already-ordered").await;
        assert_eq!(shop.stock("shirt").await, (3, 2));

        shop.post("/api/v1/cart/lines", &wish).by(&buyer).expect(200).await;
        let stale = quote().await;
        let more = json!({ "variant_id": variant, "quantity": 1 });
        shop.post("/api/v1/cart/lines", &more).by(&buyer).expect(200).await;
        refused(&shop, place(&stale), 409, "cart-changed").await;
    }

    async fn keys(db: TestDb) {
        let (shop, owner, buyer, variant) = stage(db).await;
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let (cancel, pay) = (format!("{path}/cancel"), format!("{path}/payments"));
        let adjust = "/api/v1/admin/stock-adjustments".to_owned();
        let count = json!({ "variant_id": variant, "delta": 1, "reason": "found one" });
        let staff = format!("/api/v1/admin/orders/{}/advance", order["id"].as_str().unwrap());
        let routes = [
            (&cancel, &buyer, json!({})),
            (&pay, &buyer, json!({})),
            (&adjust, &owner, count.clone()),
            (&staff, &owner, json!({ "to": "packed" })),
        ];
        for (path, who, body) in &routes {
            let ask = || shop.post(*path, body).by(who);
            refused(&shop, ask(), 400, "idempotency-key-missing").await;
            for bad in ["", " ", "\"\"", "\"a", "a b", &"k".repeat(256), "schl\u{fc}ssel"] {
                refused(&shop, ask().key(bad), 400, "idempotency-key-invalid").await;
            }
            refused(&shop, ask().key("a").key("b"), 400, "idempotency-key-invalid").await;
        }

        shop.post(&adjust, &count).by(&owner).key("count-1").expect(200).await;
        let stock = shop.everything().await;
        let again = shop.post(&adjust, &count).by(&owner).key("\"count-1\"").expect(200).await;
        assert_eq!(again.body["on_hand"], 6, "the first answer again");
        assert_eq!(shop.everything().await, stock, "and nothing moved");
        let other = json!({ "variant_id": variant, "delta": 2, "reason": "found one" });
        let reused = shop.post(&adjust, &other).by(&owner).key("count-1");
        refused(&shop, reused, 422, "idempotency-key-reused").await;
        let elsewhere = shop.owner().await;
        shop.post(&adjust, &other).by(&elsewhere).key("count-1").expect(200).await;

        let product = crate::shop::product("mug", 3);
        let made = shop.post("/api/v1/admin/products", &product).by(&owner).key("mug");
        let made = made.expect(201).await.body;
        let stock = shop.everything().await;
        let again = shop.post("/api/v1/admin/products", &product).by(&owner).key("mug");
        assert_eq!(again.expect(201).await.body, made);
        assert_eq!(shop.everything().await, stock);
        let other = crate::shop::product("cup", 3);
        let reused = shop.post("/api/v1/admin/products", &other).by(&owner).key("mug");
        refused(&shop, reused, 422, "idempotency-key-reused").await;

        let quote = shop.quote(&buyer, &variant, 1).await;
        let wish = json!({ "quote": quote["token"], "payment_method": "sandbox" });
        let place = |wish: &Value| shop.post("/api/v1/orders", wish).by(&buyer);
        let foreign = place(&wish).key("something-else");
        refused(&shop, foreign, 422, "idempotency-key-mismatch").await;
        refused(&shop, place(&wish).key(""), 400, "idempotency-key-invalid").await;
        let id = quote["id"].as_str().unwrap();
        place(&wish).key(id).expect(201).await;
        place(&wish).key(&format!("\"{}\"", id.to_uppercase())).expect(200).await;
        let other = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
        refused(&shop, place(&other), 422, "idempotency-key-reused").await;
    }

    async fn fields(db: TestDb) {
        let (shop, owner, buyer, variant) = stage(db).await;
        let quote = shop.quote(&buyer, &variant, 1).await;
        let line = format!("/api/v1/cart/lines/{variant}");
        let price = format!("/api/v1/admin/variants/{variant}");
        let product = crate::shop::product("mug", 1);
        let writes: Vec<(Method, &str, &Person, Value)> = vec![
            (
                Method::POST, "/api/v1/accounts", &buyer,
                json!({ "login": "x@example.org", "password": "longenough1", "name": "X" }),
            ),
            (
                Method::POST, "/api/v1/sessions", &buyer,
                json!({ "login": buyer.email, "password": "longenough1" }),
            ),
            (Method::POST, "/api/v1/me/addresses", &buyer, address()),
            (
                Method::POST, "/api/v1/cart/lines", &buyer,
                json!({ "variant_id": variant, "quantity": 1 }),
            ),
            (Method::PATCH, &line, &buyer, json!({ "selected": true })),
            (Method::POST, "/api/v1/checkout/quote", &buyer, json!({ "source": "cart" })),
            (
                Method::POST, "/api/v1/orders", &buyer,
                json!({ "quote": quote["token"], "payment_method": "sandbox" }),
            ),
            (Method::POST, "/api/v1/orders/x/cancel", &buyer, json!({})),
            (Method::POST, "/api/v1/orders/x/payments", &buyer, json!({})),
            (Method::POST, "/api/v1/admin/products", &owner, product),
            (
                Method::PATCH, &price, &owner,
                json!({ "price": { "minor": 1, "currency": "EUR" } }),
            ),
            (
                Method::POST, "/api/v1/admin/stock-adjustments", &owner,
                json!({ "variant_id": variant, "delta": 1, "reason": "r" }),
            ),
            (Method::POST, "/api/v1/admin/orders/x/advance", &owner, json!({ "to": "packed" })),
        ];
        let foreign = [
            "total", "discount", "role", "status", "is_admin", "customer_id", "paid_at", "id",
            "created_at", "account_id", "state",
        ];
        for (method, path, who, body) in &writes {
            let ask = |body: &Value| shop.ask(method.clone(), *path).by(who).key("k").json(body);
            for name in foreign {
                let mut more = body.clone();
                more[name] = json!(1);
                let answer = refused(&shop, ask(&more), 422, "validation").await;
                assert_eq!(field(&answer), (name, "is not a field of this request"));
            }
            // A key that comes twice: the second must not quietly win.
            if let Some((name, value)) = body.as_object().unwrap().iter().next() {
                let rest = serde_json::to_string(body).unwrap();
                let twice = format!("{{\"{name}\":{value},{}", &rest[1..]);
                let ask = shop.ask(method.clone(), *path).by(who).key("k").bytes(twice);
                let answer = refused(&shop, ask, 422, "validation").await;
                assert_eq!(field(&answer), (name.as_str(), "is there twice"));
            }
            // The values without their names: nobody has promised an order.
            let values: Vec<&Value> = body.as_object().unwrap().values().collect();
            for body in [json!(null), json!(1), json!("a"), json!([]), json!(values)] {
                let answer = refused(&shop, ask(&body), 422, "validation").await;
                assert_eq!(field(&answer).0, "", "{method} {path} {body}: {}", answer.text);
            }
        }
        let missing = json!({ "variant_id": variant });
        let answer = shop.post("/api/v1/cart/lines", &missing).by(&buyer);
        let answer = refused(&shop, answer, 422, "validation").await;
        assert_eq!(field(&answer), ("quantity", "is missing"));
        let cases = [
            (json!({ "source": "gift" }), "source", "must be `cart` or `buy_now`"),
            (json!({ "source": "buy_now", "quantity": 1 }), "variant_id", "is missing"),
            (json!({ "source": "buy_now", "variant_id": variant }), "quantity", "is missing"),
            (json!({ "source": "cart", "quantity": 1 }), "quantity", "is only for `buy_now`"),
            (
                json!({ "source": "buy_now", "variant_id": "x", "quantity": 1 }),
                "variant_id", "must be a UUID",
            ),
            (json!({ "source": "cart", "address_id": null }), "address_id", "must be a UUID"),
        ];
        for (body, name, message) in cases {
            let ask = shop.post("/api/v1/checkout/quote", &body).by(&buyer);
            let answer = refused(&shop, ask, 422, "validation").await;
            let (said_name, said) = field(&answer);
            assert_eq!(said_name, name, "{}", answer.text);
            assert!(said.starts_with(message), "{}", answer.text);
        }
        let list = json!({ "price": [1, "EUR"] });
        let answer = refused(&shop, shop.patch(&price, &list).by(&owner), 422, "validation").await;
        assert_eq!(field(&answer), ("price", "must be an object, not a list"));
        let both = json!({ "quantity": 1, "change": 1 });
        refused(&shop, shop.patch(&line, &both).by(&buyer), 422, "validation").await;
        refused(&shop, shop.patch(&line, &json!({})).by(&buyer), 422, "validation").await;
    }
}
