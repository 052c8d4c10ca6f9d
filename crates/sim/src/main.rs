//! `cargo run --release -p sim`: see `--help`.

mod cli;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use sim::{Explore, Life, Outcome, Town, hash_of, shrink};

use cli::{Cli, command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    // What panics on the way is told at the end of the life, with everything before it.
    sim::panics::hush();
    let town = Arc::new(Town::build("").map_err(anyhow::Error::msg)?);
    let sound = match cli.lives {
        Some(lives) => explore(&cli, lives, &town)?,
        None if cli.shrink => shorten(&cli.life(), &town),
        None => tell(&cli.life(), &town),
    };
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One life, line by line.
fn tell(life: &Life, town: &Arc<Town>) -> bool {
    let Outcome { violations, operations, steps, trace } = life.live(town, true);
    for line in &trace {
        println!("{line}");
    }
    println!("\nseed {}: {operations} operations, {steps} steps", life.seed);
    println!("trace {}", hash_of(&trace));
    for violation in &violations {
        println!("BROKEN  {}: {}", violation.rule, violation.words);
    }
    if violations.is_empty() {
        println!("Everything holds.");
    } else {
        println!("Again: {}", command(life));
    }
    violations.is_empty()
}

fn shorten(life: &Life, town: &Arc<Town>) -> bool {
    let bar = ProgressBar::new_spinner();
    let shorter = shrink(life, town, |life| {
        bar.set_message(format!("{} acts, {} troubles off", life.plan().len(), life.off.len()));
        bar.tick();
    });
    bar.finish_and_clear();
    tell(&shorter, town)
}

#[expect(clippy::cast_precision_loss, reason = "counts of lives are far below 2^52")]
#[expect(clippy::disallowed_methods, reason = "the tool says how fast it is")]
fn explore(cli: &Cli, lives: u64, town: &Arc<Town>) -> anyhow::Result<bool> {
    let explore =
        Explore { from: cli.seed, lives, threads: cli.threads(), until_broken: cli.first };
    let bar = ProgressBar::new(lives).with_style(ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} lives, {per_sec}, {eta} left {msg}",
    )?);
    let begun = Instant::now();
    let mut broken = 0;
    let tally = explore.run(town, |outcome| {
        bar.inc(1);
        if !outcome.violations.is_empty() {
            broken += 1;
            bar.set_message(format!("{broken} BROKEN"));
        }
    });
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    let rate = tally.lives as f64 / seconds;
    println!(
        "{} lives of {:.0} operations in {seconds:.1} s: {rate:.0} lives/s on {} threads, \
         {} broken",
        tally.lives,
        tally.operations as f64 / (tally.lives.max(1)) as f64,
        explore.threads,
        tally.broken.len()
    );
    if let Some((seed, _)) = tally.broken.first_key_value() {
        for (seed, rule) in tally.broken.iter().take(20) {
            println!("BROKEN  seed {seed}: {rule}");
        }
        println!("\nThe first of them:\n");
        tell(&Life::of(*seed), town);
        println!("Shorter: {} --shrink", command(&Life::of(*seed)));
    }
    Ok(tally.broken.is_empty())
}
