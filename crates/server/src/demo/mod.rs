//! The demo shop's stock: goods one could really sell, with pictures that we draw ourselves.

mod draw;
mod goods;
mod sales;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{CatalogRefusal, ListQuery, NewCategory, NewImage, NewProduct, NewVariant, Status};
use flows::Shop;
use kernel::{Env, Error, Fault, ManualClock, Money, SignedDuration, VariantId};
use store::Tx;

use goods::{CATEGORIES, GOODS, Good};
pub use sales::SaleError;

/// Why the demo shop has no stock.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The database is broken, or our own goods are.
    #[error("the demo stock was not kept: {0}")]
    Shop(#[from] Error<CatalogRefusal>),
    /// A sale did not come about.
    #[error(transparent)]
    Sale(#[from] SaleError),
    /// A picture cannot be kept.
    #[error("cannot write the picture {path}: {cause}")]
    Picture {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Time between the arrivals of two goods, so that "newest" has an order.
const BETWEEN_ARRIVALS: SignedDuration = SignedDuration::from_hours(11);

/// Fills a shop that has no products, all or nothing; leaves any other alone. Pictures go to the
/// directory `media`, under names that follow from what is in them.
pub async fn fill(shop: &Shop, media: &Path) -> Result<(), FillError> {
    let one = ListQuery { limit: 1, ..ListQuery::default() };
    let there = shop.db.read(move |read| catalog::list(read, &one)).await?;
    if !there.items.is_empty() {
        return Ok(());
    }
    let mut products = Vec::with_capacity(GOODS.len());
    for good in GOODS {
        let images = pictures(good, media).await?;
        products.push(product(good, images, shop.settings.currency));
    }
    let env = shop.env.clone();
    let articles = shop.db.write(move |tx| keep(tx, &env, &products)).await?;
    Ok(sales::place(shop, |sku| articles.get(sku).copied()).await?)
}

/// Gives the variant of each article.
fn keep(
    tx: &mut Tx<'_>,
    env: &Env,
    products: &[NewProduct],
) -> Result<BTreeMap<String, VariantId>, Error<CatalogRefusal>> {
    for (position, category) in (0..).zip(CATEGORIES) {
        let parent_id = match category.parent {
            Some(slug) => catalog::category(tx, slug)?.map(|parent| parent.id),
            None => None,
        };
        let new = NewCategory {
            parent_id,
            slug: category.slug.to_owned(),
            title: category.title.to_owned(),
            position,
        };
        catalog::create_category(tx, env, &new)?;
    }
    let mut articles = BTreeMap::new();
    for ((good, product), ago) in GOODS.iter().zip(products).zip((1..=GOODS.len()).rev()) {
        let env = arriving(env, i32::try_from(ago).unwrap_or(0));
        let made = catalog::create_product(tx, &env, product)?;
        for (variant, item) in made.variants.iter().zip(good.items) {
            inventory::receive(tx, &env, (variant.id, made.product.id), item.units, None)?;
            articles.insert(variant.sku.clone(), variant.id);
        }
    }
    Ok(articles)
}

/// The world as it was when a good came in, `ago` arrivals before the next one.
fn arriving(env: &Env, ago: i32) -> Env {
    let back = BETWEEN_ARRIVALS.checked_mul(ago).unwrap_or(SignedDuration::ZERO);
    let then = env.now().checked_sub(back).unwrap_or(env.now());
    Env { clock: Arc::new(ManualClock::new(then)), rng: env.rng.clone() }
}

fn product(good: &Good, images: Vec<NewImage>, currency: kernel::Currency) -> NewProduct {
    let money = |minor| Money::new(minor, currency);
    let variants = good.items.iter().map(|item| {
        let options = item.options.iter();
        NewVariant {
            options: options.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            list_price: item.was.map(money),
            ..NewVariant::new(item.sku, money(item.price))
        }
    });
    NewProduct {
        slug: good.slug.to_owned(),
        title: good.title.to_owned(),
        description: good.description.to_owned(),
        category: Some(good.category.to_owned()),
        status: Status::Active,
        variants: variants.collect(),
        images,
    }
}

async fn pictures(good: &Good, media: &Path) -> Result<Vec<NewImage>, FillError> {
    let mut images = Vec::with_capacity(good.pictures.len());
    for (number, (alt, draw)) in (1..).zip(good.pictures) {
        let svg = draw();
        let hash = store::idempotency::fingerprint(svg.as_bytes());
        let name = format!("{}-{number}.{}.svg", good.slug, &hash[..16]);
        write(&media.join(&name), svg).await?;
        images.push(NewImage {
            path: format!("/media/{name}"),
            alt: (*alt).to_owned(),
            width: draw::WIDTH,
            height: draw::HEIGHT,
        });
    }
    Ok(images)
}

async fn write(path: &Path, svg: String) -> Result<(), FillError> {
    let failed = |cause| FillError::Picture { path: path.to_owned(), cause };
    if let Some(directory) = path.parent() {
        tokio::fs::create_dir_all(directory).await.map_err(failed)?;
    }
    tokio::fs::write(path, svg).await.map_err(failed)
}

impl From<Fault> for FillError {
    fn from(fault: Fault) -> Self {
        Self::Shop(Error::Fault(fault))
    }
}
