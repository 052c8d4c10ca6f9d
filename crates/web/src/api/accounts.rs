//! Accounts: made by whoever wants one.

use axum::extract::State;
use http::StatusCode;
use identity::{Account, Device, NewAccount, Role, SignIn, TokenPair};
use kernel::{AccountId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::codes::code_id;
use crate::App;
use crate::answer::{Answer, created, ok};
use crate::extract::{Caller, From as ComesFrom, Json, present};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(guest)).routes(routes!(me))
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
struct Register {
    /// An e-mail address, a telephone number with its country's code, or a name of Latin letters.
    /// Not with a code: that says it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "ada@example.org")]
    login: Option<String>,
    /// At least 8 characters, whichever. With a code it may be left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    password: Option<String>,
    /// Of a code of the purpose `register`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    code_id: Option<String>,
    /// Six digits.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "042137")]
    code: Option<String>,
    /// What to call them.
    #[schema(example = "Ada Lovelace")]
    name: String,
}

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountBody {
    id: AccountId,
    /// None where there is no address.
    email: Option<String>,
    email_verified_at: Option<Timestamp>,
    /// E.164.
    phone: Option<String>,
    phone_verified_at: Option<Timestamp>,
    username: Option<String>,
    /// Where a guest can be reached.
    contact: Option<String>,
    name: String,
    role: RoleWord,
}

/// What somebody is in this shop.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub(super) enum RoleWord {
    Customer,
    Support,
    Warehouse,
    Manager,
    Owner,
}

/// Somebody who has just signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionBody {
    account: AccountBody,
    #[serde(flatten)]
    tokens: TokensBody,
}

/// What a program carries. Neither token is shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(super) struct TokensBody {
    /// Which session it is of.
    session_id: SessionId,
    /// Send it with every request: `Authorization: Bearer <token>`.
    token: String,
    /// When it ends; get another one before.
    expires_at: Timestamp,
    /// Gets the next two tokens from `POST /sessions/refresh`, once.
    refresh_token: String,
    /// When it ends, and the session with it, unless it is used.
    refresh_expires_at: Timestamp,
}

impl From<TokenPair> for TokensBody {
    fn from(pair: TokenPair) -> Self {
        let TokenPair { session_id, token, expires_at, refresh_token, refresh_expires_at } = pair;
        Self { session_id, token, expires_at, refresh_token, refresh_expires_at }
    }
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            email: account.email,
            email_verified_at: account.email_verified_at,
            phone: account.phone,
            phone_verified_at: account.phone_verified_at,
            username: account.username,
            contact: account.contact,
            name: account.name,
            role: account.role.into(),
        }
    }
}

impl From<Role> for RoleWord {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Support => Self::Support,
            Role::Warehouse => Self::Warehouse,
            Role::Manager => Self::Manager,
            Role::Owner => Self::Owner,
        }
    }
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Customer => Self::Customer,
            RoleWord::Support => Self::Support,
            RoleWord::Warehouse => Self::Warehouse,
            RoleWord::Manager => Self::Manager,
            RoleWord::Owner => Self::Owner,
        }
    }
}

/// The answer to whoever has just signed in.
pub(super) async fn signed_in(app: &App, signed: SignIn, device: Device) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let pair = app.identity.hand_tokens(db, env, &signed, device).await?;
    tracing::info!(account = %signed.account.id, session = %pair.session_id, "signed in");
    Ok(created(&SessionBody { account: signed.account.into(), tokens: pair.into() }))
}

/// Make an account and sign in with it: with a code, or, in a shop that allows it, with a login
/// that nobody has proven yet.
#[utoipa::path(
    post, path = "/accounts", tag = "accounts", request_body = Register,
    responses(
        (status = 201, description = "Made, and signed in", body = SessionBody),
        (status = 409, description = "`login-taken`"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-required`, `code-wrong`, `login-invalid` …"),
    )
)]
async fn register(
    State(app): State<App>,
    ComesFrom(device): ComesFrom,
    Json(form): Json<Register>,
) -> Answer {
    let Register { login, password, code_id: id, code, name } = form;
    let (db, env) = (&app.shop.db, &app.shop.env);
    if id.is_some() || code.is_some() {
        if login.is_some() {
            return Err(Problem::field("login", "is not sent with a code, which says it"));
        }
        let (id, code) = (needed("code_id", id)?, needed("code", code)?);
        let made = app.codes.register(db, env, code_id(&id), &code, &name, password).await?;
        return signed_in(&app, made, device).await;
    }
    let (login, password) = (needed("login", login)?, needed("password", password)?);
    if app.codes.terms.confirm {
        let detail = "ask for a code first: this shop wants to know that the login is yours";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "code-required", detail));
    }
    let new = NewAccount { login, password, name };
    let signed = app.identity.register(db, env, new).await?;
    signed_in(&app, signed, device).await
}

/// Somebody who buys without wanting an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Guest {
    /// What to call them.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Where news of the order goes: an e-mail address, or a telephone number with its country's
    /// code. It may be somebody's login; that opens nothing.
    #[schema(example = "ada@example.org")]
    contact: String,
}

/// Buy as a guest. The token is all there is to it: nobody signs in again, but each order has a
/// `link` that shows it to whoever has it.
#[utoipa::path(
    post, path = "/guests", tag = "accounts", request_body = Guest,
    responses((status = 201, description = "Signed in", body = SessionBody))
)]
async fn guest(
    State(app): State<App>,
    ComesFrom(device): ComesFrom,
    Json(form): Json<Guest>,
) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let signed = app.identity.guest(db, env, &form.name, &form.contact).await?;
    signed_in(&app, signed, device).await
}

/// A field without which nothing can be done in this case.
pub(super) fn needed(name: &str, value: Option<String>) -> Result<String, Problem> {
    value.ok_or_else(|| Problem::field(name, "is missing"))
}

/// Who the token belongs to.
#[utoipa::path(
    get, path = "/me", tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "The account", body = AccountBody))
)]
async fn me(State(app): State<App>, caller: Caller) -> Answer {
    let id = caller.id();
    let account = app.shop.db.read(move |read| identity::account(read, id)).await?;
    let account = account.ok_or_else(|| Problem::not_found("account"))?;
    Ok(ok(&AccountBody::from(account)))
}
