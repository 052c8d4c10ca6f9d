//! A forgotten password: a code is sent for a new one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::Purpose;
use serde::Deserialize;

use super::code;
use super::error::PageError;
use super::form::{Form, Params};
use super::next;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon};
use super::sign_in::Onwards;
use super::visitor::Visitor;
use crate::App;
use crate::extract::Paying;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Forgotten {
    login: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenPage {
    shell: Shell,
    next: String,
    login: String,
    wrong: Option<String>,
}

/// `GET /forgotten`.
pub(crate) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    Params(onwards): Params<Onwards>,
) -> Result<Response, PageError> {
    let next = next::or_account(onwards.next.as_deref()).to_owned();
    let shell = Shell::load(&app, &visitor, None).await?;
    let forgotten = ForgottenPage { shell, next, login: String::new(), wrong: None };
    Ok(page(StatusCode::OK, Keep::Never, &forgotten))
}

/// `POST /forgotten`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Paying(from): Paying,
    Form(form): Form<Forgotten>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    match code::send(&app, Purpose::Reset, &form.login, from.client_ip, &next).await? {
        Ok(sent) => Ok(sent),
        Err(words) => {
            let shell = Shell::load(&app, &visitor, None).await?;
            let forgotten = ForgottenPage { shell, next, login: form.login, wrong: Some(words) };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &forgotten))
        }
    }
}
