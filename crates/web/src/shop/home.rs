//! The first page.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use catalog::{CatalogRefusal, ListQuery};
use http::StatusCode;
use kernel::Error;

use super::catalog_list::Card;
use super::error::PageError;
use super::shell::{Keep, Shell, page};
use super::show::Icon;
use super::visitor::Visitor;
use super::{assets, catalog_list};
use crate::App;

/// Products in a row.
const ROW: usize = 4;
/// The newest products, among which the popular ones are looked for.
const LOOKED_AT: u32 = 100;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    hero: &'static str,
    newest: Vec<Card>,
    popular: Vec<Card>,
}

/// `GET /`.
pub(crate) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let shell = Shell::load(&app, &visitor, None).await?;
    let (newest, popular) = app
        .shop
        .db
        .read(|read| {
            let query = ListQuery { limit: LOOKED_AT, ..ListQuery::default() };
            let items = catalog::list(read, &query)?.items;
            let levels = inventory::levels_of_products(read, items.iter().map(|item| item.id))?;
            let sold = |item: &catalog::ListItem| -> i64 {
                let of = levels.iter().filter(|stock| stock.product_id == item.id);
                of.map(|stock| stock.sold).sum()
            };
            let mut popular: Vec<_> = items.iter().filter(|item| sold(item) > 0).cloned().collect();
            popular.sort_by_key(|item| std::cmp::Reverse(sold(item)));
            popular.truncate(ROW);
            let newest: Vec<_> = items.into_iter().take(2 * ROW).collect();
            let newest = catalog_list::cards(read, newest)?;
            Ok::<_, Error<CatalogRefusal>>((newest, catalog_list::cards(read, popular)?))
        })
        .await?;
    let home = HomePage { shell, hero: assets::path("hero.svg"), newest, popular };
    Ok(page(StatusCode::OK, Keep::ForBack, &home))
}
