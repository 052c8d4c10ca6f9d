//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use identity::{Purpose, SignIn, SignInRefusal};
use kernel::Error;
use serde::Deserialize;

use super::cart_change::with_cookies;
use super::code;
use super::cookies::Cookie;
use super::error::PageError;
use super::form::{Form, Params};
use super::next;
use super::second;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon};
use super::visitor::{Visitor, hash};
use crate::App;
use crate::extract::Paying;
use crate::problem::Problem;

/// Where to go on.
#[derive(Deserialize, Default)]
pub(crate) struct Onwards {
    pub(crate) next: Option<String>,
    /// A new password was set on the way here.
    pub(crate) reset: Option<String>,
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    login: String,
    password: String,
    pub(crate) next: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    next: String,
    login: String,
    /// What is not right.
    wrong: Option<String>,
    reset: bool,
}

impl LoginPage {
    fn login_wrong(&self) -> Option<&'static str> {
        self.wrong.is_some().then_some("Look at it once more.")
    }
}

/// `GET /login`.
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
    let login = LoginPage {
        shell,
        next,
        login: String::new(),
        wrong: None,
        reset: onwards.reset.is_some(),
    };
    Ok(page(StatusCode::OK, Keep::Never, &login))
}

/// `POST /login`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Credentials>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    let signed =
        app.identity.sign_in(&app.shop.db, &app.shop.env, &form.login, form.password).await;
    match signed {
        Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
        Err(Error::Refused(SignInRefusal::SecondFactorRequired { pending })) => {
            second::ask(&app, &visitor, pending.id, next).await
        }
        Err(Error::Refused(refusal @ SignInRefusal::TooManyTries { .. })) => {
            Err(Problem::refused(&refusal).into())
        }
        Err(Error::Refused(_)) => {
            tracing::info!("a sign-in failed");
            let shell = Shell::load(&app, &visitor, None).await?;
            let wrong = Some("The login or the password is not right.".to_owned());
            let login = LoginPage { shell, next, login: form.login, wrong, reset: false };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &login))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// `POST /login/code`: the same form by its other button.
pub(crate) async fn by_code(
    State(app): State<App>,
    visitor: Visitor,
    Paying(from): Paying,
    Form(form): Form<Credentials>,
) -> Result<Response, PageError> {
    let next = next::or_account(form.next.as_deref()).to_owned();
    match code::send(&app, Purpose::SignIn, &form.login, from.client_ip, &next).await? {
        Ok(sent) => Ok(sent),
        Err(words) => {
            let shell = Shell::load(&app, &visitor, None).await?;
            let wrong = Some(words);
            let login = LoginPage { shell, next, login: form.login, wrong, reset: false };
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, Keep::Never, &login))
        }
    }
}

/// Sends somebody who has just signed in on to `next`, with the cart of their device.
pub(crate) async fn welcome(app: &App, visitor: &Visitor, signed: &SignIn, next: &str) -> Response {
    let secure = app.is_secure();
    let mut cookies = vec![Cookie::Session.set(&signed.token, secure)];
    let mut place = next.to_owned();
    if let Some(old) = &visitor.session
        && let Err(fault) = app.identity.sign_out(&app.shop.db, old).await
    {
        tracing::warn!(%fault, "the session before this one was not ended");
    }
    let device = visitor.device.clone();
    if let Err(fault) = app.identity.note_browser(&app.shop.db, signed, device).await {
        tracing::warn!(%fault, "which browser this is was not noted");
    }
    if let Some(token) = &visitor.cart {
        match app.shop.merge_carts(hash(token), signed.account.id).await {
            Ok(moved) => {
                cookies.push(Cookie::Cart.clear(secure));
                if moved > 0 {
                    place = next::with(&place, "moved", moved);
                }
            }
            // They are signed in all the same; the cart waits for the next time.
            Err(error) => tracing::warn!(%error, "a visitor's cart was not taken over"),
        }
    }
    tracing::info!(account = %signed.account.id, "signed in");
    with_cookies(Redirect::to(&place).into_response(), cookies)
}

/// `POST /logout`.
pub(crate) async fn out(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    if let Some(token) = &visitor.session {
        app.identity.sign_out(&app.shop.db, token).await?;
    }
    let gone = Cookie::Session.clear(app.is_secure());
    Ok(with_cookies(Redirect::to("/").into_response(), [gone]))
}
