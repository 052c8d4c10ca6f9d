//! The one list of routes.

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::{self, Problem};
use crate::{App, api, envelope, health, hooks, limits, shop, trail};

/// Everything the shop answers.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(shop::routes())
        .route("/hooks/{gateway}", post(hooks::receive))
        .route("/problems/{code}", get(problem::show))
        .route("/.well-known/jwks.json", get(api::keys))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(axum::middleware::from_fn_with_state(app.clone(), trail::layer))
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(axum::middleware::from_fn_with_state(app.clone(), limits::layer))
        .layer(axum::middleware::from_fn_with_state(app.clone(), envelope::layer))
        .with_state(app)
}

async fn nowhere() -> Response {
    Problem::not_found("address").into_response()
}

async fn not_so(uri: Uri) -> Response {
    let detail = "this address does not take this method";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail);
    shop::told(uri.path(), problem)
}
