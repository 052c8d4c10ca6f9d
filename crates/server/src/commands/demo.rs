//! `holdfast demo`

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use identity::Role;
use kernel::Env;

use toml::{Table, Value};

use super::account;
use super::serve::{start_log, stop};
use crate::cli::Demo;
use crate::config::Config;
use crate::demo;
use crate::running::Running;

/// Who looks after the demo shop.
const OWNER: &str = "owner@demo.example";

/// What a demo leaves in its directory; `--fresh` removes these and nothing else.
const FILES: &[&str] = &["shop.db", "sandbox.db"];

/// What one of the shop's currency costs its buyers in those that YooKassa and Alipay take.
const RATES: [(&str, &str); 2] = [("RUB", "101.25"), ("CNY", "8.30")];

/// What it says to other commands; removed with nothing, written at every start.
const SETTINGS: &str = "demo.toml";

pub(super) async fn run(args: Demo) -> anyhow::Result<ExitCode> {
    let (config, said) = Config::over_defaults(settings(&args)?, &args.set)?;
    start_log(&config.log)?;
    if args.fresh {
        refuse_if_running(&args.data)?;
        start_over(&args.data)?;
    }
    std::fs::create_dir_all(&args.data)
        .with_context(|| format!("cannot write {}", args.data.display()))?;
    let running = Running::start(&config, Env::system()).await?;
    let settings = args.data.join(SETTINGS);
    std::fs::write(&settings, format!("{}{}", note(&settings), toml::to_string(&said)?))
        .with_context(|| format!("cannot write {}", settings.display()))?;
    demo::fill(&running.shop, &config.media.directory).await?;
    let password = owner(&config, &running).await?;
    greet(&running, &args.data, password.as_deref());
    running.serve(stop()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// What of the configuration is the demo's own.
fn settings(args: &Demo) -> anyhow::Result<Table> {
    let data = std::path::absolute(&args.data).context("--data")?;
    let lies = |name: &str| data.join(name).display().to_string();
    let mut table = Table::new();
    let mut set = |section: &str, option: &str, value: Value| {
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(option.to_owned(), value);
        }
    };
    set("server", "listen", args.listen.to_string().into());
    set("database", "url", format!("sqlite:{}", lies("shop.db")).into());
    set("media", "directory", lies("media").into());
    // Nobody who tries it out has to look for a code first.
    set("accounts", "confirm", false.into());
    set("sandbox", "listen", args.sandbox_listen.to_string().into());
    set("sandbox", "data", lies("sandbox.db").into());
    set("sandbox", "providers", true.into());
    // To look around in: nobody has to set an app up first.
    set("accounts", "second_factor", "off".into());
    // As long as YooKassa lets its payers take.
    set("checkout", "payment_minutes", 60.into());
    let own = args.set.iter().rev().find_map(|single| single.strip_prefix("checkout.currency="));
    let rates = RATES.into_iter().filter(|_| own.is_none_or(|own| own == "EUR"));
    let rates = rates.map(|(code, rate)| (code.to_owned(), Value::from(rate)));
    set("checkout", "rates", Value::Table(rates.collect()));
    Ok(table)
}

fn note(path: &Path) -> String {
    format!(
        "# What this demo runs with; written anew at every start. Other commands look at the same\n\
         # shop by it:\n#\n#   holdfast verify --config {}\n\n",
        path.display()
    )
}

/// The owner's password, when the account was made just now.
async fn owner(config: &Config, running: &Running) -> anyhow::Result<Option<String>> {
    let there = running.shop.db.read(|read| identity::account_by_login(read, OWNER)).await?;
    match there {
        Some(_) => Ok(None),
        None => account::make(config, &running.shop.db, OWNER.into(), Role::Owner).await.map(Some),
    }
}

fn start_over(directory: &Path) -> anyhow::Result<()> {
    let in_use = || format!("cannot clear {}: is a demo still running?", directory.display());
    for file in FILES {
        for suffix in ["", "-wal", "-shm", "-lock"] {
            let path = directory.join(format!("{file}{suffix}"));
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(in_use),
            }
        }
    }
    match std::fs::remove_dir_all(directory.join("media")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(in_use),
        _ => Ok(()),
    }
}

fn greet(running: &Running, directory: &Path, password: Option<&str>) {
    let url = running.public_url.as_str().trim_end_matches('/');
    println!("Holdfast is ready.\n");
    println!("  shop              {url}/");
    println!("  API to look at    {url}/api/docs");
    if let Some(sandbox) = &running.sandbox_url {
        println!("  payment sandbox   {sandbox}");
    }
    println!("  data              {}", directory.display());
    println!("  settings          {}", directory.join(SETTINGS).display());
    match password {
        Some(password) => {
            println!("  owner             {OWNER}, password {password}");
            println!("                    (shown this once: note it, or start over with --fresh)");
        }
        None => println!("  owner             {OWNER}"),
    }
    println!(
        "\nTry this: put something into the cart, check out, and pay by card (Stripe), YooKassa,"
    );
    println!(
        "Alipay, or in cash. The sandbox plays the providers: on its page you pay, have the bank"
    );
    println!(
        "ask you first, decline and pay another way, or leave. A phone gets pages of its own."
    );
    println!("No money moves. Ctrl-C stops; the next start goes on from here.");
}

/// A demo on a data directory of a running one is refused before anything is removed.
fn refuse_if_running(directory: &Path) -> anyhow::Result<()> {
    let lock = directory.join("shop.db-lock");
    if let Ok(file) = std::fs::File::open(&lock)
        && matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    {
        bail!("a demo is running on {}: stop it first", directory.display());
    }
    Ok(())
}
