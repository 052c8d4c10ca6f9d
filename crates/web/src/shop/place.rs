//! The button: placing the order.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use flows::{Quote, QuoteView, Refusal};
use kernel::{AccountId, Error, Money, OrderId};
use serde::Deserialize;

use super::checkout::{Asked, Changed, ChangedLine, preview};
use super::error::PageError;
use super::form::Form;
use super::pay;
use super::show::money;
use super::visitor::Visitor;
use crate::extract::Paying;
use crate::{App, ways};

/// The form: what was seen, and how it is to be paid.
#[derive(Deserialize)]
pub(crate) struct PlaceOrder {
    quote: String,
    method: String,
}

/// `POST /checkout`. Sent twice it leads to the same order: the quote's id is the key.
pub(crate) async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    Paying(payer): Paying,
    Form(form): Form<PlaceOrder>,
) -> Result<Response, PageError> {
    let customer = visitor.account_or_back_to("/checkout")?;
    // A page left open across a change of the key: what it says cannot be checked any more.
    let Ok(seen) = app.shop.open_quote(&form.quote) else {
        return Err(PageError::go("/checkout"));
    };
    let placed = match ways::fit(&app, &form.quote, &form.method).await {
        Ok(()) => app.shop.place(customer, &form.quote, &form.method).await,
        Err(unfit) => Err(unfit),
    };
    match placed {
        Ok(placed) if placed.state == orders::State::Pending => {
            let method = placed.payment_method.as_str();
            let key = format!("placed-{}", placed.id);
            Ok(pay::start(&app, customer, placed.id, method, payer, key).await?)
        }
        Ok(placed) => Ok(to_order(placed.id, "thanks")),
        // The order is there: with another way to pay, or from another tab.
        Err(Error::Refused(Refusal::KeyReused)) => Ok(to_order(seen.id, "again")),
        Err(Error::Refused(Refusal::CartAlreadyOrdered { order_id, .. })) => {
            Ok(to_order(order_id, "again"))
        }
        Err(Error::Refused(
            refusal @ (Refusal::QuoteExpired
            | Refusal::QuoteChanged { .. }
            | Refusal::CartChanged
            | Refusal::MethodUnfit(_)
            | Refusal::OutOfStock { .. }),
        )) => ask_again(&app, &visitor, customer, &seen, &form.method, &refusal).await,
        Err(error) => Err(error.into()),
    }
}

fn to_order(order: OrderId, why: &str) -> Response {
    Redirect::to(&format!("/o/{order}?{why}=1")).into_response()
}

/// The preview as it is now, with what is different from what was seen.
async fn ask_again(
    app: &App,
    visitor: &Visitor,
    customer: AccountId,
    seen: &Quote,
    method: &str,
    refusal: &Refusal,
) -> Result<Response, PageError> {
    let buy = seen.lines.first().filter(|_| seen.cart.is_none());
    let asked = Asked {
        address: seen.address.as_ref().map(|address| address.id),
        buy: buy.map(|line| line.variant_id),
        q: buy.map(|line| line.quantity),
    };
    let changed = |now: &QuoteView| compare(seen, now, refusal);
    preview(app, visitor, customer, &asked, Some(method), Some(&changed)).await
}

/// What is different, in words.
fn compare(seen: &Quote, now: &QuoteView, refusal: &Refusal) -> Changed {
    let price = |minor| money(Money::new(minor, seen.totals.currency));
    let mut lines = Vec::new();
    for was in &seen.lines {
        let title = was.title.clone();
        let is = now.quote.lines.iter().find(|line| line.variant_id == was.variant_id);
        let Some(is) = is else {
            let words = "is no longer in the order.".to_owned();
            lines.push(ChangedLine { title, words, price: None });
            continue;
        };
        if let Some(short) = now.short.iter().find(|short| short.variant_id == was.variant_id) {
            let words = match short.available {
                0 => "is sold out.".to_owned(),
                left => format!("has only {left} left; you asked for {}.", short.wanted),
            };
            lines.push(ChangedLine { title: title.clone(), words, price: None });
        }
        if was.quantity != is.quantity {
            let words = format!("was {} and is {} now.", was.quantity, is.quantity);
            lines.push(ChangedLine { title: title.clone(), words, price: None });
        }
        if was.unit_price != is.unit_price {
            let changed = Some((price(was.unit_price), price(is.unit_price)));
            lines.push(ChangedLine { title, words: "has a new price:".into(), price: changed });
        }
    }
    for is in &now.quote.lines {
        if !seen.lines.iter().any(|was| was.variant_id == is.variant_id) {
            let words = "is new in the order.".to_owned();
            lines.push(ChangedLine { title: is.title.clone(), words, price: None });
        }
    }
    let (was, is) = (seen.totals.total, now.quote.totals.total);
    let total = (was != is).then(|| (price(was), price(is)));
    let title = match (lines.is_empty() && total.is_none(), refusal) {
        (true, Refusal::MethodUnfit(_)) => "That way to pay does not take this order any more.",
        (true, Refusal::QuoteExpired) => "The prices were promised for a while, and that is over.",
        (true, _) => "The cart was changed in another window.",
        (false, _) => "This has changed since you looked.",
    };
    Changed { title: title.to_owned(), lines, total }
}
