//! The plain protocol of the `sandbox` gateway, under `/plain/v1`: JSON, a bearer secret, whole
//! minor units, and notifications signed over time and body.
//!
//! | call | what |
//! |---|---|
//! | `POST payments` | open a payment (`Idempotency-Key`) |
//! | `GET payments/{id}`, `GET payments?reference=` | how it stands |
//! | `POST payments/{id}/capture` | take what is held, where the payment was opened with `hold` |
//! | `POST payments/{id}/void` | call it off, or let go what is held |
//! | `POST refunds` | give money back (`Idempotency-Key`) |
//! | `GET refunds/{id}`, `GET refunds?reference=` | how it stands |

mod api;
mod signature;

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use subtle::ConstantTimeEq as _;

pub(crate) use api::{answer, op};
pub use signature::sign;

use crate::answer::Answer;
use crate::book::Page;
use crate::book::deliveries::{self, Delivery, NewDelivery};
use crate::book::payments::Payment;
use crate::book::steps::News;
use crate::faults::{Fault, Struck};
use crate::gateway::{Gateway, Letter};
use crate::world::World;

/// How far back a stale signature is dated, in seconds.
pub(crate) const STALE_BY: i64 = 600;

/// Whether the caller knows the secret.
pub(crate) fn admit(world: &World, headers: &HeaderMap) -> Result<(), Answer> {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let token = given.and_then(|value| value.strip_prefix(b"Bearer "));
    if token.is_some_and(|token| token.ct_eq(world.secret.as_bytes()).into()) {
        Ok(())
    } else {
        let message = "Send the secret as Authorization: Bearer.";
        Err(Answer::refused(401, "unauthorized", message))
    }
}

pub(crate) fn trouble(status: u16) -> Answer {
    match status {
        429 => Answer::refused(429, "rate_limited", "Too many calls: on purpose."),
        _ => Answer::refused(status, "internal", "Broken on purpose."),
    }
}

pub(crate) fn tell(page: &Page<'_>, now: &Payment, news: News<'_>) -> rusqlite::Result<()> {
    let id = page.id("evt")?;
    let mut body = json!({
        "id": id,
        "payment_id": now.id,
        "reference": now.reference,
        "created_at": page.now,
    });
    let mut subject = &now.id;
    let kind = match news {
        News::Authorized => "payment.authorized",
        News::Paid | News::Captured => "payment.succeeded",
        News::Canceled => "payment.canceled",
        News::Refunding(refund) | News::Refunded(refund) | News::RefundFailed(refund) => {
            body["reference"] = json!(refund.reference);
            body["refund_id"] = json!(refund.id);
            subject = &refund.id;
            if refund.failure.is_some() { "refund.failed" } else { "refund.succeeded" }
        }
        News::Processing | News::Declined | News::Disputed | News::DisputeClosed => return Ok(()),
    };
    body["type"] = json!(kind);
    let new = NewDelivery {
        id: &id,
        gateway: Gateway::Plain,
        kind,
        subject,
        url: &now.notify_url,
        endpoint: None,
        body: &body.to_string(),
    };
    deliveries::add(page, &new)
}

pub(crate) fn letter(world: &World, delivery: &Delivery, struck: &Struck) -> Letter {
    let mut at = world.fixed().env.now().as_second();
    if struck.by(Fault::StaleSignature) {
        at -= STALE_BY;
    }
    let secret =
        if struck.by(Fault::BadSignature) { "not-the-secret" } else { world.secret.as_str() };
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        (signature::HEADER, sign(secret, at, &delivery.body)),
    ];
    Letter { headers, body: delivery.body.clone() }
}
