//! `holdfast reconcile`

mod told;
mod waiting_line;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use flows::Shop;
use gateways::Gateway;
use jobs::{Cashier, Compared, Progress};
use kernel::{Date, Env, SignedDuration, Timestamp};
use payments::{Concern, Fix};
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

/// What came of a difference.
#[derive(Serialize)]
struct Mended {
    gateway: String,
    class: payments::Class,
    reference: Option<String>,
    did: String,
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
    Ok(then.in_tz("UTC")?.date())
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
    let waiting = concerns(&db, env.now()).await?;
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
    let gateways = cashier.compare_day(day, progress).await?;
    let mut mended = Vec::new();
    for found in gateways.iter().flat_map(|compared| &compared.breaks) {
        let did = match found.fix {
            Fix::LookThere => "left to a person".to_owned(),
            _ => cashier.mend(found).await?,
        };
        let (gateway, reference) = (found.gateway.clone(), found.reference.clone());
        mended.push(Mended { gateway, class: found.class, reference, did });
    }
    let waiting = concerns(&db, env.now()).await?;
    drop(cashier);
    db.close();
    Ok(Report { day, gateways, mended: Some(mended), waiting })
}

async fn concerns(db: &Db, now: Timestamp) -> anyhow::Result<Vec<Concern>> {
    Ok(db.read(move |read| payments::concerns(read, now, CONCERNS)).await?)
}
