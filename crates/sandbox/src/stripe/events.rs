//! Events: made of everything that happens, listed under `/v1/events`, sent to every endpoint
//! that wants them.

use kernel::SignedDuration;
use rusqlite::{OptionalExtension as _, params};
use serde_json::{Value, json};

use super::list::page_of;
use super::{VERSION, error, pretty, told};
use crate::answer::{Answer, Outcome};
use crate::book::deliveries::{self, NewDelivery};
use crate::book::payments::{Payment, Status};
use crate::book::steps::News;
use crate::book::{Page, endpoints};
use crate::call::Call;
use crate::gateway::Gateway;

/// Events older than this are not listed.
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(crate) fn tell(
    page: &Page<'_>,
    before: &Payment,
    now: &Payment,
    news: News<'_>,
) -> rusqlite::Result<()> {
    let session = || told::session(page, now);
    let intent = || told::intent(now);
    let late = before.status == Status::Processing;
    let (subject, events): (&str, Vec<(&str, Value)>) = match news {
        News::Processing => (
            &now.id,
            vec![
                ("payment_intent.processing", intent()),
                ("checkout.session.completed", session()),
            ],
        ),
        News::Authorized => {
            let completed = ("checkout.session.completed", session());
            (&now.id, vec![("payment_intent.amount_capturable_updated", intent()), completed])
        }
        News::Paid => {
            let end = if late { "async_payment_succeeded" } else { "completed" };
            let kind = if end == "completed" {
                "checkout.session.completed"
            } else {
                "checkout.session.async_payment_succeeded"
            };
            let charge = ("charge.succeeded", told::charge(now));
            (&now.id, vec![charge, ("payment_intent.succeeded", intent()), (kind, session())])
        }
        News::Captured => {
            let charge = ("charge.captured", told::charge(now));
            (&now.id, vec![charge, ("payment_intent.succeeded", intent())])
        }
        News::Declined => (&now.id, vec![("payment_intent.payment_failed", intent())]),
        News::Canceled if before.status == Status::Pending => {
            (&now.id, vec![("checkout.session.expired", session())])
        }
        News::Canceled if late => {
            let failed = ("checkout.session.async_payment_failed", session());
            (&now.id, vec![("payment_intent.payment_failed", intent()), failed])
        }
        News::Canceled => (&now.id, vec![("payment_intent.canceled", intent())]),
        News::Refunding(refund) => {
            let made = ("refund.created", told::refund(refund, now));
            (&refund.id, vec![made, ("charge.refunded", told::charge(now))])
        }
        News::Refunded(refund) => (&refund.id, vec![("refund.updated", told::refund(refund, now))]),
        News::RefundFailed(refund) => {
            let failed = told::refund(refund, now);
            (&refund.id, vec![("refund.updated", failed.clone()), ("refund.failed", failed)])
        }
        News::Disputed => (&now.id, vec![("charge.dispute.created", told::dispute(now))]),
        News::DisputeClosed => (&now.id, vec![("charge.dispute.closed", told::dispute(now))]),
    };
    for (kind, object) in events {
        make(page, kind, subject, &object)?;
    }
    Ok(())
}

fn make(page: &Page<'_>, kind: &str, subject: &str, object: &Value) -> rusqlite::Result<()> {
    let id = page.token("evt_1", 23)?;
    let endpoints = endpoints::all(page, Gateway::Stripe)?;
    let wanted: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.wants(kind)).collect();
    let event = json!({
        "id": id,
        "object": "event",
        "type": kind,
        "api_version": VERSION,
        "created": page.now.as_second(),
        "livemode": false,
        "pending_webhooks": wanted.len(),
        "request": { "id": null, "idempotency_key": null },
        "data": { "object": object },
    });
    let body = pretty(&event);
    page.tx.execute(
        "insert into stripe_events (id, kind, created_at, body) values (?1, ?2, ?3, ?4)",
        params![id, kind, page.now.as_microsecond(), body],
    )?;
    for endpoint in wanted {
        let new = NewDelivery {
            id: &id,
            gateway: Gateway::Stripe,
            kind,
            subject,
            url: &endpoint.url,
            endpoint: Some(&endpoint.id),
            body: &body,
        };
        deliveries::add(page, &new)?;
    }
    Ok(())
}

pub(super) fn show(page: &Page<'_>, id: &str) -> Outcome {
    let text = "select body from stripe_events where id = ?1";
    let found: Option<String> = page.tx.query_row(text, [id], |row| row.get(0)).optional()?;
    let found = found.ok_or_else(|| error::no_such("event", id))?;
    Ok(Answer::ok(serde_json::from_str(&found).unwrap_or_default()))
}

pub(super) fn list(page: &Page<'_>, call: &Call, asked: &Value) -> Outcome {
    let since = (page.now - LIFE).as_microsecond();
    let mut statement = page.tx.prepare_cached(
        "select body from stripe_events where created_at >= ?1 order by seq desc",
    )?;
    let rows = statement.query_map([since], |row| row.get::<_, String>(0))?;
    let mut told = Vec::new();
    for row in rows {
        told.push(serde_json::from_str::<Value>(&row?).unwrap_or_default());
    }
    let types = asked["types"].as_array();
    told.retain(|event| {
        let kind = &event["type"];
        asked["type"].as_str().is_none_or(|wanted| is_kind(kind, wanted))
            && types.is_none_or(|types| types.contains(kind))
    });
    page_of(call, asked, &["type", "types", "delivery_success"], told)
}

/// `charge.*` means every kind that begins so.
fn is_kind(kind: &Value, wanted: &str) -> bool {
    let kind = kind.as_str().unwrap_or_default();
    match wanted.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => kind == wanted,
    }
}
