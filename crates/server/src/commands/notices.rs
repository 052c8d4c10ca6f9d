//! `holdfast notices`

use std::process::ExitCode;

use anyhow::{Context, bail};
use kernel::{Env, NoticeId};
use payments::{GivenUp, Retried};

use crate::cli::NoticesCommand;
use crate::config::Config;
use crate::running::{look_into_database, open_database};

/// Notices read at once.
const PAGE: i64 = 500;

pub(super) async fn run(command: NoticesCommand) -> anyhow::Result<ExitCode> {
    match command {
        NoticesCommand::List { waiting, json, settings } => {
            let config = Config::load(&settings)?;
            if waiting { list_waiting(&config, json).await } else { list(&config, json).await }
        }
        NoticesCommand::Replay { ids, settings } => replay(&Config::load(&settings)?, &ids).await,
    }
}

async fn list_waiting(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let db = look_into_database(config)?;
    let mut before = None;
    loop {
        let page = db.read(move |read| payments::notices_waiting(read, before, PAGE)).await?;
        if before.is_none() && page.is_empty() && !json {
            println!("No notice waits for another try.");
        }
        before = page.last().map(|notice| notice.id);
        for notice in &page {
            println!("{}", line_waiting(notice, json));
        }
        if before.is_none() {
            break;
        }
    }
    db.close();
    Ok(ExitCode::SUCCESS)
}

fn line_waiting(notice: &Retried, json: bool) -> String {
    let Retried { id, gateway, reference, received_at, tries, due_at, .. } = notice;
    if json {
        return serde_json::json!({
            "id": id, "gateway": gateway, "reference": reference, "received_at": received_at,
            "tries": tries, "due_at": due_at, "payment_id": notice.attempt_id,
            "body": notice.body, "headers": notice.headers.0, "source": notice.source,
        })
        .to_string();
    }
    let reference = reference.as_deref().unwrap_or("-");
    let word = if *tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") };
    format!("{id}  {received_at:.0}  {gateway:<12} {reference}  {word}, again at {due_at:.0}")
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let db = look_into_database(config)?;
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
