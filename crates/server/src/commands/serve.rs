//! `holdfast serve`

use std::process::ExitCode;

use kernel::Env;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, Log};
use crate::running::Running;

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    start_log(&config.log)?;
    let running = Running::start(&config, Env::system()).await?;
    println!("listening on http://{}", running.address);
    if let Some(url) = &running.sandbox_url {
        println!("payment sandbox on {url}");
    }
    running.serve(stop()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// Ends with Ctrl-C or SIGTERM.
pub(super) fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

pub(super) fn start_log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if log.format == "json" { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}
