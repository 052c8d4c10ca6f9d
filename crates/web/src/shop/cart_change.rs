//! Forms that change the cart. Each is answered with a redirect to a page that shows the result.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use flows::{CartView, Change, Owner, Refusal};
use http::{HeaderValue, header};
use kernel::{Error, VariantId};
use serde::Deserialize;

use super::error::PageError;
use super::form::{Form, id, quantity};
use super::next;
use super::visitor::Visitor;
use crate::App;

/// Something to put into the cart.
#[derive(Deserialize)]
pub(crate) struct Add {
    variant: VariantId,
    quantity: String,
    /// The page it was on.
    back: Option<String>,
    /// The other button: straight to the checkout, without the cart.
    buy: Option<String>,
}

/// What one of the buttons of a line asks for.
#[derive(Deserialize)]
pub(crate) struct ChangeLine {
    quantity: Option<String>,
    by: Option<i64>,
    remove: Option<String>,
    select: Option<bool>,
}

/// All lines, or none.
#[derive(Deserialize)]
pub(crate) struct SelectAll {
    select: bool,
}

/// Where to go on.
#[derive(Deserialize)]
pub(crate) struct Onwards {
    next: Option<String>,
}

/// `POST /cart/add`.
pub(crate) async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Add>,
) -> Result<Response, PageError> {
    let wanted = quantity(&form.quantity)?;
    if form.buy.is_some() {
        let checkout = format!("/checkout?buy={}&q={wanted}", form.variant);
        return Ok(Redirect::to(&checkout).into_response());
    }
    let back = form.back.as_deref().and_then(next::local).unwrap_or("/cart").to_owned();
    let (owner, cookie) = visitor.owner_to_change(&app.shop.env, app.is_secure());
    let added = change(&app, owner, form.variant, Change::By(wanted)).await?;
    let place = match added {
        Outcome::Done => next::with(&back, "added", 1),
        Outcome::Short { kept: 0 } => next::with(&back, "gone", 1),
        Outcome::Short { .. } => format!("/cart?short={}", form.variant),
        Outcome::Full => "/cart?full=1".to_owned(),
    };
    let mut answer = Redirect::to(&place).into_response();
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// `POST /cart/lines/{variant}`.
pub(crate) async fn line(
    State(app): State<App>,
    visitor: Visitor,
    Path(variant): Path<String>,
    Form(form): Form<ChangeLine>,
) -> Result<Response, PageError> {
    let variant: VariantId = id(&variant)?;
    // A cart that was forgotten has no lines either: its page says so.
    let owner = visitor.owner().ok_or_else(|| PageError::go("/cart"))?;
    if let Some(selected) = form.select {
        let answer = app.shop.select_lines(owner, Some(vec![variant]), selected).await;
        return Ok(back_to_cart(settled(answer)?));
    }
    let wanted = if form.remove.is_some() {
        Change::Set(0)
    } else if let Some(by) = form.by {
        Change::By(by.clamp(-1, 1))
    } else {
        Change::Set(quantity(form.quantity.as_deref().unwrap_or_default())?)
    };
    Ok(match change(&app, owner, variant, wanted).await? {
        Outcome::Short { .. } => Redirect::to(&format!("/cart?short={variant}")).into_response(),
        Outcome::Done | Outcome::Full => back_to_cart(()),
    })
}

/// `POST /cart/select`.
pub(crate) async fn select_all(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<SelectAll>,
) -> Result<Response, PageError> {
    let owner = visitor.owner().ok_or_else(|| PageError::go("/cart"))?;
    app.shop.select_lines(owner, None, form.select).await?;
    Ok(back_to_cart(()))
}

/// `POST /cart/extend`.
pub(crate) async fn extend(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Onwards>,
) -> Result<Response, PageError> {
    let place = form.next.as_deref().and_then(next::local).unwrap_or("/cart").to_owned();
    let owner = visitor.owner().ok_or_else(|| PageError::go("/cart"))?;
    match app.shop.extend_cart(owner).await {
        Ok(_) => Ok(Redirect::to(&place).into_response()),
        Err(Error::Refused(Refusal::HoldUsedUp)) => {
            Ok(Redirect::to("/cart?used_up=1").into_response())
        }
        // What is missing stands on the page of the cart, line by line.
        Err(Error::Refused(Refusal::OutOfStock { .. })) => Ok(back_to_cart(())),
        Err(error) => Err(error.into()),
    }
}

/// `POST /cart/clear`.
pub(crate) async fn clear(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    if let Some(owner) = visitor.owner() {
        app.shop.clear_cart(owner).await?;
    }
    Ok(back_to_cart(()))
}

enum Outcome {
    Done,
    /// Fewer than were asked for; this many are in the cart now.
    Short {
        kept: i64,
    },
    /// No room for another line.
    Full,
}

/// Changes a line; where fewer units can be had than asked for, keeps as many as there are.
async fn change(
    app: &App,
    owner: Owner,
    variant: VariantId,
    change: Change,
) -> Result<Outcome, PageError> {
    match app.shop.set_line(owner.clone(), variant, change).await {
        Ok(_) => Ok(Outcome::Done),
        Err(Error::Refused(Refusal::OutOfStock { short })) => {
            let there =
                short.iter().find(|it| it.variant_id == variant).map_or(0, |it| it.available);
            if there > 0 {
                settled(app.shop.set_line(owner, variant, Change::Set(there)).await)?;
            }
            Ok(Outcome::Short { kept: there.max(0) })
        }
        Err(Error::Refused(Refusal::TooManyLines { .. })) => Ok(Outcome::Full),
        other => settled(other).map(|()| Outcome::Done),
    }
}

/// A line that has gone meanwhile, or stock that has, is no reason for an error page: the cart
/// shows how things are.
fn settled(answer: flows::Answer<CartView>) -> Result<(), PageError> {
    match answer {
        Ok(_) | Err(Error::Refused(Refusal::NotFound("line") | Refusal::OutOfStock { .. })) => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn back_to_cart((): ()) -> Response {
    Redirect::to("/cart").into_response()
}

/// Adds the headers that set cookies.
pub(crate) fn with_cookies(
    mut answer: Response,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response {
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
