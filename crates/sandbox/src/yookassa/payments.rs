//! `/payments`: create, capture, cancel, show, list.

use kernel::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::error::{self, invalid, wrong_state};
use super::{id, receipts, told};
use crate::amount;
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, NewPayment, Payment, Status};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::faults::Fault;
use crate::gateway::Gateway;

/// The currency of the shop's account.
const CURRENCY: &str = "RUB";
/// How long the payer has, by card.
const TERM: SignedDuration = SignedDuration::from_hours(1);
/// A limit of the provider, in kopecks.
const AMOUNT_MAX: i64 = 10_000_000_000;

pub(super) fn create(page: &Page<'_>, _: &Call, body: &Value) -> Outcome {
    let minor = money(body, "amount")?;
    let confirmation = &body["confirmation"];
    if confirmation["type"] != "redirect" {
        let description = "This shop can confirm payments by redirect only";
        return Err(invalid("confirmation.type", description).into());
    }
    let return_url = text(confirmation, "return_url", 2048)?.unwrap_or_default();
    if !Url::parse(return_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(invalid("confirmation.return_url", "Incorrect return_url").into());
    }
    let manual = match &body["capture"] {
        // Without a word about it nothing is captured.
        Value::Null => true,
        Value::Bool(capture) => !capture,
        _ => return Err(invalid("capture", "Must be true or false").into()),
    };
    let description = text(body, "description", 128)?;
    let metadata = metadata(&body["metadata"])?;
    receipts::check(&body["receipt"], minor, false)?;
    let reference = metadata["attempt_id"].as_str().or(metadata["order_id"].as_str());
    let new = NewPayment {
        id: id(page)?,
        second_id: None,
        gateway: Gateway::Yookassa,
        reference: reference.unwrap_or_default().to_owned(),
        amount_minor: minor,
        currency: CURRENCY.to_owned(),
        manual,
        description: description.unwrap_or("Payment").to_owned(),
        return_url: return_url.to_owned(),
        notify_url: String::new(),
        expires_at: page.now + TERM,
        extra: json!({
            "metadata": metadata,
            "description": description,
            "receipt": body["receipt"],
            "merchant_customer_id": text(body, "merchant_customer_id", 200)?,
        }),
    };
    let payment = payments::open(page, &new)?.ok_or_else(|| error::not_found("payment"))?;
    Ok(Answer::ok(told::payment(page, &payment)))
}

pub(super) fn capture(page: &Page<'_>, id: &str, body: &Value) -> Outcome {
    let payment = find(page, id)?;
    let minor =
        if body["amount"].is_null() { payment.amount_minor } else { money(body, "amount")? };
    if payment.status != Status::Authorized {
        let description = "The payment is not in the status waiting_for_capture";
        return Err(wrong_state(description).into());
    }
    if minor > payment.amount_minor {
        return Err(invalid("amount", "More than what is held").into());
    }
    let receipt =
        if body["receipt"].is_null() { &payment.extra["receipt"] } else { &body["receipt"] };
    if minor < payment.amount_minor
        && !payment.extra["receipt"].is_null()
        && body["receipt"].is_null()
    {
        let description = "Receipt of a partial capture must have its own items";
        return Err(invalid("receipt", description).into());
    }
    receipts::check(receipt, minor, false)?;
    Ok(Answer::ok(told::payment(page, &steps::capture(page, &payment, minor)?)))
}

pub(super) fn cancel(page: &Page<'_>, id: &str) -> Outcome {
    let payment = find(page, id)?;
    if payment.status != Status::Authorized {
        let description = "The payment is not in the status waiting_for_capture";
        return Err(wrong_state(description).into());
    }
    Ok(Answer::ok(told::payment(page, &steps::cancel(page, &payment, "voided")?)))
}

pub(super) fn find(page: &Page<'_>, id: &str) -> Outcome<Payment> {
    let found = payments::of(page, Gateway::Yookassa, id)?;
    Ok(found.ok_or_else(|| error::not_found("payment_id"))?)
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    Ok(Answer::ok(told::payment(page, &find(page, id)?)))
}

pub(super) fn list(page: &Page<'_>, call: &Call) -> Outcome {
    let known = [
        "created_at.gte",
        "created_at.gt",
        "created_at.lte",
        "created_at.lt",
        "captured_at.gte",
        "captured_at.gt",
        "captured_at.lte",
        "captured_at.lt",
        "payment_method",
        "status",
        "limit",
        "cursor",
    ];
    check_names(call, &known)?;
    let created = Range::read(call, "created_at")?;
    let captured = Range::read(call, "captured_at")?;
    let all = payments::all(page, Gateway::Yookassa)?;
    let mut items: Vec<(i64, Value)> = Vec::new();
    for payment in all.iter().filter(|payment| created.has(Some(payment.created_at))) {
        let told = told::payment(page, payment);
        let status = call.asked("status").is_none_or(|status| told["status"] == status);
        let method = call
            .asked("payment_method")
            .is_none_or(|method| told["payment_method"]["type"] == method);
        if status && method && captured.has(payment.captured_at) {
            items.push((payment.seq, told));
        }
    }
    page_of(call, items)
}

/// One page of a list, newest first. The cursor is the number of the last item before it.
pub(super) fn page_of(call: &Call, items: Vec<(i64, Value)>) -> Outcome {
    let limit = match call.asked("limit") {
        None => 10,
        Some(limit) => match limit.parse() {
            Ok(limit @ 1..=100) => limit,
            _ => return Err(invalid("limit", "From 1 to 100").into()),
        },
    };
    let before = match call.asked("cursor") {
        None => i64::MAX,
        Some(cursor) => cursor.parse().map_err(|_| invalid("cursor", "Incorrect cursor"))?,
    };
    let again = call.struck.by(Fault::ListMoves);
    let items: Vec<_> =
        items.into_iter().filter(|(seq, _)| *seq < before || (again && *seq == before)).collect();
    let mut list = json!({ "type": "list" });
    if items.len() > limit {
        list["next_cursor"] = json!(items[limit - 1].0.to_string());
    }
    list["items"] = items.into_iter().take(limit).map(|(_, told)| told).collect();
    Ok(Answer::ok(list))
}

pub(super) fn check_names(call: &Call, known: &[&str]) -> Outcome<()> {
    match call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(invalid(name, "Unknown parameter").into()),
        None => Ok(()),
    }
}

/// A span of time, as milliseconds: from inclusive, until exclusive.
pub(super) struct Range {
    from: i64,
    until: i64,
    open: bool,
}

impl Range {
    /// `{name}.gte`, `.gt`, `.lte` and `.lt` of the query.
    pub fn read(call: &Call, name: &str) -> Outcome<Self> {
        let mut range = Self { from: i64::MIN, until: i64::MAX, open: true };
        for (end, shift) in [("gte", 0), ("gt", 1), ("lte", 1), ("lt", 0)] {
            let parameter = format!("{name}.{end}");
            let Some(text) = call.asked(&parameter) else { continue };
            let at: Timestamp =
                text.parse().map_err(|_| invalid(&parameter, "Not an ISO 8601 moment"))?;
            let at = at.as_millisecond() + shift;
            range.open = false;
            if end.starts_with('g') {
                range.from = range.from.max(at);
            } else {
                range.until = range.until.min(at);
            }
        }
        Ok(range)
    }

    pub fn has(&self, at: Option<Timestamp>) -> bool {
        let Some(at) = at else { return self.open };
        (self.from..self.until).contains(&at.as_millisecond())
    }
}

/// `{"value": "1234.50", "currency": "RUB"}`, in kopecks.
pub(super) fn money(body: &Value, name: &str) -> Outcome<i64> {
    let given = &body[name];
    let minor = given["value"].as_str().and_then(amount::hundredths).unwrap_or(0);
    if !(1..=AMOUNT_MAX).contains(&minor) {
        return Err(invalid(&format!("{name}.value"), "Incorrect amount").into());
    }
    if given["currency"] != CURRENCY {
        let description = "The currency differs from that of the shop's account";
        return Err(invalid(&format!("{name}.currency"), description).into());
    }
    Ok(minor)
}

/// A text of at most so many characters.
pub(super) fn text<'a>(body: &'a Value, name: &str, max: usize) -> Outcome<Option<&'a str>> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) if (1..=max).contains(&text.chars().count()) => Ok(Some(text)),
        _ => Err(invalid(name, &format!("Must be 1 to {max} characters")).into()),
    }
}

/// At most 16 texts of 512 characters under names of 32.
pub(super) fn metadata(given: &Value) -> Outcome<Value> {
    let fits = |fields: &Map<String, Value>| {
        let text = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 512);
        fields.len() <= 16
            && fields.iter().all(|(name, value)| name.chars().count() <= 32 && text(value))
    };
    match given {
        Value::Null => Ok(Value::Null),
        Value::Object(fields) if fits(fields) => Ok(given.clone()),
        _ => Err(invalid("metadata", "At most 16 strings of 512 characters").into()),
    }
}
