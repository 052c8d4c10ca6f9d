//! Lists of products: everything, or a category. The address holds all of the state.

mod filter;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{CatalogRefusal, Category, Image, ListItem, ListQuery};
use http::StatusCode;
use kernel::{Coded as _, Error, Fault};
use store::Read;

use super::error::PageError;
use super::form::Params;
use super::shell::{Keep, Section, Shell, page};
use super::show::{Icon, Price, money};
use super::visitor::Visitor;
use crate::App;
use filter::{Filter, Given};

/// Products on a page: full rows of two, three and four.
const PAGE: u32 = 24;
/// So few are said to be few.
pub(crate) const FEW: i64 = 3;

/// A product in a list.
pub(crate) struct Card {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) cover: Option<Image>,
    pub(crate) price: Price,
    /// Whether some variant costs more.
    pub(crate) from: bool,
    /// Units of all variants that nobody has been promised.
    pub(crate) available: i64,
}

impl Card {
    /// `Only 3 left`, while it is true and worth saying.
    pub(crate) fn few(&self) -> bool {
        (1..=FEW).contains(&self.available)
    }
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    title: String,
    /// The categories above this one.
    above: Vec<Section>,
    /// This category and its neighbours.
    beside: Vec<Section>,
    filter: Filter,
    cards: Vec<Card>,
    previous: Option<String>,
    next: Option<String>,
}

/// `GET /products`.
pub(crate) async fn everything(
    State(app): State<App>,
    visitor: Visitor,
    Params(given): Params<Given>,
) -> Result<Response, PageError> {
    list(&app, &visitor, None, &given).await
}

/// `GET /c/{slug}`.
pub(crate) async fn category(
    State(app): State<App>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Params(given): Params<Given>,
) -> Result<Response, PageError> {
    list(&app, &visitor, Some(slug), &given).await
}

async fn list(
    app: &App,
    visitor: &Visitor,
    slug: Option<String>,
    given: &Given,
) -> Result<Response, PageError> {
    let base = slug.as_ref().map_or_else(|| "/products".into(), |slug| format!("/c/{slug}"));
    let filter = Filter::read(given, base, app.shop.settings.currency);
    let query = ListQuery {
        category: slug.clone(),
        price_min: filter.from.minor,
        price_max: filter.to.minor,
        sort: filter.sort,
        after: filter.after().map(str::to_owned),
        limit: PAGE,
    };
    let shell = Shell::load(app, visitor, slug.as_deref()).await?;
    let found = app
        .shop
        .db
        .read(move |read| {
            let found = catalog::list(read, &query)?;
            let categories = catalog::categories(read)?;
            let cards = cards(read, found.items)?;
            Ok::<_, Error<CatalogRefusal>>((cards, found.next, categories))
        })
        .await;
    let (cards, next, categories) = match found {
        // A cursor that was cut short or belongs to another order: from the first page, then.
        Err(Error::Refused(refusal)) if refusal.code() == "cursor-invalid" => {
            return Err(PageError::go(&filter.first_page()));
        }
        found => found?,
    };
    let here = slug.as_ref().and_then(|slug| categories.iter().find(|it| it.slug == *slug));
    let list = ListPage {
        shell,
        title: here.map_or_else(|| "All products".to_owned(), |here| here.title.clone()),
        above: here.map(|here| above(&categories, here)).unwrap_or_default(),
        beside: here.map(|here| beside(&categories, here)).unwrap_or_default(),
        previous: filter.previous_page(),
        next: next.map(|cursor| filter.next_page(&cursor)),
        filter,
        cards,
    };
    Ok(page(StatusCode::OK, Keep::ForBack, &list))
}

/// Adds what a card says to what a list says. Three statements for any number of items.
pub(crate) fn cards(read: &mut Read<'_>, items: Vec<ListItem>) -> Result<Vec<Card>, Fault> {
    let pairs = catalog::variant_ids(read, items.iter().map(|item| item.id))?;
    let offers = catalog::offers(read, pairs.iter().map(|(_, variant)| *variant))?;
    let levels = inventory::levels(read, pairs.iter().map(|(_, variant)| *variant))?;
    let (offers, levels) = (offers.answer(read)?, levels.answer(read)?);
    let card = |item: ListItem| {
        let mut prices = offers.iter().filter(|offer| offer.product_id == item.id);
        let stock = levels.iter().filter(|stock| stock.product_id == item.id);
        Card {
            href: format!("/p/{}", item.slug),
            from: prices.any(|offer| offer.price.minor > item.price.minor),
            price: money(item.price),
            available: stock.map(inventory::Stock::available).sum(),
            title: item.title,
            cover: item.cover,
        }
    };
    Ok(items.into_iter().map(card).collect())
}

fn section(category: &Category, here: bool) -> Section {
    Section { title: category.title.clone(), href: format!("/c/{}", category.slug), here }
}

fn above(categories: &[Category], here: &Category) -> Vec<Section> {
    let mut path = Vec::new();
    let mut at = here.parent_id;
    while let Some(parent) = at.and_then(|id| categories.iter().find(|it| it.id == id)) {
        path.insert(0, section(parent, false));
        at = parent.parent_id;
    }
    path
}

/// What lies below a category, or beside it when nothing lies below; all of it comes first.
fn beside(categories: &[Category], here: &Category) -> Vec<Section> {
    let below = |id| categories.iter().filter(move |it| it.parent_id == Some(id));
    let root = if below(here.id).next().is_some() {
        Some(here)
    } else {
        here.parent_id.and_then(|id| categories.iter().find(|it| it.id == id))
    };
    let Some(root) = root else { return Vec::new() };
    let all = Section { title: "All".into(), ..section(root, root.id == here.id) };
    let children = below(root.id).map(|it| section(it, it.id == here.id));
    std::iter::once(all).chain(children).collect()
}
