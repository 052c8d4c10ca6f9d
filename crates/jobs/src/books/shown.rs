//! What gateways show: lists page by page, or the bill of a day.

use std::collections::BTreeMap;

use gateways::{
    DailyReport, EntryKind, Gateway, GatewayError, Observation, Page, PageToken, RefundObservation,
    RemoteRefundStatus, RemoteStatus, TimeWindow, WORKER_PATIENCE,
};
use jiff::tz::TimeZone;
use kernel::{Date, SignedDuration, Timestamp};
use payments::{GivenBack, Span, Statement, Theirs};

use super::Progress;
use crate::cashier::{after, before};

/// What is made about midnight is looked for on both sides of it.
pub(super) const MIDNIGHT: SignedDuration = SignedDuration::from_hours(1);
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A day without a bill for so long had no trade: some gateways write none then.
const NO_BILL_COMES: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Pages of one list; more than this is not a list but a mistake.
const PAGES_MAX: usize = 1000;

/// The day in UTC.
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A day in UTC.
pub(super) fn utc(day: Date) -> Span {
    // Without a table of time zones: there need be none on this machine.
    let start = |day: Date| {
        let at = day.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
        at.unwrap_or(Timestamp::MIN)
    };
    let next = day.tomorrow().unwrap_or(day);
    Span { from: start(day), to: start(next) }
}

/// A day's payments and refunds, from an hour before it to an hour after it.
pub(super) async fn lists(
    gateway: &dyn Gateway,
    span: Span,
    progress: Progress<'_>,
) -> Result<Theirs, GatewayError> {
    let name = gateway.name();
    let wide = TimeWindow { from: before(span.from, MIDNIGHT), to: after(span.to, MIDNIGHT) };
    let seen = payments_of(gateway, wide, progress).await?;
    let payments = seen.iter().filter_map(|seen| statement(name, seen)).collect();
    let refunds = refunds_of(gateway, wide, progress).await?;
    let refunds = refunds.map(|seen| seen.into_iter().filter_map(given_back).collect());
    Ok(Theirs { payments, refunds })
}

/// The bills of a day and of the day before, and when the day is; none while it is not ready.
pub(super) async fn bills(
    gateway: &dyn Gateway,
    day: Date,
    now: Timestamp,
    progress: Progress<'_>,
) -> Result<Option<(Theirs, Span)>, GatewayError> {
    let name = gateway.name();
    let Some(report) = bill(gateway, day, now).await? else { return Ok(None) };
    let span = Span { from: report.span.from, to: report.span.to };
    progress(name, report.entries.len());
    let (mut payments, mut refunds) = of_bill(name, &report, now);
    // What we heard of after midnight may have moved before it.
    if let Ok(yesterday) = day.yesterday()
        && let Ok(Some(report)) = bill(gateway, yesterday, now).await
    {
        progress(name, report.entries.len());
        let more = of_bill(name, &report, now);
        payments.extend(more.0);
        refunds.extend(more.1);
    }
    Ok(Some((Theirs { payments, refunds: Some(refunds) }, span)))
}

/// The bill of a day; none while it is not ready, and an empty one when none will come.
pub(crate) async fn bill(
    gateway: &dyn Gateway,
    day: Date,
    now: Timestamp,
) -> Result<Option<DailyReport>, GatewayError> {
    let found = gateway.daily_report(day, WORKER_PATIENCE).await?;
    let span = utc(day);
    let over = after(span.to, NO_BILL_COMES) <= now;
    Ok(found.or_else(|| {
        let span = TimeWindow { from: span.from, to: span.to };
        over.then(|| DailyReport { day, span, entries: Vec::new() })
    }))
}

/// Everything in a list of payments.
pub(crate) async fn payments_of(
    gateway: &dyn Gateway,
    window: TimeWindow,
    progress: Progress<'_>,
) -> Result<Vec<Observation>, GatewayError> {
    let mut list = Listed::default();
    while list.goes_on(gateway.name(), progress)? {
        list.take(gateway.list_payments(window, list.page(), WORKER_PATIENCE).await?);
    }
    Ok(list.all)
}

/// Everything in a list of refunds; none when there is no such list.
pub(crate) async fn refunds_of(
    gateway: &dyn Gateway,
    window: TimeWindow,
    progress: Progress<'_>,
) -> Result<Option<Vec<RefundObservation>>, GatewayError> {
    let mut list = Listed::default();
    while list.goes_on(gateway.name(), progress)? {
        match gateway.list_refunds(window, list.page(), WORKER_PATIENCE).await {
            Err(GatewayError::Unsupported) => return Ok(None),
            page => list.take(page?),
        }
    }
    Ok(Some(list.all))
}

/// A list that is being read.
pub(crate) struct Listed<T> {
    pub all: Vec<T>,
    page: Option<PageToken>,
    pages: usize,
    over: bool,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { all: Vec::new(), page: None, pages: 0, over: false }
    }
}

impl<T> Listed<T> {
    /// Whether there is another page to ask for.
    pub fn goes_on(&mut self, name: &str, progress: Progress<'_>) -> Result<bool, GatewayError> {
        if self.over {
            return Ok(false);
        }
        if self.pages == PAGES_MAX {
            return Err(GatewayError::UntrustedAnswer("a list without an end".into()));
        }
        progress(name, self.all.len());
        self.pages += 1;
        Ok(true)
    }

    /// Which page that is; none for the first.
    pub fn page(&self) -> Option<&PageToken> {
        self.page.as_ref()
    }

    pub fn take(&mut self, got: Page<T>) {
        self.all.extend(got.items);
        self.over = got.next.is_none();
        self.page = got.next;
    }
}

/// A payment as it stands in their books; none when it does not.
pub(crate) fn statement(gateway: &str, seen: &Observation) -> Option<Statement> {
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
        // Who has two ids may list by either.
        reference: seen.gateway_id.clone().or_else(|| seen.secondary_id.clone())?,
        attempt_id: seen.attempt,
        status: status.to_owned(),
        amount: seen.amount.minor,
        currency,
        captured: seen.captured.minor,
        refunded: seen.refunded.map_or(0, |refunded| refunded.minor),
        // In another currency than the payment it cannot be compared with what is booked.
        fee: seen.fee.filter(|fee| fee.currency == currency).map(|fee| fee.minor),
        made_at: seen.created_at,
        seen_at: seen.observed_at,
    })
}

/// A refund as it stands in their books.
pub(crate) fn given_back(seen: RefundObservation) -> Option<GivenBack> {
    let status = match seen.status {
        RemoteRefundStatus::Absent => return None,
        RemoteRefundStatus::Pending => "pending",
        RemoteRefundStatus::Succeeded => "succeeded",
        RemoteRefundStatus::Failed { .. } => "failed",
    };
    Some(GivenBack {
        name: seen.gateway_id?,
        refund_id: seen.refund,
        attempt_id: None,
        payment: seen.payment_id,
        status,
        amount: seen.amount,
        made_at: seen.created_at,
    })
}

/// A bill in our words: payments with what moved of each, and refunds.
pub(crate) fn of_bill(
    gateway: &str,
    report: &DailyReport,
    now: Timestamp,
) -> (Vec<Statement>, Vec<GivenBack>) {
    let mut payments: BTreeMap<&str, Statement> = BTreeMap::new();
    let mut refunds = Vec::new();
    for entry in &report.entries {
        match &entry.kind {
            EntryKind::Payment => {
                let said = payments.entry(&entry.gateway_id).or_insert_with(|| Statement {
                    gateway: gateway.to_owned(),
                    reference: entry.gateway_id.clone(),
                    attempt_id: entry.attempt,
                    status: "captured".to_owned(),
                    amount: 0,
                    currency: entry.amount.currency,
                    captured: 0,
                    refunded: 0,
                    fee: None,
                    made_at: Some(entry.at),
                    seen_at: now,
                });
                said.amount += entry.amount.minor;
                said.captured += entry.amount.minor;
                said.fee = entry.fee.map(|fee| fee.minor).or(said.fee);
            }
            EntryKind::Refund { refund, name } => refunds.push(GivenBack {
                name: name.clone(),
                refund_id: *refund,
                attempt_id: entry.attempt,
                payment: Some(entry.gateway_id.clone()),
                status: "succeeded",
                amount: entry.amount,
                made_at: Some(entry.at),
            }),
        }
    }
    (payments.into_values().collect(), refunds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_24_hours_in_utc_wherever_the_machine_stands() {
        let day: Date = "2027-01-15".parse().unwrap();
        let span = utc(day);
        let first: Timestamp = "2027-01-15T00:00:00Z".parse().unwrap();
        assert_eq!((span.from, span.to), (first, first + DAY));
        assert_eq!(
            (day_of(first), day_of(before(first, MIDNIGHT))),
            (day, day.yesterday().unwrap())
        );
    }
}
