//! What can happen to a payment, whoever its provider is. The provider is asked to tell the shop.

use kernel::SignedDuration;

use super::Page;
use super::payments::{self, Payment, Status};
use super::refunds::{self, NewRefund, Refund, RefundStatus};

/// How long money is held for the shop: the longest term of a bank card.
const HOLD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Something a shop may want to hear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum News<'a> {
    /// The payer has done their part, the money takes days.
    Processing,
    /// The money is held.
    Authorized,
    /// The money is the shop's, in one step.
    Paid,
    /// The shop took what was held.
    Captured,
    /// A try failed, and the payer may try again.
    Declined,
    /// It ended without money.
    Canceled,
    /// A refund was accepted.
    Refunding(&'a Refund),
    /// A refund that was pending is done.
    Refunded(&'a Refund),
    /// A refund will not happen, or was undone.
    RefundFailed(&'a Refund),
    /// The payer's bank wants the money back.
    Disputed,
    /// The bank has decided.
    DisputeClosed,
}

/// The payer pays; late as well, if it must be.
pub(crate) fn pay(page: &Page<'_>, payment: &Payment) -> rusqlite::Result<Payment> {
    let mut now = Payment { canceled_reason: None, canceled_at: None, ..payment.clone() };
    now.paid_at = Some(page.now);
    now.extra["completed"] = true.into();
    let news = if payment.manual {
        now.status = Status::Authorized;
        now.hold_until = Some(page.now + HOLD);
        News::Authorized
    } else {
        now.status = Status::Succeeded;
        now.captured_minor = payment.amount_minor;
        now.captured_at = Some(page.now);
        News::Paid
    };
    change(page, payment, now, news)
}

/// The payer has done their part with a method that takes days.
pub(crate) fn process(page: &Page<'_>, payment: &Payment) -> rusqlite::Result<Payment> {
    let mut now = Payment { status: Status::Processing, ..payment.clone() };
    now.extra["completed"] = true.into();
    change(page, payment, now, News::Processing)
}

/// The payer's bank refuses. With some providers the payer may try again.
pub(crate) fn decline(
    page: &Page<'_>,
    payment: &Payment,
    reason: &str,
) -> rusqlite::Result<Payment> {
    if payment.status == Status::Pending && payment.gateway.may_try_again() {
        let mut now = payment.clone();
        now.extra["declined"] = reason.into();
        return change(page, payment, now, News::Declined);
    }
    cancel(page, payment, reason)
}

/// It ends without money.
pub(crate) fn cancel(
    page: &Page<'_>,
    payment: &Payment,
    reason: &str,
) -> rusqlite::Result<Payment> {
    let now = Payment {
        status: Status::Canceled,
        canceled_reason: Some(reason.to_owned()),
        canceled_at: Some(page.now),
        ..payment.clone()
    };
    change(page, payment, now, News::Canceled)
}

/// The term of whoever had to do something is over.
pub(crate) fn expire(page: &Page<'_>, payment: &Payment) -> rusqlite::Result<Payment> {
    let held = payment.status == Status::Authorized;
    cancel(page, payment, if held { "hold_expired" } else { "expired" })
}

/// The shop takes some of what is held; the rest goes back to the payer.
pub(crate) fn capture(page: &Page<'_>, payment: &Payment, minor: i64) -> rusqlite::Result<Payment> {
    let now = Payment {
        status: Status::Succeeded,
        captured_minor: minor,
        captured_at: Some(page.now),
        ..payment.clone()
    };
    change(page, payment, now, News::Captured)
}

/// Ends every payment whose term is over.
pub(super) fn end_overdue(page: &Page<'_>) -> rusqlite::Result<()> {
    for payment in payments::overdue(page)? {
        expire(page, &payment)?;
    }
    Ok(())
}

/// Something of a payment that only its provider knows.
pub(crate) fn note(
    page: &Page<'_>,
    payment: &Payment,
    name: &str,
    value: impl Into<serde_json::Value>,
    news: Option<News<'_>>,
) -> rusqlite::Result<Payment> {
    let mut now = payment.clone();
    now.extra[name] = value.into();
    payments::save(page, &now)?;
    if let Some(news) = news {
        now.gateway.tell(page, payment, &now, news)?;
    }
    Ok(now)
}

/// Gives money back, or begins to; `None` if it is more than is left.
pub(crate) fn refund(
    page: &Page<'_>,
    payment: &Payment,
    new: NewRefund,
    pending: bool,
) -> rusqlite::Result<Option<(Payment, Refund)>> {
    let promised = refunds::promised(page, &payment.id)?;
    if payment.captured_minor - promised < new.amount_minor {
        return Ok(None);
    }
    let status = if pending { RefundStatus::Pending } else { RefundStatus::Succeeded };
    let refund = refunds::insert(page, payment, new, status)?;
    let mut now = payment.clone();
    if !pending {
        now.refunded_minor += refund.amount_minor;
    }
    let now = change(page, payment, now, News::Refunding(&refund))?;
    Ok(Some((now, refund)))
}

/// A pending refund succeeds, or one fails (even one that had succeeded: the payer's account is
/// closed and the money comes back).
pub(crate) fn settle_refund(
    page: &Page<'_>,
    refund: &Refund,
    failure: Option<&str>,
) -> rusqlite::Result<Option<Refund>> {
    let Some(payment) = payments::by_id(page, &refund.payment)? else { return Ok(None) };
    let mut now = payment.clone();
    let settled = match (refund.status, failure) {
        (RefundStatus::Pending, None) => {
            now.refunded_minor += refund.amount_minor;
            Refund { status: RefundStatus::Succeeded, ..refund.clone() }
        }
        (RefundStatus::Pending | RefundStatus::Succeeded, Some(why)) => {
            if refund.status == RefundStatus::Succeeded {
                now.refunded_minor -= refund.amount_minor;
            }
            let failure = Some(why.to_owned());
            Refund { status: RefundStatus::Failed, failure, ..refund.clone() }
        }
        _ => return Ok(None),
    };
    refunds::save(page, &settled)?;
    let news = match failure {
        None => News::Refunded(&settled),
        Some(_) => News::RefundFailed(&settled),
    };
    change(page, &payment, now, news)?;
    Ok(Some(settled))
}

fn change(
    page: &Page<'_>,
    before: &Payment,
    now: Payment,
    news: News<'_>,
) -> rusqlite::Result<Payment> {
    payments::save(page, &now)?;
    now.gateway.tell(page, before, &now, news)?;
    Ok(now)
}
