//! Your second factor: an authenticator app, and recovery codes.

use axum::extract::State;
use identity::ways;
use kernel::Fault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, nothing, ok};
use crate::extract::{Caller, Json};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(offer, remove))
        .routes(routes!(confirm))
        .routes(routes!(renew))
}

/// What you can prove yourself with beside the password.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
struct WaysBody {
    /// Whether there is an authenticator app.
    totp: bool,
    /// How many passkeys there are.
    passkeys: i64,
    /// How many recovery codes are left.
    recovery_codes: i64,
    /// Whether this session was opened with a second factor.
    proved: bool,
    /// Whether you must have one.
    required: bool,
}

/// A secret for an app. It counts once it is confirmed with a code.
#[derive(Serialize, ToSchema)]
struct OfferedSecret {
    /// To be typed into the app.
    secret: String,
    /// The same for the app's camera: make a QR code of it.
    uri: String,
}

/// The app's first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    #[schema(example = "123456")]
    code: String,
}

/// Codes for the day the second factor is lost. They are not shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
struct Codes {
    /// Each is good once; none where there were some already.
    recovery_codes: Vec<String>,
}

/// What your account can be proved with.
#[utoipa::path(
    get, path = "/me/second-factor", tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "Its kinds", body = WaysBody))
)]
async fn show(State(app): State<App>, caller: Caller) -> Answer {
    let (of, session) = (caller.id(), caller.who.session_id);
    let looked = app
        .shop
        .db
        .read(move |read| Ok::<_, Fault>((ways(read, of)?, identity::is_proven(read, session)?)));
    let (ways, proved) = looked.await?;
    let staff = caller.who.role != identity::Role::Customer;
    Ok(ok(&WaysBody {
        totp: ways.totp,
        passkeys: ways.passkeys,
        recovery_codes: ways.recovery_codes,
        proved,
        required: staff && app.identity.staff_second_factor,
    }))
}

/// Ask for a secret for an authenticator app. One that is in use goes on until this is confirmed.
#[utoipa::path(
    post, path = "/me/second-factor/totp", tag = "accounts", security(("token" = [])),
    responses(
        (status = 201, description = "Show it to the app", body = OfferedSecret),
        (status = 403, description = "`second-factor-required`: sign in with the one there is"),
    )
)]
async fn offer(State(app): State<App>, caller: Caller) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let issuer = app.public_url.host_str().unwrap_or("Holdfast");
    let offered = app.identity.offer_totp(db, env, caller.who, issuer).await?;
    Ok(created(&OfferedSecret { secret: offered.secret, uri: offered.uri }))
}

/// Take the app into use. This session counts as one with a second factor from here on.
#[utoipa::path(
    post, path = "/me/second-factor/totp/confirm", tag = "accounts", security(("token" = [])),
    request_body = Confirm,
    responses(
        (status = 200, description = "In use; with recovery codes the first time", body = Codes),
        (status = 403, description = "`second-factor-required`"),
        (status = 409, description = "`nothing-to-confirm`"),
        (status = 422, description = "`second-factor-wrong`"),
        (status = 429, description = "`second-factor-blocked`"),
    )
)]
async fn confirm(State(app): State<App>, caller: Caller, Json(form): Json<Confirm>) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let codes = app.identity.confirm_totp(db, env, caller.who, form.code).await?;
    tracing::info!(account = %caller.id(), "a second factor was set up");
    Ok(ok(&Codes { recovery_codes: codes.unwrap_or_default() }))
}

/// Take the app away.
#[utoipa::path(
    delete, path = "/me/second-factor/totp", tag = "accounts", security(("token" = [])),
    responses(
        (status = 204, description = "Gone"),
        (status = 403, description = "`second-factor-required`"),
        (status = 404, description = "`second-factor-unknown`: there is none"),
        (status = 409, description = "`last-second-factor`"),
    )
)]
async fn remove(State(app): State<App>, caller: Caller) -> Answer {
    app.identity.remove_totp(&app.shop.db, &app.shop.env, caller.who).await?;
    tracing::info!(account = %caller.id(), "a second factor was taken away");
    Ok(nothing())
}

/// Make ten new recovery codes. The old ones are worth nothing from here on.
#[utoipa::path(
    post, path = "/me/second-factor/recovery-codes", tag = "accounts", security(("token" = [])),
    responses(
        (status = 201, description = "Shown once", body = Codes),
        (status = 403, description = "`second-factor-required`"),
        (status = 404, description = "`second-factor-unknown`: there is nothing to recover"),
    )
)]
async fn renew(State(app): State<App>, caller: Caller) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let recovery_codes = app.identity.renew_recovery_codes(db, env, caller.who).await?;
    Ok(created(&Codes { recovery_codes }))
}
