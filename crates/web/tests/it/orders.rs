//! Orders after the button: lists, and calling them off.

use http::Method;
use serde_json::json;

use crate::shop::{TABLES, TestShop};

store::on_both_engines! { TABLES;
    async fn lists_are_walked_page_by_page(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 20).await;
        let (buyer, other) = (shop.buyer().await, shop.buyer().await);
        let mut placed = Vec::new();
        for _ in 0..5 {
            shop.order(&other, &variant, "sandbox").await;
            placed.push(shop.order(&buyer, &variant, "sandbox").await);
            shop.clock.advance(kernel::SignedDuration::from_secs(1));
        }
        placed.reverse();
        let mut seen = Vec::new();
        let mut path = "/api/v1/orders?limit=2".to_owned();
        loop {
            let page = shop.get(&path).by(&buyer).expect(200).await.body;
            seen.extend(page["items"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/v1/orders?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, placed);
        // Another's cursor is a place in one's own list.
        let page = shop.get(&path).by(&other).expect(200).await.body;
        for order in page["items"].as_array().unwrap() {
            assert!(!placed.iter().any(|own| own["id"] == order["id"]));
        }
        let all = shop.get("/api/v1/admin/orders?limit=100").by(&owner).expect(200).await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 10);
        assert_eq!(all["next_cursor"], json!(null));
    }

    async fn products_are_walked_page_by_page(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        for (index, slug) in ["ant", "bee", "cat", "dog", "eel"].iter().enumerate() {
            let mut form = crate::shop::product(slug, 1);
            form["variants"][0]["price"]["minor"] = json!(1000 - 100 * (index % 3));
            shop.post("/api/v1/admin/products", &form).by(&owner).expect(201).await;
            shop.clock.advance(kernel::SignedDuration::from_secs(1));
        }
        let cases = [
            ("newest", "eel dog cat bee ant"), ("title", "ant bee cat dog eel"),
            ("price", "cat bee eel ant dog"), ("-price", "dog ant eel bee cat"),
        ];
        for (sort, wanted) in cases {
            let mut seen = Vec::new();
            let first = format!("/api/v1/products?limit=2&sort={sort}");
            let mut path = first.clone();
            loop {
                let page = shop.get(&path).expect(200).await.body;
                for item in page["items"].as_array().unwrap() {
                    seen.push(item["slug"].as_str().unwrap().to_owned());
                }
                let Some(cursor) = page["next_cursor"].as_str() else { break };
                path = format!("{first}&cursor={cursor}");
            }
            assert_eq!(seen.join(" "), wanted, "{sort}");
        }
        let dear = shop.get("/api/v1/products?price_min=900&price_max=900").expect(200).await.body;
        assert_eq!(dear["items"].as_array().unwrap().len(), 2);
    }

    async fn an_order_is_called_off_once(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 2).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "cash_on_delivery").await;
        let path = format!("/api/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        assert_eq!(shop.stock("shirt").await, (1, 1));
        let cancel = |key: &str| shop.ask(Method::POST, &path).by(&buyer).key(key);
        let gone = cancel("first").expect(200).await.body;
        assert_eq!(gone["state"], "cancelled");
        assert_eq!(gone["history"][1]["by"], "customer");
        assert_eq!(shop.stock("shirt").await, (2, 0));
        assert_eq!(cancel("first").expect(200).await.body, gone);
        let twice = cancel("second").refused(409, "order-state").await.body;
        assert_eq!((&twice["state"], &twice["wanted"]), (&json!("cancelled"), &json!("cancelled")));
        assert_eq!(shop.stock("shirt").await, (2, 0));
        shop.settle().await;
    }

    async fn one_wish_sent_many_times_is_one_order(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 10).await;
        let buyer = shop.buyer().await;
        let quote = shop.quote(&buyer, &variant, 1).await;
        let wish = json!({ "quote": quote["token"], "payment_method": "sandbox" });
        let place = || shop.post("/api/v1/orders", &wish).by(&buyer).send();
        let all = tokio::join!(place(), place(), place(), place(), place(), place());
        let all = [all.0, all.1, all.2, all.3, all.4, all.5];
        assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 5);
        assert!(all.iter().all(|answer| answer.body == all[0].body));
        assert_eq!(shop.stock("shirt").await.0, 9);
    }

    async fn the_last_units_go_to_the_first(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let mut wishes = Vec::new();
        for _ in 0..8 {
            let buyer = shop.buyer().await;
            let quote = shop.quote(&buyer, &variant, 1).await;
            let wish = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
            wishes.push((buyer, wish));
        }
        let place = |index: usize| {
            let (buyer, wish) = &wishes[index];
            shop.post("/api/v1/orders", wish).by(buyer).send()
        };
        let all = tokio::join!(
            place(0), place(1), place(2), place(3), place(4), place(5), place(6), place(7)
        );
        let all = [all.0, all.1, all.2, all.3, all.4, all.5, all.6, all.7];
        assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 3);
        assert_eq!(all.iter().filter(|answer| answer.code() == "out-of-stock").count(), 5);
        assert_eq!(shop.stock("shirt").await, (0, 3));
        shop.settle().await;
    }
}
