//! Payments settled in process: news of captured money for orders that wait, handed to the lane by
//! many callers at once, with full durability.
//!
//! `cargo xtask postgres -- cargo bench -p flows --bench settle`. Each settlement turns an order's
//! hold into a sale, takes its step with history and event, notes what the gateway said, and books
//! it; callers wait for the commit.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark measures the real clock, and has nobody to answer to"
)]

use std::sync::Arc;
use std::time::Instant;

use flows::testing::Town;
use flows::{Paying, SCHEMAS};
use kernel::{AccountId, OrderId, SignedDuration};
use payments::{Opened, Saw};
use store::EngineKind;
use store::testing::TestDb;

/// As in the shop's binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders that wait for their money.
const ORDERS: usize = 20_000;
/// Things they are of.
const GOODS: usize = 100;

/// How far the town's clock goes with each order and each settlement, so that ids lie in the order
/// of time as they do in a shop.
const BETWEEN: SignedDuration = SignedDuration::from_micros(100);

/// In which order the news comes.
#[derive(Clone, Copy, Debug)]
enum Come {
    /// As the orders came.
    InTurn,
    /// All mixed: what a settlement changes lies anywhere among all that waits.
    Mixed,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:<10} {:<8} {:>8} {:>14}", "engine", "news", "callers", "settlements/s");
    for engine in [EngineKind::Sqlite, EngineKind::Postgres] {
        if engine == EngineKind::Postgres && std::env::var_os(store::testing::SERVER).is_none() {
            println!("postgres: skipped, {} is not set", store::testing::SERVER);
            continue;
        }
        for (come, callers) in
            [(Come::InTurn, 32), (Come::InTurn, 256), (Come::Mixed, 32), (Come::Mixed, 256)]
        {
            let rate = runtime.block_on(run(engine, come, callers));
            let (engine, come) = (format!("{engine:?}").to_lowercase(), format!("{come:?}"));
            println!("{engine:<10} {come:<8} {callers:>8} {rate:>14.0}");
        }
    }
}

async fn run(engine: EngineKind, come: Come, callers: usize) -> f64 {
    let test = TestDb::new(engine, SCHEMAS);
    let town = Town::open(&test.db, 1).await;
    let ada = town.customer().await;
    let goods = Arc::new(town.product(1000, &vec![1_000_000; GOODS]).await);
    let mut placing = Vec::new();
    for caller in 0..callers {
        let (town, goods) = (town.clone(), goods.clone());
        placing.push(tokio::spawn(async move {
            let mut waiting: Vec<(usize, Paying)> = Vec::new();
            for turn in (caller..ORDERS).step_by(callers) {
                town.wait(BETWEEN);
                let order = town.buy(ada, goods[turn % GOODS], 1, "sandbox").await.unwrap().id;
                waiting.push((turn, opened(&town, ada, order).await));
            }
            waiting
        }));
    }
    let mut waiting = Vec::with_capacity(ORDERS);
    for placed in placing {
        waiting.extend(placed.await.unwrap());
    }
    match come {
        Come::InTurn => waiting.sort_by_key(|(turn, _)| *turn),
        // A prime that does not divide it goes through all of them.
        Come::Mixed => waiting.sort_by_key(|(turn, _)| turn * 7919 % ORDERS),
    }
    let waiting = Arc::new(waiting);
    let begun = Instant::now();
    let mut settling = Vec::new();
    for caller in 0..callers {
        let (town, waiting) = (town.clone(), waiting.clone());
        settling.push(tokio::spawn(async move {
            for (_, paying) in waiting.iter().skip(caller).step_by(callers) {
                town.wait(BETWEEN);
                town.captured(paying).await.unwrap();
            }
        }));
    }
    for settled in settling {
        settled.await.unwrap();
    }
    ORDERS as f64 / begun.elapsed().as_secs_f64()
}

/// A payment whose page the gateway has opened.
async fn opened(town: &Town, who: AccountId, order: OrderId) -> Paying {
    let paying = town.intend(who, order).await.unwrap();
    let page = Opened {
        reference: town.news(&paying, Saw::Captured).reference,
        secondary: None,
        redirect_url: Some("https://pay.example/1".into()),
        payable_until: None,
    };
    let (id, now) = (paying.attempt_id, town.shop.env.now());
    let later = now + SignedDuration::from_mins(1);
    let kept = town.shop.db.write(move |tx| payments::submitted(tx, id, &page, now, later));
    assert!(kept.await.unwrap());
    paying
}
