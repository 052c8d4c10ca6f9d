//! What the shop is to be told, and whether it has heard of it.

use std::time::Duration;

use kernel::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{Page, endpoints, micros, moment};
use crate::gateway::Gateway;

/// Something to tell.
pub(crate) struct NewDelivery<'a> {
    /// The provider's name for the news: the same for every try.
    pub id: &'a str,
    pub gateway: Gateway,
    pub kind: &'a str,
    /// The payment or refund it is about.
    pub subject: &'a str,
    pub url: &'a str,
    /// The endpoint whose secrets sign it, where there is one.
    pub endpoint: Option<&'a str>,
    /// Without a signature: that is made anew for each try.
    pub body: &'a str,
}

/// News on their way to the shop.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub seq: i64,
    pub id: String,
    pub gateway: Gateway,
    pub kind: String,
    pub url: String,
    pub body: String,
    /// How often it has been tried.
    pub tries: u32,
    pub secrets: Vec<String>,
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

/// Notes down something to be told at once.
pub(crate) fn add(page: &Page<'_>, new: &NewDelivery<'_>) -> rusqlite::Result<()> {
    page.tx.execute(
        "insert into deliveries (id, gateway, kind, subject, url, endpoint, body, next_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new.id,
            new.gateway.name(),
            new.kind,
            new.subject,
            new.url,
            new.endpoint,
            new.body,
            micros(page.now),
        ],
    )?;
    Ok(())
}

/// Up to `limit` that are due, the longest waiting first.
pub(crate) fn due(page: &Page<'_>, limit: usize) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = page.tx.prepare_cached(
        "select seq, id, gateway, kind, url, body, tries, endpoint from deliveries
         where state = 'pending' and next_at <= ?1 order by next_at, seq limit ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![micros(page.now), limit], |row| {
        let endpoint: Option<String> = row.get(7)?;
        let delivery = Delivery {
            seq: row.get(0)?,
            id: row.get(1)?,
            gateway: Gateway::named(row.get_ref(2)?.as_str()?).unwrap_or(Gateway::Plain),
            kind: row.get(3)?,
            url: row.get(4)?,
            body: row.get(5)?,
            tries: row.get(6)?,
            secrets: Vec::new(),
        };
        Ok((delivery, endpoint))
    })?;
    let mut due = Vec::new();
    for row in rows {
        let (mut delivery, endpoint) = row?;
        if let Some(endpoint) =
            endpoint.map(|id| endpoints::by_id(page, &id)).transpose()?.flatten()
        {
            delivery.secrets = endpoint.secrets(page.now);
        }
        due.push(delivery);
    }
    Ok(due)
}

/// When the next one is due, if one is waiting.
pub(crate) fn next_due(page: &Page<'_>) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement =
        page.tx.prepare_cached("select min(next_at) from deliveries where state = 'pending'")?;
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
        "update deliveries set tries = tries + 1, state = ?2, next_at = ?3 where seq = ?1",
        params![seq, state, micros(page.now).saturating_add(wait)],
    )?;
    Ok(())
}

/// Whether everything about `subject` (a payment or a refund) has been tried at least once.
pub(crate) fn all_tried(page: &Page<'_>, subject: &str) -> rusqlite::Result<bool> {
    let untried = page
        .tx
        .prepare_cached("select 1 from deliveries where subject = ?1 and tries = 0 limit 1")?
        .query_row([subject], |_| Ok(()))
        .optional()?;
    Ok(untried.is_none())
}
