//! The preview of an order: one page to check and to pay.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use catalog::Image;
use flows::{CASH_ON_DELIVERY, QuoteView, Refusal, Source};
use http::StatusCode;
use identity::Address;
use jobs::Offer;
use kernel::{AccountId, AddressId, Error, Money, VariantId};
use serde::Deserialize;

use super::abroad::Abroad;
use super::cart::{self, Hold};
use super::error::PageError;
use super::form::Params;
use super::shell::{Keep, Shell, page};
use super::show::{Icon, Price, clock, count, money, span};
use super::visitor::Visitor;
use super::{countries, goods};
use crate::{App, ways};

/// What the address says.
#[derive(Deserialize, Default, Clone)]
pub(crate) struct Asked {
    /// The address to deliver to.
    pub(crate) address: Option<AddressId>,
    /// One thing to buy, without the cart.
    pub(crate) buy: Option<VariantId>,
    /// How many of it.
    pub(crate) q: Option<i64>,
}

impl Asked {
    pub(crate) fn source(&self) -> Source {
        match self.buy {
            Some(variant_id) => Source::BuyNow { variant_id, quantity: self.q.unwrap_or(1) },
            None => Source::Cart,
        }
    }

    /// The same at another path: without the address.
    pub(crate) fn at(&self, path: &str) -> String {
        match self.buy {
            Some(variant) => format!("{path}?buy={variant}&q={}", self.q.unwrap_or(1)),
            None => path.to_owned(),
        }
    }
}

/// A line of the summary.
pub(crate) struct Line {
    pub(crate) title: String,
    pub(crate) quantity: i64,
    pub(crate) total: Price,
    pub(crate) cover: Option<Image>,
    /// What is wrong with it.
    pub(crate) trouble: Option<String>,
}

/// A way to pay.
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) words: &'static str,
    pub(crate) icon: Icon,
    pub(crate) chosen: bool,
    /// What is charged, where it takes another currency: its place among those, 1, 2, 3 …
    pub(crate) abroad: Option<(usize, Abroad)>,
}

/// What is different from what the buyer saw before the button was pressed.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) title: String,
    pub(crate) lines: Vec<ChangedLine>,
    /// The total then and now, when they differ.
    pub(crate) total: Option<(Price, Price)>,
}

/// What is different about one thing.
pub(crate) struct ChangedLine {
    pub(crate) title: String,
    pub(crate) words: String,
    /// The price of one then and now.
    pub(crate) price: Option<(Price, Price)>,
}

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    shell: Shell,
    changed: Option<Changed>,
    hold: Option<Hold>,
    /// How long units are held for an order that waits for its payment.
    payment_hold: String,
    buy_now: bool,
    address: Option<Address>,
    country: String,
    here: String,
    details: String,
    methods: Vec<Method>,
    lines: Vec<Line>,
    items: String,
    merchandise: Price,
    shipping: Price,
    discount: Option<Price>,
    tax: Option<Price>,
    total: Price,
    token: String,
    good_until: super::show::Time,
    is_all_there: bool,
}

impl Checkout {
    fn can_be_placed(&self) -> bool {
        self.is_all_there && !self.methods.is_empty()
    }
}

/// `GET /checkout`.
pub(crate) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Params(asked): Params<Asked>,
) -> Result<Response, PageError> {
    let customer = visitor.account()?;
    preview(&app, &visitor, customer, &asked, None, None).await
}

/// The preview; with what has changed since the last one, as an answer to a placing that was
/// refused.
pub(crate) async fn preview(
    app: &App,
    visitor: &Visitor,
    customer: AccountId,
    asked: &Asked,
    method: Option<&str>,
    changed: Option<&(dyn Fn(&QuoteView) -> Changed + Sync)>,
) -> Result<Response, PageError> {
    let quoted = match app.shop.quote(customer, asked.source(), asked.address).await {
        Ok(quoted) => quoted,
        Err(Error::Refused(Refusal::NothingSelected)) => return Err(PageError::go("/cart")),
        // An address that was removed meanwhile: the one used by default, then.
        Err(Error::Refused(Refusal::NotFound("address"))) => {
            return Err(PageError::go(&asked.at("/checkout")));
        }
        Err(error) => return Err(error.into()),
    };
    if quoted.quote.address.is_none() {
        return Err(PageError::go(&asked.at("/checkout/details")));
    }
    let changed = changed.map(|changed| changed(&quoted));
    let status = if changed.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let shell = Shell::load(app, visitor, None).await?;
    let hold = match (asked.buy, visitor.owner()) {
        (None, Some(owner)) => cart::hold(app, &app.shop.cart(owner).await?),
        _ => None,
    };
    let lines = lines(app, &quoted).await?;
    let QuoteView { quote, token, missing, .. } = quoted;
    let totals = quote.totals;
    let sum = |minor| money(Money::new(minor, totals.currency));
    let methods = methods(app, method, Money::new(totals.total, totals.currency));
    let checkout = Checkout {
        shell,
        changed,
        hold,
        payment_hold: span(app.shop.settings.payment),
        buy_now: asked.buy.is_some(),
        country: quote.address.as_ref().map_or("", |it| countries::name(&it.country)).to_owned(),
        address: quote.address,
        here: asked.at("/checkout"),
        details: asked.at("/checkout/details"),
        methods,
        lines,
        items: count(totals.item_count, "item", "items"),
        merchandise: sum(totals.merchandise),
        shipping: sum(totals.shipping),
        discount: (totals.discount > 0).then(|| sum(-totals.discount)),
        tax: (totals.tax > 0).then(|| sum(totals.tax)),
        total: sum(totals.total),
        token,
        good_until: clock(quote.expires_at),
        is_all_there: missing.is_empty(),
    };
    Ok(page(status, Keep::Never, &checkout))
}

async fn lines(app: &App, quoted: &QuoteView) -> Result<Vec<Line>, PageError> {
    let variants: Vec<VariantId> = quoted.quote.lines.iter().map(|it| it.variant_id).collect();
    let goods = app.shop.db.read(move |read| goods::of_variants(read, &variants)).await?;
    let currency = quoted.quote.totals.currency;
    let line = |line: &flows::QuoteLine| {
        let short = quoted.short.iter().find(|short| short.variant_id == line.variant_id);
        Line {
            title: line.title.clone(),
            quantity: line.quantity,
            total: money(Money::new(line.line_total, currency)),
            cover: goods.get(&line.variant_id).and_then(|good| good.cover.clone()),
            trouble: short.map(|short| match short.available {
                0 => "Sold out meanwhile".to_owned(),
                left => format!("Only {left} left"),
            }),
        }
    };
    Ok(quoted.quote.lines.iter().map(line).collect())
}

/// The ways to pay a total here, the chosen one marked: the first unless `chosen` is one of them.
fn methods(app: &App, chosen: Option<&str>, total: Money) -> Vec<Method> {
    let offers = ways::of(app, total);
    let chosen = chosen.filter(|chosen| offers.iter().any(|offer| offer.method == *chosen));
    let chosen = chosen.or(offers.first().map(|offer| offer.method.as_str()));
    let mut others = 1..;
    let method = |offer: &Offer| {
        let (title, words, icon) = describe(&offer.method);
        Method {
            chosen: chosen == Some(offer.method.as_str()),
            name: offer.method.clone(),
            title: title.to_owned(),
            words,
            icon,
            abroad: Abroad::of(offer.charge, total.currency)
                .and_then(|abroad| Some((others.next()?, abroad))),
        }
    };
    offers.iter().map(method).collect()
}

/// Name, what happens next, and icon of a way to pay.
pub(crate) fn describe(method: &str) -> (&str, &'static str, Icon) {
    match method {
        "sandbox" => (
            "Test card",
            "You go to the payment sandbox and come back. No real money moves.",
            Icon::Card,
        ),
        CASH_ON_DELIVERY => {
            ("Cash on delivery", "You pay the courier when the parcel arrives.", Icon::Cash)
        }
        other => (other, "You go to their page and come back.", Icon::Card),
    }
}
