//! What lists of bought things show beside a name: a picture and where it leads.

use std::collections::HashMap;

use catalog::Image;
use kernel::{Fault, ProductId, VariantId};
use store::Read;

/// A product as a line of a cart or an order shows it.
#[derive(Clone)]
pub(crate) struct Good {
    /// Its page, with the variant chosen; none when it is no longer sold.
    pub(crate) href: Option<String>,
    pub(crate) cover: Option<Image>,
}

/// The goods behind variants, by variant. One look-up of the offers, and one of a product for
/// each product among them.
pub(crate) fn of_variants(
    read: &mut Read<'_>,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, Good>, Fault> {
    let offers = catalog::offers(read, variants.iter().copied())?.answer(read)?;
    let mut products: HashMap<ProductId, Option<catalog::Product>> = HashMap::new();
    let mut goods = HashMap::with_capacity(offers.len());
    for offer in offers {
        let product = if let Some(known) = products.get(&offer.product_id) {
            known.clone()
        } else {
            let found = catalog::find_product(read, offer.product_id)?;
            let product = found.map(|page| page.product);
            products.insert(offer.product_id, product.clone());
            product
        };
        let Some(product) = product else { continue };
        let sold = product.status == catalog::Status::Active;
        let href =
            sold.then(|| format!("/p/{}?v={}", product.slug, super::next::encoded(&offer.sku)));
        goods.insert(offer.variant_id, Good { href, cover: product.cover });
    }
    Ok(goods)
}
