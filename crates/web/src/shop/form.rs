//! What pages take from a request. A form that makes no sense gets a page that says so; odd
//! parameters of an address count as not there.

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::PageError;
use crate::App;
use crate::problem::Problem;

/// A form that was sent.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        match axum::Form::<T>::from_request(request, app).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(rejection) => {
                let status = rejection.status();
                let detail = if status == StatusCode::PAYLOAD_TOO_LARGE {
                    "that is more than a form may hold"
                } else {
                    "the form came in pieces: go back, load the page again and send it once more"
                };
                tracing::debug!(%rejection, "a form was refused");
                Err(Problem::new(status, "form-invalid", detail).into())
            }
        }
    }
}

/// Parameters of the address; the default when they make no sense.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequestParts<App> for Params<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(Query::try_from_uri(&parts.uri).map_or_else(|_| T::default(), |query| query.0)))
    }
}

/// The id in a path: what is none leads nowhere.
pub(crate) fn id<T: std::str::FromStr>(text: &str) -> Result<T, PageError> {
    text.parse().map_err(|_| PageError::not_found("page"))
}

/// A quantity as a person types it.
pub(crate) fn quantity(text: &str) -> Result<i64, PageError> {
    text.trim().parse().map_err(|_| {
        let detail = "the quantity must be a whole number";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "quantity-invalid", detail).into()
    })
}
