//! Every call as it goes over the line, and its good answer.

use kernel::Timestamp;

use super::*;
use crate::error::GatewayError;
use crate::listing::{PageToken, TimeWindow};
use crate::notification::Subject;
use crate::observation::{CancelReason, RemoteRefundStatus, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::{Confirmation, IdempotencyKey};
use crate::testing::line::Script;

fn fields(body: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn opens_a_page() {
    let mut line = Script::of(&[(200, &page(&json!({})))]).await;
    let key = IdempotencyKey::create(attempt());
    let made = gateway(&line.base).create(&wish(), &key, PATIENCE).await.unwrap();
    let asked = line.heard().await;
    assert_eq!(asked.line(), "POST /v1/checkout/sessions");
    assert_eq!(asked.header("authorization"), Some("Bearer sk_test_holdfast"));
    assert_eq!(asked.header("idempotency-key"), Some(attempt().to_string().as_str()));
    assert_eq!(asked.header("stripe-version"), Some("2026-10-28.endive"));
    let mark = attempt().to_string();
    let expected = [
        ("mode", "payment"),
        ("client_reference_id", "HF-42"),
        ("metadata[order_id]", "HF-42"),
        ("metadata[attempt_id]", mark.as_str()),
        ("payment_intent_data[metadata][order_id]", "HF-42"),
        ("payment_intent_data[metadata][attempt_id]", mark.as_str()),
        ("payment_intent_data[capture_method]", "manual"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", "123450"),
        ("line_items[0][price_data][product_data][name]", "Order HF-42"),
        ("success_url", "https://shop.example/pay/return/HF-42"),
        ("cancel_url", "https://shop.example/pay/return/HF-42"),
        ("expires_at", "1800003600"),
        ("locale", "de"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields(asked.text()), expected);

    let seen = made.observation;
    assert_eq!((seen.status, seen.amount), (RemoteStatus::AwaitingPayer, PRICE));
    assert_eq!((seen.gateway_id.as_deref(), seen.secondary_id), (Some(PAGE_ID), None));
    assert!(seen.test);
    let Confirmation::Redirect { url, valid_until } = made.confirmation else { panic!("a page") };
    assert_eq!(url.as_str(), "https://checkout.stripe.com/c/pay/cs_test_a1");
    assert_eq!(valid_until, Timestamp::from_second(1_800_003_600).unwrap());
}

#[tokio::test]
async fn a_short_deadline_becomes_what_they_allow_and_a_repeated_request_is_the_same() {
    let good = page(&json!({}));
    let mut line = Script::of(&[(500, "{}"), (200, &good)]).await;
    let (env, clock) = Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7);
    let gateway = Stripe::new(settings(&line.base), env.clone()).unwrap();
    let wish = CreatePayment { payer_deadline: env.now(), ..wish() };
    let key = IdempotencyKey::create(attempt());
    gateway.create(&wish, &key, PATIENCE).await.unwrap_err();
    clock.advance(SignedDuration::from_mins(3));
    let again = serde_json::from_str(&serde_json::to_string(&wish).unwrap()).unwrap();
    gateway.create(&again, &key, PATIENCE).await.unwrap();
    let (first, second) = (line.heard().await, line.heard().await);
    assert_eq!(first.body, second.body);
    assert!(first.text().contains("expires_at=1800002100"), "{}", first.text());
}

#[tokio::test]
async fn money_is_counted_by_their_table() {
    for (minor, code, units) in [
        (123_450, "EUR", Some("123450")),
        (500, "JPY", Some("500")),
        (1230, "KWD", Some("1230")),
        (1235, "KWD", None),
        (7, "ISK", Some("700")),
        (700, "MGA", Some("7")),
        (701, "MGA", None),
        (1000, "IQD", None),
        (0, "EUR", None),
        (-5, "EUR", None),
        (i64::MAX, "UGX", None),
    ] {
        let mut line = Script::of(&[(200, &page(&json!({})))]).await;
        let amount = Money::new(minor, code.parse().unwrap());
        let key = IdempotencyKey::create(attempt());
        let wish = CreatePayment { amount, ..wish() };
        let made = gateway(&line.base).create(&wish, &key, PATIENCE).await;
        if let Some(units) = units {
            let asked = line.heard().await;
            let sent = fields(asked.text()).into_iter().find(|(n, _)| n.ends_with("[unit_amount]"));
            assert_eq!(sent.unwrap().1, units, "{minor} {code}");
        } else {
            assert!(matches!(made, Err(GatewayError::Invalid { .. })), "{minor} {code}");
        }
    }
    for (units, code, minor) in [(500, "jpy", 500), (700, "isk", 7), (7, "mga", 700)] {
        let page = page(&json!({ "amount_total": units, "currency": code }));
        let line = Script::of(&[(200, &page)]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        assert_eq!(seen.amount.minor, minor, "{code}");
    }
}

#[tokio::test]
async fn the_money_decides_once_the_page_is_complete() {
    let reserved =
        json!({ "status": "requires_capture", "amount_capturable": 123_450, "amount_received": 0 });
    let nothing = |status: &str| json!({ "status": status, "amount_received": 0 });
    let refused = json!({
        "status": "requires_payment_method", "amount_received": 0,
        "last_payment_error": { "type": "card_error", "code": "card_declined",
            "decline_code": "insufficient_funds" },
    });
    let off =
        json!({ "status": "canceled", "amount_received": 0, "cancellation_reason": "abandoned" });
    let late =
        json!({ "status": "canceled", "amount_received": 0, "cancellation_reason": "automatic" });
    let ended = |reason| RemoteStatus::Canceled { reason };
    for (changes, status, [authorized, captured]) in [
        (json!({}), RemoteStatus::Captured, [0, 123_450]),
        (reserved, RemoteStatus::Authorized { until: None }, [123_450, 0]),
        (nothing("processing"), RemoteStatus::Processing, [0, 0]),
        (refused, ended(CancelReason::Other("insufficient_funds".to_owned())), [0, 0]),
        (off, ended(CancelReason::Voided), [0, 0]),
        (late, ended(CancelReason::Other("expired_on_capture".to_owned())), [0, 0]),
    ] {
        let mut line = Script::of(&[(200, &complete(&changes))]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        assert_eq!(seen.status, status, "{changes}");
        assert_eq!([seen.authorized.minor, seen.captured.minor], [authorized, captured]);
        let ids = (seen.gateway_id.as_deref(), seen.secondary_id.as_deref());
        assert_eq!(ids, (Some(PAGE_ID), Some(MONEY_ID)));
        let asked = line.heard().await;
        assert_eq!(asked.line(), format!("GET /v1/checkout/sessions/{PAGE_ID}?{DEEP}"));
    }
}

#[tokio::test]
async fn money_that_is_only_named_is_asked_for() {
    let page = page(&json!({ "status": "complete", "payment_intent": MONEY_ID }));
    let charge = json!({
        "id": "ch_1", "amount_refunded": 100,
        "balance_transaction": { "id": "txn_1", "fee": 3600, "currency": "eur" },
        "payment_method_details": { "type": "card",
            "card": { "brand": "visa", "last4": "4242", "fingerprint": "fp" } },
    });
    let money = intent(&json!({ "latest_charge": charge })).to_string();
    let mut line = Script::of(&[(200, &page), (200, &money)]).await;
    let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
    assert_eq!(seen.refunded.unwrap().minor, 100);
    assert_eq!(seen.fee, Some(Money { minor: 3600, ..PRICE }));
    let method = seen.method.unwrap();
    assert_eq!(
        (method.last4.as_deref(), method.fingerprint.as_deref()),
        (Some("4242"), Some("fp"))
    );
    line.heard().await;
    let deep = "expand%5B%5D=latest_charge.balance_transaction";
    assert_eq!(line.heard().await.line(), format!("GET /v1/payment_intents/{MONEY_ID}?{deep}"));
}

#[tokio::test]
async fn p17_a_card_declined_on_an_open_page_is_not_the_end() {
    let refused = json!({ "status": "requires_payment_method", "amount_received": 0,
        "last_payment_error": { "code": "card_declined" } });
    let line = Script::of(&[(200, &page(&json!({ "payment_intent": intent(&refused) })))]).await;
    let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::AwaitingPayer);
    let line = Script::of(&[(200, &page(&json!({ "status": "expired", "url": null })))]).await;
    let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Expired });
}

#[tokio::test]
async fn p12_a_page_whose_id_was_never_heard_is_found_by_our_attempt() {
    let other = page(&json!({ "id": "cs_other", "metadata": {}, "amount_total": null }));
    let first = format!(r#"{{"object":"list","has_more":true,"data":[{other}]}}"#);
    let second = format!(r#"{{"has_more":false,"data":[{other},{}]}}"#, page(&json!({})));
    let mut line = Script::of(&[(200, &first), (200, &second)]).await;
    let seen = gateway(&line.base).fetch(&unknown(), PATIENCE).await.unwrap();
    assert_eq!(seen.gateway_id.as_deref(), Some(PAGE_ID));
    let span = "created%5Bgte%5D=1799999400&created%5Blt%5D=1800086400&limit=100";
    assert_eq!(line.heard().await.line(), format!("GET /v1/checkout/sessions?{span}"));
    let next = line.heard().await;
    assert_eq!(next.line(), format!("GET /v1/checkout/sessions?{span}&starting_after=cs_other"));

    let line = Script::of(&[(200, r#"{"has_more":false,"data":[]}"#)]).await;
    let seen = gateway(&line.base).fetch(&unknown(), PATIENCE).await.unwrap();
    assert_eq!((seen.status, seen.test), (RemoteStatus::Absent, true));
}

#[tokio::test]
async fn p07_takes_a_part_and_then_says_nothing_of_refunds() {
    let part = json!({ "amount_received": 60_000, "latest_charge": { "amount_refunded": 63_450 } });
    let mut line = Script::of(&[(200, &intent(&part).to_string())]).await;
    let key = IdempotencyKey::capture(attempt());
    let amount = Money { minor: 60_000, ..PRICE };
    let seen = gateway(&line.base).capture(&capture(amount), &key, PATIENCE).await.unwrap();
    assert_eq!((seen.captured, seen.amount, seen.refunded), (amount, PRICE, None));
    assert_eq!(seen.gateway_id.as_deref(), Some(PAGE_ID));
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("POST /v1/payment_intents/{MONEY_ID}/capture"));
    assert_eq!(asked.header("idempotency-key"), Some(format!("c-{}", attempt()).as_str()));
    assert_eq!(asked.text(), "amount_to_capture=60000");
}

#[tokio::test]
async fn p05_a_second_capture_brings_the_truth_and_no_failure() {
    let moved =
        r#"{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state"}}"#;
    let line = Script::of(&[(400, moved), (200, &complete(&json!({})))]).await;
    let key = IdempotencyKey::capture(attempt());
    let error = gateway(&line.base).capture(&capture(PRICE), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(truth)) = error else { panic!("{error}") };
    assert_eq!((truth.status, truth.captured), (RemoteStatus::Captured, PRICE));
}

#[tokio::test]
async fn p06_a_capture_that_comes_too_late_tells_that_it_is_over() {
    let moved =
        r#"{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state"}}"#;
    let over =
        json!({ "status": "canceled", "amount_received": 0, "cancellation_reason": "automatic" });
    let line = Script::of(&[(400, moved), (200, &complete(&over))]).await;
    let key = IdempotencyKey::capture(attempt());
    let error = gateway(&line.base).capture(&capture(PRICE), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(truth)) = error else { panic!("{error}") };
    let reason = CancelReason::Other("expired_on_capture".to_owned());
    assert_eq!(truth.status, RemoteStatus::Canceled { reason });
}

#[tokio::test]
async fn ends_an_open_page_and_lets_reserved_money_go() {
    let key = IdempotencyKey::void(attempt());
    let over = page(&json!({ "status": "expired", "url": null }));
    let mut line = Script::of(&[(200, &page(&json!({}))), (200, &over)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Expired });
    line.heard().await;
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("POST /v1/checkout/sessions/{PAGE_ID}/expire"));
    assert_eq!(asked.header("idempotency-key"), Some(format!("v-{}", attempt()).as_str()));

    let reserved =
        json!({ "status": "requires_capture", "amount_capturable": 123_450, "amount_received": 0 });
    let off =
        json!({ "status": "canceled", "amount_received": 0, "cancellation_reason": "abandoned" });
    let off = intent(&off).to_string();
    let mut line = Script::of(&[(200, &complete(&reserved)), (200, &off)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Voided });
    assert_eq!(seen.gateway_id.as_deref(), Some(PAGE_ID));
    line.heard().await;
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("POST /v1/payment_intents/{MONEY_ID}/cancel"));
    assert_eq!(asked.header("idempotency-key"), Some(format!("v-{}-pi", attempt()).as_str()));
    assert_eq!(asked.text(), "cancellation_reason=abandoned");
}

#[tokio::test]
async fn what_was_paid_while_it_was_being_called_off_is_told() {
    let key = IdempotencyKey::void(attempt());
    let refused = r#"{"error":{"type":"invalid_request_error","message":"Only open"}}"#;
    let paid = complete(&json!({}));
    let raced = Script::of(&[(200, &page(&json!({}))), (400, refused), (200, &paid)]).await;
    let before = Script::of(&[(200, &paid)]).await;
    for line in [raced, before] {
        let error = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap_err();
        let GatewayError::WrongState(Some(truth)) = error else { panic!("{error}") };
        assert_eq!(truth.captured, PRICE);
    }
    let over = page(&json!({ "status": "expired" }));
    let line = Script::of(&[(200, &page(&json!({}))), (400, refused), (200, &over)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Expired });
    let line = Script::of(&[(200, r#"{"data":[]}"#)]).await;
    let seen = gateway(&line.base).void(&unknown(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Absent);
}

#[tokio::test]
async fn gives_money_back() {
    let mut line = Script::of(&[(200, &told_refund(&json!({})))]).await;
    let key = IdempotencyKey::refund(refund_id());
    let seen = gateway(&line.base).refund(&refund(60_000), &key, PATIENCE).await.unwrap();
    assert_eq!((&seen.status, seen.amount.minor), (&RemoteRefundStatus::Succeeded, 60_000));
    let asked = line.heard().await;
    assert_eq!(asked.line(), "POST /v1/refunds");
    let expected = [
        ("payment_intent", MONEY_ID.to_owned()),
        ("amount", "60000".to_owned()),
        ("metadata[refund_id]", refund_id().to_string()),
        ("metadata[attempt_id]", attempt().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    assert_eq!(fields(asked.text()), expected);
}

#[tokio::test]
async fn p11_a_refund_may_wait_and_may_fail_after_all() {
    let failed = |reason: &str, retry_with_new_key| RemoteRefundStatus::Failed {
        reason: reason.to_owned(),
        retry_with_new_key,
    };
    for (changes, status) in [
        (json!({ "status": "pending" }), RemoteRefundStatus::Pending),
        (json!({ "status": "requires_action" }), RemoteRefundStatus::Pending),
        (json!({ "status": "canceled" }), failed("canceled", false)),
        (
            json!({ "status": "failed", "failure_reason": "expired_or_canceled_card" }),
            failed("expired_or_canceled_card", false),
        ),
        (
            json!({ "status": "failed", "failure_reason": "insufficient_funds" }),
            failed("insufficient_funds", true),
        ),
    ] {
        let mut line = Script::of(&[(200, &told_refund(&changes))]).await;
        let seen = gateway(&line.base).fetch_refund(&about(Some("re_1")), PATIENCE).await.unwrap();
        assert_eq!(seen.status, status);
        assert_eq!(line.heard().await.line(), "GET /v1/refunds/re_1");
    }
}

#[tokio::test]
async fn p09_a_refund_whose_id_was_never_heard_is_found_by_our_mark() {
    let by_hand = told_refund(&json!({ "id": "re_0", "metadata": {} }));
    let list = format!(r#"{{"data":[{by_hand},{}]}}"#, told_refund(&json!({})));
    let mut line = Script::of(&[(200, &list), (200, r#"{"data":[]}"#)]).await;
    let gateway = gateway(&line.base);
    let seen = gateway.fetch_refund(&about(None), PATIENCE).await.unwrap();
    assert_eq!(seen.gateway_id.as_deref(), Some("re_1"));
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("GET /v1/refunds?payment_intent={MONEY_ID}&limit=100"));
    let seen = gateway.fetch_refund(&about(None), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteRefundStatus::Absent);
}

#[tokio::test]
async fn p10_lists_show_what_was_done_in_their_cabinet() {
    let second = |seconds| Timestamp::from_second(seconds).unwrap();
    let window = TimeWindow { from: second(1_800_000_000), to: second(1_800_086_400) };
    let waits =
        json!({ "status": "requires_payment_method", "amount_received": 0, "metadata": {} });
    let payments = format!(r#"{{"has_more":true,"data":[{}]}}"#, intent(&waits));
    let refunds = format!(r#"{{"data":[{}]}}"#, told_refund(&json!({ "metadata": {} })));
    let event = json!({ "id": "evt_1", "type": "payment_intent.succeeded", "livemode": false,
        "data": { "object": intent(&json!({})) } });
    let events = json!({ "data": [event] }).to_string();
    let mut line = Script::of(&[(200, &payments), (200, &refunds), (200, &events)]).await;
    let gateway = gateway(&line.base);
    let page = gateway.list_payments(window, None, PATIENCE).await.unwrap();
    assert_eq!(
        (page.items[0].attempt, &page.items[0].status),
        (None, &RemoteStatus::AwaitingPayer)
    );
    assert_eq!(page.next, Some(PageToken(MONEY_ID.to_owned())));
    let span = "created%5Bgte%5D=1800000000&created%5Blt%5D=1800086400&limit=100";
    let asked = line.heard().await;
    assert!(asked.line().ends_with(span) && asked.line().contains("/payment_intents?"));
    let page = gateway.list_refunds(window, page.next.as_ref(), PATIENCE).await.unwrap();
    assert_eq!((page.items[0].refund, page.next), (None, None));
    let asked = line.heard().await;
    assert_eq!(asked.line(), format!("GET /v1/refunds?{span}&starting_after={MONEY_ID}"));
    let page = gateway.list_notifications(window, None, PATIENCE).await.unwrap();
    let subject = Subject::Payment {
        gateway_id: None,
        secondary_id: Some(MONEY_ID.to_owned()),
        attempt: Some(attempt()),
    };
    assert_eq!((page.items[0].dedupe_key.as_str(), &page.items[0].subject), ("evt_1", &subject));
    assert_eq!(line.heard().await.line(), format!("GET /v1/events?{span}"));
}

#[tokio::test]
async fn p21_a_probe_tells_which_money_and_how_far_clocks_differ() {
    let events = r#"{"data":[{"id":"evt_1","type":"x","livemode":false,"data":{"object":{}}}]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:40 GMT\r\nContent-Length: {}\r\n\r\n{events}",
        events.len()
    );
    let line = Script::raw(vec![answer.into_bytes()]).await;
    let health = gateway(&line.base).probe(PATIENCE).await.unwrap();
    assert_eq!(health.test, Some(true));
    assert_eq!(health.clock_ahead, Some(SignedDuration::from_secs(-40)));
}
