//! Answers that nobody should believe, and refusals, each translated.

use kernel::AttemptId;
use serde_json::{Value, json};

use super::{PATIENCE, env, gateway, line, payment, refund_of, request};
use crate::error::{Advice, GatewayError, SetupError};
use crate::observation::{CancelReason, Observation, RemoteRefundStatus, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::{IdempotencyKey, RefundRef};
use crate::sandbox::{SandboxGateway, SandboxSettings};
use crate::secret::Secret;

/// A good answer about a paid payment of 94.50 EUR, with changes.
fn told(attempt: AttemptId, changes: &Value) -> String {
    let mut payment = json!({
        "id": "pay_1",
        "status": "succeeded",
        "amount_minor": 9450,
        "currency": "EUR",
        "captured_minor": 9450,
        "refunded_minor": 0,
        "reference": attempt,
        "confirm_url": "http://127.0.0.1:1/pay/pay_1",
        "expires_at": "2027-01-15T08:15:00Z",
        "canceled_reason": null,
        "method": null,
        "test": true,
        "something_new": "is ignored",
    });
    for (field, value) in changes.as_object().unwrap() {
        payment[field] = value.clone();
    }
    payment.to_string()
}

async fn fetch(status: u16, body: &str, attempt: AttemptId) -> Result<Observation, GatewayError> {
    let (env, _) = env();
    let gateway = gateway(&line::saying(status, body).await, &env);
    gateway.fetch(&payment(attempt, Some("pay_1")), PATIENCE).await
}

#[tokio::test]
async fn every_status_has_a_meaning() {
    let attempt: AttemptId = env().0.id();
    let pending = json!({ "status": "pending", "captured_minor": 0 });
    let canceled = |reason: &str| json!({ "status": "canceled", "captured_minor": 0, "canceled_reason": reason });
    let ended = |reason| RemoteStatus::Canceled { reason };
    for (changes, status) in [
        (json!({}), RemoteStatus::Captured),
        (json!({ "refunded_minor": 9450 }), RemoteStatus::Captured),
        (pending, RemoteStatus::AwaitingPayer),
        (canceled("declined"), ended(CancelReason::Declined)),
        (canceled("expired"), ended(CancelReason::Expired)),
        (canceled("voided"), ended(CancelReason::Voided)),
        (canceled("war"), ended(CancelReason::Other("war".to_owned()))),
    ] {
        let seen = fetch(200, &told(attempt, &changes), attempt).await.unwrap();
        assert_eq!(seen.status, status, "{changes}");
    }
}

#[tokio::test]
async fn every_status_of_a_refund_has_a_meaning() {
    let (env, _) = env();
    let (_, refund) = refund_of(&payment(env.id(), None), env.id(), super::PRICE);
    let refund = RefundRef { gateway_id: Some("ref_1".into()), ..refund };
    let failed = RemoteRefundStatus::Failed {
        reason: "closed_account".to_owned(),
        retry_with_new_key: true,
    };
    for (word, expected) in [
        ("pending", Ok(RemoteRefundStatus::Pending)),
        ("succeeded", Ok(RemoteRefundStatus::Succeeded)),
        ("failed", Ok(failed)),
        ("eaten", Err(())),
    ] {
        let body = json!({
            "id": "ref_1", "status": word, "amount_minor": 1, "currency": "EUR",
            "reference": refund.refund, "failure": "closed_account",
        });
        let gateway = gateway(&line::saying(200, &body.to_string()).await, &env);
        let seen = gateway.fetch_refund(&refund, PATIENCE).await;
        let untrusted = matches!(seen, Err(GatewayError::UntrustedAnswer(_)));
        assert_eq!(seen.map(|seen| seen.status).map_err(|_| ()), expected, "{word}");
        assert_eq!(untrusted, expected.is_err());
    }
}

#[tokio::test]
async fn money_is_read_strictly_and_nonsense_is_not_believed() {
    let (env, _) = env();
    let attempt: AttemptId = env.id();
    for changes in [
        json!({ "amount_minor": 9450.0 }),
        json!({ "amount_minor": "9450" }),
        json!({ "amount_minor": null }),
        json!({ "amount_minor": 0, "captured_minor": 0 }),
        json!({ "amount_minor": -1 }),
        json!({ "amount_minor": 99_999_999_999_999_999_999_f64 }),
        json!({ "currency": "eur" }),
        json!({ "currency": "EURO" }),
        json!({ "currency": 978 }),
        json!({ "captured_minor": 9451 }),
        json!({ "captured_minor": -1 }),
        json!({ "captured_minor": 0 }),
        json!({ "refunded_minor": 9451 }),
        json!({ "refunded_minor": -1 }),
        json!({ "status": "pending" }),
        json!({ "status": "canceled" }),
        json!({ "status": "paid" }),
        json!({ "id": "pay_2" }),
        json!({ "reference": env.id::<AttemptId>() }),
    ] {
        let error = fetch(200, &told(attempt, &changes), attempt).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{changes}: {error}");
        assert_eq!((error.outcome_known(), error.advice()), (false, Advice::Alarm));
    }
    let two = format!("{{\"items\":[{0},{0}]}}", told(attempt, &json!({})));
    let gateway = gateway(&line::saying(200, &two).await, &env);
    let error = gateway.fetch(&payment(attempt, None), PATIENCE).await.unwrap_err();
    assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{error}");
}

#[tokio::test]
async fn a_payer_is_sent_to_decent_addresses_only() {
    let (env, _) = env();
    let attempt: AttemptId = env.id();
    for page in ["javascript:alert(1)", "http://example.com/pay", "/pay/pay_1", ""] {
        let changes = json!({ "status": "pending", "captured_minor": 0, "confirm_url": page });
        let gateway = gateway(&line::saying(201, &told(attempt, &changes)).await, &env);
        let (request, key) = (request(attempt, &env), IdempotencyKey::create(attempt));
        let error = gateway.create(&request, &key, PATIENCE).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{page}: {error}");
    }
}

#[tokio::test]
async fn refusals_are_sorted_by_what_is_known() {
    let attempt: AttemptId = env().0.id();
    let said = |code: &str| json!({ "error": { "code": code, "message": "", "param": "x" } });
    let invalid =
        GatewayError::Invalid { code: "invalid_request".to_owned(), param: Some("x".to_owned()) };
    for (status, body, expected) in [
        (401, said("unauthorized"), GatewayError::Unauthorized),
        (403, Value::Null, GatewayError::Unauthorized),
        (404, said("not_found"), GatewayError::NotFound),
        (400, said("invalid_request"), invalid),
        (409, said("wrong_state"), GatewayError::WrongState(None)),
        (409, said("reference_taken"), GatewayError::Conflict),
        (422, said("idempotency_key_reused"), GatewayError::Conflict),
        (429, Value::Null, GatewayError::RateLimited { after: None }),
    ] {
        let error = fetch(status, &body.to_string(), attempt).await.unwrap_err();
        assert_eq!(error, expected, "{status}");
        assert!(error.outcome_known(), "{status}");
    }
}

#[tokio::test]
async fn what_is_no_answer_leaves_the_outcome_open() {
    let attempt: AttemptId = env().0.id();
    let good = told(attempt, &json!({}));
    let half = &good[..good.len() / 2];
    for (status, body) in [(200, half), (200, ""), (200, "<html>"), (409, half), (503, "later")] {
        let error = fetch(status, body, attempt).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unknown(_)), "{status} {body}: {error}");
    }
    // A redirect is not followed: the secret goes nowhere else.
    for status in [301, 302, 307, 418] {
        let error = fetch(status, "", attempt).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{status}: {error}");
        assert!(!error.outcome_known());
    }
    let (env, _) = env();
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(1024 * 1024));
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{good}", good.len() + 1);
    for base in [line::saying(200, &long).await, line::answering(cut).await] {
        let gateway = gateway(&base, &env);
        let error = gateway.fetch(&payment(attempt, Some("pay_1")), PATIENCE).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unknown(_)), "{error}");
    }
}

#[tokio::test]
async fn sends_the_secret_and_the_key_and_shows_neither_in_errors() {
    let (env, _) = env();
    let (listener, base) = line::listen().await;
    let gateway = gateway(&base, &env);
    let attempt: AttemptId = env.id();
    let (request, key) = (request(attempt, &env), IdempotencyKey::create(attempt));
    let asked = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        line::read(&mut stream).await
    };
    let (error, asked) = tokio::join!(gateway.create(&request, &key, PATIENCE), asked);
    assert_eq!(asked.first_line, "POST /plain/v1/payments HTTP/1.1");
    let header = |name: &str| {
        let found = asked.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(header("authorization"), Some("Bearer a-secret-for-tests"));
    assert_eq!(header("idempotency-key"), Some(attempt.to_string().as_str()));
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["amount_minor"], 9450);
    assert_eq!(body["expires_at"], "2027-01-15T08:15:00Z");
    let error = format!("{error:?} {:?}", Secret::new(super::SECRET));
    assert!(!error.contains(super::SECRET), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_in_words() {
    let make = |base_url: &str, secrets: &[&str]| {
        let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        let settings = SandboxSettings {
            base_url: base_url.to_owned(),
            secrets,
            capture: crate::capabilities::CaptureMode::Immediate,
        };
        SandboxGateway::new(settings, env().0).err()
    };
    let here = "http://127.0.0.1:8081";
    assert_eq!(make(here, &["new", "old"]), None);
    for secrets in [&[][..], &[""], &["new", ""], &["with space"], &["line\nbreak"]] {
        assert!(matches!(make(here, secrets), Some(SetupError::BadSecret { .. })), "{secrets:?}");
    }
    assert!(matches!(make("http://shop.example", &["s"]), Some(SetupError::BadUrl { .. })));
}
