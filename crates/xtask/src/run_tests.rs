//! `cargo xtask test` and `cargo xtask postgres`: a command beside the servers it needs.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context as _;

use crate::debian::{self, Need};
use crate::interrupt::Interrupts;
use crate::postgres::PrivatePostgres;
use crate::supervise::{self, Family};

/// Where the tests find PostgreSQL: the URL of a superuser.
const POSTGRES_VARIABLE: &str = "HOLDFAST_TEST_POSTGRES";
/// Where the browser tests find the browser: the path of the program.
const CHROMIUM_VARIABLE: &str = "HOLDFAST_TEST_CHROMIUM";

/// A browser's helper processes take a moment to notice that it is gone.
const STRAGGLERS_LIMIT: Duration = Duration::from_secs(2);

/// Runs the tests, all of them unless the arguments for `cargo test` choose packages.
pub fn test(root: &Path, arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let interrupts = Interrupts::listen()?;
    debian::provide(&[Need::Postgres, Need::Chromium], &interrupts)?;
    let mut command = Command::new("cargo");
    command.arg("test").args(cargo_test_arguments(arguments));
    command.current_dir(root).env(CHROMIUM_VARIABLE, debian::chromium()?);
    run_beside_postgres(&mut command, &interrupts)
}

/// Runs any command beside a private PostgreSQL, where the caller stands.
pub fn with_postgres(command: &[OsString]) -> anyhow::Result<ExitCode> {
    let (program, arguments) = command.split_first().context("there is no command to run")?;
    let interrupts = Interrupts::listen()?;
    debian::provide(&[Need::Postgres], &interrupts)?;
    run_beside_postgres(Command::new(program).args(arguments), &interrupts)
}

fn run_beside_postgres(command: &mut Command, interrupts: &Interrupts) -> anyhow::Result<ExitCode> {
    eprintln!("xtask: starting a private PostgreSQL");
    let postgres = PrivatePostgres::start(interrupts)?;
    let url = postgres.url();
    eprintln!("xtask: {POSTGRES_VARIABLE}={url}");

    let family = Family::named(&postgres.folder().display().to_string());
    family.adopt(command);
    command.env(POSTGRES_VARIABLE, url);
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_xtask(name)) {
        command.env_remove(name);
    }
    eprintln!("xtask: running {}", spelled(command));
    let outcome = supervise::run(command, interrupts);
    let patience = if outcome.is_ok() { STRAGGLERS_LIMIT } else { Duration::ZERO };
    family.stop(patience, interrupts);
    eprintln!("xtask: stopping PostgreSQL");
    drop(postgres);
    Ok(ExitCode::from(exit_code(outcome?)))
}

/// What follows `cargo test`: chosen packages take the place of the whole workspace.
fn cargo_test_arguments(arguments: &[OsString]) -> Vec<OsString> {
    let mut all = vec![OsString::from("--locked")];
    let cargos_own = arguments.iter().take_while(|argument| *argument != "--");
    if !cargos_own.map(OsString::as_os_str).any(chooses_packages) {
        all.push("--workspace".into());
    }
    all.extend_from_slice(arguments);
    all
}

fn chooses_packages(argument: &OsStr) -> bool {
    let Some(argument) = argument.to_str() else { return false };
    let long = ["--package", "--workspace", "--all", "--manifest-path"];
    let name = argument.split_once('=').map_or(argument, |(name, _)| name);
    long.contains(&name) || (argument.starts_with("-p") && !argument.starts_with("--"))
}

/// `cargo run` tells a program about its own package. Build scripts of other packages watch these
/// variables, and would run again each time a build comes from here instead of from the shell.
fn describes_xtask(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"].contains(&&*name)
}

/// The command as a person would type it.
fn spelled(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// The program's exit code; one that died of a signal counts as shells count it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Vec<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        cargo_test_arguments(&words).iter().map(|word| word.to_string_lossy().into()).collect()
    }

    #[test]
    fn everything_is_tested_unless_packages_are_chosen() {
        assert_eq!(arguments(&[]), ["--locked", "--workspace"]);
        assert_eq!(arguments(&["a_test"]), ["--locked", "--workspace", "a_test"]);
        assert_eq!(arguments(&["-p", "kernel"]), ["--locked", "-p", "kernel"]);
        assert_eq!(arguments(&["-pkernel"]), ["--locked", "-pkernel"]);
        assert_eq!(arguments(&["--package=kernel"]), ["--locked", "--package=kernel"]);
        assert_eq!(arguments(&["--workspace"]), ["--locked", "--workspace"]);
    }

    #[test]
    fn what_is_for_the_test_programs_chooses_nothing() {
        let all = arguments(&["--", "-p", "--nocapture"]);
        assert_eq!(all, ["--locked", "--workspace", "--", "-p", "--nocapture"]);
        assert_eq!(
            arguments(&["--profile", "dev"]),
            ["--locked", "--workspace", "--profile", "dev"]
        );
    }

    #[test]
    fn only_what_describes_this_package_is_withheld() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO"] {
            assert!(describes_xtask(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_TERM_COLOR", "PATH"] {
            assert!(!describes_xtask(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_signal_counts_as_shells_count_it() {
        assert_eq!(exit_code(ExitStatus::from_raw(0)), 0);
        assert_eq!(exit_code(ExitStatus::from_raw(101 << 8)), 101);
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 137);
    }
}
