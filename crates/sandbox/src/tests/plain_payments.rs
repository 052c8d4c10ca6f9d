//! Opening, asking, calling off, running out.

use std::net::SocketAddr;

use crate::{Sandbox, SandboxConfig, SandboxError};
use kernel::{Env, SignedDuration};
use reqwest::Method;
use serde_json::{Value, json};

use super::town::{SECRET, Town, anywhere, code, id, read};

#[tokio::test]
async fn opens_a_payment_and_tells_how_it_stands() {
    let town = Town::found().await;
    let payment = town.open().await;
    assert_eq!(payment["status"], "pending");
    assert_eq!(payment["amount_minor"], 9450);
    assert_eq!(payment["currency"], "EUR");
    assert_eq!((&payment["captured_minor"], &payment["refunded_minor"]), (&json!(0), &json!(0)));
    assert_eq!(payment["test"], true);
    let page = format!("{}/pay/{}", town.sandbox.base_url(), id(&payment));
    assert_eq!(payment["confirm_url"], page);

    let (status, again) = town.get(&format!("/plain/v1/payments/{}", id(&payment))).await;
    assert_eq!((status, &again), (200, &payment));
    let reference = payment["reference"].as_str().unwrap();
    let (_, found) = town.get(&format!("/plain/v1/payments?reference={reference}")).await;
    assert_eq!(found["items"], json!([payment]));
    let (status, none) = town.get("/plain/v1/payments?reference=nobody").await;
    assert_eq!((status, &none["items"]), (200, &json!([])));
    let (status, none) = town.get("/plain/v1/payments/pay_unknown").await;
    assert_eq!((status, code(&none)), (404, "not_found"));
    assert_eq!(town.get("/plain/v1/payments").await.0, 400, "which one?");
}

#[tokio::test]
async fn one_key_has_one_effect() {
    let town = Town::found().await;
    let wish = town.wish();
    let (first_status, first) = town.post("/plain/v1/payments", "k", &wish).await;
    town.clock.advance(SignedDuration::from_hours(5));
    let (again_status, again) = town.post("/plain/v1/payments", "k", &wish).await;
    assert_eq!(
        (first_status, &first),
        (again_status, &again),
        "word for word, also after its term"
    );

    let mut other = wish.clone();
    other["amount_minor"] = json!(1);
    let (status, refused) = town.post("/plain/v1/payments", "k", &other).await;
    assert_eq!((status, code(&refused)), (422, "idempotency_key_reused"));
    let fresh = json!(town.env.now() + SignedDuration::from_mins(5));
    other["expires_at"] = fresh;
    let (status, refused) = town.post("/plain/v1/payments", "k2", &other).await;
    assert_eq!((status, code(&refused)), (409, "reference_taken"));

    let (_, book) = town.get("/__ctl/payments").await;
    assert_eq!(book["payments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    let town = Town::found().await;
    let bad = [
        ("amount_minor", json!(0)),
        ("amount_minor", json!(-1)),
        ("amount_minor", json!(1_000_000_000_001_i64)),
        ("amount_minor", json!(12.5)),
        ("amount_minor", json!("9450")),
        ("amount_minor", Value::Null),
        ("currency", json!("eur")),
        ("reference", json!("")),
        ("reference", json!("a b")),
        ("description", json!("")),
        ("description", json!("two\nlines")),
        ("description", json!("x".repeat(201))),
        ("return_url", json!("javascript:alert(1)")),
        ("return_url", json!("/relative")),
        ("notify_url", json!("http://example.com/hear")),
        ("notify_url", json!("http://10.0.0.1/hear")),
        ("notify_url", json!("http://127.0.0.1@example.com/hear")),
        ("notify_url", json!("https://127.0.0.1/hear")),
        ("expires_at", json!(town.env.now())),
        ("expires_at", json!(town.env.now() + SignedDuration::from_hours(26))),
        ("expires_at", json!("tomorrow")),
        ("surprise", json!(1)),
    ];
    for (n, (field, value)) in bad.into_iter().enumerate() {
        let mut wish = town.wish();
        wish[field] = value.clone();
        let (status, body) = town.post("/plain/v1/payments", &format!("k{n}"), &wish).await;
        assert_eq!((status, code(&body)), (400, "invalid_request"), "{field}: {value}");
    }
    let keyless = town.request(Method::POST, "/plain/v1/payments").body(town.wish().to_string());
    assert_eq!(code(&read(keyless).await.1), "idempotency_key_missing");
    let long = town.post("/plain/v1/payments", "k", &json!("x".repeat(70_000))).await;
    assert_eq!(long.0, 413);
    let (_, book) = town.get("/__ctl/payments").await;
    assert_eq!(book["payments"], json!([]), "nothing was written");
}

#[tokio::test]
async fn nobody_without_the_secret() {
    let town = Town::found().await;
    let payment = town.open().await;
    let paths = [
        (Method::GET, format!("/plain/v1/payments/{}", id(&payment))),
        (Method::POST, "/plain/v1/payments".to_owned()),
        (Method::POST, "/plain/v1/refunds".to_owned()),
        (Method::GET, "/__ctl/log".to_owned()),
        (Method::GET, "/__ctl/payments".to_owned()),
        (Method::POST, format!("/__ctl/payments/{}/pay", id(&payment))),
        (Method::POST, "/__ctl/faults".to_owned()),
    ];
    for (method, path) in paths {
        let url = format!("{}{path}", town.sandbox.base_url());
        let bare = town.http.request(method.clone(), &url);
        let (status, body) = read(bare).await;
        assert_eq!((status, code(&body)), (401, "unauthorized"), "{path}");
        let wrong = town.http.request(method, &url).bearer_auth(&SECRET[1..]);
        assert_eq!(read(wrong).await.0, 401, "{path}");
    }
    assert_eq!(town.status(&payment).await, "pending");
    let log = serde_json::to_string(&town.log().await).unwrap();
    assert!(!log.contains(SECRET), "the journal never tells it");
}

#[tokio::test]
async fn a_payment_is_called_off_once_and_never_after_it_was_paid() {
    let mut town = Town::found().await;
    let payment = town.open().await;
    let void = format!("/plain/v1/payments/{}/void", id(&payment));
    for _ in 0..2 {
        let (status, voided) = town.post(&void, "v", &json!({})).await;
        assert_eq!((status, &voided["canceled_reason"]), (200, &json!("voided")));
    }
    assert_eq!(town.shop.hear().await.json()["type"], "payment.canceled");

    let paid = town.open_and_pay().await;
    let void = format!("/plain/v1/payments/{}/void", id(&paid));
    let (status, refused) = town.post(&void, "v", &json!({})).await;
    assert_eq!((status, code(&refused)), (409, "wrong_state"));
    assert_eq!(refused["payment"]["status"], "succeeded", "with the truth inside");
    assert_eq!(town.post("/plain/v1/payments/pay_no/void", "v", &json!({})).await.0, 404);
}

#[tokio::test]
async fn the_term_ends_a_payment_and_a_late_success_is_still_possible() {
    let mut town = Town::found().await;
    let payment = town.open().await;
    town.clock.advance(SignedDuration::from_mins(15));
    let (_, over) = town.get(&format!("/plain/v1/payments/{}", id(&payment))).await;
    assert_eq!(
        (&over["status"], &over["canceled_reason"]),
        (&json!("canceled"), &json!("expired"))
    );
    assert_eq!(town.shop.hear().await.json()["type"], "payment.canceled");

    let (status, late) = town.force(&payment, "pay").await;
    assert_eq!((status, &late["status"]), (200, &json!("succeeded")));
    assert_eq!(late["captured_minor"], 9450);
    assert_eq!(late["canceled_reason"], Value::Null);
    assert_eq!(late["method"]["last4"], "4242");
    assert_eq!(town.shop.hear().await.json()["type"], "payment.succeeded");
    assert_eq!(town.force(&payment, "pay").await.0, 200, "already so");
    assert_eq!(town.force(&payment, "expire").await.0, 409, "money does not un-happen");
    assert_eq!(town.force(&payment, "decline").await.0, 409);
}

#[tokio::test]
async fn the_book_is_read_page_by_page() {
    let town = Town::found().await;
    for _ in 0..3 {
        town.clock.advance(SignedDuration::from_secs(1));
        town.open().await;
    }
    let (_, first) = town.get("/__ctl/payments?limit=2").await;
    assert_eq!(first["payments"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let (_, second) = town.get(&format!("/__ctl/payments?limit=2&after={next}")).await;
    assert_eq!(second["payments"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn stays_on_this_machine_and_says_what_is_wrong() {
    let config = |listen| SandboxConfig::new(listen, SECRET, Env::system());
    let open: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let refused = Sandbox::start(config(open)).await.err().unwrap();
    assert!(matches!(refused, SandboxError::NotLoopback(_)), "{refused}");

    let town = Town::found().await;
    let taken = Sandbox::start(config(town.sandbox.address())).await.err().unwrap();
    assert!(taken.to_string().contains(&town.sandbox.address().to_string()), "{taken}");

    let mut bare = config(anywhere());
    bare.secret.clear();
    assert!(matches!(Sandbox::start(bare).await.err(), Some(SandboxError::NoSecret)));
}
