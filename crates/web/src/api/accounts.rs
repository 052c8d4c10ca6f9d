//! Accounts: made by whoever wants one.

use axum::extract::State;
use axum::response::Response;
use identity::{Account, NewAccount, Role, SignIn};
use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok};
use crate::extract::{Caller, Json};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(me))
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
struct Register {
    /// An e-mail address, a telephone number with its country's code, or a name of Latin letters.
    #[schema(example = "ada@example.org")]
    login: String,
    /// At least 8 characters, whichever.
    password: String,
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
    /// Send it with every request: `Authorization: Bearer <token>`. It is not shown again.
    token: String,
    /// When it ends unless it is used.
    expires_at: Timestamp,
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
pub(super) fn signed_in(SignIn { account, token, expires_at }: SignIn) -> Response {
    tracing::info!(account = %account.id, "signed in");
    created(&SessionBody { account: account.into(), token, expires_at })
}

/// Make an account and sign in with it.
#[utoipa::path(
    post, path = "/accounts", tag = "accounts", request_body = Register,
    responses(
        (status = 201, description = "Made, and signed in", body = SessionBody),
        (status = 409, description = "`login-taken`"),
    )
)]
async fn register(State(app): State<App>, Json(form): Json<Register>) -> Answer {
    let Register { login, password, name } = form;
    let new = NewAccount { login, password, name };
    Ok(signed_in(app.identity.register(&app.shop.db, &app.shop.env, new).await?))
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
