//! Refusals, answers that nobody should believe, and settings that cannot work.

use serde_json::{Value, json};

use super::*;
use crate::error::{Advice, GatewayError, SetupError};
use crate::observation::Observation;
use crate::port::Gateway as _;
use crate::request::IdempotencyKey;
use crate::secret::Secret;
use crate::testing::line::{self, Script};

async fn fetch(status: u16, body: &str) -> Result<Observation, GatewayError> {
    let line = Script::of(&[(status, body)]).await;
    gateway(&line.base).fetch(&known(), PATIENCE).await
}

#[tokio::test]
async fn refusals_are_sorted_by_what_is_known() {
    let said = |code: &str, more: Value| {
        let mut problem = json!({ "type": "error", "id": "e", "code": code });
        for (field, value) in more.as_object().unwrap() {
            problem[field] = value.clone();
        }
        problem.to_string()
    };
    let invalid = |code: &str, param: Option<&str>| GatewayError::Invalid {
        code: code.to_owned(),
        param: param.map(str::to_owned),
    };
    let wrong = said("invalid_request", json!({ "parameter": "amount.value" }));
    let reused = said("invalid_request", json!({ "parameter": "Idempotence-Key" }));
    let declined = GatewayError::Declined { reason: "RuleViolation".to_owned() };
    let wait = Some(std::time::Duration::from_millis(1800));
    for (status, body, expected) in [
        (400, wrong, invalid("invalid_request", Some("amount.value"))),
        (400, reused, GatewayError::Conflict),
        (400, said("refusal", json!({ "reason": "RuleViolation" })), declined),
        (401, said("invalid_credentials", json!({})), GatewayError::Unauthorized),
        (403, said("forbidden", json!({})), GatewayError::Unauthorized),
        (404, said("not_found", json!({})), GatewayError::NotFound),
        (410, said("gone", json!({})), invalid("gone", None)),
        (405, String::new(), invalid("a method that is not allowed", None)),
        (415, String::new(), invalid("a content type that is not taken", None)),
        (429, String::new(), GatewayError::RateLimited { after: None }),
        (
            429,
            said("too_many_requests", json!({ "retry_after": 1800 })),
            GatewayError::RateLimited { after: wait },
        ),
    ] {
        let error = fetch(status, &body).await.unwrap_err();
        assert_eq!(error, expected, "{status} {body}");
        assert!(error.outcome_known(), "{status}");
    }
}

#[tokio::test]
async fn p29_what_is_no_answer_leaves_the_outcome_open() {
    let good = told(&json!({}));
    let half = &good[..good.len() / 2];
    let processing = r#"{"type":"processing","description":"…","retry_after":1800}"#;
    for (status, body) in [
        (200, half),
        (200, ""),
        (200, "<html>Down</html>"),
        (202, processing),
        (400, half),
        (500, r#"{"type":"error","code":"internal_server_error"}"#),
        (503, "later"),
    ] {
        let error = fetch(status, body).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unknown(_)), "{status} {body}: {error}");
        assert_eq!(
            (error.outcome_known(), error.advice()),
            (false, Advice::SameKey { after: None })
        );
    }
    let key = IdempotencyKey::create(attempt());
    let short = Duration::from_millis(50);
    let silent = gateway(&line::silent().await).create(&wish(), &key, short).await.unwrap_err();
    assert!(matches!(silent, GatewayError::Unknown(_)), "{silent}");
    let reset = Script::raw(vec![Vec::new()]).await;
    let reset = gateway(&reset.base).create(&wish(), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(reset, GatewayError::Unknown(_)), "{reset}");
    let dead = gateway(&line::nobody().await).create(&wish(), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(dead, GatewayError::NotSent(_)) && dead.outcome_known(), "{dead}");
}

#[tokio::test]
async fn money_is_read_strictly_and_nonsense_is_not_believed() {
    let of = |value: Value| json!({ "amount": { "value": value, "currency": "RUB" } });
    let refunded = |value: &str| json!({ "status": "succeeded", "refunded_amount": { "value": value, "currency": "RUB" } });
    let in_dollars =
        json!({ "status": "succeeded", "refunded_amount": { "value": "1.00", "currency": "USD" } });
    for changes in [
        of(json!(1234.50)),
        of(json!("1234,50")),
        of(json!("1e3")),
        of(json!("-1.00")),
        of(json!("1234.505")),
        of(json!("0.00")),
        json!({ "amount": null }),
        json!({ "amount": { "value": "1.00", "currency": "rub" } }),
        refunded("1234.51"),
        in_dollars,
        json!({ "status": "paid" }),
        json!({ "id": "another" }),
        json!({ "metadata": {} }),
        json!({ "metadata": { "attempt_id": refund_id() } }),
        json!({ "test": null }),
    ] {
        let error = fetch(200, &told(&changes)).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{changes}: {error}");
        assert_eq!((error.outcome_known(), error.advice()), (false, Advice::Alarm));
    }
}

#[tokio::test]
async fn p18_paid_is_not_believed_to_be_ours() {
    for status in ["pending", "waiting_for_capture"] {
        let seen = fetch(200, &told(&json!({ "status": status, "paid": true }))).await.unwrap();
        assert_eq!(seen.captured.minor, 0, "{status}");
    }
}

#[tokio::test]
async fn p01_another_sum_or_shop_is_told_as_it_is_for_the_caller_to_compare() {
    let other = json!({ "amount": { "value": "0.01", "currency": "USD" }, "status": "succeeded" });
    let seen = fetch(200, &told(&other)).await.unwrap();
    assert_eq!((seen.amount.minor, seen.amount.currency), (1, Currency::USD));
    let gateway = gateway("http://127.0.0.1:1");
    assert!(gateway.identity().fits(&seen));
    let elsewhere = json!({ "recipient": { "account_id": "100501" } });
    assert!(!gateway.identity().fits(&fetch(200, &told(&elsewhere)).await.unwrap()));
    let real = fetch(200, &told(&json!({ "test": false }))).await.unwrap();
    assert!(!gateway.identity().fits(&real));
}

#[tokio::test]
async fn a_payer_is_sent_to_decent_addresses_only() {
    for page in ["javascript:alert(1)", "http://example.com/pay", "/pay", ""] {
        let confirmation = json!({ "type": "redirect", "confirmation_url": page });
        let line = Script::of(&[(200, &told(&json!({ "confirmation": confirmation })))]).await;
        let key = IdempotencyKey::create(attempt());
        let error = gateway(&line.base).create(&wish(), &key, PATIENCE).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{page}: {error}");
    }
}

#[tokio::test]
async fn what_they_would_not_take_is_not_sent() {
    let gateway = gateway("http://127.0.0.1:1");
    let key = IdempotencyKey::create(attempt());
    let yen = Money::new(500, "JPY".parse().unwrap());
    for wish in [
        CreatePayment { amount: yen, ..wish() },
        CreatePayment { amount: Money { minor: 0, ..PRICE }, ..wish() },
        CreatePayment {
            return_url: format!("https://shop.example/{}", "x".repeat(2048)).parse().unwrap(),
            ..wish()
        },
    ] {
        let refused = gateway.create(&wish, &key, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, GatewayError::Invalid { .. }), "{refused}");
    }
}

type Change = fn(&mut YooKassaSettings);

#[test]
fn p23_settings_that_contradict_each_other_are_refused_in_words() {
    let make = |change: &dyn Fn(&mut YooKassaSettings)| {
        let mut settings = settings("http://127.0.0.1:8081");
        change(&mut settings);
        YooKassa::new(settings, env()).err().map(|error| error.to_string())
    };
    assert_eq!(make(&|_| {}), None);
    let cases: [(Change, &str); 9] = [
        (|s| s.mode = crate::Mode::Live, "play money"),
        (|s| s.secret_key = Secret::new("live_abc"), "real money"),
        (|s| s.secret_key = Secret::new(""), "letters"),
        (|s| s.secret_key = Secret::new("test_a b"), "letters"),
        (|s| s.shop_id = "shop".to_owned(), "digits only"),
        (|s| s.shop_id = String::new(), "digits only"),
        (|s| s.base_url = "http://shop.example".to_owned(), "127.0.0.1"),
        (|s| s.hook_tokens = vec![Secret::new("short")], "16 characters"),
        (
            |s| {
                s.mode = crate::Mode::Live;
                s.secret_key = Secret::new("live_abc");
            },
            "on this machine",
        ),
    ];
    for (change, says) in cases {
        let said = make(&change).unwrap();
        assert!(said.contains(says) && !said.contains(SECRET), "{said}");
    }
    let shown = format!("{:?}", settings("http://127.0.0.1:1"));
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(matches!(
        YooKassa::new(
            YooKassaSettings { shop_id: "x".into(), ..settings("http://127.0.0.1:1") },
            env()
        ),
        Err(SetupError::BadSetting { gateway: "yookassa", .. })
    ));
}
