//! Reading gateways' lists: what nobody told of, and how a day's books compare.

use flows::NewsEffect;
use gateways::{
    DailyReport, EntryKind, Gateway, GatewayError, Listing, Observation, PageToken, RemoteStatus,
    TimeWindow, WORKER_PATIENCE,
};
use kernel::{Date, Fault, SignedDuration, Timestamp};
use payments::{Attempt, Break, Fix, Reach, Span, Statement, compare};
use std::collections::BTreeMap;

use super::{Cashier, after, settle_quietly};

/// A list is read again from so long before it was read last: entries may come late.
const OVERLAP: SignedDuration = SignedDuration::from_hours(2);
/// How far back a list is read that never was.
const FIRST_READ: SignedDuration = SignedDuration::from_hours(24);
/// What is made about midnight is looked for on both sides of it.
const MIDNIGHT: SignedDuration = SignedDuration::from_hours(1);
/// Pages of one list; more than this is not a list but a mistake.
const PAGES_MAX: usize = 1000;

/// Why a day could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CannotCompare {
    /// Our own books could not be read.
    #[error(transparent)]
    Ours(#[from] Fault),
    /// The gateway did not show its books.
    #[error("{gateway}: {cause}")]
    Theirs {
        /// Which.
        gateway: &'static str,
        /// What it said.
        cause: GatewayError,
    },
    /// The gateway's bill is not ready.
    #[error("{0}: the bill of that day is not ready yet: try again later")]
    NotReady(&'static str),
}

/// What came of comparing a day at one gateway.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Compared {
    /// Which gateway.
    pub gateway: &'static str,
    /// Payments of ours on that day.
    pub ours: usize,
    /// Payments of theirs.
    pub theirs: usize,
    /// Where they differ.
    pub breaks: Vec<Break>,
}

impl Cashier {
    /// Reads what is new in the gateways' lists; gives how many payments were asked about because
    /// the list says something else than we know.
    pub async fn read_lists(&self) -> Result<usize, Fault> {
        let mut asked = 0;
        for gateway in self.gateways.values() {
            if gateway.capabilities().listing == Listing::Cursor {
                asked += self.read_list(gateway.as_ref()).await?;
            }
        }
        Ok(asked)
    }

    async fn read_list(&self, gateway: &dyn Gateway) -> Result<usize, Fault> {
        let (name, now) = (gateway.name(), self.shop.env.now());
        let last = self.shop.db.read(move |read| payments::list_read_until(read, name)).await?;
        let from = match last {
            Some(last) => before(last, OVERLAP),
            None => before(now, FIRST_READ),
        };
        let seen = match listed(gateway, TimeWindow { from, to: now }).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(gateway = name, %error, "a list was not read");
                return Ok(0);
            }
        };
        let mut asked = 0;
        for seen in &seen {
            asked += usize::from(self.take_in(name, seen).await?);
        }
        self.shop.db.write(move |tx| payments::list_read(tx, name, now)).await?;
        Ok(asked)
    }

    /// Keeps a line of a list, and asks about its payment where it says something else than we
    /// know. True when it was asked about.
    async fn take_in(&self, gateway: &'static str, seen: &Observation) -> Result<bool, Fault> {
        let Some(said) = statement(gateway, seen) else { return Ok(false) };
        let (reference, attempt) = (said.reference.clone(), seen.attempt);
        self.shop.db.write(move |tx| payments::keep_statement(tx, &said)).await?;
        let found = self
            .shop
            .db
            .read(move |read| {
                let by_id = match attempt {
                    Some(id) => payments::find(read, id)?,
                    None => None,
                };
                match by_id {
                    Some(found) => Ok::<_, Fault>(Some(found)),
                    None => payments::by_reference(read, gateway, &reference),
                }
            })
            .await?;
        let Some(attempt) = found else {
            if seen.status == RemoteStatus::Captured {
                tracing::error!(gateway, reference = ?seen.gateway_id, "money that nobody asked for");
            }
            return Ok(false);
        };
        let asked = is_news(&attempt, seen) && attempt.review.is_none();
        if asked {
            let effect = self.ask(&attempt, "list", WORKER_PATIENCE).await?;
            tracing::info!(attempt = %attempt.id, ?effect, "a list told of a payment");
        }
        if let Some(fee) = seen.fee.filter(|_| seen.status == RemoteStatus::Captured) {
            let booked = self.shop.book_fee(attempt.order_id, attempt.id, fee.minor).await;
            settle_quietly(booked)?;
        }
        Ok(asked)
    }

    /// Compares a day at every gateway that shows its books. Days are in UTC, except where the
    /// gateway writes bills: those are in its own time zone.
    ///
    /// # Errors
    /// When either side's books cannot be read.
    pub async fn compare_day(&self, day: Date) -> Result<Vec<Compared>, CannotCompare> {
        let mut all = Vec::new();
        for gateway in self.gateways.values() {
            let listing = gateway.capabilities().listing;
            if listing != Listing::None {
                all.push(self.compare_at(gateway.as_ref(), day, listing).await?);
            }
        }
        Ok(all)
    }

    async fn compare_at(
        &self,
        gateway: &dyn Gateway,
        day: Date,
        listing: Listing,
    ) -> Result<Compared, CannotCompare> {
        let name = gateway.name();
        let span = utc(day);
        let wide = TimeWindow { from: before(span.from, MIDNIGHT), to: after(span.to, MIDNIGHT) };
        let failed = |cause| CannotCompare::Theirs { gateway: name, cause };
        let (theirs, reach) = if listing == Listing::Cursor {
            let seen = listed(gateway, wide).await.map_err(failed)?;
            let said = seen.iter().filter_map(|seen| statement(name, seen)).collect();
            (said, Reach::Payments)
        } else {
            let report = gateway.daily_report(day, WORKER_PATIENCE).await.map_err(failed)?;
            let report = report.ok_or(CannotCompare::NotReady(name))?;
            (of_bill(name, &report, self.shop.env.now()), Reach::Movements)
        };
        let theirs: Vec<Statement> = theirs;
        // A bill may speak of payments of any day.
        let known: Vec<_> = theirs.iter().map(|it| (it.attempt_id, it.reference.clone())).collect();
        let mut ours = self
            .shop
            .db
            .read(move |read| {
                let mut ours = payments::made_between(read, name, wide.from, wide.to)?;
                for (id, reference) in known {
                    let there = |it: &Attempt| {
                        Some(it.id) == id || it.reference.as_deref() == Some(reference.as_str())
                    };
                    if ours.iter().any(there) {
                        continue;
                    }
                    let found = match id {
                        Some(id) => payments::find(read, id)?,
                        None => payments::by_reference(read, name, &reference)?,
                    };
                    ours.extend(found);
                }
                Ok::<_, Fault>(ours)
            })
            .await?;
        let breaks = compare(&ours, &theirs, span, reach);
        let today = |at: Timestamp| span.from <= at && at < span.to;
        ours.retain(|attempt| today(attempt.created_at));
        let told = theirs.iter().filter(|it| it.made_at.is_none_or(today)).count();
        Ok(Compared { gateway: name, ours: ours.len(), theirs: told, breaks })
    }

    /// Does about a difference what can be done without a person. What came of it, in a word.
    ///
    /// # Errors
    /// When the shop cannot write.
    pub async fn mend(&self, found: &Break) -> Result<&'static str, Fault> {
        let (Some(id), Fix::AskAgain) = (found.attempt_id, found.fix) else {
            return Ok("left to a person");
        };
        let attempt = self.shop.db.read(move |read| payments::find(read, id)).await?;
        let Some(attempt) = attempt else { return Ok("gone") };
        let effect = self.ask(&attempt, "list", WORKER_PATIENCE).await?;
        Ok(effect.map_or("the gateway was mute", NewsEffect::word))
    }
}

/// Everything in a list.
async fn listed(
    gateway: &dyn Gateway,
    window: TimeWindow,
) -> Result<Vec<Observation>, GatewayError> {
    let mut all = Vec::new();
    let mut page: Option<PageToken> = None;
    for _ in 0..PAGES_MAX {
        let got = gateway.list_payments(window, page.as_ref(), WORKER_PATIENCE).await?;
        all.extend(got.items);
        page = got.next;
        if page.is_none() {
            return Ok(all);
        }
    }
    Err(GatewayError::UntrustedAnswer("a list without an end".into()))
}

/// Whether a line of a list says something that we do not know.
fn is_news(attempt: &Attempt, seen: &Observation) -> bool {
    let refunded = seen.refunded.map_or(0, |refunded| refunded.minor);
    match &seen.status {
        RemoteStatus::Captured => attempt.captured == 0 || refunded > attempt.refunded,
        RemoteStatus::Authorized { .. }
        | RemoteStatus::Processing
        | RemoteStatus::Canceled { .. } => !attempt.state.is_over(),
        RemoteStatus::Absent | RemoteStatus::AwaitingPayer => false,
    }
}

fn statement(gateway: &str, seen: &Observation) -> Option<Statement> {
    let status = match &seen.status {
        RemoteStatus::Absent => return None,
        RemoteStatus::AwaitingPayer => "waiting",
        RemoteStatus::Processing => "processing",
        RemoteStatus::Authorized { .. } => "authorized",
        RemoteStatus::Captured => "captured",
        RemoteStatus::Canceled { .. } => "canceled",
    };
    let captured = seen.status == RemoteStatus::Captured;
    let currency = if captured { seen.captured.currency } else { seen.amount.currency };
    Some(Statement {
        gateway: gateway.to_owned(),
        reference: seen.gateway_id.clone()?,
        attempt_id: seen.attempt,
        status: status.to_owned(),
        amount: seen.amount.minor,
        currency,
        captured: seen.captured.minor,
        refunded: seen.refunded.map_or(0, |refunded| refunded.minor),
        fee: seen.fee.map(|fee| fee.minor),
        made_at: seen.created_at,
        seen_at: seen.observed_at,
    })
}

/// A bill as payments: what moved of each on its day.
fn of_bill(gateway: &str, report: &DailyReport, now: Timestamp) -> Vec<Statement> {
    let mut all: BTreeMap<&str, Statement> = BTreeMap::new();
    for entry in &report.entries {
        let said = all.entry(entry.gateway_id.as_str()).or_insert_with(|| Statement {
            gateway: gateway.to_owned(),
            reference: entry.gateway_id.clone(),
            attempt_id: entry.attempt,
            status: "moved".to_owned(),
            amount: 0,
            currency: entry.amount.currency,
            captured: 0,
            refunded: 0,
            fee: None,
            made_at: Some(entry.at),
            seen_at: now,
        });
        match entry.kind {
            EntryKind::Payment => {
                "captured".clone_into(&mut said.status);
                said.amount += entry.amount.minor;
                said.captured += entry.amount.minor;
                said.fee = entry.fee.map(|fee| fee.minor).or(said.fee);
            }
            EntryKind::Refund { .. } => said.refunded += entry.amount.minor,
        }
    }
    // A refund of an older payment says nothing of the payment itself.
    all.into_values().filter(|said| said.status == "captured").collect()
}

fn before(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn utc(day: Date) -> Span {
    let start = |day: Date| {
        let at = day.in_tz("UTC").map(|at| at.timestamp());
        at.unwrap_or(Timestamp::MIN)
    };
    let next = day.tomorrow().unwrap_or(day);
    Span { from: start(day), to: start(next) }
}
