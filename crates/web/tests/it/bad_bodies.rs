//! Bodies and addresses that are not what they are said to be.

use http::Method;
use serde_json::json;

use crate::bad_input::{refused, stage};
use crate::shop::{TABLES, address};

/// Bodies that are no JSON.
fn not_json() -> Vec<Vec<u8>> {
    let deep = |open: &str| format!("{{\"quote\":{}", open.repeat(30_000)).into_bytes();
    vec![
        b"".to_vec(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"{\"quote\":\"a\"".to_vec(),
        b"{'quote':'a'}".to_vec(),
        b"{\"quote\":\"a\",}".to_vec(),
        b"{\"quote\":\"\\ud800\"}".to_vec(),
        b"{\"quote\":\"\xff\"}".to_vec(),
        b"{\"quote\":\"\0\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{} {}".to_vec(),
        b"quote=a&payment_method=sandbox".to_vec(),
        format!("{{\"quote\":{}}}", "1".repeat(50_000)).into_bytes(),
        deep("[").into_iter().chain(*b"1").collect(),
    ]
}

store::on_both_engines! { TABLES;
    async fn bodies_that_are_no_json(db: TestDb) {
        let (shop, _, buyer, _) = stage(db).await;
        for body in not_json() {
            let ask = shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(body.clone());
            let answer = refused(&shop, ask, 400, "malformed-json").await;
            assert!(answer.body["column"].is_u64(), "{}", answer.text);
            assert!(answer.text.len() < 1000, "nothing is said back: {}", answer.text);
        }
        // Deep, but it is the first bracket that is wrong.
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let ask = shop.ask(Method::POST, "/api/v1/cart/lines").by(&buyer).bytes(deep);
        let answer = ask.send().await;
        assert!(["validation", "malformed-json"].contains(&answer.code()), "{}", answer.text);

        let good = br#"{"quote":"a","payment_method":"b"}"#.to_vec();
        let kinds = [
            "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
            "application/jsonp", "application/json; charset=utf-16", "text/json", "",
        ];
        for kind in kinds {
            let ask = shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(good.clone());
            let ask = ask.without("content-type").header("content-type", kind);
            refused(&shop, ask, 415, "unsupported-media-type").await;
        }
        let ask = shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(good.clone());
        refused(&shop, ask.without("content-type"), 415, "unsupported-media-type").await;
        for encoding in ["gzip", "br", "rot13", "identity, gzip"] {
            let ask = shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(good.clone());
            let ask = ask.header("content-encoding", encoding);
            refused(&shop, ask, 415, "unsupported-media-type").await;
        }
        for kind in ["application/json", "APPLICATION/JSON;Charset=\"UTF-8\"", "application/json ;a=b"] {
            let ask = shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(good.clone());
            let ask = ask.without("content-type").header("content-type", kind);
            refused(&shop, ask, 422, "quote-invalid").await;
        }

        let large = |length: usize| {
            let body = format!("{{\"quote\":\"{}\",\"payment_method\":\"b\"}}", "a".repeat(length));
            shop.ask(Method::POST, "/api/v1/orders").by(&buyer).bytes(body)
        };
        let frame = "{\"quote\":\"\",\"payment_method\":\"b\"}".len();
        let max = kernel::limits::BODY_BYTES_MAX;
        refused(&shop, large(max - frame), 422, "quote-invalid").await;
        refused(&shop, large(max - frame + 1), 413, "body-too-large").await;
        refused(&shop, large(10_000_000), 413, "body-too-large").await;
        let ask = large(1).header("content-length", "99999999999");
        refused(&shop, ask, 413, "body-too-large").await;
    }

    async fn addresses_and_accounts(db: TestDb) {
        let (shop, _, buyer, _) = stage(db).await;
        let forms = [
            (json!({ "login": "n@o", "password": "longenough1", "name": "X" }), 422, "login-invalid"),
            (json!({ "login": "x@example.org", "password": "short", "name": "X" }), 422, "password-too-short"),
            (json!({ "login": "x@example.org", "password": "password", "name": "X" }), 422, "password-too-common"),
            (json!({ "login": "x@example.org", "password": "p".repeat(129), "name": "X" }), 422, "password-too-long"),
            (json!({ "login": "x@example.org", "password": "longenough1", "name": " " }), 422, "name-invalid"),
            (json!({ "login": "x@example.org", "password": "longenough1", "name": "a\u{0}b" }), 422, "name-invalid"),
            (json!({ "login": buyer.email.to_uppercase(), "password": "longenough1", "name": "X" }), 409, "login-taken"),
        ];
        for (form, status, code) in forms {
            refused(&shop, shop.post("/api/v1/accounts", &form), status, code).await;
        }
        for (login, password) in [(buyer.email.as_str(), "wrong"), ("nobody@example.org", "x"), ("\u{0}", "")] {
            let form = json!({ "login": login, "password": password });
            let answer = refused(&shop, shop.post("/api/v1/sessions", &form), 401, "login-failed").await;
            assert_eq!(answer.body["detail"], "the login or the password is not right");
        }
        for (name, value) in [
            ("name", json!("")), ("line1", json!("a\nb")), ("city", json!("\u{0}")),
            ("postcode", json!("x".repeat(17))), ("country", json!("Germany")), ("phone", json!("call")),
        ] {
            let mut form = address();
            form[name] = value;
            let ask = shop.post("/api/v1/me/addresses", &form).by(&buyer);
            let answer = refused(&shop, ask, 422, "address-invalid").await;
            assert_eq!(answer.body["field"], name);
        }
    }

    async fn parameters(db: TestDb) {
        let (shop, _, buyer, _) = stage(db).await;
        let cases = [
            ("price_min=a", "parameter-invalid"), ("price_min=", "parameter-invalid"),
            ("limit=-1", "parameter-invalid"), ("limit=1.5", "parameter-invalid"),
            ("limit=99999999999", "parameter-invalid"), ("limit=0", "limit-invalid"),
            ("limit=101", "limit-invalid"), ("sort=sold", "parameter-invalid"),
            ("sort=price%20desc", "parameter-invalid"), ("cursor=%00", "cursor-invalid"),
            ("cursor=x", "cursor-invalid"), ("offset=1", "unknown-parameter"),
            ("filter[price]=1", "unknown-parameter"), ("customer_id=1", "unknown-parameter"),
            ("limit=1&limit=2", "parameter-invalid"), ("a", "unknown-parameter"),
        ];
        for (query, code) in cases {
            refused(&shop, shop.get(format!("/api/v1/products?{query}")), 400, code).await;
        }
        let cases = [
            ("limit=0", "limit-invalid"), ("limit=x", "parameter-invalid"),
            ("cursor=x", "cursor-invalid"), ("customer_id=1", "unknown-parameter"),
            ("include=lines", "unknown-parameter"),
        ];
        for (query, code) in cases {
            let ask = shop.get(format!("/api/v1/orders?{query}")).by(&buyer);
            refused(&shop, ask, 400, code).await;
        }
        let text = ["'%20OR%201=1--", "%25", "_", "%5C", "%22%20OR%20*", "a%252500", "%00", "%FF"];
        for text in text {
            let list = shop.get(format!("/api/v1/products?category={text}"));
            refused(&shop, list, 404, "category-unknown").await;
            let list = shop.get(format!("/api/v1/products?sort={text}"));
            refused(&shop, list, 400, "parameter-invalid").await;
        }
        let list = shop.get("/api/v1/products?price_min=-9223372036854775808&price_max=0");
        assert_eq!(list.expect(200).await.body["items"], json!([]));
    }
}
