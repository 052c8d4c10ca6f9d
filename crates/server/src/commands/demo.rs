//! `holdfast demo`

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use identity::Role;
use kernel::Env;

use super::account;
use super::serve::{start_log, stop};
use crate::cli::{Demo, Settings};
use crate::config::Config;
use crate::demo;
use crate::running::Running;

/// Who looks after the demo shop.
const OWNER: &str = "owner@demo.example";

/// What a demo leaves in its directory; `--fresh` removes these and nothing else.
const FILES: &[&str] = &["shop.db", "sandbox.db"];

pub(super) async fn run(args: Demo) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(&Settings::default())?;
    config.server.listen = args.listen;
    config.sandbox.listen = args.sandbox_listen.to_string();
    config.keep_under(&args.data);
    start_log(&config.log)?;
    if args.fresh {
        refuse_if_running(&args.data)?;
        start_over(&args.data)?;
    }
    std::fs::create_dir_all(&args.data)
        .with_context(|| format!("cannot write {}", args.data.display()))?;
    let running = Running::start(&config, Env::system()).await?;
    demo::fill(&running.shop, &config.media.directory).await?;
    let password = owner(&config, &running).await?;
    greet(&running, &args.data, password.as_deref());
    running.serve(stop()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// The owner's password, when the account was made just now.
async fn owner(config: &Config, running: &Running) -> anyhow::Result<Option<String>> {
    let there = running.shop.db.read(|read| identity::account_by_email(read, OWNER)).await?;
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
    match password {
        Some(password) => {
            println!("  owner             {OWNER}, password {password}");
            println!("                    (shown this once: note it, or start over with --fresh)");
        }
        None => println!("  owner             {OWNER}"),
    }
    println!("\nTry this: open the shop, put something into the cart, check out, and pay on the");
    println!("sandbox's page. No money moves. Ctrl-C stops; the next start goes on from here.");
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
