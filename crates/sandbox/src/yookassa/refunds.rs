//! `/refunds`: create, show, list.

use serde_json::{Value, json};

use super::error::{self, invalid, wrong_state};
use super::payments::{Range, check_names, find, metadata, money, page_of, text};
use super::{id, receipts, told};
use crate::answer::{Answer, Outcome};
use crate::book::payments::Status;
use crate::book::refunds::{self, NewRefund};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::faults::Fault;

/// One rouble: no refund is smaller, and what is left is either nothing or at least this.
const LEAST: i64 = 100;

pub(super) fn create(page: &Page<'_>, call: &Call, body: &Value) -> Outcome {
    let payment_id = text(body, "payment_id", 36)?
        .ok_or_else(|| invalid("payment_id", "payment_id is required"))?;
    let amount_minor = money(body, "amount")?;
    let description = text(body, "description", 250)?;
    let metadata = metadata(&body["metadata"])?;
    let payment = find(page, payment_id)?;
    if payment.status != Status::Succeeded {
        return Err(wrong_state("The payment is not in the status succeeded").into());
    }
    let left = payment.captured_minor - refunds::promised(page, &payment.id)?;
    if amount_minor > left {
        return Err(invalid("amount", "More than what can be refunded").into());
    }
    let rest = left - amount_minor;
    if amount_minor < LEAST || (rest != 0 && rest < LEAST) {
        return Err(invalid("amount", "The refund and the rest must be 1 rouble or more").into());
    }
    receipts::check(&body["receipt"], amount_minor, false)?;
    let reference = metadata["refund_id"].as_str().unwrap_or_default().to_owned();
    let new = NewRefund {
        id: id(page)?,
        reference,
        amount_minor,
        extra: json!({
            "description": description, "metadata": metadata, "receipt": body["receipt"],
        }),
    };
    let done = steps::refund(page, &payment, new, call.struck.by(Fault::RefundPending))?;
    let (_, refund) = done.ok_or_else(|| invalid("amount", "More than what can be refunded"))?;
    Ok(Answer::ok(told::refund(&refund)))
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    let found = refunds::by_id(page, id)?;
    let found = found.ok_or_else(|| error::not_found("refund_id"))?;
    find(page, &found.payment)?;
    Ok(Answer::ok(told::refund(&found)))
}

pub(super) fn list(page: &Page<'_>, call: &Call) -> Outcome {
    let known = [
        "created_at.gte",
        "created_at.gt",
        "created_at.lte",
        "created_at.lt",
        "payment_id",
        "status",
        "limit",
        "cursor",
    ];
    check_names(call, &known)?;
    let created = Range::read(call, "created_at")?;
    let mut items = Vec::new();
    for refund in refunds::all(page, "yookassa")? {
        let told = told::refund(&refund);
        let wanted = |name: &str| call.asked(name).is_none_or(|value| told[name] == value);
        if created.has(Some(refund.created_at)) && wanted("payment_id") && wanted("status") {
            items.push((refund.seq, told));
        }
    }
    page_of(call, items)
}
