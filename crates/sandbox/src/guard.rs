//! In front of every call of the API: who calls, what is to go wrong, and a line in the journal.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use kernel::limits::BODY_BYTES_MAX;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::answer::Answer;
use crate::book::payments::{self, End, Status};
use crate::faults::{Fault, Op, Struck};
use crate::journal::Entry;
use crate::serve::DropLine;
use crate::world::World;

/// An answer of ours is never longer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Whether the caller knows the secret.
pub(crate) fn knows_secret(world: &World, headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let token = given.and_then(|value| value.strip_prefix(b"Bearer "));
    token.is_some_and(|token| token.ct_eq(world.secret.as_bytes()).into())
}

pub(crate) fn unauthorized() -> Answer {
    Answer::refused(401, "unauthorized", "Send the secret as Authorization: Bearer.")
}

/// Wraps one call of the API.
pub(crate) async fn guard(
    State((world, op)): State<(Arc<World>, Op)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    let method = parts.method.clone();
    let key = parts.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.map(str::to_owned);
    let (body, struck, answer) = if !knows_secret(&world, &parts.headers) {
        (Bytes::new(), Struck::default(), unauthorized())
    } else if let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await {
        let struck = world.faults.strike(op);
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let answer = serve(&world, op, &struck, request, next).await;
        (body, struck, answer)
    } else {
        let answer = Answer::refused(413, "too_large", "The body is longer than 64 kB.");
        (Bytes::new(), Struck::default(), answer)
    };
    let dropped = struck.by(Fault::CommitThenDrop);
    let entry = Entry::Call {
        op,
        method: method.as_str(),
        path: &path,
        key: key.as_deref(),
        request: serde_json::from_slice(&body).unwrap_or(Value::Null),
        faults: &struck.faults,
        status: (!dropped).then_some(answer.status),
        answer: answer.body.clone(),
    };
    world.journal.write(world.env.now(), &entry);
    tokio::time::sleep(struck.delay).await;
    respond(answer, &struck)
}

/// Does what is asked for, unless a fault forbids it, and bends the answer as faults say.
async fn serve(world: &World, op: Op, struck: &Struck, request: Request, next: Next) -> Answer {
    if struck.by(Fault::Error500) {
        return broken_on_purpose();
    }
    if struck.by(Fault::Error429) {
        return Answer::refused(429, "rate_limited", "Too many calls: on purpose.");
    }
    let (parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    // Where a route does not take a method or an escape, the text is not ours and is left out.
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut answer = Answer { status: parts.status.as_u16(), body };
    if struck.by(Fault::NotifyBeforeAnswer) && answer.status == 201 {
        tell_first(world, op, &answer).await;
    }
    if struck.by(Fault::CommitThen500) {
        return broken_on_purpose();
    }
    match answer.body.get_mut("items").and_then(Value::as_array_mut) {
        Some(items) => items.iter_mut().for_each(|item| bend(item, struck)),
        None => bend(&mut answer.body, struck),
    }
    answer
}

fn broken_on_purpose() -> Answer {
    Answer::refused(500, "internal", "Broken on purpose.")
}

/// Lets the shop hear of what happened before it has the answer to its own call.
async fn tell_first(world: &World, op: Op, answer: &Answer) {
    let Some(id) = answer.body["id"].as_str().map(str::to_owned) else { return };
    if op == Op::Create {
        let payment = id.clone();
        let paid =
            world.book.write(&world.env, move |page| match payments::by_id(page, &payment)? {
                Some(open) if open.status == Status::Pending => {
                    payments::end(page, &open, End::Paid).map(|_| ())
                }
                _ => Ok(()),
            });
        if let Err(error) = paid.await {
            tracing::error!(%error, "the payment sandbox cannot use its book");
        }
    }
    world.bell.notify_one();
    world.all_tried(&id).await;
}

/// Tells a payment or a refund wrongly.
fn bend(item: &mut Value, struck: &Struck) {
    if struck.by(Fault::WrongAmount) {
        for field in ["amount_minor", "captured_minor"] {
            if let Some(minor) = item[field].as_i64().filter(|minor| *minor > 0) {
                item[field] = (minor + 1).into();
            }
        }
    }
    if struck.by(Fault::WrongCurrency) && item["currency"].is_string() {
        let other = if item["currency"] == "USD" { "EUR" } else { "USD" };
        item["currency"] = other.into();
    }
}

fn respond(answer: Answer, struck: &Struck) -> Response {
    let limited = answer.status == 429;
    let mut response = if struck.by(Fault::Truncated) {
        let text = answer.body.to_string();
        let half = text.as_bytes()[..text.len() / 2].to_vec();
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        (status, [(header::CONTENT_TYPE, "application/json")], half).into_response()
    } else {
        answer.into_response()
    };
    if limited {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if struck.by(Fault::CommitThenDrop) {
        response.extensions_mut().insert(DropLine);
    }
    response
}
