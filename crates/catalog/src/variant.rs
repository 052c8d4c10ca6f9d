//! Variants: what is bought and counted, and what it costs.

use std::collections::BTreeMap;

use kernel::{Currency, Env, Error, Fault, Money, ProductId, VariantId};
use serde::Serialize;
use store::{Asked, FromRow, Json, Read, Row, Tx};

use crate::error::CatalogRefusal;
use crate::product::must_exist;
use crate::shelf::shelve;
use crate::{rules, sql};

/// Variants of one product.
pub const VARIANTS_MAX: usize = 200;

/// A variant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// What it is a variant of.
    pub product_id: ProductId,
    /// Stock-keeping unit: the shop's own code, unique among variants.
    pub sku: String,
    /// Its whole name for people: `Linen shirt, sage, M`.
    pub title: String,
    /// What makes it differ from its sisters: `colour` is `sage`, `size` is `M`.
    pub options: BTreeMap<String, String>,
    /// What is asked for it now.
    pub price: Money,
    /// What was asked before a reduction.
    pub list_price: Option<Money>,
    /// Whether staff have switched it on.
    pub active: bool,
    /// Whether it can be bought: it is active and so is its product.
    pub offered: bool,
    /// Its place among its sisters, lowest first.
    pub position: i64,
}

impl FromRow for Variant {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        let currency: Currency = row.get(7)?;
        let list_price: Option<i64> = row.get(6)?;
        let Json(options) = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            product_id: row.get(1)?,
            sku: row.get(2)?,
            title: row.get(3)?,
            options,
            price: Money::new(row.get(5)?, currency),
            list_price: list_price.map(|minor| Money::new(minor, currency)),
            active: row.get(8)?,
            offered: row.get(9)?,
            position: row.get(10)?,
        })
    }
}

/// A variant to be made.
#[derive(Clone, Debug)]
pub struct NewVariant {
    /// Stock-keeping unit.
    pub sku: String,
    /// Its whole name; when not given, the product's title and the values of the options.
    pub title: Option<String>,
    /// What makes it differ from its sisters.
    pub options: BTreeMap<String, String>,
    /// What is asked for it.
    pub price: Money,
    /// What was asked before a reduction.
    pub list_price: Option<Money>,
    /// Whether it may be bought at once.
    pub active: bool,
}

impl NewVariant {
    /// An active variant without options.
    pub fn new(sku: impl Into<String>, price: Money) -> Self {
        Self {
            sku: sku.into(),
            title: None,
            options: BTreeMap::new(),
            price,
            list_price: None,
            active: true,
        }
    }
}

/// What a quote needs to know of a variant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The variant.
    pub variant_id: VariantId,
    /// What it is a variant of.
    pub product_id: ProductId,
    /// Stock-keeping unit.
    pub sku: String,
    /// Its whole name: `Linen shirt, sage, M`.
    pub title: String,
    /// What is asked for one.
    pub price: Money,
    /// Whether it can be bought.
    pub active: bool,
}

impl FromRow for Offer {
    fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            variant_id: row.get(0)?,
            product_id: row.get(1)?,
            sku: row.get(2)?,
            title: row.get(3)?,
            price: Money::new(row.get(4)?, row.get(5)?),
            active: row.get(6)?,
        })
    }
}

/// The offers of these variants, in no promised order; one that is not there is left out. One
/// statement, a look-up by key for each.
pub fn offers(
    read: &mut Read<'_>,
    ids: impl IntoIterator<Item = VariantId>,
) -> Result<Asked<Offer>, Fault> {
    read.ask_by_key(&sql::OFFERS, ids)
}

/// The variants of these products that can be bought, as pairs. One statement.
pub fn variant_ids(
    read: &mut Read<'_>,
    products: impl IntoIterator<Item = ProductId>,
) -> Result<Vec<(ProductId, VariantId)>, Fault> {
    read.rows_by_key(&sql::VARIANT_IDS, products)
}

/// A variant, whether it can be bought or not.
pub fn find_variant(read: &mut Read<'_>, id: VariantId) -> Result<Option<Variant>, Fault> {
    read.row(&sql::VARIANT, &[&id])
}

/// Adds a variant behind its sisters.
pub fn add_variant(
    tx: &mut Tx<'_>,
    env: &Env,
    product: ProductId,
    new: &NewVariant,
) -> Result<Variant, Error<CatalogRefusal>> {
    let parent = must_exist(tx, product)?;
    let sisters = of_product(tx, product)?;
    let currency = sisters.first().map_or(new.price.currency, |sister| sister.price.currency);
    check(new, currency, "").map_err(Error::Refused)?;
    if sisters.len() >= VARIANTS_MAX {
        let problem = format!("a product has at most {VARIANTS_MAX}");
        return Err(Error::Refused(CatalogRefusal::product("variants", problem)));
    }
    let position = sisters.last().map_or(0, |last| last.position + 1);
    let id = insert(tx, env, product, &parent.title, new, position)?;
    shelve(tx, product)?;
    must_find(tx, id)
}

/// Sets what is asked for a variant, in the currency it has. A list price that the new price
/// passes is dropped: nothing is reduced any more.
pub fn set_price(
    tx: &mut Tx<'_>,
    variant: VariantId,
    price: Money,
) -> Result<Variant, Error<CatalogRefusal>> {
    let wrong = |problem| Error::Refused(CatalogRefusal::product("price", problem));
    rules::price(price).map_err(wrong)?;
    let before = must_find(tx, variant)?;
    if before.price.currency != price.currency {
        return Err(wrong(format!("must be in {}", before.price.currency)));
    }
    let list_price: Option<i64> =
        before.list_price.map(|list| list.minor).filter(|list| *list >= price.minor);
    tx.execute(&sql::VARIANT_PRICE, &[&variant, &price.minor, &list_price])?;
    shelve(tx, before.product_id)?;
    must_find(tx, variant)
}

/// Switches a variant on or off.
pub fn set_active(
    tx: &mut Tx<'_>,
    variant: VariantId,
    active: bool,
) -> Result<Variant, Error<CatalogRefusal>> {
    let before = must_find(tx, variant)?;
    tx.execute(&sql::VARIANT_ACTIVE, &[&variant, &active])?;
    shelve(tx, before.product_id)?;
    must_find(tx, variant)
}

fn must_find(read: &mut Read<'_>, id: VariantId) -> Result<Variant, Error<CatalogRefusal>> {
    find_variant(read, id)?.ok_or(Error::Refused(CatalogRefusal::VariantUnknown))
}

/// All variants of a product in their order.
pub(crate) fn of_product(read: &mut Read<'_>, product: ProductId) -> Result<Vec<Variant>, Fault> {
    read.rows(&sql::VARIANTS_OF_PRODUCT, &[&product])
}

/// `field` is the path of the variant in the request, with its dot: `variants[0].`.
pub(crate) fn check(
    new: &NewVariant,
    currency: Currency,
    field: &str,
) -> Result<(), CatalogRefusal> {
    let wrong = |name: &str| {
        let field = format!("{field}{name}");
        move |problem: String| CatalogRefusal::product(field, problem)
    };
    rules::sku(&new.sku).map_err(wrong("sku"))?;
    if let Some(title) = &new.title {
        rules::line(title).map_err(wrong("title"))?;
    }
    rules::options(&new.options).map_err(wrong("options"))?;
    rules::price(new.price).map_err(wrong("price"))?;
    if new.price.currency != currency {
        return Err(wrong("price")(format!("must be in {currency}, as its sisters are")));
    }
    if let Some(list_price) = new.list_price {
        rules::list_price(list_price, new.price).map_err(wrong("list_price"))?;
    }
    Ok(())
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    env: &Env,
    product: ProductId,
    product_title: &str,
    new: &NewVariant,
    position: i64,
) -> Result<VariantId, Error<CatalogRefusal>> {
    let id: VariantId = env.id();
    let title = match &new.title {
        Some(title) => title.trim().to_owned(),
        None => full_title(product_title, &new.options),
    };
    let options = serde_json::to_string(&new.options)
        .map_err(|error| Fault::Broken(format!("options cannot be written: {error}")))?;
    let list_price: Option<i64> = new.list_price.map(|price| price.minor);
    let added = tx.execute(
        &sql::VARIANT_ADD,
        &[
            &id,
            &product,
            &new.sku,
            &title,
            &new.price.minor,
            &new.price.currency,
            &false,
            &new.active,
            &position,
            &list_price,
            &options,
        ],
    )?;
    if added == 0 {
        return Err(Error::Refused(CatalogRefusal::SkuTaken { sku: new.sku.clone() }));
    }
    Ok(id)
}

/// `Linen shirt, sage, M`.
fn full_title(product_title: &str, options: &BTreeMap<String, String>) -> String {
    let mut title = product_title.to_owned();
    for value in options.values() {
        title.push_str(", ");
        title.push_str(value);
    }
    title
}
