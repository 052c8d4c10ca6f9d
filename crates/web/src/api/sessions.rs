//! Sessions: signing in and out.

use axum::extract::State;
use http::StatusCode;
use identity::{PendingLogin, Proof, SignInRefusal};
use kernel::{Error, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::{SessionBody, signed_in};
use crate::App;
use crate::answer::{Answer, nothing, reply};

use crate::extract::{Caller, Json};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(second)).routes(routes!(sign_out))
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
        (
            status = 202, body = PendingBody,
            description = "`second-factor-required`: the password is right; go on with \
                           `/sessions/second`",
        ),
        (status = 401, description = "`login-failed`: the login or the password is not right"),
    )
)]
async fn sign_in(State(app): State<App>, Json(form): Json<Credentials>) -> Answer {
    let Credentials { login, password } = form;
    let signed = app.identity.sign_in(&app.shop.db, &app.shop.env, &login, password).await;
    match &signed {
        Err(Error::Refused(SignInRefusal::SecondFactorRequired { pending })) => {
            return Ok(reply(StatusCode::ACCEPTED, &PendingBody::of(pending)));
        }
        Err(Error::Refused(SignInRefusal::LoginFailed)) => tracing::info!("a sign-in failed"),
        _ => {}
    }
    Ok(signed_in(signed?))
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
async fn second(State(app): State<App>, Json(step): Json<SecondStep>) -> Answer {
    let (login, proof) = step.proof()?;
    let signed = app.identity.second_step(&app.shop.db, &app.shop.env, login, proof).await;
    if let Err(Error::Refused(_)) = &signed {
        tracing::info!("a second factor failed");
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
