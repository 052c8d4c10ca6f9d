//! When the jobs run: soon after something happened, and now and then in any case.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use flows::Shop;
use kernel::{Error, Fault, SignedDuration};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cashier::Cashier;
use crate::post::Post;
use crate::relay::{self, Consumer};

/// Between two looks into the outbox when there was nothing.
const RELAY_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at money under way.
const MONEY_EVERY: Duration = Duration::from_secs(1);
/// Between two looks for what has run out of time.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Between two looks into the gateways' lists.
const LISTS_EVERY: Duration = Duration::from_mins(15);
/// Between two looks at what people asked of the data about them.
const PEOPLE_EVERY: Duration = Duration::from_secs(5);
/// Between two clearings of old keys.
const KEYS_EVERY: Duration = Duration::from_hours(1);
/// How long an idempotency key is remembered: published in the API's documentation.
const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The background work of a shop.
#[derive(Clone)]
pub struct Jobs {
    shop: Shop,
    cashier: Cashier,
    consumers: Arc<[Arc<dyn Consumer>]>,
    post: Option<Post>,
}

impl Jobs {
    /// Background work for `shop`; events go to `consumers`.
    pub fn new(shop: Shop, cashier: Cashier, consumers: Vec<Arc<dyn Consumer>>) -> Self {
        Self { shop, cashier, consumers: consumers.into(), post: None }
    }

    /// Letters are carried by `post`; without one they wait.
    pub fn with_post(self, post: Post) -> Self {
        Self { post: Some(post), ..self }
    }

    /// Does everything that is due now, until nothing is. For tests, with a clock that stands.
    pub async fn run_due(&self) -> Result<(), Fault> {
        loop {
            let (holds, orders) = self.shop.sweep().await?;
            let money = self.money().await?;
            let events = self.hand_on().await?;
            let people = self.answer_people().await?;
            let letters = self.carry_letters().await?;
            if holds + orders + money + events + people + letters == 0 {
                return Ok(());
            }
        }
    }

    /// Runs until `stop` says so, each kind of work on its own. What is under way then may take
    /// `goodbye` more and is cut off: a gateway that answers nothing holds nobody up, and
    /// everything here is taken up again from its rows.
    pub async fn run(self, mut stop: watch::Receiver<bool>, goodbye: Duration) {
        let mut running = JoinSet::new();
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "relay", RELAY_EVERY, move || {
            let jobs = jobs.clone();
            async move { jobs.hand_on().await }
        }));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "post", RELAY_EVERY, move || {
            let jobs = jobs.clone();
            async move { jobs.carry_letters().await }
        }));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "sweep", SWEEP_EVERY, move || {
            let jobs = jobs.clone();
            async move { jobs.shop.sweep().await.map(|(holds, orders)| holds + orders) }
        }));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "money", MONEY_EVERY, move || {
            let jobs = jobs.clone();
            async move { jobs.money().await }
        }));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "people", PEOPLE_EVERY, move || {
            let jobs = jobs.clone();
            async move { jobs.answer_people().await }
        }));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "keys", KEYS_EVERY, move || {
            let jobs = jobs.clone();
            async move {
                jobs.forget_keys().await?;
                jobs.forget_sessions().await.map(|_| 0)
            }
        }));
        let jobs = self.clone();
        running.spawn(notices(stop.clone(), jobs));
        let jobs = self.clone();
        running.spawn(every(stop.clone(), "lists", LISTS_EVERY, move || {
            let jobs = jobs.clone();
            // What was found is no reason to read the list again at once.
            async move { jobs.cashier.read_lists().await.map(|_| 0) }
        }));
        // Gone is as good as stopped.
        let _ = stop.wait_for(|stop| *stop).await;
        let finished = async { while running.join_next().await.is_some() {} };
        if timeout(goodbye, finished).await.is_err() {
            tracing::info!("background work was cut off; the next start goes on with it");
            running.shutdown().await;
        }
    }

    /// Hands on the events that are due; gives how many there were.
    pub async fn hand_on(&self) -> Result<usize, Fault> {
        relay::round(&self.shop, &self.consumers).await
    }

    /// Carries the letters that are due; gives how many there were.
    pub async fn carry_letters(&self) -> Result<usize, Fault> {
        match &self.post {
            Some(post) => post.round(&self.shop).await,
            None => Ok(0),
        }
    }

    /// Until none is left: those that fail are put off.
    async fn all_notices(&self) -> Result<(), Fault> {
        while self.cashier.read_notices().await? > 0 {}
        Ok(())
    }

    /// Makes the copies and forgets the people that are due; gives how many there were.
    async fn answer_people(&self) -> Result<usize, Fault> {
        self.shop.answer_people().await.map_err(|error| match error {
            Error::Fault(fault) => fault,
            Error::Refused(refusal) => Fault::Broken(refusal.to_string()),
        })
    }

    async fn money(&self) -> Result<usize, Fault> {
        let notices = self.cashier.read_notices().await?;
        let polls = self.cashier.poll().await?;
        let disputes = self.cashier.poll_disputes().await?;
        Ok(notices + polls + disputes + self.cashier.refund().await?)
    }

    /// Forgets sessions that are over; gives how many.
    pub async fn forget_sessions(&self) -> Result<u64, Fault> {
        let env = self.shop.env.clone();
        self.shop.db.write(move |tx| identity::forget_expired(tx, &env)).await
    }

    /// Forgets keys that are older than the API promises to remember them; gives how many.
    pub async fn forget_keys(&self) -> Result<u64, Fault> {
        let before = self.shop.env.now().checked_sub(KEYS_KEPT);
        let Ok(before) = before else { return Ok(0) };
        let now = self.shop.env.now();
        let forgotten = self
            .shop
            .db
            .write(move |tx| {
                identity::forget_codes(tx, now)?;
                store::idempotency::forget(tx, before)
            })
            .await;
        kernel::crash_point!("keys.forgotten");
        forgotten
    }
}

/// Runs a job again and again: at once while it finds something, then after `pause`.
async fn every<F: Future<Output = Result<usize, Fault>>>(
    mut stop: watch::Receiver<bool>,
    name: &'static str,
    pause: Duration,
    mut job: impl FnMut() -> F,
) {
    while !*stop.borrow() {
        let found = job().await;
        if let Err(fault) = &found {
            tracing::warn!(job = name, %fault, "a job did not finish");
        }
        if !matches!(found, Ok(found) if found > 0) {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// A notice is looked into when it comes, not at the next round.
async fn notices(mut stop: watch::Receiver<bool>, jobs: Jobs) {
    while !*stop.borrow() {
        tokio::select! {
            () = jobs.cashier.notice_kept() => {
                if let Err(fault) = jobs.all_notices().await {
                    tracing::warn!(%fault, "notices were not looked into");
                }
            }
            _ = stop.changed() => {}
        }
    }
}
