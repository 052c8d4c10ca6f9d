//! The cashier: stands between an order's attempts and the gateways.
//!
//! Every call is made from a committed row and with its id as the key, so that a crash at any
//! point leaves a row that the next sweep takes up again.

mod ask;
mod back;
mod bills;
mod charge;
mod disputes;
mod lists;
mod mend;
mod notices;
mod open;

pub use charge::{Charge, Offer};
pub use mend::Mended;

pub(crate) use ask::payment_ref;

use std::collections::BTreeMap;
use std::sync::Arc;

use flows::{Answer, NewsEffect, Refusal, Shop};
use gateways::{BUYER_PATIENCE, Gateway, Url};
use kernel::{AccountId, AttemptId, Error, Fault, OrderId, SignedDuration, Timestamp};
use payments::{Attempt, AttemptState};
use store::idempotency::Key;
use tokio::sync::{Mutex, Notify};

/// Rows one sweep takes up.
const SWEEP: i64 = 64;

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
    pub async fn start(
        &self,
        customer: AccountId,
        order: OrderId,
        gateway: &str,
        key: Key,
    ) -> Answer<Started> {
        let known = self.gateways.get(gateway).filter(|g| g.capabilities().needs_redirect);
        let Some(known) = known else {
            return Err(Error::Refused(Refusal::MethodUnknown(gateway.to_owned())));
        };
        let found = self.shop.db.read(move |read| orders::find(read, order)).await?;
        let found = found.filter(|found| found.customer_id == customer);
        let found = found.ok_or(Error::Refused(Refusal::NotFound("order")))?;
        let id = self.shop.env.id();
        let opening = self.opening(known.as_ref(), id, &found)?;
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

pub(crate) fn before(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}

pub(crate) fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
