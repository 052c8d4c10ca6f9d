//! What a run came to, and whether that is good.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::crash::Share;
use crate::drive::{Plan, Stretch};
use crate::ledger::Book;
use crate::scene::Draw;
use crate::shop::Shop;
use crate::stats::{Figures, Op};
use crate::usage::Used;
use crate::verify::Verified;

/// Above this share of a core the generator itself may be what was measured.
pub const GENERATOR_SHARE_MAX: f64 = 0.7;
/// Missing orders and violated invariants that are printed in full.
const SHOWN_MAX: usize = 10;

/// Everything a run came to.
#[derive(Debug, Default)]
pub struct Report {
    pub scenario: &'static str,
    pub engine: &'static str,
    pub pace: &'static str,
    pub offered_per_s: Option<f64>,
    pub connections: u32,
    pub seed: u64,
    pub warmup: Duration,
    pub book: Book,
    pub elapsed: Duration,
    pub unsent: u64,
    pub generator: Used,
    pub server: Option<Used>,
    pub rss_peak_bytes: Option<u64>,
    pub start: Option<Duration>,
    pub disk: Option<String>,
    pub checked: Option<u64>,
    pub violations: Option<u64>,
    pub violation_details: Vec<String>,
    pub expected: Option<(u64, Option<u64>)>,
    pub left: Option<i64>,
    /// Acknowledged orders that are not there, or not as they were.
    pub missing: BTreeMap<Uuid, String>,
    pub kills: Option<Kills>,
    /// Why the run ended before its time.
    pub broken: Option<String>,
    /// Crash points, with how often each was struck.
    pub points: Vec<Share>,
    /// Requests a second of each kind of page.
    pub pages: Vec<PageRate>,
    pub notes: Vec<String>,
}

/// How fast one kind of page was served.
#[derive(Debug)]
pub struct PageRate {
    pub page: &'static str,
    pub per_s: f64,
    /// CPU of the shop for one: what stays the same when the machine is busy with other things.
    pub server_us: Option<f64>,
}

/// What a crash run counts.
#[derive(Clone, Debug, Default)]
pub struct Kills {
    pub rounds: u32,
    /// Kills so far.
    pub done: u32,
    pub acknowledged: u64,
    /// Orders without an answer when the shop was killed.
    pub in_doubt: u64,
    /// Of those, orders the shop knew or took when they were sent again.
    pub resolved: u64,
    pub slowest_restart_ms: f64,
}

impl Report {
    /// An empty report of a run.
    pub fn of(scenario: &'static str, plan: &Plan, shop: &Shop, draw: Draw) -> Self {
        Self {
            scenario,
            engine: shop.engine,
            pace: plan.pace.name(),
            offered_per_s: plan.pace.offered_per_second(),
            connections: plan.connections,
            seed: draw.seed,
            warmup: plan.warmup,
            start: shop.start_time(),
            disk: shop.disk().map(str::to_owned),
            ..Self::default()
        }
    }

    /// One more line of what the run was.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds what a stretch of load came to.
    pub fn add(&mut self, stretch: Stretch) {
        self.book.absorb(stretch.book);
        self.elapsed += stretch.elapsed;
        self.generator = self.generator.plus(stretch.generator);
        if let Some(used) = stretch.server {
            self.server = Some(self.server.unwrap_or_default().plus(used));
        }
        self.unsent += stretch.unsent;
    }

    /// How many orders there have to be, and of how many units.
    pub fn expect_placed(&mut self, orders: u64, units: Option<u64>) {
        self.expected = Some((orders, units));
    }

    /// What the product page says is left.
    pub fn set_left(&mut self, left: i64) {
        self.left = Some(left);
    }

    /// Adds the figures of a crash run.
    pub fn set_kills(&mut self, kills: Kills) {
        self.kills = Some(kills);
    }

    /// Has the shop's books verified, on top of what was found before.
    pub async fn verify(&mut self, shop: &Shop) -> anyhow::Result<()> {
        if let Some(verified) = shop.verify().await? {
            self.add_verified(verified);
        }
        Ok(())
    }

    /// Adds what `verify` found, on top of what was found before.
    pub fn add_verified(&mut self, verified: Verified) {
        self.checked = Some(verified.checked);
        self.violations = Some(self.violations.unwrap_or_default() + verified.violations);
        self.violation_details.extend(verified.details);
    }

    /// Adds something that is wrong and that no single answer showed.
    pub fn wrong(&mut self, what: String) {
        self.book.error(|| what);
    }

    /// The shop could not be looked at any further: the run ends here.
    pub fn broken(&mut self, why: String) {
        self.broken = Some(why);
    }

    /// Adds how often each crash point was struck.
    pub fn set_points(&mut self, points: Vec<Share>) {
        self.points = points;
    }

    /// Crash points that were tried again and again and never come by.
    pub fn never_come_by(&self) -> Vec<&str> {
        let given_up = self.points.iter().filter(|share| share.is_given_up());
        given_up.map(|share| share.point.name.as_str()).collect()
    }

    /// The last looks at the shop while it still runs.
    pub async fn finish(&mut self, shop: &Shop) -> anyhow::Result<()> {
        self.rss_peak_bytes = shop.resident_peak_bytes();
        self.verify(shop).await
    }

    /// Why the run is not good; empty when it is.
    pub fn failures(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.broken.iter().cloned().collect();
        if self.book.errors > 0 {
            reasons.push(format!("{} errors", self.book.errors));
        }
        if let Some(violations) = self.violations.filter(|violations| *violations > 0) {
            reasons.push(format!("{violations} violations"));
        }
        if !self.missing.is_empty() {
            reasons.push(format!("{} acknowledged orders are missing", self.missing.len()));
        }
        let never = self.never_come_by();
        if !never.is_empty() {
            reasons.push(format!("crash points never come by: {}", never.join(", ")));
        }
        if let Some((orders, units)) = self.expected {
            let placed = self.book.placed;
            if placed != orders {
                reasons.push(format!("{placed} orders were placed instead of {orders}"));
            }
            let left = units.and_then(|units| i64::try_from(units.saturating_sub(placed)).ok());
            if left.is_some() && self.left != left {
                let (shown, left) = (self.left.unwrap_or_default(), left.unwrap_or_default());
                reasons.push(format!("the shop shows {shown} units left instead of {left}"));
            }
        }
        reasons
    }

    /// What went wrong, in full, the first few of each kind.
    pub fn samples(&self) -> impl Iterator<Item = &str> {
        let errors = self.book.samples.iter();
        let missing = self.missing.values().take(SHOWN_MAX);
        let violations = self.violation_details.iter().take(SHOWN_MAX);
        errors.chain(missing).chain(violations).map(String::as_str)
    }

    pub fn per_second(&self, count: u64) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { decimal(count) / seconds } else { 0.0 }
    }

    pub fn generator_us_per_request(&self) -> f64 {
        let requests = decimal(self.book.requests.max(1));
        self.generator.cpu_s * 1e6 / requests
    }

    pub fn server_us_per_request(&self) -> Option<f64> {
        let used = self.server?;
        Some(used.cpu_s * 1e6 / decimal(self.book.requests.max(1)))
    }

    pub fn figures(&self) -> Vec<(Op, Figures)> {
        let figures = |op| Some((op, self.book.latencies.figures(op)?));
        Op::ALL.into_iter().filter_map(figures).collect()
    }

    /// The kind whose percentiles stand in front: the order where there are orders.
    pub fn headline(&self) -> Option<(Op, Figures)> {
        let figures = self.figures();
        let of = |wanted| figures.iter().find(|(op, _)| *op == wanted).copied();
        of(Op::Place).or_else(|| of(Op::List)).or_else(|| figures.first().copied())
    }

    pub fn baseline_per_s(&self) -> Option<f64> {
        let baseline = self.pages.iter().find(|rate| rate.page == Op::Baseline.name())?;
        (baseline.per_s > 0.0).then_some(baseline.per_s)
    }
}

/// A count for dividing; counts stay far below 2^52, where this would begin to round.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn decimal(count: u64) -> f64 {
    count as f64
}
