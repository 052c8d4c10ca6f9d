//! Against the published vectors, and against a server that signs with Alipay's test key and says
//! whatever it is told to.

mod answers;
mod bills;
mod calls;
mod notices;
mod settings;
mod vectors;

use std::time::Duration;

use kernel::{AttemptId, Currency, Env, Money, RefundId, SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::keys::PrivateKey;
use super::{Alipay, AlipaySettings};
use crate::request::{CreatePayment, CreateRefund, PaymentRef, RefundRef};
use crate::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(30);
const PRICE: Money = Money::new(123_450, Currency::CNY);
const TRADE_NO: &str = "2026010222001404000502304405";
const APP_KEY: &str = include_str!("../../tests/keys/app_private_pkcs1.pem");
const APP_PUBLIC: &str = include_str!("../../tests/keys/app_public.pem");
const THEIR_KEY: &str = include_str!("../../tests/keys/alipay_private_pkcs1.pem");
const THEIR_PUBLIC: &str = include_str!("../../tests/keys/alipay_public.pem");
const APP_CERTIFICATE: &str = include_str!("../../tests/keys/app_cert.crt");
const THEIR_CERTIFICATE: &str = include_str!("../../tests/keys/alipay_cert.crt");
const ROOTS: &str = include_str!("../../tests/keys/alipay_root_chain.crt");

fn settings(base_url: &str) -> AlipaySettings {
    serde_json::from_value(json!({
        "base_url": format!("{base_url}/gateway.do"), "mode": "test",
        "app_id": "2021000000000000", "seller_id": "2088101122136669",
        "app_private_key": APP_KEY, "alipay_public_keys": [THEIR_PUBLIC],
    }))
    .unwrap()
}

fn with_certificates(base_url: &str) -> AlipaySettings {
    AlipaySettings {
        alipay_public_keys: Vec::new(),
        app_certificate: Some(APP_CERTIFICATE.to_owned()),
        alipay_certificates: vec![THEIR_CERTIFICATE.to_owned()],
        alipay_root_certificates: Some(ROOTS.to_owned()),
        ..settings(base_url)
    }
}

fn env() -> Env {
    Env::manual("2026-01-01T19:04:05Z".parse::<Timestamp>().unwrap(), 7).0
}

fn gateway(base_url: &str) -> Alipay {
    Alipay::new(settings(base_url), env()).unwrap()
}

fn attempt() -> AttemptId {
    env().id()
}

fn number() -> String {
    attempt().0.simple().to_string()
}

fn refund_id() -> RefundId {
    "018e5f0a-1b2c-7d4e-9f0a-1b2c3d4e5f6b".parse().unwrap()
}

fn known() -> PaymentRef {
    let (gateway_id, secondary_id) = (Some(number()), Some(TRADE_NO.to_owned()));
    PaymentRef { attempt: attempt(), gateway_id, secondary_id, amount: PRICE }
}

fn wish() -> CreatePayment {
    let back = "https://shop.example/pay/HF-42/return?x=1".parse().unwrap();
    let hook = "https://shop.example/hooks/alipay".parse().unwrap();
    let until = env().now() + SignedDuration::from_mins(30);
    CreatePayment::new(attempt(), PRICE, "Holdfast 订单 HF/42 & more=less", back, hook, until)
}

fn refund(minor: i64) -> CreateRefund {
    CreateRefund {
        refund: refund_id(),
        payment: known(),
        amount: Money { minor, ..PRICE },
        reason: "尺码不合".to_owned(),
        receipt: None,
    }
}

fn about() -> RefundRef {
    RefundRef { refund: refund_id(), gateway_id: None, amount: PRICE, payment: known() }
}

fn signed_by_them(text: &str) -> String {
    PrivateKey::read(&Secret::new(THEIR_KEY)).unwrap().sign(text).unwrap()
}

/// An answer to `method`, signed as they do.
fn answer(method: &str, content: &Value) -> String {
    let (content, name) = (content.to_string(), method.replace('.', "_"));
    format!(r#"{{"{name}_response":{content},"sign":"{}"}}"#, signed_by_them(&content))
}

fn good(fields: &Value) -> Value {
    let mut content = json!({ "code": "10000", "msg": "Success" });
    for (name, value) in fields.as_object().unwrap() {
        content[name] = value.clone();
    }
    content
}

fn refused(sub_code: &str) -> Value {
    json!({ "code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "…" })
}

/// The payment as they tell it, with changes.
fn trade(changes: &Value) -> Value {
    let mut trade = good(&json!({
        "trade_no": TRADE_NO, "out_trade_no": number(), "trade_status": "WAIT_BUYER_PAY",
        "total_amount": "1234.50", "receipt_amount": "0.00", "something_new": { "is": "ignored" },
    }));
    for (name, value) in changes.as_object().unwrap() {
        trade[name] = value.clone();
    }
    trade
}

const QUERY: &str = "alipay.trade.query";

fn told(changes: &Value) -> String {
    answer(QUERY, &trade(changes))
}
