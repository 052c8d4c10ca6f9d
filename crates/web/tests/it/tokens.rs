//! Tokens, sessions and how often somebody may ask, as HTTP has it.

use std::net::SocketAddr;

use axum::body::Body;
use http::{Method, Request};
use kernel::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::browser::Browser;
use crate::shop::{PASSWORD, Person, TABLES, TestShop};

/// Another sign-in of the same person.
async fn again(shop: &TestShop, person: &Person) -> Value {
    let form = json!({ "login": person.email, "password": PASSWORD });
    shop.post("/api/v1/sessions", &form).header("user-agent", "curl/8.5.0").expect(201).await.body
}

fn person(session: &Value) -> Person {
    let token = session["token"].as_str().unwrap().to_owned();
    Person { token, email: session["account"]["email"].as_str().unwrap_or_default().to_owned() }
}

store::on_both_engines! { TABLES;
    async fn tokens_follow_each_other(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ada = shop.person().await;
        let first = again(&shop, &ada).await;
        let refresh = |token: &Value| shop.post("/api/v1/sessions/refresh", &json!({ "refresh_token": token }));
        let second = refresh(&first["refresh_token"]).expect(200).await.body;
        let me = shop.get("/api/v1/me").by(&person(&second)).expect(200).await.body;
        assert_eq!(me["email"], ada.email);
        assert_eq!(second["session_id"], first["session_id"]);
        shop.clock.advance(SignedDuration::from_secs(10));
        refresh(&first["refresh_token"]).refused(401, "token-invalid").await;
        refresh(&second["refresh_token"]).refused(401, "token-invalid").await;
        shop.get("/api/v1/me").by(&person(&second)).refused(401, "token-invalid").await;
        shop.get("/api/v1/me").by(&ada).expect(200).await;
        for token in [json!(""), json!("x.y"), second["token"].clone()] {
            refresh(&token).refused(401, "token-invalid").await;
        }
        refresh(&Value::Null).refused(422, "validation").await;
    }

    async fn somebody_sees_where_they_are_signed_in_and_ends_it(db: TestDb) {
        let shop = TestShop::open(db).await;
        let (ada, eve) = (shop.person().await, shop.person().await);
        let other = again(&shop, &ada).await;
        let items = shop.get("/api/v1/sessions").by(&ada).expect(200).await.body["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), 2);
        let of = |id: &Value| items.as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap();
        let place = of(&other["session_id"]);
        assert_eq!((&place["device"], &place["kind"]), (&json!("curl/8.5.0"), &json!("program")));
        assert_eq!(place["current"], false);
        assert!(items.as_array().unwrap().iter().any(|it| it["current"] == true));
        assert!(!items.to_string().contains("hash"));
        let there = format!("/api/v1/sessions/{}", other["session_id"].as_str().unwrap());
        shop.delete(&there).by(&eve).refused(404, "not-found").await;
        shop.get("/api/v1/me").by(&person(&other)).expect(200).await;
        shop.delete(&there).by(&ada).expect(204).await;
        shop.get("/api/v1/me").by(&person(&other)).refused(401, "token-invalid").await;
        shop.delete(&there).by(&ada).refused(404, "not-found").await;
        shop.delete("/api/v1/sessions/nonsense").by(&ada).refused(404, "not-found").await;

        let browser = Browser::new(&shop);
        browser.post("/login", &[("login", &ada.email), ("password", PASSWORD)]).await.leads_to();
        browser.see("/account/devices").await.says("This device").says("Sign out everywhere");
        shop.delete("/api/v1/sessions").by(&ada).expect(204).await;
        shop.get("/api/v1/me").by(&ada).refused(401, "token-invalid").await;
        assert!(browser.get("/account").await.leads_to().starts_with("/login"));
        shop.get("/api/v1/me").by(&eve).expect(200).await;
    }

    async fn a_page_signs_out_there_and_everywhere(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ada = shop.person().await;
        let browser = Browser::new(&shop);
        browser.post("/login", &[("login", &ada.email), ("password", PASSWORD)]).await.leads_to();
        let items = shop.get("/api/v1/sessions").by(&ada).expect(200).await.body["items"].clone();
        let mut items = items.as_array().unwrap().iter();
        let program = items.find(|it| it["kind"] == "program").unwrap()["id"].as_str().unwrap();
        let there = format!("/account/devices/{program}");
        assert_eq!(browser.post(&there, &[]).await.leads_to(), "/account/devices");
        shop.get("/api/v1/me").by(&ada).refused(401, "token-invalid").await;
        assert_eq!(browser.post("/account/devices", &[]).await.leads_to(), "/login");
        assert!(browser.get("/account").await.leads_to().starts_with("/login"));
    }

    async fn keys_are_published(db: TestDb) {
        let shop = TestShop::open(db).await;
        let answer = shop.get("/.well-known/jwks.json").expect(200).await;
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        let keys = answer.body["keys"].as_array().unwrap();
        assert_eq!((keys.len(), &keys[0]["kty"], &keys[0]["crv"]), (1, &json!("OKP"), &json!("Ed25519")));
        assert!(keys[0]["d"].is_null(), "the secret half stays here");
    }

    async fn who_asks_too_often_waits(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ask = async |from: &str| {
            let peer: SocketAddr = from.parse().unwrap();
            let request = Request::post("/api/v1/sessions")
                .extension(peer)
                .header("content-type", "application/json")
                .header("x-forwarded-for", "198.51.100.77")
                .body(Body::from(json!({ "login": "ada@example.org", "password": "x" }).to_string()))
                .unwrap();
            let answer = shop.router.clone().oneshot(request).await.unwrap();
            let after = answer.headers().get("retry-after").map(|after| after.to_str().unwrap().to_owned());
            (answer.status().as_u16(), after)
        };
        let mut waits = 0;
        for _ in 0..30 {
            waits += i32::from(ask("192.0.2.1:1000").await.0 == 429);
        }
        assert!(waits >= 10, "{waits}");
        let (status, after) = ask("192.0.2.1:2000").await;
        assert_eq!((status, after.as_deref()), (429, Some("4")));
        shop.clock.advance(SignedDuration::from_secs(3600));
        assert_eq!(ask("192.0.2.1:1000").await.0, 401);
    }

    async fn a50_forms_of_other_sites_change_nothing(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ada = shop.person().await;
        let signed = shop.identity.sign_in(&shop.shop.db, &shop.shop.env, &ada.email, PASSWORD.into()).await.unwrap();
        let cookie = format!("hf_s={}", signed.token);
        let before = shop.everything().await;
        let form = "application/x-www-form-urlencoded";
        for (path, method, heads, expected) in [
            ("/account/devices", Method::POST, &[("sec-fetch-site", "cross-site"), ("content-type", form)][..], 403),
            ("/account/devices", Method::POST, &[("sec-fetch-site", "same-site"), ("content-type", form)], 403),
            ("/account/devices", Method::POST, &[("origin", "https://evil.example"), ("host", "shop.example"), ("content-type", form)], 403),
            ("/account/devices", Method::POST, &[("origin", "null"), ("host", "shop.example"), ("content-type", form)], 403),
            ("/account/devices", Method::GET, &[("x-http-method-override", "POST")], 200),
            ("/api/v1/sessions", Method::DELETE, &[], 401),
            ("/api/v1/me/addresses", Method::POST, &[("content-type", "text/plain")], 401),
        ] {
            let mut ask = shop.ask(method.clone(), path).header("cookie", &cookie);
            for (name, value) in heads {
                ask = ask.header(name, value);
            }
            let answer = ask.look_at_head().await;
            assert_eq!(answer.status, expected, "{method} {path} {heads:?}: {}", answer.text);
        }
        let plain = shop.ask(Method::POST, "/api/v1/sessions").header("content-type", "text/plain");
        plain.refused(415, "unsupported-media-type").await;
        assert_eq!(shop.everything().await, before);
    }
}
