//! Sending money back, from the rows that promise it.

use flows::RefundNews;
use gateways::{
    CreatePayment, CreateRefund, Gateway, GatewayError, IdempotencyKey, Receipt, RefundObservation,
    RefundRef, RemoteRefundStatus, WORKER_PATIENCE,
};
use kernel::planted::{self, Bug};
use kernel::{Fault, RefundId};
use payments::{Attempt, Refund, RefundState, pace};
use store::Read;

use super::ask::payment_ref;
use super::receipt::of_refund;
use super::{Cashier, SWEEP, after, settle_quietly};

/// What a gateway said of a refund: how it stands, its id, why it failed.
type Heard = (RefundState, Option<String>, Option<String>);

impl Cashier {
    /// Sends refunds that are due; gives how many there were.
    pub async fn refund(&self) -> Result<usize, Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::refunds_due(read, now, SWEEP)).await?;
        for refund in &due {
            kernel::crash_point!("refund.found");
            // Noted before the call: a crash in between leaves a refund that may have been sent,
            // and a day later its key is not used again.
            let (id, again_at) =
                (refund.id, after(now, pace::refund(refund.created_at, refund.tries, now)));
            let sent =
                self.shop.db.write(move |tx| payments::refund_sent(tx, id, now, again_at)).await?;
            kernel::crash_point!("refund.marked");
            if !sent {
                continue;
            }
            if after(refund.created_at, pace::PATIENCE) <= now {
                tracing::error!(refund = %refund.id, "a refund has been under way for a week");
            }
            if let Some(heard) = self.send_back(refund).await? {
                self.refund_heard(refund, heard).await?;
                kernel::crash_point!("refund.noted");
            }
        }
        Ok(due.len())
    }

    pub(super) async fn refund_heard(&self, refund: &Refund, heard: Heard) -> Result<(), Fault> {
        let (says, reference, failure) = heard;
        if says == RefundState::Failed {
            tracing::error!(refund = %refund.id, ?failure, "a refund failed");
        }
        let (refund_id, order_id) = (refund.id, refund.order_id);
        let news = RefundNews { refund_id, order_id, says, reference, failure };
        settle_quietly(self.shop.refund_news(news).await)
    }

    /// Asks the gateway to give money back, or how that stands. None when nothing new is known.
    async fn send_back(&self, refund: &Refund) -> Result<Option<Heard>, Fault> {
        let attempt = refund.attempt_id;
        let attempt = self.shop.db.read(move |read| payments::find(read, attempt)).await?;
        let Some(attempt) = attempt else { return Ok(None) };
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return Ok(None) };
        let gateway = gateway.as_ref();
        // An answer that is given again may be the old one, and a key is forgotten after a day:
        // then the gateway is asked what has become of it, and only when it knows of nothing is
        // the refund sent again.
        let forgotten =
            refund.sent_at.is_some_and(|sent| after(sent, pace::KEY_LIFE) <= self.shop.env.now());
        let asked = refund.state == RefundState::Pending || forgotten;
        let answer = if asked { look(gateway, &attempt, refund).await } else { None };
        let answer = if let Some(answer) = answer {
            answer
        } else {
            let receipt = self.receipt_of(&attempt, refund).await?;
            self.give(gateway, &attempt, refund, receipt).await
        };
        match answer {
            Ok(seen) => Ok(self.reading(refund, &seen)),
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a refund was not confirmed");
                Ok(refused(gateway, &attempt, refund, &error).await)
            }
        }
    }

    async fn give(
        &self,
        gateway: &dyn Gateway,
        attempt: &Attempt,
        refund: &Refund,
        receipt: Option<Receipt>,
    ) -> Result<RefundObservation, GatewayError> {
        let id: RefundId =
            if planted::is(Bug::RefundTwice) { self.shop.env.id() } else { refund.id };
        let request = CreateRefund {
            refund: id,
            payment: payment_ref(attempt),
            amount: refund.amount,
            reason: refund.reason.clone(),
            receipt,
        };
        let key = IdempotencyKey::refund(id);
        kernel::crash_point!("refund.gateway-to-be-called");
        let given = gateway.refund(&request, &key, WORKER_PATIENCE).await;
        kernel::crash_point!("refund.gateway-called");
        given
    }

    /// The receipt of a part that goes back, if its payment had one. What goes back whole needs
    /// none. Made of what does not change any more, so that the call is the same on every try.
    async fn receipt_of(
        &self,
        attempt: &Attempt,
        refund: &Refund,
    ) -> Result<Option<Receipt>, Fault> {
        let Some(terms) = self.shop.settings.receipts else { return Ok(None) };
        let opened: Option<CreatePayment> = serde_json::from_str(&attempt.details).ok();
        let opened = opened.filter(|opened| opened.receipt.is_some());
        let Some(opened) = opened.filter(|_| refund.amount.minor < attempt.captured) else {
            return Ok(None);
        };
        let order = refund.order_id;
        let read = move |read: &mut Read<'_>| {
            Ok::<_, Fault>((
                orders::lines(read, order)?,
                payments::refund_lines_of_order(read, order)?,
            ))
        };
        let (lines, mut parts) = self.shop.db.read(read).await?;
        parts.retain(|part| part.refund_id == refund.id);
        Ok(Some(of_refund(terms, opened.buyer, (&lines, &parts), &opened.order, refund.amount)))
    }

    #[expect(clippy::unused_self, reason = "reads as what the cashier does with an answer")]
    pub(super) fn reading(&self, refund: &Refund, seen: &RefundObservation) -> Option<Heard> {
        if seen.amount != refund.amount && seen.status != RemoteRefundStatus::Absent {
            let (asked, said) = (refund.amount, seen.amount);
            tracing::error!(refund = %refund.id, %asked, %said, "a refund of another amount");
            return None;
        }
        read(seen)
    }
}

/// How a refund stands, in our words. None when the gateway knows of none.
pub(super) fn read(seen: &RefundObservation) -> Option<Heard> {
    let reference = seen.gateway_id.clone();
    match &seen.status {
        RemoteRefundStatus::Succeeded => Some((RefundState::Succeeded, reference, None)),
        RemoteRefundStatus::Pending => Some((RefundState::Pending, reference, None)),
        RemoteRefundStatus::Failed { reason, .. } => {
            Some((RefundState::Failed, reference, Some(reason.clone())))
        }
        RemoteRefundStatus::Absent => None,
    }
}

/// How a refund stands at the gateway. None when it knows of none, or cannot tell.
pub(super) async fn look(
    gateway: &dyn Gateway,
    attempt: &Attempt,
    refund: &Refund,
) -> Option<Result<RefundObservation, GatewayError>> {
    let meant = RefundRef {
        refund: refund.id,
        gateway_id: refund.reference.clone(),
        amount: refund.amount,
        payment: payment_ref(attempt),
    };
    match gateway.fetch_refund(&meant, WORKER_PATIENCE).await {
        Err(GatewayError::Unsupported | GatewayError::NotFound) => None,
        Ok(seen) if seen.status == RemoteRefundStatus::Absent => None,
        answer => Some(answer),
    }
}

/// What a refusal says of a refund: that it will not happen, unless the gateway knows of it.
async fn refused(
    gateway: &dyn Gateway,
    attempt: &Attempt,
    refund: &Refund,
    error: &GatewayError,
) -> Option<Heard> {
    let failed = |why: String| Some((RefundState::Failed, None, Some(why)));
    match error {
        GatewayError::Declined { reason } => failed(reason.clone()),
        GatewayError::Invalid { code, .. } => failed(code.clone()),
        GatewayError::Unsupported => failed(error.to_string()),
        GatewayError::WrongState(_) | GatewayError::NotFound | GatewayError::Conflict => {
            match look(gateway, attempt, refund).await {
                Some(Ok(seen)) => read(&seen),
                Some(Err(_)) => None,
                None => failed(error.to_string()),
            }
        }
        _ => None,
    }
}
