//! The calls of the plain protocol.

use axum::http::Method;
use kernel::limits::{KEY_BYTES_MAX, TEXT_CHARS_MAX};
use kernel::{Currency, SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::answer::{Answer, Outcome};
use crate::book::answers::{self, Kept};
use crate::book::payments::{self, NewPayment, Payment, Status};
use crate::book::refunds::{self, NewRefund, Refund};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::faults::{Fault, Op};
use crate::gateway::Gateway;
use crate::loopback::is_loopback;

/// A trillion minor units: no shop takes more at once, and no sum of a few overflows.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// The longest term, with an hour for clocks that disagree.
const TERM_MAX: SignedDuration = SignedDuration::from_hours(25);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentBody {
    amount_minor: i64,
    currency: Currency,
    reference: String,
    description: String,
    return_url: String,
    notify_url: String,
    expires_at: Timestamp,
    /// Whether the money is only held at first, until `capture` or `void`.
    #[serde(default)]
    hold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    payment_id: String,
    amount_minor: i64,
    reference: String,
}

pub(crate) fn op(call: &Call) -> Op {
    match (&call.method, call.parts().get(2..).unwrap_or_default()) {
        (&Method::POST, ["payments"]) => Op::Create,
        (&Method::POST, ["payments", _, "capture"]) => Op::Capture,
        (&Method::POST, ["payments", _, "void"]) => Op::Void,
        (&Method::POST, ["refunds"]) => Op::Refund,
        (&Method::GET, _) => Op::Fetch,
        _ => Op::Other,
    }
}

pub(crate) fn answer(page: &Page<'_>, call: &Call) -> Outcome {
    match (&call.method, call.parts().get(2..).unwrap_or_default()) {
        (&Method::POST, ["payments"]) => once(page, call, "create", create_payment),
        (&Method::GET, ["payments"]) => {
            let found = payments::by_reference(page, Gateway::Plain, sought(call)?)?;
            let items: Vec<Value> = found.iter().map(|payment| told(page, payment)).collect();
            Ok(Answer::ok(json!({ "items": items })))
        }
        (&Method::GET, ["payments", id]) => Ok(Answer::ok(told(page, &payment(page, id)?))),
        (&Method::POST, ["payments", id, "capture"]) => capture_payment(page, &payment(page, id)?),
        (&Method::POST, ["payments", id, "void"]) => void_payment(page, &payment(page, id)?),
        (&Method::POST, ["refunds"]) => once(page, call, "refund", create_refund),
        (&Method::GET, ["refunds"]) => {
            let found = refunds::by_reference(page, "plain", sought(call)?)?;
            let items: Vec<Value> = found.iter().map(Refund::json).collect();
            Ok(Answer::ok(json!({ "items": items })))
        }
        (&Method::GET, ["refunds", id]) => {
            let found = refunds::by_id(page, id)?.ok_or_else(Answer::not_found)?;
            Ok(Answer::ok(found.json()))
        }
        _ => Err(Answer::not_found().into()),
    }
}

fn payment(page: &Page<'_>, id: &str) -> Outcome<Payment> {
    Ok(payments::of(page, Gateway::Plain, id)?.ok_or_else(Answer::not_found)?)
}

fn told(page: &Page<'_>, payment: &Payment) -> Value {
    payment.json(&page.fixed.base_url)
}

/// One key, one effect; kept for ever. What makes no sense is not kept.
fn once(
    page: &Page<'_>,
    call: &Call,
    scope: &str,
    make: impl FnOnce(&Page<'_>, &Call) -> Outcome,
) -> Outcome {
    let key = key(call)?;
    match answers::find(page, scope, key, &call.body, None)? {
        Kept::Answer(answer) => Ok(answer),
        Kept::Other => {
            let message = "This Idempotency-Key was used with another request.";
            Err(Answer::refused(422, "idempotency_key_reused", message).into())
        }
        Kept::Nothing => {
            let answer = make(page, call)?;
            answers::keep(page, scope, key, &call.body, &answer)?;
            Ok(answer)
        }
    }
}

fn create_payment(page: &Page<'_>, call: &Call) -> Outcome {
    let new = new_payment(page.id("pay")?, read(&call.body)?)?;
    if new.expires_at <= page.now || new.expires_at > page.now + TERM_MAX {
        return Ok(Answer::invalid("expires_at", "Between now and 24 hours from now."));
    }
    Ok(match payments::open(page, &new)? {
        Some(payment) => Answer::json(201, told(page, &payment)),
        None => Answer::refused(409, "reference_taken", "Another payment has this reference."),
    })
}

/// All that is held.
fn capture_payment(page: &Page<'_>, payment: &Payment) -> Outcome {
    match payment.status {
        Status::Authorized => {
            let taken = steps::capture(page, payment, payment.amount_minor)?;
            Ok(Answer::ok(told(page, &taken)))
        }
        // Taken already, with the same result.
        Status::Succeeded => Ok(Answer::ok(told(page, payment))),
        _ => Err(Answer::wrong_state(&told(page, payment)).into()),
    }
}

fn void_payment(page: &Page<'_>, payment: &Payment) -> Outcome {
    match payment.status {
        Status::Pending | Status::Authorized => {
            Ok(Answer::ok(told(page, &steps::cancel(page, payment, "voided")?)))
        }
        // Over already, with the same result: no reason to object.
        Status::Canceled => Ok(Answer::ok(told(page, payment))),
        _ => Err(Answer::wrong_state(&told(page, payment)).into()),
    }
}

fn create_refund(page: &Page<'_>, call: &Call) -> Outcome {
    let asked: RefundBody = read(&call.body)?;
    check_amount(asked.amount_minor)?;
    check_reference(&asked.reference)?;
    let payment = payment(page, &asked.payment_id)?;
    if payment.status != Status::Succeeded {
        return Ok(Answer::wrong_state(&told(page, &payment)));
    }
    if refunds::by_reference(page, "plain", &asked.reference)?.is_some() {
        let message = "Another refund has this reference.";
        return Ok(Answer::refused(409, "reference_taken", message));
    }
    let new = NewRefund {
        id: page.id("ref")?,
        reference: asked.reference,
        amount_minor: asked.amount_minor,
        extra: json!({}),
    };
    let pending = call.struck.by(Fault::RefundPending);
    let done = steps::refund(page, &payment, new, pending)?;
    let message = "More than what was captured and not yet given back.";
    let too_much = || Answer::refused(409, "refund_exceeds_captured", message);
    Ok(done.map_or_else(too_much, |(_, refund)| Answer::json(201, refund.json())))
}

fn sought(call: &Call) -> Outcome<&str> {
    let none = || Answer::invalid("reference", "Say which one: ?reference=.");
    Ok(call.asked("reference").ok_or_else(none)?)
}

fn key(call: &Call) -> Outcome<&str> {
    match call.header("idempotency-key") {
        Some(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Ok(key),
        _ => {
            let message = "Send an Idempotency-Key of 1 to 255 ASCII characters.";
            Err(Answer::refused(400, "idempotency_key_missing", message).into())
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))
}

fn new_payment(id: String, body: PaymentBody) -> Result<NewPayment, Answer> {
    check_amount(body.amount_minor)?;
    check_reference(&body.reference)?;
    let chars = body.description.chars().count();
    if !(1..=TEXT_CHARS_MAX).contains(&chars) || body.description.chars().any(char::is_control) {
        return Err(Answer::invalid("description", "1 to 200 characters on one line."));
    }
    let return_url = Url::parse(&body.return_url).ok();
    let return_url = return_url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let return_url =
        return_url.ok_or_else(|| Answer::invalid("return_url", "A page on the web."))?;
    if !is_loopback(&body.notify_url) {
        let message = "This sandbox notifies http:// loopback addresses only.";
        return Err(Answer::invalid("notify_url", message));
    }
    Ok(NewPayment {
        id,
        second_id: None,
        gateway: Gateway::Plain,
        manual: body.hold,
        extra: json!({}),
        amount_minor: body.amount_minor,
        currency: body.currency.to_string(),
        reference: body.reference,
        description: body.description,
        return_url: return_url.into(),
        notify_url: body.notify_url,
        expires_at: body.expires_at,
    })
}

fn check_amount(minor: i64) -> Result<(), Answer> {
    if (1..=AMOUNT_MAX).contains(&minor) {
        Ok(())
    } else {
        Err(Answer::invalid("amount_minor", "More than zero, and not absurd."))
    }
}

fn check_reference(reference: &str) -> Result<(), Answer> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if (1..=64).contains(&reference.len()) && reference.bytes().all(plain) {
        Ok(())
    } else {
        Err(Answer::invalid("reference", "1 to 64 letters, digits, - and _."))
    }
}
