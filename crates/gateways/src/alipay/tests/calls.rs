//! Every call as it goes over the line, and its good answer.

use super::super::canonical::{self, Parameters};
use super::*;
use crate::error::GatewayError;
use crate::observation::{CancelReason, RemoteRefundStatus, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::{Channel, Confirmation, IdempotencyKey};
use crate::testing::line::{Request, Script};

/// What was asked, after looking that it is signed with our key.
fn signed(request: &Request) -> (Parameters, Value) {
    let query = request.line().strip_prefix("POST /gateway.do?").unwrap();
    let mut all = canonical::read_form(query.as_bytes()).unwrap();
    assert!(query.rsplit('&').next().unwrap().starts_with("sign="), "{query}");
    all.extend(canonical::read_form(&request.body).unwrap());
    let signature = super::super::keys::signature(&all["sign"]).unwrap();
    let key = super::super::keys::PublicKey::read(APP_PUBLIC).unwrap();
    assert!(key.verifies(&canonical::of_request(&all), &signature));
    let content = serde_json::from_str(&all["biz_content"]).unwrap();
    (all, content)
}

fn page_of(made: crate::Created) -> (Parameters, Value, Timestamp) {
    let Confirmation::Redirect { url, valid_until } = made.confirmation else { panic!("a page") };
    let all = canonical::read_form(url.query().unwrap().as_bytes()).unwrap();
    let content = serde_json::from_str(&all["biz_content"]).unwrap();
    (all, content, valid_until)
}

#[tokio::test]
async fn makes_a_page_without_a_call_and_says_until_when_it_is_good() {
    let gateway = gateway("http://127.0.0.1:1");
    let key = IdempotencyKey::create(attempt());
    let made = gateway.create(&wish(), &key, PATIENCE).await.unwrap();
    assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer);
    assert_eq!(made.observation.gateway_id, Some(number()));
    let (all, content, valid_until) = page_of(made);
    let expected = json!({
        "out_trade_no": number(), "total_amount": "1234.50",
        "subject": "Holdfast 订单 HF 42   more less", "product_code": "FAST_INSTANT_TRADE_PAY",
        "time_expire": "2026-01-02 03:34:05",
    });
    assert_eq!(content, expected);
    assert_eq!(valid_until, wish().payer_deadline);
    assert_eq!(all["method"], "alipay.trade.page.pay");
    assert_eq!(all["timestamp"], "2026-01-02 03:04:05");
    assert_eq!(all["notify_url"], "https://shop.example/hooks/alipay");
    assert_eq!(all["return_url"], "https://shop.example/pay/HF-42/return?x=1");
    assert!(!all.contains_key("app_cert_sn"));
    let signature = super::super::keys::signature(&all["sign"]).unwrap();
    let public = super::super::keys::PublicKey::read(APP_PUBLIC).unwrap();
    assert!(public.verifies(&canonical::of_request(&all), &signature));
}

#[tokio::test]
async fn a_phone_gets_a_page_of_its_own() {
    let gateway = Alipay::new(with_certificates("http://127.0.0.1:1"), env()).unwrap();
    let key = IdempotencyKey::create(attempt());
    let cancel_url = "https://shop.example/cart".parse().unwrap();
    let wish = CreatePayment { channel: Channel::Mobile, cancel_url, ..wish() };
    let (all, content, _) = page_of(gateway.create(&wish, &key, PATIENCE).await.unwrap());
    assert_eq!(all["method"], "alipay.trade.wap.pay");
    assert_eq!(content["product_code"], "QUICK_WAP_WAY");
    assert_eq!(content["quit_url"], "https://shop.example/cart");
    assert_eq!(all["app_cert_sn"], "dd7728d2cd83270e4cab653218150e87");
    assert_eq!(all["alipay_root_cert_sn"], "9126e2a2bb73c0126a5a1b190b8e7ff5");
}

#[tokio::test]
async fn p27_what_they_would_not_take_is_not_made() {
    let gateway = gateway("http://127.0.0.1:1");
    let key = IdempotencyKey::create(attempt());
    for wish in [
        CreatePayment { amount: Money::new(100, Currency::EUR), ..wish() },
        CreatePayment { amount: Money { minor: 0, ..PRICE }, ..wish() },
        CreatePayment { payer_deadline: env().now() + SignedDuration::from_secs(59), ..wish() },
    ] {
        let refused = gateway.create(&wish, &key, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, GatewayError::Invalid { .. }), "{refused}");
    }
}

#[tokio::test]
async fn sees_every_state_in_our_words() {
    let paid =
        |status: &str| json!({ "trade_status": status, "send_pay_date": "2026-01-02 11:04:30" });
    let nothing = Some(Money { minor: 0, ..PRICE });
    let closed = CancelReason::Other("TRADE_CLOSED".to_owned());
    for (changes, status, captured, refunded) in [
        (json!({}), RemoteStatus::AwaitingPayer, 0, nothing),
        (paid("TRADE_SUCCESS"), RemoteStatus::Captured, 123_450, None),
        (paid("TRADE_FINISHED"), RemoteStatus::Captured, 123_450, None),
        (
            json!({ "trade_status": "TRADE_CLOSED" }),
            RemoteStatus::Canceled { reason: closed },
            0,
            nothing,
        ),
    ] {
        let mut line = Script::of(&[(200, &told(&changes))]).await;
        let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
        assert_eq!((seen.status, seen.captured.minor, seen.refunded), (status, captured, refunded));
        assert_eq!((seen.amount, seen.secondary_id.as_deref()), (PRICE, Some(TRADE_NO)));
        let (all, content) = signed(&line.heard().await);
        assert_eq!((all["method"].as_str(), content), (QUERY, json!({ "out_trade_no": number() })));
    }
}

#[tokio::test]
async fn p19_closed_after_it_was_paid_is_given_back_and_not_unpaid() {
    let changes = json!({ "trade_status": "TRADE_CLOSED", "send_pay_date": "2026-01-02 11:04:30" });
    let line = Script::of(&[(200, &told(&changes))]).await;
    let seen = gateway(&line.base).fetch(&known(), PATIENCE).await.unwrap();
    assert_eq!((seen.status, seen.captured), (RemoteStatus::Captured, PRICE));
    assert_eq!(seen.refunded, Some(PRICE));
}

#[tokio::test]
async fn p20_a_page_that_nobody_opened_is_absent_and_not_failed() {
    let absent = refused("ACQ.TRADE_NOT_EXIST");
    let asked = Script::of(&[(200, &answer(QUERY, &absent))]).await;
    let seen = gateway(&asked.base).fetch(&known(), PATIENCE).await.unwrap();
    assert_eq!((seen.status, seen.amount), (RemoteStatus::Absent, PRICE));
    let closed = Script::of(&[(200, &answer("alipay.trade.close", &absent))]).await;
    let key = IdempotencyKey::void(attempt());
    let seen = gateway(&closed.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Absent, "there was nothing to close");
}

#[tokio::test]
async fn closes_what_waits_and_finds_what_was_paid_meanwhile() {
    let key = IdempotencyKey::void(attempt());
    let close = "alipay.trade.close";
    let done = good(&json!({ "trade_no": TRADE_NO, "out_trade_no": number() }));
    let mut line = Script::of(&[(200, &answer(close, &done))]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Voided });
    let (all, content) = signed(&line.heard().await);
    assert_eq!((all["method"].as_str(), content), (close, json!({ "out_trade_no": number() })));

    let paid = told(&json!({ "trade_status": "TRADE_SUCCESS" }));
    for word in [
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.REASON_ILLEGAL_STATUS",
        "ACQ.TRADE_HAS_SUCCESS",
    ] {
        let line = Script::of(&[(200, &answer(close, &refused(word))), (200, &paid)]).await;
        let error = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap_err();
        let GatewayError::WrongState(Some(truth)) = error else { panic!("{word}: {error}") };
        assert_eq!(truth.captured, PRICE);
    }
    let over = told(&json!({ "trade_status": "TRADE_CLOSED" }));
    let already = answer(close, &refused("ACQ.TRADE_HAS_CLOSE"));
    let line = Script::of(&[(200, &already), (200, &over)]).await;
    let seen = gateway(&line.base).void(&known(), &key, PATIENCE).await.unwrap();
    assert!(matches!(seen.status, RemoteStatus::Canceled { .. }));
}

const REFUND: &str = "alipay.trade.refund";
const REFUND_QUERY: &str = "alipay.trade.fastpay.refund.query";

fn given(change: &str, total: &str) -> String {
    let fields = json!({ "fund_change": change, "refund_fee": total, "out_trade_no": number(),
        "trade_no": TRADE_NO });
    answer(REFUND, &good(&fields))
}

#[tokio::test]
async fn gives_money_back() {
    let mut line = Script::of(&[(200, &given("Y", "700.00"))]).await;
    let key = IdempotencyKey::refund(refund_id());
    let seen = gateway(&line.base).refund(&refund(60_000), &key, PATIENCE).await.unwrap();
    assert_eq!((&seen.status, seen.amount.minor), (&RemoteRefundStatus::Succeeded, 60_000));
    assert_eq!(seen.payment_refunded, Some(Money { minor: 70_000, ..PRICE }), "in all");
    let (all, content) = signed(&line.heard().await);
    let expected = json!({
        "out_trade_no": number(), "refund_amount": "600.00",
        "out_request_no": refund_id().0.simple().to_string(), "refund_reason": "尺码不合",
    });
    assert_eq!((all["method"].as_str(), content), (REFUND, expected));
}

#[tokio::test]
async fn p09_a_repeated_refund_moves_nothing_and_is_looked_up() {
    let key = IdempotencyKey::refund(refund_id());
    let success = json!({ "refund_status": "REFUND_SUCCESS", "refund_amount": "600.00",
        "total_amount": "1234.50", "out_request_no": refund_id().0.simple().to_string() });
    for (fields, status) in
        [(success, RemoteRefundStatus::Succeeded), (json!({}), RemoteRefundStatus::Pending)]
    {
        let looked_up = answer(REFUND_QUERY, &good(&fields));
        let mut line = Script::of(&[(200, &given("N", "600.00")), (200, &looked_up)]).await;
        let seen = gateway(&line.base).refund(&refund(60_000), &key, PATIENCE).await.unwrap();
        assert_eq!(seen.status, status);
        line.heard().await;
        let (all, content) = signed(&line.heard().await);
        let mark = refund_id().0.simple().to_string();
        let expected = json!({ "out_trade_no": number(), "out_request_no": mark });
        assert_eq!((all["method"].as_str(), content), (REFUND_QUERY, expected));
    }
}

#[tokio::test]
async fn asks_how_a_refund_stands() {
    let success = json!({ "refund_status": "REFUND_SUCCESS", "refund_amount": "1234.50" });
    for (content, status) in [
        (good(&success), RemoteRefundStatus::Succeeded),
        (good(&json!({})), RemoteRefundStatus::Absent),
        (refused("ACQ.TRADE_NOT_EXIST"), RemoteRefundStatus::Absent),
    ] {
        let line = Script::of(&[(200, &answer(REFUND_QUERY, &content))]).await;
        let seen = gateway(&line.base).fetch_refund(&about(), PATIENCE).await.unwrap();
        assert_eq!((seen.status, seen.amount), (status, PRICE));
    }
}

#[tokio::test]
async fn refused_refunds_are_sorted() {
    let key = IdempotencyKey::refund(refund_id());
    let declined = |word: &str| GatewayError::Declined { reason: word.to_owned() };
    for (word, expected) in [
        ("ACQ.DISCORDANT_REPEAT_REQUEST", GatewayError::Conflict),
        ("ACQ.TRADE_NOT_EXIST", GatewayError::NotFound),
        ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", declined("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")),
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", declined("ACQ.SELLER_BALANCE_NOT_ENOUGH")),
        ("ACQ.TRADE_HAS_FINISHED", declined("ACQ.TRADE_HAS_FINISHED")),
    ] {
        let line = Script::of(&[(200, &answer(REFUND, &refused(word)))]).await;
        let error = gateway(&line.base).refund(&refund(100), &key, PATIENCE).await.unwrap_err();
        assert_eq!(error, expected);
    }
    let closed = answer(REFUND, &refused("ACQ.TRADE_HAS_CLOSE"));
    let success = json!({ "refund_status": "REFUND_SUCCESS", "refund_amount": "1.00" });
    let found = answer(REFUND_QUERY, &good(&success));
    let line = Script::of(&[(200, &closed), (200, &found)]).await;
    let seen = gateway(&line.base).refund(&refund(100), &key, PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteRefundStatus::Succeeded, "it was the last of it");
}

#[tokio::test]
async fn a_probe_wants_a_signed_no() {
    let nobody = answer(QUERY, &refused("ACQ.TRADE_NOT_EXIST"));
    let head = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 19:04:00 GMT";
    let whole = format!("{head}\r\nContent-Length: {}\r\n\r\n{nobody}", nobody.len());
    let line = Script::raw(vec![whole.into_bytes()]).await;
    let health = gateway(&line.base).probe(PATIENCE).await.unwrap();
    assert_eq!(health.clock_ahead, Some(SignedDuration::from_secs(5)));
    let wrong = r#"{"alipay_trade_query_response":{"code":"40002","msg":"","sub_code":"isv.invalid-signature"}}"#;
    let line = Script::of(&[(200, wrong)]).await;
    let error = gateway(&line.base).probe(PATIENCE).await.unwrap_err();
    let code = "isv.invalid-signature".to_owned();
    assert_eq!(error, GatewayError::Invalid { code, param: None });
}
