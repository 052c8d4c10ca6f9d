//! What staff do, and what nobody else may.

use http::Method;
use serde_json::{Value, json};

use crate::shop::{TABLES, TestShop, product};

store::on_both_engines! { TABLES;
    async fn customers_may_not(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "cash_on_delivery").await;
        let advance = format!("/api/v1/admin/orders/{}/advance", order["id"].as_str().unwrap());
        let price = format!("/api/v1/admin/variants/{variant}");
        let wishes: [(Method, &str, Value); 5] = [
            (Method::GET, "/api/v1/admin/orders", json!(null)),
            (Method::POST, "/api/v1/admin/products", product("mug", 1)),
            (Method::PATCH, &price, json!({ "price": { "minor": 1, "currency": "EUR" } })),
            (
                Method::POST, "/api/v1/admin/stock-adjustments",
                json!({ "variant_id": variant, "delta": 5, "reason": "for me" }),
            ),
            (Method::POST, &advance, json!({ "to": "packed" })),
        ];
        let before = shop.everything().await;
        for (method, path, wish) in &wishes {
            let ask = || shop.ask(method.clone(), *path).key("k").json(wish);
            ask().by(&buyer).refused(403, "forbidden").await;
            // Whoever may not do it is not told what is wrong with the wish either.
            ask().json(&json!([1])).by(&buyer).refused(403, "forbidden").await;
            ask().refused(401, "unauthorized").await;
        }
        assert_eq!(shop.everything().await, before);
    }

    async fn stock_is_counted(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let buyer = shop.buyer().await;
        let wish = json!({ "variant_id": variant, "quantity": 2 });
        shop.post("/api/v1/cart/lines", &wish).by(&buyer).expect(200).await;
        let path = "/api/v1/admin/stock-adjustments";
        let adjust = |delta: i64, key: &str| {
            let wish = json!({ "variant_id": variant, "delta": delta, "reason": "counted" });
            shop.post(path, &wish).by(&owner).key(key)
        };
        let more = adjust(4, "a").expect(200).await.body;
        let counters = json!({
            "variant_id": variant, "on_hand": 7, "held": 2, "available": 5, "sold": 0,
        });
        assert_eq!(more, counters);
        adjust(-6, "b").refused(409, "out-of-stock").await;
        adjust(-5, "c").expect(200).await;
        assert_eq!(shop.stock("shirt").await, (0, 0));
        for (delta, key) in [(0, "d"), (1_000_000_001, "e"), (i64::MIN, "f"), (i64::MAX, "g")] {
            adjust(delta, key).refused(422, "validation").await;
        }
        for reason in [json!(""), json!(" "), json!("a\nb"), json!("a\u{0}"), json!("x".repeat(201))] {
            let wish = json!({ "variant_id": variant, "delta": 1, "reason": reason });
            shop.post(path, &wish).by(&owner).key("h").refused(422, "validation").await;
        }
        let nobody = "00000000-0000-7000-8000-000000000000";
        let wish = json!({ "variant_id": nobody, "delta": 1, "reason": "counted" });
        shop.post(path, &wish).by(&owner).key("i").refused(404, "not-found").await;
    }

    async fn orders_are_moved_on(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "cash_on_delivery").await;
        let path = format!("/api/v1/admin/orders/{}/advance", order["id"].as_str().unwrap());
        let advance = |to: &str, key: &str| {
            shop.post(&path, &json!({ "to": to })).by(&owner).key(key)
        };
        advance("shipped", "a").refused(409, "order-state").await;
        advance("paid", "a").refused(422, "validation").await;
        advance("cancelled", "a").refused(422, "validation").await;
        for to in ["packed", "shipped", "delivered"] {
            let moved = advance(to, to).expect(200).await.body;
            assert_eq!(moved["state"], to);
            assert_eq!(moved["history"].as_array().unwrap().last().unwrap()["by"], "staff");
            assert_eq!(advance(to, to).expect(200).await.body, moved, "once");
        }
        let cancel = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        let cancel = shop.post(cancel, &json!({})).by(&buyer).key("k");
        cancel.refused(409, "order-state").await;
        let nowhere = "/api/v1/admin/orders/nothing/advance";
        let ask = shop.post(nowhere, &json!({ "to": "packed" })).by(&owner).key("k");
        ask.refused(404, "not-found").await;
    }

    async fn products_that_cannot_be(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        shop.product(&owner, "shirt", 3).await;
        let change = |pointer: &str, value: Value| {
            let mut form = product("mug", 1);
            *form.pointer_mut(pointer).unwrap() = value;
            form
        };
        let long = "x".repeat(201);
        let cases = [
            (change("/slug", json!("Mug")), 422, "product-invalid", "slug"),
            (change("/slug", json!("shirt")), 409, "slug-taken", ""),
            (change("/title", json!(long)), 422, "product-invalid", "title"),
            (change("/description", json!("a\u{0}")), 422, "product-invalid", "description"),
            (change("/variants", json!([])), 422, "product-invalid", "variants"),
            (change("/variants/0/sku", json!("SKU-shirt")), 409, "sku-taken", ""),
            (change("/variants/0/sku", json!("a b")), 422, "product-invalid", "variants[0].sku"),
            (change("/variants/0/title", json!("")), 422, "product-invalid", "variants[0].title"),
            (change("/variants/0/price/minor", json!(-1)), 422, "product-invalid", "variants[0].price"),
            (change("/variants/0/price/minor", json!(i64::MAX)), 422, "product-invalid", "variants[0].price"),
            (change("/variants/0/price/currency", json!("USD")), 422, "currency-unknown", ""),
            (change("/variants/0/units", json!(-1)), 422, "units-invalid", "variants[0].units"),
            (change("/variants/0/units", json!(1_000_000_001)), 422, "units-invalid", "variants[0].units"),
            (change("/variants/0/options", json!({ "": "a" })), 422, "product-invalid", "variants[0].options"),
        ];
        let before = shop.everything().await;
        for (form, status, code, field) in cases {
            let ask = shop.post("/api/v1/admin/products", &form).by(&owner);
            let answer = ask.refused(status, code).await;
            assert_eq!(answer.body["field"].as_str().unwrap_or_default(), field, "{}", answer.text);
        }
        let cases = [
            (change("/variants/0/price/currency", json!("eur")), "variants[0].price.currency"),
            (change("/variants/0/price", json!(12.99)), "variants[0].price"),
            (change("/variants/0/options", json!({ "size": 1 })), "variants[0].options.size"),
            (change("/variants", json!({})), "variants"),
            (change("/variants/0", json!(["a"])), "variants[0]"),
        ];
        for (form, field) in cases {
            let ask = shop.post("/api/v1/admin/products", &form).by(&owner);
            let answer = ask.refused(422, "validation").await;
            assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.text);
        }
        let twice = product("mug", 1).to_string();
        let twice = twice.replace(r#"{"size":"M"}"#, r#"{"size":"M","size":"L"}"#);
        let ask = shop.ask(Method::POST, "/api/v1/admin/products").by(&owner).bytes(twice);
        let answer = ask.refused(422, "validation").await;
        assert_eq!(answer.body["errors"][0]["field"], "variants[0].options");
        let price = json!({ "price": { "minor": 1, "currency": "USD" } });
        let variant = shop.get("/api/v1/products/shirt").expect(200).await.body;
        let path = format!("/api/v1/admin/variants/{}", variant["variants"][0]["id"].as_str().unwrap());
        shop.patch(path, &price).by(&owner).refused(422, "product-invalid").await;
        let nobody = "/api/v1/admin/variants/00000000-0000-7000-8000-000000000000";
        shop.patch(nobody, &price).by(&owner).refused(404, "variant-unknown").await;
        shop.patch("/api/v1/admin/variants/x", &price).by(&owner).refused(404, "not-found").await;
        assert_eq!(shop.everything().await, before);
    }
}
