//! Notices of a gateway at a rate, while the gateway itself answers nothing: how long a notice
//! waits for its answer. What it is about is looked into behind the answer, and has to wait.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::HeaderValue;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::api::{self, Order, Quote, QuoteFor};
use crate::cli::{Notices, Payment};
use crate::client::Connection;
use crate::clock::unix_seconds;
use crate::drive::{Plan, Visit, Worker, drive};
use crate::pace::{Arrivals, Limit, Pace, Turn};
use crate::report::Report;
use crate::scene::{self, Buyer, Draw, PLENTY};
use crate::shop::Shop;
use crate::stats::Op;
use crate::witness::World;

/// Payments the notices are about.
const PAYMENTS: usize = 200;

/// Runs it and reports.
pub async fn run(arguments: Notices) -> anyhow::Result<Report> {
    let draw = Draw::new(arguments.common.seed);
    let world = World::open(&draw.name()).await?;
    let mut common = arguments.common.clone();
    common.settings.extend(world.settings());
    let mut shop = Shop::open(&common, &draw.name()).await?;
    let report = in_shop(&arguments, &shop, draw, world).await?;
    shop.stop().await?;
    Ok(report)
}

async fn in_shop(
    arguments: &Notices,
    shop: &Shop,
    draw: Draw,
    world: World,
) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let products = scene::products(shop, draw, vec![PLENTY]).await?;
    let buyers = scene::buyers(shop.address, draw, common.connections as usize).await?;
    let mut begun = Vec::new();
    for number in 0..PAYMENTS {
        let buyer = &buyers[number % buyers.len()];
        begun.push(begin(shop, buyer, products[0].variants[0].id, number).await?);
    }
    // From now on every question hangs longer than the shop waits for an answer.
    world.hang().await?;
    let duration = Duration::from_secs_f64(arguments.duration);
    let plan = Plan {
        label: "notices".to_owned(),
        address: shop.address,
        connections: common.connections,
        pace: Pace::Open {
            per_second: arguments.rate,
            arrivals: Arrivals::Poisson,
            limit: Limit { turns: None, duration: Some(duration) },
        },
        warmup: Duration::from_secs(1),
        seed: draw.seed,
        server: shop.pid(),
    };
    let messenger = Messenger { begun, secret: world.secret().to_owned(), tag: draw.name() };
    let stretch = drive(&plan, Arc::new(messenger)).await?;
    let mut report = Report::of("notices", &plan, shop, draw);
    report.note(format!("about {PAYMENTS} payments of a gateway that answers nothing"));
    report.add(stretch);
    report.finish(shop).await?;
    Ok(report)
}

/// A payment that was begun: the gateway's name for it, and the shop's.
struct Begun {
    payment: String,
    attempt: Uuid,
}

async fn begin(shop: &Shop, buyer: &Buyer, variant_id: Uuid, key: usize) -> anyhow::Result<Begun> {
    #[derive(Deserialize)]
    struct Answer {
        id: Uuid,
        redirect_url: Option<String>,
    }
    let mut connection = Connection::to(shop.address);
    let of = QuoteFor::BuyNow { variant_id, quantity: 1, address_id: buyer.address };
    let call = api::quote(&buyer.token, of);
    let quote: Quote = api::expect(&mut connection, "a quote", call, StatusCode::OK).await?;
    let call = api::place(&buyer.token, &quote.token, Payment::Sandbox);
    let order: Order = api::expect(&mut connection, "an order", call, StatusCode::CREATED).await?;
    let path = format!("{}/payments", api::order_path(order.id));
    let call = api::with_key(api::post(&path, &buyer.token, &json!({})), key as u128);
    let answer: Answer =
        api::expect(&mut connection, "a payment", call, StatusCode::CREATED).await?;
    let page = answer.redirect_url.context("a payment without a page")?;
    let payment = page.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Begun { payment, attempt: answer.id })
}

struct Messenger {
    begun: Vec<Begun>,
    secret: String,
    tag: String,
}

impl Visit for Messenger {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        let place = usize::try_from(turn.number).unwrap_or_default() % self.begun.len();
        let about = &self.begun[place];
        let body = json!({
            "id": format!("evt_{}_{}_{}", self.tag, turn.measured, turn.number),
            "type": "payment.succeeded",
            "payment_id": about.payment, "reference": about.attempt,
            "created_at": "2027-01-15T08:00:00Z",
        });
        let body = body.to_string();
        let signature = sandbox::sign(&self.secret, unix_seconds(), &body);
        let mut call = api::call(Method::POST, "/hooks/sandbox", None, Bytes::from(body));
        if let Ok(value) = HeaderValue::from_str(&signature) {
            call.headers_mut().insert("sandbox-signature", value);
        }
        worker.ask(Op::Notice, &turn, turn.intended, &[StatusCode::OK], call).await;
    }
}
