//! Whoever sent the request, where that need not be known.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;

use super::caller::Caller;
use crate::App;
use crate::problem::Problem;

/// Somebody who has signed in, or nobody. A token that is not good is refused all the same.
pub struct Perhaps(pub Option<Caller>);

impl FromRequestParts<App> for Perhaps {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        Caller::from_request_parts(parts, app).await.map(|caller| Self(Some(caller)))
    }
}
