//! What the account is proved with beside the password.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::{Holder, Role, SecondFactorRefusal, SignedIn, Ways, ways};
use kernel::Error;
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Deserialize;

use super::error::PageError;
use super::form::Form;
use super::shell::{Keep, Shell, page};
use super::show::{Field, Icon, sentence};
use super::visitor::Visitor;
use crate::App;

/// Light modules around a code (ISO/IEC 18004 asks for four).
const MARGIN: i32 = 4;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// A secret for an app.
struct Offer {
    /// An SVG that is written here and nowhere else.
    picture: String,
    secret: String,
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    shell: Shell,
    ways: Ways,
    /// Whether this session was opened with a second factor.
    proved: bool,
    required: bool,
    offer: Option<Offer>,
    /// Whether a code of an app that was shown its secret is asked for again.
    confirming: bool,
    codes: Vec<String>,
    wrong: Option<String>,
}

impl SecurityPage {
    async fn of(app: &App, visitor: &Visitor) -> Result<Self, PageError> {
        let of = visitor.account()?;
        let staff = visitor.who.as_ref().is_some_and(|who| who.role != Role::Customer);
        Ok(Self {
            shell: Shell::load(app, visitor, None).await?,
            ways: app.shop.db.read(move |read| ways(read, of)).await?,
            proved: visitor.who.as_ref().is_some_and(|who| who.second_factor),
            required: staff && app.identity.staff_second_factor,
            offer: None,
            confirming: false,
            codes: Vec::new(),
            wrong: None,
        })
    }

    fn code_wrong(&self) -> Option<&'static str> {
        let again = self.confirming && self.wrong.is_some();
        again.then_some("Wait for the next code of your app, and type that.")
    }

    fn written(&self) -> Response {
        let status =
            if self.wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        page(status, Keep::Never, self)
    }
}

/// Who is signed in; sends others to sign in first.
fn who(visitor: &Visitor) -> Result<Holder, PageError> {
    visitor.account_or_back_to("/account/security")?;
    visitor.who.as_ref().map(SignedIn::holder).ok_or_else(PageError::broken)
}

/// `GET /account/security`.
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    Ok(SecurityPage::of(&app, &visitor).await?.written())
}

/// `POST /account/security/app`: shows a secret.
pub(crate) async fn offer(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let issuer = app.public_url.host_str().unwrap_or("Holdfast");
    let offered = app.identity.offer_totp(db, env, who(&visitor)?, issuer).await?;
    let picture = picture(&offered.uri).ok_or_else(PageError::broken)?;
    let secret = offered.secret.as_bytes().chunks(4).map(String::from_utf8_lossy);
    let secret = secret.collect::<Vec<_>>().join(" ");
    let shown = SecurityPage::of(&app, &visitor).await?;
    Ok(SecurityPage { offer: Some(Offer { picture, secret }), ..shown }.written())
}

/// `POST /account/security/app/confirm`.
pub(crate) async fn confirm(
    State(app): State<App>,
    visitor: Visitor,
    Form(Code { code }): Form<Code>,
) -> Result<Response, PageError> {
    let (db, env) = (&app.shop.db, &app.shop.env);
    match app.identity.confirm_totp(db, env, who(&visitor)?, code).await {
        Ok(codes) => {
            if let Some(token) = &visitor.session {
                app.identity.sessions.look_again(token);
            }
            let shown = SecurityPage::of(&app, &visitor).await?;
            let codes = codes.unwrap_or_default();
            Ok(SecurityPage { codes, proved: true, ..shown }.written())
        }
        Err(Error::Refused(refusal @ SecondFactorRefusal::FactorWrong)) => {
            let shown = SecurityPage::of(&app, &visitor).await?;
            let wrong = Some(sentence(&refusal.to_string()));
            Ok(SecurityPage { confirming: true, wrong, ..shown }.written())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/security/app/remove`.
pub(crate) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    match app.identity.remove_totp(&app.shop.db, &app.shop.env, who(&visitor)?).await {
        Ok(()) => Err(PageError::go("/account/security")),
        Err(Error::Refused(refusal)) => {
            let shown = SecurityPage::of(&app, &visitor).await?;
            Ok(SecurityPage { wrong: Some(sentence(&refusal.to_string())), ..shown }.written())
        }
        Err(Error::Fault(fault)) => Err(fault.into()),
    }
}

/// `POST /account/security/codes`: new recovery codes.
pub(crate) async fn renew(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let codes = app.identity.renew_recovery_codes(db, env, who(&visitor)?).await?;
    let shown = SecurityPage::of(&app, &visitor).await?;
    Ok(SecurityPage { codes, ..shown }.written())
}

/// A QR code as SVG: dark on light whatever the page's colours are, as cameras want it.
fn picture(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * MARGIN;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{},{}h1v1h-1z", x + MARGIN, y + MARGIN);
        }
    }
    Some(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-label=\"The secret as a picture for an authenticator app\">\
         <path fill=\"#fff\" d=\"M0,0h{side}v{side}h-{side}z\"/>\
         <path fill=\"#000\" shape-rendering=\"crispEdges\" d=\"{path}\"/></svg>"
    ))
}
