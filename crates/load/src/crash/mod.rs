//! The crash-point run: the shop's process is ended at a named place of its code, under load, and
//! started again. What was acknowledged must be there, the books must add up, and in the end
//! money and goods must belong together.

mod points;

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use nix::sys::signal::Signal;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::busy::Busy;
use crate::cli::{Common, Crash};
use crate::drive::{Plan, drive_until, style};
use crate::kill::after_restart;
use crate::ledger::Ledger;
use crate::report::{Kills, Report};
use crate::scene::Draw;
use crate::shop::Shop;
use crate::witness::World;
use crate::{check, postgres};

use points::{Point, Turns, When};

pub use points::{Share, binary as crash_binary, of as points_of};

/// Orders of earlier rounds that are asked for after each restart.
const OLDER_MAX: usize = 50;
/// A point that is not come by within this has its turn another time.
const PATIENCE: Duration = Duration::from_millis(2500);
/// A shop that is to be struck while it stops is asked to after so long.
const BEFORE_STOP: Duration = Duration::from_millis(150);

/// How a round ended.
enum Ended {
    /// At the point.
    There,
    /// It was never come by, and the shop was killed from outside.
    Killed,
}

/// Runs it and reports.
pub async fn run(arguments: Crash) -> anyhow::Result<Report> {
    let draw = Draw::new(arguments.common.seed);
    let mut rng = ChaCha8Rng::seed_from_u64(draw.seed);
    let binary = points::binary(arguments.common.binary.as_deref())?;
    let all = points::of(&binary).await?;
    let chosen = points::choose(all, arguments.common.engine, &arguments.points)?;
    let world = World::open(&draw.name()).await?;
    let common = settings(&arguments.common, &world, &binary)?;
    let shop = Shop::open(&common, &draw.name()).await?;
    let busy = Arc::new(Busy::prepare(&shop, &world, &common, (draw, arguments.products)).await?);
    let plan = Plan::endless(shop.address, common.connections, draw.seed);
    let report = Report::of("crash", &plan, &shop, draw);
    let kills = Kills { rounds: arguments.kills, ..Kills::default() };
    let mut run = Run { shop, busy, plan, report, kills };
    let mut turns = Turns::new(chosen, &mut rng);
    run.strike_all(&mut turns, &mut rng).await;
    run.close(&world, turns.shares()).await
}

/// The settings of a shop that is to be ended again and again: it comes back at the same address,
/// its payment world lives on, and time runs out soon.
pub fn settings(
    common: &Common,
    world: &World,
    binary: &std::path::Path,
) -> anyhow::Result<Common> {
    anyhow::ensure!(common.target.is_none(), "only a shop of our own is ended; leave --target out");
    let mut ours = vec![
        format!("server.listen=127.0.0.1:{}", postgres::free_port()?),
        "checkout.hold_minutes=1".to_owned(),
        "checkout.payment_minutes=1".to_owned(),
    ];
    ours.extend(world.settings());
    ours.extend(common.settings.iter().cloned());
    Ok(Common { settings: ours, binary: Some(binary.to_owned()), ..common.clone() })
}

struct Run {
    shop: Shop,
    busy: Arc<Busy>,
    plan: Plan,
    report: Report,
    kills: Kills,
}

impl Run {
    async fn strike_all(&mut self, turns: &mut Turns, rng: &mut ChaCha8Rng) {
        let bar = ProgressBar::new(self.kills.rounds.into());
        bar.set_style(style());
        bar.set_prefix("crash points");
        while self.kills.done < self.kills.rounds {
            let Some((share, nth)) = turns.next(rng) else { break };
            self.plan.label.clone_from(&share.point.name);
            self.plan.seed = rng.random();
            match self.strike(&share.point, nth, rng).await {
                Ok(Ended::There) => {
                    self.kills.done += 1;
                    turns.struck(share);
                    bar.inc(1);
                }
                Ok(Ended::Killed) => turns.missed(share),
                Err(error) => {
                    let at = points::arming(&share.point.name, nth);
                    self.report.broken(format!("after {at}: {error:#}"));
                    break;
                }
            }
            bar.set_message(format!(
                "{} acknowledged, {} missing, {} violations",
                self.busy.day.journal.len(),
                self.report.missing.len(),
                self.report.violations.unwrap_or_default()
            ));
        }
        bar.finish_and_clear();
    }

    async fn strike(
        &mut self,
        point: &Point,
        nth: u32,
        rng: &mut ChaCha8Rng,
    ) -> anyhow::Result<Ended> {
        let armed = points::arming(&point.name, nth);
        if point.when == When::Start {
            return self.strike_start(&armed, rng).await;
        }
        let before = self.busy.day.journal.len();
        self.shop.kill().await?;
        let settings: &[&str] = match point.when {
            When::TwoStages => &["sandbox.capture=manual"],
            _ => &[],
        };
        self.shop.restart_armed(&armed, settings).await?;
        let ended = self.under_load(point).await?;
        self.shop.restart().await?;
        self.look(before, rng).await?;
        Ok(ended)
    }

    /// Load until the process has ended, by itself or because it would not.
    async fn under_load(&mut self, point: &Point) -> anyhow::Result<Ended> {
        let ledger = Arc::new(Ledger::default());
        ledger.await_cut();
        let over = tokio::sync::Notify::new();
        let load =
            drive_until(&self.plan, Arc::clone(&self.busy), Arc::clone(&ledger), over.notified());
        let end = async {
            let ended = until_its_end(&mut self.shop, point, &ledger).await;
            over.notify_one();
            ended
        };
        // Both to their end: connections may all have noticed before the process is gone.
        let (stretch, ended) = tokio::join!(load, end);
        self.report.add(stretch?);
        ended
    }

    /// A second shop ends while it starts on a fresh database, and starts there again.
    async fn strike_start(&mut self, armed: &str, rng: &mut ChaCha8Rng) -> anyhow::Result<Ended> {
        let fresh = self.shop.fresh_database(&format!("fresh_{:016x}", rng.random::<u64>()))?;
        let ended = match self.shop.start_fresh_armed(&fresh, armed).await? {
            Some(status) => {
                there(status.signal(), &format!("{status}, {}", self.shop.last_words()))?
            }
            None => Ended::Killed,
        };
        let verified = self.shop.start_fresh(&fresh).await?;
        self.report.add_verified(verified);
        Ok(ended)
    }

    /// What was promised must be there after a restart.
    async fn look(&mut self, before: usize, rng: &mut ChaCha8Rng) -> anyhow::Result<()> {
        let restart = self.shop.start_time().unwrap_or_default().as_secs_f64() * 1e3;
        self.kills.slowest_restart_ms = self.kills.slowest_restart_ms.max(restart);
        let older = (OLDER_MAX, rng.random_range(0..OLDER_MAX));
        let (day, kills) = (&self.busy.day, &mut self.kills);
        after_restart(day, &self.shop, before, older, kills, &mut self.report).await?;
        if let Some(wrong) = self.busy.counted.check(&self.shop).await? {
            self.report.wrong(wrong);
        }
        Ok(())
    }

    /// All orders once more, all the money, and the shop's own books.
    async fn close(mut self, world: &World, shares: Vec<Share>) -> anyhow::Result<Report> {
        self.kills.acknowledged = self.busy.day.journal.len() as u64;
        self.report.set_kills(self.kills);
        // Where orders were lost, money without an order is no news.
        if self.report.failures().is_empty() {
            close_the_day(&self.busy, &self.shop, world, &mut self.report).await?;
            self.report.finish(&self.shop).await?;
            self.shop.stop().await?;
        }
        self.report.set_points(shares);
        Ok(self.report)
    }
}

/// Every order once more, and whether money and goods belong together.
pub async fn close_the_day(
    busy: &Busy,
    shop: &Shop,
    world: &World,
    report: &mut Report,
) -> anyhow::Result<()> {
    let day = &busy.day;
    let all = day.journal.since(0);
    let missing = check::missing("checking all orders", shop.address, &day.buyers, all).await?;
    report.missing.extend(missing);
    let settled = world.settled(shop, day).await?;
    let (paid, back, wrong) = (settled.paid, settled.given_back, settled.wrong.len());
    report.note(format!(
        "{paid} payments brought money, {back} of them were given back, {wrong} do not fit"
    ));
    for wrong in settled.wrong {
        report.wrong(wrong);
    }
    Ok(())
}

async fn until_its_end(shop: &mut Shop, point: &Point, ledger: &Ledger) -> anyhow::Result<Ended> {
    if point.when == When::Stop {
        tokio::time::sleep(BEFORE_STOP).await;
        shop.ask_to_stop()?;
    }
    if let Ok(status) = tokio::time::timeout(PATIENCE, shop.ended()).await {
        let status = status?;
        ledger.expect_cut();
        return there(status.signal(), &format!("{status}, {}", shop.last_words()));
    }
    anyhow::ensure!(
        !ledger.is_cutting(),
        "a connection broke and the shop lives; {}",
        shop.last_words()
    );
    ledger.expect_cut();
    shop.kill().await?;
    Ok(Ended::Killed)
}

/// A process that aborts was struck; any other end is its own.
fn there(signal: Option<i32>, how: &str) -> anyhow::Result<Ended> {
    anyhow::ensure!(signal == Some(Signal::SIGABRT as i32), "the shop ended by itself: {how}");
    Ok(Ended::There)
}
