//! Visitors who come whether or not the shop keeps up: look at a product, buy it, pay, and see it
//! paid. Whoever is refused at the door goes away, or comes back when told to.
//!
//! Connections are kept open between visitors, as a proxy in front of a shop keeps them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use hdrhistogram::Histogram;
use hyper::{Method, StatusCode};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

use crate::api::{self, Order, Product, Quote, QuoteFor, Token};
use crate::cli::Payment;
use crate::client::{Answer, Call, Connection};
use crate::clock::now;
use crate::scene::{Buyer, Draw};

/// A visit that takes longer is no success: the visitor has gone.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long a visitor waits before looking whether the order is paid; then twice as long each time.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LOOK_MAX: Duration = Duration::from_millis(500);
/// Times that a refused visitor comes back.
const COMEBACKS_MAX: u32 = 20;
/// How often a notice that no gateway sent is brought to the shop.
const KNOCK_EVERY: Duration = Duration::from_millis(20);
const SAMPLES_MAX: usize = 10;
/// Microseconds; longer ones count as this long.
const LONGEST_US: u64 = 60_000_000;

/// Everybody, and what became of them.
pub struct Crowd {
    address: SocketAddr,
    buyers: Vec<Buyer>,
    goods: Vec<(String, Uuid)>,
    tag: u32,
    comes_back: bool,
    next: AtomicU64,
    inside: AtomicU64,
    idle: Mutex<Vec<Connection>>,
    idle_at_sandbox: Mutex<Vec<Connection>>,
    tally: Mutex<Tally>,
    knocks: Mutex<(u64, u64)>,
    samples: Mutex<Vec<String>>,
}

/// What became of those who came in a stretch of time.
#[derive(Debug)]
pub struct Tally {
    pub came: u64,
    /// Finished within their patience.
    pub served: u64,
    /// Finished, but too late for anybody.
    pub late: u64,
    /// Refused at the door.
    pub refused: u64,
    /// Refused further in: each of these had been let in before.
    pub broken_off: u64,
    pub errors: u64,
    /// Microseconds.
    pub refusals: Histogram<u64>,
    pub visits: Histogram<u64>,
    /// When visits ended that were served.
    pub ends: Vec<Instant>,
}

impl Default for Tally {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the bounds are constants that fit")]
        let empty = || Histogram::new_with_bounds(1, LONGEST_US, 3).expect("good bounds");
        Self {
            came: 0,
            served: 0,
            late: 0,
            refused: 0,
            broken_off: 0,
            errors: 0,
            refusals: empty(),
            visits: empty(),
            ends: Vec::new(),
        }
    }
}

impl Tally {
    /// Served a second.
    pub fn per_second(&self, over: Duration) -> f64 {
        crate::report::decimal(self.served) / over.as_secs_f64()
    }
}

/// How a visit went.
enum End {
    Paid,
    /// Come back after so many seconds.
    Refused(u64),
    Wrong(String),
}

impl Crowd {
    pub fn new(
        address: SocketAddr,
        buyers: Vec<Buyer>,
        products: &[Product],
        draw: Draw,
        comes_back: bool,
    ) -> Self {
        let goods = products
            .iter()
            .map(|product| (api::product_path(&product.slug), product.variants[0].id));
        Self {
            address,
            buyers,
            goods: goods.collect(),
            tag: draw.tag,
            comes_back,
            next: AtomicU64::new(0),
            inside: AtomicU64::new(0),
            idle: Mutex::default(),
            idle_at_sandbox: Mutex::default(),
            tally: Mutex::default(),
            knocks: Mutex::default(),
            samples: Mutex::default(),
        }
    }

    /// What was counted since this was last asked.
    pub fn take_tally(&self) -> Tally {
        std::mem::take(&mut *lock(&self.tally))
    }

    /// Notices brought, and those of them that were refused as too many.
    pub fn knocks(&self) -> (u64, u64) {
        *lock(&self.knocks)
    }

    pub fn samples(&self) -> Vec<String> {
        lock(&self.samples).clone()
    }

    /// For the progress bar.
    pub fn progress(&self) -> String {
        let tally = lock(&self.tally);
        let inside = self.inside.load(Ordering::Relaxed);
        format!("{} served, {} refused, {inside} inside", tally.served, tally.refused)
    }

    /// So many visitors at once, each followed by the next, for so long.
    pub async fn closed(self: &Arc<Self>, visitors: u32, lasts: Duration) {
        let end = now() + lasts;
        let mut tasks = JoinSet::new();
        for _ in 0..visitors {
            let crowd = Arc::clone(self);
            tasks.spawn(async move {
                while now() < end {
                    crowd.come(now()).await;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Visitors at a rate, each independent of all others (Poisson), for so long. Those who are
    /// still inside then go on.
    pub async fn open(self: Arc<Self>, per_second: f64, lasts: Duration, seed: u64) {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let begun = now();
        let mut due = begun;
        loop {
            let uniform: f64 = dice.random();
            due += Duration::from_secs_f64(-(1.0 - uniform).ln() / per_second);
            if due.duration_since(begun) >= lasts {
                tokio::time::sleep_until((begun + lasts).into()).await;
                return;
            }
            if due > now() {
                tokio::time::sleep_until(due.into()).await;
            }
            let crowd = Arc::clone(&self);
            tokio::spawn(async move { crowd.come_and_come_back(due).await });
        }
    }

    /// Until nobody is inside, or has lost patience.
    pub async fn wait_until_gone(&self) {
        let end = now() + PATIENCE;
        while self.inside.load(Ordering::Relaxed) > 0 && now() < end {
            tokio::time::sleep(FIRST_LOOK).await;
        }
    }

    async fn come_and_come_back(&self, first: Instant) {
        let mut since = first;
        for _ in 0..COMEBACKS_MAX {
            let Some(seconds) = self.come(since).await else { return };
            if !self.comes_back {
                return;
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            since = now();
        }
    }

    /// One visit; gives the seconds to wait when it was refused at the door.
    async fn come(&self, since: Instant) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.inside.fetch_add(1, Ordering::Relaxed);
        let end = self.visit(number, since).await;
        self.inside.fetch_sub(1, Ordering::Relaxed);
        let ended = now();
        let took = ended.duration_since(since);
        let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST_US).clamp(1, LONGEST_US);
        let mut tally = lock(&self.tally);
        tally.came += 1;
        match end {
            End::Paid if took <= PATIENCE => {
                tally.served += 1;
                tally.visits.saturating_record(micros);
                tally.ends.push(ended);
            }
            End::Paid => tally.late += 1,
            End::Refused(seconds) => {
                tally.refused += 1;
                tally.refusals.saturating_record(micros);
                return Some(seconds);
            }
            End::Wrong(what) => {
                tally.errors += 1;
                drop(tally);
                self.wrong(what);
            }
        }
        None
    }

    fn wrong(&self, what: String) {
        let mut samples = lock(&self.samples);
        if samples.len() < SAMPLES_MAX {
            samples.push(what);
        }
    }

    async fn visit(&self, number: u64, since: Instant) -> End {
        let place = usize::try_from(number).unwrap_or_default();
        let (product, variant_id) = &self.goods[place % self.goods.len()];
        // Nobody knows yet who is looking.
        let answer = match self.ask(api::get(product, None)).await {
            Ok(answer) => answer,
            Err(error) => return End::Wrong(format!("product: {error:#}")),
        };
        match answer.status {
            StatusCode::OK => {}
            StatusCode::SERVICE_UNAVAILABLE => return refusal(&answer),
            _ => return End::Wrong(api::in_full("product", &answer)),
        }
        let buyer = &self.buyers[place % self.buyers.len()];
        match self.buy(number, since, buyer, *variant_id).await {
            Ok(()) => End::Paid,
            Err(error) => End::Wrong(format!("{error:#}")),
        }
    }

    async fn buy(
        &self,
        number: u64,
        since: Instant,
        buyer: &Buyer,
        variant_id: Uuid,
    ) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Begun {
            redirect_url: Option<String>,
        }
        let of = QuoteFor::BuyNow { variant_id, quantity: 1, address_id: buyer.address };
        let answer = self.insist("quote", since, || api::quote(&buyer.token, of)).await?;
        let quote: Quote = read("quote", &answer, StatusCode::OK)?;
        let place = || api::place(&buyer.token, &quote.token, Payment::Sandbox);
        let answer = self.insist("place", since, place).await?;
        let order: Order = read("place", &answer, StatusCode::CREATED)?;
        let path = api::order_path(order.id);
        let key = (u128::from(self.tag) << 96) | u128::from(number);
        let pay = || {
            let call = api::post(&format!("{path}/payments"), &buyer.token, &json!({}));
            api::with_key(call, key)
        };
        let answer = self.insist("payment", since, pay).await?;
        let begun: Begun = read("payment", &answer, StatusCode::CREATED)?;
        self.pay(&begun.redirect_url.context("a payment without a page")?).await?;
        self.see_it_paid(since, &path, &buyer.token).await
    }

    /// The buyer's button at the payment service.
    async fn pay(&self, page: &str) -> anyhow::Result<()> {
        let page: Url = page.parse()?;
        let address = crate::target::loopback(page.origin().ascii_serialization().as_str())?;
        let call = api::call(Method::POST, &format!("{}/pay", page.path()), None, Bytes::new());
        let idle = lock(&self.idle_at_sandbox).pop();
        let mut connection = idle.unwrap_or_else(|| Connection::to(address));
        let answer = connection.send(call).await.context("the payment page")?;
        lock(&self.idle_at_sandbox).push(connection);
        anyhow::ensure!(
            answer.status == StatusCode::SEE_OTHER,
            "{}",
            api::in_full("paying", &answer)
        );
        Ok(())
    }

    async fn see_it_paid(&self, since: Instant, path: &str, token: &Token) -> anyhow::Result<()> {
        let mut pause = FIRST_LOOK;
        loop {
            tokio::time::sleep(pause).await;
            let answer = self.insist("order", since, || api::get(path, Some(token))).await?;
            let order: Order = read("order", &answer, StatusCode::OK)?;
            if order.state == "paid" {
                return Ok(());
            }
            // Counted as late by whoever counts.
            if since.elapsed() > PATIENCE * 2 {
                anyhow::bail!(
                    "order {} is {} after {:?}",
                    order.number,
                    order.state,
                    since.elapsed()
                );
            }
            pause = (pause * 2).min(LOOK_MAX);
        }
    }

    /// Whoever was let in does not go away: comes back when told to, as long as it makes sense.
    async fn insist(
        &self,
        what: &str,
        since: Instant,
        call: impl Fn() -> Call,
    ) -> anyhow::Result<Answer> {
        loop {
            let answer = self.ask(call()).await.with_context(|| what.to_owned())?;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || since.elapsed() > PATIENCE {
                return Ok(answer);
            }
            lock(&self.tally).broken_off += 1;
            tokio::time::sleep(Duration::from_secs(answer.retry_after.unwrap_or(1))).await;
        }
    }

    async fn ask(&self, call: Call) -> anyhow::Result<Answer> {
        let idle = lock(&self.idle).pop();
        let mut connection = idle.unwrap_or_else(|| Connection::to(self.address));
        let answer = connection.send(call).await?;
        lock(&self.idle).push(connection);
        Ok(answer)
    }

    /// Brings notices that no gateway signed, for ever: they are refused as forged, and never
    /// because there is too much to do.
    pub async fn knock(self: Arc<Self>) {
        let mut connection = Connection::to(self.address);
        loop {
            let forged = Bytes::from_static(b"{\"type\":\"payment.succeeded\"}");
            let call = api::call(Method::POST, "/hooks/sandbox", None, forged);
            match connection.send(call).await {
                Ok(answer) => {
                    let refused = answer.status.is_server_error();
                    let mut knocks = lock(&self.knocks);
                    knocks.0 += 1;
                    knocks.1 += u64::from(refused);
                    if refused {
                        self.wrong(api::in_full("a notice", &answer));
                    }
                }
                Err(error) => self.wrong(format!("a notice: {error}")),
            }
            tokio::time::sleep(KNOCK_EVERY).await;
        }
    }
}

/// It has to be what is published.
fn refusal(answer: &Answer) -> End {
    let seconds = answer.retry_after.filter(|seconds| (1..=5).contains(seconds));
    let code = api::problem_code(&answer.body);
    match (seconds, code.as_deref(), &answer.request_id) {
        (Some(seconds), Some("overloaded"), Some(_)) => End::Refused(seconds),
        _ => End::Wrong(api::in_full("a refusal that is none", answer)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T: serde::de::DeserializeOwned>(
    what: &str,
    answer: &Answer,
    status: StatusCode,
) -> anyhow::Result<T> {
    anyhow::ensure!(answer.status == status, "{}", api::in_full(what, answer));
    serde_json::from_slice(&answer.body).with_context(|| api::in_full(what, answer))
}
