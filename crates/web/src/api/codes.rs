//! One-time codes, and what else somebody changes about how they sign in.

use std::str::FromStr as _;

use axum::extract::State;
use http::StatusCode;
use identity::{Code, CodeWish, LoginKind, Purpose};
use kernel::{CodeId, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accounts::AccountBody;
use crate::App;
use crate::answer::{Answer, nothing, ok, reply};
use crate::extract::{Caller, Json, Paying, Segment, id};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(request))
        .routes(routes!(resend))
        .routes(routes!(reset))
        .routes(routes!(change_password))
        .routes(routes!(change_email))
        .routes(routes!(change_phone))
        .routes(routes!(change_username))
}

/// A code that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// What for. It opens nothing else. `change_login` needs a token, and goes to the new login.
    purpose: PurposeWord,
    /// An e-mail address, or a telephone number with its country's code.
    #[schema(example = "ada@example.org")]
    login: String,
}

/// What a code is for.
#[derive(Deserialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CodePurpose)]
enum PurposeWord {
    Register,
    SignIn,
    Reset,
    ChangeLogin,
}

/// A code on its way. Whether anybody has this login is not said.
#[derive(Serialize, ToSchema)]
#[schema(as = Code)]
struct CodeBody {
    /// Send it with the code.
    code_id: CodeId,
    /// Where it goes, in part.
    #[schema(example = "a•••@example.org")]
    sent_to: String,
    /// When it is worth nothing.
    expires_at: Timestamp,
    /// When it can be sent once more; null when it cannot.
    resend_at: Option<Timestamp>,
}

/// A new password, with a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    code_id: String,
    /// Six digits.
    #[schema(example = "042137")]
    code: String,
    /// At least 8 characters, whichever.
    password: String,
}

/// A new password in place of the present one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OtherPassword {
    current: String,
    /// At least 8 characters, whichever.
    new: String,
}

/// A proof that a login is theirs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    code_id: String,
    /// Six digits.
    #[schema(example = "042137")]
    code: String,
}

/// A name to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Username {
    /// 3 to 40 Latin letters, digits, `.`, `_` and `-`; it begins with a letter.
    #[schema(example = "ada.l")]
    username: String,
}

impl From<PurposeWord> for Purpose {
    fn from(word: PurposeWord) -> Self {
        match word {
            PurposeWord::Register => Self::Register,
            PurposeWord::SignIn => Self::SignIn,
            PurposeWord::Reset => Self::Reset,
            PurposeWord::ChangeLogin => Self::ChangeLogin,
        }
    }
}

impl From<Code> for CodeBody {
    fn from(code: Code) -> Self {
        let Code { id: code_id, sent_to, expires_at, resend_at, .. } = code;
        Self { code_id, sent_to, expires_at, resend_at }
    }
}

/// The id of a code in a body: what is none names a code that is over, as any other does.
pub(super) fn code_id(text: &str) -> CodeId {
    CodeId(Uuid::from_str(text).unwrap_or_default())
}

/// Have a code sent. The answer is the same whether somebody has this login or not; where a code
/// would be of no use, something else goes out, or nothing.
#[utoipa::path(
    post, path = "/codes", tag = "accounts", security((), ("token" = [])), request_body = Wish,
    responses(
        (status = 202, description = "On its way", body = CodeBody),
        (status = 401, description = "`unauthorized`: `change_login` without a token"),
        (status = 422, description = "`login-invalid`, `login-unreachable`: a name has no mailbox"),
        (status = 429, description = "`too-many-codes`: try again after `Retry-After` seconds"),
    )
)]
async fn request(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    Paying(from): Paying,
    Json(wish): Json<Wish>,
) -> Answer {
    let purpose = wish.purpose.into();
    let account = match purpose {
        Purpose::ChangeLogin => Some(caller?.id()),
        Purpose::Register | Purpose::SignIn | Purpose::Reset => None,
    };
    let wish = CodeWish { purpose, login: wish.login, account, from: from.client_ip };
    let code = app.codes.request(&app.shop.db, &app.shop.env, wish).await?;
    Ok(reply(StatusCode::ACCEPTED, &CodeBody::from(code)))
}

/// Have the same code sent once more: 30 seconds after the first time, and twice as long each
/// time after that, five times in all. Its time and its tries go on.
#[utoipa::path(
    post, path = "/codes/{id}/resend", tag = "accounts",
    params(("id" = CodeId, Path, description = "`code_id`")),
    responses(
        (status = 202, description = "On its way again", body = CodeBody),
        (status = 410, description = "`code-over`"),
        (status = 429, description = "`too-many-codes`: try again after `Retry-After` seconds"),
    )
)]
async fn resend(State(app): State<App>, code: Segment, Paying(from): Paying) -> Answer {
    let id = id(&code, "code")?;
    let code = app.codes.resend(&app.shop.db, &app.shop.env, id, from.client_ip).await?;
    Ok(reply(StatusCode::ACCEPTED, &CodeBody::from(code)))
}

/// Set a new password with a code of the purpose `reset`. Every session of the account ends.
#[utoipa::path(
    post, path = "/password-resets", tag = "accounts", request_body = NewPassword,
    responses(
        (status = 204, description = "Set: sign in with it"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-wrong`, `code-invalid`, `password-too-short` …"),
    )
)]
async fn reset(State(app): State<App>, Json(form): Json<NewPassword>) -> Answer {
    let NewPassword { code_id: id, code, password } = form;
    let (db, env) = (&app.shop.db, &app.shop.env);
    let account = app.codes.reset(db, env, code_id(&id), &code, password).await?;
    tracing::info!(account = %account.id, "a password was reset");
    Ok(nothing())
}

/// Set a new password in place of the present one. Your other sessions end.
#[utoipa::path(
    put, path = "/me/password", tag = "accounts", security(("token" = [])),
    request_body = OtherPassword,
    responses(
        (status = 204, description = "Set"),
        (status = 409, description = "`no-password`: set one with a code of the purpose `reset`"),
        (status = 422, description = "`password-wrong`, `password-too-short` …"),
    )
)]
async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Json(form): Json<OtherPassword>,
) -> Answer {
    let OtherPassword { current, new } = form;
    let (db, env) = (&app.shop.db, &app.shop.env);
    app.codes.change_password(db, env, (caller.id(), caller.who.session_id), current, new).await?;
    tracing::info!(account = %caller.id(), "a password was changed");
    Ok(nothing())
}

/// Be reached by another e-mail address, with a code that was sent there. The old one is told.
#[utoipa::path(
    put, path = "/me/logins/email", tag = "accounts", security(("token" = [])),
    request_body = Proof,
    responses(
        (status = 200, description = "The account", body = AccountBody),
        (status = 409, description = "`login-taken`"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-wrong`, `code-invalid`"),
    )
)]
async fn change_email(State(app): State<App>, caller: Caller, Json(proof): Json<Proof>) -> Answer {
    change(&app, &caller, LoginKind::Email, &proof).await
}

/// Be reached by another telephone number, with a code that was sent there. The old one is told.
#[utoipa::path(
    put, path = "/me/logins/phone", tag = "accounts", security(("token" = [])),
    request_body = Proof,
    responses(
        (status = 200, description = "The account", body = AccountBody),
        (status = 409, description = "`login-taken`"),
        (status = 410, description = "`code-over`"),
        (status = 422, description = "`code-wrong`, `code-invalid`"),
    )
)]
async fn change_phone(State(app): State<App>, caller: Caller, Json(proof): Json<Proof>) -> Answer {
    change(&app, &caller, LoginKind::Phone, &proof).await
}

async fn change(app: &App, caller: &Caller, kind: LoginKind, proof: &Proof) -> Answer {
    let Proof { code_id: id, code } = proof;
    let (db, env) = (&app.shop.db, &app.shop.env);
    let proof = (code_id(id), code.as_str());
    let account = app.codes.change_login(db, env, caller.id(), kind, proof).await?;
    tracing::info!(account = %account.id, kind = kind.as_str(), "a login was changed");
    Ok(ok(&AccountBody::from(account)))
}

/// Sign in with another name.
#[utoipa::path(
    put, path = "/me/logins/username", tag = "accounts", security(("token" = [])),
    request_body = Username,
    responses(
        (status = 204, description = "Yours"),
        (status = 409, description = "`login-taken`"),
    )
)]
async fn change_username(
    State(app): State<App>,
    caller: Caller,
    Json(form): Json<Username>,
) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    app.codes.change_username(db, env, caller.id(), &form.username).await?;
    Ok(nothing())
}
