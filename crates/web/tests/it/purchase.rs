//! A person buys something, by each of the roads there are.

use kernel::SignedDuration;
use serde_json::{Value, json};

use crate::shop::{TABLES, TestShop, address};

store::on_both_engines! { TABLES;
    async fn a_stranger_buys_with_cash(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;

        let list = shop.get("/api/v1/products").expect(200).await.body;
        assert_eq!(list["items"][0]["slug"], "shirt");
        assert_eq!(list["items"][0]["price"], json!({ "minor": 1299, "currency": "EUR" }));
        assert_eq!(list["items"][0]["available"], 5);
        assert_eq!(list["next_cursor"], json!(null));

        let person = shop.person().await;
        let quote = shop.quote(&person, &variant, 2).await;
        assert_eq!(quote["missing"], json!(["address"]));
        let wish = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
        shop.post("/api/v1/orders", &wish).by(&person).refused(422, "address-missing").await;

        let kept = shop.post("/api/v1/me/addresses", &address()).by(&person).expect(201).await;
        assert_eq!(kept.body["default"], true);
        let quote = shop.quote(&person, &variant, 2).await;
        assert_eq!(quote["missing"], json!([]));
        assert_eq!(quote["item_count"], 2);
        assert_eq!(quote["merchandise"]["minor"], 2598);
        assert_eq!(quote["shipping"]["minor"], 490);
        assert_eq!(quote["total"], json!({ "minor": 3088, "currency": "EUR" }));
        assert_eq!(quote["address"]["id"], kept.body["id"]);
        assert_eq!(shop.stock("shirt").await, (5, 0), "a quote holds nothing");

        let wish = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
        let order = shop.post("/api/v1/orders", &wish).by(&person).expect(201).await;
        assert_eq!(order.body["id"], quote["id"]);
        assert_eq!(order.body["state"], "cash_due");
        assert_eq!(order.body["total"], quote["total"]);
        assert_eq!(order.body["pay_by"], json!(null));
        assert_eq!(shop.stock("shirt").await, (3, 2));

        let again = shop.post("/api/v1/orders", &wish).by(&person).expect(200).await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.body, order.body);
        assert_eq!(shop.stock("shirt").await, (3, 2));

        let path = format!("/api/v1/orders/{}", order.body["id"].as_str().unwrap());
        let seen = shop.get(path).by(&person).expect(200).await.body;
        assert_eq!(seen["number"], order.body["number"]);
        assert_eq!(seen["lines"][0]["quantity"], 2);
        assert_eq!(seen["address"]["city"], "Berlin");
        assert_eq!(seen["history"][0]["to"], "cash_due");
        assert_eq!(seen["history"][0]["from"], json!(null));
        let list = shop.get("/api/v1/orders").by(&person).expect(200).await.body;
        assert_eq!(list["items"], json!([order.body]));
        shop.settle().await;
    }

    async fn what_is_in_the_cart_is_held_and_then_bought(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        let mug = shop.product(&owner, "mug", 1).await;
        let person = shop.buyer().await;

        let empty = shop.get("/api/v1/cart").by(&person).expect(200).await.body;
        assert_eq!((&empty["id"], &empty["version"]), (&json!(null), &json!(0)));
        let add = |variant: &str, quantity: i64| {
            shop.post("/api/v1/cart/lines", &json!({ "variant_id": variant, "quantity": quantity }))
                .by(&person)
        };
        add(&shirt, 1).expect(200).await;
        let cart = add(&shirt, 1).expect(200).await.body;
        assert_eq!(cart["lines"][0]["quantity"], 2, "adding adds");
        assert_eq!(cart["lines"][0]["available"], 5);
        assert_eq!(cart["lines"][0]["held_until"], "2027-01-15T08:15:00Z");
        add(&mug, 1).expect(200).await;
        assert_eq!(shop.stock("mug").await, (0, 0), "held for this cart");
        let other = shop.buyer().await;
        let wish = json!({ "variant_id": mug, "quantity": 1 });
        let short = shop.post("/api/v1/cart/lines", &wish).by(&other);
        let short = short.refused(409, "out-of-stock").await.body;
        assert_eq!(
            short["short"],
            json!([{ "variant_id": mug, "wanted": 1, "available": 0 }])
        );

        let line = format!("/api/v1/cart/lines/{shirt}");
        let change = |body| shop.patch(&line, &body).by(&person);
        // Put in at the same moment, they stand in any order.
        let of_shirt = |cart: &Value| {
            let lines = cart["lines"].as_array().unwrap().iter();
            lines.clone().find(|line| line["variant_id"] == shirt).unwrap()["quantity"].clone()
        };
        let more = change(json!({ "change": 1 })).expect(200).await.body;
        assert_eq!(of_shirt(&more), 3);
        change(json!({ "change": -1 })).expect(200).await;
        let cart = change(json!({ "quantity": 4, "selected": false })).expect(200).await.body;
        assert_eq!(of_shirt(&cart), 4);
        assert_eq!(cart["selected_quantity"], 1);
        assert_eq!(cart["selected_total"]["minor"], 1299);

        shop.clock.advance(SignedDuration::from_mins(10));
        let cart = shop.ask(http::Method::POST, "/api/v1/cart/extend").by(&person);
        let cart = cart.expect(200).await.body;
        assert_eq!(cart["lines"][0]["held_until"], "2027-01-15T08:25:00Z");

        let wish = json!({ "source": "cart" });
        let quote = shop.post("/api/v1/checkout/quote", &wish).by(&person).expect(200).await.body;
        assert_eq!(quote["lines"].as_array().unwrap().len(), 1, "the selected line");
        let wish = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
        shop.post("/api/v1/orders", &wish).by(&person).expect(201).await;
        assert_eq!(shop.stock("mug").await, (0, 1));
        let cart = shop.get("/api/v1/cart").by(&person).expect(200).await.body;
        assert_eq!(cart["lines"].as_array().unwrap().len(), 1, "what was left stays");
        assert_eq!(cart["lines"][0]["variant_id"], shirt);

        let cart = change(json!({ "change": -4, "selected": true })).expect(200).await.body;
        assert_eq!(cart["lines"], json!([]), "what comes to 0 goes");
        add(&shirt, 1).expect(200).await;
        shop.delete(&line).by(&person).expect(200).await;
        shop.delete(&line).by(&person).refused(404, "not-found").await;
        add(&shirt, 1).expect(200).await;
        let cart = shop.delete("/api/v1/cart").by(&person).expect(200).await.body;
        assert_eq!(cart["lines"], json!([]));
        assert_eq!(shop.stock("shirt").await, (5, 0), "everything was given back");
        shop.settle().await;
    }

    async fn a_hold_that_is_over_gives_its_units_back(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let mug = shop.product(&owner, "mug", 1).await;
        let person = shop.buyer().await;
        let wish = json!({ "variant_id": mug, "quantity": 1 });
        shop.post("/api/v1/cart/lines", &wish).by(&person).expect(200).await;
        assert_eq!(shop.stock("mug").await, (0, 0));
        shop.clock.advance(SignedDuration::from_mins(16));
        shop.settle().await;
        assert_eq!(shop.stock("mug").await, (1, 0));
        let cart = shop.get("/api/v1/cart").by(&person).expect(200).await.body;
        assert_eq!(cart["lines"][0]["held_until"], json!(null), "the line stays, its hold went");
    }
}
