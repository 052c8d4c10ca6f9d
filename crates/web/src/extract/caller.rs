//! Who sent the request.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use identity::{Holder, TokenRefusal};
use kernel::{AccountId, SessionId};

use crate::App;
use crate::limits::Counted;
use crate::problem::Problem;

/// Somebody who has shown who they are.
pub struct Caller {
    /// Who.
    pub who: Holder,
    /// What they showed.
    pub credential: Credential,
}

/// What somebody shows that they are who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credential {
    /// An access token of a session.
    AccessToken {
        /// Which.
        session: SessionId,
    },
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
        Self::of(parts, app).await
    }
}

impl Caller {
    /// Whose token it is.
    pub(super) async fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let who = app.identity.tokens.holder(&app.shop.db, token).await?;
        let Some(who) = who else { return Err(Problem::refused(&TokenRefusal::TokenInvalid)) };
        if parts.extensions.get::<Counted>().is_some() {
            app.counters().of_account(who.account_id)?;
        }
        kernel::crash_point!("web.caller-known");
        Ok(Self { who, credential: Credential::AccessToken { session: who.session_id } })
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

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}
