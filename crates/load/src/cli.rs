//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::pace::{Arrivals, Limit, Pace};

const EXAMPLES: &str = "\
Examples:
  Two hundred units, four hundred buyers, the shop on a throw-away SQLite file:
    cargo run --release -p load -- hot-sku --buyers 400 --units 200 --connections 32

  The same on PostgreSQL (a private one is started unless HOLDFAST_TEST_POSTGRES names one):
    cargo run --release -p load -- hot-sku --buyers 400 --units 200 --engine postgres

  How many complete buys a second (closed loop, as fast as 64 connections go):
    cargo run --release -p load -- hot-sku --buyers 100000 --units 100000 --connections 64
    cargo run --release -p load -- spread --variants 100 --lines 3 --duration 10 --connections 64

  How long a buyer waits at 2,000 arrivals a second (open loop: latency counts from the moment
  the buyer wanted to send, so a stalled shop cannot hide its stall):
    cargo run --release -p load -- spread --rate 2000 --duration 30 --connections 256

  Pages against an almost empty handler, in the same run:
    cargo run --release -p load -- browse --duration 12 --connections 64 --baseline

  A shop that already runs (loopback only), with its books checked afterwards:
    cargo run --release -p load -- mixed --duration 20 --target http://127.0.0.1:8080 \\
        --admin admin@example.com:PASSWORD --database sqlite:holdfast-data/shop.db

  Fifty times kill -9 under load, and not one acknowledged order may be missing:
    cargo run --release -p load -- kill --rounds 50 --engine postgres

  Three hundred ends at named places of the code, with payments, refunds and expiry under way:
    cargo build --profile crash -p server --features failpoints
    cargo run --release -p load -- crash --kills 300 --connections 8
    cargo run --release -p load -- crash --kills 20 --points writer.committed,pay.gateway-called

  A hundred power cuts, as root; and two ways to see that they would be noticed:
    cargo run --release -p load -- power --cuts 100 --connections 8
    cargo run --release -p load -- power --cuts 10 --lying-disk
    cargo run --release -p load -- power --cuts 10 --weaken normal

  Ten times more visitors than the shop can serve (needs the right to make control groups):
    cargo run --release -p load -- overload --svg docs/overload.svg

Exit code: 0 good; 1 errors, violations, missing orders or a wrong number of orders;
2 the run could not be made.";

const ATTACK_HELP: &str = "\
Examples:
  Everything, on a throw-away shop of either engine:
    cargo run --release -p load -- attack
    cargo run --release -p load -- attack --engine postgres --html attacks.html

  In a minute and a half, as the build does it:
    cargo run --release -p load -- attack --quick

  Races with a database that is 100 ms away, which widens every gap between look and write:
    cargo run --release -p load -- attack --only A01,A08,A13,A16 --engine postgres --db-delay 100ms

  A shop that runs already. On this machine it is attacked at once; elsewhere it has to show that
  it is yours: without --proof a token is printed, which the shop has to answer at
  /.well-known/holdfast-attack.
    cargo run --release -p load -- attack --target http://127.0.0.1:8080 \\
        --admin admin@example.com:PASSWORD --database sqlite:holdfast-data/shop.db

Exit code: 0 everything was held; 1 something got through, or could not be tried; 2 the run could
not be made. An attack makes orders, accounts and products: never aim it at a shop that sells.";

/// Buys from a shop over HTTP, measures, and has the shop's books verified afterwards.
#[derive(Debug, Parser)]
#[command(name = "load", version, about, after_long_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub scenario: Scenario,
}

#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// One variant with M units; N buyers each try to buy one
    #[command(name = "hot-sku", after_long_help = EXAMPLES)]
    HotSku(HotSku),
    /// Orders spread over many variants, one line (buy now) or several (through the cart)
    #[command(after_long_help = EXAMPLES)]
    Spread(Spread),
    /// List pages and product pages as JSON
    #[command(after_long_help = EXAMPLES)]
    Browse(Browse),
    /// Browsing, carts, orders, cancellations, and one client in a hundred that misbehaves
    #[command(after_long_help = EXAMPLES)]
    Mixed(Mixed),
    /// More visitors than the shop can serve, up to ten times: goodput, refusals, recovery
    #[command(after_long_help = EXAMPLES)]
    Overload(Overload),
    /// Notices of a gateway that itself answers nothing: how long each waits to be taken
    #[command(after_long_help = EXAMPLES)]
    Notices(Notices),
    /// `mixed`, cut off by kill -9 again and again; every acknowledged order must survive
    #[command(after_long_help = EXAMPLES)]
    Kill(Kill),
    /// The process ended at named places of its code, one after the other (docs/crash-points.md)
    #[command(after_long_help = EXAMPLES)]
    Crash(Crash),
    /// The power cut again and again under a busy day, with SQLite on a disk that forgets what
    /// was not synced (a FUSE file system of ours; needs /dev/fuse and root)
    #[command(after_long_help = EXAMPLES)]
    Power(Power),
    /// Tries what people try on shops, and says what was held and what got through
    #[command(after_long_help = ATTACK_HELP)]
    Attack(Attack),
}

impl Scenario {
    /// The options all scenarios share.
    pub fn common(&self) -> &Common {
        match self {
            Self::HotSku(arguments) => &arguments.common,
            Self::Spread(arguments) => &arguments.common,
            Self::Browse(arguments) => &arguments.common,
            Self::Mixed(arguments) => &arguments.common,
            Self::Notices(arguments) => &arguments.common,
            Self::Kill(arguments) => &arguments.common,
            Self::Overload(arguments) => &arguments.common,
            Self::Crash(arguments) => &arguments.common,
            Self::Power(arguments) => &arguments.common,
            Self::Attack(arguments) => &arguments.common,
        }
    }
}

#[derive(Debug, Args)]
pub struct HotSku {
    /// How many buyers come; each tries to buy one unit
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    pub buyers: u64,
    /// Units of the one variant in stock
    #[arg(long, default_value_t = 200)]
    pub units: u64,
    /// How the orders are paid
    #[arg(long, value_enum, default_value_t)]
    pub payment: Payment,
    #[command(flatten)]
    pub pacing: Pacing,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Spread {
    /// Variants the orders are spread over
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub variants: u32,
    /// Lines of an order: 1 is bought directly, more go through the cart
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub lines: u32,
    /// Stop after this many orders (otherwise after --duration)
    #[arg(long)]
    pub orders: Option<u64>,
    /// How the orders are paid
    #[arg(long, value_enum, default_value_t)]
    pub payment: Payment,
    #[command(flatten)]
    pub pacing: Pacing,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Browse {
    /// Products in the catalogue
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub products: u32,
    /// Also measure this path in the same run and give the pages' rates as a share of it
    #[arg(long, num_args = 0..=1, default_missing_value = "/healthz", value_name = "PATH")]
    pub baseline: Option<String>,
    #[command(flatten)]
    pub pacing: Pacing,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Mixed {
    /// Products in the catalogue
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub products: u32,
    #[command(flatten)]
    pub pacing: Pacing,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Notices {
    /// How many arrive each second, whether or not the shop keeps up
    #[arg(long, default_value_t = 500.0, value_parser = positive)]
    pub rate: f64,
    /// For so many seconds
    #[arg(long, default_value_t = 20.0, value_parser = positive)]
    pub duration: f64,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Kill {
    /// How many times the shop is killed
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Products in the catalogue
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub products: u32,
    #[command(flatten)]
    pub common: Common,
}

/// The shop is held to a share of one core by a control group (which needs root), so that the same
/// machine can offer many times what it can serve.
#[derive(Debug, Args)]
pub struct Overload {
    /// Hundredths of one core that the shop may use; PostgreSQL and the payment world are outside
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(5..=100))]
    pub cpu: u32,
    /// What is offered, in times of the capacity, which is measured first
    #[arg(long, value_delimiter = ',', default_value = "0.5,0.8,1,2,5,10", value_parser = positive)]
    pub steps: Vec<f64>,
    /// Seconds of each step
    #[arg(long, default_value_t = 15.0, value_parser = positive)]
    pub seconds: f64,
    /// Refused visitors come back after `Retry-After`, instead of going away
    #[arg(long)]
    pub retry: bool,
    /// Draw the goodput curve into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Attack {
    /// Rounds of each race (default 50; 5 with --quick)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: Option<u32>,
    /// Fewer rounds and smaller crowds: a minute and a half
    #[arg(long)]
    pub quick: bool,
    /// Only these, by their numbers: A01,A13
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS")]
    pub only: Vec<String>,
    /// Show all attacks and do none
    #[arg(long)]
    pub list: bool,
    /// Print every case, also those that were held
    #[arg(long)]
    pub cases: bool,
    /// What a target that is not on this machine answers to show that it is yours
    #[arg(long, requires = "target", value_name = "TOKEN")]
    pub proof: Option<String>,
    /// The secret of the target's payment sandbox, to play the payer and forge notices
    #[arg(long, requires = "target", value_name = "SECRET", hide_env_values = true)]
    pub sandbox_secret: Option<String>,
    /// Write everything as JSON into this file
    #[arg(long, value_name = "FILE")]
    pub json_file: Option<PathBuf>,
    /// Write a page for people into this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write this engine's column of the table of attacks into this file
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Crash {
    /// How many times the shop is ended at a point
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub kills: u32,
    /// Only these points (default: all that the engine comes by, in turn)
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    pub points: Vec<String>,
    /// Products in the catalogue
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub products: u32,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Power {
    /// How many times the power goes
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub cuts: u32,
    /// Open SQLite with this `synchronous` setting, to see orders being lost; needs the shop with
    /// crash points
    #[arg(long, value_name = "WORD")]
    pub weaken: Option<Weaker>,
    /// The disk answers every sync and keeps none, as bad ones do: orders will be lost
    #[arg(long)]
    pub lying_disk: bool,
    /// Products in the catalogue
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub products: u32,
    #[command(flatten)]
    pub common: Common,
}

/// What SQLite may be told instead of FULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Weaker {
    /// The log is synced when it is folded back, not at a commit
    Normal,
    /// Nothing is synced
    Off,
}

/// Closed loop unless `--rate` is given.
#[derive(Clone, Debug, Args)]
pub struct Pacing {
    /// Open loop: arrivals a second, whether or not the shop keeps up
    #[arg(long, value_parser = positive, value_name = "PER_SECOND")]
    pub rate: Option<f64>,
    /// How the arrivals of the open loop are spaced
    #[arg(long, value_enum, default_value_t)]
    pub arrivals: Arrivals,
    /// Seconds to measure (default 10 where no count ends the run)
    #[arg(long, value_parser = positive, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// Seconds of the same work before measuring (default 1; 0 where a count ends the run)
    #[arg(long, value_parser = not_negative, value_name = "SECONDS")]
    pub warmup: Option<f64>,
}

impl Pacing {
    /// The pace, ended by `turns` where the scenario has a count and by time where it has none.
    pub fn pace(&self, turns: Option<u64>) -> Pace {
        let seconds = self.duration.or(if turns.is_none() { Some(10.0) } else { None });
        let limit = Limit { turns, duration: seconds.map(Duration::from_secs_f64) };
        match self.rate {
            Some(per_second) => Pace::Open { per_second, arrivals: self.arrivals, limit },
            None => Pace::Closed { limit },
        }
    }

    /// How long to run before measuring.
    pub fn warmup(&self, turns: Option<u64>) -> Duration {
        let default = if turns.is_some() { 0.0 } else { 1.0 };
        Duration::from_secs_f64(self.warmup.unwrap_or(default))
    }
}

#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Virtual connections, each with one request under way at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Threads of the generator
    #[arg(long, default_value_t = 1, value_parser = threads)]
    pub threads: usize,
    /// At most this many accounts are registered (never fewer than --connections)
    #[arg(long, default_value_t = 1000)]
    pub accounts: u32,
    /// The database of the throw-away shop
    #[arg(long, value_enum, default_value_t)]
    pub engine: Engine,
    /// Where the throw-away database lives (a real disk, or durability costs nothing)
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The `holdfast` binary (default: next to this program, built when missing)
    #[arg(long, visible_alias = "shop", value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// More configuration for the throw-away shop, handed on as it is
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Make every word between the throw-away shop and PostgreSQL so late, each way: `100ms`
    #[arg(long, value_parser = duration, value_name = "TIME", conflicts_with = "target")]
    pub db_delay: Option<Duration>,
    /// A PostgreSQL server where a throw-away database may be made; none: a private one is started
    #[arg(
        long = "postgres",
        env = "HOLDFAST_TEST_POSTGRES",
        value_name = "URL",
        hide_env_values = true
    )]
    pub postgres: Option<String>,
    /// Load this shop instead of a throw-away one; loopback only
    #[arg(long, requires = "admin", value_name = "URL")]
    pub target: Option<String>,
    /// An owner of the target shop
    #[arg(long, requires = "target", value_name = "EMAIL:PASSWORD", hide_env_values = true)]
    pub admin: Option<String>,
    /// The target shop's database, to verify it after the run
    #[arg(long, requires = "target", value_name = "URL")]
    pub database: Option<String>,
    /// Decides every random choice (printed; default: drawn)
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print one line of JSON instead of the table
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// An SQLite file
    #[default]
    Sqlite,
    /// PostgreSQL
    Postgres,
}

impl Engine {
    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Payment {
    /// Paid at the door: the order is placed and done
    #[default]
    CashOnDelivery,
    /// The payment sandbox: the order waits for its payment
    Sandbox,
}

impl Payment {
    /// The name the API gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CashOnDelivery => "cash_on_delivery",
            Self::Sandbox => "sandbox",
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 && number <= 1e7 => Ok(number),
        _ => Err("a number above zero is needed".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => return Err("write it like 100ms or 2s".to_owned()),
    };
    match number.parse::<u64>() {
        Ok(number) if number * unit <= 60_000 => Ok(Duration::from_millis(number * unit)),
        _ => Err("a whole number up to a minute is needed".to_owned()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (0.0..=1e7).contains(&number) => Ok(number),
        _ => Err("zero or a number above it is needed".to_owned()),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(count @ 1..=16) => Ok(count),
        _ => Err("between 1 and 16".to_owned()),
    }
}
