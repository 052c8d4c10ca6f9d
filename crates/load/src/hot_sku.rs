//! One variant with M units, N buyers: exactly M orders, everybody else is told clearly.

use std::sync::Arc;

use crate::api::QuoteFor;
use crate::cli::{HotSku, Payment};
use crate::drive::{Plan, Visit, Worker, drive};
use crate::pace::Turn;
use crate::purchase::buy;
use crate::report::Report;
use crate::scene::{self, Buyer, Draw, PLENTY};
use crate::shop::Shop;
use uuid::Uuid;

/// Runs it and reports.
pub async fn run(arguments: HotSku) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let draw = Draw::new(common.seed);
    let mut shop = Shop::open(common, &draw.name()).await?;
    let report = in_shop(&arguments, &shop, draw).await?;
    shop.stop().await?;
    Ok(report)
}

/// Runs it in a shop that is open.
pub async fn in_shop(arguments: &HotSku, shop: &Shop, draw: Draw) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let (hot, buyers_count) = (arguments.units, arguments.buyers);
    let products = scene::products(shop, draw, vec![hot, PLENTY]).await?;
    let count = scene::accounts(common, Some(buyers_count));
    let buyers = scene::buyers(shop.address, draw, count).await?;
    let plan = Plan {
        label: "buying".to_owned(),
        address: shop.address,
        connections: common.connections,
        pace: arguments.pacing.pace(Some(buyers_count)),
        warmup: arguments.pacing.warmup(Some(buyers_count)),
        seed: draw.seed,
        server: shop.pid(),
    };
    let rush = Rush {
        buyers,
        hot: products[0].variants[0].id,
        warm: products[1].variants[0].id,
        payment: arguments.payment,
    };
    let stretch = drive(&plan, Arc::new(rush)).await?;
    let mut report = Report::of("hot-sku", &plan, shop, draw);
    report.add(stretch);
    report.finish(shop).await?;
    let left = scene::product(shop.address, &products[0].slug).await?.variants[0].available;
    report.set_left(left);
    // A run that time ended may have let fewer buyers in.
    let came = report.book.placed + report.book.refused;
    let expected = if arguments.pacing.duration.is_some() { came } else { buyers_count };
    report.expect_placed(expected.min(hot), Some(hot));
    Ok(report)
}

struct Rush {
    buyers: Vec<Buyer>,
    hot: Uuid,
    /// What is bought in the warm-up, so that the hot one is untouched when it counts.
    warm: Uuid,
    payment: Payment,
}

impl Visit for Rush {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        let index = usize::try_from(turn.number).unwrap_or_default() % self.buyers.len();
        let buyer = &self.buyers[index];
        let variant_id = if turn.measured { self.hot } else { self.warm };
        let of = QuoteFor::BuyNow { variant_id, quantity: 1, address_id: buyer.address };
        buy(worker, &turn, turn.intended, buyer, (of, self.payment)).await;
    }
}
