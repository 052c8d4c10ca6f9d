//! YooKassa API v3 under `/v3`: Basic authentication, an `Idempotence-Key` on every POST, money
//! as a string with decimals, notifications without a signature.

mod error;
mod payments;
mod receipts;
mod refunds;
mod told;

use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kernel::SignedDuration;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::accounts::YooKassaAccount;
use crate::amount;
use crate::answer::{Answer, Outcome};
use crate::book::Page;
use crate::book::answers::{self, Kept};
use crate::book::deliveries::{self, Delivery, NewDelivery};
use crate::book::endpoints;
use crate::book::payments::Payment;
use crate::book::steps::News;
use crate::call::Call;
use crate::faults::{Fault, Op, Struck};
use crate::gateway::{Gateway, Letter};

/// How long a key is remembered, from its first request.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(24);
const KEY_MAX: usize = 64;
/// An address from the published ranges, which a proxy in front of a shop would see; and one that
/// is nobody's.
const SOURCE: &str = "185.71.76.10";
const FOREIGN_SOURCE: &str = "203.0.113.66";

/// An id: 36 characters, hexadecimal in five groups.
pub(crate) fn id(page: &Page<'_>) -> rusqlite::Result<String> {
    let hex = page.hex(20)?;
    Ok(format!("{}-000f-5000-9000-{}", &hex[..8], &hex[8..]))
}

pub(crate) fn admit(account: &YooKassaAccount, headers: &HeaderMap) -> Result<(), Answer> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Basic ")).unwrap_or_default();
    let given = BASE64_STANDARD.decode(given).unwrap_or_default();
    let known = account.secrets.iter().any(|secret| {
        let right = format!("{}:{secret}", account.shop_id);
        bool::from(given.ct_eq(right.as_bytes()))
    });
    if known {
        return Ok(());
    }
    let description = "Authentication by given credentials failed";
    Err(error::answer(401, "invalid_credentials", description, None))
}

pub(crate) fn op(call: &Call) -> Op {
    match (&call.method, call.parts().get(1..).unwrap_or_default()) {
        (&Method::POST, ["payments"]) => Op::Create,
        (&Method::POST, ["payments", _, "capture"]) => Op::Capture,
        (&Method::POST, ["payments", _, "cancel"]) => Op::Void,
        (&Method::POST, ["refunds"]) => Op::Refund,
        (&Method::GET, ["payments" | "refunds" | "receipts"]) => Op::List,
        (&Method::GET, ["payments" | "refunds" | "receipts", _]) => Op::Fetch,
        _ => Op::Other,
    }
}

pub(crate) fn answer(page: &Page<'_>, call: &Call) -> Outcome {
    let parts = call.parts();
    match (&call.method, parts.get(1..).unwrap_or_default()) {
        (&Method::GET, ["payments"]) => payments::list(page, call),
        (&Method::GET, ["payments", id]) => payments::show(page, id),
        (&Method::GET, ["refunds"]) => refunds::list(page, call),
        (&Method::GET, ["refunds", id]) => refunds::show(page, id),
        (&Method::GET, ["receipts"]) => receipts::list(page, call),
        (&Method::GET, ["receipts", id]) => receipts::show(page, id),
        (&Method::GET, ["me"]) => Ok(Answer::ok(me(page))),
        (&Method::POST, ["payments"]) => once(page, call, payments::create),
        (&Method::POST, ["payments", id, "capture"]) => {
            once(page, call, |page, _, body| payments::capture(page, id, body))
        }
        (&Method::POST, ["payments", id, "cancel"]) => {
            once(page, call, |page, _, _| payments::cancel(page, id))
        }
        (&Method::POST, ["refunds"]) => once(page, call, refunds::create),
        (&Method::POST, ["receipts"]) => once(page, call, receipts::create),
        (_, ["webhooks", ..]) => {
            let description = "Webhooks are for partners with OAuth; a shop sets its address in \
                the cabinet";
            Err(error::answer(403, "forbidden", description, None).into())
        }
        (_, ["payments" | "refunds" | "receipts" | "me", ..]) => Ok(Answer::empty(405)),
        _ => Err(error::not_found("").into()),
    }
}

/// One key, one effect. What was refused is not kept; a key lives for 24 hours.
fn once(
    page: &Page<'_>,
    call: &Call,
    make: impl FnOnce(&Page<'_>, &Call, &Value) -> Outcome,
) -> Outcome {
    let json = call.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !json {
        return Ok(Answer::empty(415));
    }
    let key = call.header("idempotence-key").unwrap_or_default();
    if key.is_empty() || key.len() > KEY_MAX {
        let description = "Idempotence key is missing or longer than 64 characters";
        return Err(error::invalid("Idempotence-Key", description).into());
    }
    let body: Value = match call.body.as_ref() {
        b"" => json!({}),
        bytes => serde_json::from_slice(bytes)
            .map_err(|_| error::answer(400, "invalid_request", "Body is not valid JSON", None))?,
    };
    let request = [call.path.as_bytes(), b"\n", &call.body].concat();
    match answers::find(page, "yookassa", key, &request, Some(KEY_LIFE))? {
        Kept::Answer(answer) => Ok(answer),
        Kept::Other => Err(error::invalid("Idempotence-Key", "Idempotence key duplicated").into()),
        Kept::Nothing => {
            let answer = make(page, call, &body)?;
            answers::keep(page, "yookassa", key, &request, &answer)?;
            Ok(answer)
        }
    }
}

fn me(page: &Page<'_>) -> Value {
    json!({
        "account_id": page.fixed.accounts.yookassa.shop_id,
        "status": "enabled",
        "test": true,
        "fiscalization": { "enabled": true, "provider": "avanpost" },
        "fiscalization_enabled": true,
        "payment_methods": ["bank_card", "yoo_money"],
        "itn": "7700000000",
    })
}

pub(crate) fn trouble(status: u16) -> Answer {
    match status {
        202 => Answer::json(
            202,
            json!({ "type": "processing", "description": "Request accepted, but not processed yet",
                "retry_after": 1800 }),
        ),
        429 => error::answer(429, "too_many_requests", "Too many requests", None),
        _ => error::answer(status, "internal_server_error", "Internal server error", None),
    }
}

/// Tells every amount one kopeck higher, or in another currency.
pub(crate) fn bend(told: &mut Value, struck: &Struck) {
    match told {
        Value::Array(items) => items.iter_mut().for_each(|item| bend(item, struck)),
        Value::Object(fields) => {
            let value = fields.get("value").and_then(Value::as_str).and_then(amount::hundredths);
            if let (Some(minor), true) = (value, fields.contains_key("currency")) {
                if struck.by(Fault::WrongAmount) {
                    fields.insert("value".to_owned(), amount::decimal(minor + 1).into());
                }
                if struck.by(Fault::WrongCurrency) {
                    fields.insert("currency".to_owned(), "USD".into());
                }
            }
            fields.values_mut().for_each(|field| bend(field, struck));
        }
        _ => {}
    }
}

pub(crate) fn tell(page: &Page<'_>, now: &Payment, news: News<'_>) -> rusqlite::Result<()> {
    let (event, subject, object) = match news {
        News::Authorized => ("payment.waiting_for_capture", &now.id, told::payment(page, now)),
        News::Paid | News::Captured => ("payment.succeeded", &now.id, told::payment(page, now)),
        News::Canceled => ("payment.canceled", &now.id, told::payment(page, now)),
        News::Refunding(refund) | News::Refunded(refund)
            if refund.status == crate::book::refunds::RefundStatus::Succeeded =>
        {
            ("refund.succeeded", &refund.id, told::refund(refund))
        }
        // There is no event for a refund that waits or fails: ask.
        _ => return Ok(()),
    };
    let body = json!({ "type": "notification", "event": event, "object": object }).to_string();
    let id = page.hex(16)?;
    for endpoint in endpoints::all(page, Gateway::Yookassa)? {
        let new = NewDelivery {
            id: &id,
            gateway: Gateway::Yookassa,
            kind: event,
            subject,
            url: &endpoint.url,
            endpoint: Some(&endpoint.id),
            body: &body,
        };
        deliveries::add(page, &new)?;
    }
    Ok(())
}

/// No signature: only the address it comes from speaks for it.
pub(crate) fn letter(delivery: &Delivery, struck: &Struck) -> Letter {
    let source = if struck.by(Fault::WrongSource) { FOREIGN_SOURCE } else { SOURCE };
    let mut body = delivery.body.clone();
    if let Ok(mut told) = serde_json::from_str::<Value>(&body) {
        bend(&mut told, struck);
        body = told.to_string();
    }
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-forwarded-for", source.to_owned()),
    ];
    Letter { headers, body }
}
