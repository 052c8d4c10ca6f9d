//! Gateways' books beside ours: what a gateway shows of a day, in words that can be compared.
//! Nothing here writes.

mod shown;

use std::collections::BTreeSet;

use gateways::{Gateway, GatewayError, Listing, RefundRef, RemoteRefundStatus, WORKER_PATIENCE};
use kernel::{AttemptId, Date, Fault, Timestamp};
use payments::{Break, Class, Ours, Reach, Span, Theirs, compare};
use store::{Db, Read};

pub use shown::day_of;
pub(crate) use shown::{Listed, bill, given_back, of_bill, payments_of, refunds_of, statement};

use crate::cashier::{after, before, payment_ref};

/// What they do not list is asked for one by one before it is reported, so many at most.
const ASKED_AFTER: usize = 50;

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
    /// Refunds of theirs.
    pub refunds: usize,
    /// Where they differ.
    pub breaks: Vec<Break>,
}

/// Hears how far reading their books has come: at which gateway, and how many entries.
pub type Progress<'a> = &'a (dyn Fn(&str, usize) + Send + Sync);

/// Compares a day at a gateway; none when it does not show its books. Days are in UTC, except
/// where the gateway writes bills: those are in its own time zone.
///
/// # Errors
/// When either side's books cannot be read.
pub async fn compare_day(
    db: &Db,
    gateway: &dyn Gateway,
    (day, now): (Date, Timestamp),
    progress: Progress<'_>,
) -> Result<Option<Compared>, CannotCompare> {
    let name = gateway.name();
    let failed = |cause| CannotCompare::Theirs { gateway: name, cause };
    let (theirs, span, reach) = match gateway.capabilities().listing {
        Listing::None => return Ok(None),
        Listing::Cursor => {
            let span = shown::utc(day);
            let read = shown::lists(gateway, span, progress).await;
            (read.map_err(failed)?, span, Reach::Payments)
        }
        Listing::DailyReport => {
            let read = shown::bills(gateway, day, now, progress).await.map_err(failed)?;
            let (theirs, span) = read.ok_or(CannotCompare::NotReady(name))?;
            (theirs, span, Reach::Movements)
        }
    };
    let told = theirs.clone();
    let ours = db.read(move |read| ours(read, name, span, &told)).await?;
    let breaks = compare(&ours, &theirs, span, reach);
    let breaks = only_true(gateway, &ours, breaks).await;
    let today = |at: Option<Timestamp>| at.is_none_or(|at| span.has(at));
    let refunds = theirs.refunds.unwrap_or_default();
    Ok(Some(Compared {
        gateway: name,
        ours: ours.attempts.iter().filter(|attempt| span.has(attempt.created_at)).count(),
        theirs: theirs.payments.iter().filter(|said| today(said.made_at)).count(),
        refunds: refunds.iter().filter(|said| today(said.made_at)).count(),
        breaks,
    }))
}

/// Our books, as far as theirs speak of them or should.
fn ours(read: &mut Read<'_>, gateway: &str, span: Span, theirs: &Theirs) -> Result<Ours, Fault> {
    let (from, to) = (before(span.from, shown::MIDNIGHT), after(span.to, shown::MIDNIGHT));
    let mut attempts = payments::made_between(read, gateway, from, to)?;
    let the_day_before = before(span.from, shown::DAY);
    attempts.extend(payments::settled_between(read, gateway, the_day_before, (from, to))?);
    let mut refunds = payments::refunds_between(read, gateway, from, to)?;
    let mut have: BTreeSet<AttemptId> = attempts.iter().map(|attempt| attempt.id).collect();
    let of_refunds = refunds.iter().map(|refund| refund.attempt_id);
    let more: Vec<AttemptId> = of_refunds.filter(|id| have.insert(*id)).collect();
    attempts.extend(payments::find_all(read, more)?);
    // Both their lists and their bills may speak of payments of any day.
    let paid = theirs.payments.iter().map(|it| (it.attempt_id, Some(it.reference.as_str())));
    let back = theirs.refunds.iter().flatten().map(|it| (it.attempt_id, it.payment.as_deref()));
    let names: Vec<_> = paid.chain(back).collect();
    let mut known: BTreeSet<String> = attempts.iter().flat_map(names_of).collect();
    for (id, name) in names {
        if id.is_some_and(|id| have.contains(&id)) || name.is_some_and(|it| known.contains(it)) {
            continue;
        }
        let by_id = id.map(|id| payments::find(read, id)).transpose()?.flatten();
        let found = match (by_id, name) {
            (Some(found), _) => Some(found),
            (None, Some(name)) => payments::by_reference(read, gateway, name)?,
            (None, None) => None,
        };
        if let Some(found) = found.filter(|found| found.gateway == gateway) {
            have.insert(found.id);
            known.extend(names_of(&found));
            attempts.push(found);
        }
    }
    attempts.sort_by_key(|attempt| attempt.id);
    attempts.dedup_by_key(|attempt| attempt.id);
    let paid = attempts.iter().filter(|attempt| attempt.captured > 0);
    let paid: Vec<AttemptId> = paid.map(|attempt| attempt.id).collect();
    refunds.extend(payments::refunds_of_attempts(read, paid.iter().copied())?);
    refunds.sort_by_key(|refund| refund.id);
    refunds.dedup_by_key(|refund| refund.id);
    let disputes = payments::disputes_of_attempts(read, paid)?;
    Ok(Ours { attempts, refunds, disputes })
}

fn names_of(attempt: &payments::Attempt) -> impl Iterator<Item = String> {
    [attempt.reference.clone(), attempt.secondary.clone()].into_iter().flatten()
}

/// Leaves out what they do not list and yet know: entries come late, and clocks differ.
async fn only_true(gateway: &dyn Gateway, ours: &Ours, breaks: Vec<Break>) -> Vec<Break> {
    let mut left = Vec::new();
    let mut asked = 0;
    for found in breaks {
        let unlisted = found.theirs == "nothing" && found.class != Class::MissingLocal;
        if unlisted && asked < ASKED_AFTER {
            asked += 1;
            if knows(gateway, ours, &found).await {
                continue;
            }
        }
        left.push(found);
    }
    left
}

/// Whether they know what they do not list, and as we do.
async fn knows(gateway: &dyn Gateway, ours: &Ours, found: &Break) -> bool {
    let attempt = ours.attempts.iter().find(|attempt| Some(attempt.id) == found.attempt_id);
    let Some(attempt) = attempt else { return false };
    let Some(refund) = found.refund_id else {
        let seen = gateway.fetch(&payment_ref(attempt), WORKER_PATIENCE).await;
        return seen.is_ok_and(|seen| seen.captured == attempt.amount);
    };
    let Some(refund) = ours.refunds.iter().find(|it| it.id == refund) else { return false };
    let meant = RefundRef {
        refund: refund.id,
        gateway_id: refund.reference.clone(),
        amount: refund.amount,
        payment: payment_ref(attempt),
    };
    let seen = gateway.fetch_refund(&meant, WORKER_PATIENCE).await;
    seen.is_ok_and(|seen| {
        seen.status == RemoteRefundStatus::Succeeded && seen.amount == refund.amount
    })
}
