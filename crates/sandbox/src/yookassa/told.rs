//! Payments and refunds as the API tells them.

use kernel::Timestamp;
use serde_json::{Map, Value, json};

use crate::amount;
use crate::book::Page;
use crate::book::payments::{Payment, Status};
use crate::book::refunds::{Refund, RefundStatus};
use crate::clock::iso_millis;

/// What the provider keeps of every hundred: 3.5 %, rounded down.
const FEE_PER_MILLE: i64 = 35;

pub(super) fn money(minor: i64, currency: &str) -> Value {
    json!({ "value": amount::decimal(minor), "currency": currency })
}

pub(super) fn payment(page: &Page<'_>, payment: &Payment) -> Value {
    let status = match payment.status {
        Status::Pending | Status::Processing => "pending",
        Status::Authorized => "waiting_for_capture",
        Status::Succeeded => "succeeded",
        Status::Canceled => "canceled",
    };
    let succeeded = payment.status == Status::Succeeded;
    let paid = succeeded || payment.status == Status::Authorized;
    // After a partial capture the amount of the payment is what was captured.
    let minor = if succeeded { payment.captured_minor } else { payment.amount_minor };
    let money = |minor| money(minor, &payment.currency);
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| told.insert(name.to_owned(), value);
    put("id", json!(payment.id));
    put("status", json!(status));
    put("amount", money(minor));
    put("description", payment.extra["description"].clone());
    put("recipient", recipient(page));
    put("created_at", json!(iso_millis(payment.created_at)));
    put("test", json!(true));
    put("paid", json!(paid));
    put("refundable", json!(succeeded && payment.refunded_minor < payment.captured_minor));
    put("metadata", payment.extra["metadata"].clone());
    put("merchant_customer_id", payment.extra["merchant_customer_id"].clone());
    if payment.status == Status::Pending {
        let url = format!("{}/pay/{}", page.fixed.base_url, payment.id);
        let back = &payment.return_url;
        put(
            "confirmation",
            json!({ "type": "redirect", "return_url": back, "confirmation_url": url }),
        );
    }
    if paid {
        put("payment_method", method(payment));
        put("authorization_details", authorization(payment));
    }
    if payment.status == Status::Authorized {
        put("expires_at", moment(payment.hold_until));
    }
    if succeeded {
        put("captured_at", moment(payment.captured_at));
        put("income_amount", money(minor - minor * FEE_PER_MILLE / 1000));
        put("refunded_amount", money(payment.refunded_minor));
    }
    if payment.status == Status::Canceled {
        put("cancellation_details", cancellation(payment));
    }
    if !payment.extra["receipt"].is_null() {
        let registered = match payment.status {
            Status::Succeeded => "succeeded",
            Status::Canceled => "canceled",
            _ => "pending",
        };
        put("receipt_registration", json!(registered));
    }
    told.retain(|_, value| !value.is_null());
    Value::Object(told)
}

fn moment(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(iso_millis(at)))
}

fn recipient(page: &Page<'_>) -> Value {
    json!({ "account_id": page.fixed.accounts.yookassa.shop_id, "gateway_id": "100700" })
}

fn method(payment: &Payment) -> Value {
    json!({
        "type": "bank_card", "id": payment.id, "saved": false, "status": "inactive",
        "title": "Bank card *4477",
        "card": {
            "first6": "555555", "last4": "4477", "expiry_month": "12", "expiry_year": "2030",
            "card_type": "MasterCard", "issuer_country": "US",
            "card_product": { "code": "E" }, "issuer_name": "Sandbox Bank",
        },
    })
}

fn authorization(payment: &Payment) -> Value {
    let secure = payment.extra["challenged"] == true;
    json!({
        "rrn": format!("{:012}", payment.seq), "auth_code": format!("{:06}", payment.seq % 1_000_000),
        "three_d_secure": { "applied": secure, "protocol": "v2", "method_completed": false,
            "challenge_completed": secure },
    })
}

/// Who ended it, and why.
fn cancellation(payment: &Payment) -> Value {
    let reason = payment.canceled_reason.as_deref().unwrap_or_default();
    let (party, reason) = match reason {
        "voided" => ("merchant", "canceled_by_merchant"),
        "expired" => ("yoo_money", "expired_on_confirmation"),
        "hold_expired" => ("yoo_money", "expired_on_capture"),
        "country_forbidden" | "fraud_suspected" | "internal_timeout" => ("yoo_money", reason),
        reason => ("payment_network", reason),
    };
    json!({ "party": party, "reason": reason })
}

pub(super) fn refund(refund: &Refund) -> Value {
    let status = match refund.status {
        RefundStatus::Pending => "pending",
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Failed => "canceled",
    };
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| told.insert(name.to_owned(), value);
    put("id", json!(refund.id));
    put("payment_id", json!(refund.payment));
    put("status", json!(status));
    put("created_at", json!(iso_millis(refund.created_at)));
    put("amount", money(refund.amount_minor, &refund.currency));
    put("description", refund.extra["description"].clone());
    put("metadata", refund.extra["metadata"].clone());
    if !refund.extra["receipt"].is_null() {
        put("receipt_registration", json!(status));
    }
    match &refund.failure {
        Some(why) => {
            let party = if why == "insufficient_funds" { "yoo_money" } else { "refund_network" };
            put("cancellation_details", json!({ "party": party, "reason": why }));
        }
        None => {
            put("refund_authorization_details", json!({ "rrn": format!("{:012}", refund.seq) }));
        }
    }
    told.retain(|_, value| !value.is_null());
    Value::Object(told)
}
