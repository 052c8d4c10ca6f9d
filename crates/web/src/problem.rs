//! Every error answer, in one form: `application/problem+json` (RFC 9457).
//!
//! This is the only place that maps kinds of refusals and faults to HTTP statuses.

mod catalogue;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Coded, Error, Fault, Kind, Uuid};
use serde_json::{Map, Value, json};

use crate::answer::reply;
use crate::extract::Segment;
use crate::trail::Code;

pub use catalogue::{catalogue, catalogue_markdown};

/// Whoever is told to come back does so after 1 to this many seconds.
pub(crate) const RETRY_AFTER_MAX: u32 = 5;

/// The media type of problems.
pub static PROBLEM_JSON: HeaderValue =
    HeaderValue::from_static("application/problem+json; charset=utf-8");

/// An error on its way out. The request id is added on the way by the router.
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Stable code: the last part of `type`.
    pub code: &'static str,
    /// What to do about it, in a sentence.
    pub detail: String,
    /// Facts, as members beside the standard ones.
    pub facts: Map<String, Value>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem without facts.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), facts: Map::new(), retry_after: None }
    }

    /// 404: no such thing, or not yours.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what}"))
    }

    /// 422 for one field of a body, by its path.
    pub fn field(path: &str, message: &str) -> Self {
        let name = if path.is_empty() { "the body" } else { path };
        let detail = format!("{name} {message}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", detail)
            .with("errors", json!([{ "field": path, "message": message }]))
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// From any refusal.
    pub fn refused(refusal: &dyn Coded) -> Self {
        let facts = match refusal.facts() {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        let status = status(refusal);
        let seconds = facts.get("retry_after").and_then(Value::as_u64);
        let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
        let retry_after =
            seconds.or(matches!(status, StatusCode::SERVICE_UNAVAILABLE).then_some(5));
        Self { status, code: refusal.code(), detail: refusal.to_string(), facts, retry_after }
    }
}

/// The table for refusals.
fn status(refusal: &dyn Coded) -> StatusCode {
    match (refusal.kind(), refusal.code()) {
        // Parameters of an address: 400 as all of them are.
        (Kind::Invalid, "cursor-invalid" | "limit-invalid") => StatusCode::BAD_REQUEST,
        (Kind::Invalid, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Kind::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (Kind::Forbidden, _) => StatusCode::FORBIDDEN,
        (Kind::NotFound, _) => StatusCode::NOT_FOUND,
        (Kind::Conflict, _) => StatusCode::CONFLICT,
        (Kind::Gone, _) => StatusCode::GONE,
        (Kind::RateLimited, _) => StatusCode::TOO_MANY_REQUESTS,
        (Kind::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The table for faults. Their words go to the log, not to the caller.
impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (code, detail) = match &fault {
            Fault::Overloaded | Fault::Contention => {
                tracing::warn!(%fault, "a request was put off");
                return Self::busy();
            }
            Fault::StorageFull => {
                ("storage-full", "the shop cannot write right now; nothing was changed")
            }
            Fault::Unavailable(_) => (
                "storage-unavailable",
                "the shop's storage does not answer: try again with the same key",
            ),
            Fault::Constraint(_) | Fault::Broken(_) => {
                tracing::error!(%fault, "a request failed");
                return Self::internal();
            }
        };
        tracing::warn!(%fault, "a request was put off");
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after = Some(1);
        problem
    }
}

impl Problem {
    /// 503: come back later. How much later differs from one request to the next, so that those
    /// who were refused together do not come back together.
    pub(crate) fn busy() -> Self {
        let detail = "too many requests at once: try again in a moment";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        let [.., last] = crate::request_id::current().into_bytes();
        problem.retry_after = Some(u32::from(last) % RETRY_AFTER_MAX + 1);
        problem
    }

    /// 500. What happened stands in the log, under the request id.
    pub(crate) fn internal() -> Self {
        let detail = "something is broken on our side; the request id says where to look";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl<R: Coded> From<Error<R>> for Problem {
    fn from(error: Error<R>) -> Self {
        match error {
            Error::Refused(refusal) => Self::refused(&refusal),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl Problem {
    /// As it is written to whoever made this request.
    pub(crate) fn body(&self, instance: Uuid) -> String {
        let mut body = self.facts.clone();
        body.insert("type".into(), json!(format!("/problems/{}", self.code)));
        body.insert("title".into(), json!(title(self.code)));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("instance".into(), json!(format!("urn:uuid:{instance}")));
        Value::Object(body).to_string()
    }

    /// What stands above it.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body(crate::request_id::current());
        let code = Extension(Code(self.code));
        (self.status, self.headers(), code, body).into_response()
    }
}

fn title(code: &str) -> String {
    code.replace('-', " ")
}

/// `GET /problems/{code}`: what the `type` of a problem leads to.
pub(crate) async fn show(code: Segment) -> Result<Response, Problem> {
    let (code, status, meaning) =
        catalogue::entry(&code.0).ok_or_else(|| Problem::not_found("problem"))?;
    let page = json!({
        "type": format!("/problems/{code}"), "title": title(code), "status": status,
        "meaning": meaning,
    });
    Ok(reply(StatusCode::OK, &page))
}
