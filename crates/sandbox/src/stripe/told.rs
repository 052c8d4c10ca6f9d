//! Sessions, intents, charges and refunds as the API tells them. All but the refund are faces of
//! one payment in the book.

use serde_json::{Map, Value, json};

use crate::book::Page;
use crate::book::payments::{self, Payment, Status};
use crate::book::refunds::{self, Refund};
use crate::gateway::Gateway;

/// What the provider keeps: 1.5 % and 25 minor units.
const FEE_PER_MILLE: i64 = 15;
const FEE_FIXED: i64 = 25;

/// The id behind the prefix, which intent, charge and fee share.
fn suffix(payment: &Payment) -> &str {
    payment.second_id.as_deref().and_then(|id| id.strip_prefix("pi_")).unwrap_or_default()
}

/// An intent is made when the payer presses the button, not before.
pub(super) fn has_intent(payment: &Payment) -> bool {
    let flag = |name: &str| !payment.extra[name].is_null();
    flag("completed") || flag("declined") || flag("challenged")
}

fn charge_id(payment: &Payment) -> Option<String> {
    let charged = payment.paid_at.is_some() || !payment.extra["completed"].is_null();
    charged.then(|| format!("ch_{}", suffix(payment)))
}

fn session_status(payment: &Payment) -> &'static str {
    match payment.status {
        Status::Pending => "open",
        Status::Canceled if payment.extra["completed"].is_null() => "expired",
        _ => "complete",
    }
}

pub(super) fn session(page: &Page<'_>, payment: &Payment) -> Value {
    let status = session_status(payment);
    let paid = payment.status == Status::Succeeded;
    let open = status == "open";
    let url = format!("{}/pay/{}", page.fixed.base_url, payment.id);
    json!({
        "id": payment.id,
        "object": "checkout.session",
        "status": status,
        "payment_status": if paid { "paid" } else { "unpaid" },
        "amount_subtotal": payment.amount_minor,
        "amount_total": payment.amount_minor,
        "currency": payment.currency.to_ascii_lowercase(),
        "client_reference_id": payment.extra["client_reference_id"],
        "customer_email": payment.extra["customer_email"],
        "metadata": map(&payment.extra["metadata"]),
        "payment_intent": has_intent(payment).then_some(payment.second_id.as_deref()).flatten(),
        "payment_method_types": ["card"],
        "url": open.then_some(url),
        "expires_at": payment.expires_at.as_second(),
        "created": payment.created_at.as_second(),
        "livemode": false,
        "mode": "payment",
        "ui_mode": "hosted",
        "locale": payment.extra["locale"],
        "success_url": payment.return_url,
        "cancel_url": payment.extra["cancel_url"],
    })
}

fn map(given: &Value) -> Value {
    if given.is_object() { given.clone() } else { json!({}) }
}

fn intent_status(payment: &Payment) -> &'static str {
    match payment.status {
        Status::Pending if payment.extra["challenged"] == true => "requires_action",
        Status::Pending => "requires_payment_method",
        Status::Processing => "processing",
        Status::Authorized => "requires_capture",
        Status::Succeeded => "succeeded",
        // A method that takes days has failed: the intent waits for another, the session is over.
        Status::Canceled if payment.extra["completed"] == true && payment.paid_at.is_none() => {
            "requires_payment_method"
        }
        Status::Canceled => "canceled",
    }
}

/// Why it was called off, in the provider's words.
fn cancellation(payment: &Payment) -> Option<&str> {
    match payment.canceled_reason.as_deref() {
        Some("hold_expired") => Some("automatic"),
        Some("voided") => payment.extra["cancellation_reason"].as_str(),
        Some("expired") => Some("abandoned"),
        _ => None,
    }
}

fn last_error(payment: &Payment) -> Value {
    let late = payment.canceled_reason.as_deref().filter(|_| intent_status(payment) != "canceled");
    let Some(reason) = payment.extra["declined"].as_str().or(late) else { return Value::Null };
    if payment.status == Status::Succeeded || payment.status == Status::Authorized {
        return Value::Null;
    }
    json!({
        "type": "card_error", "code": "card_declined", "decline_code": reason,
        "message": "Your card was declined.", "doc_url":
        "https://stripe.com/docs/error-codes/card-declined",
    })
}

pub(super) fn intent(payment: &Payment) -> Value {
    let id = payment.second_id.as_deref().unwrap_or_default();
    let capturable = if payment.status == Status::Authorized { payment.amount_minor } else { 0 };
    let status = intent_status(payment);
    json!({
        "id": id,
        "object": "payment_intent",
        "status": status,
        "amount": payment.amount_minor,
        "amount_capturable": capturable,
        "amount_received": payment.captured_minor,
        "currency": payment.currency.to_ascii_lowercase(),
        "capture_method": payment.extra["capture_method"],
        "confirmation_method": "automatic",
        "latest_charge": charge_id(payment),
        "metadata": map(&payment.extra["intent_metadata"]),
        "description": payment.extra["intent_description"],
        "last_payment_error": last_error(payment),
        "cancellation_reason": if status == "canceled" { json!(cancellation(payment)) } else { Value::Null },
        "canceled_at": payment.canceled_at.filter(|_| status == "canceled").map(kernel::Timestamp::as_second),
        "client_secret": format!("{id}_secret_sandbox"),
        "next_action": Value::Null,
        "payment_method": charge_id(payment).map(|_| format!("pm_{}", suffix(payment))),
        "payment_method_types": ["card"],
        "created": payment.created_at.as_second(),
        "livemode": false,
    })
}

pub(super) fn charge(payment: &Payment) -> Value {
    let captured = payment.status == Status::Succeeded;
    json!({
        "id": charge_id(payment),
        "object": "charge",
        "amount": payment.amount_minor,
        "amount_captured": payment.captured_minor,
        "amount_refunded": payment.refunded_minor,
        "balance_transaction": captured.then(|| format!("txn_{}", suffix(payment))),
        "captured": captured,
        "currency": payment.currency.to_ascii_lowercase(),
        "disputed": was_disputed(payment),
        "metadata": map(&payment.extra["intent_metadata"]),
        "paid": payment.paid_at.is_some(),
        "payment_intent": payment.second_id,
        "refunded": captured && payment.refunded_minor == payment.captured_minor,
        "status": if payment.paid_at.is_some() { "succeeded" } else { "pending" },
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030,
                "country": "US", "funding": "credit", "fingerprint": "HoldfastSandbox4242",
                "three_d_secure": payment.extra["challenged"].as_bool().map(|_| json!({
                    "authentication_flow": "challenge", "result": "authenticated",
                })),
            },
        },
        "created": payment.created_at.as_second(),
        "livemode": false,
    })
}

pub(super) fn fee(payment: &Payment) -> Value {
    let fee = payment.captured_minor * FEE_PER_MILLE / 1000 + FEE_FIXED;
    json!({
        "id": format!("txn_{}", suffix(payment)),
        "object": "balance_transaction",
        "amount": payment.captured_minor,
        "currency": payment.currency.to_ascii_lowercase(),
        "fee": fee,
        "net": payment.captured_minor - fee,
        "source": charge_id(payment),
        "status": "pending",
        "type": "charge",
    })
}

pub(super) fn refund(refund: &Refund, payment: &Payment) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount_minor,
        "currency": refund.currency.to_ascii_lowercase(),
        "payment_intent": payment.second_id,
        "charge": charge_id(payment),
        "status": refund.status.word(),
        "failure_reason": refund.failure,
        "reason": refund.extra["reason"],
        "metadata": map(&refund.extra["metadata"]),
        "created": refund.created_at.as_second(),
    })
}

/// Whether the payer ever went to their bank.
pub(super) fn was_disputed(payment: &Payment) -> bool {
    !payment.extra["disputed"].is_null()
}

fn dispute_status(payment: &Payment) -> &'static str {
    match (&payment.extra["disputed"], &payment.extra["dispute_lost"]) {
        (Value::Bool(true), _) => "needs_response",
        (_, Value::Bool(true)) => "lost",
        _ => "won",
    }
}

pub(super) fn dispute(payment: &Payment) -> Value {
    json!({
        "id": format!("du_{}", suffix(payment)),
        "object": "dispute",
        "amount": payment.captured_minor,
        "currency": payment.currency.to_ascii_lowercase(),
        "charge": charge_id(payment),
        "payment_intent": payment.second_id,
        "reason": "fraudulent",
        "status": dispute_status(payment),
        "livemode": false,
    })
}

/// Puts the object where its id stands, along a path like `data.payment_intent.latest_charge`.
pub(super) fn expand(page: &Page<'_>, value: &mut Value, path: &[&str]) -> rusqlite::Result<()> {
    let Some((name, rest)) = path.split_first() else { return Ok(()) };
    if let Value::Array(items) = value {
        for item in items {
            expand(page, item, path)?;
        }
        return Ok(());
    }
    let Some(field) =
        value.as_object_mut().and_then(|fields: &mut Map<_, _>| fields.get_mut(*name))
    else {
        return Ok(());
    };
    if let Some(id) = field.as_str()
        && let Some(object) = by_id(page, id)?
    {
        *field = object;
    }
    expand(page, field, rest)
}

/// The object with this id, by its prefix.
fn by_id(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Value>> {
    let (prefix, rest) = id.split_once('_').unwrap_or_default();
    Ok(match prefix {
        "pi" => find(page, id)?.map(|payment| intent(&payment)),
        "ch" => find(page, &format!("pi_{rest}"))?.map(|payment| charge(&payment)),
        "txn" => find(page, &format!("pi_{rest}"))?.map(|payment| fee(&payment)),
        "re" => match refunds::by_id(page, id)? {
            Some(found) => {
                payments::by_id(page, &found.payment)?.map(|payment| refund(&found, &payment))
            }
            None => None,
        },
        _ => None,
    })
}

pub(super) fn find(page: &Page<'_>, id: &str) -> rusqlite::Result<Option<Payment>> {
    payments::of(page, Gateway::Stripe, id)
}
