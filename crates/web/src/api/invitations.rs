//! Accepting an invitation to work in the shop.

use axum::extract::State;
use identity::invitation::NewMember;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::AccountBody;
use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{Json, Perhaps};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accept))
}

/// An invitation that is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Accept {
    /// As it was handed over.
    token: String,
    /// Where there is no account yet: what to call you.
    name: Option<String>,
    /// Where there is no account yet: your password.
    password: Option<String>,
}

/// Accept an invitation: signed in as the account that was invited, or with a name and a password
/// for a new one. Sign in afterwards.
#[utoipa::path(
    post, path = "/invitations/accept", tag = "accounts", request_body = Accept,
    responses(
        (status = 200, description = "You work here now", body = AccountBody),
        (status = 401, description = "`unauthorized`: the token of your session is not good"),
        (status = 403, description = "`invitation-for-an-account`: sign in with it first"),
        (status = 409, description = "`already-staff`"),
        (status = 410, description = "`invitation-over`"),
    )
)]
async fn accept(
    State(app): State<App>,
    Perhaps(caller): Perhaps,
    Json(wish): Json<Accept>,
) -> Answer {
    let new = match (wish.name, wish.password) {
        (Some(name), Some(password)) => Some(NewMember { password, name }),
        (None, None) => None,
        (None, _) => return Err(Problem::field("name", "is missing")),
        (_, None) => return Err(Problem::field("password", "is missing")),
    };
    let (db, env) = (&app.shop.db, &app.shop.env);
    let by = caller.map(|caller| caller.id());
    let account = app.identity.accept_invitation(db, env, &wish.token, by, new).await?;
    tracing::info!(account = %account.id, "an invitation was accepted");
    Ok(ok(&AccountBody::from(account)))
}
