//! The page where a code is typed in, whatever it is for.

use std::net::IpAddr;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use identity::{
    Code, CodeRefusal, CodeWish, LoginKind, PASSWORD_CHARS_MIN, ProofRefusal, Purpose,
    SignInRefusal,
};
use kernel::{AccountId, CodeId, Error};
use serde::Deserialize;

use super::error::PageError;
use super::form::{Form, Params, id};
use super::next;
use super::register::explain;
use super::second;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, Time, clock, sentence};
use super::sign_in::{Onwards, welcome};
use super::visitor::Visitor;
use crate::App;
use crate::extract::Paying;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Typed {
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    code: Code,
    next: String,
    name: String,
    until: Time,
    /// Seconds until it may be sent once more, in tens; none when it may not.
    wait: Option<i64>,
    /// It can no longer be used.
    over: bool,
    /// The field that is not right, and what is wrong with it.
    wrong: Option<(&'static str, String)>,
}

impl CodePage {
    fn title(&self) -> &'static str {
        match (self.code.purpose, self.code.kind) {
            (Purpose::Register, _) => "Make an account",
            (Purpose::SignIn, _) => "Sign in with a code",
            (Purpose::Reset, _) => "Choose a new password",
            (Purpose::ChangeLogin, LoginKind::Phone) => "Confirm your number",
            (Purpose::ChangeLogin, _) => "Confirm your address",
        }
    }

    fn sent_words(&self) -> String {
        let to = &self.code.sent_to;
        match self.code.purpose {
            Purpose::Register | Purpose::ChangeLogin => {
                format!("We have sent a code to {to}.")
            }
            // Whether there is one is not for whoever asks to learn.
            Purpose::SignIn | Purpose::Reset => {
                format!("If you have an account with us, a code is on its way to {to}.")
            }
        }
    }

    fn button(&self) -> &'static str {
        match self.code.purpose {
            Purpose::Register => "Make the account",
            Purpose::SignIn => "Sign in",
            Purpose::Reset => "Set the password",
            Purpose::ChangeLogin => "Confirm",
        }
    }

    /// Where another code is asked for.
    fn begin(&self) -> String {
        let path = match self.code.purpose {
            Purpose::Register => "/register",
            Purpose::SignIn => "/login",
            Purpose::Reset => "/forgotten",
            Purpose::ChangeLogin => return "/account/ways-in".to_owned(),
        };
        format!("{path}?next={}", next::encoded(&self.next))
    }

    fn begin_words(&self) -> &'static str {
        match self.code.kind {
            LoginKind::Phone => "Use another number",
            _ => "Use another address",
        }
    }

    fn registers(&self) -> bool {
        self.code.purpose == Purpose::Register
    }

    fn resets(&self) -> bool {
        self.code.purpose == Purpose::Reset
    }

    fn password_hint() -> String {
        format!("At least {PASSWORD_CHARS_MIN} characters. A few words are easy to remember.")
    }

    fn wrong_with(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

/// Has a code sent and leads to its page; or says, in words, why not.
pub(crate) async fn send(
    app: &App,
    purpose: Purpose,
    login: &str,
    from: Option<IpAddr>,
    next: &str,
) -> Result<Result<Response, String>, PageError> {
    send_for(app, CodeWish { purpose, login: login.to_owned(), account: None, from }, next).await
}

/// The same for whoever is signed in.
pub(crate) async fn send_to_change(
    app: &App,
    account: AccountId,
    login: &str,
    from: Option<IpAddr>,
) -> Result<Result<Response, String>, PageError> {
    let (purpose, login, account) = (Purpose::ChangeLogin, login.to_owned(), Some(account));
    send_for(app, CodeWish { purpose, login, account, from }, "/account/ways-in").await
}

async fn send_for(
    app: &App,
    wish: CodeWish,
    next: &str,
) -> Result<Result<Response, String>, PageError> {
    match app.codes.request(&app.shop.db, &app.shop.env, wish).await {
        Ok(code) => Ok(Ok(Redirect::to(&place(code.id, next)).into_response())),
        Err(Error::Refused(refusal)) => Ok(Err(words(refusal))),
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

fn place(code: CodeId, next: &str) -> String {
    format!("/code/{code}?next={}", next::encoded(next))
}

fn words(refusal: CodeRefusal) -> String {
    match refusal {
        CodeRefusal::LoginInvalid => {
            "Enter an e-mail address, such as name@example.org, or a telephone number with its \
             country's code, such as +41 79 123 45 67."
                .into()
        }
        CodeRefusal::TooManyCodes { retry_after } if retry_after > 90 => {
            let minutes = (retry_after + 59) / 60;
            format!("That were too many codes. The next one can be sent in {minutes} minutes.")
        }
        CodeRefusal::TooManyCodes { retry_after } => {
            format!("A code was sent just now. The next one can be sent in {retry_after} seconds.")
        }
        CodeRefusal::CodeWrong { left: 0 } => {
            "This is not the code, and it was typed wrong too often. Ask for a new one.".into()
        }
        CodeRefusal::CodeWrong { left } => {
            let tries = super::show::count(left, "more try", "more tries");
            format!("This is not the code. Look at it again: you have {tries}.")
        }
        other => sentence(&other.to_string()),
    }
}

/// `GET /code/{code}`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(code): Path<String>,
    Params(onwards): Params<Onwards>,
) -> Result<Response, PageError> {
    let next = next::or_account(onwards.next.as_deref()).to_owned();
    let code = id(&code)?;
    let code_page = page_of(&app, &visitor, code, next).await?;
    let status = if code_page.over { StatusCode::GONE } else { StatusCode::OK };
    Ok(page(status, Keep::Never, &code_page))
}

async fn page_of(
    app: &App,
    visitor: &Visitor,
    id: CodeId,
    next: String,
) -> Result<CodePage, PageError> {
    let env = &app.shop.env;
    let code = app.codes.look(&app.shop.db, env, id).await?;
    let code = code.ok_or_else(|| PageError::not_found("page"))?;
    let now = env.now();
    let wait = code.resend_at.map(|at| (at.duration_since(now).as_secs().max(0) + 9) / 10 * 10);
    Ok(CodePage {
        shell: Shell::load(app, visitor, None).await?,
        next,
        name: String::new(),
        until: clock(code.expires_at),
        wait,
        over: !code.alive,
        wrong: None,
        code,
    })
}

/// `POST /code/{code}/resend`.
pub(crate) async fn resend(
    State(app): State<App>,
    visitor: Visitor,
    Paying(from): Paying,
    Path(code): Path<String>,
    Form(onwards): Form<Onwards>,
) -> Result<Response, PageError> {
    let next = next::or_account(onwards.next.as_deref()).to_owned();
    let code = id(&code)?;
    match app.codes.resend(&app.shop.db, &app.shop.env, code, from.client_ip).await {
        Ok(_) => Ok(Redirect::to(&place(code, &next)).into_response()),
        Err(Error::Refused(refusal)) => {
            let mut again = page_of(&app, &visitor, code, next).await?;
            again.wrong = Some(("code", words(refusal)));
            Ok(page(StatusCode::TOO_MANY_REQUESTS, Keep::Never, &again))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// `POST /code/{code}`.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Path(code): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let next = next::or_account(typed.next.as_deref()).to_owned();
    let id = id(&code)?;
    let page_before = page_of(&app, &visitor, id, next.clone()).await?;
    let (purpose, kind) = (page_before.code.purpose, page_before.code.kind);
    let (db, env, codes) = (&app.shop.db, &app.shop.env, &app.codes);
    let name = typed.name.clone();
    let done = match purpose {
        Purpose::Register => {
            let password = Some(typed.password).filter(|password| !password.is_empty());
            let made = codes.register(db, env, id, &typed.code, &name, password).await;
            match made {
                Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
                Err(error) => Err(error),
            }
        }
        Purpose::SignIn => match codes.sign_in(db, env, id, &typed.code).await {
            Ok(signed) => Ok(welcome(&app, &visitor, &signed, &next).await),
            // The code was right: now the second factor.
            Err(Error::Refused(ProofRefusal::SignIn(SignInRefusal::SecondFactorRequired {
                pending,
            }))) => return second::ask(&app, &visitor, pending.id, next).await,
            Err(error) => Err(error),
        },
        Purpose::Reset => codes.reset(db, env, id, &typed.code, typed.password).await.map(|_| {
            let place = format!("/login?reset=1&next={}", next::encoded(&next));
            Redirect::to(&place).into_response()
        }),
        Purpose::ChangeLogin => {
            let account = visitor.account_or_back_to(&place(id, &next))?;
            let proof = (id, typed.code.as_str());
            let changed = codes.change_login(db, env, account, kind, proof).await;
            changed.map(|_| Redirect::to("/account/ways-in?done=login").into_response())
        }
    };
    match done {
        Ok(answer) => Ok(answer),
        Err(Error::Refused(refusal)) => {
            let mut again = page_of(&app, &visitor, id, next).await?;
            again.name = name;
            again.over |= refusal == ProofRefusal::Code(CodeRefusal::CodeOver);
            again.wrong = Some(match &refusal {
                ProofRefusal::Code(refusal) => ("code", words(*refusal)),
                ProofRefusal::Account(refusal) => explain(refusal),
                ProofRefusal::SignIn(refusal) => ("code", sentence(&refusal.to_string())),
            });
            let gone = again.over.then_some(StatusCode::GONE);
            let status = gone.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(page(status, Keep::Never, &again))
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}
