//! One variant that nobody buys: staff count it up and down, and this side keeps the sum. An
//! adjustment that was made twice, or not at all, shows in the units left.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use hyper::StatusCode;
use rand::RngExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{self, Token};
use crate::client::{Call, Connection};
use crate::clock::now;
use crate::drive::Worker;
use crate::ledger::Verdict;
use crate::mixed::Day;
use crate::pace::Turn;
use crate::scene::{self, Draw};
use crate::shop::Shop;
use crate::stats::Op;

const UNITS: i64 = 1_000_000;

/// The variant, and what it must come to.
pub struct Counted {
    variant: Uuid,
    slug: String,
    admin: Token,
    sums: Mutex<Sums>,
}

#[derive(Default)]
struct Sums {
    acknowledged: i64,
    /// Sent, and nothing came back.
    in_doubt: Vec<(u128, i64)>,
}

impl Counted {
    /// Makes it.
    pub async fn prepare(shop: &Shop, draw: Draw) -> anyhow::Result<Self> {
        // A tag of its own: the products of the day have the other.
        let draw = Draw { tag: !draw.tag, ..draw };
        let mut made = scene::products(shop, draw, vec![UNITS.unsigned_abs()]).await?;
        let product = made.remove(0);
        let (variant, slug) = (product.variants[0].id, product.slug);
        Ok(Self { variant, slug, admin: shop.admin.clone(), sums: Mutex::default() })
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, key: u128, delta: i64) -> Call {
        let body = json!({ "variant_id": self.variant, "delta": delta, "reason": "counted" });
        api::with_key(api::post("/api/v1/admin/stock-adjustments", &self.admin, &body), key)
    }

    /// Staff count a few more, or fewer.
    pub async fn adjust(&self, worker: &mut Worker, turn: &Turn, day: &Day) {
        let delta = if worker.rng.random_bool(0.5) { 5 } else { -2 };
        let key = day.key(worker);
        // Entered before it is sent: the end may come between the two.
        self.sums().in_doubt.push((key, delta));
        let call = self.call(key, delta);
        let verdict = worker.ask(Op::Staff, turn, now(), &[StatusCode::OK], call).await;
        if let Verdict::Served(_) = verdict {
            let mut sums = self.sums();
            sums.in_doubt.retain(|(doubt, _)| *doubt != key);
            sums.acknowledged += delta;
        }
    }

    /// Sends what is in doubt again, and compares the units left; the answer says what is wrong.
    pub async fn check(&self, shop: &Shop) -> anyhow::Result<Option<String>> {
        let in_doubt = std::mem::take(&mut self.sums().in_doubt);
        let mut connection = Connection::to(shop.address);
        for (key, delta) in in_doubt {
            let call = self.call(key, delta);
            let what = "adjusting stock again";
            let _: Value = api::expect(&mut connection, what, call, StatusCode::OK).await?;
            self.sums().acknowledged += delta;
        }
        let product = scene::product(shop.address, &self.slug).await?;
        ensure!(product.variants.len() == 1, "a product came back with other variants");
        let (left, wanted) = (product.variants[0].available, UNITS + self.sums().acknowledged);
        let wrong = || format!("{left} units are left where staff counted {wanted}");
        Ok((left != wanted).then(wrong))
    }
}
