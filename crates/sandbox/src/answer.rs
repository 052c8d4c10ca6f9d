//! Answers of the API, before they are HTTP.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::book::BookError;

/// A status and a JSON body.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub fn created(body: Value) -> Self {
        Self { status: 201, body }
    }

    /// A refusal: `{"error": {"code", "message", "param"}}`.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            body: json!({ "error": { "code": code, "message": message, "param": null } }),
        }
    }

    /// A field that will not do.
    pub fn invalid(param: &str, message: &str) -> Self {
        let error = json!({ "code": "invalid_request", "message": message, "param": param });
        Self { status: 400, body: json!({ "error": error }) }
    }

    pub fn not_found() -> Self {
        Self::refused(404, "not_found", "There is no such thing here.")
    }

    /// The payment has moved on; this is where it is.
    pub fn wrong_state(payment: Value) -> Self {
        let mut answer = Self::refused(409, "wrong_state", "The payment is in another state.");
        answer.body["payment"] = payment;
        answer
    }

    pub fn broken(error: &BookError) -> Self {
        tracing::error!(%error, "the payment sandbox cannot use its book");
        Self::refused(500, "internal", "The sandbox cannot use its book.")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.body)).into_response()
    }
}
