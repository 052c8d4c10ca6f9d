//! Money of orders that goes back, and cash that comes.

use axum::extract::State;
use flows::{RefundOf, RefundOfLine, RefundWish};
use kernel::{Currency, Money, OrderId, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok};
use crate::api::orders::{OrderBody, RefundBody, find};
use crate::extract::{IdempotencyKey, Json, Segment, Staff, id, may};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(give_back, list))
        .routes(routes!(cash))
        .routes(routes!(cancel))
        .routes(routes!(balances))
}

/// What is to go back: units of lines, or a sum, or (with neither) all that is left.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GiveBack)]
struct GiveBack {
    /// Units of lines, at what was paid for them.
    #[serde(default)]
    lines: Vec<LineOf>,
    /// A sum in minor units of the order's currency.
    #[serde(default)]
    #[schema(minimum = 1)]
    amount: Option<i64>,
    /// Whether the units go back on the shelf, where all that is left goes back.
    #[serde(default)]
    restock: bool,
    /// Why, in a line that the customer may read.
    #[schema(example = "arrived torn")]
    reason: String,
}

/// Units of a line.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GiveBackLine)]
struct LineOf {
    /// The line's place in the order: 1, 2, 3 …
    #[schema(minimum = 1)]
    position: i64,
    #[schema(minimum = 1)]
    quantity: i64,
    /// Whether they go back on the shelf.
    #[serde(default)]
    restock: bool,
}

/// The refunds of an order.
#[derive(Serialize, ToSchema)]
struct RefundList {
    items: Vec<RefundBody>,
}

/// What became of the cash.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CashRecord)]
struct Cash {
    /// Whether it came; otherwise the payer refused at the door, and the order is over.
    received: bool,
}

/// Why an order is called off.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StaffCancel)]
struct Cancel {
    /// In a line that the customer may read.
    #[schema(example = "no longer made")]
    reason: String,
}

/// What is booked on an account of the ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerBalance)]
struct BalanceBody {
    /// `gateway:NAME`, `customer`, `sales`, `shipping`, `tax`, `refunds`, `fees`,
    /// `exchange`.
    #[schema(example = "gateway:sandbox")]
    account: String,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    /// Debits less credits.
    balance: Money,
}

/// The balances of the ledger. In each currency they add up to nothing.
#[derive(Serialize, ToSchema)]
struct BalanceList {
    items: Vec<BalanceBody>,
}

/// The text of a field that is one line.
pub(super) fn one_line(name: &str, text: &str) -> Result<String, Problem> {
    let (text, max) = (text.trim(), limits::TEXT_CHARS_MAX);
    if text.is_empty() || text.chars().any(char::is_control) || text.chars().count() > max {
        let message = format!("must be one line of 1 to {max} characters");
        return Err(Problem::field(name, &message));
    }
    Ok(text.to_owned())
}

impl GiveBack {
    fn wish(&self) -> Result<RefundWish, Problem> {
        let reason = one_line("reason", &self.reason)?;
        let of = match (self.lines.is_empty(), self.amount) {
            (true, None) => RefundOf::Rest { restock: self.restock },
            (true, Some(amount)) => RefundOf::Amount(amount),
            (false, None) => {
                let line = |line: &LineOf| RefundOfLine {
                    position: line.position,
                    quantity: line.quantity,
                    restock: line.restock,
                };
                RefundOf::Lines(self.lines.iter().map(line).collect())
            }
            (false, Some(_)) => {
                return Err(Problem::field("amount", "must be left out where lines are named"));
            }
        };
        Ok(RefundWish { of, reason })
    }
}

/// Give money of an order back: units of its lines, a sum, or all that is left. It is promised at
/// once; the gateway is asked afterwards, and the refund's state says how far that is.
#[utoipa::path(
    post, path = "/admin/orders/{id}/refunds", tag = "staff", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = GiveBack,
    responses(
        (status = 201, description = "The order, with its refunds", body = OrderBody),
        (status = 404, description = "`not-found`: there is no such order or line"),
        (status = 409, description = "`refund-too-much`, `refund-too-small`, `nothing-to-refund`"),
        (status = 422, description = "`quantity-invalid`: not as many units can go back"),
    )
)]
async fn give_back(
    State(app): State<App>,
    staff: Staff<may::RefundOrders>,
    order: Segment,
    key: IdempotencyKey,
    Json(wish): Json<GiveBack>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(staff.id, "admin.orders.refund", &order.to_string(), &wish);
    staff.tell("reason", wish.reason.as_str());
    staff.tell("amount", wish.amount);
    let refund = app.shop.refund(staff.id, order, wish.wish()?, key).await?;
    staff.tell("refund", refund.to_string());
    tracing::info!(staff = %staff.id, %order, %refund, "money is given back");
    Ok(created(&find(&app.shop, order, None).await?))
}

/// The refunds of an order, oldest first.
#[utoipa::path(
    get, path = "/admin/orders/{id}/refunds", tag = "staff", security(("token" = [])),
    params(("id" = OrderId, Path)),
    responses(
        (status = 200, description = "All of them", body = RefundList),
        (status = 404, description = "`not-found`"),
    )
)]
async fn list(State(app): State<App>, _: Staff<may::SeeOrders>, order: Segment) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let read = app.shop.db.read(move |read| {
        let Some(order) = orders::find(read, order)? else { return Ok(None) };
        RefundBody::of_order(read, order.id, order.totals.currency).map(Some)
    });
    match read.await? {
        Some(items) => Ok(ok(&RefundList { items })),
        None => Err(Problem::not_found("order")),
    }
}

/// Record that the courier brought the cash of an order, or that the payer refused it at the door.
#[utoipa::path(
    post, path = "/admin/orders/{id}/cash", tag = "staff", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = Cash,
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 409, description = "`nothing-to-pay`: no cash is due for it"),
    )
)]
async fn cash(
    State(app): State<App>,
    staff: Staff<may::RecordCash>,
    order: Segment,
    key: IdempotencyKey,
    Json(wish): Json<Cash>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(staff.id, "admin.orders.cash", &order.to_string(), &wish);
    app.shop.cash(staff.id, order, wish.received, key).await?;
    tracing::info!(staff = %staff.id, %order, received = wish.received, "cash was recorded");
    Ok(ok(&find(&app.shop, order, None).await?))
}

/// Call an order off, until it is shipped. Money that came goes back.
#[utoipa::path(
    post, path = "/admin/orders/{id}/cancel", tag = "staff", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = Cancel,
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 409, description = "`order-state`, `payment-under-way`"),
    )
)]
async fn cancel(
    State(app): State<App>,
    staff: Staff<may::CancelOrders>,
    order: Segment,
    key: IdempotencyKey,
    Json(wish): Json<Cancel>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(staff.id, "admin.orders.cancel", &order.to_string(), &wish);
    let reason = Some(one_line("reason", &wish.reason)?);
    app.shop.cancel_for_shop(staff.id, order, reason, key).await?;
    tracing::info!(staff = %staff.id, %order, "an order was called off");
    Ok(ok(&find(&app.shop, order, None).await?))
}

/// The balance of every account of the ledger.
#[utoipa::path(
    get, path = "/admin/ledger/balances", tag = "staff", security(("token" = [])),
    responses((status = 200, description = "All of them", body = BalanceList))
)]
async fn balances(State(app): State<App>, _: Staff<may::SeeBooks>) -> Answer {
    let read = app.shop.db.read(payments::balances).await?;
    let body = |it: payments::Balance| BalanceBody {
        balance: it.money(),
        account: it.account,
        currency: it.currency,
    };
    Ok(ok(&BalanceList { items: read.into_iter().map(body).collect() }))
}
