//! Shelves: for each category the products that a customer finds in it, with what lists sort by.

use kernel::{CategoryId, Currency, Fault, Money, ProductId, Uuid};
use store::{Tx, Value};

use crate::product::Status;
use crate::{category, sql, variant};

/// The shelf of the whole shop.
pub(crate) const WHOLE_SHOP: CategoryId = CategoryId(Uuid::nil());

/// What titles are sorted by.
pub(crate) fn title_key(title: &str) -> String {
    title.to_lowercase()
}

/// Writes again all that repeats what the product and its variants say: its lowest price, which
/// variants may be bought, and its places on the shelves. Every change of a product or a variant
/// ends here.
pub(crate) fn shelve(tx: &mut Tx<'_>, product: ProductId) -> Result<(), Fault> {
    let found: Option<(String, Option<CategoryId>, Status)> =
        tx.row(&sql::PRODUCT_TO_SHELVE, &[&product])?;
    let Some((title, category, status)) = found else {
        return Err(Fault::Broken(format!("{product:?} is gone")));
    };
    let variants = variant::of_product(tx, product)?;
    let active: Vec<Money> = variants.iter().filter(|it| it.active).map(|it| it.price).collect();
    let lowest = active.iter().copied().min_by_key(|price| price.minor);
    let minor: Option<i64> = lowest.map(|price| price.minor);
    let currency: Option<Currency> = lowest.map(|price| price.currency);
    let count = i64::try_from(active.len()).unwrap_or(i64::MAX);
    tx.execute(&sql::PRODUCT_SHELVED, &[&product, &minor, &currency, &count])?;
    tx.execute(&sql::VARIANTS_OFFERED, &[&product, &(status == Status::Active)])?;
    tx.execute(&sql::SHELVES_CLEAR, &[&product])?;
    let (Status::Active, Some(minor)) = (status, minor) else { return Ok(()) };
    let mut shelves = match category {
        Some(category) => category::path(tx, category)?,
        None => Vec::new(),
    };
    shelves.push(WHOLE_SHOP);
    let key = title_key(&title);
    tx.insert_many(&sql::SHELVES_ADD, &shelves, |shelf| {
        [Value::Uuid(shelf.0), Value::Uuid(product.0), Value::Int(minor), Value::Text(&key)]
    })?;
    Ok(())
}
