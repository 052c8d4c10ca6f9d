//! The second step of signing in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::{Proof, SecondFactorRefusal};
use kernel::{Error, Uuid};
use serde::Deserialize;

use super::error::PageError;
use super::form::Form;
use super::next;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::sign_in::welcome;
use super::visitor::Visitor;
use crate::App;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Step {
    login: Uuid,
    code: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "second.html")]
struct SecondPage {
    shell: Shell,
    login: Uuid,
    next: String,
    wrong: Option<String>,
}

impl SecondPage {
    fn code_wrong(&self) -> Option<&'static str> {
        self.wrong.is_some().then_some("Wait for the next code of your app, and type that.")
    }
}

/// The page that asks for a code, after a password that was right.
pub(super) async fn ask(
    app: &App,
    visitor: &Visitor,
    login: Uuid,
    next: String,
) -> Result<Response, PageError> {
    let shell = Shell::load(app, visitor, None).await?;
    Ok(page(StatusCode::OK, Keep::Never, &SecondPage { shell, login, next, wrong: None }))
}

/// `POST /login/second`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Form(step): Form<Step>,
) -> Result<Response, PageError> {
    let next = next::or_account(step.next.as_deref()).to_owned();
    let (db, env, login) = (&app.shop.db, &app.shop.env, step.login);
    let proof = proof(step.code);
    match app.identity.second_step(db, env, login, proof).await {
        Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
        Err(Error::Refused(SecondFactorRefusal::LoginOver)) => {
            Err(PageError::go(&format!("/login?next={}", next::encoded(&next))))
        }
        Err(Error::Refused(refusal)) => {
            tracing::info!("a second factor failed");
            let shell = Shell::load(&app, &visitor, None).await?;
            let wrong = Some(sentence(&refusal.to_string()));
            let second = SecondPage { shell, login, next, wrong };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &second))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// Six digits are an app's; everything else could be a recovery code.
fn proof(code: String) -> Proof {
    let digits = code.chars().filter(char::is_ascii_digit).count();
    let others = code.chars().any(|c| !c.is_ascii_digit() && !c.is_whitespace());
    if digits == 6 && !others { Proof::Totp(code) } else { Proof::RecoveryCode(code) }
}
