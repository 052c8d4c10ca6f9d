//! Refusals, answers that nobody should believe, and settings that cannot work.

use super::*;
use crate::error::{Advice, GatewayError};
use crate::mode::Mode;
use crate::observation::{Observation, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::IdempotencyKey;
use crate::secret::Secret;
use crate::testing::line::{self, Script};

async fn fetch(status: u16, body: &str) -> Result<Observation, GatewayError> {
    let line = Script::of(&[(status, body)]).await;
    gateway(&line.base).fetch(&known(), PATIENCE).await
}

#[tokio::test]
async fn p28_refusals_are_sorted_by_what_is_known() {
    let said = |kind: &str, code: &str| {
        json!({ "error": { "type": kind, "code": code, "param": "x" } }).to_string()
    };
    let request = |code: &str| said("invalid_request_error", code);
    let declined = |reason: &str| GatewayError::Declined { reason: reason.to_owned() };
    let too_small =
        GatewayError::Invalid { code: "amount_too_small".to_owned(), param: Some("x".to_owned()) };
    let card = json!({ "error": { "type": "card_error", "code": "card_declined",
        "decline_code": "insufficient_funds" } });
    for (status, body, expected) in [
        (400, request("amount_too_small"), too_small),
        (400, request("payment_intent_unexpected_state"), GatewayError::WrongState(None)),
        (400, request("charge_already_refunded"), declined("charge_already_refunded")),
        (400, request("charge_disputed"), declined("charge_disputed")),
        (400, said("idempotency_error", "x"), GatewayError::Conflict),
        (401, String::new(), GatewayError::Unauthorized),
        (402, card.to_string(), declined("insufficient_funds")),
        (403, String::new(), GatewayError::Unauthorized),
        (404, request("resource_missing"), GatewayError::NotFound),
        (409, String::new(), GatewayError::RateLimited { after: None }),
        (424, String::new(), GatewayError::RateLimited { after: None }),
        (429, String::new(), GatewayError::RateLimited { after: None }),
    ] {
        let error = fetch(status, &body).await.unwrap_err();
        assert_eq!(error, expected, "{status} {body}");
        assert!(error.outcome_known(), "{status}");
    }
}

#[tokio::test]
async fn p29_what_is_no_answer_leaves_the_outcome_open() {
    let good = page(&json!({}));
    let half = &good[..good.len() / 2];
    for (status, body) in [
        (200, half),
        (200, ""),
        (200, "<html>"),
        (400, half),
        (402, "<html>"),
        (500, "{}"),
        (502, ""),
        (503, ""),
        (504, ""),
    ] {
        let error = fetch(status, body).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unknown(_)), "{status} {body}: {error}");
        assert_eq!(error.advice(), Advice::SameKey { after: None });
    }
    for status in [202, 301, 302, 307] {
        let error = fetch(status, "").await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{status}: {error}");
    }
    let key = IdempotencyKey::create(attempt());
    let short = Duration::from_millis(50);
    let silent = gateway(&line::silent().await).create(&wish(), &key, short).await.unwrap_err();
    assert!(matches!(silent, GatewayError::Unknown(_)), "{silent}");
    let reset = Script::raw(vec![b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()]).await;
    let reset = gateway(&reset.base).create(&wish(), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(reset, GatewayError::Unknown(_)), "{reset}");
    let dead = gateway(&line::nobody().await).create(&wish(), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(dead, GatewayError::NotSent(_)), "{dead}");
}

#[tokio::test]
async fn money_is_read_strictly_and_nonsense_is_not_believed() {
    for changes in [
        json!({ "amount_total": 1234.5 }),
        json!({ "amount_total": "123450" }),
        json!({ "amount_total": -1 }),
        json!({ "amount_total": null }),
        json!({ "currency": "EUR" }),
        json!({ "currency": "euro" }),
        json!({ "currency": "isk", "amount_total": 701 }),
        json!({ "status": "paid" }),
        json!({ "id": "cs_other" }),
        json!({ "metadata": {} }),
        json!({ "metadata": { "attempt_id": refund_id() } }),
        json!({ "livemode": null }),
        json!({ "status": "complete" }),
    ] {
        let error = fetch(200, &page(&changes)).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{changes}: {error}");
        assert!(!error.outcome_known());
    }
    for changes in [
        json!({ "amount_received": 123_451 }),
        json!({ "amount_received": 0 }),
        json!({ "status": "requires_capture" }),
        json!({ "status": "requires_capture", "amount_received": 0 }),
        json!({ "status": "eaten" }),
        json!({ "metadata": {} }),
        json!({ "amount": 0, "amount_received": 0 }),
        json!({ "latest_charge": { "amount_refunded": 123_451 } }),
    ] {
        let error = fetch(200, &complete(&changes)).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{changes}: {error}");
    }
}

#[tokio::test]
async fn p18_a_complete_page_is_not_money() {
    let waits = json!({ "status": "processing", "amount_received": 0 });
    let changes =
        json!({ "status": "complete", "payment_status": "paid", "payment_intent": intent(&waits) });
    let seen = fetch(200, &page(&changes)).await.unwrap();
    assert_eq!((seen.status, seen.captured.minor), (RemoteStatus::Processing, 0));
}

#[tokio::test]
async fn p01_another_sum_or_money_is_told_as_it_is_for_the_caller_to_compare() {
    let other = json!({ "amount": 1, "amount_received": 1, "currency": "usd" });
    let seen = fetch(200, &complete(&other)).await.unwrap();
    assert_eq!((seen.amount.minor, seen.amount.currency), (1, Currency::USD));
    let gateway = gateway("http://127.0.0.1:1");
    assert!(gateway.identity().fits(&seen));
    let real = fetch(200, &complete(&json!({ "livemode": true }))).await.unwrap();
    assert!(!gateway.identity().fits(&real));
}

#[tokio::test]
async fn a_payer_is_sent_to_decent_addresses_only() {
    for url in ["javascript:alert(1)", "http://example.com/pay", "/pay", ""] {
        let line = Script::of(&[(200, &page(&json!({ "url": url })))]).await;
        let key = IdempotencyKey::create(attempt());
        let error = gateway(&line.base).create(&wish(), &key, PATIENCE).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{url}: {error}");
    }
}

type Change = fn(&mut StripeSettings);

#[test]
fn p23_settings_that_contradict_each_other_are_refused_in_words() {
    let make = |change: &dyn Fn(&mut StripeSettings)| {
        let mut settings = settings("http://127.0.0.1:8081");
        change(&mut settings);
        Stripe::new(settings, env()).err().map(|error| error.to_string())
    };
    assert_eq!(make(&|_| {}), None);
    assert_eq!(make(&|s| s.secret_key = Secret::new("rk_test_a")), None);
    let cases: [(Change, &str); 8] = [
        (|s| s.mode = Mode::Live, "play money"),
        (|s| s.secret_key = Secret::new("sk_live_abc"), "real money"),
        (|s| s.secret_key = Secret::new("pk_test_abc"), "begins with sk_"),
        (|s| s.secret_key = Secret::new("sk_test_a b"), "letters"),
        (|s| s.endpoint_secrets.clear(), "endpoint_secrets is empty"),
        (|s| s.endpoint_secrets.push(Secret::new("")), "letters"),
        (|s| s.base_url = "http://shop.example".to_owned(), "127.0.0.1"),
        (
            |s| {
                s.mode = Mode::Live;
                s.secret_key = Secret::new("sk_live_abc");
            },
            "on this machine",
        ),
    ];
    for (change, says) in cases {
        let said = make(&change).unwrap();
        assert!(said.contains(says) && !said.contains("sk_test_holdfast"), "{said}");
    }
}
