//! What each command does.

mod account;
mod demo;
mod keys;
mod notices;
mod reconcile;
mod sandbox;
mod serve;
mod verify;

use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{AccountCommand, Cli, Command, KeysCommand};
use crate::config::{Config, DEFAULTS};

/// Runs the command line.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Sandbox(args) => block_on(sandbox::run(args)),
        Command::Serve(settings) => block_on(serve::run(Config::load(&settings)?)),
        Command::Account { command: AccountCommand::Create { login, role, settings } } => {
            block_on(account::create(Config::load(&settings)?, login, role))
        }
        Command::Keys { command: KeysCommand::Rotate { settings } } => {
            block_on(keys::rotate(Config::load(&settings)?))
        }
        Command::Verify(args) => block_on(verify::run(args)),
        Command::Reconcile(args) => block_on(reconcile::run(args)),
        Command::Notices { command } => block_on(notices::run(command)),
        Command::Config => {
            print!("{DEFAULTS}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Errors => {
            print!("{}", web::problem::catalogue_markdown());
            Ok(ExitCode::SUCCESS)
        }
        Command::Roles => {
            print!("{}", identity::roles_markdown());
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "failpoints")]
        Command::Points => {
            print!("{}", kernel::points::LIST);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(work)
}
