//! Paying an order at a gateway.

use axum::extract::State;
use flows::CASH_ON_DELIVERY;
use jobs::{Charge, Started};
use kernel::{AttemptId, Money, OrderId, Rate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orders::nothing_to_pay;
use crate::App;
use crate::answer::{Answer, created};
use crate::extract::{Caller, IdempotencyKey, MaybeJson, Segment, id, present};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start))
}

/// Where to pay.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PayOrder)]
struct Pay {
    /// The gateway; the order's payment method when left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(example = "sandbox")]
    gateway: Option<String>,
}

/// A payment under way.
#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
struct PaymentBody {
    id: AttemptId,
    /// `awaiting_payer`, `captured`, `canceled`.
    state: &'static str,
    /// What is charged, in a currency that the gateway takes.
    amount: Money,
    /// Units of it for one of the order's currency, fixed with the payment; null where they are the
    /// same.
    rate: Option<Rate>,
    /// Where the payer goes.
    redirect_url: Option<String>,
}

/// Begin to pay an order. While a payment at this gateway is under way, this finds it again.
#[utoipa::path(
    post, path = "/orders/{id}/payments", tag = "orders", security(("token" = [])),
    params(
        ("id" = OrderId, Path),
        ("Idempotency-Key" = String, Header, description = "Names this one wish"),
    ),
    request_body = Option<Pay>,
    responses(
        (status = 201, description = "Begun: send the payer to `redirect_url`", body = PaymentBody),
        (status = 409, description = "`nothing-to-pay`"),
    )
)]
async fn start(
    State(app): State<App>,
    caller: Caller,
    order: Segment,
    key: IdempotencyKey,
    MaybeJson(wish): MaybeJson<Pay>,
) -> Answer {
    let order: OrderId = id(&order, "order")?;
    let key = key.of(caller.id(), "orders.pay", &order.to_string(), &wish);
    let gateway = match wish.gateway {
        Some(gateway) => gateway,
        None => chosen(&app, &caller, order).await?,
    };
    let started = app.cashier.start(caller.id(), order, &gateway, key).await?;
    let Started { attempt_id: id, state, charge, redirect_url } = started;
    let Charge { amount, rate } = charge;
    Ok(created(&PaymentBody { id, state: state.as_str(), amount, rate, redirect_url }))
}

/// The way to pay that was chosen with the order.
async fn chosen(app: &App, caller: &Caller, order: OrderId) -> Result<String, Problem> {
    let found = app.shop.db.read(move |read| orders::find(read, order)).await?;
    let found = found.filter(|order| order.customer_id == caller.id());
    let order = found.ok_or_else(|| Problem::not_found("order"))?;
    if order.payment_method == CASH_ON_DELIVERY {
        return Err(nothing_to_pay(order.state));
    }
    Ok(order.payment_method)
}
