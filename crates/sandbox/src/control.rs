//! The control plane: plays the payer, the bank and the provider's back office, breaks things,
//! and opens the book. Every call carries the sandbox's secret as a bearer token.
//!
//! | call | what |
//! |---|---|
//! | `GET /__ctl/payments?after=&limit=` | the book, oldest first: what was really paid |
//! | `POST /__ctl/{gateway}/{id}/pay` | the payer pays, late as well |
//! | `POST /__ctl/{gateway}/{id}/decline?reason=` | the bank refuses |
//! | `POST /__ctl/{gateway}/{id}/process` | a method that takes days; then `pay` or `decline` |
//! | `POST /__ctl/{gateway}/{id}/expire` | the payer's term is over, or the hold's |
//! | `POST /__ctl/{gateway}/{id}/refund?amount_minor=` | somebody refunds in the cabinet |
//! | `POST /__ctl/{gateway}/{id}/finish` | the refund window is over (Alipay) |
//! | `POST /__ctl/{gateway}/{id}/dispute`, `…/close_dispute?reason=` | a chargeback, and how the bank decides: `won` (unless said) or `lost` (Stripe) |
//! | `POST /__ctl/refunds/{id}/succeed`, `…/fail?reason=` | a refund that was pending ends |
//! | `POST /__ctl/{gateway}/webhook_url` | `{"url", "secret"}`: where news go (YooKassa, Stripe) |
//! | `POST /__ctl/stripe/{endpoint}/roll` | a new secret; the old one signs along for a day |
//! | `POST /__ctl/faults`, `DELETE /__ctl/faults` | break something, stop breaking |
//! | `POST /__ctl/clock` | `{"offset_seconds"}`: the provider's clock is wrong |
//! | `DELETE /__ctl/keys` | every idempotency key is forgotten, as after 24 hours |
//! | `GET /__ctl/log` | everything that was said |
//!
//! `{gateway}` is `yookassa`, `alipay`, `stripe` or `plain`, or `payments` for any; `{id}` is the
//! provider's id (either, where there are two) or the shop's reference.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::book::endpoints::{self, Endpoint};
use crate::book::payments::{self, Payment, Status};
use crate::book::refunds::{self, NewRefund};
use crate::book::steps::{self, News};
use crate::book::{Page, answers};
use crate::faults::Rule;
use crate::gateway::Gateway;
use crate::loopback::is_loopback;
use crate::world::World;
use crate::{STRIPE_WEBHOOK_SECRET, plain, stripe};

/// Payments on one page of the book, at most.
const PAGE_MAX: u32 = 10_000;
/// A clock that is wrong by more than a year is broken.
const OFFSET_MAX: i64 = 366 * 86_400;

pub(crate) fn routes(world: &Arc<World>) -> Router<Arc<World>> {
    Router::new()
        .route("/__ctl/payments", get(book))
        .route("/__ctl/{gateway}/webhook_url", post(webhook_url))
        .route("/__ctl/{kind}/{id}/{action}", post(act))
        .route("/__ctl/faults", post(add_fault).delete(clear_faults))
        .route("/__ctl/clock", post(set_clock))
        .route("/__ctl/keys", delete(forget_keys))
        .route("/__ctl/log", get(log))
        .route_layer(from_fn_with_state(world.clone(), admit))
}

async fn admit(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    match plain::admit(&world, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
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
    let found = world.book.write(list).await.map_err(|e| Answer::broken(&e))?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|payment| payment.id.clone());
    let base_url = &world.fixed().base_url;
    let payments: Vec<Value> = found.iter().map(|payment| payment.json(base_url)).collect();
    Ok(Answer::ok(json!({ "payments": payments, "next": next })))
}

#[derive(Deserialize, Default)]
struct Wish {
    reason: Option<String>,
    amount_minor: Option<i64>,
    reference: Option<String>,
}

async fn act(
    State(world): State<Arc<World>>,
    Path((kind, id, action)): Path<(String, String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Answer, Answer> {
    let act = move |page: &Page<'_>| {
        if kind == "refunds" {
            return end_refund(page, &id, &action, &wish);
        }
        if (kind.as_str(), action.as_str()) == ("stripe", "roll") {
            return stripe::roll(page, &id);
        }
        let gateway = Gateway::named(&kind);
        if gateway.is_none() && kind != "payments" {
            return Err(Answer::not_found().into());
        }
        let payment = find(page, gateway, &id)?.ok_or_else(Answer::not_found)?;
        let payment = force(page, &payment, &action, &wish)?;
        Ok(Answer::ok(payment.json(&page.fixed.base_url)))
    };
    let answer = world.book.answer(act).await.map_err(|e| Answer::broken(&e))?;
    world.bell.notify_one();
    Ok(answer)
}

fn find(page: &Page<'_>, gateway: Option<Gateway>, id: &str) -> rusqlite::Result<Option<Payment>> {
    let found = match gateway {
        None => payments::by_id(page, id)?,
        Some(gateway) => match payments::of(page, gateway, id)? {
            Some(found) => Some(found),
            None => payments::by_reference(page, gateway, id)?,
        },
    };
    Ok(found)
}

/// Makes something happen. `pay` works also on what has ended without money: the late success
/// that every real provider sends one day.
fn force(page: &Page<'_>, payment: &Payment, action: &str, wish: &Wish) -> Outcome<Payment> {
    let reason = wish.reason.as_deref();
    let open = matches!(payment.status, Status::Pending | Status::Processing);
    let held = payment.status == Status::Authorized;
    let paid = payment.status == Status::Succeeded;
    Ok(match action {
        "pay" if open || payment.status == Status::Canceled => steps::pay(page, payment)?,
        "pay" => payment.clone(),
        "process" if payment.status == Status::Pending => steps::process(page, payment)?,
        "decline" if open || held => {
            let reason = reason.unwrap_or(usual_refusal(payment.gateway));
            steps::decline(page, payment, reason)?
        }
        "expire" if open || held => steps::expire(page, payment)?,
        "refund" if paid => refund(page, payment, wish)?,
        "finish" if paid => steps::note(page, payment, "finished", true, None)?,
        "dispute" if paid => steps::note(page, payment, "disputed", true, Some(News::Disputed))?,
        "close_dispute" if paid => stripe::decided(page, payment, reason == Some("lost"))?,
        "process" | "decline" | "expire" | "refund" | "finish" | "dispute" | "close_dispute" => {
            return Err(Answer::wrong_state(&payment.json(&page.fixed.base_url)).into());
        }
        _ => return Err(Answer::not_found().into()),
    })
}

/// What a bank says when it says no more.
pub(crate) fn usual_refusal(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Plain => "declined",
        Gateway::Yookassa => "general_decline",
        Gateway::Alipay => "insufficient_balance",
        Gateway::Stripe => "generic_decline",
    }
}

/// A refund that nobody asked for over the API.
fn refund(page: &Page<'_>, payment: &Payment, wish: &Wish) -> Outcome<Payment> {
    let left = payment.captured_minor - refunds::promised(page, &payment.id)?;
    let amount_minor = wish.amount_minor.unwrap_or(left);
    let new = NewRefund {
        id: payment.gateway.refund_id(page)?,
        reference: wish.reference.clone().unwrap_or_default(),
        amount_minor,
        extra: json!({ "external": true }),
    };
    if amount_minor < 1 {
        return Err(Answer::invalid("amount_minor", "More than zero.").into());
    }
    let done = steps::refund(page, payment, new, false)?;
    let message = "More than what was captured and not yet given back.";
    Ok(done.ok_or_else(|| Answer::refused(409, "refund_exceeds_captured", message))?.0)
}

fn end_refund(page: &Page<'_>, id: &str, action: &str, wish: &Wish) -> Outcome {
    let refund = refunds::by_id(page, id)?.ok_or_else(Answer::not_found)?;
    let failure = match action {
        "succeed" => None,
        "fail" => Some(wish.reason.as_deref().unwrap_or("general_decline")),
        _ => return Err(Answer::not_found().into()),
    };
    let message = "The refund is in another state.";
    let settled = steps::settle_refund(page, &refund, failure)?;
    let settled = settled.ok_or_else(|| Answer::refused(409, "wrong_state", message))?;
    Ok(Answer::ok(settled.json()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hook {
    url: String,
    secret: Option<String>,
}

/// What a merchant sets in the cabinet. There is one such address; it takes the place of the last.
async fn webhook_url(
    State(world): State<Arc<World>>,
    Path(gateway): Path<String>,
    body: Bytes,
) -> Result<Answer, Answer> {
    let hook: Hook = serde_json::from_slice(&body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))?;
    let (gateway, id) = match Gateway::named(&gateway) {
        Some(gateway @ Gateway::Yookassa) => (gateway, "cabinet"),
        Some(gateway @ Gateway::Stripe) => (gateway, "we_sandbox"),
        _ => return Err(Answer::not_found()),
    };
    if !is_loopback(&hook.url) {
        return Err(Answer::invalid("url", "This sandbox notifies http:// loopback only."));
    }
    let secret = match gateway {
        Gateway::Stripe => hook.secret.unwrap_or_else(|| STRIPE_WEBHOOK_SECRET.to_owned()),
        _ => String::new(),
    };
    let told = json!({ "id": id, "url": hook.url, "secret": secret });
    let enter = move |page: &Page<'_>| {
        endpoints::save(page, &Endpoint::of_everything(page, id, gateway, hook.url, secret))
    };
    world.book.write(enter).await.map_err(|e| Answer::broken(&e))?;
    Ok(Answer::ok(told))
}

async fn add_fault(State(world): State<Arc<World>>, body: Bytes) -> Result<Answer, Answer> {
    let rule = Rule::read(&body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))?;
    if let Some(objection) = rule.objection() {
        return Err(Answer::refused(422, "invalid_request", objection));
    }
    world.faults.add(rule);
    Ok(Answer::json(201, json!({})))
}

async fn clear_faults(State(world): State<Arc<World>>) -> Answer {
    world.faults.clear();
    world.release_all();
    Answer::ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    offset_seconds: i64,
}

async fn set_clock(State(world): State<Arc<World>>, body: Bytes) -> Result<Answer, Answer> {
    let offset: Offset = serde_json::from_slice(&body)
        .map_err(|error| Answer::refused(400, "invalid_request", &error.to_string()))?;
    let seconds = offset.offset_seconds;
    if !(-OFFSET_MAX..=OFFSET_MAX).contains(&seconds) {
        return Err(Answer::invalid("offset_seconds", "A year at most."));
    }
    world.offset.store(seconds, Ordering::SeqCst);
    Ok(Answer::ok(json!({ "offset_seconds": seconds, "now": world.fixed().env.now() })))
}

async fn forget_keys(State(world): State<Arc<World>>) -> Result<Answer, Answer> {
    let forgotten = world.book.write(answers::forget).await.map_err(|e| Answer::broken(&e))?;
    Ok(Answer::ok(json!({ "forgotten": forgotten })))
}

async fn log(State(world): State<Arc<World>>) -> Answer {
    let (deliveries, unserved) = world.journal.deliveries();
    Answer::ok(json!({
        "entries": world.journal.read(), "deliveries": deliveries, "unserved": unserved,
    }))
}
