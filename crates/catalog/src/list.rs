//! Lists of products: one shelf, walked in one order, a page at a time.

use kernel::{CategoryId, Currency, Error, Fault, Money, ProductId, limits};
use serde::{Deserialize, Serialize};
use store::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use store::{FromRow, Json, Read, Row};

use crate::cursor::{self, Key, Place};
use crate::error::CatalogRefusal;
use crate::image::Image;
use crate::{category, shelf};

/// The orders a list can have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Sort {
    /// The one made last comes first.
    #[default]
    #[serde(rename = "newest")]
    Newest,
    /// The cheapest first, by the lowest price of a product's variants.
    #[serde(rename = "price")]
    PriceUp,
    /// The dearest first, by the lowest price of a product's variants.
    #[serde(rename = "-price")]
    PriceDown,
    /// By title, small and capital letters alike, as the engine sorts letters.
    #[serde(rename = "title")]
    Title,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Newest, Self::PriceUp, Self::PriceDown, Self::Title];

    /// The word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::PriceUp => "price",
            Self::PriceDown => "-price",
            Self::Title => "title",
        }
    }
}

/// What to list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListQuery {
    /// The slug of a category: it and all below it. None: the whole shop.
    pub category: Option<String>,
    /// The lowest price, in minor units, included.
    pub price_min: Option<i64>,
    /// The highest price, in minor units, included.
    pub price_max: Option<i64>,
    /// The order.
    pub sort: Sort,
    /// Go on behind the page that gave this cursor.
    pub after: Option<String>,
    /// Items on the page: 1 to [`limits::PAGE_SIZE_MAX`].
    pub limit: u32,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            category: None,
            price_min: None,
            price_max: None,
            sort: Sort::default(),
            after: None,
            limit: limits::PAGE_SIZE_DEFAULT,
        }
    }
}

/// A product in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListItem {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// The lowest price of its variants.
    pub price: Money,
    /// How many variants there are to choose from.
    pub variant_count: i64,
    /// Its first picture.
    pub cover: Option<Image>,
}

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Page {
    /// The products.
    pub items: Vec<ListItem>,
    /// The cursor of the next page; none on the last one.
    pub next: Option<String>,
}

impl FromRow for ListItem {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let currency: Currency = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            slug: row.get(1)?,
            title: row.get(2)?,
            price: Money::new(row.get(3)?, currency),
            variant_count: row.get(5)?,
            cover: row.get::<Option<Json<Image>>>(6)?.map(|Json(image)| image),
        })
    }
}

/// A page of the products that can be bought. One statement, and one more to find a category. Its
/// cost grows with the page, not with the shop; a price filter on another order than price also
/// passes over what it leaves out.
pub fn list(read: &mut Read<'_>, query: &ListQuery) -> Result<Page, Error<CatalogRefusal>> {
    if !(1..=limits::PAGE_SIZE_MAX).contains(&query.limit) {
        let max = limits::PAGE_SIZE_MAX;
        return Err(Error::Refused(CatalogRefusal::LimitInvalid { max }));
    }
    let after = match &query.after {
        Some(cursor) => Some(
            cursor::read(query.sort, cursor)
                .ok_or(Error::Refused(CatalogRefusal::CursorInvalid))?,
        ),
        None => None,
    };
    let shelf = match &query.category {
        Some(slug) => {
            let unknown = || CatalogRefusal::CategoryUnknown { slug: slug.clone() };
            category::category(read, slug)?.ok_or_else(|| Error::Refused(unknown()))?.id
        }
        None => shelf::WHOLE_SHOP,
    };
    let mut items: Vec<ListItem> = read.select(&walk(shelf, query, after.as_ref()))?;
    let there_is_more = items.len() > query.limit as usize;
    items.truncate(query.limit as usize);
    let next = items
        .last()
        .filter(|_| there_is_more)
        .map(|last| cursor::write(query.sort, &place(query.sort, last)));
    Ok(Page { items, next })
}

fn place(sort: Sort, last: &ListItem) -> Place {
    let key = match sort {
        Sort::Newest => Key::Newest,
        Sort::PriceUp | Sort::PriceDown => Key::Price(last.price.minor),
        Sort::Title => Key::Title(shelf::title_key(&last.title)),
    };
    Place { product: last.id, key }
}

/// The walk along one shelf, with one item more than the page holds.
pub(crate) fn walk(shelf: CategoryId, query: &ListQuery, after: Option<&Place>) -> SelectStatement {
    let on_shelf = |column: &'static str| Expr::col((Alias::new("s"), Alias::new(column)));
    let of_product = |column: &'static str| (Alias::new("p"), Alias::new(column));
    let mut walk = Query::select();
    walk.columns(
        ["id", "slug", "title", "price_minor", "currency", "variant_count", "cover"]
            .map(of_product),
    )
    .from_as(Alias::new("shelves"), Alias::new("s"))
    .join_as(
        store::sea_query::JoinType::InnerJoin,
        Alias::new("products"),
        Alias::new("p"),
        on_shelf("product_id").eq(Expr::col(of_product("id"))),
    )
    .and_where(on_shelf("category_id").eq(shelf.0));
    let price = || match query.sort {
        Sort::PriceUp | Sort::PriceDown => on_shelf("price_minor"),
        // An engine that looked for the prices in their index would have to sort what it found:
        // a sum is in no index, so the walk stays in the order that was asked for.
        Sort::Newest | Sort::Title => on_shelf("price_minor").add(0_i64),
    };
    if let Some(min) = query.price_min {
        walk.and_where(price().gte(min));
    }
    if let Some(max) = query.price_max {
        walk.and_where(price().lte(max));
    }
    let (column, order) = match query.sort {
        Sort::Newest => (None, Order::Desc),
        Sort::PriceUp => (Some("price_minor"), Order::Asc),
        Sort::PriceDown => (Some("price_minor"), Order::Desc),
        Sort::Title => (Some("title_key"), Order::Asc),
    };
    if let Some(after) = after {
        let last = [match &after.key {
            Key::Newest => None,
            Key::Price(minor) => Some(Expr::val(*minor)),
            Key::Title(key) => Some(Expr::val(key.as_str())),
        }];
        let last = Expr::tuple(last.into_iter().flatten().chain([Expr::val(after.product.0)]));
        let here = Expr::tuple(column.map(on_shelf).into_iter().chain([on_shelf("product_id")]));
        walk.and_where(if order == Order::Asc { here.gt(last) } else { here.lt(last) });
    }
    if let Some(column) = column {
        walk.order_by((Alias::new("s"), Alias::new(column)), order.clone());
    }
    walk.order_by((Alias::new("s"), Alias::new("product_id")), order)
        .limit(u64::from(query.limit) + 1);
    walk
}
