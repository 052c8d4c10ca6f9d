//! List pages and product pages, beside an almost empty handler of the same shop.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use rand::RngExt as _;

use crate::api::{self, ProductPage};
use crate::cli::Browse;
use crate::client::Connection;
use crate::drive::{Plan, Stretch, Visit, Worker, drive};
use crate::pace::{Pace, Turn};
use crate::report::{PageRate, Report, decimal};
use crate::scene::{self, Draw};
use crate::shop::Shop;
use crate::stats::Op;

/// Products on a list page.
const PAGE_SIZE: u32 = 20;
/// Closed loops take turns this often, so that a slow moment of the machine hits all alike.
const ROUNDS: u32 = 3;

/// Runs it and reports.
pub async fn run(arguments: Browse) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let draw = Draw::new(common.seed);
    let mut shop = Shop::open(common, &draw.name()).await?;
    let report = in_shop(&arguments, &shop, draw).await?;
    shop.stop().await?;
    Ok(report)
}

/// Runs it in a shop that is open.
pub async fn in_shop(arguments: &Browse, shop: &Shop, draw: Draw) -> anyhow::Result<Report> {
    let units = vec![scene::PLENTY; arguments.products as usize];
    let products = scene::products(shop, draw, units).await?;
    let lists = list_pages(shop).await?;
    let product_pages: Vec<String> =
        products.iter().map(|product| api::product_path(&product.slug)).collect();
    let plan = Plan {
        label: "browsing".to_owned(),
        address: shop.address,
        connections: arguments.common.connections,
        pace: arguments.pacing.pace(None),
        warmup: arguments.pacing.warmup(None),
        seed: draw.seed,
        server: shop.pid(),
    };
    let mut report = Report::of("browse", &plan, shop, draw);
    report.note(format!("{} products, {PAGE_SIZE} on a page", arguments.products));
    let mut kinds = vec![(Op::List, Arc::new(lists)), (Op::Product, Arc::new(product_pages))];
    if let Some(path) = &arguments.baseline {
        report.note(format!("baseline is {path}"));
        kinds.push((Op::Baseline, Arc::new(vec![path.clone()])));
    }
    if matches!(plan.pace, Pace::Open { .. }) {
        // Arrivals are arrivals: which page each wants is drawn.
        report.add(drive(&plan, Arc::new(Reader { kinds })).await?);
    } else {
        in_turns(&plan, &kinds, &mut report).await?;
    }
    report.finish(shop).await?;
    Ok(report)
}

type Pages = (Op, Arc<Vec<String>>);

/// One kind after the other, several rounds; the rates go into the report.
async fn in_turns(plan: &Plan, kinds: &[Pages], report: &mut Report) -> anyhow::Result<()> {
    let parts = ROUNDS * u32::try_from(kinds.len())?;
    let mut plan = plan.clone();
    if let Pace::Closed { limit } = &mut plan.pace {
        limit.duration = limit.duration.map(|whole| whole / parts);
    }
    plan.warmup /= parts;
    let mut totals = vec![Total::default(); kinds.len()];
    for _ in 0..ROUNDS {
        for ((op, pages), total) in kinds.iter().zip(&mut totals) {
            plan.label = format!("browsing: {}", op.name());
            let reader = Reader { kinds: vec![(*op, Arc::clone(pages))] };
            let stretch = drive(&plan, Arc::new(reader)).await?;
            total.add(&stretch);
            report.add(stretch);
        }
    }
    let rates = kinds.iter().zip(totals).map(|((op, _), total)| total.rate(*op));
    report.pages.extend(rates);
    Ok(())
}

/// What one kind of page came to over all rounds.
#[derive(Clone, Default)]
struct Total {
    requests: u64,
    elapsed: Duration,
    server_cpu_s: Option<f64>,
}

impl Total {
    fn add(&mut self, stretch: &Stretch) {
        self.requests += stretch.book.requests;
        self.elapsed += stretch.elapsed;
        if let Some(used) = stretch.server {
            self.server_cpu_s = Some(self.server_cpu_s.unwrap_or_default() + used.cpu_s);
        }
    }

    fn rate(&self, op: Op) -> PageRate {
        let (requests, seconds) = (decimal(self.requests), self.elapsed.as_secs_f64());
        PageRate {
            page: op.name(),
            per_s: if seconds > 0.0 { requests / seconds } else { 0.0 },
            server_us: self.server_cpu_s.map(|cpu_s| cpu_s * 1e6 / requests.max(1.0)),
        }
    }
}

/// The paths of the list's pages, found as a customer finds them: by the cursor of the one before.
pub async fn list_pages(shop: &Shop) -> anyhow::Result<Vec<String>> {
    let first = format!("/api/v1/products?limit={PAGE_SIZE}");
    let mut connection = Connection::to(shop.address);
    let mut paths = vec![first.clone()];
    // A shop that was not ours before the run may have any number of products.
    while paths.len() < 500 {
        let Some(path) = paths.last() else { break };
        let call = api::get(path, None);
        let page: ProductPage =
            api::expect(&mut connection, "listing products", call, StatusCode::OK).await?;
        anyhow::ensure!(!page.items.is_empty(), "`{path}` is an empty page of the list");
        let Some(cursor) = page.next_cursor else { break };
        paths.push(format!("{first}&cursor={}", escaped(&cursor)));
    }
    Ok(paths)
}

/// A cursor is opaque, so it is escaped like any text in a query.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

struct Reader {
    kinds: Vec<Pages>,
}

impl Visit for Reader {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        let (op, pages) = &self.kinds[worker.rng.random_range(0..self.kinds.len())];
        let path = &pages[worker.rng.random_range(0..pages.len())];
        let call = api::get(path, None);
        worker.ask(*op, &turn, turn.intended, &[StatusCode::OK], call).await;
    }
}
