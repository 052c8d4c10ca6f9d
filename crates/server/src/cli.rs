//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A self-hosted commerce server: storefront, admin, JSON API, payments and background work in
/// one binary.
///
/// Try it: `holdfast demo`. Run a shop: `holdfast serve --config my.toml`.
#[derive(Parser, Debug)]
#[command(name = "holdfast", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start a shop with demo stock and a payment sandbox, to look around in.
    ///
    /// Everything lies in one directory; the next start goes on with it.
    Demo(Demo),
    /// Start a payment world: YooKassa, Alipay and Stripe on this machine, without any money.
    ///
    /// It speaks the three providers' wire protocols on one port, with real signatures and real
    /// redelivery, shows the payer's pages, and breaks on demand. A shop needs only another base
    /// address and the test accounts, which are printed at the start (`--accounts` prints them
    /// whole, keys included).
    ///
    /// Pay for everything by hand on the pages, or let a test play the payer:
    ///
    ///   `curl -X POST -H 'Authorization: Bearer holdfast-sandbox' \
    ///        http://127.0.0.1:8081/__ctl/yookassa/PAYMENT/pay`
    ///
    /// docs/payments.md says what else the control plane can do.
    #[command(verbatim_doc_comment)]
    Sandbox(Sandbox),
    /// Run a shop.
    ///
    /// Brings the database up to date first. Stops cleanly on Ctrl-C or SIGTERM.
    Serve(Settings),
    /// Manage accounts.
    Account {
        /// What to do with accounts.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// The keys that sign access tokens.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Check the invariants of money and stock on a live database; changes nothing.
    ///
    /// Exit code 0: none is broken. 1: at least one is. 2: it could not be checked.
    Verify(Verify),
    /// Compare a day's books with those of the payment gateways; changes nothing without `--fix`.
    ///
    /// Payments and refunds of the day are looked for on both sides, and every difference is
    /// named with what it means and what to do about it. Below stands what waits for a person:
    /// payments in review, money for nothing we know, disputes, refunds that hang.
    ///
    /// Gateways that list payments are compared by when a payment was made, in UTC; those that
    /// write a bill by what moved on their own day (Alipay's is there from half past nine in the
    /// morning, Beijing time). Works beside a running shop; `--fix` writes, and a shop on SQLite
    /// has to be stopped for it, or mends itself: POST /api/v1/admin/books/DAY/mend.
    ///
    /// Exit code 0: the books agree. 1: they differ, or something waits for a person.
    /// 2: they could not be compared.
    Reconcile(Reconcile),
    /// What payment gateways sent that could not be looked into.
    Notices {
        /// What to do with them.
        #[command(subcommand)]
        command: NoticesCommand,
    },
    /// Print every option with its default.
    Config,
    /// Print every error code of the API with what it means, as Markdown.
    Errors,
    /// Print who may do what, as Markdown.
    Roles,
    /// Print the crash points of this build, as Markdown.
    #[cfg(feature = "failpoints")]
    Points,
}

/// `holdfast demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// Where everything lies.
    #[arg(long, default_value = "holdfast-data", value_name = "DIRECTORY")]
    pub data: PathBuf,
    /// Forget what was there and start over.
    #[arg(long)]
    pub fresh: bool,
    /// Where the shop listens.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where the payment sandbox listens.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    pub sandbox_listen: SocketAddr,
    /// An option that is to be another way, to see what it does: `--set checkout.hold_minutes=1`
    /// (`holdfast config` prints all of them).
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `holdfast sandbox`
#[derive(Args, Debug)]
pub struct Sandbox {
    /// Where it listens: an address of this machine. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Keep payments in this file, so that a restart goes on; without it, in memory.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Draw ids from this number: the same calls give the same ids. For a new book only.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// The bearer token of the control plane and of the plain protocol.
    #[arg(long, default_value = "holdfast-sandbox", value_name = "TOKEN")]
    pub secret: String,
    /// Where YooKassa sends its notifications: on this machine.
    #[arg(long, value_name = "URL")]
    pub yookassa_webhook: Option<String>,
    /// Where Stripe sends its events: on this machine.
    #[arg(long, value_name = "URL")]
    pub stripe_webhook: Option<String>,
    /// Milliseconds before each further try of a notification, in place of the real schedules
    /// (which go on for a day).
    #[arg(long, value_name = "MS,MS,…", value_delimiter = ',')]
    pub redelivery: Option<Vec<u64>>,
    /// Print the test accounts whole and exit.
    #[arg(long)]
    pub accounts: bool,
}

/// Where settings come from.
#[derive(Args, Debug, Clone, Default)]
pub struct Settings {
    /// A file with the options that differ from the defaults (see `holdfast config`).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A single option, stronger than the file: `--set database.url=postgres://…`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `holdfast keys …`
#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a new key. It signs after five seconds; what the one before has signed stays good.
    ///
    /// Works beside a running shop on PostgreSQL; one on SQLite has to be stopped for it.
    Rotate {
        /// Where settings come from.
        #[command(flatten)]
        settings: Settings,
    },
}

/// `holdfast account …`
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Make an account; its password is generated and printed once.
    Create {
        /// What to sign in with: an e-mail address, a telephone number (+41 …), or a name.
        #[arg(long)]
        login: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Role,
        /// Where settings come from.
        #[command(flatten)]
        settings: Settings,
    },
}

/// What an account may do.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Buy.
    Customer,
    /// Help customers.
    Support,
    /// Pack, send and count.
    Warehouse,
    /// Run the shop from day to day.
    Manager,
    /// Everything.
    Owner,
}

/// `holdfast verify`
#[derive(Args, Debug)]
pub struct Verify {
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Seconds that what is under way may take before it counts as left undone.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub grace: u32,
    /// Where settings come from.
    #[command(flatten)]
    pub settings: Settings,
}

/// `holdfast reconcile`
#[derive(Args, Debug)]
pub struct Reconcile {
    /// Which day; yesterday, unless said.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    pub day: Option<kernel::Date>,
    /// Print one line of JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Do what can safely be done about each difference: ask the gateway again and take in what
    /// it says, book what it kept and what went back there. Doing it twice does it once. What
    /// only a person can do is left.
    #[arg(long)]
    pub fix: bool,
    /// Where settings come from.
    #[command(flatten)]
    pub settings: Settings,
}

fn parse_day(text: &str) -> Result<kernel::Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no day: write it like 2027-01-31"))
}

/// `holdfast notices …`
#[derive(Subcommand, Debug)]
pub enum NoticesCommand {
    /// List the notices that were given up after twenty tries, the newest first.
    List {
        /// List those that failed and are tried again, in place of those that were given up.
        #[arg(long)]
        waiting: bool,
        /// Print a line of JSON for each, with its body and headers.
        #[arg(long)]
        json: bool,
        /// Where settings come from.
        #[command(flatten)]
        settings: Settings,
    },
    /// Have notices looked into again, as if they had just come; the running shop does so.
    Replay {
        /// Which, by their ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Where settings come from.
        #[command(flatten)]
        settings: Settings,
    },
}
