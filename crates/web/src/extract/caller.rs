//! Who sent the request.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use identity::SignedIn;
use kernel::AccountId;

use crate::App;
use crate::problem::Problem;

/// Somebody who has signed in.
pub struct Caller {
    /// Who.
    pub who: SignedIn,
    /// The token they sent.
    pub token: String,
}

impl Caller {
    /// Their account.
    pub fn id(&self) -> AccountId {
        self.who.account_id
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(bearer(&parts.headers)?, app).await
    }
}

impl Caller {
    /// Whose token it is.
    pub(super) async fn of(token: &str, app: &App) -> Result<Self, Problem> {
        match app.identity.sessions.who(&app.shop.db, token).await? {
            Some(who) => {
                kernel::crash_point!("web.caller-known");
                Ok(Self { who, token: token.to_owned() })
            }
            None => Err(unauthorized("the token is not good, or no longer: sign in again")),
        }
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || unauthorized("sign in, and send `Authorization: Bearer <token>`");
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let value = all.next().and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if all.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}

pub(super) fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}
