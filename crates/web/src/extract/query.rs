//! What stands in the address: ids, slugs and parameters.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use http::StatusCode;
use http::request::Parts;
use kernel::Uuid;
use serde::de::DeserializeOwned;

use super::explain;
use crate::problem::Problem;

/// The parameters of a list. What is not known is refused.
pub struct Query<T>(pub T);

/// The one variable part of a path, as text.
pub struct Segment(pub String);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(explained(&rejection.body_text())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // What cannot be decoded names nothing that is there.
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map(|Path(text)| text).unwrap_or_default()))
    }
}

/// The id in a path; what is no id names nothing that is there.
pub fn id<I: From<Uuid>>(segment: &Segment, what: &'static str) -> Result<I, Problem> {
    let id = Uuid::from_str(&segment.0);
    id.map(I::from).map_err(|_| Problem::not_found(what))
}

/// The id in a cursor of a list of orders.
pub fn cursor<I: From<Uuid>>(cursor: Option<&str>) -> Result<Option<I>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let id = Uuid::from_str(cursor).map_err(|_| {
        let detail = "the cursor is not one that a page gave: start from the first page";
        Problem::new(StatusCode::BAD_REQUEST, "cursor-invalid", detail)
    })?;
    Ok(Some(I::from(id)))
}

/// A parameter that nobody reads.
pub fn unknown_parameter(name: &str) -> Problem {
    let name: String = name.chars().take(64).collect();
    let detail = format!("`{name}` is not a parameter of this address");
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).with("parameter", name)
}

fn explained(text: &str) -> Problem {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let (path, text) = match text.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') => (path, rest),
        _ => ("", text),
    };
    let (name, message) = explain::in_words(path, text);
    if text.starts_with("unknown field") {
        return unknown_parameter(&name);
    }
    Problem::new(StatusCode::BAD_REQUEST, "parameter-invalid", format!("{name} {message}"))
        .with("parameter", name)
}
