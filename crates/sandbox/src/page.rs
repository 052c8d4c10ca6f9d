//! The pages for the payer: how to pay, the bank's question, and how it ended.
//!
//! No script and no inline style. Chromium applies `form-action` to redirects that follow a form
//! too, so a button leads to a page of our own, which then goes back to the shop by itself.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use url::{Url, form_urlencoded};

use crate::book::payments::{self, Payment, Status};
use crate::book::{BookError, Page as BookPage, steps};
use crate::control::usual_refusal;
use crate::gateway::{Gateway, Way};
use crate::journal::Entry;
use crate::world::World;
use crate::{alipay, amount};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

const SAFE: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

pub(crate) fn routes() -> Router<Arc<World>> {
    let mut routes = Router::new().route("/cashier/bill", get(alipay::download));
    for root in ["/pay/{id}", "/cashier/{id}"] {
        routes = routes
            .route(root, get(show))
            .route(&format!("{root}/bank"), get(bank))
            .route(&format!("{root}/done"), get(done))
            .route(&format!("{root}/{{action}}"), post(act));
    }
    routes
}

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage<'a> {
    payment: &'a Payment,
    provider: &'a str,
    method: &'a str,
    account: &'a str,
    amount: String,
    shop: String,
    term: String,
    /// Reasons that a bank may give, as the provider calls them and as people do.
    refusals: &'static [(&'static str, &'static str)],
    /// Whether the bank may ask whether it is really the payer.
    challenge: bool,
    /// Whether a try has failed already.
    declined: bool,
    narrow: bool,
}

#[derive(Template)]
#[template(path = "bank.html")]
struct BankPage<'a> {
    payment: &'a Payment,
    amount: String,
    shop: String,
    narrow: bool,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    tone: Tone,
    title: &'a str,
    text: &'a str,
    /// What it is about; none where nothing is known.
    about: Option<About<'a>>,
    /// Whether the browser is to go back to the shop by itself.
    leaving: bool,
    narrow: bool,
}

struct About<'a> {
    description: &'a str,
    amount: String,
    shop: String,
    back: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Bad,
    Plain,
}

/// `GET /pay/{id}`: the buttons, or how it ended.
async fn show(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match load(&world, id).await {
        Ok((payment, _)) if payment.status == Status::Pending => {
            html(StatusCode::OK, &pay_page(&payment))
        }
        Ok((payment, back)) => html(StatusCode::OK, &ended(&payment, &back, false)),
        Err(response) => response,
    }
}

fn pay_page(payment: &Payment) -> PayPage<'_> {
    let (method, account) = match payment.gateway {
        Gateway::Plain => ("Sandbox card", "ending in 4242"),
        Gateway::Yookassa => ("Bank card", "ending in 4477"),
        Gateway::Alipay => ("Alipay balance", "csq***@sandbox.com"),
        Gateway::Stripe => ("Visa", "ending in 4242"),
    };
    PayPage {
        payment,
        provider: payment.gateway.title(),
        method,
        account,
        amount: amount::show(payment.amount_minor, &payment.currency),
        shop: shop(payment),
        term: payment.expires_at.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        refusals: refusals(payment.gateway),
        challenge: payment.gateway != Gateway::Alipay,
        declined: !payment.extra["declined"].is_null(),
        narrow: payment.extra["wap"] == true,
    }
}

fn refusals(gateway: Gateway) -> &'static [(&'static str, &'static str)] {
    match gateway {
        Gateway::Plain => &[],
        Gateway::Yookassa => &[
            ("general_decline", "No reason given"),
            ("insufficient_funds", "Not enough money"),
            ("card_expired", "The card has expired"),
            ("invalid_csc", "Wrong security code"),
            ("issuer_unavailable", "The bank does not answer"),
            ("fraud_suspected", "Fraud suspected"),
        ],
        Gateway::Alipay => &[("insufficient_balance", "Not enough money")],
        Gateway::Stripe => &[
            ("generic_decline", "No reason given"),
            ("insufficient_funds", "Not enough money"),
            ("expired_card", "The card has expired"),
            ("incorrect_cvc", "Wrong security code"),
            ("fraudulent", "Fraud suspected"),
        ],
    }
}

/// `GET /pay/{id}/bank`: the bank asks whether it is really the payer (3-D Secure).
async fn bank(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match load(&world, id).await {
        Ok((payment, _)) if payment.status == Status::Pending => {
            let page = BankPage {
                payment: &payment,
                amount: amount::show(payment.amount_minor, &payment.currency),
                shop: shop(&payment),
                narrow: payment.extra["wap"] == true,
            };
            html(StatusCode::OK, &page)
        }
        Ok((payment, back)) => html(StatusCode::OK, &ended(&payment, &back, false)),
        Err(response) => response,
    }
}

/// A button.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Button {
    Pay,
    Decline,
    /// The bank wants to ask first.
    Challenge,
    /// It is the payer.
    Confirm,
    /// It is not.
    Refuse,
    Leave,
}

/// `POST /pay/{id}/pay|decline|challenge|confirm|refuse|leave`
async fn act(
    State(world): State<Arc<World>>,
    Path((id, action)): Path<(String, String)>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    // Browsers say where a form was sent from; nobody else's page may press our buttons.
    let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if !matches!(from, None | Some("same-origin" | "none")) {
        let text = "Open the payment page itself and try again.";
        return html(StatusCode::FORBIDDEN, &notice("That came from another page", text));
    }
    let button = match action.as_str() {
        "pay" => Button::Pay,
        "decline" => Button::Decline,
        "challenge" => Button::Challenge,
        "confirm" => Button::Confirm,
        "refuse" => Button::Refuse,
        "leave" => Button::Leave,
        _ => return not_found(),
    };
    let reason = form_urlencoded::parse(&form).find(|(name, _)| name == "reason");
    let reason = reason.map(|(_, reason)| reason.into_owned());
    let act = move |page: &BookPage<'_>| match payments::by_id(page, &id)? {
        Some(payment) => press(page, &payment, button, reason.as_deref()).map(Some),
        None => Ok(None),
    };
    let (payment, back) = match world.book.write(act).await {
        Ok(Some(found)) => found,
        Ok(None) => return not_found(),
        Err(error) => return broken(&error),
    };
    world.bell.notify_one();
    let status = payment.status.word();
    let entry = Entry::Page { payment: &payment.id, action: &action, status };
    world.journal.write(world.fixed().env.now(), &entry);
    let root = if payment.gateway == Gateway::Alipay { "cashier" } else { "pay" };
    let page = match (button, payment.status) {
        (Button::Pay | Button::Confirm, Status::Succeeded | Status::Authorized)
        | (Button::Leave, _) => "/done",
        (Button::Decline | Button::Refuse, Status::Canceled) if was_refused(&payment) => "/done",
        // The payer may try again on the same page.
        (Button::Decline | Button::Refuse, Status::Pending) => "",
        (Button::Challenge, Status::Pending) => "/bank",
        _ => return html(StatusCode::CONFLICT, &ended(&payment, &back, false)),
    };
    (SAFE, Redirect::to(&format!("/{root}/{}{page}", payment.id))).into_response()
}

/// Whether it was a bank that ended it.
fn was_refused(payment: &Payment) -> bool {
    let reason = payment.canceled_reason.as_deref();
    reason.is_some_and(|reason| !["expired", "hold_expired", "voided"].contains(&reason))
}

fn press(
    page: &BookPage<'_>,
    payment: &Payment,
    button: Button,
    reason: Option<&str>,
) -> rusqlite::Result<(Payment, String)> {
    let known = refusals(payment.gateway).iter().map(|(code, _)| *code);
    let reason = known.into_iter().find(|code| Some(*code) == reason);
    let now = match button {
        _ if payment.status != Status::Pending => payment.clone(),
        Button::Leave => payment.clone(),
        Button::Pay | Button::Confirm => steps::pay(page, payment)?,
        Button::Decline => {
            steps::decline(page, payment, reason.unwrap_or(usual_refusal(payment.gateway)))?
        }
        Button::Challenge => steps::note(page, payment, "challenged", true, None)?,
        Button::Refuse => {
            let payment = steps::note(page, payment, "challenged", false, None)?;
            let reason = match payment.gateway {
                Gateway::Yookassa => "3d_secure_failed",
                Gateway::Stripe => "authentication_required",
                other => usual_refusal(other),
            };
            steps::decline(page, &payment, reason)?
        }
    };
    let back = way_back(page, &now);
    Ok((now, back))
}

fn way_back(page: &BookPage<'_>, payment: &Payment) -> String {
    let way = if payment.status == Status::Pending { Way::Left } else { Way::Done };
    payment.gateway.way_back(page, payment, way)
}

/// `GET /pay/{id}/done`: goes back to the shop by itself.
async fn done(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match load(&world, id).await {
        Ok((payment, back)) => html(StatusCode::OK, &ended(&payment, &back, true)),
        Err(response) => response,
    }
}

/// The style sheet.
pub(crate) async fn css() -> Response {
    asset("text/css; charset=utf-8", include_str!("../assets/pay.css"))
}

/// The icon of the tab.
pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// A payment, and the way back to the shop.
async fn load(world: &World, id: String) -> Result<(Payment, String), Response> {
    let load = move |page: &BookPage<'_>| {
        let found = payments::by_id(page, &id)?;
        Ok(found.map(|payment| {
            let back = way_back(page, &payment);
            (payment, back)
        }))
    };
    match world.book.write(load).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(not_found()),
        Err(error) => Err(broken(&error)),
    }
}

/// How `payment` stands, in words.
fn ended<'a>(payment: &'a Payment, back: &'a str, leaving: bool) -> NoticePage<'a> {
    let (tone, title, text) = match (payment.status, payment.canceled_reason.as_deref()) {
        (Status::Succeeded, _) => (Tone::Good, "Paid", "The shop will hear of it in a moment."),
        (Status::Authorized, _) => {
            let text = "The money is reserved. The shop will hear of it in a moment.";
            (Tone::Good, "Payment confirmed", text)
        }
        (Status::Processing, _) => {
            let text = "The payment takes a few days. The shop will hear when it has come.";
            (Tone::Plain, "On its way", text)
        }
        (Status::Pending, _) => {
            (Tone::Plain, "Not paid", "You can still pay: open this payment from the shop again.")
        }
        (Status::Canceled, Some("expired")) => {
            (Tone::Plain, "Time is up", "This payment was not made in time. No money was taken.")
        }
        (Status::Canceled, Some("voided" | "hold_expired")) => {
            (Tone::Plain, "Called off", "The shop has called this payment off. No money was taken.")
        }
        (Status::Canceled, _) => (Tone::Bad, "Declined", "The bank refused. No money was taken."),
    };
    let about = About {
        description: &payment.description,
        amount: amount::show(payment.amount_minor, &payment.currency),
        shop: shop(payment),
        back,
    };
    let narrow = payment.extra["wap"] == true;
    NoticePage { tone, title, text, about: Some(about), leaving, narrow }
}

fn notice<'a>(title: &'a str, text: &'a str) -> NoticePage<'a> {
    NoticePage { tone: Tone::Plain, title, text, about: None, leaving: false, narrow: false }
}

fn not_found() -> Response {
    let text = "There is no payment at this address. Start again from the shop.";
    html(StatusCode::NOT_FOUND, &notice("No such payment", text))
}

fn broken(error: &BookError) -> Response {
    tracing::error!(%error, "the payment sandbox cannot use its book");
    let text = "Nothing was changed. Try again in a moment.";
    html(StatusCode::INTERNAL_SERVER_ERROR, &notice("The sandbox cannot use its book", text))
}

/// Whose payment it is: the host that the payer goes back to.
fn shop(payment: &Payment) -> String {
    let url = Url::parse(&payment.return_url).ok();
    let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => String::new(),
    }
}

fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, SAFE, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the payment sandbox cannot be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
