//! Orders: placed from a quote, looked at, called off.

mod body;

use axum::extract::State;
use axum::response::Response;
use flows::{Refusal, Shop};
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{AccountId, Error, OrderId, limits};
use orders::Order;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok};
use crate::extract::{
    Caller, IdempotencyKey, Json, MaybeJson, OptionalKey, Query, Segment, cursor, id,
};
use crate::problem::Problem;
use crate::ways;

use body::Summaries;
pub(super) use body::{OrderBody, RefundBody, Summary};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(place, list)).routes(routes!(show)).routes(routes!(cancel))
}

/// Says that the answer was given before.
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The order to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaceOrder)]
struct Place {
    /// The quote's `token`.
    quote: String,
    /// One of the quote's `payment_methods`.
    #[schema(example = "sandbox")]
    payment_method: String,
}

/// Nothing: `{}`, or no body at all.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageOf {
    /// Items on the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The order with this id: anybody's when `customer` is none.
pub(super) async fn find(
    shop: &Shop,
    id: OrderId,
    customer: Option<AccountId>,
) -> Result<OrderBody, Problem> {
    let found = shop
        .db
        .read(move |read| {
            let order = orders::find(read, id)?;
            let theirs = |order: &Order| customer.is_none_or(|id| id == order.customer_id);
            order.filter(theirs).map(|order| OrderBody::read(read, order)).transpose()
        })
        .await?;
    found.ok_or_else(|| Problem::not_found("order"))
}

/// The same for its owner, with the link that shows it to whoever has it.
async fn own(app: &App, id: OrderId, customer: AccountId) -> Result<OrderBody, Problem> {
    let mut order = find(&app.shop, id, Some(customer)).await?;
    let path = format!("o/{id}?key={}", app.shop.order_key(id));
    order.link = app.public_url.join(&path).ok().map(Into::into);
    Ok(order)
}

impl PageOf {
    /// Items on the page, and the order it begins behind.
    pub(super) fn place(&self) -> Result<(u32, Option<OrderId>), Problem> {
        let (limit, max) = (self.limit.unwrap_or(limits::PAGE_SIZE_DEFAULT), limits::PAGE_SIZE_MAX);
        if !(1..=max).contains(&limit) {
            return Err(Problem::refused(&catalog::CatalogRefusal::LimitInvalid { max }));
        }
        Ok((limit, cursor(self.cursor.as_deref())?))
    }
}

/// A page as it is sent.
pub(super) fn page<T: Serialize + From<Order>>(page: orders::Page) -> Response {
    #[derive(Serialize)]
    struct Items<T> {
        items: Vec<T>,
        next_cursor: Option<OrderId>,
    }
    let items: Vec<T> = page.orders.into_iter().map(Into::into).collect();
    ok(&Items { items, next_cursor: page.next })
}

/// Place the order a quote promises. The quote's id becomes the order's and is its idempotency
/// key: the same request again answers the same order.
#[utoipa::path(
    post, path = "/orders", tag = "orders", security(("token" = [])), request_body = Place,
    params((
        "Idempotency-Key" = Option<String>, Header,
        description = "May be left out; if not, the quote's id"
    )),
    responses(
        (status = 201, description = "Placed", body = Summary),
        (
            status = 200, description = "Placed before: this is that order", body = Summary,
            headers(("Idempotent-Replayed" = String, description = "`true`"))
        ),
        (status = 404, description = "`not-found`: the quote is somebody else's"),
        (
            status = 409,
            description = "`out-of-stock`, `quote-expired`, `quote-changed`, `cart-changed`, \
                           `cart-already-ordered`"
        ),
    )
)]
async fn place(
    State(app): State<App>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    Json(wish): Json<Place>,
) -> Answer {
    kernel::crash_point!("web.order-wanted");
    if let Some(IdempotencyKey(key)) = key {
        let quote = app.shop.open_quote(&wish.quote).map_err(Error::Refused)?;
        if !key.eq_ignore_ascii_case(&quote.id.to_string()) {
            let detail = "the `Idempotency-Key` of an order is the id of its quote, or is left out";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "idempotency-key-mismatch", detail));
        }
    }
    ways::fit(&app, &wish.quote, &wish.payment_method).await?;
    let placed = app.shop.place(caller.id(), &wish.quote, &wish.payment_method).await?;
    if !placed.replayed {
        return Ok(created(&Summary::from(placed)));
    }
    let mut answer = ok(&Summary::from(placed));
    answer.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    Ok(answer)
}

/// Your orders, newest first.
#[utoipa::path(
    get, path = "/orders", tag = "orders", security(("token" = [])), params(PageOf),
    responses((status = 200, description = "A page", body = Summaries))
)]
async fn list(State(app): State<App>, caller: Caller, Query(of): Query<PageOf>) -> Answer {
    let ((limit, before), customer) = (of.place()?, caller.id());
    let read =
        app.shop.db.read(move |read| orders::page_of_customer(read, customer, before, limit));
    Ok(page::<Summary>(read.await?))
}

/// One of your orders.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders", security(("token" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "The order", body = OrderBody))
)]
async fn show(State(app): State<App>, caller: Caller, order: Segment) -> Answer {
    Ok(ok(&own(&app, id(&order, "order")?, caller.id()).await?))
}

/// Call an order off, until it is packed. Money that came goes back.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", tag = "orders", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = Option<Empty>,
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 409, description = "`order-state`"),
    )
)]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    order: Segment,
    key: IdempotencyKey,
    MaybeJson(nothing): MaybeJson<Empty>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(caller.id(), "orders.cancel", &order.to_string(), &nothing);
    app.shop.cancel(caller.id(), order, key).await?;
    Ok(ok(&own(&app, order, caller.id()).await?))
}

/// What a customer may not pay (again).
pub(super) fn nothing_to_pay(state: orders::State) -> Problem {
    Problem::refused(&Refusal::NothingToPay { state })
}
