//! More visitors than the shop can serve: how many it serves all the same, how it refuses the
//! others, and how soon it is itself again.

mod chart;
mod crowd;
mod outcome;
mod quota;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;

use crate::cli::{Common, Overload};
use crate::clock::now;
use crate::drive::style;
use crate::overload::crowd::Crowd;
use crate::overload::outcome::{Outcome, Step};
use crate::overload::quota::Quota;
use crate::scene::{self, Draw, PLENTY};
use crate::shop::Shop;
use crate::usage::{self, Sample};
use crate::witness::World;

/// Visitors at once while the capacity is measured: enough that nothing idles, and no queue.
const CLOSED_VISITORS: u32 = 16;
/// What is offered after the storm, in parts of the capacity.
const AFTERWARDS: f64 = 0.8;
/// Seconds after the storm that are looked at.
const AFTERWARDS_S: u64 = 8;
const PRODUCTS: usize = 100;
/// The beginning of a step, in which the shop finds out how much it is: not in the figures, but for
/// the longest that anybody waited for a refusal in it.
const SETTLE: Duration = Duration::from_secs(2);
/// How often figures of the running shop are taken.
const TICK: Duration = Duration::from_millis(100);

/// Runs it, prints it, draws it; true when it is good.
pub async fn run(arguments: Overload) -> anyhow::Result<bool> {
    let outcome = measure(&arguments).await?;
    if let Some(path) = &arguments.svg {
        std::fs::write(path, chart::draw(&outcome))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if arguments.common.json {
        println!("{}", outcome.json());
    } else {
        print!("{}", outcome.table());
    }
    for sample in &outcome.samples {
        eprintln!("wrong: {sample}");
    }
    let failures = outcome.failures();
    for reason in &failures {
        eprintln!("FAILED: {reason}");
    }
    Ok(failures.is_empty())
}

async fn measure(arguments: &Overload) -> anyhow::Result<Outcome> {
    let draw = Draw::new(arguments.common.seed);
    let quota = Quota::new(arguments.cpu, &draw.name())?;
    let world = World::open(&draw.name()).await?;
    let mut common = arguments.common.clone();
    common.settings.extend(world.settings());
    let mut shop = Shop::open(&common, &draw.name()).await?;
    let storm = Storm::prepare(arguments, &common, &shop, draw).await?;
    quota.hold(shop.pid().context("only a shop of our own can be held in a quota")?)?;
    let mut outcome = storm.blow(&shop, &quota).await?;
    outcome.deliveries = world.deliveries().await?;
    outcome.rss_peak = shop.resident_peak_bytes();
    outcome.violations = shop.verify().await?.map(|verified| {
        outcome.samples.extend(verified.details);
        (verified.violations, verified.checked)
    });
    shop.stop().await?;
    Ok(outcome)
}

struct Storm<'a> {
    arguments: &'a Overload,
    crowd: Arc<Crowd>,
    pid: Option<u32>,
    seed: u64,
}

impl<'a> Storm<'a> {
    async fn prepare(
        arguments: &'a Overload,
        common: &Common,
        shop: &Shop,
        draw: Draw,
    ) -> anyhow::Result<Self> {
        let products = scene::products(shop, draw, vec![PLENTY; PRODUCTS]).await?;
        let buyers = scene::buyers(shop.address, draw, common.accounts as usize).await?;
        let crowd = Crowd::new(shop.address, buyers, &products, draw, arguments.retry);
        Ok(Self { arguments, crowd: Arc::new(crowd), pid: shop.pid(), seed: draw.seed })
    }

    async fn blow(&self, shop: &Shop, quota: &Quota) -> anyhow::Result<Outcome> {
        let seconds = Duration::from_secs_f64(self.arguments.seconds);
        let canary = tokio::spawn(Arc::clone(&self.crowd).knock());
        let warm = Duration::from_secs(2);
        self.watched("warming up", warm, self.crowd.closed(CLOSED_VISITORS, warm)).await;
        self.crowd.take_tally();
        self.watched("capacity", seconds, self.crowd.closed(CLOSED_VISITORS, seconds)).await;
        let closed = self.crowd.take_tally();
        let capacity = closed.per_second(seconds);
        anyhow::ensure!(capacity > 0.0, "nobody was served: {:?}", self.crowd.samples());
        let mut steps = Vec::new();
        for times in &self.arguments.steps {
            let label = format!("{times} x capacity");
            steps.push(self.step(&label, (*times, capacity), (SETTLE, seconds)).await?);
            self.crowd.wait_until_gone().await;
        }
        // Once more the worst of it, and no pause after it.
        let last = self.arguments.steps.iter().copied().fold(0.0, f64::max);
        self.step("the storm again", (last, capacity), (SETTLE, seconds)).await?;
        let after = (Duration::ZERO, Duration::from_secs(AFTERWARDS_S));
        let calm = self.step("after the storm", (AFTERWARDS, capacity), after).await?;
        canary.abort();
        Ok(Outcome {
            engine: shop.engine,
            cpu: self.arguments.cpu,
            quota: quota.to_string(),
            retry: self.arguments.retry,
            seed: self.seed,
            capacity,
            steps,
            calm,
            knocks: self.crowd.knocks(),
            deliveries: (0, 0),
            rss_peak: None,
            violations: None,
            disk: shop.disk().map(str::to_owned),
            samples: self.crowd.samples(),
        })
    }

    /// Offers so many visitors for so long, and counts what becomes of them once it has settled.
    async fn step(
        &self,
        label: &str,
        (times, capacity): (f64, f64),
        (settle, lasts): (Duration, Duration),
    ) -> anyhow::Result<Step> {
        let offered = times * capacity;
        let sample = || (Sample::of_self(), self.pid.and_then(Sample::of));
        let seed = self.seed ^ times.to_bits();
        let open = tokio::spawn(Arc::clone(&self.crowd).open(offered, settle + lasts, seed));
        self.watched(label, settle, tokio::time::sleep(settle)).await;
        let onset = self.crowd.take_tally();
        let (begun, used) = (now(), sample());
        let rss = self.watched(label, lasts, tokio::time::sleep(lasts)).await;
        let (tally, ended) = (self.crowd.take_tally(), sample());
        open.await.context("the visitors")?;
        let share = |from: Option<Sample>, to: Option<Sample>| Some(to?.since(from?).share());
        Ok(Step {
            times,
            offered,
            begun,
            lasts,
            tally,
            onset_refusal_ms: outcome::millis(&onset.refusals, 1.0),
            rss,
            shop_cpu: share(used.1, ended.1),
            generator_cpu: share(used.0, ended.0),
        })
    }

    /// Does it behind a progress bar; gives the most memory the shop had meanwhile.
    async fn watched(&self, label: &str, lasts: Duration, work: impl Future<Output = ()>) -> u64 {
        let bar = ProgressBar::new(lasts.as_millis().try_into().unwrap_or(u64::MAX));
        bar.set_style(style());
        bar.set_prefix(label.to_owned());
        let (begun, mut most) = (now(), 0);
        let mut tick = tokio::time::interval(TICK);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => break,
                _ = tick.tick() => {
                    let rss = self.pid.and_then(usage::resident_bytes).unwrap_or(0);
                    most = most.max(rss);
                    bar.set_position(begun.elapsed().as_millis().try_into().unwrap_or(0));
                    bar.set_message(self.crowd.progress());
                }
            }
        }
        bar.finish_and_clear();
        most
    }
}
