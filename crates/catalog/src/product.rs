//! Products: what is shown and described.

use kernel::{CategoryId, Currency, Env, Error, Fault, Money, ProductId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{FromColumn, FromRow, Json, Param, Read, Row, Tx, Value};

use crate::category::{self, Category};
use crate::error::CatalogRefusal;
use crate::image::{self, IMAGES_MAX, Image, NewImage};
use crate::page::{ProductPage, find_product};
use crate::shelf::shelve;
use crate::variant::{self, NewVariant, VARIANTS_MAX};
use crate::{rules, sql};

/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 20_000;

/// Where a product is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being prepared; only staff see it.
    Draft,
    /// In the shop.
    #[default]
    Active,
    /// No longer sold; old orders still name it.
    Archived,
}

impl Status {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl Param for Status {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromColumn for Status {
    fn from_value(value: Value<'_>) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Archived]
            .into_iter()
            .find(|status| value == Value::Text(status.as_str()))
    }
}

/// A product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses, unique among products.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// The category it belongs to.
    pub category_id: Option<CategoryId>,
    /// Where it is in its life.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// The lowest price of its active variants; none when no variant is active.
    pub price: Option<Money>,
    /// How many variants are active.
    pub variant_count: i64,
    /// Its first picture.
    pub cover: Option<Image>,
    /// What there is to say about it: plain text of several lines.
    pub description: String,
}

impl FromRow for Product {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let price: Option<i64> = row.get(6)?;
        let currency: Option<Currency> = row.get(7)?;
        Ok(Self {
            id: row.get(0)?,
            slug: row.get(1)?,
            title: row.get(2)?,
            category_id: row.get(3)?,
            status: row.get(4)?,
            created_at: row.get(5)?,
            price: price.zip(currency).map(|(minor, currency)| Money::new(minor, currency)),
            variant_count: row.get(8)?,
            cover: row.get::<Option<Json<Image>>>(9)?.map(|Json(image)| image),
            description: row.get(10)?,
        })
    }
}

/// A product to be made, with all that belongs to it.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// What there is to say about it.
    pub description: String,
    /// The slug of its category.
    pub category: Option<String>,
    /// Whether it stands in the shop at once.
    pub status: Status,
    /// At least one, all in one currency, in the order they are shown.
    pub variants: Vec<NewVariant>,
    /// In the order they are shown; the first is the cover.
    pub images: Vec<NewImage>,
}

/// Makes a product with its variants and pictures, all or nothing.
pub fn create_product(
    tx: &mut Tx<'_>,
    env: &Env,
    new: &NewProduct,
) -> Result<ProductPage, Error<CatalogRefusal>> {
    check(new).map_err(Error::Refused)?;
    let category = match &new.category {
        Some(slug) => Some(category_named(tx, slug)?.id),
        None => None,
    };
    let images: Vec<Image> =
        (0..).zip(&new.images).map(|(place, image)| image::from_new(env, image, place)).collect();
    let id: ProductId = env.id();
    let title = new.title.trim();
    let added = tx.execute(
        &sql::PRODUCT_ADD,
        &[
            &id,
            &new.slug,
            &title,
            &category,
            &new.status,
            &env.now(),
            &image::cover(images.first())?,
            &new.description,
        ],
    )?;
    if added == 0 {
        return Err(Error::Refused(CatalogRefusal::SlugTaken { slug: new.slug.clone() }));
    }
    image::insert(tx, id, &images)?;
    for (position, variant) in (0..).zip(&new.variants) {
        variant::insert(tx, env, id, title, variant, position)?;
    }
    shelve(tx, id)?;
    let made = find_product(tx, id)?;
    made.ok_or_else(|| Error::Fault(Fault::Broken(format!("{id:?} was not kept"))))
}

/// Brings a product into the shop, takes it out, or puts it away for good.
pub fn set_status(
    tx: &mut Tx<'_>,
    product: ProductId,
    status: Status,
) -> Result<(), Error<CatalogRefusal>> {
    if tx.execute(&sql::PRODUCT_STATUS, &[&product, &status])? == 0 {
        return Err(Error::Refused(CatalogRefusal::ProductUnknown));
    }
    Ok(shelve(tx, product)?)
}

pub(crate) fn must_exist(
    read: &mut Read<'_>,
    product: ProductId,
) -> Result<Product, Error<CatalogRefusal>> {
    let found = read.row(&sql::PRODUCT_BY_ID, &[&product])?;
    found.ok_or(Error::Refused(CatalogRefusal::ProductUnknown))
}

fn category_named(read: &mut Read<'_>, slug: &str) -> Result<Category, Error<CatalogRefusal>> {
    category::category(read, slug)?.ok_or_else(|| {
        Error::Refused(CatalogRefusal::product("category", "there is no such category"))
    })
}

fn check(new: &NewProduct) -> Result<(), CatalogRefusal> {
    let wrong =
        |field: &'static str| move |problem: String| CatalogRefusal::product(field, problem);
    rules::slug(&new.slug).map_err(wrong("slug"))?;
    rules::line(&new.title).map_err(wrong("title"))?;
    rules::prose(&new.description, DESCRIPTION_CHARS_MAX).map_err(wrong("description"))?;
    if new.variants.is_empty() || new.variants.len() > VARIANTS_MAX {
        return Err(wrong("variants")(format!("must be from 1 to {VARIANTS_MAX}")));
    }
    if new.images.len() > IMAGES_MAX {
        return Err(wrong("images")(format!("must be at most {IMAGES_MAX}")));
    }
    let currency = new.variants[0].price.currency;
    for (index, variant) in new.variants.iter().enumerate() {
        variant::check(variant, currency, &format!("variants[{index}]."))?;
    }
    for (index, image) in new.images.iter().enumerate() {
        image::check(image, &format!("images[{index}]."))?;
    }
    Ok(())
}
