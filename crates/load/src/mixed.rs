//! A shop's ordinary day, with one client in a hundred that misbehaves.

use std::sync::Arc;
use std::time::Instant;

use hyper::StatusCode;
use rand::RngExt as _;
use uuid::Uuid;

use crate::api::{self, QuoteFor};
use crate::browse::list_pages;
use crate::check;
use crate::cli::{Common, Mixed, Payment};
use crate::clock::now;
use crate::drive::{Plan, Visit, Worker, drive};
use crate::journal::{Fate, InDoubt, Journal};
use crate::ledger::Verdict;
use crate::misbehaviour;
use crate::pace::Turn;
use crate::purchase::{Purchase, buy};
use crate::report::Report;
use crate::scene::{self, Buyer, Draw, PLENTY};
use crate::shop::Shop;
use crate::stats::Op;

/// Accounts unless `--accounts` says fewer.
const ACCOUNTS_USUAL: u64 = 200;
/// One product in so many is nearly sold out when the day begins.
const SCARCE_EVERY: usize = 10;
const SCARCE_UNITS: u64 = 50;
/// Acknowledged orders that are asked for again after the run.
const CHECKED_MAX: usize = 20_000;

/// In a hundred visits.
const BROWSE: u32 = 40;
const FILL_CART: u32 = 15;
/// In a hundred orders.
const BY_SANDBOX: u32 = 20;
const CANCEL: u32 = 10;
const START_PAYMENT: u32 = 25;

/// Runs it and reports.
pub async fn run(arguments: Mixed) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let draw = Draw::new(common.seed);
    let mut shop = Shop::open(common, &draw.name()).await?;
    let report = in_shop(&arguments, &shop, draw).await?;
    shop.stop().await?;
    Ok(report)
}

/// Runs it in a shop that is open.
pub async fn in_shop(arguments: &Mixed, shop: &Shop, draw: Draw) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let day = Arc::new(Day::prepare(shop, common, draw, arguments.products).await?);
    let plan = Plan {
        label: "a mixed day".to_owned(),
        address: shop.address,
        connections: common.connections,
        pace: arguments.pacing.pace(None),
        warmup: arguments.pacing.warmup(None),
        seed: draw.seed,
        server: shop.pid(),
    };
    let stretch = drive(&plan, Arc::clone(&day)).await?;
    let mut report = Report::of("mixed", &plan, shop, draw);
    report.add(stretch);
    let doubts = day.journal.take_doubts();
    check::resolve(shop.address, &day.buyers, &day.journal, doubts).await?;
    let asked = day.journal.sample_before(day.journal.len(), CHECKED_MAX, 0);
    report.note(format!("{} acknowledged orders asked for again", asked.len()));
    let missing = check::missing("checking orders", shop.address, &day.buyers, asked).await?;
    report.missing.extend(missing);
    report.finish(shop).await?;
    Ok(report)
}

/// What the clients of the day find, and what the shop has promised them.
pub struct Day {
    pub buyers: Arc<Vec<Buyer>>,
    pub journal: Journal,
    connections: u32,
    tag: u32,
    variants: Vec<Uuid>,
    products: Vec<String>,
    lists: Vec<String>,
}

impl Day {
    /// Registers buyers and creates products, some of them scarce.
    pub async fn prepare(
        shop: &Shop,
        common: &Common,
        draw: Draw,
        products: u32,
    ) -> anyhow::Result<Self> {
        let units = (0..products as usize)
            .map(|index| if index % SCARCE_EVERY == 0 { SCARCE_UNITS } else { PLENTY })
            .collect();
        let products = scene::products(shop, draw, units).await?;
        let count = scene::accounts(common, Some(ACCOUNTS_USUAL));
        let buyers = scene::buyers(shop.address, draw, count).await?;
        Ok(Self {
            buyers: Arc::new(buyers),
            journal: Journal::default(),
            connections: common.connections,
            tag: draw.tag,
            variants: products.iter().map(|product| product.variants[0].id).collect(),
            products: products.iter().map(|product| api::product_path(&product.slug)).collect(),
            lists: list_pages(shop).await?,
        })
    }

    /// One of the buyers that only this connection plays: a cart has one hand in it at a time.
    pub fn buyer(&self, worker: &mut Worker) -> (u32, &Buyer) {
        let own: Vec<usize> =
            (worker.index as usize..self.buyers.len()).step_by(self.connections as usize).collect();
        let index = own[worker.rng.random_range(0..own.len())];
        (u32::try_from(index).unwrap_or_default(), &self.buyers[index])
    }

    /// One of the variants.
    pub fn variant(&self, worker: &mut Worker) -> Uuid {
        self.variants[worker.rng.random_range(0..self.variants.len())]
    }

    async fn browse(&self, worker: &mut Worker, turn: &Turn) {
        let list = &self.lists[worker.rng.random_range(0..self.lists.len())];
        let ok = [StatusCode::OK];
        worker.ask(Op::List, turn, turn.intended, &ok, api::get(list, None)).await;
        let product = &self.products[worker.rng.random_range(0..self.products.len())];
        worker.ask(Op::Product, turn, now(), &ok, api::get(product, None)).await;
    }

    /// Adds a line, takes one more, takes one less; half of the time empties the cart again.
    async fn fill_cart(&self, worker: &mut Worker, turn: &Turn) {
        let (_, buyer) = self.buyer(worker);
        let variant = self.variant(worker);
        if !add(worker, turn, turn.intended, buyer, variant).await {
            return;
        }
        for change in [1, -1] {
            let call = api::change_cart(&buyer.token, variant, change);
            worker.ask(Op::Cart, turn, now(), &[StatusCode::OK], call).await;
        }
        if worker.rng.random_bool(0.5) {
            clear(worker, turn, buyer).await;
        }
    }

    async fn order(&self, worker: &mut Worker, turn: &Turn) {
        let (index, buyer) = self.buyer(worker);
        let variant_id = self.variant(worker);
        let payment =
            if percent(worker) < BY_SANDBOX { Payment::Sandbox } else { Payment::CashOnDelivery };
        let through_cart = worker.rng.random_bool(0.5);
        let address_id = buyer.address;
        let (of, since) = if through_cart {
            if !add(worker, turn, turn.intended, buyer, variant_id).await {
                return clear(worker, turn, buyer).await;
            }
            (QuoteFor::Cart { address_id }, now())
        } else {
            (QuoteFor::BuyNow { variant_id, quantity: 1, address_id }, turn.intended)
        };
        match buy(worker, turn, since, buyer, (of, payment)).await {
            Purchase::Placed(order, _) => {
                let place = self.journal.acknowledge(index, &order);
                self.afterwards(worker, turn, (place, order.id), buyer, payment).await;
            }
            Purchase::InDoubt(quote) => self.journal.doubt(InDoubt {
                buyer: index,
                quote: quote.token,
                payment,
                total_minor: quote.total.minor,
            }),
            Purchase::Refused | Purchase::NotServed => {
                if through_cart {
                    clear(worker, turn, buyer).await;
                }
            }
        }
    }

    /// Some cancel, some go on to the payment page.
    async fn afterwards(
        &self,
        worker: &mut Worker,
        turn: &Turn,
        (place, id): (usize, Uuid),
        buyer: &Buyer,
        payment: Payment,
    ) {
        if percent(worker) < CANCEL {
            let path = format!("{}/cancel", api::order_path(id));
            let call =
                api::call(hyper::Method::POST, &path, Some(&buyer.token), bytes::Bytes::new());
            let call = api::with_key(call, self.key(worker));
            // Entered before it is sent: a kill may come between the two.
            self.journal.fate(place, Fate::CancelInDoubt);
            match worker.ask(Op::Cancel, turn, now(), &[StatusCode::OK], call).await {
                Verdict::Served(_) => self.journal.fate(place, Fate::Cancelled),
                Verdict::Overloaded(_) => self.journal.fate(place, Fate::Standing),
                Verdict::Refused | Verdict::Failed | Verdict::Unknown => {}
            }
        } else if payment == Payment::Sandbox && percent(worker) < START_PAYMENT {
            let path = format!("{}/payments", api::order_path(id));
            let call = api::post(&path, &buyer.token, &serde_json::json!({}));
            let call = api::with_key(call, self.key(worker));
            worker.ask(Op::Pay, turn, now(), &[StatusCode::CREATED], call).await;
        }
    }

    /// Unlike any key of another run, also with the same seed.
    pub fn key(&self, worker: &mut Worker) -> u128 {
        (u128::from(self.tag) << 96) | (worker.rng.random::<u128>() >> 32)
    }
}

impl Visit for Day {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        if percent(worker) == 0 {
            let (index, buyer) = self.buyer(worker);
            let variant = self.variant(worker);
            let customer = misbehaviour::Customer { index, buyer, variant, journal: &self.journal };
            return misbehaviour::misbehave(worker, &turn, &customer).await;
        }
        match percent(worker) {
            roll if roll < BROWSE => self.browse(worker, &turn).await,
            roll if roll < BROWSE + FILL_CART => self.fill_cart(worker, &turn).await,
            _ => self.order(worker, &turn).await,
        }
    }
}

/// 0 to 99, drawn.
pub fn percent(worker: &mut Worker) -> u32 {
    worker.rng.random_range(0..100)
}

/// False when it is not in the cart now.
async fn add(
    worker: &mut Worker,
    turn: &Turn,
    since: Instant,
    buyer: &Buyer,
    variant: Uuid,
) -> bool {
    let call = api::add_to_cart(&buyer.token, variant, 1);
    let added = [StatusCode::OK, StatusCode::CREATED];
    match worker.ask(Op::Cart, turn, since, &added, call).await {
        Verdict::Served(_) => true,
        Verdict::Refused => {
            worker.ledger.refused(turn);
            false
        }
        _ => false,
    }
}

async fn clear(worker: &mut Worker, turn: &Turn, buyer: &Buyer) {
    let call = api::clear_cart(&buyer.token);
    worker.ask(Op::Cart, turn, now(), &[StatusCode::OK], call).await;
}
