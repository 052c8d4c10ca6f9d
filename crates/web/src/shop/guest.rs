//! Buying without an account.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::AccountRefusal;
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
pub(crate) struct Guest {
    name: String,
    contact: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "guest.html")]
struct GuestPage {
    shell: Shell,
    next: String,
    name: String,
    contact: String,
    /// The field that is not right, and what is wrong with it.
    wrong: Option<(&'static str, String)>,
}

impl GuestPage {
    fn wrong_with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

/// `GET /guest`.
pub(crate) async fn form(
    State(app): State<App>,
    visitor: Visitor,
    Params(onwards): Params<Onwards>,
) -> Result<Response, PageError> {
    let next = next::or_account(onwards.next.as_deref()).to_owned();
    if visitor.who.is_some() {
        return Err(PageError::go(&next));
    }
    let shell = Shell::load(&app, &visitor, None).await?;
    let (name, contact) = (String::new(), String::new());
    Ok(page(StatusCode::OK, Keep::Never, &GuestPage { shell, next, name, contact, wrong: None }))
}

/// `POST /guest`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Guest>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    let Guest { name, contact, .. } = form;
    match app.identity.guest(&app.shop.db, &app.shop.env, &name, &contact).await {
        Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
        Err(Error::Refused(refusal)) => {
            let wrong = Some(explain(&refusal));
            let shell = Shell::load(&app, &visitor, None).await?;
            let guest = GuestPage { shell, next, name, contact, wrong };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &guest))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

fn explain(refusal: &AccountRefusal) -> (&'static str, String) {
    match refusal {
        AccountRefusal::NameInvalid { problem } => {
            ("name", sentence(&format!("the name {problem}")))
        }
        other => ("contact", sentence(&other.to_string())),
    }
}
