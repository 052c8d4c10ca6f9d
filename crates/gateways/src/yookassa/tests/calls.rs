//! Every call as it goes over the line, and its good answer.

use kernel::{Money, SignedDuration};
use serde_json::json;

use super::*;
use crate::error::GatewayError;
use crate::listing::{PageToken, TimeWindow};
use crate::observation::{CancelReason, RemoteRefundStatus, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::{Confirmation, IdempotencyKey};
use crate::testing::line::Script;

#[tokio::test]
async fn opens_a_payment_with_key_and_password() {
    let mut line = Script::of(&[(200, &told(&json!({})))]).await;
    let key = IdempotencyKey::create(attempt());
    let made = gateway(&line.base).create(&wish(), &key, PATIENCE).await.unwrap();
    let asked = line.heard().await;
    assert_eq!(asked.line(), "POST /payments");
    // Vector Y1.
    let password = "Basic MTAwNTAwOnRlc3RfSG9sZGZhc3RTZWNyZXRLZXkwMTIzNDU2Nzg5";
    assert_eq!(asked.header("authorization"), Some(password));
    assert_eq!(asked.header("idempotence-key"), Some(attempt().to_string().as_str()));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let expected = json!({
        "amount": { "value": "1234.50", "currency": "RUB" },
        "capture": false,
        "confirmation": {
            "type": "redirect", "return_url": "https://shop.example/pay/return/HF-42",
            "locale": "ru_RU",
        },
        "description": "Заказ HF-42",
        "metadata": { "order_id": "HF-42", "attempt_id": attempt() },
        "client_ip": "203.0.113.7",
    });
    assert_eq!(asked.json(), expected);

    let seen = made.observation;
    assert_eq!((seen.status, seen.amount), (RemoteStatus::AwaitingPayer, PRICE));
    assert_eq!((seen.gateway_id.as_deref(), seen.payee.as_deref()), (Some(ID), Some("100500")));
    assert_eq!((seen.attempt, seen.test, seen.fee), (Some(attempt()), true, None));
    let Confirmation::Redirect { url, valid_until } = made.confirmation else { panic!("a page") };
    assert!(url.as_str().starts_with("https://yoomoney.ru/"));
    assert_eq!(valid_until, seen.created_at.unwrap() + SignedDuration::from_hours(1));
}

#[tokio::test]
async fn a_repeated_request_is_the_same_to_the_byte() {
    let good = told(&json!({}));
    let mut line = Script::of(&[(500, "{}"), (200, &good)]).await;
    let gateway = gateway(&line.base);
    let wish = CreatePayment { receipt: Some(receipt()), ..wish() };
    let stored = serde_json::to_string(&wish).unwrap();
    let key = IdempotencyKey::create(attempt());
    gateway.create(&wish, &key, PATIENCE).await.unwrap_err();
    let again: CreatePayment = serde_json::from_str(&stored).unwrap();
    gateway.create(&again, &key, PATIENCE).await.unwrap();
    let (first, second) = (line.heard().await, line.heard().await);
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("idempotence-key"), second.header("idempotence-key"));
}

#[tokio::test]
async fn p24_a_receipt_adds_up_to_what_is_paid_or_is_not_sent() {
    let mut line = Script::of(&[(200, &told(&json!({})))]).await;
    let gateway = gateway(&line.base);
    let key = IdempotencyKey::create(attempt());
    let wish = CreatePayment { receipt: Some(receipt()), ..wish() };
    gateway.create(&wish, &key, PATIENCE).await.unwrap();
    let expected = json!({
        "customer": { "email": "a@example.com" },
        "items": [
            { "description": "Платье", "quantity": 2, "vat_code": 11, "measure": "piece",
              "amount": { "value": "600.00", "currency": "RUB" },
              "payment_subject": "commodity", "payment_mode": "full_prepayment" },
            { "description": "Доставка", "quantity": 1, "vat_code": 11, "measure": "piece",
              "amount": { "value": "34.50", "currency": "RUB" },
              "payment_subject": "service", "payment_mode": "full_prepayment" },
        ],
        "internet": true, "tax_system_code": 1,
    });
    assert_eq!(line.heard().await.json()["receipt"], expected);

    let by_phone = BuyerContact { email: None, phone: Some("+7 900 000-00-00".to_owned()) };
    let nobody = BuyerContact { email: Some(String::new()), phone: Some("-".to_owned()) };
    let change = |change: &dyn Fn(&mut Receipt)| {
        let mut changed = receipt();
        change(&mut changed);
        CreatePayment { receipt: Some(changed), ..wish.clone() }
    };
    for wrong in [
        change(&|receipt| receipt.lines[0].unit_price.minor += 1),
        change(&|receipt| receipt.lines[0].quantity = 0),
        change(&|receipt| receipt.lines[0].vat_code = 13),
        change(&|receipt| receipt.lines[0].unit_price.minor = i64::MAX),
        change(&|receipt| receipt.lines.clear()),
        change(&|receipt| receipt.customer = nobody.clone()),
    ] {
        let refused = gateway.create(&wrong, &key, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, GatewayError::Invalid { .. }), "{refused}");
    }
    let mut line = Script::of(&[(200, &told(&json!({})))]).await;
    let wish = change(&|receipt| receipt.customer = by_phone.clone());
    super::gateway(&line.base).create(&wish, &key, PATIENCE).await.unwrap();
    let customer = &line.heard().await.json()["receipt"]["customer"];
    assert_eq!(customer, &json!({ "phone": "79000000000" }));
}

#[tokio::test]
async fn sees_every_state_in_our_words() {
    let card = json!({
        "type": "bank_card", "id": "x", "saved": false,
        "card": { "first6": "555555", "last4": "4444", "card_type": "MasterCard" },
    });
    let until = "2027-01-22T08:00:00Z";
    for (changes, status, [authorized, captured, refunded]) in [
        (json!({}), RemoteStatus::AwaitingPayer, [0, 0, 0]),
        (
            json!({ "status": "waiting_for_capture", "paid": true, "expires_at": until }),
            RemoteStatus::Authorized { until: Some(until.parse().unwrap()) },
            [123_450, 0, 0],
        ),
        (json!({ "status": "succeeded" }), RemoteStatus::Captured, [0, 123_450, 0]),
        (
            json!({ "status": "succeeded", "refunded_amount": { "value": "100.00", "currency": "RUB" } }),
            RemoteStatus::Captured,
            [0, 123_450, 10_000],
        ),
    ] {
        let mut changes = changes;
        changes["payment_method"] = card.clone();
        let line = Script::of(&[(200, &told(&changes))]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        let sums = [seen.authorized, seen.captured, seen.refunded.unwrap()].map(|m| m.minor);
        assert_eq!((seen.status, sums), (status, [authorized, captured, refunded]), "{changes}");
        let method = seen.method.unwrap();
        assert_eq!((method.kind.as_str(), method.last4.as_deref()), ("card", Some("4444")));
    }
    for (word, reason) in [
        ("general_decline", CancelReason::Declined),
        ("expired_on_confirmation", CancelReason::Expired),
        ("canceled_by_merchant", CancelReason::Voided),
        ("insufficient_funds", CancelReason::Other("insufficient_funds".to_owned())),
        ("expired_on_capture", CancelReason::Other("expired_on_capture".to_owned())),
    ] {
        let details = json!({ "party": "payment_network", "reason": word });
        let changes = json!({ "status": "canceled", "cancellation_details": details });
        let line = Script::of(&[(200, &told(&changes))]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        assert_eq!(seen.status, RemoteStatus::Canceled { reason });
    }
}

#[tokio::test]
async fn tells_the_fee_of_money_that_is_ours() {
    let income = json!({ "value": "1191.29", "currency": "RUB" });
    for (status, fee) in [("succeeded", Some(4321)), ("waiting_for_capture", None)] {
        let changes = json!({ "status": status, "income_amount": income });
        let line = Script::of(&[(200, &told(&changes))]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        assert_eq!(seen.fee.map(|fee| fee.minor), fee, "{status}");
    }
}

#[tokio::test]
async fn p12_a_payment_whose_id_was_never_heard_is_found_by_our_attempt() {
    let other = told(&json!({ "id": "other", "metadata": {} }));
    let first = format!(r#"{{"type":"list","items":[{other}],"next_cursor":"c2"}}"#);
    let second = format!(r#"{{"type":"list","items":[{other},{}]}}"#, told(&json!({})));
    let mut line = Script::of(&[(200, &first), (200, &second)]).await;
    let seen = gateway(&line.base).fetch(&unknown(), PATIENCE).await.unwrap();
    assert_eq!(seen.gateway_id.as_deref(), Some(ID));
    let window = "created_at.gte=2027-01-15T07%3A50%3A00Z&created_at.lt=2027-01-16T08%3A00%3A00Z";
    assert_eq!(line.heard().await.line(), format!("GET /payments?{window}&limit=100"));
    assert_eq!(line.heard().await.line(), format!("GET /payments?{window}&limit=100&cursor=c2"));

    let nothing = r#"{"type":"list","items":[]}"#;
    let line = Script::of(&[(200, nothing)]).await;
    let seen = gateway(&line.base).fetch(&unknown(), PATIENCE).await.unwrap();
    assert_eq!((seen.status, seen.amount, seen.test), (RemoteStatus::Absent, PRICE, true));
}

#[tokio::test]
async fn p07_takes_a_part_of_what_was_reserved() {
    let part = Money { minor: 60_000, ..PRICE };
    let taken =
        json!({ "status": "succeeded", "amount": { "value": "600.00", "currency": "RUB" } });
    let mut line = Script::of(&[(200, &told(&taken))]).await;
    let key = IdempotencyKey::capture(attempt());
    let seen = gateway(&line.base).capture(&capture(part), &key, PATIENCE).await.unwrap();
    assert_eq!((seen.status, seen.captured), (RemoteStatus::Captured, part));
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("POST /payments/{ID}/capture"));
    assert_eq!(asked.header("idempotence-key"), Some(format!("c-{}", attempt()).as_str()));
    let amount = json!({ "amount": { "value": "600.00", "currency": "RUB" } });
    assert_eq!(asked.json(), amount);
}

#[tokio::test]
async fn p05_a_second_capture_brings_the_truth_and_no_failure() {
    let refused = r#"{"type":"error","id":"e","code":"invalid_request","description":"status"}"#;
    let key = IdempotencyKey::capture(attempt());
    let paid = told(&json!({ "status": "succeeded" }));
    let line = Script::of(&[(400, refused), (200, &paid)]).await;
    let error = gateway(&line.base).capture(&capture(PRICE), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(seen)) = error else { panic!("{error}") };
    assert_eq!((seen.status, seen.captured), (RemoteStatus::Captured, PRICE));
    let still = told(&json!({ "status": "waiting_for_capture" }));
    let line = Script::of(&[(400, refused), (200, &still)]).await;
    let error = gateway(&line.base).capture(&capture(PRICE), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(error, GatewayError::Invalid { .. }), "the request was wrong: {error}");
}

#[tokio::test]
async fn p06_a_capture_that_comes_too_late_tells_that_it_is_over() {
    let refused = r#"{"type":"error","id":"e","code":"invalid_request"}"#;
    let details = json!({ "party": "yoo_money", "reason": "expired_on_capture" });
    let over = told(&json!({ "status": "canceled", "cancellation_details": details }));
    let line = Script::of(&[(400, refused), (200, &over)]).await;
    let key = IdempotencyKey::capture(attempt());
    let error = gateway(&line.base).capture(&capture(PRICE), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(truth)) = error else { panic!("{error}") };
    let reason = CancelReason::Other("expired_on_capture".to_owned());
    assert_eq!(truth.status, RemoteStatus::Canceled { reason });
}

#[tokio::test]
async fn lets_reserved_money_go_and_cannot_call_off_what_nobody_paid() {
    let key = IdempotencyKey::void(attempt());
    let details = json!({ "party": "merchant", "reason": "canceled_by_merchant" });
    let canceled = told(&json!({ "status": "canceled", "cancellation_details": details }));
    let mut line = Script::of(&[(200, &canceled)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Voided });
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("POST /payments/{ID}/cancel"));
    assert_eq!(asked.text(), "{}");

    let refused = r#"{"type":"error","id":"e","code":"invalid_request"}"#;
    let line = Script::of(&[(400, refused), (200, &told(&json!({})))]).await;
    let error = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap_err();
    assert_eq!(error, GatewayError::Unsupported);

    let line = Script::of(&[(400, refused), (200, &canceled)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Voided });

    let paid = told(&json!({ "status": "succeeded" }));
    let line = Script::of(&[(400, refused), (200, &paid)]).await;
    let error = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(seen)) = error else { panic!("{error}") };
    assert_eq!(seen.captured, PRICE);

    let line = Script::of(&[(200, r#"{"items":[]}"#)]).await;
    let seen = gateway(&line.base).void(&unknown(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Absent);
}

#[tokio::test]
async fn gives_money_back() {
    let mut line = Script::of(&[(200, &told_refund(&json!({})))]).await;
    let key = IdempotencyKey::refund(refund_id());
    let seen = gateway(&line.base).refund(&refund(60_000), &key, PATIENCE).await.unwrap();
    assert_eq!((&seen.status, seen.amount.minor), (&RemoteRefundStatus::Succeeded, 60_000));
    assert_eq!((seen.refund, seen.payment_id.as_deref()), (Some(refund_id()), Some(ID)));
    let asked = line.heard().await;
    assert_eq!(asked.line(), "POST /refunds");
    assert_eq!(asked.header("idempotence-key"), Some(format!("r-{}", refund_id()).as_str()));
    let expected = json!({
        "payment_id": ID, "amount": { "value": "600.00", "currency": "RUB" },
        "description": "Вернули платье", "metadata": { "refund_id": refund_id() },
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn p11_a_refund_may_wait_and_may_fail() {
    let failed = |reason: &str, retry_with_new_key| RemoteRefundStatus::Failed {
        reason: reason.to_owned(),
        retry_with_new_key,
    };
    let canceled = |reason: &str| json!({ "status": "canceled", "cancellation_details": { "reason": reason } });
    for (changes, status) in [
        (json!({ "status": "pending" }), RemoteRefundStatus::Pending),
        (canceled("rejected_by_timeout"), failed("rejected_by_timeout", true)),
        (canceled("insufficient_funds"), failed("insufficient_funds", true)),
        (canceled("yoo_money_account_closed"), failed("yoo_money_account_closed", false)),
    ] {
        let id = "216749f7-0016-50be-b000-078d43a63ae4";
        let mut line = Script::of(&[(200, &told_refund(&changes))]).await;
        let seen = gateway(&line.base).fetch_refund(&about(Some(id)), PATIENCE).await.unwrap();
        assert_eq!(seen.status, status);
        assert_eq!(line.heard().await.line(), format!("GET /refunds/{id}"));
    }
}

#[tokio::test]
async fn p09_a_refund_whose_id_was_never_heard_is_found_by_our_mark() {
    let stranger = told_refund(&json!({ "id": "by-hand", "metadata": null }));
    let list = format!(r#"{{"items":[{stranger},{}]}}"#, told_refund(&json!({})));
    let mut line = Script::of(&[(200, &list), (200, r#"{"items":[]}"#)]).await;
    let gateway = gateway(&line.base);
    let seen = gateway.fetch_refund(&about(None), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteRefundStatus::Succeeded);
    assert_eq!(line.heard().await.line(), format!("GET /refunds?payment_id={ID}&limit=100"));
    let seen = gateway.fetch_refund(&about(None), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteRefundStatus::Absent);
}

#[tokio::test]
async fn p10_lists_show_what_was_done_in_their_cabinet() {
    let window = TimeWindow {
        from: "2027-01-15T00:00:00Z".parse().unwrap(),
        to: "2027-01-16T00:00:00Z".parse().unwrap(),
    };
    let stranger = told(&json!({ "metadata": {}, "status": "succeeded" }));
    let payments = format!(r#"{{"items":[{stranger}],"next_cursor":"more"}}"#);
    let by_hand = told_refund(&json!({ "metadata": null }));
    let refunds = format!(r#"{{"items":[{by_hand}]}}"#);
    let mut line = Script::of(&[(200, &payments), (200, &refunds)]).await;
    let gateway = gateway(&line.base);
    let page = gateway.list_payments(window, None, PATIENCE).await.unwrap();
    assert_eq!((page.items[0].attempt, page.items[0].captured), (None, PRICE));
    assert_eq!(page.next, Some(PageToken("more".to_owned())));
    line.heard().await;
    let page = gateway.list_refunds(window, page.next.as_ref(), PATIENCE).await.unwrap();
    assert_eq!((page.items[0].refund, page.next), (None, None));
    assert_eq!(page.items[0].payment_id.as_deref(), Some(ID));
    let span = "created_at.gte=2027-01-15T00%3A00%3A00Z&created_at.lt=2027-01-16T00%3A00%3A00Z";
    assert_eq!(line.heard().await.line(), format!("GET /refunds?{span}&limit=100&cursor=more"));
}

#[tokio::test]
async fn p21_a_probe_tells_who_we_are_and_how_far_clocks_differ() {
    let me = r#"{"account_id":"100500","status":"enabled","test":true,"fiscalization":{"enabled":true}}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 07:59:00 GMT\r\nContent-Length: {}\r\n\r\n{me}",
        me.len()
    );
    let mut line = Script::raw(vec![answer.into_bytes()]).await;
    let health = gateway(&line.base).probe(PATIENCE).await.unwrap();
    assert_eq!((health.payee.as_deref(), health.test), (Some("100500"), Some(true)));
    assert_eq!(health.receipts_wanted, Some(true));
    assert_eq!(health.clock_ahead, Some(SignedDuration::from_mins(1)));
    assert_eq!(line.heard().await.line(), "GET /me");
}
