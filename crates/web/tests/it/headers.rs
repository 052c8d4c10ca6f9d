//! What stands in the heads of requests and answers.

use http::Method;
use kernel::SignedDuration;
use serde_json::json;

use crate::shop::{Person, TABLES, TestShop};

store::on_both_engines! { TABLES;
    async fn request_ids_are_kept_or_made(db: TestDb) {
        let shop = TestShop::open(db).await;
        let id = "0192f0c1-1111-7222-8333-444455556666";
        let ask = || shop.get("/api/v1/products");
        let answer = ask().header("x-request-id", &id.to_uppercase()).send().await;
        assert_eq!(answer.header("x-request-id"), id);
        for other in ["", "1", "not-a-uuid", "a\u{0}b".trim_end_matches('\u{0}'), &"x".repeat(5000)] {
            if other.contains('\u{0}') {
                continue;
            }
            let answer = ask().header("x-request-id", other).expect(200).await;
            assert_ne!(answer.header("x-request-id"), other);
        }
        let first = ask().send().await.header("x-request-id").to_owned();
        assert_ne!(first, ask().send().await.header("x-request-id"));
        let problem = shop.get("/api/v1/me").header("x-request-id", id);
        let problem = problem.refused(401, "unauthorized").await;
        assert_eq!(problem.body["instance"], format!("urn:uuid:{id}"));
    }

    async fn tokens(db: TestDb) {
        let shop = TestShop::open(db).await;
        let person = shop.person().await;
        let token = person.token.as_str();
        let me = || shop.get("/api/v1/me");
        for good in [format!("Bearer {token}"), format!("bearer  {token} ")] {
            let answer = me().header("authorization", &good).expect(200).await;
            assert_eq!(answer.body["email"], person.email);
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let none = [
            String::new(), "Bearer".into(), format!("Basic {token}"), token.to_owned(),
        ];
        for none in none {
            me().header("authorization", &none).refused(401, "unauthorized").await;
        }
        let bad = [
            "Bearer ".into(), format!("Bearer {token}x"), format!("Bearer {}", &token[1..]),
            format!("Bearer {}", token.to_uppercase()), format!("Bearer {}", "A".repeat(43)),
            "Bearer ' OR 1=1--".into(), "Bearer eyJhbGciOiJub25lIn0.e30.".into(),
        ];
        for bad in bad {
            me().header("authorization", &bad).refused(401, "token-invalid").await;
        }
        me().by(&person).by(&person).refused(401, "unauthorized").await;
        me().refused(401, "unauthorized").await;

        shop.delete("/api/v1/sessions/current").by(&person).expect(204).await;
        me().by(&person).refused(401, "token-invalid").await;
        let form = json!({ "login": person.email, "password": crate::shop::PASSWORD });
        let session = shop.post("/api/v1/sessions", &form).expect(201).await.body;
        let token = session["token"].as_str().unwrap().to_owned();
        let again = Person { token, ..person };
        me().by(&again).expect(200).await;
        shop.clock.advance(SignedDuration::from_hours(24 * 31));
        me().by(&again).refused(401, "token-invalid").await;
    }

    async fn health(db: TestDb) {
        let shop = TestShop::open(db).await;
        for path in ["/healthz", "/readyz"] {
            let answer = shop.get(path).expect(200).await;
            assert_eq!(answer.text, "ok");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
        shop.db.injector.fail_statement(1);
        shop.get("/readyz").refused(503, "not-ready").await;
        shop.get("/readyz").expect(200).await;
        let (closing, closed) = (shop.shop.db.clone(), tokio::task::spawn_blocking);
        closed(move || closing.close()).await.unwrap();
        shop.get("/healthz").expect(200).await;
        shop.get("/readyz").refused(503, "not-ready").await;
        let answer = shop.get("/api/v1/products").refused(503, "storage-unavailable").await;
        assert_eq!(answer.header("retry-after"), "1");
    }

    async fn no_other_origin_is_let_in(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ask = shop.get("/api/v1/products").header("origin", "https://evil.example");
        let answer = ask.expect(200).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        let ask = shop.ask(Method::OPTIONS, "/api/v1/orders").header("origin", "https://evil.example");
        let answer = ask.header("access-control-request-method", "POST").send().await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        assert!(!answer.headers.contains_key("strict-transport-security"), "this shop has no TLS");
    }

    async fn browsers_are_kept_to_tls_where_there_is_some(db: TestDb) {
        let settings = flows::Settings::default();
        let shop = TestShop::open_with(db, settings, "https://shop.example/").await;
        for path in ["/api/v1/products", "/api/v1/me", "/nowhere", "/"] {
            let answer = shop.get(path).look_at_head().await;
            let told = answer.header("strict-transport-security");
            assert_eq!(told, "max-age=31536000; includeSubDomains", "{path}");
        }
    }

    async fn reading_writes_nothing(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let before = shop.everything().await;
        let order = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        let paths = [
            "/api/v1/products", "/api/v1/products/shirt", "/api/v1/categories", "/api/v1/cart",
            "/api/v1/me", "/api/v1/me/addresses", "/api/v1/orders", &order, "/healthz", "/readyz",
        ];
        for path in paths {
            for method in [Method::GET, Method::HEAD] {
                let answer = shop.ask(method, path).by(&buyer).send().await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            }
        }
        shop.get("/api/v1/admin/orders").by(&owner).expect(200).await;
        assert_eq!(shop.everything().await, before);
    }
}
