//! The control plane: plays the payer and the bank, breaks things, and opens the book.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::book::Page;
use crate::book::payments::{self, End, Payment, Status};
use crate::faults::Rule;
use crate::guard::{knows_secret, unauthorized};
use crate::world::World;

/// Payments on one page of the book, at most.
const PAGE_MAX: u32 = 10_000;

pub(crate) fn routes(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route("/__ctl/payments", get(book))
        .route("/__ctl/payments/{id}/{end}", post(force))
        .route("/__ctl/faults", post(add_fault).delete(clear_faults))
        .route("/__ctl/log", get(log))
        .route_layer(from_fn_with_state(world.clone(), admit))
}

async fn admit(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    if knows_secret(&world, request.headers()) {
        next.run(request).await
    } else {
        unauthorized().into_response()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    #[serde(default)]
    after: String,
    limit: Option<u32>,
}

/// Everything that was opened, oldest first. `next` is the `after` of the next page, or null.
async fn book(
    State(world): State<Arc<World>>,
    Query(query): Query<PageQuery>,
) -> Result<Answer, Answer> {
    let limit = query.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let list = move |page: &Page<'_>| payments::list(page, &query.after, limit);
    let found = world.book.write(&world.env, list).await.map_err(|e| Answer::broken(&e))?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|payment| payment.id.clone());
    let payments: Vec<Value> = found.iter().map(|payment| payment.json(&world.base_url)).collect();
    Ok(Answer::ok(json!({ "payments": payments, "next": next })))
}

/// Ends a payment by force. `pay` works also on one that has ended without money: the late
/// success that every real provider sends one day.
async fn force(
    State(world): State<Arc<World>>,
    Path((id, end)): Path<(String, String)>,
) -> Result<Answer, Answer> {
    let end = match end.as_str() {
        "pay" => End::Paid,
        "decline" => End::Declined,
        "expire" => End::Expired,
        _ => return Err(Answer::not_found()),
    };
    let base_url = world.base_url.clone();
    let act = move |page: &Page<'_>| {
        let Some(payment) = payments::by_id(page, &id)? else { return Ok(Answer::not_found()) };
        if may_force(&payment, end) {
            return Ok(Answer::ok(payments::end(page, &payment, end)?.json(&base_url)));
        }
        Ok(if payment.status == Status::Succeeded && end == End::Paid {
            Answer::ok(payment.json(&base_url))
        } else {
            Answer::wrong_state(payment.json(&base_url))
        })
    };
    let answer = world.book.write(&world.env, act).await.map_err(|e| Answer::broken(&e))?;
    world.bell.notify_one();
    Ok(answer)
}

fn may_force(payment: &Payment, end: End) -> bool {
    match payment.status {
        Status::Pending => true,
        Status::Canceled => end == End::Paid,
        Status::Succeeded => false,
    }
}

async fn add_fault(State(world): State<Arc<World>>, body: Bytes) -> Result<Answer, Answer> {
    let rule: Rule = serde_json::from_slice(&body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))?;
    if let Some(objection) = rule.objection() {
        return Err(Answer::refused(422, "invalid_request", objection));
    }
    world.faults.add(rule);
    Ok(Answer::created(json!({})))
}

async fn clear_faults(State(world): State<Arc<World>>) -> Answer {
    world.faults.clear();
    Answer::ok(json!({}))
}

async fn log(State(world): State<Arc<World>>) -> Answer {
    let (deliveries, unserved) = world.journal.deliveries();
    Answer::ok(json!({
        "entries": world.journal.read(), "deliveries": deliveries, "unserved": unserved,
    }))
}
