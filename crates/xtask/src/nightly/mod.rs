//! `cargo xtask nightly`: the exploration that is too long for every change.

mod journal;
mod plan;
mod report;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt::{self, Interrupts};
use crate::supervise;

use journal::{Done, Journal};
use plan::{BUILDS, STEPS, Step};

/// How much of a night.
#[derive(Args)]
pub struct Nightly {
    /// Part of a night: 0.1 does a tenth of the pieces of each step, at least one
    #[arg(long, default_value_t = 1.0, value_name = "PART")]
    part: f64,
    /// Only these steps
    #[arg(long, value_delimiter = ',', value_name = "STEP,STEP")]
    only: Vec<String>,
    /// Forget what was done of this commit's night, and begin again
    #[arg(long)]
    fresh: bool,
    /// What the seeds of the pieces come from (default: the day)
    #[arg(long)]
    seed: Option<u64>,
    /// Show the steps and do nothing
    #[arg(long)]
    list: bool,
}

impl Nightly {
    fn pieces(&self, step: &Step) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what a step has, and a float's cast saturates"
        )]
        let pieces = (f64::from(step.pieces) * self.part).round() as u32;
        pieces.max(1)
    }

    fn steps(&self) -> anyhow::Result<Vec<&'static Step>> {
        for name in &self.only {
            ensure!(
                STEPS.iter().any(|step| step.name == name),
                "there is no step `{name}`; --list shows them"
            );
        }
        let wanted =
            |step: &&Step| self.only.is_empty() || self.only.iter().any(|name| name == step.name);
        Ok(STEPS.iter().filter(wanted).collect())
    }
}

/// Runs what is left of this commit's night; the exit code tells whether everything held.
pub fn run(root: &Path, wanted: &Nightly) -> anyhow::Result<ExitCode> {
    ensure!(wanted.part > 0.0, "--part is above 0");
    let steps = wanted.steps()?;
    if wanted.list {
        for step in steps {
            println!("{:<16} {:>3} x  {}", step.name, wanted.pieces(step), step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let commit = said(root, "git describe --always --dirty")?;
    let today = said(root, "date -u +%Y%m%d")?;
    let seed = wanted.seed.map_or_else(|| today.parse().context("the day"), Ok)?;
    let parent = root.join("target/nightly");
    let mut journal = Journal::open(&parent, &commit, seed, wanted.fresh)?;
    let interrupts = Interrupts::listen()?;
    for build in BUILDS {
        let status = supervise::run(command(root, build, 0).stderr(Stdio::inherit()), &interrupts)?;
        ensure!(status.success(), "`{build}` failed");
    }
    let about = format!(
        "Commit {commit}, seed {}, begun or gone on with on {today} (UTC), {}.",
        journal.seed,
        said(root, "uname -srm")?
    );
    let outcome = pieces(root, wanted, &steps, &mut journal, &interrupts, &about);
    let path = journal.folder.join("report.md");
    println!("{}", path.display());
    outcome?;
    let bad = journal.done.iter().any(|done| !done.good);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn pieces(
    root: &Path,
    wanted: &Nightly,
    steps: &[&'static Step],
    journal: &mut Journal,
    interrupts: &Interrupts,
    about: &str,
) -> anyhow::Result<()> {
    let all: u32 = steps.iter().map(|step| wanted.pieces(step)).sum();
    let bar = ProgressBar::new(u64::from(all));
    bar.set_style(ProgressStyle::with_template(
        "{elapsed_precise} [{bar:30}] {pos}/{len} {msg} (left: {eta})",
    )?);
    for step in steps {
        for piece in 0..wanted.pieces(step) {
            if !journal.has(step.name, piece) {
                bar.set_message(format!("{} {}", step.name, piece + 1));
                let done = one(root, step, piece, journal, interrupts)?;
                if !done.good {
                    bar.println(format!("{} {piece} FAILED: {}", step.name, done.said));
                }
                journal.note(done)?;
                let page = report::page(journal, steps, |step| wanted.pieces(step), about);
                fs::write(journal.folder.join("report.md"), page)?;
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// One piece, everything it says in a log of its own. An interrupted one is not noted.
fn one(
    root: &Path,
    step: &Step,
    piece: u32,
    journal: &Journal,
    interrupts: &Interrupts,
) -> anyhow::Result<Done> {
    // A gap wide enough for the lives of a piece, so that no two pieces live the same.
    let seed = journal.seed.wrapping_mul(1_000_000_000).wrapping_add(u64::from(piece) * 1_000_000);
    let path = journal.log(step.name, piece);
    let log = File::create(&path).with_context(|| path.display().to_string())?;
    let mut command = command(root, step.command, seed);
    command.stdout(log.try_clone()?).stderr(log);
    if let Some((name, value)) = step.environment {
        command.env(name, value);
    }
    let begun = interrupt::now();
    let status = supervise::run(&mut command, interrupts)?;
    let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())?;
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ok(Done {
        step: step.name.to_owned(),
        piece,
        good: status.success(),
        seconds: begun.elapsed().as_secs(),
        said: last.trim().chars().take(200).map(|c| if c == '\t' { ' ' } else { c }).collect(),
    })
}

/// Words between spaces are arguments; none of ours has one inside.
fn command(root: &Path, text: &str, seed: u64) -> Command {
    let seed = seed.to_string();
    let mut words =
        text.split_whitespace().map(|word| if word == "{seed}" { seed.as_str() } else { word });
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(root).stdin(Stdio::null());
    command
}

/// What a short command prints.
fn said(root: &Path, text: &str) -> anyhow::Result<String> {
    let output = command(root, text, 0).output().with_context(|| text.to_owned())?;
    if !output.status.success() {
        bail!("`{text}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(part: f64, only: &[&str]) -> Nightly {
        let only = only.iter().map(|&name| name.to_owned()).collect();
        Nightly { part, only, fresh: false, seed: Some(7), list: false }
    }

    fn step(command: &'static str) -> Step {
        Step { name: "test", what: "a test", pieces: 3, command, environment: Some(("WORD", "hi")) }
    }

    #[test]
    fn a_part_of_a_night_has_at_least_one_piece_of_each_step() {
        let some = step("true");
        let counts = [1.0, 0.5, 0.01].map(|part| night(part, &[]).pieces(&some));
        assert_eq!(counts, [3, 2, 1]);
    }

    #[test]
    fn a_step_that_is_not_there_is_refused_by_name() {
        assert_eq!(night(1.0, &["power"]).steps().unwrap().len(), 1);
        let refused = night(1.0, &["powre"]).steps().map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("`powre`"), "{refused}");
    }

    #[test]
    fn a_piece_that_fails_is_told_and_the_night_goes_on() {
        let parent = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(parent.path(), "abc", 7, false).unwrap();
        let (_keep, interrupts) = Interrupts::for_tests();
        fs::write(parent.path().join("good"), "echo $WORD $1").unwrap();
        fs::write(parent.path().join("bad"), "echo one; echo ' two | three '; exit 3").unwrap();
        let (good, bad) = (step("sh good {seed}"), step("sh bad"));
        for (step, piece) in [(&good, 0), (&bad, 1)] {
            let done = one(parent.path(), step, piece, &journal, &interrupts).unwrap();
            journal.note(done).unwrap();
        }
        assert_eq!(journal.done[0].said, "hi 7000000000");
        assert!(journal.done[0].good && !journal.done[1].good);
        let page = report::page(&journal, &[&good], |step| step.pieces, "About.");
        assert!(page.contains("1 of 2 pieces FAILED"), "{page}");
        assert!(page.contains("| test | a test | 1 | 1 | 3 | 0 | two / three |"), "{page}");
        assert!(page.contains("test-1.log"), "{page}");
    }
}
