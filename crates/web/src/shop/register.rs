//! Making an account.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::{AccountRefusal, NewAccount, PASSWORD_CHARS_MIN};
use kernel::Error;
use serde::Deserialize;

use super::error::PageError;
use super::form::{Form, Params};
use super::next;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::sign_in::{Onwards, welcome};
use super::visitor::Visitor;
use crate::App;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Registration {
    name: String,
    login: String,
    password: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    shell: Shell,
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
    Form(form): Form<Registration>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    let Registration { name, login, password, .. } = form;
    let new = NewAccount { login: login.clone(), password, name: name.clone() };
    match app.identity.register(&app.shop.db, &app.shop.env, new).await {
        Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
        Err(Error::Refused(refusal)) => {
            let register = RegisterPage {
                shell: Shell::load(&app, &visitor, None).await?,
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

fn explain(refusal: &AccountRefusal) -> (&'static str, String) {
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
