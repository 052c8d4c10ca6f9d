//! Receipts of 54-FZ: checked where they come with money, and `/receipts` for those that follow.

use serde_json::{Value, json};

use super::error::{self, invalid};
use super::id;
use super::payments::{check_names, find, page_of};
use crate::amount;
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, Payment};
use crate::book::{Page, refunds, steps};
use crate::call::Call;
use crate::clock::iso_millis;
use crate::gateway::Gateway;

const ITEMS_MAX: usize = 100;
const MODES: [&str; 7] = [
    "full_prepayment",
    "partial_prepayment",
    "advance",
    "full_payment",
    "partial_payment",
    "credit",
    "credit_payment",
];
/// Receipts of one payment.
const RECEIPTS_MAX: i64 = 50;

/// Whether `receipt`, if there is one, can be registered and adds up to `minor`.
pub(super) fn check(receipt: &Value, minor: i64, standalone: bool) -> Outcome<()> {
    if receipt.is_null() {
        return Ok(());
    }
    let at = |name: &str| {
        if standalone { name.to_owned() } else { format!("receipt.{name}") }
    };
    let customer = &receipt["customer"];
    let (email, phone) = (customer["email"].as_str(), customer["phone"].as_str());
    let digits = |phone: &str| phone.len() >= 5 && phone.bytes().all(|b| b.is_ascii_digit());
    if !email.is_some_and(|email| email.contains('@')) && !phone.is_some_and(digits) {
        return Err(invalid(&at("customer"), "An email or a phone of digits is required").into());
    }
    let items = receipt["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(invalid(&at("items"), "From 1 to 100 items").into());
    }
    let mut sum = 0_i128;
    for item in items {
        sum += thousandths(item)
            .map_err(|name| invalid(&at(&format!("items.{name}")), "Incorrect"))?;
    }
    if sum != i128::from(minor) * 1000 {
        let description = "The sum of the items differs from the amount";
        return Err(invalid(&at("items.amount"), description).into());
    }
    Ok(())
}

/// What an item comes to, in thousandths of a kopeck; the field that is wrong, if one is.
fn thousandths(item: &Value) -> Result<i128, &'static str> {
    let description = item["description"].as_str().unwrap_or_default().chars().count();
    if !(1..=128).contains(&description) {
        return Err("description");
    }
    if !item["vat_code"].as_i64().is_some_and(|code| (1..=12).contains(&code)) {
        return Err("vat_code");
    }
    let mode = item["payment_mode"].as_str();
    if !(item["payment_mode"].is_null() || mode.is_some_and(|mode| MODES.contains(&mode))) {
        return Err("payment_mode");
    }
    let price = item["amount"]["value"].as_str().and_then(amount::hundredths).ok_or("amount")?;
    // A number by the specification; the provider's own libraries send a string.
    let quantity = match &item["quantity"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err("quantity"),
    };
    let (whole, part) = quantity.split_once('.').unwrap_or((&quantity, "0"));
    let part = part.trim_end_matches('0');
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 5 || part.len() > 3 || !digits(whole) || !digits(part) {
        return Err("quantity");
    }
    let count: i64 = format!("{whole}{part:0<3}").parse().map_err(|_| "quantity")?;
    if count == 0 {
        return Err("quantity");
    }
    Ok(i128::from(price) * i128::from(count))
}

/// A receipt that follows: the closing one after a prepayment, or one of a refund.
pub(super) fn create(page: &Page<'_>, _: &Call, body: &Value) -> Outcome {
    let kind = body["type"].as_str().unwrap_or_default();
    let payment = match kind {
        "payment" => find(page, body["payment_id"].as_str().unwrap_or_default())?,
        "refund" => {
            let refund = refunds::by_id(page, body["refund_id"].as_str().unwrap_or_default())?;
            let refund = refund.ok_or_else(|| error::not_found("refund_id"))?;
            find(page, &refund.payment)?
        }
        _ => return Err(invalid("type", "payment or refund").into()),
    };
    if body["send"] != true {
        return Err(invalid("send", "Must be true").into());
    }
    let mut minor = 0_i64;
    for settlement in body["settlements"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let value = settlement["amount"]["value"].as_str().and_then(amount::hundredths);
        minor = minor.saturating_add(value.ok_or_else(|| invalid("settlements", "Incorrect"))?);
    }
    check(body, minor, true)?;
    let mut receipts = kept(&payment);
    if i64::try_from(receipts.len()).is_ok_and(|count| count >= RECEIPTS_MAX) {
        return Err(invalid("payment_id", "A payment has 50 receipts at most").into());
    }
    let mut told = json!({
        "id": format!("rt-{}", id(page)?), "type": kind, "status": "succeeded",
        "fiscal_document_number": (receipts.len() + 1).to_string(),
        "registered_at": iso_millis(page.now), "items": body["items"],
        "settlements": body["settlements"], "tax_system_code": 1,
        "payment_id": payment.id,
    });
    if kind == "refund" {
        told["refund_id"] = body["refund_id"].clone();
    }
    receipts.push(told.clone());
    steps::note(page, &payment, "receipts", receipts, None)?;
    Ok(Answer::ok(told))
}

fn kept(payment: &Payment) -> Vec<Value> {
    payment.extra["receipts"].as_array().cloned().unwrap_or_default()
}

pub(super) fn list(page: &Page<'_>, call: &Call) -> Outcome {
    check_names(call, &["payment_id", "refund_id", "status", "limit", "cursor"])?;
    let mut items = Vec::new();
    for payment in payments::all(page, Gateway::Yookassa)? {
        for (number, receipt) in (0..).zip(kept(&payment)).collect::<Vec<_>>().into_iter().rev() {
            let wanted = |name: &str| call.asked(name).is_none_or(|value| receipt[name] == value);
            if wanted("payment_id") && wanted("refund_id") && wanted("status") {
                items.push((payment.seq * RECEIPTS_MAX + number, receipt));
            }
        }
    }
    page_of(call, items)
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    let all = payments::all(page, Gateway::Yookassa)?;
    let found = all.iter().flat_map(kept).find(|receipt| receipt["id"] == id);
    Ok(Answer::ok(found.ok_or_else(|| error::not_found("receipt_id"))?))
}
