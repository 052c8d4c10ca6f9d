//! The page for the payer.
//!
//! No script and no inline style. Chromium applies `form-action` to redirects that follow a form
//! too, so a button leads to a page of our own, which then goes back to the shop by itself.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use url::Url;

use crate::amount;
use crate::book::payments::{self, End, Payment, Status};
use crate::book::{BookError, Page as BookPage};
use crate::journal::Entry;
use crate::world::World;

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

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage<'a> {
    payment: &'a Payment,
    amount: String,
    shop: String,
    term: String,
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
}

struct About<'a> {
    description: &'a str,
    amount: String,
    shop: String,
    return_url: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Bad,
    Plain,
}

/// `GET /pay/{id}`: the buttons, or how it ended.
pub(crate) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match load(&world, id).await {
        Ok(payment) if payment.status == Status::Pending => {
            let page = PayPage {
                payment: &payment,
                amount: amount::show(payment.amount_minor, &payment.currency),
                shop: shop(&payment),
                term: payment.expires_at.strftime("%-d %b %Y, %H:%M UTC").to_string(),
            };
            html(StatusCode::OK, &page)
        }
        Ok(payment) => html(StatusCode::OK, &ended(&payment, false)),
        Err(response) => response,
    }
}

/// `POST /pay/{id}/pay|decline|leave`: a button.
pub(crate) async fn act(
    State(world): State<Arc<World>>,
    Path((id, action)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    // Browsers say where a form was sent from; nobody else's page may press our buttons.
    let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if !matches!(from, None | Some("same-origin" | "none")) {
        let text = "Open the payment page itself and try again.";
        return html(StatusCode::FORBIDDEN, &notice("That came from another page", text));
    }
    let end = match action.as_str() {
        "pay" => Some(End::Paid),
        "decline" => Some(End::Declined),
        "leave" => None,
        _ => return not_found(),
    };
    let act = move |page: &BookPage<'_>| {
        let Some(payment) = payments::by_id(page, &id)? else { return Ok(None) };
        Ok(Some(match end {
            Some(end) if payment.status == Status::Pending => payments::end(page, &payment, end)?,
            _ => payment,
        }))
    };
    let payment = match world.book.write(&world.env, act).await {
        Ok(Some(payment)) => payment,
        Ok(None) => return not_found(),
        Err(error) => return broken(&error),
    };
    world.bell.notify_one();
    let status = payment.status.word();
    world
        .journal
        .write(world.env.now(), &Entry::Page { payment: &payment.id, action: &action, status });
    let as_wished = match end {
        Some(End::Paid) => payment.status == Status::Succeeded,
        Some(_) => payment.canceled_reason.as_deref() == Some("declined"),
        None => true,
    };
    if as_wished {
        (SAFE, Redirect::to(&format!("/pay/{}/done", payment.id))).into_response()
    } else {
        html(StatusCode::CONFLICT, &ended(&payment, false))
    }
}

/// `GET /pay/{id}/done`: goes back to the shop by itself.
pub(crate) async fn done(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match load(&world, id).await {
        Ok(payment) => html(StatusCode::OK, &ended(&payment, true)),
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

async fn load(world: &World, id: String) -> Result<Payment, Response> {
    match world.book.write(&world.env, move |page| payments::by_id(page, &id)).await {
        Ok(Some(payment)) => Ok(payment),
        Ok(None) => Err(not_found()),
        Err(error) => Err(broken(&error)),
    }
}

/// How `payment` stands, in words.
fn ended(payment: &Payment, leaving: bool) -> NoticePage<'_> {
    let (tone, title, text) = match (payment.status, payment.canceled_reason.as_deref()) {
        (Status::Succeeded, _) => (Tone::Good, "Paid", "The shop will hear of it in a moment."),
        (Status::Pending, _) => {
            (Tone::Plain, "Not paid", "You can still pay: open this payment from the shop again.")
        }
        (Status::Canceled, Some("declined")) => {
            (Tone::Bad, "Declined", "The bank refused. No money was taken.")
        }
        (Status::Canceled, Some("expired")) => {
            (Tone::Plain, "Time is up", "This payment was not made in time. No money was taken.")
        }
        (Status::Canceled, _) => {
            (Tone::Plain, "Called off", "The shop has called this payment off. No money was taken.")
        }
    };
    let about = About {
        description: &payment.description,
        amount: amount::show(payment.amount_minor, &payment.currency),
        shop: shop(payment),
        return_url: &payment.return_url,
    };
    NoticePage { tone, title, text, about: Some(about), leaving }
}

fn notice<'a>(title: &'a str, text: &'a str) -> NoticePage<'a> {
    NoticePage { tone: Tone::Plain, title, text, about: None, leaving: false }
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
