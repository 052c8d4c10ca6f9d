//! The API of the gateway: `/v1`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use kernel::limits::{KEY_BYTES_MAX, TEXT_CHARS_MAX};
use kernel::{Currency, SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::answer::Answer;
use crate::book::payments::{self, End, NewPayment, Payment, Status};
use crate::book::refunds::{self, NoRefund, Refund};
use crate::book::{Page, answers};
use crate::faults::Op;
use crate::guard::guard;
use crate::world::World;

/// A trillion minor units: no shop takes more at once, and no sum of a few overflows.
const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// The longest term, with an hour for clocks that disagree.
const TERM_MAX: SignedDuration = SignedDuration::from_hours(25);

pub(crate) fn routes(world: &Arc<World>) -> Router<Arc<World>> {
    let guarded = |op| from_fn_with_state((world.clone(), op), guard);
    let create = post(create_payment).route_layer(guarded(Op::Create));
    let search = get(find_payment).route_layer(guarded(Op::Fetch));
    let refund = post(create_refund).route_layer(guarded(Op::Refund));
    let search_refund = get(find_refund).route_layer(guarded(Op::Fetch));
    Router::new()
        .route("/v1/payments", create.merge(search))
        .route("/v1/payments/{id}", get(show_payment).route_layer(guarded(Op::Fetch)))
        .route("/v1/payments/{id}/void", post(void_payment).route_layer(guarded(Op::Void)))
        .route("/v1/refunds", refund.merge(search_refund))
        .route("/v1/refunds/{id}", get(show_refund).route_layer(guarded(Op::Fetch)))
}

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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    payment_id: String,
    amount_minor: i64,
    reference: String,
}

#[derive(Deserialize)]
struct Search {
    reference: Option<String>,
}

async fn create_payment(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Answer> {
    let key = key(&headers)?;
    let new = new_payment(read(&body)?)?;
    let base_url = world.base_url.clone();
    let make = move |page: &Page<'_>| {
        if new.expires_at <= page.now || new.expires_at > page.now + TERM_MAX {
            return Ok(Answer::invalid("expires_at", "Between now and 24 hours from now."));
        }
        Ok(match payments::open(page, new)? {
            Some(payment) => Answer::created(payment.json(&base_url)),
            None => Answer::refused(409, "reference_taken", "Another payment has this reference."),
        })
    };
    let once = move |page: &Page<'_>| answers::once(page, "create", &key, &body, make);
    world.book.write(&world.env, once).await.map_err(|e| Answer::broken(&e))
}

async fn show_payment(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
) -> Result<Answer, Answer> {
    let found = world.book.write(&world.env, move |page| payments::by_id(page, &id)).await;
    let found = found.map_err(|e| Answer::broken(&e))?.ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(found.json(&world.base_url)))
}

async fn find_payment(
    State(world): State<Arc<World>>,
    Query(search): Query<Search>,
) -> Result<Answer, Answer> {
    let reference = sought(search)?;
    let find = move |page: &Page<'_>| payments::by_reference(page, &reference);
    let found = world.book.write(&world.env, find).await.map_err(|e| Answer::broken(&e))?;
    let items: Vec<Value> = found.iter().map(|payment| payment.json(&world.base_url)).collect();
    Ok(Answer::ok(json!({ "items": items })))
}

async fn void_payment(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
) -> Result<Answer, Answer> {
    let base_url = world.base_url.clone();
    let void = move |page: &Page<'_>| {
        let Some(payment) = payments::by_id(page, &id)? else { return Ok(Answer::not_found()) };
        Ok(match payment.status {
            Status::Pending => {
                Answer::ok(payments::end(page, &payment, End::Voided)?.json(&base_url))
            }
            // Over already, with the same result: no reason to object.
            Status::Canceled => Answer::ok(payment.json(&base_url)),
            Status::Succeeded => Answer::wrong_state(payment.json(&base_url)),
        })
    };
    let answer = world.book.write(&world.env, void).await.map_err(|e| Answer::broken(&e))?;
    world.bell.notify_one();
    Ok(answer)
}

async fn create_refund(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Answer> {
    let key = key(&headers)?;
    let asked: RefundBody = read(&body)?;
    check_amount(asked.amount_minor)?;
    check_reference(&asked.reference)?;
    let base_url = world.base_url.clone();
    let make = move |page: &Page<'_>| match payments::by_id(page, &asked.payment_id)? {
        Some(payment) => refund(page, &payment, &asked, &base_url),
        None => Ok(Answer::not_found()),
    };
    let once = move |page: &Page<'_>| answers::once(page, "refund", &key, &body, make);
    let answer = world.book.write(&world.env, once).await.map_err(|e| Answer::broken(&e))?;
    world.bell.notify_one();
    Ok(answer)
}

fn refund(
    page: &Page<'_>,
    payment: &Payment,
    asked: &RefundBody,
    base_url: &str,
) -> rusqlite::Result<Answer> {
    if payment.status != Status::Succeeded {
        return Ok(Answer::wrong_state(payment.json(base_url)));
    }
    Ok(match refunds::make(page, payment, asked.amount_minor, &asked.reference)? {
        Ok(refund) => Answer::created(refund.json()),
        Err(NoRefund::ReferenceTaken) => {
            Answer::refused(409, "reference_taken", "Another refund has this reference.")
        }
        Err(NoRefund::TooMuch) => {
            let message = "More than what was captured and not yet given back.";
            Answer::refused(409, "refund_exceeds_captured", message)
        }
    })
}

async fn show_refund(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
) -> Result<Answer, Answer> {
    let found = world.book.write(&world.env, move |page| refunds::by_id(page, &id)).await;
    let found = found.map_err(|e| Answer::broken(&e))?.ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(found.json()))
}

async fn find_refund(
    State(world): State<Arc<World>>,
    Query(search): Query<Search>,
) -> Result<Answer, Answer> {
    let reference = sought(search)?;
    let find = move |page: &Page<'_>| refunds::by_reference(page, &reference);
    let found = world.book.write(&world.env, find).await.map_err(|e| Answer::broken(&e))?;
    let items: Vec<Value> = found.iter().map(Refund::json).collect();
    Ok(Answer::ok(json!({ "items": items })))
}

fn sought(search: Search) -> Result<String, Answer> {
    search.reference.ok_or_else(|| Answer::invalid("reference", "Say which one: ?reference=."))
}

fn key(headers: &HeaderMap) -> Result<String, Answer> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    match key {
        Some(key) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Ok(key.to_owned()),
        _ => {
            let message = "Send an Idempotency-Key of 1 to 255 ASCII characters.";
            Err(Answer::refused(400, "idempotency_key_missing", message))
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))
}

fn new_payment(body: PaymentBody) -> Result<NewPayment, Answer> {
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
    let notify_url = Url::parse(&body.notify_url).ok().filter(is_loopback);
    let notify_url = notify_url.ok_or_else(|| {
        Answer::invalid("notify_url", "This sandbox notifies http:// loopback addresses only.")
    })?;
    Ok(NewPayment {
        amount_minor: body.amount_minor,
        currency: body.currency.to_string(),
        reference: body.reference,
        description: body.description,
        return_url: return_url.into(),
        notify_url: notify_url.into(),
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

fn is_loopback(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    local && url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
}
