//! Answers before they are HTTP.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::book::BookError;

/// What is said to a caller.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// What an answer consists of.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Body {
    Json(Value),
    /// An object under a name, signed by "Alipay" at the very end; with the number of its
    /// certificate for those who use certificates.
    Signed {
        node: String,
        value: Value,
        certificate: Option<String>,
    },
    /// Ready to be sent.
    Text {
        content_type: &'static str,
        bytes: Vec<u8>,
    },
    Empty,
}

/// Why a request went no further: a refusal for the caller, or a book that does not serve.
pub(crate) enum Halt {
    Answer(Box<Answer>),
    Book(rusqlite::Error),
}

/// What becomes of a request.
pub(crate) type Outcome<T = Answer> = Result<T, Halt>;

impl From<rusqlite::Error> for Halt {
    fn from(error: rusqlite::Error) -> Self {
        Self::Book(error)
    }
}

impl From<Answer> for Halt {
    fn from(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What the answer tells, where it is JSON.
    pub fn value(&self) -> &Value {
        match &self.body {
            Body::Json(value) | Body::Signed { value, .. } => value,
            Body::Text { .. } | Body::Empty => &Value::Null,
        }
    }

    /// A refusal of the plain protocol and of the control plane:
    /// `{"error": {"code", "message", "param"}}`.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, json!({ "error": { "code": code, "message": message, "param": null } }))
    }

    /// A field that will not do.
    pub fn invalid(param: &str, message: &str) -> Self {
        let error = json!({ "code": "invalid_request", "message": message, "param": param });
        Self::json(400, json!({ "error": error }))
    }

    pub fn not_found() -> Self {
        Self::refused(404, "not_found", "There is nothing at this address.")
    }

    /// The payment has moved on; this is where it is.
    pub fn wrong_state(payment: &Value) -> Self {
        let message = "The payment is in another state.";
        let error = json!({ "code": "wrong_state", "message": message, "param": null });
        Self::json(409, json!({ "error": error, "payment": payment }))
    }

    pub fn broken(error: &BookError) -> Self {
        tracing::error!(%error, "the payment sandbox cannot use its book");
        Self::refused(500, "internal", "The sandbox cannot use its book.")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (content_type, bytes) = match self.body {
            Body::Json(value) => ("application/json", value.to_string().into_bytes()),
            Body::Signed { value, .. } => ("text/html;charset=utf-8", value.to_string().into()),
            Body::Text { content_type, bytes } => (content_type, bytes),
            Body::Empty => return self.headers.into_iter().fold(status.into_response(), put),
        };
        let response = (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response();
        self.headers.into_iter().fold(response, put)
    }
}

fn put(mut response: Response, (name, value): (&'static str, String)) -> Response {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}
