//! Everybody's orders, and moving them on.

use axum::extract::State;
use kernel::{AccountId, OrderId};
use orders::Order;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, ok};
use crate::api::orders::{OrderBody, PageOf, Summary, find, page};
use crate::extract::{IdempotencyKey, Json, Query, Segment, Staff, id, may};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(advance))
}

/// An order in a line, with whose it is.
#[derive(Serialize, ToSchema)]
pub(super) struct StaffSummary {
    #[serde(flatten)]
    summary: Summary,
    customer_id: AccountId,
}

/// A page of everybody's orders, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct StaffOrderList {
    items: Vec<StaffSummary>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// Where the order goes.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Advance {
    to: Step,
}

/// The steps that staff take.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FulfilmentStep)]
enum Step {
    Packed,
    Shipped,
    Delivered,
}

impl From<Order> for StaffSummary {
    fn from(order: Order) -> Self {
        Self { customer_id: order.customer_id, summary: order.into() }
    }
}

/// Everybody's orders, newest first.
#[utoipa::path(
    get, path = "/admin/orders", tag = "staff", security(("token" = [])), params(PageOf),
    responses((status = 200, description = "A page", body = StaffOrderList))
)]
async fn list(
    State(app): State<App>,
    _: Staff<may::SeeOrders>,
    Query(of): Query<PageOf>,
) -> Answer {
    let (limit, before) = of.place()?;
    let read = app.shop.db.read(move |read| orders::page_of_all(read, before, limit));
    Ok(page::<StaffSummary>(read.await?))
}

/// Anybody's order, with all that belongs to it.
#[utoipa::path(
    get, path = "/admin/orders/{id}", tag = "staff", security(("token" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "The order", body = OrderBody))
)]
async fn show(State(app): State<App>, _: Staff<may::SeeOrders>, order: Segment) -> Answer {
    Ok(ok(&find(&app.shop, id(&order, "order")?, None).await?))
}

/// Take an order a step further: `packed`, `shipped`, `delivered`.
#[utoipa::path(
    post, path = "/admin/orders/{id}/advance", tag = "staff", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = Advance,
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 409, description = "`order-state`"),
    )
)]
async fn advance(
    State(app): State<App>,
    staff: Staff<may::MoveOrders>,
    order: Segment,
    key: IdempotencyKey,
    Json(wish): Json<Advance>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(staff.id, "admin.orders.advance", &order.to_string(), &wish);
    let to = match wish.to {
        Step::Packed => orders::State::Packed,
        Step::Shipped => orders::State::Shipped,
        Step::Delivered => orders::State::Delivered,
    };
    app.shop.advance(staff.id, order, to, key).await?;
    tracing::info!(staff = %staff.id, %order, %to, "an order was moved on");
    Ok(ok(&find(&app.shop, order, None).await?))
}
