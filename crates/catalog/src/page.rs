//! All that the page of one product shows.

use kernel::{Fault, ProductId};
use serde::Serialize;
use store::Read;

use crate::category::{self, Category};
use crate::image::{self, Image};
use crate::product::{Product, Status};
use crate::variant::{self, Variant};
use crate::{rules, sql};

/// A product with all that belongs to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProductPage {
    /// The product.
    pub product: Product,
    /// The category it belongs to.
    pub category: Option<Category>,
    /// Its pictures in their order.
    pub images: Vec<Image>,
    /// Its variants in their order.
    pub variants: Vec<Variant>,
}

/// What a customer sees of the product with this slug: only when it is in the shop, and only the
/// variants that can be bought. At most four statements.
pub fn page(read: &mut Read<'_>, slug: &str) -> Result<Option<ProductPage>, Fault> {
    if !rules::is_slug(slug) {
        return Ok(None);
    }
    let product: Option<Product> = read.row(&sql::PRODUCT_BY_SLUG, &[&slug])?;
    let Some(product) = product.filter(|product| product.status == Status::Active) else {
        return Ok(None);
    };
    let mut page = complete(read, product)?;
    page.variants.retain(|variant| variant.offered);
    Ok(Some(page))
}

/// What staff see of a product: whatever its status, with every variant. At most four statements.
pub fn find_product(read: &mut Read<'_>, id: ProductId) -> Result<Option<ProductPage>, Fault> {
    let product: Option<Product> = read.row(&sql::PRODUCT_BY_ID, &[&id])?;
    product.map(|product| complete(read, product)).transpose()
}

fn complete(read: &mut Read<'_>, product: Product) -> Result<ProductPage, Fault> {
    let category = match product.category_id {
        Some(id) => category::by_id(read, id)?,
        None => None,
    };
    let images = image::of_product(read, product.id)?;
    let variants = variant::of_product(read, product.id)?;
    Ok(ProductPage { product, category, images, variants })
}
