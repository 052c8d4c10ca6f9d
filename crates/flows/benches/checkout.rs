//! Orders placed in process: the lane against one transaction for each order, on both engines,
//! with full durability.
//!
//! `cargo xtask postgres -- cargo bench -p flows --bench checkout` prints the table of
//! `docs/performance.md`. Each row is the median of three runs of two seconds after a warm-up.
//! Each order is an order, its lines, a step of history, an event, stock and movements; callers
//! wait for the commit. `ORDERS_SECONDS` makes the runs longer.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark measures the real clock, and has nobody to answer to"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use catalog::{NewProduct, NewVariant, Status};
use flows::lane::Shape;
use flows::{CASH_ON_DELIVERY, Quote, QuoteLine, SCHEMAS, Settings, Shop};
use hdrhistogram::Histogram;
use identity::Address;
use kernel::{AccountId, AddressId, Currency, Env, Error, Money, Timestamp};
use orders::{LineTotal, add_up};
use store::EngineKind;
use store::testing::TestDb;

/// As in the shop's binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a run sells.
#[derive(Clone, Copy)]
struct Goods {
    name: &'static str,
    variants: usize,
    lines: usize,
}

const HOT: Goods = Goods { name: "one hot SKU", variants: 1, lines: 1 };
const SPREAD: Goods = Goods { name: "100 SKUs x 3 lines", variants: 100, lines: 3 };

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let seconds = seconds();
    println!(
        "{:<10} {:<20} {:<8} {:>8} {:>10} {:>9} {:>9} {:>13}",
        "engine", "goods", "shape", "callers", "orders/s", "p50 ms", "p99 ms", "CPU us/order"
    );
    for engine in [EngineKind::Sqlite, EngineKind::Postgres] {
        if engine == EngineKind::Postgres && std::env::var_os(store::testing::SERVER).is_none() {
            println!("postgres: skipped, {} is not set", store::testing::SERVER);
            continue;
        }
        for (goods, shape, callers) in [
            (HOT, Shape::CLASSIC, 1),
            (HOT, Shape::CLASSIC, 32),
            (HOT, Shape::CLASSIC, 256),
            (HOT, Shape::default(), 1),
            (HOT, Shape::default(), 32),
            (HOT, Shape::default(), 256),
            (SPREAD, Shape::default(), 256),
        ] {
            if !wanted(engine, goods, callers) {
                continue;
            }
            let mut runs: Vec<Run> = (0..3)
                .map(|_| runtime.block_on(run(engine, goods, shape, callers, seconds)))
                .collect();
            runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
            let run = &runs[1];
            println!(
                "{:<10} {:<20} {:<8} {:>8} {:>10.0} {:>9.2} {:>9.2} {:>13.1}",
                format!("{engine:?}").to_lowercase(),
                goods.name,
                if shape.batch_max == 1 { "classic" } else { "lane" },
                callers,
                run.rate,
                run.p50,
                run.p99,
                run.cpu,
            );
        }
    }
}

/// `ORDERS_ONLY="sqlite hot 256"` keeps the rows that have all the words.
fn wanted(engine: EngineKind, goods: Goods, callers: usize) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a bench is told what to run")]
    let only = std::env::var("ORDERS_ONLY").unwrap_or_default();
    let row = format!("{engine:?} {} {callers}", goods.name).to_lowercase();
    only.split_whitespace().all(|word| row.contains(word))
}

fn seconds() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a bench is told how long to run")]
    let told = std::env::var("ORDERS_SECONDS").ok();
    Duration::from_secs(told.and_then(|text| text.parse().ok()).unwrap_or(2))
}

struct Run {
    rate: f64,
    p50: f64,
    p99: f64,
    /// Of this process, not of the database server.
    cpu: f64,
}

/// Microseconds of processor time this process has used (`/proc/self/stat`, ticks of 10 ms).
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
}

async fn run(
    engine: EngineKind,
    goods: Goods,
    shape: Shape,
    callers: usize,
    time: Duration,
) -> Run {
    let test = TestDb::new(engine, SCHEMAS);
    let env = Env::system();
    let settings =
        Settings { payment: kernel::SignedDuration::from_hours(1), ..Settings::default() };
    let shop = Shop::open_with(test.db.clone(), env, settings, shape).await.unwrap();
    let customer: AccountId = shop.env.id();
    let stock = prepare(&shop, goods).await;
    // Warm: plans made, pages read.
    for turn in 0..20 {
        buy(&shop, customer, &stock, goods.lines, turn).await;
    }
    let (stop, placed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut buyers = Vec::new();
    let (begun, cpu) = (Instant::now(), cpu_micros());
    for caller in 0..callers {
        let (shop, stock) = (shop.clone(), stock.clone());
        let (stop, placed) = (stop.clone(), placed.clone());
        buyers.push(tokio::spawn(async move {
            let mut times = Histogram::<u64>::new(3).unwrap();
            let mut turn = caller;
            while !stop.load(Ordering::Relaxed) {
                let took = buy(&shop, customer, &stock, goods.lines, turn).await;
                times.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)).unwrap();
                placed.fetch_add(1, Ordering::Relaxed);
                turn += callers;
            }
            times
        }));
    }
    // The buyers buy until the time is over.
    let _over = tokio::time::timeout(time, std::future::pending::<()>()).await;
    stop.store(true, Ordering::Relaxed);
    let count = placed.load(Ordering::Relaxed);
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let cpu = (cpu_micros() - cpu) / count as f64;
    let mut all = Histogram::<u64>::new(3).unwrap();
    for buyer in buyers {
        all.add(buyer.await.unwrap()).unwrap();
    }
    let ms = |quantile: f64| all.value_at_quantile(quantile) as f64 / 1000.0;
    Run { rate, p50: ms(0.5), p99: ms(0.99), cpu }
}

/// Places one order; gives how long the place took. The quote is signed here without being read
/// from the database, because the table is about placing.
async fn buy(
    shop: &Shop,
    customer: AccountId,
    goods: &[QuoteLine],
    lines: usize,
    turn: usize,
) -> Duration {
    let lines: Vec<QuoteLine> =
        (0..lines).map(|line| goods[(turn * 7 + line * 31) % goods.len()].clone()).collect();
    let priced = lines.iter().map(|line| LineTotal {
        unit_price: Money::new(line.unit_price, Currency::EUR),
        quantity: line.quantity,
    });
    let quote = Quote {
        id: shop.env.id(),
        customer_id: customer,
        cart: None,
        totals: add_up(Currency::EUR, priced, 0, 490, 0).unwrap(),
        lines,
        address: Some(address(customer)),
        expires_at: Timestamp::MAX,
    };
    let token = shop.sign(&quote).unwrap();
    let begun = Instant::now();
    shop.place(customer, &token, CASH_ON_DELIVERY).await.unwrap();
    begun.elapsed()
}

fn address(account_id: AccountId) -> Address {
    Address {
        id: AddressId(account_id.0),
        account_id,
        name: "Ada Buyer".into(),
        line1: "1 Long Lane".into(),
        line2: None,
        city: "Bern".into(),
        postcode: "3011".into(),
        country: "CH".into(),
        phone: None,
        is_default: true,
    }
}

/// Goods with more units than any run can sell.
async fn prepare(shop: &Shop, goods: Goods) -> Vec<QuoteLine> {
    let env = shop.env.clone();
    let variants = (0..goods.variants)
        .map(|n| NewVariant {
            title: Some(format!("Bench thing {n}")),
            ..NewVariant::new(format!("B-{n}"), Money::new(1299, Currency::EUR))
        })
        .collect();
    let product = NewProduct {
        slug: "bench".into(),
        title: "Bench thing".into(),
        description: String::new(),
        category: None,
        status: Status::Active,
        variants,
        images: Vec::new(),
    };
    let made = shop.db.write(move |tx| {
        let page = catalog::create_product(tx, &env, &product)?;
        for variant in &page.variants {
            let ids = (variant.id, page.product.id);
            inventory::receive(tx, &env, ids, 1_000_000_000, None)?;
        }
        Ok::<_, Error<catalog::CatalogRefusal>>(page)
    });
    let page = made.await.unwrap();
    let line = |variant: &catalog::Variant| QuoteLine {
        variant_id: variant.id,
        product_id: page.product.id,
        sku: variant.sku.clone(),
        title: variant.title.clone(),
        unit_price: variant.price.minor,
        quantity: 1,
        line_total: variant.price.minor,
    };
    page.variants.iter().map(line).collect()
}
