//! To the payment page and back. What the browser says on its way back is not believed: the
//! gateway is asked.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use flows::{CASH_ON_DELIVERY, Refusal};
use gateways::Payer;
use http::StatusCode;
use kernel::{AccountId, Error, OrderId, limits};
use orders::{Order, State as Stands};
use payments::{Attempt, AttemptState};
use serde::Deserialize;
use store::idempotency::Key;
use tokio::time::Instant;

use super::abroad::{self, Abroad};
use super::error::PageError;
use super::form::{Form, id};
use super::paying::{Ended, Way, describe, ended, online, taker, to_choose};
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Price, Time, clock, money};
use super::visitor::{Visitor, new_token};
use crate::App;
use crate::extract::Paying;
use crate::problem::Problem;

/// So long a payer who comes back waits for money that is just being taken: a gateway's notice and
/// its payer arrive at the same moment, and the one who is first takes it.
const TAKING_MAX: Duration = Duration::from_secs(3);
/// Between two looks meanwhile.
const TAKING_EVERY: Duration = Duration::from_millis(50);

/// Paying again, here or elsewhere.
#[derive(Deserialize)]
pub(crate) struct Again {
    key: String,
    /// Another way to pay than the order began with.
    #[serde(default)]
    method: Option<String>,
}

#[derive(Template)]
#[template(path = "go.html")]
struct GoPage {
    shell: Shell,
    order: Order,
    total: Price,
    abroad: Option<Abroad>,
    taker: String,
    icon: Icon,
    url: String,
}

/// How a payment stands, seen from the buyer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// They want to choose.
    Choosing,
    /// The payer has not paid, or we have not heard of it.
    Waiting,
    /// Nothing came of it, and why.
    Failed(&'static str),
    /// The gateway does not answer.
    Mute,
}

impl Stage {
    /// Whether choosing is what the page is for.
    fn is_open(self) -> bool {
        matches!(self, Self::Choosing | Self::Failed(_))
    }
}

#[derive(Template)]
#[template(path = "payment.html")]
struct PaymentPage {
    shell: Shell,
    order: Order,
    total: Price,
    abroad: Option<Abroad>,
    stage: Stage,
    /// The way that was tried last, or chosen with the order.
    method: String,
    /// Who takes the money there.
    taker: String,
    until: Option<Time>,
    key: String,
    /// The ways there are, where there is more than one.
    ways: Vec<Way>,
}

/// Starts a payment, or finds the one under way, and sends the buyer on.
pub(crate) async fn start(
    app: &App,
    customer: AccountId,
    order: OrderId,
    method: &str,
    payer: Payer,
    key: String,
) -> Result<Response, PageError> {
    // Whoever goes back in the browser and chooses another way sends the same form again, and
    // means something else.
    let key = format!("{key} {method}");
    let key = Key::new(customer.0, "page pay", key, format!("{order} {method}").as_bytes());
    let place = match app.cashier.start(customer, order, method, payer, key).await {
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
    Paying(payer): Paying,
    Form(form): Form<Again>,
) -> Result<Response, PageError> {
    let order: OrderId = id(&order)?;
    let customer = visitor.account_or_back_to(&format!("/o/{order}"))?;
    let (order, _) = find(&app, customer, order).await?;
    let method = form.method.as_deref().unwrap_or(&order.payment_method);
    start(&app, customer, order.id, method, payer, checked(form.key)?).await
}

/// `GET /pay/{order}`: how do you want to pay?
pub(crate) async fn choose(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
) -> Result<Response, PageError> {
    let (order, attempts) = find(&app, visitor.account()?, id(&order)?).await?;
    if order.state != Stands::Pending {
        return Err(PageError::go(&format!("/o/{}", order.id)));
    }
    let shell = Shell::load(&app, &visitor, None).await?;
    Ok(payment_page(&app, shell, order, &attempts, Stage::Choosing))
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
    let (.., icon) = describe(&attempt.gateway);
    let (total, taker) = (money(order.total()), taker(&attempt.gateway).to_owned());
    let abroad = Abroad::of(abroad::charged(attempt), order.totals.currency);
    let go = GoPage { shell, order, total, abroad, taker, icon, url };
    Ok(page(StatusCode::OK, Keep::Never, &go))
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
    let (order, attempts) = found_settled(&app, customer, id).await?;
    if order.state != Stands::Pending {
        let thanks = if order.state == Stands::Paid { "?thanks=1" } else { "" };
        return Err(PageError::go(&format!("/o/{id}{thanks}")));
    }
    let shell = Shell::load(&app, &visitor, None).await?;
    let stage = match attempts.last() {
        _ if attempts.iter().any(|attempt| attempt.state.is_live()) => Stage::Waiting,
        Some(last) => Stage::Failed(why_not(last)),
        None => return Err(PageError::go(&format!("/o/{id}"))),
    };
    Ok(payment_page(&app, shell, order, &attempts, stage))
}

/// The order and the tries to pay it, once nobody is taking money for it any more.
async fn found_settled(
    app: &App,
    customer: AccountId,
    id: OrderId,
) -> Result<(Order, Vec<Attempt>), PageError> {
    let begun = Instant::now();
    loop {
        let (order, attempts) = find(app, customer, id).await?;
        let taking = attempts.iter().any(|attempt| attempt.state == AttemptState::Capturing);
        if !taking || begun.elapsed() >= TAKING_MAX {
            return Ok((order, attempts));
        }
        tokio::time::sleep(TAKING_EVERY).await;
    }
}

/// Why a try brought no money, in a sentence.
fn why_not(attempt: &Attempt) -> &'static str {
    match ended(attempt) {
        Some(Ended::Refused(why)) => why,
        Some(Ended::InTime) => "Its time was over before you paid.",
        Some(Ended::Left) | None => "",
    }
}

/// The way to pay that is under way, or was tried last, or was chosen with the order.
pub(crate) fn current<'a>(order: &'a Order, attempts: &'a [Attempt]) -> &'a str {
    let live = attempts.iter().rev().find(|attempt| attempt.state.is_live());
    live.or(attempts.last()).map_or(&order.payment_method, |attempt| &attempt.gateway)
}

fn payment_page(
    app: &App,
    shell: Shell,
    order: Order,
    attempts: &[Attempt],
    stage: Stage,
) -> Response {
    let current = current(&order, attempts).to_owned();
    let abroad = |method: &str| {
        Abroad::of(abroad::charge(app, &order, attempts, method), order.totals.currency)
    };
    let mut offers = online(app, order.total());
    if offers.len() < 2 {
        offers.clear();
    }
    // Beside a payment under way stand the others; it has a button of its own.
    if matches!(stage, Stage::Waiting | Stage::Mute) {
        offers.retain(|offer| offer.method != current);
    }
    let payment = PaymentPage {
        ways: to_choose(&offers, Some(&current), |offer| abroad(&offer.method)),
        abroad: abroad(&current),
        taker: taker(&current).to_owned(),
        method: current,
        shell,
        total: money(order.total()),
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
