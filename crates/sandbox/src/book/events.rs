//! Events: what happened, and whether the shop has heard of it.

use std::time::Duration;

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use serde_json::json;

use super::payments::Payment;
use super::refunds::Refund;
use super::{Page, micros, moment};

/// An event on its way to the shop.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub seq: i64,
    pub id: String,
    pub kind: String,
    pub url: String,
    pub body: String,
    /// How often it has been tried.
    pub tries: u32,
}

/// What became of a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The shop has it.
    Delivered,
    /// It is never to arrive.
    Lost,
    /// Try again after this long.
    Again(Duration),
    /// Enough.
    GivenUp,
}

/// Notes down that something happened to `payment`, to be told at once.
pub(super) fn add(
    page: &Page<'_>,
    kind: &str,
    payment: &Payment,
    refund: Option<&Refund>,
) -> rusqlite::Result<()> {
    let id = page.id("evt");
    let (subject, reference) = match refund {
        Some(refund) => (&refund.id, &refund.reference),
        None => (&payment.id, &payment.reference),
    };
    let mut body = json!({
        "id": id,
        "type": kind,
        "payment_id": payment.id,
        "reference": reference,
        "created_at": page.now,
    });
    if let Some(refund) = refund {
        body["refund_id"] = json!(refund.id);
    }
    page.tx.execute(
        "insert into events (id, kind, subject, url, body, next_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, kind, subject, payment.notify_url, body.to_string(), micros(page.now)],
    )?;
    Ok(())
}

/// Up to `limit` events that are due, the longest waiting first.
pub(crate) fn due(page: &Page<'_>, limit: usize) -> rusqlite::Result<Vec<Event>> {
    let mut statement = page.tx.prepare_cached(
        "select seq, id, kind, url, body, tries from events
         where state = 'pending' and next_at <= ?1 order by next_at, seq limit ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![micros(page.now), limit], |row| {
        Ok(Event {
            seq: row.get(0)?,
            id: row.get(1)?,
            kind: row.get(2)?,
            url: row.get(3)?,
            body: row.get(4)?,
            tries: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// When the next event is due, if one is waiting.
pub(crate) fn next_due(page: &Page<'_>) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement =
        page.tx.prepare_cached("select min(next_at) from events where state = 'pending'")?;
    let next: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// Notes down how a try went.
pub(crate) fn tried(page: &Page<'_>, seq: i64, outcome: Outcome) -> rusqlite::Result<()> {
    let (state, wait) = match outcome {
        Outcome::Delivered => ("delivered", Duration::ZERO),
        Outcome::Lost => ("lost", Duration::ZERO),
        Outcome::Again(wait) => ("pending", wait),
        Outcome::GivenUp => ("given_up", Duration::ZERO),
    };
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    page.tx.execute(
        "update events set tries = tries + 1, state = ?2, next_at = ?3 where seq = ?1",
        params![seq, state, micros(page.now).saturating_add(wait)],
    )?;
    Ok(())
}

/// Whether every event of `subject` (a payment or a refund) has been tried at least once.
pub(crate) fn all_tried(page: &Page<'_>, subject: &str) -> rusqlite::Result<bool> {
    let untried = page
        .tx
        .prepare_cached("select 1 from events where subject = ?1 and tries = 0 limit 1")?
        .query_row([subject], |_| Ok(()))
        .optional()?;
    Ok(untried.is_none())
}
