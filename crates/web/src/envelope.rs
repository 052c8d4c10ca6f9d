//! What every answer goes through: the request id, a time limit, a net for panics, and the
//! headers that keep browsers from guessing.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tracing::Instrument;

use crate::problem::{PROBLEM_JSON, Problem};
use crate::{App, api, extract, request_id, shop};

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
    guard(headers, under_api, app.is_secure());
    answer
}

async fn within(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if let Some(query) = uri.query()
        && !query.is_empty()
        && !api::reads_parameters(request.method(), uri.path())
    {
        let name = query.split(['=', '&']).next().unwrap_or_default();
        return extract::unknown_parameter(name).into_response();
    }
    let path = uri.path().to_owned();
    if let Ok(answer) = tokio::time::timeout(ANSWER_TIME, next.run(request)).await {
        return readable(&path, answer);
    }
    tracing::error!(seconds = ANSWER_TIME.as_secs(), "an answer took too long");
    let detail = "the answer took too long: ask again with the same key";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", detail);
    shop::told(&path, problem)
}

/// The net for panics does not know who asked: for people its answer becomes a page.
fn readable(path: &str, answer: Response) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let caught = answer.status() == StatusCode::INTERNAL_SERVER_ERROR
        && kind.is_some_and(|kind| *kind == PROBLEM_JSON);
    if caught { shop::told(path, Problem::internal()) } else { answer }
}

/// Headers that a handler may set otherwise; pages do.
pub(crate) fn guard(headers: &mut HeaderMap, under_api: bool, secure: bool) {
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
    if secure {
        or(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn ask(routes: Router) -> (StatusCode, String) {
        ask_at("/api/v1", routes).await
    }

    async fn ask_at(path: &str, routes: Router) -> (StatusCode, String) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let answer = routes.oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_words() {
        let broken = async || -> &'static str { panic!("a secret") };
        let routes = Router::new().route("/", get(broken)).route("/api/v1", get(broken));
        let routes = routes.layer(CatchPanicLayer::custom(panicked));
        let routes = routes.layer(axum::middleware::from_fn(within));
        let (status, body) = ask(routes.clone()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("/problems/internal") && !body.contains("secret"), "{body}");
        let (status, body) = ask_at("/", routes).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("<html") && !body.contains("secret"), "{body}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let never = get(std::future::pending::<&'static str>);
        let routes = Router::new().route("/", never.clone()).route("/api/v1", never);
        let routes = routes.layer(axum::middleware::from_fn(within));
        let (status, body) = ask(routes.clone()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("/problems/timed-out"), "{body}");
        let (status, body) = ask_at("/", routes).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("<html"), "{body}");
    }
}
