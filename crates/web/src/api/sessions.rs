//! Sessions: signing in and out.

use axum::extract::State;
use kernel::Error;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{SessionBody, signed_in};
use crate::App;
use crate::answer::{Answer, nothing};
use crate::extract::{Caller, Json};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(sign_out))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The account's e-mail address, telephone number or name.
    #[schema(example = "ada@example.org")]
    login: String,
    password: String,
}

/// Sign in.
#[utoipa::path(
    post, path = "/sessions", tag = "accounts", request_body = Credentials,
    responses(
        (status = 201, description = "Signed in", body = SessionBody),
        (status = 401, description = "`login-failed`: the login or the password is not right"),
    )
)]
async fn sign_in(State(app): State<App>, Json(form): Json<Credentials>) -> Answer {
    let Credentials { login, password } = form;
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
