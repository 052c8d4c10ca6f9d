//! Orders spread over many variants: the shop's uniform capacity.

use std::sync::Arc;

use hyper::StatusCode;
use rand::RngExt as _;
use uuid::Uuid;

use crate::api::{self, QuoteFor};
use crate::cli::{Payment, Spread};
use crate::clock::now;
use crate::drive::{Plan, Visit, Worker, drive};
use crate::ledger::Verdict;
use crate::pace::Turn;
use crate::purchase::{Purchase, buy};
use crate::report::Report;
use crate::scene::{self, Buyer, Draw, PLENTY};
use crate::shop::Shop;
use crate::stats::Op;

/// Runs it and reports.
pub async fn run(arguments: Spread) -> anyhow::Result<Report> {
    let common = &arguments.common;
    anyhow::ensure!(
        arguments.lines <= arguments.variants,
        "{} different lines need as many --variants",
        arguments.lines
    );
    let draw = Draw::new(common.seed);
    let mut shop = Shop::open(common, &draw.name()).await?;
    let report = in_shop(&arguments, &shop, draw).await?;
    shop.stop().await?;
    Ok(report)
}

/// Runs it in a shop that is open.
pub async fn in_shop(arguments: &Spread, shop: &Shop, draw: Draw) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let products = scene::products(shop, draw, vec![PLENTY; arguments.variants as usize]).await?;
    let variants = products.iter().map(|product| product.variants[0].id).collect();
    // Every connection has buyers of its own: a cart belongs to one of them at a time.
    let count = scene::accounts(common, None);
    let buyers = scene::buyers(shop.address, draw, count).await?;
    let plan = Plan {
        label: "buying".to_owned(),
        address: shop.address,
        connections: common.connections,
        pace: arguments.pacing.pace(arguments.orders),
        warmup: arguments.pacing.warmup(arguments.orders),
        seed: draw.seed,
        server: shop.pid(),
    };
    let lines = arguments.lines as usize;
    let shoppers = Shoppers { buyers, variants, lines, payment: arguments.payment };
    let stretch = drive(&plan, Arc::new(shoppers)).await?;
    let mut report = Report::of("spread", &plan, shop, draw);
    report.note(format!("{} variants, {lines} line(s) an order", arguments.variants));
    report.add(stretch);
    report.finish(shop).await?;
    if arguments.pacing.duration.is_none()
        && let Some(orders) = arguments.orders
    {
        report.expect_placed(orders, None);
    }
    Ok(report)
}

struct Shoppers {
    buyers: Vec<Buyer>,
    variants: Vec<Uuid>,
    lines: usize,
    payment: Payment,
}

impl Visit for Shoppers {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        let buyer = &self.buyers[worker.index as usize];
        let first = worker.rng.random_range(0..self.variants.len());
        if self.lines == 1 {
            let variant_id = self.variants[first];
            let of = QuoteFor::BuyNow { variant_id, quantity: 1, address_id: buyer.address };
            buy(worker, &turn, turn.intended, buyer, (of, self.payment)).await;
            return;
        }
        // Neighbours from a random place on: different variants, every order another set.
        for step in 0..self.lines {
            let variant = self.variants[(first + step) % self.variants.len()];
            let since = if step == 0 { turn.intended } else { now() };
            let call = api::add_to_cart(&buyer.token, variant, 1);
            let done = [StatusCode::OK, StatusCode::CREATED];
            match worker.ask(Op::Cart, &turn, since, &done, call).await {
                Verdict::Served(_) => {}
                // A cart that lacks a line is not the order that was meant.
                Verdict::Refused => {
                    worker.ledger.refused(&turn);
                    return start_over(worker, &turn, buyer).await;
                }
                _ => return start_over(worker, &turn, buyer).await,
            }
        }
        let of = QuoteFor::Cart { address_id: buyer.address };
        let purchase = buy(worker, &turn, now(), buyer, (of, self.payment)).await;
        if !matches!(purchase, Purchase::Placed(..)) {
            start_over(worker, &turn, buyer).await;
        }
    }
}

/// An emptied cart, so that the next order is again the one that is meant.
async fn start_over(worker: &mut Worker, turn: &Turn, buyer: &Buyer) {
    let call = api::clear_cart(&buyer.token);
    worker.ask(Op::Cart, turn, now(), &[StatusCode::OK], call).await;
}
