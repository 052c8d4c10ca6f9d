//! What payment gateways sent, and nobody could make anything of.

use axum::extract::State;
use http::StatusCode;
use kernel::{AttemptId, NoticeId, Timestamp};
use payments::GivenUp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{IdempotencyKey, Segment, Staff, id, may};
use crate::problem::Problem;

/// Notices on the list.
const SHOWN: i64 = 100;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replay))
}

/// A notice that was tried too often.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
struct NoticeBody {
    id: NoticeId,
    gateway: String,
    /// The gateway's id of what it is about.
    reference: Option<String>,
    /// The try to pay that it is about, where that is known.
    payment_id: Option<AttemptId>,
    /// The body, as it came.
    body: String,
    /// The headers that were kept.
    #[schema(value_type = Object)]
    headers: serde_json::Value,
    /// The address it came from.
    source: Option<String>,
    received_at: Timestamp,
    tries: i64,
    /// Why it was given up.
    why: String,
}

/// Notices that were given up, the newest first; the first hundred.
#[derive(Serialize, ToSchema)]
struct NoticeList {
    items: Vec<NoticeBody>,
}

/// A notice that is looked into again.
#[derive(Serialize, ToSchema)]
struct Replayed {
    id: NoticeId,
}

impl From<GivenUp> for NoticeBody {
    fn from(notice: GivenUp) -> Self {
        Self {
            id: notice.id,
            gateway: notice.gateway,
            reference: notice.reference,
            payment_id: notice.attempt_id,
            body: notice.body,
            headers: notice.headers.0,
            source: notice.source,
            received_at: notice.received_at,
            tries: notice.tries,
            why: notice.effect,
        }
    }
}

/// Notices of gateways that were tried so often that a person has to look, the newest first.
#[utoipa::path(
    get, path = "/admin/notices", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "The first hundred", body = NoticeList))
)]
async fn list(State(app): State<App>, _: Staff<may::SeeConcerns>) -> Answer {
    let read = app.shop.db.read(|read| payments::notices_given_up(read, None, SHOWN)).await?;
    Ok(ok(&NoticeList { items: read.into_iter().map(Into::into).collect() }))
}

/// Have a notice looked into again, as if it had just come.
#[utoipa::path(
    post, path = "/admin/notices/{id}/replay", tag = "staff", security(("token" = [])),
    params(
        ("id" = NoticeId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    responses(
        (status = 200, description = "It is looked into", body = Replayed),
        (status = 409, description = "`notice-waits`: it was not given up"),
    )
)]
async fn replay(
    State(app): State<App>,
    staff: Staff<may::AttendConcerns>,
    notice: Segment,
    // Looking into a notice twice does what looking into it once does.
    _: IdempotencyKey,
) -> Answer {
    let id: NoticeId = id(&notice, "notice")?;
    let now = app.shop.env.now();
    if !app.shop.db.write(move |tx| payments::replay_notice(tx, id, now)).await? {
        let detail = "this notice was not given up: it waits to be looked into, or is not there";
        return Err(Problem::new(StatusCode::CONFLICT, "notice-waits", detail));
    }
    tracing::info!(staff = %staff.id, notice = %id, "a notice is looked into again");
    Ok(ok(&Replayed { id }))
}
