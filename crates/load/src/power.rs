//! The power-cut run: SQLite lies on a disk that forgets what was not synced. Under a busy day
//! the power goes; what was acknowledged before must be there after it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::ProgressBar;
use lossy::{Forgotten, Mount};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::busy::Busy;
use crate::cli::{Common, Engine, Power, Weaker};
use crate::crash::{close_the_day, crash_binary, points_of, settings};
use crate::drive::{Plan, Stretch, drive_until, style};
use crate::kill::after_restart;
use crate::ledger::Ledger;
use crate::report::{Kills, Report};
use crate::scene::Draw;
use crate::shop::{Fresh, Shop, find_binary};
use crate::witness::World;

/// Orders of earlier rounds that are asked for after each cut.
const OLDER_MAX: usize = 100;
/// Between so many seconds of load and a cut.
const UNDER_LOAD_S: std::ops::Range<f64> = 0.1..0.8;

/// One cut in so many meets a second shop at its first start, too, so many seconds into it.
const YOUNG_EVERY: u32 = 4;
const FIRST_START_S: std::ops::Range<f64> = 0.0..0.05;

/// Runs it and reports.
pub async fn run(arguments: Power) -> anyhow::Result<Report> {
    let draw = Draw::new(arguments.common.seed);
    ensure!(
        arguments.common.engine == Engine::Sqlite,
        "`power` cuts SQLite's disk; PostgreSQL is told to end by `crash` and `kill`"
    );
    let parent = arguments.common.dir.clone().unwrap_or_else(std::env::temp_dir);
    let bench = tempfile::Builder::new()
        .prefix("load-power-")
        .tempdir_in(&parent)
        .with_context(|| format!("no throw-away directory in {}", parent.display()))?;
    let (platter, at) = (bench.path().join("platter"), bench.path().join("disk"));
    fs::create_dir(&platter)?;
    fs::create_dir(&at)?;
    // Declared before the shop: it is unmounted after the shop has ended, however that happens.
    let mut mount = Mount::new(&platter, &at)?;
    let named = arguments.common.binary.as_deref();
    let binary = if arguments.weaken.is_some() {
        let binary = crash_binary(named)?;
        // Another shop would not listen, and nothing would be weakened.
        points_of(&binary).await?;
        binary
    } else {
        find_binary(named).await?
    };
    let world = World::open(&draw.name()).await?;
    let common = settings(&arguments.common, &world, &binary)?;
    let shop = Shop::open_in(&common, &draw.name(), &at).await?;
    let report = in_shop(&arguments, (&common, draw), &world, shop, (&mut mount, &at)).await?;
    // Nothing of ours is left on it.
    drop(mount);
    Ok(report)
}

async fn in_shop(
    arguments: &Power,
    (common, draw): (&Common, Draw),
    world: &World,
    mut shop: Shop,
    (mount, at): (&mut Mount, &Path),
) -> anyhow::Result<Report> {
    let busy = Arc::new(Busy::prepare(&shop, world, common, (draw, arguments.products)).await?);
    let mut rng = ChaCha8Rng::seed_from_u64(draw.seed);
    let mut plan = Plan::endless(shop.address, common.connections, draw.seed);
    let mut report = Report::of("power", &plan, &shop, draw);
    weaken(arguments, &mut shop, mount, &mut report).await?;
    let mut kills = Kills { rounds: arguments.cuts, ..Kills::default() };
    let mut forgotten = Forgotten::default();
    let bar = ProgressBar::new(arguments.cuts.into());
    bar.set_style(style());
    bar.set_prefix("power cuts");
    for round in 0..arguments.cuts {
        plan.label = format!("cut {} of {}", round + 1, arguments.cuts);
        plan.seed = rng.random();
        let before = busy.day.journal.len();
        let under_load = Duration::from_secs_f64(rng.random_range(UNDER_LOAD_S));
        report.add(until_the_cut(&plan, &busy, &mut shop, under_load).await?);
        let young = match round % YOUNG_EVERY {
            0 => Some(Young::begin(&shop, at, &mut rng).await?),
            _ => None,
        };
        forgotten.add(mount.cut(rng.random())?);
        kills.done += 1;
        let drawn = rng.random_range(0..OLDER_MAX);
        let looked = async {
            look(&busy, &mut shop, (before, drawn), &mut kills, &mut report).await?;
            match young {
                Some(young) => young.look(&shop, &mut report).await,
                None => Ok(()),
            }
        };
        if let Err(error) = looked.await {
            report.broken(format!("after cut {}: {error:#}", round + 1));
            break;
        }
        bar.inc(1);
        bar.set_message(format!(
            "{} acknowledged, {} missing, {} sectors forgotten",
            busy.day.journal.len(),
            report.missing.len(),
            forgotten.sectors
        ));
    }
    bar.finish_and_clear();
    report.note(format!(
        "the cuts took {} written sectors and {} names; {} unsynced sectors arrived all the same",
        forgotten.sectors, forgotten.changes, forgotten.arrived
    ));
    if forgotten.sectors == 0 {
        report.wrong("no cut took anything: nothing has been shown".to_owned());
    }
    kills.acknowledged = busy.day.journal.len() as u64;
    report.set_kills(kills);
    // Where orders were lost, money without an order is no news.
    if report.failures().is_empty() {
        close_the_day(&busy, &shop, world, &mut report).await?;
        report.finish(&shop).await?;
        shop.stop().await?;
    }
    Ok(report)
}

/// A second shop whose first start the power cut ends, while it makes its tables.
struct Young {
    file: PathBuf,
    fresh: Fresh,
}

impl Young {
    async fn begin(shop: &Shop, at: &Path, rng: &mut ChaCha8Rng) -> anyhow::Result<Self> {
        let file = at.join("young.db");
        let fresh = Fresh::file(&file);
        let time = Duration::from_secs_f64(rng.random_range(FIRST_START_S));
        shop.start_fresh_briefly(&fresh, time).await?;
        Ok(Self { file, fresh })
    }

    /// It starts from whatever is left, and makes room for the next.
    async fn look(self, shop: &Shop, report: &mut Report) -> anyhow::Result<()> {
        let verified = shop.start_fresh(&self.fresh).await;
        report.add_verified(verified.context("a shop whose first start was cut off")?);
        for suffix in ["", "-wal", "-shm", "-lock"] {
            let mut name = self.file.clone().into_os_string();
            name.push(suffix);
            match fs::remove_file(&name) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The shop comes back, and has what it promised.
async fn look(
    busy: &Busy,
    shop: &mut Shop,
    (before, drawn): (usize, usize),
    kills: &mut Kills,
    report: &mut Report,
) -> anyhow::Result<()> {
    shop.restart().await?;
    let restart = shop.start_time().unwrap_or_default().as_secs_f64() * 1e3;
    kills.slowest_restart_ms = kills.slowest_restart_ms.max(restart);
    after_restart(&busy.day, shop, before, (OLDER_MAX, drawn), kills, report).await?;
    if let Some(wrong) = busy.counted.check(shop).await? {
        report.wrong(wrong);
    }
    Ok(())
}

/// What makes the run fail on purpose, when that is asked for.
async fn weaken(
    arguments: &Power,
    shop: &mut Shop,
    mount: &mut Mount,
    report: &mut Report,
) -> anyhow::Result<()> {
    if arguments.lying_disk {
        mount.lie();
        report.note("the disk keeps no sync: orders have to be lost".to_owned());
    }
    if let Some(weaker) = arguments.weaken {
        let word = match weaker {
            Weaker::Normal => "normal",
            Weaker::Off => "off",
        };
        shop.kill().await?;
        shop.tell("sqlite.synchronous", word)?;
        shop.restart().await?;
        report.note(format!("SQLite syncs as `{word}` says: orders have to be lost"));
    }
    Ok(())
}

/// Load until the process is gone and every connection has noticed.
async fn until_the_cut(
    plan: &Plan,
    busy: &Arc<Busy>,
    shop: &mut Shop,
    under_load: Duration,
) -> anyhow::Result<Stretch> {
    let ledger = Arc::new(Ledger::default());
    let over = tokio::sync::Notify::new();
    let load = drive_until(plan, Arc::clone(busy), Arc::clone(&ledger), over.notified());
    let cut = async {
        tokio::time::sleep(under_load).await;
        ledger.expect_cut();
        let killed = shop.kill().await;
        over.notify_one();
        killed
    };
    let (stretch, killed) = tokio::join!(load, cut);
    killed?;
    stretch
}
