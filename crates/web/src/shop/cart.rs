//! The cart.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use catalog::Image;
use flows::{CartLine, CartView, Refusal};
use http::StatusCode;
use kernel::{Error, Money, Timestamp, VariantId, limits};
use orders::LineTotal;
use serde::Deserialize;

use super::error::PageError;
use super::form::Params;
use super::goods::{self, Good};
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Price, Time, clock, count, money, span};
use super::visitor::Visitor;
use crate::App;

/// What the address says of what has just happened.
#[derive(Deserialize, Default)]
pub(crate) struct Happened {
    /// A line got fewer units than were asked for.
    short: Option<VariantId>,
    /// The holds were extended as often as they can be.
    used_up: Option<String>,
    /// The cart can take no further line.
    full: Option<String>,
}

/// A line on the page.
pub(crate) struct Line {
    pub(crate) variant: VariantId,
    pub(crate) title: String,
    pub(crate) href: Option<String>,
    pub(crate) cover: Option<Image>,
    pub(crate) unit_price: Price,
    pub(crate) total: Price,
    pub(crate) quantity: i64,
    pub(crate) selected: bool,
    /// Whether one more can be had.
    pub(crate) more: bool,
    /// What is wrong with it, in words.
    pub(crate) trouble: Option<String>,
}

/// The hold of a cart, as a sentence.
pub(crate) struct Hold {
    /// Until when everything selected is held; none when something is not.
    pub(crate) until: Option<Time>,
    pub(crate) left: String,
    /// What the button gives.
    pub(crate) again: String,
}

#[derive(Template)]
#[template(path = "cart.html")]
struct Cart {
    shell: Shell,
    lines: Vec<Line>,
    all_selected: bool,
    selected: i64,
    total: Price,
    shipping: Price,
    together: Price,
    hold: Option<Hold>,
    notes: Vec<&'static str>,
}

impl Cart {
    fn selected_items(&self) -> String {
        count(self.selected, "item", "items")
    }
}

#[derive(Template)]
#[template(path = "clear.html")]
struct Clear {
    shell: Shell,
}

/// `GET /cart`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Params(happened): Params<Happened>,
) -> Result<Response, PageError> {
    let shell = Shell::load(&app, &visitor, None).await?;
    let shipping = Money::new(app.shop.settings.shipping, app.shop.settings.currency);
    let view = match visitor.owner() {
        Some(owner) => Some(app.shop.cart(owner).await?),
        None => None,
    };
    let zero = Money::zero(app.shop.settings.currency);
    let together = together(&app, view.as_ref())?;
    let (lines, selected, total, hold) = match &view {
        Some(view) => {
            let variants: Vec<VariantId> = view.lines.iter().map(|it| it.variant_id).collect();
            let goods = app.shop.db.read(move |read| goods::of_variants(read, &variants)).await?;
            let line = |it| line(it, goods.get(&it.variant_id), happened.short);
            let lines: Vec<Line> = view.lines.iter().map(line).collect();
            (lines, view.selected_quantity, view.selected_total, hold(&app, view))
        }
        None => (Vec::new(), 0, zero, None),
    };
    let mut notes = Vec::new();
    if happened.used_up.is_some() {
        notes.push("The hold cannot be made longer any more. Check out while it runs.");
    }
    if happened.full.is_some() {
        notes.push("The cart is full. Take something out before you put something in.");
    }
    let cart = Cart {
        shell,
        all_selected: lines.iter().all(|line| line.selected),
        lines,
        selected,
        together: money(together),
        total: money(total),
        shipping: money(shipping),
        hold,
        notes,
    };
    Ok(page(StatusCode::OK, Keep::Never, &cart))
}

/// `GET /cart/clear`: the question before it is done.
pub(crate) async fn ask_to_clear(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let shell = Shell::load(&app, &visitor, None).await?;
    if shell.in_cart == 0 {
        return Err(PageError::go("/cart"));
    }
    Ok(page(StatusCode::OK, Keep::Never, &Clear { shell }))
}

fn line(line: &CartLine, good: Option<&Good>, short: Option<VariantId>) -> Line {
    let trouble = if !line.sold_here {
        Some("This is no longer sold. Take it out to go on.".to_owned())
    } else if line.available == 0 {
        Some("Sold out meanwhile. Take it out, or leave it unselected.".to_owned())
    } else if line.available < line.quantity {
        Some(format!("Only {} left, and you have {} here.", line.available, line.quantity))
    } else if short == Some(line.variant_id) {
        Some(format!("Only {} left. We kept {}.", line.available, line.quantity))
    } else {
        None
    };
    Line {
        variant: line.variant_id,
        title: line.title.clone(),
        href: good.and_then(|good| good.href.clone()),
        cover: good.and_then(|good| good.cover.clone()),
        unit_price: money(line.unit_price),
        total: money(line.line_total),
        quantity: line.quantity,
        selected: line.selected,
        more: line.sold_here && line.quantity < line.available.min(limits::LINE_QUANTITY_MAX),
        trouble,
    }
}

/// What the selected lines cost with their delivery.
fn together(app: &App, view: Option<&CartView>) -> Result<Money, PageError> {
    let settings = &app.shop.settings;
    let lines = view.map(|view| view.lines.as_slice()).unwrap_or_default();
    let selected = lines.iter().filter(|line| line.selected);
    let selected =
        selected.map(|line| LineTotal { unit_price: line.unit_price, quantity: line.quantity });
    let sums = orders::add_up(settings.currency, selected, 0, settings.shipping, 0)
        .map_err(|_| Error::Refused(Refusal::AmountTooLarge))?;
    Ok(Money::new(sums.total, sums.currency))
}

/// What is said about the hold of the selected lines.
pub(crate) fn hold(app: &App, view: &CartView) -> Option<Hold> {
    let selected = || view.lines.iter().filter(|line| line.selected && line.sold_here);
    selected().next()?;
    let held: Option<Vec<Timestamp>> = selected().map(|line| line.held_until).collect();
    let until = held.and_then(|held| held.into_iter().min());
    let left = until.map(|until| span(until.duration_since(app.shop.env.now())));
    Some(Hold {
        until: until.map(clock),
        left: left.unwrap_or_default(),
        again: span(app.shop.settings.hold),
    })
}
