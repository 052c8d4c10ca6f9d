//! The crash run: a mixed day cut off by `kill -9` again and again. What was acknowledged before
//! a kill must be there after it.

use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::check;
use crate::cli::Kill;
use crate::drive::{Plan, drive_until, style};
use crate::ledger::Ledger;
use crate::mixed::Day;
use crate::report::{Kills, Report};
use crate::scene::Draw;
use crate::shop::Shop;

/// Orders of earlier rounds that are asked for after each restart.
const OLDER_MAX: usize = 500;
/// Between so many seconds of load and a kill.
const UNDER_LOAD_S: std::ops::Range<f64> = 0.3..2.0;

/// Runs it and reports.
pub async fn run(arguments: Kill) -> anyhow::Result<Report> {
    let common = &arguments.common;
    anyhow::ensure!(
        common.target.is_none(),
        "`kill` only ever kills a shop it has started; leave --target out"
    );
    let draw = Draw::new(common.seed);
    let mut shop = Shop::open(common, &draw.name()).await?;
    let day = Arc::new(Day::prepare(&shop, common, draw, arguments.products).await?);
    let mut rng = ChaCha8Rng::seed_from_u64(draw.seed);
    let mut plan = Plan::endless(shop.address, common.connections, draw.seed);
    let mut report = Report::of("kill", &plan, &shop, draw);
    let mut kills = Kills { rounds: arguments.rounds, ..Kills::default() };
    let bar = ProgressBar::new(arguments.rounds.into());
    bar.set_style(style());
    bar.set_prefix("kill -9");
    for round in 0..arguments.rounds {
        plan.label = format!("round {} of {}", round + 1, arguments.rounds);
        plan.address = shop.address;
        plan.seed = rng.random();
        let under_load = Duration::from_secs_f64(rng.random_range(UNDER_LOAD_S));
        let before = day.journal.len();
        report.add(one_round(&plan, &day, &mut shop, under_load).await?);
        kills.done += 1;
        shop.restart().await?;
        let restart = shop.start_time().unwrap_or_default();
        kills.slowest_restart_ms = kills.slowest_restart_ms.max(restart.as_secs_f64() * 1e3);
        let drawn = rng.random_range(0..OLDER_MAX);
        after_restart(&day, &shop, before, (OLDER_MAX, drawn), &mut kills, &mut report).await?;
        bar.inc(1);
        bar.set_message(format!(
            "{} acknowledged, {} missing, {} violations",
            day.journal.len(),
            report.missing.len(),
            report.violations.unwrap_or_default()
        ));
    }
    bar.finish_and_clear();
    let all = day.journal.since(0);
    kills.acknowledged = all.len() as u64;
    let missing = check::missing("checking all orders", shop.address, &day.buyers, all).await?;
    report.missing.extend(missing);
    report.set_kills(kills);
    report.finish(&shop).await?;
    shop.stop().await?;
    Ok(report)
}

/// Load until the kill has happened and every connection has noticed.
async fn one_round(
    plan: &Plan,
    day: &Arc<Day>,
    shop: &mut Shop,
    under_load: Duration,
) -> anyhow::Result<crate::drive::Stretch> {
    let ledger = Arc::new(Ledger::default());
    let mut killed = anyhow::Ok(());
    let kill = async {
        tokio::time::sleep(under_load).await;
        ledger.expect_cut();
        killed = shop.kill().await;
    };
    let stretch = drive_until(plan, Arc::clone(day), Arc::clone(&ledger), kill).await?;
    killed?;
    Ok(stretch)
}

/// Sends what is in doubt again, asks for what was acknowledged, and has the books verified.
pub async fn after_restart(
    day: &Day,
    shop: &Shop,
    before: usize,
    (older_max, drawn): (usize, usize),
    kills: &mut Kills,
    report: &mut Report,
) -> anyhow::Result<()> {
    let doubts = day.journal.take_doubts();
    kills.in_doubt += doubts.len() as u64;
    let resolved = check::resolve(shop.address, &day.buyers, &day.journal, doubts).await?;
    kills.resolved += resolved as u64;
    let mut orders = day.journal.since(before);
    orders.extend(day.journal.sample_before(before, older_max, drawn));
    let missing = check::missing("checking orders", shop.address, &day.buyers, orders).await?;
    report.missing.extend(missing);
    report.verify(shop).await
}
