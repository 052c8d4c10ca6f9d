//! Sessions: signing in and out.

use axum::extract::State;
use kernel::Error;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{SessionBody, needed, signed_in};
use super::codes::code_id;
use crate::App;
use crate::answer::{Answer, nothing};
use crate::extract::{Caller, Json, present};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(sign_out))
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

/// Sign in.
#[utoipa::path(
    post, path = "/sessions", tag = "accounts", request_body = Credentials,
    responses(
        (status = 201, description = "Signed in", body = SessionBody),
        (status = 401, description = "`login-failed`: the login or the password is not right"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-wrong`, `code-invalid`"),
    )
)]
async fn sign_in(State(app): State<App>, Json(form): Json<Credentials>) -> Answer {
    let Credentials { login, password, code_id: id, code } = form;
    if id.is_some() || code.is_some() {
        if login.is_some() || password.is_some() {
            let name = if login.is_some() { "login" } else { "password" };
            return Err(Problem::field(name, "is not sent with a code"));
        }
        let (id, code) = (needed("code_id", id)?, needed("code", code)?);
        let signed = app.codes.sign_in(&app.shop.db, &app.shop.env, code_id(&id), &code).await?;
        return Ok(signed_in(signed));
    }
    let (login, password) = (needed("login", login)?, needed("password", password)?);
    let signed = app.identity.sign_in(&app.shop.db, &app.shop.env, &login, password).await;
    if let Err(Error::Refused(_)) = &signed {
        tracing::info!("a sign-in failed");
    }
    Ok(signed_in(signed?))
}

/// Sign out: the token is worth nothing from here on.
#[utoipa::path(
    delete, path = "/sessions/current", tag = "accounts", security(("token" = [])),
    responses((status = 204, description = "Signed out"))
)]
async fn sign_out(State(app): State<App>, caller: Caller) -> Answer {
    app.identity.sign_out(&app.shop.db, &caller.token).await?;
    tracing::info!(account = %caller.id(), "signed out");
    Ok(nothing())
}
