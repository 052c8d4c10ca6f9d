//! Asking gateways how payments stand, and doing what follows: taking money that was reserved,
//! letting go what nobody wants.

use std::time::Duration;

use flows::NewsEffect;
use gateways::{
    CancelReason, CapturePayment, Gateway, GatewayError, IdempotencyKey, Observation, PaymentRef,
    RemoteStatus, VoidUnpaid, WORKER_PATIENCE,
};
use kernel::{AttemptId, Error, Fault};
use payments::{Attempt, AttemptState, Method, News, Saw, pace};

use super::{Cashier, SWEEP, after};

impl Cashier {
    /// Does what is due about attempts; gives how many there were.
    pub async fn poll(&self) -> Result<usize, Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::to_poll(read, now, SWEEP)).await?;
        for attempt in &due {
            // Noted first: what is seen may set another time, and an attempt at which the round
            // ends must not be the first of the next one too.
            let (id, pause) = (attempt.id, pace::pause(attempt.state, attempt.polls));
            let again_at = after(now, pause);
            kernel::crash_point!("poll.found");
            self.shop.db.write(move |tx| payments::mark_polled(tx, id, Some(again_at))).await?;
            kernel::crash_point!("poll.marked");
            if !attempt.state.is_over() && after(attempt.since, pace::PATIENCE) <= now {
                self.give_up(attempt).await?;
                continue;
            }
            if attempt.state == AttemptState::Submitting {
                self.reopen(attempt).await?;
            }
            let seen = match attempt.state {
                AttemptState::Capturing => self.capture(id, WORKER_PATIENCE).await?,
                AttemptState::Closing | AttemptState::Voiding => {
                    self.call_off(id, WORKER_PATIENCE).await?
                }
                _ => self.ask(attempt, "poll", WORKER_PATIENCE).await?,
            };
            if seen.is_some() && attempt.state == AttemptState::Canceled {
                self.shop.db.write(move |tx| payments::mark_polled(tx, id, None)).await?;
            }
        }
        Ok(due.len())
    }

    async fn give_up(&self, attempt: &Attempt) -> Result<(), Fault> {
        let why = format!("{} for a week: nobody knows what became of it", attempt.state.as_str());
        tracing::error!(attempt = %attempt.id, why, "an attempt to pay is left to a person");
        let frozen = self.shop.freeze_payment(attempt.order_id, attempt.id, why).await;
        super::settle_quietly(frozen)
    }

    /// Fetches the truth from the gateway, hands it on, and does at once what follows from it.
    /// None when the gateway was mute, or the shop cannot write down what it says: that is tried
    /// again, and holds up nobody else's money.
    pub(super) async fn ask(
        &self,
        attempt: &Attempt,
        source: &'static str,
        within: Duration,
    ) -> Result<Option<NewsEffect>, Fault> {
        let effect = self.fetch(attempt, source, within).await?;
        let then = match effect {
            Some(NewsEffect::Capturing) => self.capture(attempt.id, within).await?,
            Some(NewsEffect::Voiding | NewsEffect::Closing) => {
                self.call_off(attempt.id, within).await?
            }
            _ => None,
        };
        Ok(then.filter(|then| *then != NewsEffect::Nothing).or(effect))
    }

    async fn fetch(
        &self,
        attempt: &Attempt,
        source: &'static str,
        within: Duration,
    ) -> Result<Option<NewsEffect>, Fault> {
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return Ok(None) };
        match gateway.fetch(&payment_ref(attempt), within).await {
            Ok(seen) => self.hear(attempt, self.news(attempt, &seen, source)).await,
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a payment was not seen");
                Ok(None)
            }
        }
    }

    /// Takes money that the order has claimed.
    async fn capture(&self, id: AttemptId, within: Duration) -> Result<Option<NewsEffect>, Fault> {
        let Some((attempt, gateway)) = self.still(id, &[AttemptState::Capturing]).await? else {
            return Ok(None);
        };
        let request = CapturePayment {
            payment: payment_ref(&attempt),
            amount: attempt.amount,
            receipt: None,
        };
        kernel::crash_point!("capture.gateway-to-be-called");
        let key = IdempotencyKey::capture(id);
        let taken = gateway.capture(&request, &key, within).await;
        kernel::crash_point!("capture.gateway-called");
        self.came_of(&attempt, taken, "capture", within).await
    }

    /// Calls off what nobody wants paid, and lets go what nobody wants taken. What cannot be
    /// called off is only looked at: its payer's time ends it.
    async fn call_off(&self, id: AttemptId, within: Duration) -> Result<Option<NewsEffect>, Fault> {
        let wanted = [AttemptState::Closing, AttemptState::Voiding];
        let Some((attempt, gateway)) = self.still(id, &wanted).await? else { return Ok(None) };
        let impossible = gateway.capabilities().void_unpaid == VoidUnpaid::Impossible;
        if attempt.state == AttemptState::Closing && impossible {
            return self.fetch(&attempt, "poll", within).await;
        }
        kernel::crash_point!("void.gateway-to-be-called");
        let key = IdempotencyKey::void(id);
        let let_go = gateway.void(&payment_ref(&attempt), &key, within).await;
        kernel::crash_point!("void.gateway-called");
        self.came_of(&attempt, let_go, "void", within).await
    }

    /// The attempt and its gateway, if it still stands where something is to be done.
    async fn still(
        &self,
        id: AttemptId,
        states: &[AttemptState],
    ) -> Result<Option<(Attempt, &dyn Gateway)>, Fault> {
        let found = self.shop.db.read(move |read| payments::find(read, id)).await?;
        let found = found.filter(|it| states.contains(&it.state) && it.review.is_none());
        Ok(found.and_then(|attempt| {
            let gateway = self.gateways.get(attempt.gateway.as_str())?.as_ref();
            Some((attempt, gateway))
        }))
    }

    /// What came of a call that moves money. A payment that is elsewhere than we thought is no
    /// mistake: what the gateway says of it decides.
    async fn came_of(
        &self,
        attempt: &Attempt,
        answer: Result<Observation, GatewayError>,
        source: &'static str,
        within: Duration,
    ) -> Result<Option<NewsEffect>, Fault> {
        match answer {
            Ok(seen) => self.hear(attempt, self.news(attempt, &seen, source)).await,
            Err(GatewayError::WrongState(Some(seen))) => {
                self.hear(attempt, self.news(attempt, &seen, source)).await
            }
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, source, %error, "money was not moved");
                if error.outcome_known() && !matches!(error, GatewayError::NotSent(_)) {
                    return self.fetch(attempt, source, within).await;
                }
                Ok(None)
            }
        }
    }

    /// Hands on what a gateway said. None when it could not be written down.
    pub(super) async fn hear(
        &self,
        attempt: &Attempt,
        news: News,
    ) -> Result<Option<NewsEffect>, Fault> {
        kernel::crash_point!("news.fetched");
        let told = self.shop.payment_news(attempt.order_id, attempt.id, news).await;
        kernel::crash_point!("news.settled");
        match told {
            Ok(effect) => Ok(Some(effect)),
            Err(Error::Refused(refusal)) => {
                tracing::warn!(%refusal, "news of a payment was not wanted");
                Ok(Some(NewsEffect::Nothing))
            }
            Err(Error::Fault(fault)) if fault.may_be_one_command() => {
                tracing::error!(attempt = %attempt.id, %fault, "news of a payment was not kept");
                Ok(None)
            }
            Err(Error::Fault(fault)) => Err(fault),
        }
    }

    /// What an observation says, in our words. Here, once for all gateways, it is compared with
    /// who we are.
    pub(super) fn news(&self, attempt: &Attempt, seen: &Observation, source: &'static str) -> News {
        let gateway = self.gateways.get(attempt.gateway.as_str());
        let ours = gateway.is_none_or(|gateway| gateway.identity().fits(seen));
        let saw = match &seen.status {
            RemoteStatus::Absent => Saw::Absent,
            RemoteStatus::AwaitingPayer => Saw::Waiting,
            RemoteStatus::Processing => Saw::Processing,
            RemoteStatus::Authorized { until } => Saw::Authorized(*until),
            RemoteStatus::Captured => Saw::Captured,
            RemoteStatus::Canceled { reason } => Saw::Canceled(word(reason)),
        };
        let amount = match saw {
            Saw::Captured => seen.captured,
            Saw::Authorized(_) if seen.authorized.minor > 0 => seen.authorized,
            _ => seen.amount,
        };
        let method = seen.method.clone().map(|method| Method {
            kind: method.kind,
            brand: method.brand,
            last4: method.last4,
            fingerprint: method.fingerprint,
        });
        News {
            refunded: seen.refunded.map_or(0, |refunded| refunded.minor),
            secondary: seen.secondary_id.clone(),
            method,
            strange: (!ours && saw != Saw::Absent).then(|| strange(seen)),
            ..News::of(saw, amount, seen.gateway_id.clone().unwrap_or_default(), source)
        }
    }
}

/// Which payment is meant.
pub(crate) fn payment_ref(attempt: &Attempt) -> PaymentRef {
    PaymentRef {
        attempt: attempt.id,
        gateway_id: attempt.reference.clone(),
        secondary_id: attempt.secondary.clone(),
        amount: attempt.amount,
    }
}

fn strange(seen: &Observation) -> String {
    let money = if seen.test { "play money" } else { "real money" };
    let payee = seen.payee.as_deref().unwrap_or("nobody named");
    format!("{money} for {payee}, which is not us")
}

fn word(reason: &CancelReason) -> String {
    match reason {
        CancelReason::Declined => "declined".to_owned(),
        CancelReason::Expired => "expired".to_owned(),
        CancelReason::Voided => "voided".to_owned(),
        CancelReason::Other(word) => word.clone(),
    }
}
