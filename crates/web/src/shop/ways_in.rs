//! How somebody signs in, and what they change about it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use identity::{Account, AccountRefusal, ChangeRefusal, Login, LoginKind, PASSWORD_CHARS_MIN};
use kernel::{AccountId, Error, Fault};
use serde::Deserialize;

use super::code;
use super::error::PageError;
use super::form::{Form, Params};
use super::register::explain;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::visitor::Visitor;
use crate::App;
use crate::extract::Paying;

/// What was done on the way here.
#[derive(Deserialize, Default)]
pub(crate) struct Done {
    done: Option<String>,
}

/// One of the forms.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Change {
    email: String,
    phone: String,
    username: String,
    current: String,
    new: String,
}

#[derive(Template)]
#[template(path = "ways_in.html")]
struct WaysInPage {
    shell: Shell,
    account: Account,
    has_password: bool,
    form: Change,
    done: Option<&'static str>,
    /// The field that is not right, and what is wrong with it.
    wrong: Option<(&'static str, String)>,
}

impl WaysInPage {
    fn password_hint() -> String {
        format!("At least {PASSWORD_CHARS_MIN} characters. A few words are easy to remember.")
    }

    fn wrong_with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }

    fn typed(&self, field: &str) -> &str {
        match field {
            "email" => &self.form.email,
            "phone" => &self.form.phone,
            _ => &self.form.username,
        }
    }
}

/// `GET /account/ways-in`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Params(done): Params<Done>,
) -> Result<Response, PageError> {
    let id = visitor.account()?;
    let mut ways = page_of(&app, &visitor, id).await?;
    ways.done = match done.done.as_deref() {
        Some("login") => Some("Confirmed: you sign in with it from now on."),
        Some("username") => Some("Your name is changed."),
        Some("password") => {
            Some("Your password is changed, and your other devices are signed out.")
        }
        _ => None,
    };
    Ok(page(StatusCode::OK, Keep::Never, &ways))
}

async fn page_of(app: &App, visitor: &Visitor, id: AccountId) -> Result<WaysInPage, PageError> {
    let read = app.shop.db.read(move |read| {
        Ok::<_, Fault>((identity::account(read, id)?, identity::has_password(read, id)?))
    });
    let (account, has_password) = read.await?;
    Ok(WaysInPage {
        shell: Shell::load(app, visitor, None).await?,
        account: account.ok_or_else(|| PageError::not_found("account"))?,
        has_password,
        form: Change::default(),
        done: None,
        wrong: None,
    })
}

/// `POST /account/ways-in/{way}`.
pub(crate) async fn change(
    State(app): State<App>,
    visitor: Visitor,
    Paying(from): Paying,
    Path(way): Path<String>,
    Form(form): Form<Change>,
) -> Result<Response, PageError> {
    let id = visitor.account_or_back_to("/account/ways-in")?;
    let (db, env) = (&app.shop.db, &app.shop.env);
    let done = |what: &str| Redirect::to(&format!("/account/ways-in?done={what}")).into_response();
    let wrong = match way.as_str() {
        "email" | "phone" => {
            let (field, kind, text) = if way == "email" {
                ("email", LoginKind::Email, &form.email)
            } else {
                ("phone", LoginKind::Phone, &form.phone)
            };
            if Login::parse(text).is_some_and(|login| login.kind == kind) {
                match code::send_to_change(&app, id, text, from.client_ip).await? {
                    Ok(sent) => return Ok(sent),
                    Err(words) => (field, words),
                }
            } else if kind == LoginKind::Email {
                (field, "Enter an e-mail address, such as name@example.org.".to_owned())
            } else {
                (field, "Enter a number with its country's code, such as +41 79 123 45 67.".into())
            }
        }
        "username" => match app.codes.change_username(db, env, id, &form.username).await {
            Ok(()) => return Ok(done("username")),
            Err(Error::Refused(AccountRefusal::LoginTaken)) => {
                ("username", "Somebody else has this name: choose another.".to_owned())
            }
            Err(Error::Refused(_)) => {
                ("username", "A name has 3 to 40 Latin letters, digits, dots and dashes.".into())
            }
            Err(Error::Fault(fault)) => return Err(fault.into()),
        },
        "password" => {
            let who = visitor.who.as_ref().ok_or_else(|| PageError::not_found("account"))?;
            let (current, new) = (form.current.clone(), form.new.clone());
            let session = (id, who.session_id);
            match app.codes.change_password(db, env, session, current, new).await {
                Ok(()) => return Ok(done("password")),
                Err(Error::Refused(ChangeRefusal::Account(refusal))) => {
                    ("new", explain(&refusal).1)
                }
                Err(Error::Refused(refusal)) => ("current", sentence(&refusal.to_string())),
                Err(Error::Fault(fault)) => return Err(fault.into()),
            }
        }
        _ => return Err(PageError::not_found("page")),
    };
    let mut again = page_of(&app, &visitor, id).await?;
    (again.form, again.wrong) = (form, Some(wrong));
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &again))
}
