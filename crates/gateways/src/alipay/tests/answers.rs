//! Refusals, and answers that nobody should believe.

use super::*;
use crate::error::{Advice, GatewayError};
use crate::observation::Observation;
use crate::port::Gateway as _;
use crate::request::IdempotencyKey;
use crate::testing::line::{self, Script};

async fn fetch(status: u16, body: &str) -> Result<Observation, GatewayError> {
    let line = Script::of(&[(status, body)]).await;
    gateway(&line.base).fetch(&known(), PATIENCE).await
}

#[tokio::test]
async fn refusals_are_sorted_by_what_is_known() {
    let said = |code: &str, sub_code: &str| {
        answer(QUERY, &json!({ "code": code, "msg": "", "sub_code": sub_code }))
    };
    let invalid = |code: &str| GatewayError::Invalid { code: code.to_owned(), param: None };
    for (code, word, expected) in [
        ("20001", "aop.invalid-auth-token", GatewayError::Unauthorized),
        ("40001", "isv.missing-signature", invalid("isv.missing-signature")),
        ("40002", "isv.invalid-signature", invalid("isv.invalid-signature")),
        ("40003", "isv.missing-signature-config", invalid("isv.missing-signature-config")),
        ("40004", "ACQ.INVAILID_ARGUMENTS", invalid("ACQ.INVAILID_ARGUMENTS")),
        ("40005", "isv.app-call-limited", GatewayError::RateLimited { after: None }),
        ("40006", "isv.insufficient-isv-permissions", GatewayError::Unauthorized),
    ] {
        let error = fetch(200, &said(code, word)).await.unwrap_err();
        assert_eq!(error, expected, "{code} {word}");
        assert!(error.outcome_known());
    }
    for (code, word) in [
        ("20000", "isp.unknow-error"),
        ("20000", "aop.unknow-error"),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("40004", "AQC.SYSTEM_ERROR"),
    ] {
        let error = fetch(200, &said(code, word)).await.unwrap_err();
        assert_eq!(error, GatewayError::Unknown(word.to_owned()));
    }
}

#[tokio::test]
async fn an_answer_that_is_not_signed_is_no_business_fact() {
    for content in
        [trade(&json!({ "trade_status": "TRADE_SUCCESS" })), refused("ACQ.TRADE_NOT_EXIST")]
    {
        let body = json!({ "alipay_trade_query_response": content }).to_string();
        let error = fetch(200, &body).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{error}");
        assert_eq!((error.outcome_known(), error.advice()), (false, Advice::Alarm));
    }
    let before_they_know_us = r#"{"error_response":{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.invalid-app-id","sub_msg":"…"}}"#;
    let error = fetch(200, before_they_know_us).await.unwrap_err();
    let code = "isv.invalid-app-id".to_owned();
    assert_eq!(error, GatewayError::Invalid { code, param: None });
}

#[tokio::test]
async fn an_answer_that_somebody_else_signed_is_not_believed() {
    let good = told(&json!({ "trade_status": "TRADE_SUCCESS" }));
    let altered = good.replace("1234.50", "1.00");
    let content = trade(&json!({})).to_string();
    let by_us = PrivateKey::read(&Secret::new(APP_KEY)).unwrap().sign(&content).unwrap();
    let ours = format!(r#"{{"alipay_trade_query_response":{content},"sign":"{by_us}"}}"#);
    let no_base64 = format!(r#"{{"alipay_trade_query_response":{content},"sign":"§"}}"#);
    let to_another = answer("alipay.trade.close", &trade(&json!({})));
    for body in [altered, ours, no_base64, to_another, "{}".to_owned()] {
        let error = fetch(200, &body).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{body}: {error}");
    }
}

#[tokio::test]
async fn money_is_read_strictly_and_nonsense_is_not_believed() {
    for changes in [
        json!({ "total_amount": 1234.5 }),
        json!({ "total_amount": "1,234.50" }),
        json!({ "total_amount": "1e3" }),
        json!({ "total_amount": "0.00" }),
        json!({ "total_amount": null }),
        json!({ "trade_status": "PAID" }),
        json!({ "out_trade_no": "HF20260102_000042" }),
        json!({ "trade_no": null }),
        json!({ "code": "10001" }),
    ] {
        let error = fetch(200, &told(&changes)).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{changes}: {error}");
    }
}

#[tokio::test]
async fn p29_what_is_no_answer_leaves_the_outcome_open() {
    let good = told(&json!({}));
    let half = &good[..good.len() / 2];
    for (status, body) in [(200, half), (200, ""), (200, "<html>"), (500, ""), (503, "later")] {
        let error = fetch(status, body).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unknown(_)), "{status} {body}: {error}");
    }
    for status in [301, 302, 403, 404] {
        let error = fetch(status, "").await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{status}: {error}");
    }
    // A page for people, in GBK.
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n<p>\xb4\xed\xce\xf3.".to_vec();
    let page = Script::raw(vec![page]).await;
    let garbled = gateway(&page.base).fetch(&known(), PATIENCE).await.unwrap_err();
    assert!(matches!(garbled, GatewayError::Unknown(_)), "{garbled}");
    let key = IdempotencyKey::refund(refund_id());
    let short = Duration::from_millis(50);
    let silent = gateway(&line::silent().await).refund(&refund(1), &key, short).await.unwrap_err();
    assert!(matches!(silent, GatewayError::Unknown(_)), "{silent}");
    let dead = gateway(&line::nobody().await).refund(&refund(1), &key, PATIENCE).await.unwrap_err();
    assert!(matches!(dead, GatewayError::NotSent(_)), "{dead}");
}

#[tokio::test]
async fn a_refund_that_contradicts_itself_is_not_believed() {
    let key = IdempotencyKey::refund(refund_id());
    for fields in [
        json!({ "fund_change": "Y", "refund_fee": "599.99" }),
        json!({ "fund_change": "Y", "refund_fee": "600" , "out_trade_no": "another" }),
        json!({ "fund_change": "Y", "refund_fee": 600 }),
        json!({ "fund_change": "Y" }),
        json!({ "refund_fee": "600.00" }),
    ] {
        let line = Script::of(&[(200, &answer("alipay.trade.refund", &good(&fields)))]).await;
        let error = gateway(&line.base).refund(&refund(60_000), &key, PATIENCE).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{fields}: {error}");
    }
}
