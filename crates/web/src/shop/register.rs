//! Making an account.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::{AccountRefusal, NewAccount, PASSWORD_CHARS_MIN, Purpose};
use kernel::Error;
use serde::Deserialize;

use super::code;
use super::error::PageError;
use super::form::{Form, Params};
use super::next;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::sign_in::{Onwards, welcome};
use super::visitor::Visitor;
use crate::App;
use crate::extract::Paying;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Registration {
    /// With the code, where one is asked for.
    #[serde(default)]
    name: String,
    login: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    shell: Shell,
    /// Whether a code comes first.
    confirm: bool,
    next: String,
    name: String,
    login: String,
    /// The field that is not right, and what is wrong with it.
    wrong: Option<(&'static str, String)>,
}

impl RegisterPage {
    fn password_hint() -> String {
        format!("At least {PASSWORD_CHARS_MIN} characters. A few words are easy to remember.")
    }

    fn wrong_with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

/// `GET /register`.
pub(crate) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    Params(onwards): Params<Onwards>,
) -> Result<Response, PageError> {
    let next = next::or_account(onwards.next.as_deref()).to_owned();
    if visitor.who.is_some() {
        return Err(PageError::go(&next));
    }
    let register = RegisterPage {
        shell: Shell::load(&app, &visitor, None).await?,
        confirm: app.codes.terms.confirm,
        next,
        name: String::new(),
        login: String::new(),
        wrong: None,
    };
    Ok(page(StatusCode::OK, Keep::Never, &register))
}

/// `POST /register`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Paying(from): Paying,
    Form(form): Form<Registration>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    let Registration { name, login, password, .. } = form;
    if app.codes.terms.confirm {
        return match code::send(&app, Purpose::Register, &login, from.client_ip, &next).await? {
            Ok(sent) => Ok(sent),
            Err(words) => {
                let shell = Shell::load(&app, &visitor, None).await?;
                let (confirm, wrong) = (true, Some(("login", words)));
                let register = RegisterPage { shell, confirm, next, name, login, wrong };
                Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &register))
            }
        };
    }
    let new = NewAccount { login: login.clone(), password, name: name.clone() };
    match app.identity.register(&app.shop.db, &app.shop.env, new).await {
        Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
        Err(Error::Refused(refusal)) => {
            let register = RegisterPage {
                shell: Shell::load(&app, &visitor, None).await?,
                confirm: false,
                next,
                name,
                login,
                wrong: Some(explain(&refusal)),
            };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &register))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// The field that is not right, and what is wrong with it.
pub(super) fn explain(refusal: &AccountRefusal) -> (&'static str, String) {
    let words = match refusal {
        AccountRefusal::LoginInvalid => {
            "Enter an e-mail address, such as name@example.org, or a telephone number with its \
             country's code, such as +41 79 123 45 67."
                .into()
        }
        AccountRefusal::NameInvalid { problem } => sentence(&format!("the name {problem}")),
        other => sentence(&other.to_string()),
    };
    let field = match refusal {
        AccountRefusal::LoginInvalid
        | AccountRefusal::LoginTaken
        | AccountRefusal::ContactInvalid => "login",
        AccountRefusal::NameInvalid { .. } => "name",
        AccountRefusal::PasswordTooShort
        | AccountRefusal::PasswordTooLong
        | AccountRefusal::PasswordTooCommon => "password",
    };
    (field, words)
}
