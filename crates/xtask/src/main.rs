//! The project's own commands, run by `cargo xtask ...`:
//! the tests with the private servers they need, and style as a test.

mod debian;
mod interrupt;
mod jwt;
mod nightly;
mod points;
mod postgres;
mod run_tests;
mod sdk;
mod supervise;
mod tidy;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use interrupt::Interrupted;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs every test on both engines, with a private PostgreSQL that is stopped at the end
    Test {
        /// Passed on to `cargo test`; `-p CRATE` there takes the place of `--workspace`
        #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Runs one command beside a private PostgreSQL, named to it in `HOLDFAST_TEST_POSTGRES`
    Postgres {
        /// The program and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Explores for hours what a change has no time for; goes on where it was interrupted
    Nightly(nightly::Nightly),
    /// Lets the providers' own libraries pay, capture and refund against the payment sandbox
    Sdk(sdk::Sdk),
    /// Lets another library read our access tokens by our published keys, and the other way round
    Jwt,
    /// Checks what the compiler does not: edges between crates, places of SQL, lengths, words
    Tidy,
    /// Searches binaries for crash points, which a shop that is handed out does not have
    Points {
        /// `target/release/holdfast`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let outcome = repository_root().and_then(|root| match Cli::parse().command {
        Command::Test { arguments } => run_tests::test(&root, &arguments),
        Command::Postgres { command } => run_tests::with_postgres(&command),
        Command::Nightly(wanted) => nightly::run(&root, &wanted),
        Command::Sdk(wanted) => sdk::run(&root, &wanted),
        Command::Jwt => jwt::run(&root),
        Command::Tidy => tidy::run(&root),
        Command::Points { files } => points::search(&root, &files),
    });
    match outcome {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("xtask: {Interrupted}, and what it started is stopped");
            ExitCode::from(interrupt::EXIT_CODE)
        }
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn repository_root() -> anyhow::Result<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    root.canonicalize().with_context(|| {
        format!("{} is gone: was the checkout moved? build xtask again", root.display())
    })
}
