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
use store::EngineKind;
use store::testing::TestDb;

/// As in the shop's binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders that wait for their money.
const ORDERS: usize = 20_000;
/// Things they are of.
const GOODS: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:<10} {:>8} {:>14}", "engine", "callers", "settlements/s");
    for engine in [EngineKind::Sqlite, EngineKind::Postgres] {
        if engine == EngineKind::Postgres && std::env::var_os(store::testing::SERVER).is_none() {
            println!("postgres: skipped, {} is not set", store::testing::SERVER);
            continue;
        }
        for callers in [32, 256] {
            let rate = runtime.block_on(run(engine, callers));
            println!("{:<10} {callers:>8} {rate:>14.0}", format!("{engine:?}").to_lowercase());
        }
    }
}

async fn run(engine: EngineKind, callers: usize) -> f64 {
    let test = TestDb::new(engine, SCHEMAS);
    let town = Town::open(&test.db, 1).await;
    let ada = town.customer().await;
    let goods = Arc::new(town.product(1000, &vec![1_000_000; GOODS]).await);
    let share = move |caller: usize| (caller..ORDERS).step_by(callers);
    let mut placing = Vec::new();
    for caller in 0..callers {
        let (town, goods) = (town.clone(), goods.clone());
        placing.push(tokio::spawn(async move {
            let mut waiting: Vec<Paying> = Vec::new();
            for turn in share(caller) {
                let order = town.buy(ada, goods[turn % GOODS], 1, "sandbox").await.unwrap().id;
                waiting.push(town.intend(ada, order).await.unwrap());
            }
            waiting
        }));
    }
    let mut waiting = Vec::new();
    for placed in placing {
        waiting.push(placed.await.unwrap());
    }
    let begun = Instant::now();
    let mut settling = Vec::new();
    for waiting in waiting {
        let town = town.clone();
        settling.push(tokio::spawn(async move {
            for paying in &waiting {
                town.captured(paying).await.unwrap();
            }
        }));
    }
    for settled in settling {
        settled.await.unwrap();
    }
    ORDERS as f64 / begun.elapsed().as_secs_f64()
}
