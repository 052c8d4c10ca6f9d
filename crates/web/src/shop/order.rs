//! An order, for its owner.

mod story;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use catalog::Image;
use flows::{CASH_ON_DELIVERY, Refusal};
use http::StatusCode;
use identity::Address;
use kernel::{AccountId, Error, Fault, Money, OrderId, VariantId};
use orders::{Order, State as Stands, Step};
use payments::{Attempt, AttemptState, Refund, RefundState};
use serde::Deserialize;
use store::idempotency::Key;

use super::abroad::{self, Abroad};
use super::error::PageError;
use super::form::{Form, Params, id};
use super::pay::{checked, current};
use super::paying::online;
use super::shell::{Keep, Shell, page};
use super::show::{Badge, Icon, Price, Time, clock, count, moment, money};
use super::visitor::{Visitor, new_token};
use super::{countries, goods};
use crate::App;
use story::{Happening, Stop, happenings, stops, title};

/// What the address says.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// It was placed or paid just now.
    thanks: Option<String>,
    /// It was there before the button was pressed again.
    again: Option<String>,
    /// What a link to it carries.
    key: Option<String>,
}

/// A cancellation.
#[derive(Deserialize)]
pub(crate) struct CancelForm {
    key: String,
}

/// A line of the order.
struct Line {
    title: String,
    href: Option<String>,
    cover: Option<Image>,
    quantity: i64,
    unit_price: Price,
    total: Price,
}

/// Everything that is known of an order.
struct Known {
    order: Order,
    lines: Vec<orders::Line>,
    steps: Vec<Step>,
    attempts: Vec<Attempt>,
    refunds: Vec<Refund>,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    shell: Shell,
    order: Order,
    title: &'static str,
    thanks: bool,
    again: bool,
    badge: Badge,
    stops: Vec<Stop>,
    happenings: Vec<Happening>,
    lines: Vec<Line>,
    items: String,
    merchandise: Price,
    discount: Option<Price>,
    shipping: Price,
    tax: Option<Price>,
    total: Price,
    /// What has been received; none while nothing was.
    received: Option<Price>,
    /// What was received, as it was paid, where that was in another currency.
    received_abroad: Vec<Abroad>,
    /// What went back, and whether the bank has confirmed it.
    back: Option<(Price, bool)>,
    /// What is still to be paid: now, or to the courier.
    due: Option<(&'static str, Price)>,
    /// Until when it can be paid here.
    pay_until: Option<Time>,
    /// Whether there is more than one way to do so.
    other_ways: bool,
    /// What that charges, where the way to pay takes another currency.
    pay_abroad: Option<Abroad>,
    /// The way to pay that is under way, or was tried last, or was chosen with the order.
    pay_with: String,
    can_be_cancelled: bool,
    /// Whether its owner looks, and not somebody who was given the link.
    owned: bool,
    /// A page that shows it without signing in.
    link: Option<String>,
    address: Option<Address>,
    country: String,
    placed_at: Time,
    key: String,
}

#[derive(Template)]
#[template(path = "cancel.html")]
struct CancelPage {
    shell: Shell,
    order: Order,
    total: Price,
    paid: bool,
    key: String,
}

/// `GET /o/{order}`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, PageError> {
    let (known, owned) = look(&app, &visitor, id(&order)?, asked.key.as_deref()).await?;
    let variants: Vec<VariantId> = known.lines.iter().map(|line| line.variant_id).collect();
    let goods = app.shop.db.read(move |read| goods::of_variants(read, &variants)).await?;
    let shell = Shell::load(&app, &visitor, None).await?;
    let currency = known.order.totals.currency;
    let sum = |minor| money(Money::new(minor, currency));
    let line = |line: &orders::Line| {
        let good = goods.get(&line.variant_id);
        Line {
            title: line.title.clone(),
            href: good.and_then(|good| good.href.clone()),
            cover: good.and_then(|good| good.cover.clone()),
            quantity: line.quantity,
            unit_price: sum(line.unit_price),
            total: sum(line.line_total),
        }
    };
    let address: Option<Address> = serde_json::from_str(&known.order.address).ok();
    let money_of = Paid::of(&known);
    let pay_with = current(&known.order, &known.attempts).to_owned();
    let totals = known.order.totals;
    let order_page = OrderPage {
        shell,
        title: title(&known.order, asked.thanks.is_some()),
        thanks: asked.thanks.is_some(),
        again: asked.again.is_some(),
        badge: Badge::of(known.order.state),
        stops: stops(&known.order, &known.steps),
        happenings: happenings(&known.order, &known.steps, &known.attempts, &known.refunds),
        lines: known.lines.iter().map(line).collect(),
        items: count(totals.item_count, "item", "items"),
        merchandise: sum(totals.merchandise),
        discount: (totals.discount > 0).then(|| sum(-totals.discount)),
        shipping: sum(totals.shipping),
        tax: (totals.tax > 0).then(|| sum(totals.tax)),
        total: sum(totals.total),
        received_abroad: abroad_of(&known),
        received: (money_of.received > 0).then(|| sum(money_of.received)),
        back: (money_of.back > 0).then(|| (sum(-money_of.back), money_of.confirmed)),
        due: due(&known.order).map(|words| (words, sum(totals.total))),
        pay_until: (owned && payable(&app, &known.order))
            .then_some(known.order.pay_by)
            .flatten()
            .map(clock),
        other_ways: online(&app, known.order.total()).len() > 1,
        pay_abroad: Abroad::of(
            abroad::charge(&app, &known.order, &known.attempts, &pay_with),
            currency,
        ),
        pay_with,
        can_be_cancelled: owned && can_be_cancelled(&known.order),
        link: owned.then(|| link(&app, known.order.id)).flatten(),
        owned,
        country: address.as_ref().map_or("", |it| countries::name(&it.country)).to_owned(),
        address,
        placed_at: moment(known.order.placed_at),
        key: new_token(&app.shop.env),
        order: known.order,
    };
    Ok(page(StatusCode::OK, Keep::Never, &order_page))
}

/// The order, and whether its owner looks. Whoever has only the link looks, and does nothing.
async fn look(
    app: &App,
    visitor: &Visitor,
    order: OrderId,
    key: Option<&str>,
) -> Result<(Known, bool), PageError> {
    let by_link = key.is_some_and(|key| app.shop.is_order_key(order, key));
    let known = if by_link {
        find_any(app, order).await?
    } else {
        find(app, visitor.account()?, order).await?
    };
    let customer = known.order.customer_id;
    let owned = visitor.who.as_ref().is_some_and(|who| who.account_id == customer);
    Ok((known, owned))
}

/// Money that moved, in minor units.
struct Paid {
    received: i64,
    back: i64,
    /// Whether all that is to go back has gone.
    confirmed: bool,
}

impl Paid {
    fn of(known: &Known) -> Self {
        let captured = |attempt: &&Attempt| attempt.state == AttemptState::Captured;
        let given = known.refunds.iter().filter(|refund| refund.state != RefundState::Failed);
        Self {
            received: known.attempts.iter().filter(captured).map(|it| it.pays.minor).sum(),
            back: given.clone().map(|refund| refund.worth).sum(),
            confirmed: given.clone().all(|refund| refund.state == RefundState::Succeeded),
        }
    }
}

/// What came in another currency than the order's.
fn abroad_of(known: &Known) -> Vec<Abroad> {
    let came = known.attempts.iter().filter(|it| it.state == AttemptState::Captured);
    let currency = known.order.totals.currency;
    came.filter_map(|attempt| Abroad::of(abroad::charged(attempt), currency)).collect()
}

fn due(order: &Order) -> Option<&'static str> {
    match order.state {
        _ if order.settled_by.is_some() => None,
        Stands::Pending => Some("To pay"),
        Stands::CashDue | Stands::Packed | Stands::Shipped
            if order.payment_method == CASH_ON_DELIVERY =>
        {
            Some("To pay the courier")
        }
        _ => None,
    }
}

fn payable(app: &App, order: &Order) -> bool {
    let in_time = order.pay_by.is_some_and(|until| app.shop.env.now() < until);
    order.state == Stands::Pending && in_time
}

fn can_be_cancelled(order: &Order) -> bool {
    let early = matches!(order.state, Stands::Pending | Stands::CashDue | Stands::Paid);
    early && order.claimed_by.is_none()
}

/// `GET /o/{order}/cancel`: the question before it is done.
pub(crate) async fn ask_to_cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
) -> Result<Response, PageError> {
    let known = find(&app, visitor.account()?, id(&order)?).await?;
    if !can_be_cancelled(&known.order) {
        return Err(PageError::go(&format!("/o/{}", known.order.id)));
    }
    let cancel = CancelPage {
        shell: Shell::load(&app, &visitor, None).await?,
        total: money(known.order.total()),
        paid: known.order.state == Stands::Paid && known.order.totals.total > 0,
        key: new_token(&app.shop.env),
        order: known.order,
    };
    Ok(page(StatusCode::OK, Keep::Never, &cancel))
}

/// `POST /o/{order}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    visitor: Visitor,
    Path(order): Path<String>,
    Form(form): Form<CancelForm>,
) -> Result<Response, PageError> {
    let order: OrderId = id(&order)?;
    let place = format!("/o/{order}");
    let customer = visitor.account_or_back_to(&place)?;
    let key = checked(form.key)?;
    let key = Key::new(customer.0, "page cancel", key, order.to_string().as_bytes());
    match app.shop.cancel(customer, order, key).await {
        // Too late, or done from another window: the page shows how it stands.
        Ok(()) | Err(Error::Refused(Refusal::OrderState { .. })) => {
            Ok(Redirect::to(&place).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The address that shows an order to whoever has it.
fn link(app: &App, order: OrderId) -> Option<String> {
    let path = format!("o/{order}?key={}", app.shop.order_key(order));
    app.public_url.join(&path).ok().map(Into::into)
}

async fn find(app: &App, customer: AccountId, id: OrderId) -> Result<Known, PageError> {
    let known = find_any(app, id).await?;
    let theirs = known.order.customer_id == customer;
    if theirs { Ok(known) } else { Err(PageError::not_found("order")) }
}

async fn find_any(app: &App, id: OrderId) -> Result<Known, PageError> {
    let known = app
        .shop
        .db
        .read(move |read| {
            let Some(order) = orders::find(read, id)? else { return Ok(None) };
            Ok::<_, Fault>(Some(Known {
                order,
                lines: orders::lines(read, id)?,
                steps: orders::history(read, id)?,
                attempts: payments::of_order(read, id)?,
                refunds: payments::refunds_of_order(read, id)?,
            }))
        })
        .await?;
    known.ok_or_else(|| PageError::not_found("order"))
}
