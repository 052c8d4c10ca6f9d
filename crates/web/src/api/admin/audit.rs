//! The audit log, page by page and as a file.

use axum::extract::State;
use axum::response::IntoResponse as _;
use http::{StatusCode, header};
use identity::audit::{self, Filter, Line, PAGE_MAX};
use kernel::{AccountId, ApiKeyId, Timestamp, Uuid, limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{Query, Staff, may};
use crate::problem::Problem;

/// Lines in one file.
const EXPORTED_MAX: u32 = 10_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of this account only.
    actor: Option<Uuid>,
    /// Of this action only, as it stands in the log.
    action: Option<String>,
    /// About this object only.
    object: Option<String>,
    /// Lines on the page.
    #[param(minimum = 1, maximum = 500, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct From {
    /// Begin behind the line with this `seq`.
    after: Option<i64>,
}

/// A line of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditLine)]
struct LineBody {
    /// 1, 2, 3 …
    seq: i64,
    at: Timestamp,
    /// What is begun and what ends has the same.
    operation: Uuid,
    /// `begun`: about to be carried out. `ended`: it is over. `noted`: it happened. What was begun
    /// and has no end was cut short, and may have happened.
    stage: String,
    /// Who.
    actor: Option<AccountId>,
    /// With which key of the API.
    api_key: Option<ApiKeyId>,
    /// A method and a route, or the name of an event: `sign-in`.
    #[schema(example = "POST /admin/orders/{id}/refunds")]
    action: String,
    /// What it was done to.
    object: String,
    /// `done`, or the code of a refusal; empty where it was only begun.
    outcome: String,
    /// More about it.
    #[schema(value_type = Object)]
    facts: Value,
    /// The hash of the line before.
    previous: String,
    /// SHA-256 in hex, of a JSON list of all of this in this order; times in microseconds since
    /// 1970, `facts` as text.
    hash: String,
}

/// Lines, the newest first.
#[derive(Serialize, ToSchema)]
struct AuditPage {
    items: Vec<LineBody>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl LineBody {
    fn of(line: Line) -> Self {
        Self {
            seq: line.seq,
            at: line.at,
            operation: line.operation,
            stage: line.stage,
            actor: line.actor,
            api_key: line.api_key,
            action: line.action,
            object: line.object,
            outcome: line.outcome,
            facts: serde_json::from_str(&line.facts).unwrap_or(Value::String(line.facts)),
            previous: line.previous,
            hash: line.hash,
        }
    }
}

/// What the people of the shop did and what happened to their accounts, the newest first.
#[utoipa::path(
    get, path = "/admin/audit", tag = "staff", security(("token" = [])), params(Wanted),
    responses((status = 200, description = "A page", body = AuditPage))
)]
async fn list(
    State(app): State<App>,
    _: Staff<may::SeeAudit>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let limit = wanted.limit.unwrap_or(limits::PAGE_SIZE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::refused(&catalog::CatalogRefusal::LimitInvalid { max: PAGE_MAX }));
    }
    let before = wanted.cursor.map(|cursor| cursor.parse::<i64>()).transpose().map_err(|_| {
        let detail = "the cursor is not one that a page gave: start from the first page";
        Problem::new(StatusCode::BAD_REQUEST, "cursor-invalid", detail)
    })?;
    let filter = Filter {
        actor: wanted.actor.map(AccountId),
        action: wanted.action,
        object: wanted.object,
        before,
    };
    let mut lines = app.shop.db.read(move |read| audit::page(read, &filter, limit + 1)).await?;
    let more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let next_cursor = lines.last().filter(|_| more).map(|line| line.seq.to_string());
    Ok(ok(&AuditPage { items: lines.into_iter().map(LineBody::of).collect(), next_cursor }))
}

/// The log as JSON Lines, oldest first, ten thousand lines at a time. Ask again with the `seq` of
/// the last one in `after`, until nothing comes.
#[utoipa::path(
    get, path = "/admin/audit/export", tag = "staff", security(("token" = [])), params(From),
    responses((
        status = 200, description = "A line of JSON for each", body = String,
        content_type = "application/jsonl",
    ))
)]
async fn export(
    State(app): State<App>,
    _: Staff<may::ExportAudit>,
    Query(From { after }): Query<From>,
) -> Answer {
    let read =
        move |read: &mut store::Read<'_>| audit::following(read, after.unwrap_or(0), EXPORTED_MAX);
    let lines = app.shop.db.read_long(read).await?;
    let mut file = String::new();
    for line in lines {
        let line = serde_json::to_string(&LineBody::of(line)).map_err(|error| {
            tracing::error!(%error, "a line of the audit log could not be written");
            Problem::internal()
        })?;
        file.push_str(&line);
        file.push('\n');
    }
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((headers, file).into_response())
}
