//! The attack kit: tries what people try on shops, from outside, and says what came of it.
//!
//! It knows the shop's published contract and nothing else. Races are sent so that all requests
//! become complete in the same moment. After each round the shop's books are verified, where they
//! can be seen.

mod ask;
mod bank;
mod case;
mod kit;
mod later;
mod markdown;
mod on;
mod page;
mod proof;
mod report;
#[cfg(test)]
mod tests;
mod wire;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::ProgressBar;

use crate::api;
use crate::cli;
use crate::client::Connection;
use crate::clock::now;
use crate::drive::style;
use crate::scene::Draw;
use crate::shop::Shop;

use case::{Attack, Sheet};
use kit::{Effort, Kit};
use report::{Entry, Report};

/// People who take part in races.
const PEOPLE: usize = 50;
/// An attack that takes longer has got stuck.
const ATTACK_MAX: Duration = Duration::from_mins(10);

/// Runs what the command line asks for; true when nothing got through.
pub async fn run(arguments: cli::Attack) -> anyhow::Result<bool> {
    let attacks = chosen(&arguments.only)?;
    if arguments.list {
        list(&attacks);
        return Ok(true);
    }
    let draw = Draw::new(arguments.common.seed);
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 5 } else { 50 });
    let db_delay = arguments.common.db_delay.unwrap_or_default();
    let effort = Effort { rounds, quick: arguments.quick, db_delay };
    let (shop, secret) = open(&arguments, draw).await?;
    // Only races meet a slow database: what comes before and after them is not what is tried.
    shop.carry_late(Duration::ZERO);
    let kit = Kit::open(shop, draw, effort, PEOPLE, secret).await?;
    let report = carry_out(&kit, &attacks).await;
    let mut shop = kit.shop;
    shop.stop().await?;
    if arguments.common.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.table(arguments.cases));
    }
    if let Some(path) = &arguments.json_file {
        write(path, &serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(path) = &arguments.html {
        write(path, &page::page(&report))?;
    }
    if let Some(path) = &arguments.markdown {
        markdown::write(&report, path)?;
    }
    Ok(report.is_good())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
}

/// The attacks with these numbers; all when none is named.
fn chosen(only: &[String]) -> anyhow::Result<Vec<&'static Attack>> {
    let all = on::all();
    if only.is_empty() {
        return Ok(all);
    }
    for id in only {
        let known = all.iter().any(|attack| attack.id.eq_ignore_ascii_case(id));
        ensure!(known, "there is no attack {id}; `load attack --list` shows all");
    }
    let wanted = |attack: &&Attack| only.iter().any(|id| attack.id.eq_ignore_ascii_case(id));
    Ok(all.into_iter().filter(wanted).collect())
}

fn list(attacks: &[&Attack]) {
    for attack in attacks {
        println!("{}  {}", attack.id, attack.name);
    }
    println!("\nWith what they aim at:");
    for (id, what, with) in later::LATER {
        println!("{id}  {what} (with {with})");
    }
}

/// The shop to attack, and the secret of its payment sandbox where that is known.
async fn open(arguments: &cli::Attack, draw: Draw) -> anyhow::Result<(Shop, Option<String>)> {
    let mut common = arguments.common.clone();
    if let Some(url) = &common.target {
        let address = proof::allowed(url, arguments.proof.as_deref(), draw).await?;
        let admin = common.admin.as_deref().and_then(|admin| admin.split_once(':'));
        let (email, password) = admin.context("--admin is given as email:password")?;
        let admin = api::log_in(&mut Connection::to(address), email, password).await?;
        let shop = Shop::visited(&common, address, admin).await?;
        return Ok((shop, arguments.sandbox_secret.clone()));
    }
    let secret = format!("{:016x}", draw.stranger(0));
    // Passwords cost what they cost in a real shop: that is attacked too.
    let own = [
        "identity.password_memory_kib=19456".to_owned(),
        "identity.password_passes=2".to_owned(),
        format!("sandbox.secret={secret}"),
    ];
    common.settings.splice(0..0, own);
    Ok((Shop::open(&common, &draw.name()).await?, Some(secret)))
}

async fn carry_out(kit: &Kit, attacks: &[&'static Attack]) -> Report {
    let bar = ProgressBar::new(attacks.len() as u64);
    bar.set_style(style());
    bar.set_prefix("attacking");
    let begun = now();
    let mut entries = Vec::new();
    for attack in attacks {
        bar.set_message(format!("{} {}", attack.id, attack.name));
        let (mut sheet, since) = (Sheet::new(attack.id), now());
        let outcome = tokio::time::timeout(ATTACK_MAX, (attack.run)(kit, &mut sheet)).await;
        let outcome = outcome
            .unwrap_or_else(|_| Err(anyhow::anyhow!("not done within {} s", ATTACK_MAX.as_secs())));
        if let Err(error) = outcome {
            sheet.broke_off(&error);
        }
        let seconds = since.elapsed().as_secs_f64();
        let Sheet { cases, .. } = sheet;
        entries.push(Entry { id: attack.id, name: attack.name, seconds, cases });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Report {
        target: format!("http://{}", kit.address()),
        engine: kit.shop.engine,
        rounds: kit.effort.rounds,
        quick: kit.effort.quick,
        seed: kit.draw.seed,
        db_delay_ms: kit.effort.db_delay.as_millis(),
        seconds: begun.elapsed().as_secs_f64(),
        attacks: entries,
    }
}
