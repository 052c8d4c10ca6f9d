//! `/v1/checkout/sessions`: create, expire, show, list.

use kernel::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::error::{self, check_names, invalid, missing};
use super::list::page_of;
use super::told;
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, NewPayment, Payment, Status};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::gateway::Gateway;

const TERM_MIN: SignedDuration = SignedDuration::from_mins(30);
const TERM_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Clocks disagree a little.
const TERM_SLACK: SignedDuration = SignedDuration::from_mins(1);
/// Eight digits.
const AMOUNT_MAX: i64 = 99_999_999;
const AMOUNT_MIN: i64 = 50;
/// Currencies whose minor unit is a thousandth; the last digit must be 0.
const THOUSANDTHS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

pub(super) fn create(page: &Page<'_>, asked: &Value) -> Outcome {
    check(asked)?;
    let (currency, amount_minor, name) = sum(&asked["line_items"])?;
    let intent = &asked["payment_intent_data"];
    let capture_method = intent["capture_method"].as_str().unwrap_or("automatic_async");
    if !matches!(capture_method, "automatic" | "automatic_async" | "manual") {
        let param = "payment_intent_data[capture_method]";
        return Err(invalid("parameter_invalid", param, "Invalid capture_method.").into());
    }
    let text = |name: &str| asked[name].as_str();
    let reference = intent["metadata"]["attempt_id"]
        .as_str()
        .or(asked["metadata"]["attempt_id"].as_str())
        .or(text("client_reference_id"))
        .unwrap_or_default();
    let pi = page.token("pi_3", 23)?;
    let new = NewPayment {
        id: page.token("cs_test_a1", 56)?,
        second_id: Some(pi),
        gateway: Gateway::Stripe,
        reference: reference.to_owned(),
        amount_minor,
        currency: currency.to_ascii_uppercase(),
        manual: capture_method == "manual",
        description: name,
        return_url: text("success_url").unwrap_or_default().to_owned(),
        notify_url: String::new(),
        expires_at: term(page.now, asked)?,
        extra: json!({
            "client_reference_id": asked["client_reference_id"],
            "customer_email": asked["customer_email"],
            "locale": asked["locale"],
            "cancel_url": asked["cancel_url"],
            "metadata": metadata(&asked["metadata"], "metadata")?,
            "intent_metadata": metadata(&intent["metadata"], "payment_intent_data[metadata]")?,
            "intent_description": intent["description"],
            "capture_method": capture_method,
        }),
    };
    let payment = payments::open(page, &new)?;
    let payment = payment.ok_or_else(|| error::no_such("checkout.session", &new.id))?;
    Ok(Answer::ok(told::session(page, &payment)))
}

fn check(asked: &Value) -> Outcome<()> {
    let known = [
        "mode",
        "line_items",
        "success_url",
        "cancel_url",
        "client_reference_id",
        "metadata",
        "payment_intent_data",
        "expires_at",
        "customer_email",
        "locale",
        "payment_method_types",
        "submit_type",
        "billing_address_collection",
        "ui_mode",
        "expand",
    ];
    check_names(asked, "", &known)?;
    let intent_known = [
        "capture_method",
        "metadata",
        "description",
        "receipt_email",
        "statement_descriptor_suffix",
    ];
    check_names(&asked["payment_intent_data"], "payment_intent_data", &intent_known)?;
    match asked["mode"].as_str() {
        Some("payment") => {}
        None => return Err(missing("mode").into()),
        Some(_) => {
            let message = "This sandbox knows the mode payment only.";
            return Err(invalid("parameter_invalid", "mode", message).into());
        }
    }
    for (name, required) in [("success_url", true), ("cancel_url", false)] {
        match asked[name].as_str() {
            None if required => return Err(missing(name).into()),
            None => {}
            Some(url) => {
                let good = Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
                if !good {
                    return Err(invalid("url_invalid", name, "Not a valid URL").into());
                }
            }
        }
    }
    Ok(())
}

/// Currency, sum and first name of the lines.
fn sum(lines: &Value) -> Outcome<(String, i64, String)> {
    let lines = lines.as_array().filter(|lines| !lines.is_empty());
    let lines = lines.ok_or_else(|| missing("line_items"))?;
    let (mut currency, mut sum) = (None::<&str>, 0_i64);
    for (at, line) in lines.iter().enumerate() {
        let param = |name: &str| format!("line_items[{at}]{name}");
        let price = &line["price_data"];
        check_names(line, &format!("line_items[{at}]"), &["price_data", "quantity"])?;
        let names = ["currency", "unit_amount", "product_data", "tax_behavior"];
        check_names(price, &format!("line_items[{at}][price_data]"), &names)?;
        let code = price["currency"].as_str();
        let code = code.ok_or_else(|| missing(&param("[price_data][currency]")))?;
        let good = code.len() == 3 && code.bytes().all(|b| b.is_ascii_lowercase());
        if !good || currency.is_some_and(|other| other != code) {
            let param = param("[price_data][currency]");
            return Err(invalid("parameter_invalid", &param, "Invalid currency.").into());
        }
        currency = Some(code);
        let whole = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
        let unit = whole(&price["unit_amount"]).filter(|unit| *unit >= 0);
        let quantity = whole(&line["quantity"]).filter(|quantity| *quantity > 0);
        let (Some(unit), Some(quantity)) = (unit, quantity) else {
            let param =
                param(if unit.is_none() { "[price_data][unit_amount]" } else { "[quantity]" });
            return Err(invalid("parameter_invalid_integer", &param, "Invalid integer").into());
        };
        if price["product_data"]["name"].as_str().is_none_or(str::is_empty) {
            return Err(missing(&param("[price_data][product_data][name]")).into());
        }
        sum = unit.checked_mul(quantity).and_then(|more| sum.checked_add(more)).unwrap_or(i64::MAX);
    }
    let currency = currency.unwrap_or_default();
    let code = match sum {
        ..AMOUNT_MIN => Some("amount_too_small"),
        AMOUNT_MIN..=AMOUNT_MAX => None,
        _ => Some("amount_too_large"),
    };
    if let Some(code) = code {
        let message = "The Checkout Session's total amount is out of bounds.";
        return Err(invalid(code, "line_items", message).into());
    }
    if THOUSANDTHS.contains(&currency) && sum % 10 != 0 {
        let message = "The last digit of this currency must be 0.";
        return Err(invalid("parameter_invalid_integer", "line_items", message).into());
    }
    let name = lines[0]["price_data"]["product_data"]["name"].as_str().unwrap_or_default();
    Ok((currency.to_owned(), sum, name.to_owned()))
}

fn term(now: Timestamp, asked: &Value) -> Outcome<Timestamp> {
    let Some(given) = asked["expires_at"].as_str() else { return Ok(now + TERM_MAX) };
    let at = given.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let fits =
        |at: &Timestamp| (now + TERM_MIN - TERM_SLACK..=now + TERM_MAX + TERM_SLACK).contains(at);
    let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from \
        Checkout Session creation.";
    Ok(at.filter(fits).ok_or_else(|| invalid("parameter_invalid", "expires_at", message))?)
}

/// At most 50 texts of 500 characters under names of 40.
pub(super) fn metadata(given: &Value, param: &str) -> Outcome<Value> {
    let fits = |fields: &Map<String, Value>| {
        let text = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 500);
        fields.len() <= 50
            && fields.iter().all(|(name, value)| name.chars().count() <= 40 && text(value))
    };
    match given {
        Value::Null => Ok(json!({})),
        Value::Object(fields) if fits(fields) => Ok(given.clone()),
        _ => Err(invalid("parameter_invalid", param, "At most 50 texts.").into()),
    }
}

fn find(page: &Page<'_>, id: &str) -> Outcome<Payment> {
    let found = told::find(page, id)?.filter(|payment| payment.id == id);
    Ok(found.ok_or_else(|| error::no_such("checkout.session", id))?)
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    Ok(Answer::ok(told::session(page, &find(page, id)?)))
}

pub(super) fn expire(page: &Page<'_>, id: &str) -> Outcome {
    let payment = find(page, id)?;
    if payment.status != Status::Pending {
        let message = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
        return Ok(error::answer(400, "invalid_request_error", None, message, None));
    }
    Ok(Answer::ok(told::session(page, &steps::expire(page, &payment)?)))
}

pub(super) fn list(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    let all = payments::all(page, Gateway::Stripe)?;
    let told = all.iter().map(|payment| told::session(page, payment));
    let wanted = |name: &str, item: &Value| asked[name].as_str().is_none_or(|w| item[name] == w);
    let told = told.filter(|item| wanted("status", item) && wanted("payment_intent", item));
    page_of(call, asked, &["status", "payment_intent"], told.collect())
}
