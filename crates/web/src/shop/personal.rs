//! What the shop knows of somebody: a copy of it, and being forgotten.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use identity::personal::{self, PersonalRequest, Wish};
use identity::{Account, Role};
use kernel::Fault;
use serde::Deserialize;

use super::cart_change::with_cookies;
use super::cookies::Cookie;
use super::error::PageError;
use super::form::Form;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, Time, moment};
use super::visitor::Visitor;
use crate::App;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Farewell {
    password: Option<String>,
}

#[derive(Template)]
#[template(path = "personal.html")]
struct PersonalPage {
    shell: Shell,
    account: Account,
    /// When a copy was asked for, and whether it is there.
    copy: Option<(Time, bool)>,
    staff: bool,
}

#[derive(Template)]
#[template(path = "farewell.html")]
struct FarewellPage {
    shell: Shell,
    has_password: bool,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "goodbye.html")]
struct GoodbyePage {
    shell: Shell,
}

impl FarewellPage {
    fn password_wrong(&self) -> Option<&'static str> {
        self.wrong.then_some("That is not the account's password.")
    }
}

/// `GET /account/data`.
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let id = visitor.account()?;
    let (account, asked) = app
        .shop
        .db
        .read(move |read| {
            let asked = personal::asked(read, id, Wish::Export)?;
            Ok::<_, Fault>((identity::account(read, id)?, asked))
        })
        .await?;
    let account = account.ok_or_else(|| PageError::not_found("account"))?;
    let personal = PersonalPage {
        shell: Shell::load(&app, &visitor, None).await?,
        staff: account.role != Role::Customer,
        account,
        copy: asked.map(|it| (moment(it.made_at), it.done_at.is_some())),
    };
    Ok(page(StatusCode::OK, Keep::Never, &personal))
}

/// `POST /account/data`: asks for a copy.
pub(crate) async fn ask(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    app.shop.ask_for_copy(visitor.account_or_back_to("/account/data")?).await?;
    Ok(Redirect::to("/account/data").into_response())
}

/// `GET /account/data/everything.json`.
pub(crate) async fn copy(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let id = visitor.account_or_back_to("/account/data")?;
    let asked = app.shop.db.read(move |read| personal::asked(read, id, Wish::Export)).await?;
    let Some(PersonalRequest { result: Some(copy), .. }) = asked else {
        return Err(PageError::go("/account/data"));
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"everything.json\""),
        ),
    ];
    Ok((headers, copy).into_response())
}

/// `GET /account/delete`: the question before it is done.
pub(crate) async fn question(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    visitor.account()?;
    farewell(&app, &visitor, false).await
}

/// `POST /account/delete`.
pub(crate) async fn forget(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Farewell>,
) -> Result<Response, PageError> {
    let id = visitor.account_or_back_to("/account/delete")?;
    if visitor.who.as_ref().is_some_and(|who| who.role != Role::Customer) {
        return Err(PageError::go("/account/data"));
    }
    let has_password = app.shop.db.read(move |read| identity::has_password(read, id)).await?;
    let password = form.password.unwrap_or_default();
    let right = !has_password || app.identity.is_password(&app.shop.db, id, password).await?;
    if !right {
        return farewell(&app, &visitor, true).await;
    }
    let (_, ended) = app.shop.ask_to_be_forgotten(id).await?;
    app.identity.forget_sessions(&ended);
    tracing::info!(account = %id, "wants to be forgotten");
    let gone = Cookie::Session.clear(app.is_secure());
    Ok(with_cookies(Redirect::to("/goodbye").into_response(), [gone]))
}

/// `GET /goodbye`.
pub(crate) async fn goodbye(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let shell = Shell::load(&app, &visitor, None).await?;
    Ok(page(StatusCode::OK, Keep::Never, &GoodbyePage { shell }))
}

async fn farewell(app: &App, visitor: &Visitor, wrong: bool) -> Result<Response, PageError> {
    let id = visitor.account()?;
    let has_password = app.shop.db.read(move |read| identity::has_password(read, id)).await?;
    let shell = Shell::load(app, visitor, None).await?;
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page(status, Keep::Never, &FarewellPage { shell, has_password, wrong }))
}
