//! Stripe's API v1 under `/v1`: forms with brackets in, JSON out, a bearer key, an
//! `Idempotency-Key` on every POST, whole minor units, signed webhooks.

mod disputes;
mod endpoints;
mod error;
mod events;
mod form;
mod intents;
mod list;
mod refunds;
mod sessions;
mod told;

use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::SignedDuration;
use kernel::limits::KEY_BYTES_MAX;
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;
use subtle::ConstantTimeEq as _;

pub(crate) use disputes::decided;
pub(crate) use endpoints::roll;
pub(crate) use events::tell;

use crate::accounts::StripeAccount;
use crate::answer::{Answer, Halt, Outcome};
use crate::book::Page;
use crate::book::answers::{self, Kept};
use crate::book::deliveries::Delivery;
use crate::book::payments::{Payment, Status};
use crate::call::Call;
use crate::faults::{Fault, Op, Struck};
use crate::gateway::{Letter, Way};
use crate::hex::hex;
use crate::world::World;

/// The version of the API that is spoken here.
const VERSION: &str = "2026-10-28.endive";
/// Keys may be forgotten after this.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(24);

pub(crate) fn admit(account: &StripeAccount, headers: &HeaderMap) -> Result<(), Answer> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default();
    // `curl -u sk_test_…:` is as good.
    let key = match (given.strip_prefix("Bearer "), given.strip_prefix("Basic ")) {
        (Some(key), _) => key.as_bytes().to_vec(),
        (_, Some(basic)) => {
            let pair = BASE64_STANDARD.decode(basic).unwrap_or_default();
            pair.split(|byte| *byte == b':').next().unwrap_or_default().to_vec()
        }
        _ => Vec::new(),
    };
    if account.keys.iter().any(|known| key.ct_eq(known.as_bytes()).into()) {
        return Ok(());
    }
    let message = if key.is_empty() {
        "You did not provide an API key."
    } else {
        "Invalid API Key provided."
    };
    Err(error::answer(401, "invalid_request_error", None, message, None))
}

pub(crate) fn op(call: &Call) -> Op {
    match (&call.method, call.parts().get(1..).unwrap_or_default()) {
        (&Method::POST, ["checkout", "sessions"]) => Op::Create,
        (&Method::POST, ["payment_intents", _, "capture"]) => Op::Capture,
        (
            &Method::POST,
            ["checkout", "sessions", _, "expire"] | ["payment_intents", _, "cancel"],
        ) => Op::Void,
        (&Method::POST, ["refunds"]) => Op::Refund,
        (
            &Method::GET,
            ["checkout", "sessions"]
            | ["payment_intents", "search"]
            | ["payment_intents" | "refunds" | "events" | "charges"],
        ) => Op::List,
        (&Method::GET, _) => Op::Fetch,
        _ => Op::Other,
    }
}

pub(crate) fn answer(page: &Page<'_>, call: &Call) -> Outcome {
    let request_id = page.token("req_", 14)?;
    let mark = |answer: Answer| {
        let answer = answer.with("request-id", request_id.clone()).with("stripe-version", VERSION);
        match call.header("idempotency-key") {
            Some(key) => answer.with("idempotency-key", key),
            None => answer,
        }
    };
    match served(page, call) {
        Ok(answer) => Ok(mark(answer)),
        Err(Halt::Answer(answer)) => Err(mark(*answer).into()),
        Err(error) => Err(error),
    }
}

fn served(page: &Page<'_>, call: &Call) -> Outcome {
    match call.method {
        Method::POST => {
            let asked = form::read(&call.form());
            once(page, call, |page, parts| match parts {
                ["checkout", "sessions"] => sessions::create(page, &asked),
                ["checkout", "sessions", id, "expire"] => sessions::expire(page, id),
                ["payment_intents", id, "capture"] => intents::capture(page, id, &asked),
                ["payment_intents", id, "cancel"] => intents::cancel(page, id, &asked),
                ["refunds"] => refunds::create(page, call, &asked),
                ["webhook_endpoints"] => endpoints::create(page, &asked),
                ["webhook_endpoints", id] => endpoints::change(page, id, &asked),
                _ => Err(error::no_such_address(call).into()),
            })
        }
        Method::GET => {
            let asked = form::read(&call.query);
            let answer = shown(page, call, &asked)?;
            Ok(expanded(page, answer, &asked)?)
        }
        Method::DELETE => match call.parts().get(1..).unwrap_or_default() {
            ["webhook_endpoints", id] => endpoints::remove(page, id),
            _ => Err(error::no_such_address(call).into()),
        },
        _ => Err(error::no_such_address(call).into()),
    }
}

fn shown(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    match call.parts().get(1..).unwrap_or_default() {
        ["checkout", "sessions"] => sessions::list(page, call, asked),
        ["checkout", "sessions", id] => sessions::show(page, id),
        ["payment_intents"] => intents::list(page, call, asked),
        ["payment_intents", "search"] => intents::search(page, asked),
        ["payment_intents", id] => intents::show(page, id),
        ["charges", id] => intents::show_charge(page, id),
        ["balance_transactions", id] => intents::show_fee(page, id),
        ["disputes", id] => disputes::show(page, id),
        ["refunds"] => refunds::list(page, call, asked),
        ["refunds", id] => refunds::show(page, id),
        ["events"] => events::list(page, call, asked),
        ["events", id] => events::show(page, id),
        ["webhook_endpoints"] => endpoints::list(page, call, asked),
        ["webhook_endpoints", id] => endpoints::show(page, id),
        ["account"] => Ok(Answer::ok(json!({
            "id": "acct_1HoldfastSandbox", "object": "account", "charges_enabled": true,
            "country": "DE", "default_currency": "eur",
        }))),
        ["balance"] => Ok(Answer::ok(json!({
            "object": "balance", "livemode": false, "available": [], "pending": [],
        }))),
        _ => Err(error::no_such_address(call).into()),
    }
}

/// Inlines what `expand[]` names.
fn expanded(page: &Page<'_>, mut answer: Answer, asked: &Value) -> Outcome {
    for path in asked["expand"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let path: Vec<&str> = path.as_str().unwrap_or_default().split('.').collect();
        if let crate::answer::Body::Json(value) = &mut answer.body {
            told::expand(page, value, &path)?;
        }
    }
    Ok(answer)
}

/// One key, one effect. What was refused before anything began (an error here) is not kept; what
/// began is, refusals and failures included.
fn once(page: &Page<'_>, call: &Call, make: impl FnOnce(&Page<'_>, &[&str]) -> Outcome) -> Outcome {
    let parts = call.parts();
    let parts = parts.get(1..).unwrap_or_default();
    let asked = form::read(&call.form());
    let Some(key) = call.header("idempotency-key").filter(|key| !key.is_empty()) else {
        return expanded(page, make(page, parts)?, &asked);
    };
    if key.len() > KEY_BYTES_MAX {
        let message = "Idempotency keys are 255 characters at most.";
        return Err(error::answer(400, "invalid_request_error", None, message, None).into());
    }
    let request = [call.path.as_bytes(), b"\n", &call.body].concat();
    match answers::find(page, "stripe", key, &request, Some(KEY_LIFE))? {
        Kept::Answer(answer) => Ok(answer.with("idempotent-replayed", "true")),
        Kept::Other => {
            let message = format!(
                "Keys for idempotent requests can only be used with the same parameters they \
                 were first used with. Try using a key other than '{key}'."
            );
            Err(error::answer(400, "idempotency_error", None, &message, None).into())
        }
        Kept::Nothing => {
            let mut answer = expanded(page, make(page, parts)?, &asked)?;
            if call.struck.by(Fault::Stored500) {
                answer = trouble(500);
            }
            answers::keep(page, "stripe", key, &request, &answer)?;
            Ok(answer)
        }
    }
}

pub(crate) fn trouble(status: u16) -> Answer {
    let (kind, code, message) = match status {
        409 => {
            let message = "There is currently another in-progress request using this key.";
            ("invalid_request_error", Some("lock_timeout"), message)
        }
        429 => ("invalid_request_error", Some("rate_limit"), "Too many requests."),
        _ => ("api_error", None, "An error occurred on our side. It was on purpose."),
    };
    let retry = if status == 500 { "false" } else { "true" };
    error::answer(status, kind, code, message, None)
        .with("stripe-should-retry", retry)
        .with("request-id", "req_sandbox_trouble")
}

/// Tells every amount one minor unit higher, or in another currency.
pub(crate) fn bend(told: &mut Value, struck: &Struck) {
    match told {
        Value::Array(items) => items.iter_mut().for_each(|item| bend(item, struck)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let money = name.starts_with("amount") || name == "captured_minor";
                if let (true, Some(minor @ 1..)) = (money, value.as_i64())
                    && struck.by(Fault::WrongAmount)
                {
                    *value = (minor + 1).into();
                } else if name == "currency" && struck.by(Fault::WrongCurrency) {
                    *value = match value.as_str() {
                        Some("USD") => "EUR",
                        Some("usd") => "eur",
                        Some(code) if code.starts_with(|c: char| c.is_ascii_lowercase()) => "usd",
                        _ => "USD",
                    }
                    .into();
                } else {
                    bend(value, struck);
                }
            }
        }
        _ => {}
    }
}

/// `Stripe-Signature: t=…,v1=…`: over the moment and the very bytes, once for each secret.
pub(crate) fn letter(world: &World, delivery: &Delivery, struck: &Struck) -> Letter {
    let mut at = world.fixed().env.now().as_second();
    if struck.by(Fault::StaleSignature) {
        at -= crate::plain::STALE_BY;
    }
    let mut body = delivery.body.clone();
    if struck.by(Fault::WrongAmount) || struck.by(Fault::WrongCurrency) {
        let mut event: Value = serde_json::from_str(&body).unwrap_or_default();
        bend(&mut event, struck);
        body = pretty(&event);
    }
    let mut header = format!("t={at}");
    for secret in &delivery.secrets {
        let secret = if struck.by(Fault::BadSignature) { "whsec_of_somebody_else" } else { secret };
        let _ = write!(header, ",v1={}", signature(secret, at, &body));
    }
    let headers = vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("stripe-signature", header),
    ];
    Letter { headers, body }
}

fn signature(secret: &str, at: i64, body: &str) -> String {
    // HMAC takes a key of any length, so nothing is ever left out.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok();
    let mac = mac.map(|mac| mac.chain_update(format!("{at}.{body}")).finalize().into_bytes());
    mac.map(|bytes| hex(&bytes)).unwrap_or_default()
}

/// As it goes over the line: with line breaks, so that nobody gets away with writing it again.
fn pretty(event: &Value) -> String {
    serde_json::to_string_pretty(event).unwrap_or_default()
}

/// Where the shop wants the payer: with the session's id where it asked for it.
pub(crate) fn way_back(payment: &Payment, way: Way) -> String {
    let paid = !matches!(payment.status, Status::Pending | Status::Canceled);
    let cancel = payment.text("cancel_url");
    if (way == Way::Left || !paid) && !cancel.is_empty() {
        return cancel.to_owned();
    }
    payment.return_url.replace("{CHECKOUT_SESSION_ID}", &payment.id)
}

#[cfg(test)]
mod tests;
