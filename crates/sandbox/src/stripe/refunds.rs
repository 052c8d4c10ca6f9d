//! `/v1/refunds`: create, show, list.

use serde_json::{Value, json};

use super::error::{self, check_names, invalid, missing, unexpected_state};
use super::list::page_of;
use super::sessions::metadata;
use super::told;
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, Payment, Status};
use crate::book::refunds::{self, NewRefund, Refund};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::faults::Fault;
use crate::gateway::Gateway;

pub(super) fn create(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    check_names(
        asked,
        "",
        &["payment_intent", "charge", "amount", "reason", "metadata", "expand"],
    )?;
    let named = match (asked["payment_intent"].as_str(), asked["charge"].as_str()) {
        (Some(id), _) => id.to_owned(),
        (None, Some(id)) => id.replacen("ch_", "pi_", 1),
        (None, None) => return Err(missing("payment_intent").into()),
    };
    let reason = asked["reason"].as_str();
    if reason.is_some_and(|r| !["duplicate", "fraudulent", "requested_by_customer"].contains(&r)) {
        return Err(invalid("parameter_invalid", "reason", "Invalid reason.").into());
    }
    let metadata = metadata(&asked["metadata"], "metadata")?;
    let amount = match asked["amount"].as_str().map(str::parse::<i64>) {
        None => None,
        Some(Ok(minor @ 1..)) => Some(minor),
        Some(_) => {
            let code = "parameter_invalid_integer";
            return Err(invalid(code, "amount", "Invalid positive integer").into());
        }
    };
    let found = told::find(page, &named)?.filter(told::has_intent);
    let payment = found.ok_or_else(|| error::no_such("payment_intent", &named))?;
    if payment.status != Status::Succeeded {
        let message = "This PaymentIntent does not have a successful charge to refund.";
        return Ok(unexpected_state(message, told::intent(&payment)));
    }
    if payment.extra["disputed"] == true || payment.extra["dispute_lost"] == true {
        let message = "This charge has been charged back and cannot be refunded.";
        let kind = "invalid_request_error";
        return Ok(error::answer(400, kind, Some("charge_disputed"), message, None));
    }
    let left = payment.captured_minor - refunds::promised(page, &payment.id)?;
    if left == 0 {
        let message = "The charge has already been refunded.";
        let kind = "invalid_request_error";
        return Ok(error::answer(400, kind, Some("charge_already_refunded"), message, None));
    }
    let new = NewRefund {
        id: Gateway::Stripe.refund_id(page)?,
        reference: metadata["refund_id"].as_str().unwrap_or_default().to_owned(),
        amount_minor: amount.unwrap_or(left),
        extra: json!({ "reason": reason, "metadata": metadata }),
    };
    let done = steps::refund(page, &payment, new, call.struck.by(Fault::RefundPending))?;
    let message = "Refund amount is greater than unrefunded amount on charge.";
    let too_much = || error::answer(400, "invalid_request_error", None, message, Some("amount"));
    Ok(done.map_or_else(too_much, |(now, refund)| Answer::ok(told::refund(&refund, &now))))
}

fn with_payment(page: &Page<'_>, refund: Refund) -> rusqlite::Result<Option<(Refund, Payment)>> {
    let payment = payments::of(page, Gateway::Stripe, &refund.payment)?;
    Ok(payment.map(|payment| (refund, payment)))
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    let found = match refunds::by_id(page, id)? {
        Some(refund) => with_payment(page, refund)?,
        None => None,
    };
    let (refund, payment) = found.ok_or_else(|| error::no_such("refund", id))?;
    Ok(Answer::ok(told::refund(&refund, &payment)))
}

pub(super) fn list(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    let mut told = Vec::new();
    for refund in refunds::all(page, "stripe")? {
        if let Some((refund, payment)) = with_payment(page, refund)? {
            told.push(told::refund(&refund, &payment));
        }
    }
    let wanted = |name: &str, item: &Value| asked[name].as_str().is_none_or(|w| item[name] == w);
    told.retain(|item| wanted("payment_intent", item) && wanted("charge", item));
    page_of(call, asked, &["payment_intent", "charge"], told)
}
