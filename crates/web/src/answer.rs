//! JSON answers.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::Problem;

/// What a handler of the API gives.
pub type Answer = Result<Response, Problem>;

/// The media type of answers.
static JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// `body` as JSON, written once.
pub fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, JSON.clone())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Problem::internal().into_response()
        }
    }
}

/// 200 with a body that was written before, for anybody to read.
pub(crate) fn written(body: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON.clone()),
        // Whoever keeps it asks again before using it.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

/// 200 with `body`.
pub fn ok(body: &impl Serialize) -> Response {
    reply(StatusCode::OK, body)
}

/// 201 with `body`.
pub fn created(body: &impl Serialize) -> Response {
    reply(StatusCode::CREATED, body)
}

/// 204.
pub fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
