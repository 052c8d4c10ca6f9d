//! What every answer goes through: the request id, a time limit, a net for panics, and the
//! headers that keep browsers from guessing.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tracing::Instrument;

use crate::problem::Problem;
use crate::{App, api, extract, request_id};

/// Time for a whole answer, its body's reading included.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// The layer around everything.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers()).unwrap_or_else(|| app.shop.env.id());
    let path = request.uri().path();
    let span = tracing::info_span!("request", %id, method = %request.method(), path);
    let under_api = path.starts_with("/api/");
    let answer = request_id::CURRENT.scope(id, within(request, next).instrument(span));
    let mut answer = answer.await;
    let headers = answer.headers_mut();
    request_id::write(headers, id);
    guard(headers, under_api);
    if app.public_url.scheme() == "https" {
        or(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    answer
}

async fn within(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if let Some(query) = uri.query()
        && !query.is_empty()
        && !api::reads_parameters(uri.path())
    {
        let name = query.split(['=', '&']).next().unwrap_or_default();
        return extract::unknown_parameter(name).into_response();
    }
    match tokio::time::timeout(ANSWER_TIME, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            tracing::error!(seconds = ANSWER_TIME.as_secs(), "an answer took too long");
            let detail = "the answer took too long: ask again with the same key";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", detail).into_response()
        }
    }
}

/// Headers that a handler may set otherwise; pages do.
fn guard(headers: &mut HeaderMap, under_api: bool) {
    or(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    or(headers, header::REFERRER_POLICY, "same-origin");
    or(
        headers,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
    if under_api {
        or(headers, header::CACHE_CONTROL, "no-store");
    }
}

fn or(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// The answer to a request whose handler panicked. Its words go to the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let words = payload.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words");
    tracing::error!(panic = words, "a handler panicked");
    Problem::internal().into_response()
}
