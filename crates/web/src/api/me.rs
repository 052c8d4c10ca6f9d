//! What people may do with what the shop knows of them.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use identity::personal::{self, PersonalRequest, Wish};
use identity::{Role, consents};
use kernel::{PersonalRequestId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok, reply};
use crate::extract::{Caller, Json, MaybeJson};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rename, erase))
        .routes(routes!(ask_for_copy, copy))
        .routes(routes!(answers, answer))
}

/// What is to be changed of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Profile {
    /// What to call them.
    #[schema(example = "Ada Lovelace")]
    name: String,
}

/// What somebody has to show before they are forgotten.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The account's password, where it has one.
    password: Option<String>,
}

/// A wish about the data that is known of somebody.
#[derive(Serialize, ToSchema)]
struct PersonalRequestBody {
    id: PersonalRequestId,
    /// `waiting` or `done`.
    state: &'static str,
    /// What it still waits for.
    waits_for: Option<String>,
    made_at: Timestamp,
    done_at: Option<Timestamp>,
}

impl From<&PersonalRequest> for PersonalRequestBody {
    fn from(request: &PersonalRequest) -> Self {
        Self {
            id: request.id,
            state: if request.done_at.is_some() { "done" } else { "waiting" },
            waits_for: request.waits_for.clone(),
            made_at: request.made_at,
            done_at: request.done_at,
        }
    }
}

/// Everything that is known of somebody.
#[derive(Serialize, ToSchema)]
struct Copy<'a> {
    request: PersonalRequestBody,
    /// The account, the cart, the orders with their payments, as of one moment.
    #[schema(value_type = Object)]
    data: &'a RawValue,
}

/// An answer to "may we?".
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConsent {
    /// What for: small letters, digits and dashes.
    #[schema(example = "newsletter")]
    purpose: String,
    /// Whether they agree.
    given: bool,
    /// The words they were shown.
    #[schema(example = "Write to me about new things, once a week at most.")]
    wording: String,
}

/// An answer that was given.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
struct ConsentBody {
    purpose: String,
    given: bool,
    wording: String,
    at: Timestamp,
}

/// Every answer, the newest first; the newest of a purpose counts.
#[derive(Serialize, ToSchema)]
struct Consents {
    items: Vec<ConsentBody>,
}

impl From<consents::Consent> for ConsentBody {
    fn from(consent: consents::Consent) -> Self {
        let consents::Consent { purpose, given, wording, at } = consent;
        Self { purpose, given, wording, at }
    }
}

/// Change what you are called.
#[utoipa::path(
    patch, path = "/me", tag = "accounts", security(("token" = [])), request_body = Profile,
    responses((status = 204, description = "Changed"))
)]
async fn rename(State(app): State<App>, caller: Caller, Json(form): Json<Profile>) -> Answer {
    let id = caller.id();
    app.shop.db.write(move |tx| identity::rename(tx, id, &form.name)).await?;
    Ok(crate::answer::nothing())
}

/// Be forgotten. You are signed out at once; what is known of you goes as soon as your orders and
/// your money have come to an end, but for what an invoice has to say.
#[utoipa::path(
    delete, path = "/me", tag = "accounts", security(("token" = [])),
    request_body = Option<Proof>,
    responses(
        (status = 202, description = "Under way", body = PersonalRequestBody),
        (status = 409, description = "`staff-account`"),
        (status = 422, description = "`password-wrong`"),
    )
)]
async fn erase(
    State(app): State<App>,
    caller: Caller,
    MaybeJson(proof): MaybeJson<Proof>,
) -> Answer {
    let request = forget(&app, &caller, proof.password).await?;
    Ok(reply(StatusCode::ACCEPTED, &PersonalRequestBody::from(&request)))
}

/// Checks who it is, and begins.
async fn forget(
    app: &App,
    caller: &Caller,
    password: Option<String>,
) -> Result<PersonalRequest, Problem> {
    let (id, db) = (caller.id(), &app.shop.db);
    if caller.who.role != Role::Customer {
        let detail = "people of the shop leave it first: somebody else has to make the account a \
                      customer's";
        return Err(Problem::new(StatusCode::CONFLICT, "staff-account", detail));
    }
    let has_password = db.read(move |read| identity::has_password(read, id)).await?;
    let right =
        !has_password || app.identity.is_password(db, id, password.unwrap_or_default()).await?;
    if !right {
        let detail = "send the account's password with this request";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "password-wrong", detail));
    }
    let (request, ended) = app.shop.ask_to_be_forgotten(id).await?;
    app.identity.forget_sessions(&ended);
    tracing::info!(account = %id, "wants to be forgotten");
    Ok(request)
}

/// Ask for a copy of everything that is known of you.
#[utoipa::path(
    post, path = "/me/export", tag = "accounts", security(("token" = [])),
    responses((status = 202, description = "Under way", body = PersonalRequestBody))
)]
async fn ask_for_copy(State(app): State<App>, caller: Caller) -> Answer {
    let request = app.shop.ask_for_copy(caller.id()).await?;
    Ok(reply(StatusCode::ACCEPTED, &PersonalRequestBody::from(&request)))
}

/// The copy of everything that is known of you. It is kept for seven days.
#[utoipa::path(
    get, path = "/me/export", tag = "accounts", security(("token" = [])),
    responses(
        (status = 200, description = "Everything", body = Copy),
        (status = 202, description = "Under way: ask again", body = PersonalRequestBody),
        (status = 404, description = "`not-found`: nobody asked for one"),
    )
)]
async fn copy(State(app): State<App>, caller: Caller) -> Answer {
    let id = caller.id();
    let asked = app.shop.db.read(move |read| personal::asked(read, id, Wish::Export)).await?;
    let request = asked.ok_or_else(|| Problem::not_found("copy"))?;
    Ok(written(&request))
}

fn written(request: &PersonalRequest) -> Response {
    let body = PersonalRequestBody::from(request);
    let data = request.result.clone().and_then(|text| RawValue::from_string(text).ok());
    let Some(data) = data else { return reply(StatusCode::ACCEPTED, &body) };
    let mut answer = ok(&Copy { request: body, data: &data });
    let name = HeaderValue::from_static("attachment; filename=\"everything.json\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    answer
}

/// What you agreed to, and took back.
#[utoipa::path(
    get, path = "/me/consents", tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "The newest first", body = Consents))
)]
async fn answers(State(app): State<App>, caller: Caller) -> Answer {
    let id = caller.id();
    let kept = app.shop.db.read(move |read| consents::of_account(read, id)).await?;
    Ok(ok(&Consents { items: kept.into_iter().map(Into::into).collect() }))
}

/// Agree to something, or take it back.
#[utoipa::path(
    post, path = "/me/consents", tag = "accounts", security(("token" = [])),
    request_body = NewConsent,
    responses((status = 201, description = "Kept", body = ConsentBody))
)]
async fn answer(State(app): State<App>, caller: Caller, Json(form): Json<NewConsent>) -> Answer {
    let (id, env) = (caller.id(), app.shop.env.clone());
    let NewConsent { purpose, given, wording } = form;
    let kept = app
        .shop
        .db
        .write(move |tx| consents::answer(tx, &env, id, (&purpose, given, &wording)))
        .await?;
    Ok(created(&ConsentBody::from(kept)))
}
