//! Orders: placed from a quote, looked at, called off.

use axum::extract::State;
use axum::response::Response;
use flows::{Placed, Refusal, Shop};
use http::{HeaderName, HeaderValue, StatusCode};
use kernel::{
    AccountId, AttemptId, Error, Fault, Money, OrderId, ProductId, Timestamp, VariantId, limits,
};
use orders::Order;
use payments::Attempt;
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::addresses::AddressBody;
use crate::App;
use crate::answer::{Answer, created, ok};
use crate::extract::{
    Caller, IdempotencyKey, Json, MaybeJson, OptionalKey, Query, Segment, cursor, id,
};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(place, list))
        .routes(routes!(show))
        .routes(routes!(cancel))
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

/// Where an order stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderState)]
pub(super) enum StateWord {
    Pending,
    CashDue,
    Paid,
    Packed,
    Shipped,
    Delivered,
    Expired,
    Cancelled,
    Refunded,
}

/// An order in a line.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderSummary)]
pub(super) struct Summary {
    id: OrderId,
    /// What people say.
    #[schema(example = "7QK-2M9-XRT")]
    number: String,
    state: StateWord,
    payment_method: String,
    /// Units over all lines.
    item_count: i64,
    /// What is to be paid.
    total: Money,
    /// Until when it has to be paid; null when it does not wait for a payment.
    pay_by: Option<Timestamp>,
    placed_at: Timestamp,
}

/// A page of orders, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderList)]
struct Summaries {
    items: Vec<Summary>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// An order with all that belongs to it.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderBody {
    #[serde(flatten)]
    summary: Summary,
    /// Lines before any discount.
    merchandise: Money,
    discount: Money,
    shipping: Money,
    tax: Money,
    lines: Vec<LineBody>,
    /// Where it goes, as it was when the order was placed.
    address: Option<AddressBody>,
    /// Every step it took, oldest first.
    history: Vec<StepBody>,
    /// Every try to pay it, oldest first.
    payments: Vec<PaymentBody>,
}

/// A line of an order: what was bought, as it was.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineBody {
    variant_id: VariantId,
    product_id: ProductId,
    sku: String,
    title: String,
    unit_price: Money,
    quantity: i64,
    line_total: Money,
}

/// A step of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderStep)]
struct StepBody {
    /// Where it stood; null for the first.
    from: Option<String>,
    to: String,
    /// Who took it: `customer`, `staff`, `payment`, `clock`.
    by: String,
    note: Option<String>,
    at: Timestamp,
}

/// A try to pay.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderPayment)]
struct PaymentBody {
    id: AttemptId,
    gateway: String,
    /// `submitting`, `awaiting_payer`, `captured`, `canceled`.
    state: &'static str,
    amount: Money,
    /// Where the payer goes, while they may pay.
    redirect_url: Option<String>,
    created_at: Timestamp,
}

impl From<orders::State> for StateWord {
    fn from(state: orders::State) -> Self {
        match state {
            orders::State::Pending => Self::Pending,
            orders::State::CashDue => Self::CashDue,
            orders::State::Paid => Self::Paid,
            orders::State::Packed => Self::Packed,
            orders::State::Shipped => Self::Shipped,
            orders::State::Delivered => Self::Delivered,
            orders::State::Expired => Self::Expired,
            orders::State::Cancelled => Self::Cancelled,
            orders::State::Refunded => Self::Refunded,
        }
    }
}

impl From<Placed> for Summary {
    fn from(placed: Placed) -> Self {
        let Placed { id, number, state, payment_method, item_count, total, pay_by, .. } = placed;
        let (state, placed_at) = (state.into(), placed.placed_at);
        Self { id, number, state, payment_method, item_count, total, pay_by, placed_at }
    }
}

impl From<Order> for Summary {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            total: order.total(),
            number: order.number,
            state: order.state.into(),
            payment_method: order.payment_method,
            item_count: order.totals.item_count,
            pay_by: order.pay_by.filter(|_| order.state == orders::State::Pending),
            placed_at: order.placed_at,
        }
    }
}

impl From<orders::Step> for StepBody {
    fn from(step: orders::Step) -> Self {
        // Which of the staff is the shop's own business.
        let by = step.actor.split(':').next().unwrap_or_default().to_owned();
        let from = Some(step.from_state).filter(|from| from != "new");
        Self { from, to: step.to_state, by, note: step.note, at: step.at }
    }
}

impl From<Attempt> for PaymentBody {
    fn from(attempt: Attempt) -> Self {
        let Attempt { id, gateway, state, amount, redirect_url, created_at, .. } = attempt;
        let redirect_url = redirect_url.filter(|_| state.is_live());
        Self { id, gateway, state: state.as_str(), amount, redirect_url, created_at }
    }
}

/// An order with its lines, history and payments: four statements.
pub(super) fn body(read: &mut Read<'_>, order: Order) -> Result<OrderBody, Fault> {
    let money = |minor| Money::new(minor, order.totals.currency);
    let line = |line: orders::Line| LineBody {
        variant_id: line.variant_id,
        product_id: line.product_id,
        sku: line.sku,
        title: line.title,
        unit_price: money(line.unit_price),
        quantity: line.quantity,
        line_total: money(line.line_total),
    };
    let address: Option<identity::Address> = serde_json::from_str(&order.address)
        .map_err(|e| Fault::Broken(format!("the address of {} cannot be read: {e}", order.id)))?;
    Ok(OrderBody {
        merchandise: money(order.totals.merchandise),
        discount: money(order.totals.discount),
        shipping: money(order.totals.shipping),
        tax: money(order.totals.tax),
        lines: orders::lines(read, order.id)?.into_iter().map(line).collect(),
        address: address.map(Into::into),
        history: orders::history(read, order.id)?.into_iter().map(Into::into).collect(),
        payments: payments::of_order(read, order.id)?.into_iter().map(Into::into).collect(),
        summary: order.into(),
    })
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
            order.filter(theirs).map(|order| body(read, order)).transpose()
        })
        .await?;
    found.ok_or_else(|| Problem::not_found("order"))
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
    if let Some(IdempotencyKey(key)) = key {
        let quote = app.shop.open_quote(&wish.quote).map_err(Error::Refused)?;
        if !key.eq_ignore_ascii_case(&quote.id.to_string()) {
            let detail = "the `Idempotency-Key` of an order is the id of its quote, or is left out";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "idempotency-key-mismatch", detail));
        }
    }
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
    let read = app.shop.db.read(move |read| {
        orders::page_of_customer(read, customer, before, limit)
    });
    Ok(page::<Summary>(read.await?))
}

/// One of your orders.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders", security(("token" = [])),
    params(("id" = OrderId, Path)),
    responses((status = 200, description = "The order", body = OrderBody))
)]
async fn show(State(app): State<App>, caller: Caller, order: Segment) -> Answer {
    let order = find(&app.shop, id(&order, "order")?, Some(caller.id())).await?;
    Ok(ok(&order))
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
    Ok(ok(&find(&app.shop, order, Some(caller.id())).await?))
}

/// What a customer may not pay (again).
pub(super) fn nothing_to_pay(state: orders::State) -> Problem {
    Problem::refused(&Refusal::NothingToPay { state })
}
