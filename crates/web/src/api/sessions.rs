//! Sessions: signing in, going on, looking where one is signed in, and signing out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use identity::Place;
use kernel::{Error, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{SessionBody, TokensBody, needed, signed_in};
use super::codes::code_id;
use crate::App;
use crate::answer::{Answer, nothing, ok};
use crate::extract::{Caller, From as ComesFrom, Json, Segment, id, present};
use crate::problem::Problem;

/// Whoever keeps our keys asks again after this time: a new one signs seconds after it was made,
/// and who meets an unknown one asks at once (RFC 7517 leaves it to them).
static KEYS_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, sign_in, sign_out_everywhere))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
        .routes(routes!(sign_out_there))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The account's e-mail address, telephone number or name; with a password.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "ada@example.org")]
    login: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    password: Option<String>,
    /// Of a code of the purpose `sign_in`; in place of login and password.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    code_id: Option<String>,
    /// Six digits.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "042137")]
    code: Option<String>,
}

/// What goes on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// As it was given last.
    refresh_token: String,
}

/// A place where you are signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedInAt)]
struct PlaceBody {
    id: SessionId,
    /// `browser` or `program`.
    kind: &'static str,
    /// What it said of itself.
    device: Option<String>,
    /// The address it signed in from.
    address: Option<String>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

/// Where you are signed in, the latest first.
#[derive(Serialize, ToSchema)]
struct Sessions {
    items: Vec<PlaceBody>,
}

/// Sign in.
///
/// The access token is good for a quarter of an hour; the refresh token gets the next one.
#[utoipa::path(
    post, path = "/sessions", tag = "accounts", request_body = Credentials,
    responses(
        (status = 201, description = "Signed in", body = SessionBody),
        (status = 401, description = "`login-failed`: the login or the password is not right"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-wrong`, `code-invalid`"),
    )
)]
async fn sign_in(
    State(app): State<App>,
    ComesFrom(device): ComesFrom,
    Json(form): Json<Credentials>,
) -> Answer {
    let Credentials { login, password, code_id: of, code } = form;
    if of.is_some() || code.is_some() {
        if login.is_some() || password.is_some() {
            let name = if login.is_some() { "login" } else { "password" };
            return Err(Problem::field(name, "is not sent with a code"));
        }
        let (of, code) = (needed("code_id", of)?, needed("code", code)?);
        let signed = app.codes.sign_in(&app.shop.db, &app.shop.env, code_id(&of), &code).await?;
        return signed_in(&app, signed, device).await;
    }
    let (login, password) = (needed("login", login)?, needed("password", password)?);
    let signed = app.identity.sign_in(&app.shop.db, &app.shop.env, &login, password).await;
    if let Err(Error::Refused(_)) = &signed {
        tracing::info!("a sign-in failed");
    }
    signed_in(&app, signed?, device).await
}

/// Get the next tokens.
///
/// A refresh token is good once. Whoever asks again within ten seconds gets the same one again; one
/// that comes later ends the session, because somebody else may have it too.
#[utoipa::path(
    post, path = "/sessions/refresh", tag = "accounts", request_body = Refresh,
    responses(
        (status = 200, description = "The next two tokens", body = TokensBody),
        (status = 401, description = "`token-invalid`: sign in again"),
    )
)]
async fn refresh(State(app): State<App>, Json(form): Json<Refresh>) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let pair = app.identity.refresh(db, env, &form.refresh_token).await?;
    Ok(ok(&TokensBody::from(pair)))
}

/// Where you are signed in.
#[utoipa::path(
    get, path = "/sessions", tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "The latest first", body = Sessions))
)]
async fn list(State(app): State<App>, caller: Caller) -> Answer {
    let (account, now) = (caller.id(), app.shop.env.now());
    let places = app.shop.db.read(move |read| identity::places(read, account, now)).await?;
    let current = caller.who.session_id;
    let body = |place: Place| PlaceBody {
        id: place.id,
        kind: if place.is_browser { "browser" } else { "program" },
        device: place.device,
        address: place.address,
        created_at: place.created_at,
        last_used_at: place.last_used_at,
        expires_at: place.expires_at,
        current: place.id == current,
    };
    Ok(ok(&Sessions { items: places.into_iter().map(body).collect() }))
}

/// Sign out: the tokens are worth nothing from here on.
#[utoipa::path(
    delete, path = "/sessions/current", tag = "accounts", security(("token" = [])),
    responses((status = 204, description = "Signed out"))
)]
async fn sign_out(State(app): State<App>, caller: Caller) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    app.identity.end_session(db, env, caller.id(), caller.who.session_id).await?;
    tracing::info!(account = %caller.id(), "signed out");
    Ok(nothing())
}

/// Sign out in one place.
#[utoipa::path(
    delete, path = "/sessions/{session}", tag = "accounts", security(("token" = [])),
    params(("session" = SessionId, Path, description = "Its id")),
    responses((status = 204, description = "Signed out there"))
)]
async fn sign_out_there(State(app): State<App>, caller: Caller, session: Segment) -> Answer {
    let session = id(&session, "session")?;
    let (db, env) = (&app.shop.db, &app.shop.env);
    if !app.identity.end_session(db, env, caller.id(), session).await? {
        return Err(Problem::not_found("session"));
    }
    tracing::info!(account = %caller.id(), %session, "signed out in one place");
    Ok(nothing())
}

/// Sign out everywhere, here as well.
#[utoipa::path(
    delete, path = "/sessions", tag = "accounts", security(("token" = [])),
    responses((status = 204, description = "Signed out everywhere"))
)]
async fn sign_out_everywhere(State(app): State<App>, caller: Caller) -> Answer {
    app.identity.end_all_sessions(&app.shop.db, &app.shop.env, caller.id()).await?;
    tracing::info!(account = %caller.id(), "signed out everywhere");
    Ok(nothing())
}

/// `GET /.well-known/jwks.json`: what others read our access tokens with (RFC 7517).
pub(crate) async fn keys(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.identity.tokens.published(&app.shop.db).await?;
    Ok(([(header::CACHE_CONTROL, KEYS_KEPT.clone())], ok(&json!({ "keys": keys }))).into_response())
}
