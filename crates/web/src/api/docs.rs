//! The API's document, and a page to browse it that asks no other host for anything.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::App;
use crate::extract::Segment;
use crate::problem::Problem;

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";

/// The page brings its own scripts and styles, writes some styles into elements, and asks the
/// API of this host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes(document: &OpenApi) -> Router<App> {
    // The document is the same until the binary is another one: it is written once.
    let document = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let config = Config::from(DOCUMENT).validator_url("none").doc_expansion("list");
    let config = Arc::new(config);
    let first = config.clone();
    Router::new()
        .route(DOCUMENT, get(move || async move { described(document) }))
        .route("/api/docs", get(async || Redirect::permanent("/api/docs/")))
        .route("/api/docs/", get(move || async move { file("", first) }))
        .route("/api/docs/{file}", get(move |name: Segment| async move { file(&name.0, config) }))
}

fn described(document: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, document).into_response()
}

fn file(name: &str, config: Arc<Config<'static>>) -> Result<Response, Problem> {
    let found = utoipa_swagger_ui::serve(name, config).map_err(|error| {
        tracing::error!(%error, name, "a file of the API's page could not be made");
        Problem::internal()
    })?;
    let file = found.ok_or_else(|| Problem::not_found("file"))?;
    let mut answer = file.bytes.into_owned().into_response();
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let text = file.content_type.starts_with("text/");
    let charset = if text { "; charset=utf-8" } else { "" };
    set(header::CONTENT_TYPE, &format!("{}{charset}", file.content_type));
    set(header::CACHE_CONTROL, "no-cache");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    if file.gzpipped {
        set(header::CONTENT_ENCODING, "gzip");
    }
    Ok(answer)
}
