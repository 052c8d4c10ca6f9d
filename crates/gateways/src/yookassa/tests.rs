//! Against a server that says whatever it is told to.

mod answers;
mod calls;
mod notices;

use std::time::Duration;

use kernel::{AttemptId, Currency, Env, Money, RefundId, SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{YooKassa, YooKassaSettings};
use crate::capabilities::CaptureMode;
use crate::receipt::{PaymentMode, PaymentSubject, Receipt, ReceiptLine};
use crate::request::{
    BuyerContact, CapturePayment, CreatePayment, CreateRefund, PaymentRef, RefundRef,
};

const PATIENCE: Duration = Duration::from_secs(30);
const PRICE: Money = Money::new(123_450, Currency::RUB);
const ID: &str = "2419a771-000f-5000-9000-1edaf29243f2";
const SECRET: &str = "test_HoldfastSecretKey0123456789";

fn settings(base_url: &str) -> YooKassaSettings {
    serde_json::from_value(json!({
        "base_url": base_url, "mode": "test", "shop_id": "100500", "secret_key": SECRET,
    }))
    .unwrap()
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7).0
}

fn gateway(base_url: &str) -> YooKassa {
    YooKassa::new(settings(base_url), env()).unwrap()
}

fn attempt() -> AttemptId {
    env().id()
}

fn refund_id() -> RefundId {
    "018e5f0a-1b2c-7d4e-9f0a-1b2c3d4e5f6b".parse().unwrap()
}

fn known() -> PaymentRef {
    let gateway_id = Some(ID.to_owned());
    PaymentRef { attempt: attempt(), gateway_id, secondary_id: None, amount: PRICE }
}

fn unknown() -> PaymentRef {
    PaymentRef { gateway_id: None, ..known() }
}

fn wish() -> CreatePayment {
    let back = "https://shop.example/pay/return/HF-42".parse().unwrap();
    let hook = "https://shop.example/hooks/yookassa".parse().unwrap();
    let until = env().now() + SignedDuration::from_mins(30);
    CreatePayment {
        order: "HF-42".to_owned(),
        capture: CaptureMode::Manual,
        client_ip: Some("203.0.113.7".parse().unwrap()),
        locale: "ru-RU".to_owned(),
        ..CreatePayment::new(attempt(), PRICE, "Заказ HF-42", back, hook, until)
    }
}

/// Two dresses for 600.00 and delivery for 34.50.
fn receipt() -> Receipt {
    let line = |description: &str, quantity, minor, subject| ReceiptLine {
        description: description.to_owned(),
        quantity,
        unit_price: Money { minor, ..PRICE },
        vat_code: 11,
        subject,
        mode: PaymentMode::FullPrepayment,
    };
    Receipt {
        customer: BuyerContact { email: Some("a@example.com".to_owned()), phone: None },
        lines: vec![
            line("Платье", 2, 60_000, PaymentSubject::Commodity),
            line("Доставка", 1, 3450, PaymentSubject::Service),
        ],
        tax_system: Some(1),
    }
}

fn capture(amount: Money) -> CapturePayment {
    CapturePayment { payment: known(), amount, receipt: None }
}

fn refund(minor: i64) -> CreateRefund {
    CreateRefund {
        refund: refund_id(),
        payment: known(),
        amount: Money { minor, ..PRICE },
        reason: "Вернули платье".to_owned(),
        receipt: None,
    }
}

fn about(gateway_id: Option<&str>) -> RefundRef {
    let gateway_id = gateway_id.map(str::to_owned);
    RefundRef { refund: refund_id(), gateway_id, amount: PRICE, payment: known() }
}

/// A payment as they tell it, with changes.
fn told(changes: &Value) -> String {
    let mut payment = json!({
        "id": ID, "status": "pending", "paid": false,
        "amount": { "value": "1234.50", "currency": "RUB" },
        "confirmation": {
            "type": "redirect", "return_url": "https://shop.example/",
            "confirmation_url": "https://yoomoney.ru/api-pages/v2/payment-confirm/epl?orderId=1",
        },
        "created_at": "2027-01-15T08:00:00.139Z", "description": "Заказ HF-42",
        "metadata": { "order_id": "HF-42", "attempt_id": attempt() },
        "recipient": { "account_id": "100500", "gateway_id": "100700" },
        "refundable": false, "test": true,
        "something_new": { "is": "ignored" },
    });
    for (field, value) in changes.as_object().unwrap() {
        payment[field] = value.clone();
    }
    payment.to_string()
}

/// A refund as they tell it, with changes.
fn told_refund(changes: &Value) -> String {
    let mut refund = json!({
        "id": "216749f7-0016-50be-b000-078d43a63ae4", "payment_id": ID, "status": "succeeded",
        "amount": { "value": "600.00", "currency": "RUB" },
        "created_at": "2027-01-15T08:10:00.139Z", "metadata": { "refund_id": refund_id() },
    });
    for (field, value) in changes.as_object().unwrap() {
        refund[field] = value.clone();
    }
    refund.to_string()
}
