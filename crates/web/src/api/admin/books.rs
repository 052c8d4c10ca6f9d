//! Gateways' books beside ours, and what of the money waits for a person.

use axum::extract::State;
use http::StatusCode;
use jobs::{CannotCompare, Compared, Mended};
use kernel::{AttemptId, Date, Money, OrderId, RefundId, Timestamp};
use payments::{Break, Concern};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::money::one_line;
use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{IdempotencyKey, Json, Segment, Staff, may};
use crate::problem::Problem;

/// Concerns on the list.
const SHOWN: usize = 500;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(attend))
        .routes(routes!(compare))
        .routes(routes!(mend))
}

/// Something that waits for a person. Nothing else waits for it.
#[derive(Serialize, ToSchema)]
#[schema(as = Concern)]
struct ConcernBody {
    /// What it goes by, when somebody says that it was seen to.
    #[schema(example = "dispute stripe du_3Q0PvF open")]
    subject: String,
    /// `review`, `unmatched`, `dispute`, `refund`, `books`.
    #[schema(example = "dispute")]
    why: &'static str,
    gateway: String,
    /// The gateway's id of what it is about.
    reference: Option<String>,
    /// The try to pay that it is about.
    payment_id: Option<AttemptId>,
    order_id: Option<OrderId>,
    amount: Option<Money>,
    /// What is the matter, in words.
    matter: String,
    since: Timestamp,
}

/// What waits for a person, the longest waiting first; the first five hundred.
#[derive(Serialize, ToSchema)]
struct ConcernList {
    items: Vec<ConcernBody>,
}

/// What was seen to.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Attend {
    /// The concern's `subject`.
    subject: String,
    /// What was done, in a line.
    #[schema(example = "answered with the delivery note")]
    note: String,
}

/// It is off the list.
#[derive(Serialize, ToSchema)]
struct Attended {
    subject: String,
}

/// A difference between the books.
#[derive(Serialize, ToSchema)]
#[schema(as = BookDifference)]
struct DifferenceBody {
    /// `missing_local`, `missing_remote`, `duplicate`, `amount`, `currency`, `status`, `refund`,
    /// `fee`.
    class: &'static str,
    /// The gateway's id of the payment.
    reference: Option<String>,
    payment_id: Option<AttemptId>,
    order_id: Option<OrderId>,
    refund_id: Option<RefundId>,
    /// What our books say.
    ours: String,
    /// What the gateway's say.
    theirs: String,
    /// What it means, in words.
    means: &'static str,
    /// What can be done about it, in words.
    advice: &'static str,
    /// Whether it can be mended without a person.
    mendable: bool,
    /// What mending it came to, where it was tried.
    did: Option<String>,
}

/// A day's books at one gateway.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedBooks)]
struct ComparedBody {
    gateway: &'static str,
    /// Payments of ours on that day.
    ours: usize,
    /// Payments of theirs.
    theirs: usize,
    /// Refunds of theirs.
    refunds: usize,
    differences: Vec<DifferenceBody>,
}

/// A day's books at every gateway that shows its own.
#[derive(Serialize, ToSchema)]
#[schema(as = ComparedDay)]
struct DayBody {
    #[schema(value_type = String, format = Date, example = "2027-01-31")]
    day: String,
    items: Vec<ComparedBody>,
}

impl From<Concern> for ConcernBody {
    fn from(concern: Concern) -> Self {
        Self {
            subject: concern.subject,
            why: concern.why.as_str(),
            gateway: concern.gateway,
            reference: concern.reference,
            payment_id: concern.payment_id,
            order_id: concern.order_id,
            amount: concern.amount,
            matter: concern.matter,
            since: concern.since,
        }
    }
}

impl DifferenceBody {
    fn of(found: Break, did: Option<String>) -> Self {
        Self {
            class: found.class.as_str(),
            reference: found.reference,
            payment_id: found.attempt_id,
            order_id: found.order_id,
            refund_id: found.refund_id,
            ours: found.ours,
            theirs: found.theirs,
            means: found.means,
            advice: found.fix.says(),
            mendable: found.fix != payments::Fix::LookThere,
            did,
        }
    }
}

impl DayBody {
    fn of(day: Date, all: Vec<Compared>, mended: Vec<Mended>) -> Self {
        let mut did = mended.into_iter().map(|mended| mended.did);
        let items = all.into_iter().map(|it| ComparedBody {
            gateway: it.gateway,
            ours: it.ours,
            theirs: it.theirs,
            refunds: it.refunds,
            differences: it
                .breaks
                .into_iter()
                .map(|found| DifferenceBody::of(found, did.next()))
                .collect(),
        });
        Self { day: day.to_string(), items: items.collect() }
    }
}

/// What waits for a person: payments in review, money for nothing this shop knows, disputes,
/// refunds that hang or failed, days whose books differ.
#[utoipa::path(
    get, path = "/admin/concerns", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "The first five hundred", body = ConcernList))
)]
async fn list(State(app): State<App>, _: Staff<may::SeeConcerns>) -> Answer {
    let now = app.shop.env.now();
    let read = app.shop.db.read(move |read| payments::concerns(read, now, SHOWN)).await?;
    Ok(ok(&ConcernList { items: read.into_iter().map(Into::into).collect() }))
}

/// Take a concern off the list: somebody has seen to it. Nothing is done to any money.
#[utoipa::path(
    post, path = "/admin/concerns/attend", tag = "staff", security(("token" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names this one wish")),
    request_body = Attend,
    responses((status = 200, description = "It is off the list", body = Attended))
)]
async fn attend(
    State(app): State<App>,
    staff: Staff<may::AttendConcerns>,
    // Said twice it is said once.
    _: IdempotencyKey,
    Json(wish): Json<Attend>,
) -> Answer {
    let (actor, now) = (staff.id, app.shop.env.now());
    let (subject, note) = (one_line("subject", &wish.subject)?, one_line("note", &wish.note)?);
    let said = subject.clone();
    let write = move |tx: &mut store::Tx<'_>| payments::attend(tx, &said, actor, &note, now);
    if app.shop.db.write(write).await? {
        tracing::info!(staff = %actor, subject, "a concern was seen to");
    }
    Ok(ok(&Attended { subject }))
}

/// Compare a day's books with those of the gateways; changes nothing. The gateways are asked, so
/// it may take a while.
#[utoipa::path(
    get, path = "/admin/books/{day}", tag = "staff", security(("token" = [])),
    params(("day" = String, Path, description = "A day, `2027-01-31`")),
    responses(
        (status = 200, description = "Every difference", body = DayBody),
        (status = 404, description = "`not-found`: that is no day"),
        (status = 502, description = "`books-closed`: a gateway did not show its books"),
    )
)]
async fn compare(State(app): State<App>, _: Staff<may::SeeBooks>, day: Segment) -> Answer {
    let day = read_day(&day)?;
    let all = app.cashier.compare_day(day, &|_, _| {}).await.map_err(closed)?;
    Ok(ok(&DayBody::of(day, all, Vec::new())))
}

/// Compare a day's books, and do about each difference what can be done without a person: ask the
/// gateway again and take in what it says, book what it kept and what went back there. Doing it
/// twice does it once.
#[utoipa::path(
    post, path = "/admin/books/{day}/mend", tag = "staff", security(("token" = [])),
    params(
        ("day" = String, Path, description = "A day, `2027-01-31`"),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    responses(
        (status = 200, description = "Every difference, and what came of it", body = DayBody),
        (status = 404, description = "`not-found`: that is no day"),
        (status = 502, description = "`books-closed`: a gateway did not show its books"),
    )
)]
async fn mend(
    State(app): State<App>,
    staff: Staff<may::MendBooks>,
    day: Segment,
    // Mending twice does what mending once does.
    _: IdempotencyKey,
) -> Answer {
    let day = read_day(&day)?;
    tracing::info!(staff = %staff.id, %day, "a day's books are mended");
    let (all, mended) = app.cashier.mend_day(day, &|_, _| {}).await.map_err(closed)?;
    Ok(ok(&DayBody::of(day, all, mended)))
}

fn read_day(Segment(day): &Segment) -> Result<Date, Problem> {
    day.parse().map_err(|_| Problem::not_found("day"))
}

fn closed(error: CannotCompare) -> Problem {
    match error {
        CannotCompare::Ours(fault) => fault.into(),
        error => Problem::new(StatusCode::BAD_GATEWAY, "books-closed", error.to_string()),
    }
}
