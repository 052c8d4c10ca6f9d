//! The pages a buyer sees: plain HTML from the server, complete without a script.
//!
//! Every action is a link or a form; a form is answered with a redirect to a page. What may come
//! twice (placing, paying, cancelling) carries its key in the form.

mod abroad;
mod account;
mod address;
mod assets;
mod cart;
mod cart_change;
mod catalog_list;
mod checkout;
mod code;
mod cookies;
mod countries;
mod devices;
mod error;
mod forgotten;
mod form;
mod goods;
mod guest;
mod home;
mod media;
mod next;
mod order;
mod pay;
mod paying;
mod personal;
mod place;
mod product;
mod register;
mod second;
mod security;
mod shell;
mod show;
mod sign_in;
mod visitor;
mod ways_in;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::{HeaderName, HeaderValue, Uri, header};
use kernel::limits;
use tower_http::csrf::CsrfLayer;

use crate::App;
use crate::problem::Problem;
pub(crate) use cookies::any_of_ours as any_cookie_of_ours;
use error::PageError;

/// What every page allows: nothing but itself, and no script at all.
const POLICY: &str = "default-src 'none'; script-src 'none'; style-src 'self'; \
    img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Their routes.
pub fn routes() -> Router<App> {
    let csrf = CsrfLayer::new().with_rejection_response(|_| error::foreign_form());
    Router::new()
        .route("/", get(home::show))
        .route("/products", get(catalog_list::everything))
        .route("/c/{slug}", get(catalog_list::category))
        .route("/p/{slug}", get(product::show))
        .route("/cart", get(cart::show))
        .route("/cart/add", post(cart_change::add))
        .route("/cart/lines/{variant}", post(cart_change::line))
        .route("/cart/select", post(cart_change::select_all))
        .route("/cart/extend", post(cart_change::extend))
        .route("/cart/clear", get(cart::ask_to_clear).post(cart_change::clear))
        .route("/login", get(sign_in::form).post(sign_in::submit))
        .route("/login/second", get(sign_in::form).post(second::submit))
        .route("/account/security", get(security::show))
        .route("/account/security/app", post(security::offer))
        .route("/account/security/app/confirm", post(security::confirm))
        .route("/account/security/app/remove", post(security::remove))
        .route("/account/security/codes", post(security::renew))
        .route("/login/code", post(sign_in::by_code))
        .route("/forgotten", get(forgotten::form).post(forgotten::submit))
        .route("/code/{code}", get(code::show).post(code::submit))
        .route("/code/{code}/resend", post(code::resend))
        .route("/register", get(register::form).post(register::submit))
        .route("/guest", get(guest::form).post(guest::submit))
        .route("/logout", post(sign_in::out))
        .route("/checkout", get(checkout::show).post(place::submit))
        .route("/checkout/details", get(address::for_checkout).post(address::add_for_checkout))
        .route("/pay/{order}", get(pay::choose).post(pay::again))
        .route("/pay/{order}/go", get(pay::go))
        .route("/pay/{order}/return", get(pay::back))
        .route("/o/{order}", get(order::show))
        .route("/o/{order}/cancel", get(order::ask_to_cancel).post(order::cancel))
        .route("/account", get(account::show))
        .route("/account/data", get(personal::show).post(personal::ask))
        .route("/account/data/everything.json", get(personal::copy))
        .route("/account/delete", get(personal::question).post(personal::forget))
        .route("/goodbye", get(personal::goodbye))
        .route("/account/devices", get(devices::show).post(devices::end_all))
        .route("/account/devices/{session}", post(devices::end))
        .route("/account/ways-in", get(ways_in::show))
        .route("/account/ways-in/{way}", post(ways_in::change))
        .route("/account/addresses/new", get(address::for_account).post(address::add_for_account))
        .route("/account/addresses/{address}", post(address::change))
        .route("/assets/{name}", get(assets::serve))
        .route("/media/{name}", get(media::serve))
        .route("/{*path}", any(nowhere))
        .layer(csrf)
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(guard))
}

/// Sets what every page needs and a handler has not set itself.
async fn guard(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    complete(answer.headers_mut());
    answer
}

fn complete(headers: &mut HeaderMap) {
    or(headers, header::CONTENT_SECURITY_POLICY, POLICY);
    or(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    or(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    or(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    or(headers, header::CACHE_CONTROL, "no-store");
}

/// The page for whoever is told to come back, with its headers; the same for everybody.
pub(crate) fn busy_page() -> (HeaderMap, String) {
    let (mut headers, page) = error::written(&Problem::busy());
    complete(&mut headers);
    (headers, page)
}

fn or(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// An address without a page.
async fn nowhere(uri: Uri) -> Response {
    let what = if is_for_programs(uri.path()) { "address" } else { "page" };
    told(uri.path(), Problem::not_found(what))
}

/// Whether programs ask there: they get their own kind of answer.
pub(crate) fn is_for_programs(path: &str) -> bool {
    let roots = ["/api/", "/hooks/", "/problems/", "/.well-known/", "/healthz", "/readyz"];
    roots.iter().any(|root| path.starts_with(root))
}

/// A problem as whoever asks at this address reads it: a page for people.
pub(crate) fn told(path: &str, problem: Problem) -> Response {
    if is_for_programs(path) {
        return problem.into_response();
    }
    PageError::from(problem).into_response()
}
