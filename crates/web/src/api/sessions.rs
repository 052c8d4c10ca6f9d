//! Sessions: signing in, going on, looking where one is signed in, and signing out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use identity::{PendingLogin, Place, Proof, ProofRefusal, SignInRefusal};
use kernel::{Error, SessionId, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{SessionBody, TokensBody, needed, signed_in};
use super::codes::code_id;
use crate::App;
use crate::answer::{Answer, nothing, ok, reply};
use crate::extract::{Caller, From as ComesFrom, Json, Segment, id, present};
use crate::problem::Problem;

/// Whoever keeps our keys asks again after this time: a new one signs seconds after it was made,
/// and who meets an unknown one asks at once (RFC 7517 leaves it to them).
static KEYS_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, sign_in, sign_out_everywhere))
        .routes(routes!(second))
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
        (
            status = 202, body = PendingBody,
            description = "`second-factor-required`: the password is right; go on with \
                           `/sessions/second`",
        ),
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
        let signed = app.codes.sign_in(&app.shop.db, &app.shop.env, code_id(&of), &code).await;
        if let Err(Error::Refused(ProofRefusal::SignIn(SignInRefusal::SecondFactorRequired {
            pending,
        }))) = &signed
        {
            return Ok(reply(StatusCode::ACCEPTED, &PendingBody::of(pending)));
        }
        return signed_in(&app, signed?, device).await;
    }
    let (login, password) = (needed("login", login)?, needed("password", password)?);
    let signed = app.identity.sign_in(&app.shop.db, &app.shop.env, &login, password).await;
    match &signed {
        Err(Error::Refused(SignInRefusal::SecondFactorRequired { pending })) => {
            return Ok(reply(StatusCode::ACCEPTED, &PendingBody::of(pending)));
        }
        Err(Error::Refused(SignInRefusal::LoginFailed)) => tracing::info!("a sign-in failed"),
        _ => {}
    }
    signed_in(&app, signed?, device).await
}

/// A sign-in whose second factor is still to come.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingLogin)]
struct PendingBody {
    /// `second-factor-required`.
    code: &'static str,
    /// What the second step names it by.
    login_id: Uuid,
    /// `totp`, `passkey`, `recovery_code`: what it can be done with.
    ways: Vec<&'static str>,
    expires_at: Timestamp,
}

impl PendingBody {
    fn of(pending: &PendingLogin) -> Self {
        Self {
            code: "second-factor-required",
            login_id: pending.id,
            ways: pending.ways.names(),
            expires_at: pending.expires_at,
        }
    }
}

/// The second factor: one of its kinds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecondStep {
    login_id: Uuid,
    /// The six digits of an app.
    #[schema(example = "123456")]
    totp: Option<String>,
    /// A recovery code; it is used up.
    recovery_code: Option<String>,
}

impl SecondStep {
    fn proof(self) -> Result<(Uuid, Proof), Problem> {
        let proof = match (self.totp, self.recovery_code) {
            (Some(code), None) => Proof::Totp(code),
            (None, Some(code)) => Proof::RecoveryCode(code),
            _ => {
                let message = "must be there, or `recovery_code`, and not two of them";
                return Err(Problem::field("totp", message));
            }
        };
        Ok((self.login_id, proof))
    }
}

/// Complete a sign-in with the second factor.
#[utoipa::path(
    post, path = "/sessions/second", tag = "accounts", request_body = SecondStep,
    responses(
        (status = 201, description = "Signed in", body = SessionBody),
        (status = 401, description = "`login-over`: begin again with the password"),
        (status = 422, description = "`second-factor-wrong`"),
        (status = 429, description = "`second-factor-blocked`: too many were wrong"),
    )
)]
async fn second(
    State(app): State<App>,
    ComesFrom(device): ComesFrom,
    Json(step): Json<SecondStep>,
) -> Answer {
    let (login, proof) = step.proof()?;
    let signed = app.identity.second_step(&app.shop.db, &app.shop.env, login, proof).await;
    if let Err(Error::Refused(_)) = &signed {
        tracing::info!("a second factor failed");
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
