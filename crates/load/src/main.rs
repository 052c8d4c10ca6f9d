//! `load`: buys from a shop as fast as asked, and counts honestly.
//!
//! It speaks HTTP only, like any customer; what it knows of the shop is the published contract.
//! Around that it starts the `holdfast` binary on a throw-away database, and after every run it
//! asks `holdfast verify` whether the shop's books still add up.
//!
//! `kill`, `crash` and `power` end the shop again and again and look what is left of what it
//! promised; they keep the payment world themselves, which does not die with the shop.

mod api;
mod attack;
mod browse;
mod busy;
mod check;
mod cli;
mod client;
mod clock;
mod counted;
mod crash;
mod drive;
mod errands;
mod hot_sku;
mod journal;
mod kill;
mod ledger;
mod line;
mod misbehaviour;
mod mixed;
mod overload;
mod pace;
mod postgres;
mod power;
mod purchase;
mod report;
mod scene;
mod shop;
mod spread;
mod stats;
mod table;
mod target;
mod usage;
mod verify;
mod witness;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Arguments, Scenario};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = runtime(arguments.scenario.common().threads)
        .and_then(|runtime| runtime.block_on(interruptible(arguments.scenario)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// One thread unless asked for more: on a small machine every core the generator takes is one
/// the shop does not have.
fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = if threads <= 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        let mut many = tokio::runtime::Builder::new_multi_thread();
        many.worker_threads(threads);
        many
    };
    builder.enable_all().build().context("the asynchronous runtime could not start")
}

/// Runs the scenario; Ctrl-C or SIGTERM drops it, and with it the shop and database it started.
async fn interruptible(scenario: Scenario) -> anyhow::Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = run(scenario) => outcome,
        _ = interrupt.recv() => anyhow::bail!("interrupted; what was started has been stopped"),
        _ = terminate.recv() => anyhow::bail!("terminated; what was started has been stopped"),
    }
}

/// True when the run is good: no errors, no violations, the expected number of orders.
async fn run(scenario: Scenario) -> anyhow::Result<bool> {
    let json = scenario.common().json;
    let report = match scenario {
        // Its figures are not those of the others.
        Scenario::Overload(arguments) => return overload::run(arguments).await,
        Scenario::Attack(arguments) => return attack::run(arguments).await,
        Scenario::HotSku(arguments) => hot_sku::run(arguments).await?,
        Scenario::Spread(arguments) => spread::run(arguments).await?,
        Scenario::Browse(arguments) => browse::run(arguments).await?,
        Scenario::Mixed(arguments) => mixed::run(arguments).await?,
        Scenario::Kill(arguments) => kill::run(arguments).await?,
        Scenario::Crash(arguments) => crash::run(arguments).await?,
        Scenario::Power(arguments) => power::run(arguments).await?,
    };
    if json {
        println!("{}", report.json_line()?);
    } else {
        print!("{}", report.table());
    }
    for sample in report.samples() {
        eprintln!("wrong: {sample}");
    }
    for reason in report.failures() {
        eprintln!("FAILED: {reason}");
    }
    Ok(report.failures().is_empty())
}
