//! The cashier: stands between an order's attempts and the gateways.
//!
//! Every call is made from a committed row and with its id as the key, so that a crash at any
//! point leaves a row that the next sweep takes up again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flows::{Answer, NewsEffect, Paying, RefundEnd, Refusal, Shop};
use futures_util::stream::{self, TryStreamExt as _};
use gateways::{
    Acknowledgement, BUYER_PATIENCE, Confirmation, CreatePayment, CreateRefund, Gateway,
    GatewayError, IdempotencyKey, Observation, PaymentRef, RawNotification, RawReply,
    RemoteRefundStatus, RemoteStatus, Subject, Url, WORKER_PATIENCE,
};
use kernel::planted::{self, Bug};
use kernel::{AccountId, AttemptId, Error, Fault, OrderId, SignedDuration, Timestamp};
use payments::{Attempt, AttemptState, News, Notice, Refund, RefundState, Saw};
use store::idempotency::Key;
use tokio::sync::{Mutex, Notify};

/// Rows one sweep takes up.
const SWEEP: i64 = 64;
/// Notices that are looked into at one time: each waits for its gateway, and one after the other
/// they would come in faster than they are settled.
const NOTICES_AT_ONCE: usize = 64;
/// Tries after which a notice is left for a person.
const NOTICE_TRIES_MAX: i64 = 20;

/// A payment under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Started {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// Where it stands.
    pub state: AttemptState,
    /// Where the payer goes; none while the gateway has not answered.
    pub redirect_url: Option<String>,
}

/// See the module's words. Cheap to clone.
#[derive(Clone)]
pub struct Cashier {
    shop: Shop,
    gateways: Arc<BTreeMap<&'static str, Arc<dyn Gateway>>>,
    public_url: Url,
    notices: Arc<Notify>,
    /// Held by whoever looks into notices: two would do the same ones.
    reading: Arc<Mutex<()>>,
}

impl Cashier {
    /// A cashier for these gateways; `public_url` is where buyers and gateways reach the shop.
    pub fn new(
        shop: Shop,
        gateways: impl IntoIterator<Item = Arc<dyn Gateway>>,
        public_url: Url,
    ) -> Self {
        let gateways = gateways.into_iter().map(|gateway| (gateway.name(), gateway)).collect();
        Self {
            shop,
            gateways: Arc::new(gateways),
            public_url,
            notices: Arc::default(),
            reading: Arc::default(),
        }
    }

    /// Starts a payment, or finds the one under way, and asks the gateway where the payer goes.
    pub async fn start(
        &self,
        customer: AccountId,
        order: OrderId,
        gateway: &str,
        key: Key,
    ) -> Answer<Started> {
        let known = self.gateways.get(gateway).filter(|g| g.capabilities().needs_redirect);
        if known.is_none() {
            return Err(Error::Refused(Refusal::MethodUnknown(gateway.to_owned())));
        }
        let paying = self.shop.intend_payment(customer, order, gateway, key).await?;
        kernel::crash_point!("pay.intended");
        if paying.redirect_url.is_none() {
            self.submit(&paying, BUYER_PATIENCE).await;
        }
        let id = paying.attempt_id;
        let attempt = self.shop.db.read(move |read| payments::find(read, id)).await?;
        let attempt = attempt.ok_or(Error::Refused(Refusal::NotFound("payment")))?;
        match attempt.state {
            AttemptState::Submitting => Err(Error::Refused(Refusal::GatewayBusy)),
            state => Ok(Started { attempt_id: id, state, redirect_url: attempt.redirect_url }),
        }
    }

    /// Asks the gateways about an order's open attempts, now. For a buyer who has come back: what
    /// the browser says is not believed, what the gateway says is.
    pub async fn look(&self, order: OrderId) -> Result<(), Fault> {
        let attempts = self.shop.db.read(move |read| payments::of_order(read, order)).await?;
        // Also about those that were over: the buyer may come from paying one all the same.
        let open = |attempt: &&Attempt| {
            attempt.state != AttemptState::Captured && attempt.review.is_none()
        };
        for attempt in attempts.iter().filter(open) {
            self.ask(attempt, "return", BUYER_PATIENCE).await?;
        }
        Ok(())
    }

    /// Takes in what a gateway sent: kept first, answered then, looked into afterwards.
    pub async fn receive(&self, gateway: &str, raw: &RawNotification<'_>) -> Option<RawReply> {
        let gateway = self.gateways.get(gateway)?;
        let now = self.shop.env.now();
        let notification = match gateway.receive(raw, now) {
            Ok(notification) => notification,
            Err(error) => {
                tracing::warn!(gateway = gateway.name(), %error, "a notice was refused");
                return Some(gateway.acknowledge(Acknowledgement::Rejected));
            }
        };
        kernel::crash_point!("notice.checked");
        let (reference, attempt_id) = match &notification.subject {
            Subject::Payment { gateway_id, attempt, .. } => (gateway_id.clone(), *attempt),
            Subject::Refund { gateway_id, .. } | Subject::Dispute { gateway_id, .. } => {
                (Some(gateway_id.clone()), None)
            }
            Subject::Other { .. } => (None, None),
        };
        let id = self.shop.env.id();
        let dedupe_key = if planted::is(Bug::MissingUniqueKey) {
            format!("{} {id}", notification.dedupe_key)
        } else {
            notification.dedupe_key
        };
        let notice = Notice {
            id,
            gateway: gateway.name().to_owned(),
            dedupe_key,
            reference,
            attempt_id,
            body: String::from_utf8_lossy(raw.body).into_owned(),
            headers: headers(raw),
            received_at: now,
        };
        let kept = self.shop.db.write(move |tx| payments::receive(tx, &notice)).await;
        kernel::crash_point!("notice.kept");
        self.notices.notify_one();
        Some(gateway.acknowledge(match kept {
            Ok(_) => Acknowledgement::Stored,
            Err(Fault::Broken(_) | Fault::Constraint(_)) => Acknowledgement::Rejected,
            Err(_) => Acknowledgement::TryAgain,
        }))
    }

    /// Comes back when a notice has been kept.
    pub(crate) async fn notice_kept(&self) {
        self.notices.notified().await;
    }

    /// Looks into notices that are due; gives how many there were.
    pub async fn read_notices(&self) -> Result<usize, Fault> {
        let _alone = self.reading.lock().await;
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::notices_due(read, now, SWEEP)).await?;
        let count = due.len();
        let looks = due.into_iter().map(|notice| Ok(self.look_into(notice, now)));
        stream::iter(looks).try_buffer_unordered(NOTICES_AT_ONCE).try_collect::<()>().await?;
        Ok(count)
    }

    async fn look_into(&self, notice: payments::Waiting, now: Timestamp) -> Result<(), Fault> {
        let (id, tries) = (notice.id, notice.tries);
        kernel::crash_point!("notice.to-be-looked-into");
        let effect = match notice.attempt_id {
            Some(attempt) => self.ask_about(attempt, "notice").await?,
            None => Some("about nothing that waits".to_owned()),
        };
        let effect = match effect {
            None if tries >= NOTICE_TRIES_MAX => Some("given up: the gateway is mute".into()),
            effect => effect,
        };
        self.shop
            .db
            .write(move |tx| match &effect {
                Some(effect) => payments::notice_handled(tx, id, effect, now),
                None => payments::notice_failed(tx, id, after(now, backoff(tries))),
            })
            .await?;
        kernel::crash_point!("notice.handled");
        Ok(())
    }

    /// Asks about attempts that are due; gives how many there were.
    pub async fn poll(&self) -> Result<usize, Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::to_poll(read, now, SWEEP)).await?;
        for attempt in &due {
            // Noted first: what is seen may set another time, and an attempt at which the round
            // ends must not be the first of the next one too.
            let (id, again_at) = (attempt.id, after(now, backoff(attempt.polls)));
            kernel::crash_point!("poll.found");
            self.shop.db.write(move |tx| payments::mark_polled(tx, id, Some(again_at))).await?;
            kernel::crash_point!("poll.marked");
            if attempt.state == AttemptState::Submitting {
                self.resubmit(attempt).await?;
            }
            let seen = self.ask(attempt, "poll", WORKER_PATIENCE).await?;
            if seen.is_some() && attempt.state == AttemptState::Canceled {
                self.shop.db.write(move |tx| payments::mark_polled(tx, id, None)).await?;
            }
        }
        Ok(due.len())
    }

    /// Sends refunds that are due; gives how many there were.
    pub async fn refund(&self) -> Result<usize, Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::refunds_due(read, now, SWEEP)).await?;
        for refund in &due {
            kernel::crash_point!("refund.found");
            if let Some((state, reference)) = self.send_back(refund).await? {
                let (refund_id, order_id) = (refund.id, refund.order_id);
                let end = RefundEnd { refund_id, order_id, state, reference };
                settle_quietly(self.shop.refund_ended(end).await)?;
                kernel::crash_point!("refund.noted");
            } else {
                let (id, again_at) = (refund.id, after(now, backoff(refund.tries)));
                self.shop.db.write(move |tx| payments::refund_failed(tx, id, again_at)).await?;
            }
        }
        Ok(due.len())
    }

    async fn resubmit(&self, attempt: &Attempt) -> Result<(), Fault> {
        let order = attempt.order_id;
        let order = self.shop.db.read(move |read| orders::find(read, order)).await?;
        let Some(order) = order.filter(|order| order.state == orders::State::Pending) else {
            return Ok(());
        };
        let paying = Paying {
            attempt_id: attempt.id,
            order_id: order.id,
            number: order.number,
            gateway: attempt.gateway.clone(),
            amount: attempt.amount,
            redirect_url: None,
            pay_by: order.pay_by,
        };
        self.submit(&paying, WORKER_PATIENCE).await;
        Ok(())
    }

    /// Opens the payment at the gateway. What could not be found out is left to the sweep.
    async fn submit(&self, paying: &Paying, within: Duration) {
        let Some(gateway) = self.gateways.get(paying.gateway.as_str()) else { return };
        let Some(request) = self.request(paying) else { return };
        let key = IdempotencyKey::create(paying.attempt_id);
        kernel::crash_point!("pay.gateway-to-be-called");
        let created = gateway.create(&request, &key, within).await;
        kernel::crash_point!("pay.gateway-called");
        let noted = match created {
            Ok(created) => {
                let url = match created.confirmation {
                    Confirmation::Redirect { url, .. } => Some(url.to_string()),
                    Confirmation::None => None,
                };
                self.submitted(paying.attempt_id, created.observation, url).await
            }
            Err(error) => {
                tracing::warn!(gateway = paying.gateway, %error, "a payment was not opened");
                let over = error.outcome_known()
                    && !matches!(
                        error,
                        GatewayError::NotSent(_) | GatewayError::RateLimited { .. }
                    );
                if over { self.over(paying, &error).await } else { Ok(()) }
            }
        };
        kernel::crash_point!("pay.noted");
        if let Err(fault) = noted {
            tracing::error!(%fault, "a gateway's answer was not noted; the sweep asks again");
        }
    }

    fn request(&self, paying: &Paying) -> Option<CreatePayment> {
        let order = paying.order_id;
        let join = |path: &str| self.public_url.join(path).ok();
        Some(CreatePayment {
            order: paying.number.clone(),
            ..CreatePayment::new(
                paying.attempt_id,
                paying.amount,
                format!("Order {}", paying.number),
                join(&format!("pay/{order}/return"))?,
                join(&format!("hooks/{}", paying.gateway))?,
                paying.pay_by?,
            )
        })
    }

    async fn submitted(
        &self,
        id: AttemptId,
        seen: Observation,
        url: Option<String>,
    ) -> Result<(), Fault> {
        let now = self.shop.env.now();
        let poll_at = after(now, SignedDuration::from_secs(20));
        let reference = seen.gateway_id.unwrap_or_default();
        self.shop
            .db
            .write(move |tx| {
                payments::submitted(tx, id, &reference, url.as_deref(), now, poll_at).map(|_| ())
            })
            .await
    }

    async fn over(&self, paying: &Paying, error: &GatewayError) -> Result<(), Fault> {
        let news = News {
            saw: Saw::Canceled(error.to_string()),
            amount: paying.amount,
            reference: String::new(),
            source: "create",
        };
        let told = self.shop.payment_news(paying.order_id, paying.attempt_id, news).await;
        settle_quietly(told.map(|_| ()))
    }

    async fn ask_about(
        &self,
        id: AttemptId,
        source: &'static str,
    ) -> Result<Option<String>, Fault> {
        let attempt = self.shop.db.read(move |read| payments::find(read, id)).await?;
        let Some(attempt) = attempt else { return Ok(Some("about nothing of ours".into())) };
        let effect = self.ask(&attempt, source, WORKER_PATIENCE).await?;
        Ok(effect.map(|effect| effect.word().to_owned()))
    }

    /// Fetches the truth from the gateway and hands it on. None when the gateway was mute, or the
    /// shop cannot write down what it says: that is tried again, and holds up nobody else's money.
    async fn ask(
        &self,
        attempt: &Attempt,
        source: &'static str,
        within: Duration,
    ) -> Result<Option<NewsEffect>, Fault> {
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return Ok(None) };
        let payment = payment_ref(attempt);
        let seen = match gateway.fetch(&payment, within).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a payment was not seen");
                return Ok(None);
            }
        };
        kernel::crash_point!("news.fetched");
        let news = news(&seen, source);
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

    /// Asks the gateway to give money back. None when its answer is not known.
    async fn send_back(
        &self,
        refund: &Refund,
    ) -> Result<Option<(RefundState, Option<String>)>, Fault> {
        let attempt = refund.attempt_id;
        let attempt = self.shop.db.read(move |read| payments::find(read, attempt)).await?;
        let Some(attempt) = attempt else { return Ok(None) };
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return Ok(None) };
        let payment = payment_ref(&attempt);
        let id = if planted::is(Bug::RefundTwice) { self.shop.env.id() } else { refund.id };
        let request = CreateRefund {
            refund: id,
            payment,
            amount: refund.amount,
            reason: String::new(),
            receipt: None,
        };
        let key = IdempotencyKey::refund(id);
        kernel::crash_point!("refund.gateway-to-be-called");
        let given = gateway.refund(&request, &key, WORKER_PATIENCE).await;
        kernel::crash_point!("refund.gateway-called");
        Ok(match given {
            Ok(seen) => match seen.status {
                RemoteRefundStatus::Succeeded => Some((RefundState::Succeeded, seen.gateway_id)),
                RemoteRefundStatus::Failed { reason, .. } => {
                    tracing::error!(refund = %refund.id, reason, "a refund failed");
                    Some((RefundState::Failed, seen.gateway_id))
                }
                RemoteRefundStatus::Pending | RemoteRefundStatus::Absent => None,
            },
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a refund was not confirmed");
                None
            }
        })
    }
}

fn payment_ref(attempt: &Attempt) -> PaymentRef {
    PaymentRef {
        attempt: attempt.id,
        gateway_id: attempt.reference.clone(),
        secondary_id: None,
        amount: attempt.amount,
    }
}

fn news(seen: &Observation, source: &'static str) -> News {
    let saw = match &seen.status {
        RemoteStatus::Absent => Saw::Absent,
        RemoteStatus::AwaitingPayer
        | RemoteStatus::Processing
        | RemoteStatus::Authorized { .. } => Saw::Waiting,
        RemoteStatus::Captured => Saw::Captured,
        RemoteStatus::Canceled { reason } => Saw::Canceled(format!("{reason:?}").to_lowercase()),
    };
    let amount = if saw == Saw::Captured { seen.captured } else { seen.amount };
    News { saw, amount, reference: seen.gateway_id.clone().unwrap_or_default(), source }
}

/// Headers worth keeping: not those that carry secrets of transport.
fn headers(raw: &RawNotification<'_>) -> String {
    let kept = raw.headers.iter().filter(|(name, _)| {
        !name.eq_ignore_ascii_case("authorization") && !name.eq_ignore_ascii_case("cookie")
    });
    let kept: serde_json::Map<String, serde_json::Value> =
        kept.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    serde_json::Value::Object(kept).to_string()
}

/// A refusal here means that the matter has settled itself meanwhile.
fn settle_quietly(answer: Answer<()>) -> Result<(), Fault> {
    match answer {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusal)) => {
            tracing::info!(%refusal, "the matter had settled itself");
            Ok(())
        }
        Err(Error::Fault(fault)) => Err(fault),
    }
}

/// 5 s, 10 s, 20 s … at most an hour.
fn backoff(tries: i64) -> SignedDuration {
    let doublings = u32::try_from(tries.clamp(0, 10)).unwrap_or(10);
    SignedDuration::from_secs((5_i64 << doublings).min(3600))
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
