//! What the shop offers: products, their variants and prices, categories and pictures.
//!
//! How many there are of a variant is `inventory`'s business. A quote and an order ask here only
//! for [`offers`]: one look-up by key for each variant.

mod category;
mod cursor;
mod error;
mod image;
mod list;
mod page;
mod product;
mod rules;
mod shelf;
mod sql;
#[cfg(test)]
mod tests;
mod variant;

pub use category::{
    CATEGORY_DEPTH_MAX, Category, NewCategory, categories, category, create_category,
};
pub use error::CatalogRefusal;
pub use image::{IMAGES_MAX, Image, NewImage, add_image};
pub use list::{ListItem, ListQuery, Page, Sort, list};
pub use page::{ProductPage, find_product, page};
pub use product::{DESCRIPTION_CHARS_MAX, NewProduct, Product, Status, create_product, set_status};
pub use rules::{OPTIONS_MAX, PRICE_MINOR_MAX, SKU_CHARS_MAX, SLUG_CHARS_MAX};
pub use variant::{
    NewVariant, Offer, VARIANTS_MAX, Variant, add_variant, find_variant, offers, set_active,
    set_price, variant_ids,
};

/// The catalogue's tables and statements.
pub static SCHEMA: store::Schema = store::Schema {
    feature: "catalog",
    migrations: &[store::Migration {
        name: "V1__catalog",
        sql: include_str!("../migrations/V1__catalog.sql"),
    }],
    statements: sql::ALL,
};
