//! The cashier: stands between an order's attempts and the gateways.
//!
//! Every call is made from a committed row and with its id as the key, so that a crash at any
//! point leaves a row that the next sweep takes up again.

mod ask;
mod back;
mod charge;
mod lists;
mod open;
mod receipt;

pub use charge::{Charge, Offer};
pub use lists::{CannotCompare, Compared};

use std::collections::BTreeMap;
use std::sync::Arc;

use flows::{Answer, NewsEffect, Refusal, Shop};
use futures_util::stream::{self, TryStreamExt as _};
use gateways::{
    Acknowledgement, BUYER_PATIENCE, Gateway, Payer, RawNotification, RawReply, Subject, Url,
    WORKER_PATIENCE,
};
use kernel::planted::{self, Bug};
use kernel::{AccountId, AttemptId, Error, Fault, OrderId, RefundId, SignedDuration, Timestamp};
use payments::{Attempt, AttemptState, Notice};
use store::Tx;
use store::idempotency::Key;
use tokio::sync::{Mutex, Notify};

use receipt::Sale;

/// Rows one sweep takes up.
const SWEEP: i64 = 64;
/// Notices that are looked into at one time: each waits for its gateway, and one after the other
/// they would come in faster than they are settled.
const NOTICES_AT_ONCE: usize = 64;
/// Tries after which a notice is left for a person.
const NOTICE_TRIES_MAX: i64 = 20;

/// When a payment is asked about again whose payer has just come back.
const AFTER_THE_RETURN: SignedDuration = SignedDuration::from_secs(5);

/// A payment under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Started {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// Where it stands.
    pub state: AttemptState,
    /// What is charged.
    pub charge: Charge,
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
    /// What is told of the `payer` is kept with the attempt: a call that is repeated says the same.
    pub async fn start(
        &self,
        customer: AccountId,
        order: OrderId,
        gateway: &str,
        payer: Payer,
        key: Key,
    ) -> Answer<Started> {
        let known = self.gateways.get(gateway).filter(|g| g.capabilities().needs_redirect);
        let Some(known) = known else {
            return Err(Error::Refused(Refusal::MethodUnknown(gateway.to_owned())));
        };
        let sale = self.shop.db.read(move |read| Sale::load(read, order)).await?;
        let sale = sale.filter(|sale| sale.order.customer_id == customer);
        let sale = sale.ok_or(Error::Refused(Refusal::NotFound("order")))?;
        let id = self.shop.env.id();
        let opening = self.opening(known.as_ref(), id, &sale, payer)?;
        let paying = self.shop.intend_payment_as(id, customer, order, opening, key).await?;
        kernel::crash_point!("pay.intended");
        let id = paying.attempt_id;
        let find = || self.shop.db.read(move |read| payments::find(read, id));
        let gone = || Error::Refused(Refusal::NotFound("payment"));
        let mut attempt = find().await?.ok_or_else(gone)?;
        if attempt.state.may_be_paid() && attempt.redirect_url.is_none() {
            self.open(&attempt, BUYER_PATIENCE).await;
            attempt = find().await?.ok_or_else(gone)?;
        }
        match attempt.state {
            AttemptState::Submitting => Err(Error::Refused(Refusal::GatewayBusy)),
            state => {
                let charge = Charge { amount: attempt.amount, rate: attempt.rate };
                Ok(Started { attempt_id: id, state, charge, redirect_url: attempt.redirect_url })
            }
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
            let seen = self.ask(attempt, "return", BUYER_PATIENCE).await?;
            let settled = matches!(seen, Some(NewsEffect::Settled | NewsEffect::SettledLate));
            if attempt.state == AttemptState::AwaitingPayer && !settled {
                let (id, at) = (attempt.id, after(self.shop.env.now(), AFTER_THE_RETURN));
                self.shop.db.write(move |tx| payments::poll_soon(tx, id, at)).await?;
            }
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
        let (reference, attempt_id, about) = about(&notification.subject);
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
            source: raw.source_ip.map(|address| address.to_string()),
            received_at: now,
        };
        let mismatch = notification.mismatch;
        let kept = self.shop.db.write(move |tx| keep(tx, &notice, &about, mismatch.as_deref()));
        let kept = kept.await;
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
}

/// What a notice names beside our attempt: a refund of ours, the gateway's id of the payment.
type About = (Option<RefundId>, Option<String>);

fn about(subject: &Subject) -> (Option<String>, Option<AttemptId>, About) {
    match subject {
        Subject::Payment { gateway_id, attempt, .. } => {
            (gateway_id.clone(), *attempt, (None, gateway_id.clone()))
        }
        Subject::Refund { gateway_id, refund, payment_id } => {
            (Some(gateway_id.clone()), None, (*refund, payment_id.clone()))
        }
        Subject::Dispute { gateway_id, payment_id } => {
            (Some(gateway_id.clone()), None, (None, payment_id.clone()))
        }
        Subject::Other { .. } => (None, None, (None, None)),
    }
}

/// Keeps a notice together with the attempt it is about, found by what it names. One that is not
/// meant for us is kept, and nothing else is done about it.
fn keep(
    tx: &mut Tx<'_>,
    notice: &Notice,
    (refund, payment): &About,
    mismatch: Option<&str>,
) -> Result<bool, Fault> {
    let (mut notice, now) = (notice.clone(), notice.received_at);
    let refund = match refund {
        Some(id) => payments::find_refund(tx, *id)?,
        None => None,
    };
    if let Some(refund) = &refund {
        notice.attempt_id = Some(refund.attempt_id);
        payments::refund_soon(tx, refund.id, now)?;
    } else if let (None, Some(payment)) = (notice.attempt_id, payment) {
        let found = payments::by_reference(tx, &notice.gateway, payment)?;
        notice.attempt_id = found.map(|attempt| attempt.id);
    }
    let fresh = payments::receive(tx, &notice)?;
    if let Some(mismatch) = mismatch.filter(|_| fresh) {
        tracing::error!(gateway = notice.gateway, mismatch, "a notice that is not meant for us");
        payments::notice_handled(tx, notice.id, &format!("not ours: {mismatch}"), now)?;
    }
    Ok(fresh)
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
