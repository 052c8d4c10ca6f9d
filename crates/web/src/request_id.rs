//! A UUID for every request: taken from `X-Request-Id` when it is one, made otherwise; in every
//! answer, every problem and every log line.

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Uuid;

/// The header.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    pub(crate) static CURRENT: Uuid;
}

/// The id of the request being served; nil outside one.
pub fn current() -> Uuid {
    CURRENT.try_with(|id| *id).unwrap_or(Uuid::nil())
}

/// The id that came with a request, if it is one.
pub(crate) fn of(headers: &HeaderMap) -> Option<Uuid> {
    Uuid::try_parse(headers.get(&X_REQUEST_ID)?.to_str().ok()?).ok()
}

/// Writes the id into an answer.
pub(crate) fn write(headers: &mut HeaderMap, id: Uuid) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)) {
        headers.insert(X_REQUEST_ID.clone(), value);
    }
}
