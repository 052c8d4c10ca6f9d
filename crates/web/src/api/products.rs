//! What the shop offers.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use catalog::{ListItem, ListQuery, ProductPage, Sort};
use http::Uri;
use inventory::Stock;
use kernel::{CategoryId, Error, Fault, Money, ProductId, VariantId, limits};
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Answer;
use crate::extract::{Query, Segment};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(page)).routes(routes!(categories))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// The slug of a category: it and all below it.
    category: Option<String>,
    /// The lowest price, in minor units, included.
    #[param(minimum = 0)]
    price_min: Option<i64>,
    /// The highest price, in minor units, included.
    #[param(minimum = 0)]
    price_max: Option<i64>,
    /// The order.
    #[serde(default)]
    #[param(inline, value_type = Option<SortWord>)]
    sort: Sort,
    /// Items on the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The orders a list can have; `-price` is the dearest first.
#[derive(ToSchema)]
#[schema(as = Sort)]
#[expect(dead_code, reason = "describes `catalog::Sort`, whose words a test compares with these")]
enum SortWord {
    #[schema(rename = "newest")]
    Newest,
    #[schema(rename = "price")]
    PriceUp,
    #[schema(rename = "-price")]
    PriceDown,
    #[schema(rename = "title")]
    Title,
}

/// A page of products.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductList)]
struct Items {
    items: Vec<Item>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// A product in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = ProductListItem)]
struct Item {
    id: ProductId,
    slug: String,
    title: String,
    /// The lowest price of its variants.
    price: Money,
    /// Where its picture is, below the shop's address.
    image: Option<String>,
    /// Units that can be had, over all variants.
    available: i64,
    /// Variants to choose from.
    variant_count: i64,
}

/// All that the page of a product shows.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
pub(super) struct ProductBody {
    id: ProductId,
    slug: String,
    title: String,
    description: String,
    images: Vec<Picture>,
    category: Option<CategoryBody>,
    /// Units sold, over all variants.
    sold: i64,
    variants: Vec<VariantBody>,
}

/// A picture.
#[derive(Serialize, ToSchema)]
struct Picture {
    /// Where it is, below the shop's address.
    url: String,
    /// What it shows.
    alt: String,
    width: i64,
    height: i64,
}

/// A variant: what is bought and counted.
#[derive(Serialize, ToSchema)]
#[schema(as = Variant)]
pub(super) struct VariantBody {
    id: VariantId,
    sku: String,
    title: String,
    options: BTreeMap<String, String>,
    price: Money,
    /// What was asked before a reduction.
    list_price: Option<Money>,
    /// Units that can be had.
    available: i64,
    /// Units sold.
    sold: i64,
}

/// A category.
#[derive(Serialize, ToSchema)]
#[schema(as = Category)]
struct CategoryBody {
    id: CategoryId,
    /// The category above.
    parent_id: Option<CategoryId>,
    slug: String,
    title: String,
}

/// All categories.
#[derive(Serialize, ToSchema)]
struct Categories {
    items: Vec<CategoryBody>,
}

impl From<catalog::Category> for CategoryBody {
    fn from(category: catalog::Category) -> Self {
        let catalog::Category { id, parent_id, slug, title, .. } = category;
        Self { id, parent_id, slug, title }
    }
}

impl VariantBody {
    pub(super) fn new(variant: catalog::Variant, stock: Option<&Stock>) -> Self {
        let catalog::Variant { id, sku, title, options, price, list_price, .. } = variant;
        let available = stock.map_or(0, Stock::available);
        let sold = stock.map_or(0, |stock| stock.sold);
        Self { id, sku, title, options, price, list_price, available, sold }
    }
}

impl ProductBody {
    pub(super) fn new(page: ProductPage, levels: &[Stock]) -> Self {
        let ProductPage { product, category, images, variants } = page;
        let stock = |id: VariantId| levels.iter().find(|stock| stock.variant_id == id);
        let picture = |image: catalog::Image| Picture {
            url: image.path,
            alt: image.alt,
            width: image.width,
            height: image.height,
        };
        Self {
            id: product.id,
            slug: product.slug,
            title: product.title,
            description: product.description,
            images: images.into_iter().map(picture).collect(),
            category: category.map(Into::into),
            // Those no longer offered have been sold all the same.
            sold: levels.iter().map(|stock| stock.sold).sum(),
            variants: variants
                .into_iter()
                .map(|variant| {
                    let stock = stock(variant.id);
                    VariantBody::new(variant, stock)
                })
                .collect(),
        }
    }
}

/// What is in the shop.
#[utoipa::path(
    get, path = "/products", tag = "products", params(Filter),
    responses(
        (status = 200, description = "A page", body = Items),
        (status = 404, description = "`category-unknown`"),
    )
)]
async fn list(State(app): State<App>, uri: Uri, Query(filter): Query<Filter>) -> Answer {
    let Filter { category, price_min, price_max, sort, limit, cursor } = filter;
    let limit = limit.unwrap_or(limits::PAGE_SIZE_DEFAULT);
    let query = ListQuery { category, price_min, price_max, sort, after: cursor, limit };
    let read = app.shop.db.read(move |read| {
        let page = catalog::list(read, &query)?;
        let available = available(read, &page.items)?;
        let items = page.items.into_iter().map(|item| Item {
            available: available.get(&item.id).copied().unwrap_or(0),
            id: item.id,
            slug: item.slug,
            title: item.title,
            price: item.price,
            image: item.cover.map(|cover| cover.path),
            variant_count: item.variant_count,
        });
        Ok::<_, Error<catalog::CatalogRefusal>>(Items {
            items: items.collect(),
            next_cursor: page.next,
        })
    });
    app.kept(&uri, async { Ok(read.await?) }).await
}

/// Units that can be had of each product: one statement, and one more when a product has variants
/// that are not offered.
fn available(read: &mut Read<'_>, items: &[ListItem]) -> Result<HashMap<ProductId, i64>, Fault> {
    let products = || items.iter().map(|item| item.id);
    let mut levels = inventory::levels_of_products(read, products())?;
    let offered: i64 = items.iter().map(|item| item.variant_count).sum();
    if usize::try_from(offered) != Ok(levels.len()) {
        let offered: std::collections::HashSet<VariantId> = catalog::variant_ids(read, products())?
            .into_iter()
            .map(|(_, variant)| variant)
            .collect();
        levels.retain(|stock| offered.contains(&stock.variant_id));
    }
    let mut available = HashMap::with_capacity(items.len());
    for stock in levels {
        *available.entry(stock.product_id).or_insert(0) += stock.available();
    }
    Ok(available)
}

/// One product.
#[utoipa::path(
    get, path = "/products/{slug}", tag = "products",
    params(("slug" = String, Path, description = "Its name in addresses")),
    responses((status = 200, description = "The product", body = ProductBody))
)]
async fn page(State(app): State<App>, uri: Uri, slug: Segment) -> Answer {
    let read = app.shop.db.read(move |read| {
        let Some(page) = catalog::page(read, &slug.0)? else { return Ok(None) };
        let levels = inventory::levels_of_products(read, [page.product.id])?;
        Ok::<_, Fault>(Some(ProductBody::new(page, &levels)))
    });
    app.kept(&uri, async { read.await?.ok_or_else(|| Problem::not_found("product")) }).await
}

/// All categories.
#[utoipa::path(
    get, path = "/categories", tag = "products",
    responses((status = 200, description = "Sisters in their order", body = Categories))
)]
async fn categories(State(app): State<App>, uri: Uri) -> Answer {
    let read = app.shop.db.read(catalog::categories);
    let all = async {
        let items = read.await?.into_iter().map(Into::into).collect();
        Ok(Categories { items })
    };
    app.kept(&uri, all).await
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn the_document_knows_every_order() {
        let words = serde_json::to_value(SortWord::schema()).unwrap();
        let known: Vec<&str> = Sort::ALL.iter().map(|sort| sort.as_str()).collect();
        assert_eq!(words["enum"], serde_json::json!(known));
    }
}
