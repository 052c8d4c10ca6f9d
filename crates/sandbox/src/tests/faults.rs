//! Everything that can be broken on demand.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::delivery::check;
use super::town::{SECRET, START, Town, code, id, read};

fn create(town: &Town, wish: &Value) -> reqwest::RequestBuilder {
    town.request(Method::POST, "/plain/v1/payments")
        .header("Idempotency-Key", "k")
        .body(wish.to_string())
}

async fn opened(town: &Town) -> usize {
    town.get("/__ctl/payments").await.1["payments"].as_array().unwrap().len()
}

#[tokio::test]
async fn errors_without_effect() {
    let town = Town::found().await;
    let wish = town.wish();
    town.fault(json!({"op": "create", "fault": "error_500"})).await;
    assert_eq!(read(create(&town, &wish)).await.0, 500);
    town.fault(json!({"op": "create", "fault": "error_429"})).await;
    let limited = create(&town, &wish).send().await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(opened(&town).await, 0);
    assert_eq!(read(create(&town, &wish)).await.0, 201, "used up");
}

#[tokio::test]
async fn effects_without_answer() {
    for fault in ["commit_then_drop", "commit_then_500", "truncated"] {
        let town = Town::found().await;
        let wish = town.wish();
        town.fault(json!({"op": "create", "fault": fault})).await;
        match (fault, create(&town, &wish).send().await) {
            ("commit_then_drop", answer) => assert!(answer.is_err(), "no answer at all"),
            ("commit_then_500", answer) => assert_eq!(answer.unwrap().status(), 500),
            (_, answer) => {
                let text = answer.unwrap().text().await.unwrap();
                assert!(text.starts_with('{'), "{text}");
                assert!(serde_json::from_str::<Value>(&text).is_err(), "half of it: {text}");
            }
        }
        assert_eq!(opened(&town).await, 1, "{fault}: done all the same");
        let (status, payment) = read(create(&town, &wish)).await;
        assert_eq!((status, &payment["status"]), (201, &json!("pending")), "the same key tells");
        assert_eq!(opened(&town).await, 1);
        let log = town.log().await;
        let struck = log.iter().find(|entry| entry["faults"] == json!([fault])).unwrap();
        assert_eq!(struck["status"].is_null(), fault == "commit_then_drop");
    }
}

#[tokio::test]
async fn a_late_answer_to_a_caller_who_has_hung_up() {
    let town = Town::found().await;
    let wish = town.wish();
    town.fault(json!({"op": "create", "fault": "delay", "millis": 600_000})).await;
    let hasty = create(&town, &wish).timeout(Duration::from_millis(300)).send().await;
    assert!(hasty.unwrap_err().is_timeout());
    let (status, payment) = read(create(&town, &wish)).await;
    assert_eq!(status, 201, "{payment}");
    assert_eq!(opened(&town).await, 1);
}

#[tokio::test]
async fn lies_about_the_amount_and_the_currency() {
    let mut town = Town::found().await;
    let paid = town.open_and_pay().await;
    let path = format!("/plain/v1/payments/{}", id(&paid));
    town.fault(json!({"op": "fetch", "fault": "wrong_amount"})).await;
    let (_, lie) = town.get(&path).await;
    assert_eq!((&lie["amount_minor"], &lie["captured_minor"]), (&json!(9451), &json!(9451)));
    town.fault(json!({"op": "any", "fault": "wrong_currency"})).await;
    let reference = paid["reference"].as_str().unwrap();
    let (_, lie) = town.get(&format!("/plain/v1/payments?reference={reference}")).await;
    assert_eq!(lie["items"][0]["currency"], "USD");
    assert_eq!(town.get(&path).await.1, paid, "the book itself is right");
}

#[tokio::test]
async fn the_nth_call_and_no_other() {
    let town = Town::found().await;
    let payment = town.open().await;
    let path = format!("/plain/v1/payments/{}", id(&payment));
    town.fault(json!({"op": "fetch", "nth": 2, "times": 2, "fault": "error_500"})).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(town.get(&path).await.0);
    }
    assert_eq!(seen, [200, 500, 500, 200]);

    town.fault(json!({"op": "fetch", "times": 99, "fault": "error_500"})).await;
    assert_eq!(town.get(&path).await.0, 500);
    assert_eq!(read(town.request(Method::DELETE, "/__ctl/faults")).await.0, 200);
    assert_eq!(town.get(&path).await.0, 200, "rules can be taken back");
}

#[tokio::test]
async fn notifications_twice_never_forged_and_stale() {
    let mut town = Town::found().await;
    town.fault(json!({"op": "notify", "fault": "notify_twice"})).await;
    town.force(&town.open().await, "pay").await;
    let (first, second) = (town.shop.hear().await, town.shop.hear().await);
    assert_eq!(first.body, second.body);

    town.fault(json!({"op": "notify", "fault": "notify_never"})).await;
    let lost = town.open().await;
    town.force(&lost, "pay").await;
    let next = town.open_and_pay().await;
    assert!(!town.shop.has_heard_more(), "never heard of {lost}, only of {next}");
    assert_eq!(town.status(&lost).await, "succeeded", "and yet it was paid");

    town.fault(json!({"op": "notify", "fault": "bad_signature"})).await;
    town.force(&town.open().await, "pay").await;
    assert_eq!(check(&town.shop.hear().await, SECRET), (false, START));

    town.fault(json!({"op": "notify", "fault": "stale_signature"})).await;
    town.force(&town.open().await, "pay").await;
    assert_eq!(check(&town.shop.hear().await, SECRET), (true, START - 600));

    town.fault(json!({"op": "notify", "fault": "delay", "millis": 1})).await;
    town.force(&town.open().await, "pay").await;
    assert_eq!(check(&town.shop.hear().await, SECRET), (true, START), "late but well");
}

#[tokio::test]
async fn the_news_may_overtake_the_answer() {
    let mut town = Town::found().await;
    town.fault(json!({"op": "create", "fault": "notify_before_answer"})).await;
    let payment = town.open().await;
    assert_eq!(payment["status"], "pending", "what the answer knew");
    let news = town.shop.hear().await.json();
    assert_eq!((&news["type"], &news["payment_id"]), (&json!("payment.succeeded"), &payment["id"]));
    let log = town.log().await;
    let at = |kind: &str| log.iter().position(|entry| entry["kind"] == kind).unwrap();
    assert!(at("delivery") < at("call"), "heard first, answered second");
    assert_eq!(town.status(&payment).await, "succeeded");

    town.fault(json!({"op": "refund", "fault": "notify_before_answer"})).await;
    let wish = json!({"payment_id": id(&payment), "amount_minor": 1, "reference": "r"});
    let (status, refund) = town.post("/plain/v1/refunds", "r", &wish).await;
    assert_eq!(status, 201);
    assert_eq!(town.shop.hear().await.json()["refund_id"], refund["id"]);
    assert!(!town.shop.has_heard_more());
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let town = Town::found().await;
    for (rule, expected) in [
        (json!({"op": "notify", "fault": "truncated"}), 422),
        (json!({"op": "create", "fault": "delay"}), 422),
        (json!({"op": "create", "fault": "earthquake"}), 400),
        (json!({"op": "create", "fault": "error_500", "extra": 1}), 400),
    ] {
        let (status, body) = town.post("/__ctl/faults", "-", &rule).await;
        assert_eq!((status, code(&body)), (expected, "invalid_request"), "{rule}");
    }
}
