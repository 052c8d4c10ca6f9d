//! `/v1/payment_intents`: capture, cancel, show, list, search; and the charges beside them.

use kernel::SignedDuration;
use serde_json::{Value, json};

use super::error::{self, check_names, invalid, unexpected_state};
use super::list::page_of;
use super::told;
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, Payment, Status};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::gateway::Gateway;

/// A search does not know what is younger than this.
const SEARCH_LAG: SignedDuration = SignedDuration::from_mins(1);

fn find(page: &Page<'_>, id: &str) -> Outcome<Payment> {
    let found = told::find(page, id)?;
    let is_it = |p: &Payment| p.second_id.as_deref() == Some(id) && told::has_intent(p);
    Ok(found.filter(is_it).ok_or_else(|| error::no_such("payment_intent", id))?)
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    Ok(Answer::ok(told::intent(&find(page, id)?)))
}

/// The payment behind `ch_…` or `txn_…`.
fn behind(page: &Page<'_>, id: &str, what: &str) -> Outcome<Payment> {
    let rest = id.split_once('_').map_or("", |(_, rest)| rest);
    let found = told::find(page, &format!("pi_{rest}"))?;
    Ok(found.ok_or_else(|| error::no_such(what, id))?)
}

pub(super) fn show_charge(page: &Page<'_>, id: &str) -> Outcome {
    let charge = told::charge(&behind(page, id, "charge")?);
    if charge["id"] != id {
        return Err(error::no_such("charge", id).into());
    }
    Ok(Answer::ok(charge))
}

pub(super) fn show_fee(page: &Page<'_>, id: &str) -> Outcome {
    let payment = behind(page, id, "balance transaction")?;
    let fee = told::fee(&payment);
    if fee["id"] != id || payment.captured_minor == 0 {
        return Err(error::no_such("balance transaction", id).into());
    }
    Ok(Answer::ok(fee))
}

pub(super) fn capture(page: &Page<'_>, id: &str, asked: &Value) -> Outcome {
    check_names(asked, "", &["amount_to_capture", "metadata", "expand"])?;
    let payment = find(page, id)?;
    let minor = match asked["amount_to_capture"].as_str() {
        None => payment.amount_minor,
        Some(text) => text.parse().ok().filter(|minor| *minor > 0).ok_or_else(|| {
            invalid("parameter_invalid_integer", "amount_to_capture", "Invalid integer")
        })?,
    };
    if payment.status != Status::Authorized {
        let intent = told::intent(&payment);
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent["status"].as_str().unwrap_or_default()
        );
        return Ok(unexpected_state(&message, intent));
    }
    if minor > payment.amount_minor {
        let message = "The amount to capture is more than what is capturable.";
        return Ok(invalid("amount_too_large", "amount_to_capture", message));
    }
    Ok(Answer::ok(told::intent(&steps::capture(page, &payment, minor)?)))
}

pub(super) fn cancel(page: &Page<'_>, id: &str, asked: &Value) -> Outcome {
    check_names(asked, "", &["cancellation_reason", "expand"])?;
    let reason = asked["cancellation_reason"].as_str();
    let known = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    if reason.is_some_and(|reason| !known.contains(&reason)) {
        return Err(invalid("parameter_invalid", "cancellation_reason", "Invalid reason.").into());
    }
    let payment = find(page, id)?;
    if payment.status != Status::Authorized {
        let message = if payment.status == Status::Pending {
            "You cannot cancel this PaymentIntent: it was created by a Checkout Session. Expire \
             the session instead."
        } else {
            "You cannot cancel this PaymentIntent in its present status."
        };
        return Ok(unexpected_state(message, told::intent(&payment)));
    }
    let payment = steps::note(page, &payment, "cancellation_reason", reason, None)?;
    Ok(Answer::ok(told::intent(&steps::cancel(page, &payment, "voided")?)))
}

pub(super) fn list(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    let all = payments::all(page, Gateway::Stripe)?;
    let told = all.iter().filter(|payment| told::has_intent(payment)).map(told::intent);
    page_of(call, asked, &["customer"], told.collect())
}

/// `query=metadata['attempt_id']:'…' AND status:'succeeded'`; behind by up to a minute.
pub(super) fn search(page: &Page<'_>, asked: &Value) -> Outcome {
    check_names(asked, "", &["query", "limit", "page", "expand"])?;
    let query = asked["query"].as_str().ok_or_else(|| error::missing("query"))?;
    let mut clauses = Vec::new();
    for clause in query.split(" AND ") {
        let parsed = clause.trim().split_once(':').and_then(|(field, value)| {
            let value = value.trim().trim_matches('"');
            let value = value.strip_prefix('\'').map_or(value, |v| v.trim_end_matches('\''));
            let field = field.trim();
            let key = field.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']'));
            let key = key.map(|key| key.trim_matches(['\'', '"']));
            (key.is_some() || matches!(field, "status" | "currency"))
                .then(|| (key.map(str::to_owned), field.to_owned(), value.to_owned()))
        });
        let message = "We were unable to parse your search query.";
        clauses.push(parsed.ok_or_else(|| invalid("parameter_invalid", "query", message))?);
    }
    let fits = |intent: &Value| {
        clauses.iter().all(|(key, field, value)| match key {
            Some(key) => intent["metadata"][key] == value.as_str(),
            None => intent[field] == value.as_str(),
        })
    };
    let known = |payment: &&Payment| {
        let changed = payment.paid_at.unwrap_or(payment.created_at);
        told::has_intent(payment) && changed + SEARCH_LAG <= page.now
    };
    let all = payments::all(page, Gateway::Stripe)?;
    let data: Vec<Value> =
        all.iter().filter(known).map(told::intent).filter(|intent| fits(intent)).collect();
    Ok(Answer::ok(json!({
        "object": "search_result", "url": "/v1/payment_intents/search", "has_more": false,
        "next_page": null, "data": data,
    })))
}
