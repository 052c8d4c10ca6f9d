//! `holdfast notices`

use std::process::ExitCode;

use anyhow::{Context, bail};
use kernel::{Env, NoticeId};
use payments::GivenUp;

use crate::cli::NoticesCommand;
use crate::config::Config;
use crate::running::open_database;

/// Notices read at once.
const PAGE: i64 = 500;

pub(super) async fn run(command: NoticesCommand) -> anyhow::Result<ExitCode> {
    match command {
        NoticesCommand::List { json, settings } => list(&Config::load(&settings)?, json).await,
        NoticesCommand::Replay { ids, settings } => replay(&Config::load(&settings)?, &ids).await,
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let db = open_database(config)?;
    let mut before = None;
    loop {
        let page = db.read(move |read| payments::notices_given_up(read, before, PAGE)).await?;
        if before.is_none() && page.is_empty() && !json {
            println!("No notice was given up.");
        }
        before = page.last().map(|notice| notice.id);
        for notice in &page {
            println!("{}", line(notice, json));
        }
        if before.is_none() {
            break;
        }
    }
    db.close();
    Ok(ExitCode::SUCCESS)
}

fn line(notice: &GivenUp, json: bool) -> String {
    let GivenUp { id, gateway, reference, received_at, tries, effect, .. } = notice;
    if json {
        return serde_json::json!({
            "id": id, "gateway": gateway, "reference": reference, "received_at": received_at,
            "tries": tries, "why": effect, "payment_id": notice.attempt_id,
            "body": notice.body, "headers": notice.headers.0, "source": notice.source,
        })
        .to_string();
    }
    let reference = reference.as_deref().unwrap_or("-");
    format!("{id}  {received_at:.0}  {gateway:<12} {reference}  {effect}")
}

async fn replay(config: &Config, ids: &[String]) -> anyhow::Result<ExitCode> {
    let parse = |id: &String| -> anyhow::Result<NoticeId> {
        id.parse().with_context(|| format!("`{id}` is not the id of a notice"))
    };
    let wanted: Vec<NoticeId> = ids.iter().map(parse).collect::<Result<_, _>>()?;
    let (db, now) = (open_database(config)?, Env::system().now());
    let mut missed = Vec::new();
    for id in wanted {
        if db.write(move |tx| payments::replay_notice(tx, id, now)).await? {
            println!("{id}: the shop looks into it again");
        } else {
            missed.push(id.to_string());
        }
    }
    db.close();
    if !missed.is_empty() {
        bail!("not given up, or not there: {}", missed.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}
