//! Who is looking at the shop.

use axum::extract::{FromRequestParts, Query};
use flows::Owner;
use http::HeaderValue;
use http::request::Parts;
use identity::{Device, SignedIn};
use kernel::{AccountId, Env};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::cookies::Cookie;
use super::error::PageError;
use super::next;
use crate::{App, extract};

/// Random bytes of a visitor's cart token.
const TOKEN_BYTES: usize = 24;

/// Who is looking, by their cookies.
pub(crate) struct Visitor {
    /// Whoever is signed in.
    pub(crate) who: Option<SignedIn>,
    /// The session's token, when somebody is.
    pub(crate) session: Option<String>,
    /// The token of the cart of this device.
    pub(crate) cart: Option<String>,
    /// What they look at it with.
    pub(crate) device: Device,
    /// The path and query they asked for.
    pub(crate) here: String,
    /// How many units have just come over from the cart of this device.
    pub(crate) moved: Option<i64>,
}

#[derive(Deserialize)]
struct Arrived {
    moved: Option<i64>,
}

impl Visitor {
    /// The account that is signed in; sends others to sign in and come back to this page.
    pub(crate) fn account(&self) -> Result<AccountId, PageError> {
        self.account_or_back_to(&self.here)
    }

    /// The account that is signed in; sends others to sign in and go on at `path`.
    pub(crate) fn account_or_back_to(&self, path: &str) -> Result<AccountId, PageError> {
        self.who
            .as_ref()
            .map(|who| who.account_id)
            .ok_or_else(|| PageError::go(&format!("/login?next={}", next::encoded(path))))
    }

    /// Whose cart is shown: none until something was put in.
    pub(crate) fn owner(&self) -> Option<Owner> {
        match (&self.who, &self.cart) {
            (Some(who), _) => Some(Owner::Account(who.account_id)),
            (None, Some(token)) => Some(Owner::Visitor(hash(token))),
            (None, None) => None,
        }
    }

    /// Whose cart is changed, with the cookie that makes the device remember a new one.
    pub(crate) fn owner_to_change(&self, env: &Env, secure: bool) -> (Owner, Option<HeaderValue>) {
        if let Some(owner) = self.owner() {
            return (owner, None);
        }
        let token = new_token(env);
        (Owner::Visitor(hash(&token)), Some(Cookie::Cart.set(&token, secure)))
    }
}

impl App {
    /// Whether buyers reach the shop over HTTPS.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// What the database keeps of a cart's token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A secret in letters that may stand in a cookie or a form.
pub(crate) fn new_token(env: &Env) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(env.bytes::<TOKEN_BYTES>())
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let secure = app.is_secure();
        let session = Cookie::Session.read(&parts.headers, secure);
        let who = match &session {
            Some(token) => app.identity.sessions.who(&app.shop.db, token).await?,
            None => None,
        };
        let Ok(extract::From(device)) = extract::From::from_request_parts(parts, app).await;
        let moved = Query::<Arrived>::try_from_uri(&parts.uri).ok().and_then(|query| query.0.moved);
        let here = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self {
            session: session.filter(|_| who.is_some()),
            who,
            cart: Cookie::Cart.read(&parts.headers, secure),
            device,
            here,
            moved: moved.filter(|moved| (1..10_000).contains(moved)),
        })
    }
}
