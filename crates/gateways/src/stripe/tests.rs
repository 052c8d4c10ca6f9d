//! Against a server that says whatever it is told to, and against the published vector.

mod answers;
mod calls;
mod webhooks;

use std::time::Duration;

use kernel::{AttemptId, Currency, Env, Money, RefundId, SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Stripe, StripeSettings};
use crate::capabilities::CaptureMode;
use crate::request::{CapturePayment, CreatePayment, CreateRefund, PaymentRef, RefundRef};

const PATIENCE: Duration = Duration::from_secs(30);
const PRICE: Money = Money::new(123_450, Currency::EUR);
const PAGE_ID: &str = "cs_test_a1Holdfast0001";
const MONEY_ID: &str = "pi_3Holdfast0001";
const SECRET: &str = "whsec_holdfast_test_0123456789abcdef";
const DEEP: &str = "expand%5B%5D=payment_intent.latest_charge.balance_transaction";

fn settings(base_url: &str) -> StripeSettings {
    serde_json::from_value(json!({
        "base_url": base_url, "mode": "test", "secret_key": "sk_test_holdfast",
        "endpoint_secrets": [SECRET],
    }))
    .unwrap()
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7).0
}

fn gateway(base_url: &str) -> Stripe {
    Stripe::new(settings(base_url), env()).unwrap()
}

fn attempt() -> AttemptId {
    env().id()
}

fn refund_id() -> RefundId {
    "018e5f0a-1b2c-7d4e-9f0a-1b2c3d4e5f6b".parse().unwrap()
}

fn known() -> PaymentRef {
    PaymentRef {
        attempt: attempt(),
        gateway_id: Some(PAGE_ID.to_owned()),
        secondary_id: Some(MONEY_ID.to_owned()),
        amount: PRICE,
    }
}

fn unknown() -> PaymentRef {
    PaymentRef { gateway_id: None, secondary_id: None, ..known() }
}

fn wish() -> CreatePayment {
    let back = "https://shop.example/pay/return/HF-42".parse().unwrap();
    let hook = "https://shop.example/hooks/stripe".parse().unwrap();
    let until = env().now() + SignedDuration::from_hours(1);
    CreatePayment {
        order: "HF-42".to_owned(),
        capture: CaptureMode::Manual,
        locale: "de-AT".to_owned(),
        ..CreatePayment::new(attempt(), PRICE, "Order HF-42", back, hook, until)
    }
}

fn capture(amount: Money) -> CapturePayment {
    CapturePayment { payment: known(), amount, receipt: None }
}

fn refund(minor: i64) -> CreateRefund {
    let amount = Money { minor, ..PRICE };
    let (payment, reason) = (known(), String::new());
    CreateRefund { refund: refund_id(), payment, amount, reason, receipt: None }
}

fn about(gateway_id: Option<&str>) -> RefundRef {
    let gateway_id = gateway_id.map(str::to_owned);
    RefundRef { refund: refund_id(), gateway_id, amount: PRICE, payment: known() }
}

fn changed(mut whole: Value, changes: &Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        whole[field] = value.clone();
    }
    whole
}

/// An open page, with changes.
fn page(changes: &Value) -> String {
    let page = json!({
        "id": PAGE_ID, "object": "checkout.session", "status": "open",
        "payment_status": "unpaid", "amount_total": 123_450, "currency": "eur",
        "client_reference_id": "HF-42", "payment_intent": null,
        "metadata": { "order_id": "HF-42", "attempt_id": attempt() },
        "url": "https://checkout.stripe.com/c/pay/cs_test_a1", "expires_at": 1_800_003_600,
        "created": 1_800_000_000, "livemode": false, "mode": "payment", "something_new": [1],
    });
    changed(page, changes).to_string()
}

/// Money that is ours, with changes.
fn intent(changes: &Value) -> Value {
    let intent = json!({
        "id": MONEY_ID, "object": "payment_intent", "status": "succeeded", "amount": 123_450,
        "amount_capturable": 0, "amount_received": 123_450, "currency": "eur",
        "capture_method": "manual", "latest_charge": "ch_1", "created": 1_800_000_060,
        "livemode": false, "metadata": { "attempt_id": attempt() }, "client_secret": "never read",
    });
    changed(intent, changes)
}

/// A page whose payer has done their part, with this money.
fn complete(changes: &Value) -> String {
    page(&json!({ "status": "complete", "url": null, "payment_intent": intent(changes) }))
}

fn told_refund(changes: &Value) -> String {
    let refund = json!({
        "id": "re_1", "object": "refund", "amount": 60_000, "currency": "eur",
        "payment_intent": MONEY_ID, "charge": "ch_1", "status": "succeeded",
        "created": 1_800_000_600, "metadata": { "refund_id": refund_id() },
    });
    changed(refund, changes).to_string()
}
