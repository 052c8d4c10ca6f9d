//! `holdfast reconcile`

mod told;
mod waiting_line;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use flows::Shop;
use gateways::Gateway;
use jobs::{Cashier, Compared, Mended, Progress};
use kernel::{Date, Env, SignedDuration, Timestamp};
use payments::{Concern, Why};
use serde::Serialize;
use store::Db;

use crate::cli;
use crate::config::Config;
use crate::running::{gateways_to_ask, gateways_to_look_at, look_into_database, open_database};

use waiting_line::WaitingLine;

/// What waits for a person, at most.
const CONCERNS: usize = 1000;

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report {
    day: Date,
    gateways: Vec<Compared>,
    /// What came of each difference, in the order of the differences; only with `--fix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mended: Option<Vec<Mended>>,
    waiting: Vec<Concern>,
}

pub(super) async fn run(args: cli::Reconcile) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.settings)?;
    let env = Env::system();
    let day = args.day.map_or_else(|| yesterday(env.now()), Ok)?;
    let line = WaitingLine::default();
    let hear = |gateway: &str, entries: usize| line.hear(gateway, entries);
    let report = if args.fix {
        mend(&config, &env, day, &hear).await?
    } else {
        look(&config, &env, day, &hear).await?
    };
    line.clear();
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", told::table(&report));
    }
    let agree = report.gateways.iter().all(|compared| compared.breaks.is_empty());
    let quiet = agree && report.waiting.is_empty();
    Ok(if quiet { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn yesterday(now: Timestamp) -> anyhow::Result<Date> {
    let then = now.checked_sub(SignedDuration::from_hours(24))?;
    Ok(jobs::day_of(then))
}

/// Compares without writing anything, beside whoever uses the database.
async fn look(
    config: &Config,
    env: &Env,
    day: Date,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    let db = look_into_database(config)?;
    let mut gateways = Vec::new();
    for gateway in gateways_to_look_at(config, env)? {
        let when = (day, env.now());
        let compared = jobs::compare_day(&db, gateway.as_ref(), when, progress).await?;
        gateways.extend(compared);
    }
    let waiting = concerns(&db, env.now(), day).await?;
    db.close();
    Ok(Report { day, gateways, mended: None, waiting })
}

/// Compares, and does about each difference what can be done without a person.
async fn mend(
    config: &Config,
    env: &Env,
    day: Date,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    let db = open_database(config).context(
        "`--fix` writes, and a shop on SQLite has one writer: stop it first, or let the running \
         shop mend the day itself (POST /api/v1/admin/books/DAY/mend)",
    )?;
    let gateways: Vec<Arc<dyn Gateway>> = gateways_to_ask(config, &db, env).await?;
    let names: Vec<&str> = gateways.iter().map(|gateway| gateway.name()).collect();
    let settings = config.settings(&names);
    let shop = Shop::open(db.clone(), env.clone(), settings).await?;
    // Nobody is sent anywhere by this command.
    let cashier = Cashier::new(shop, gateways, "http://127.0.0.1/".parse()?);
    let (gateways, mended) = cashier.mend_day(day, progress).await?;
    let waiting = concerns(&db, env.now(), day).await?;
    drop(cashier);
    db.close();
    Ok(Report { day, gateways, mended: Some(mended), waiting })
}

/// What waits for a person, beside what this report itself is about.
async fn concerns(db: &Db, now: Timestamp, day: Date) -> anyhow::Result<Vec<Concern>> {
    let mut waiting = db.read(move |read| payments::concerns(read, now, CONCERNS)).await?;
    let day = format!(" {day} ");
    waiting.retain(|it| it.why != Why::Books || !it.subject.contains(&day));
    Ok(waiting)
}
