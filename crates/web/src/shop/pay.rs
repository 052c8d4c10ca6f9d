//! To the payment page and back. What the browser says on its way back is not believed: the
//! gateway is asked.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use flows::{CASH_ON_DELIVERY, Refusal};
use http::StatusCode;
use kernel::{AccountId, Error, OrderId, limits};
use orders::{Order, State as Stands};
use payments::{Attempt, AttemptState};
use serde::Deserialize;
use store::idempotency::Key;

use super::abroad::{self, Abroad};
use super::checkout::describe;
use super::error::PageError;
use super::form::{Form, id};
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Price, Time, clock, money};
use super::visitor::{Visitor, new_token};
use crate::problem::Problem;
use crate::{App, ways};

/// Paying again, here or elsewhere.
#[derive(Deserialize)]
pub(crate) struct Again {
    key: String,
    /// Another way to pay than the order began with.
    #[serde(default)]
    method: Option<String>,
}

/// Another way to pay, on a button.
struct OtherWay {
    name: String,
    label: String,
    abroad: Option<Abroad>,
}

#[derive(Template)]
#[template(path = "go.html")]
struct GoPage {
    shell: Shell,
    order: Order,
    total: Price,
    abroad: Option<Abroad>,
    method: String,
    url: String,
}

/// How a payment stands, seen from the buyer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The payer has not paid, or we have not heard of it.
    Waiting,
    /// Nothing came of it.
    Failed,
    /// The gateway does not answer.
    Mute,
}

#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage {
    shell: Shell,
    order: Order,
    total: Price,
    abroad: Option<Abroad>,
    stage: Stage,
    until: Option<Time>,
    key: String,
    others: Vec<OtherWay>,
}

/// Starts a payment, or finds the one under way, and sends the buyer on.
pub(crate) async fn start(
    app: &App,
    customer: AccountId,
    order: OrderId,
    method: &str,
    key: String,
) -> Result<Response, PageError> {
    let key = Key::new(customer.0, "page pay", key, format!("{order} {method}").as_bytes());
    let place = match app.cashier.start(customer, order, method, key).await {
        Ok(started) if started.state == AttemptState::AwaitingPayer => {
            format!("/pay/{order}/go")
        }
        Ok(_) => format!("/pay/{order}/return"),
        // The order is kept; that page says what to do.
        Err(Error::Refused(Refusal::GatewayBusy)) => format!("/pay/{order}/go"),
        Err(Error::Refused(Refusal::NothingToPay { .. })) => format!("/o/{order}"),
        Err(error) => return Err(error.into()),
    };
    Ok(Redirect::to(&place).into_response())
}

/// `POST /pay/{order}`: another try.
pub(crate) async fn again(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
    Form(form): Form<Again>,
) -> Result<Response, PageError> {
    let order: OrderId = id(&order)?;
    let customer = visitor.account_or_back_to(&format!("/o/{order}"))?;
    let (order, _) = find(&app, customer, order).await?;
    let method = form.method.as_deref().unwrap_or(&order.payment_method);
    start(&app, customer, order.id, method, checked(form.key)?).await
}

/// The key of a form.
pub(crate) fn checked(key: String) -> Result<String, PageError> {
    if (1..=limits::KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(key);
    }
    let detail = "the form lost its key on the way: load the page again and send it once more";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "form-invalid", detail).into())
}

/// `GET /pay/{order}/go`: a page of our own that leads on by itself. Browsers apply
/// `form-action` to redirects that follow a form, so the form cannot lead to the gateway.
pub(crate) async fn go(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
) -> Result<Response, PageError> {
    let (order, attempts) = find(&app, visitor.account()?, id(&order)?).await?;
    if order.state != Stands::Pending || order.payment_method == CASH_ON_DELIVERY {
        return Err(PageError::go(&format!("/o/{}", order.id)));
    }
    let live = attempts.iter().rev().find(|attempt| attempt.state.may_be_paid());
    let Some(attempt) = live else {
        return Err(PageError::go(&format!("/pay/{}/return", order.id)));
    };
    let shell = Shell::load(&app, &visitor, None).await?;
    let Some(url) = attempt.redirect_url.clone() else {
        return Ok(payment_page(&app, shell, order, &attempts, Stage::Mute));
    };
    let (method, ..) = describe(&attempt.gateway);
    let method = method.to_owned();
    let total = money(order.total());
    let abroad = Abroad::of(abroad::charged(attempt), order.totals.currency);
    Ok(page(StatusCode::OK, Keep::Never, &GoPage { shell, order, total, abroad, method, url }))
}

/// `GET /pay/{order}/return`. Changes nothing by itself: it asks the gateway and shows what is.
pub(crate) async fn back(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
) -> Result<Response, PageError> {
    let customer = visitor.account()?;
    let id: OrderId = id(&order)?;
    let (order, _) = find(&app, customer, id).await?;
    if matches!(order.state, Stands::Pending | Stands::Expired) {
        app.cashier.look(id).await?;
    }
    let (order, attempts) = find(&app, customer, id).await?;
    if order.state != Stands::Pending {
        let thanks = if order.state == Stands::Paid { "?thanks=1" } else { "" };
        return Err(PageError::go(&format!("/o/{id}{thanks}")));
    }
    let shell = Shell::load(&app, &visitor, None).await?;
    let stage = if attempts.iter().any(|attempt| attempt.state.is_live()) {
        Stage::Waiting
    } else if attempts.is_empty() {
        return Err(PageError::go(&format!("/o/{id}")));
    } else {
        Stage::Failed
    };
    Ok(payment_page(&app, shell, order, &attempts, stage))
}

fn payment_page(
    app: &App,
    shell: Shell,
    order: Order,
    attempts: &[Attempt],
    stage: Stage,
) -> Response {
    let abroad = |method: &str| {
        Abroad::of(abroad::charge(app, &order, attempts, method), order.totals.currency)
    };
    let ways = ways::of(app, order.total()).into_iter().map(|offer| offer.method);
    let others = ways.filter(|name| *name != order.payment_method && name != CASH_ON_DELIVERY);
    let other = |name: String| OtherWay {
        label: describe(&name).0.to_owned(),
        abroad: abroad(&name),
        name,
    };
    let others = others.map(other).collect();
    let payment = PaymentPage {
        others,
        shell,
        total: money(order.total()),
        abroad: abroad(&order.payment_method),
        stage,
        until: order.pay_by.map(clock),
        key: new_token(&app.shop.env),
        order,
    };
    page(StatusCode::OK, Keep::Never, &payment)
}

/// The customer's order and the tries to pay it. Somebody else's looks like none at all.
async fn find(
    app: &App,
    customer: AccountId,
    id: OrderId,
) -> Result<(Order, Vec<Attempt>), PageError> {
    let (order, attempts) = app
        .shop
        .db
        .read(move |read| {
            Ok::<_, kernel::Fault>((orders::find(read, id)?, payments::of_order(read, id)?))
        })
        .await?;
    let order = order.filter(|order| order.customer_id == customer);
    Ok((order.ok_or_else(|| PageError::not_found("order"))?, attempts))
}
