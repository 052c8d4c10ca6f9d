//! Pictures of a product. The first one is its cover.

use kernel::{Env, Error, Fault, ImageId, ProductId};
use serde::{Deserialize, Serialize};
use store::{Read, Tx, Value};

use crate::error::CatalogRefusal;
use crate::product::must_exist;
use crate::{rules, sql};

/// Pictures of one product.
pub const IMAGES_MAX: usize = 50;
const PATH_CHARS_MAX: usize = 500;

/// A picture.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Image {
    /// Its id.
    pub id: ImageId,
    /// Where it lies: a path below the shop's own address, beginning with `/`.
    pub path: String,
    /// What it shows, for those who cannot see it; empty when it only decorates.
    pub alt: String,
    /// Pixels across.
    pub width: i64,
    /// Pixels down.
    pub height: i64,
    /// Its place in the gallery, from 0.
    pub position: i64,
}

store::from_row!(Image { id, path, alt, width, height, position });

/// A picture to be added.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Where it lies: a path below the shop's own address, beginning with `/`.
    pub path: String,
    /// What it shows.
    pub alt: String,
    /// Pixels across.
    pub width: i64,
    /// Pixels down.
    pub height: i64,
}

/// Adds a picture at the end of a product's gallery.
pub fn add_image(
    tx: &mut Tx<'_>,
    env: &Env,
    product: ProductId,
    new: &NewImage,
) -> Result<Image, Error<CatalogRefusal>> {
    check(new, "").map_err(Error::Refused)?;
    must_exist(tx, product)?;
    let there = of_product(tx, product)?;
    if there.len() >= IMAGES_MAX {
        let problem = format!("a product has at most {IMAGES_MAX} pictures");
        return Err(Error::Refused(CatalogRefusal::product("images", problem)));
    }
    let position = there.last().map_or(0, |last| last.position + 1);
    let image = from_new(env, new, position);
    insert(tx, product, std::slice::from_ref(&image))?;
    if there.is_empty() {
        tx.execute(&sql::PRODUCT_COVER, &[&product, &cover(Some(&image))?])?;
    }
    Ok(image)
}

pub(crate) fn of_product(read: &mut Read<'_>, product: ProductId) -> Result<Vec<Image>, Fault> {
    read.rows(&sql::IMAGES, &[&product])
}

pub(crate) fn from_new(env: &Env, new: &NewImage, position: i64) -> Image {
    Image {
        id: env.id(),
        path: new.path.clone(),
        alt: new.alt.trim().to_owned(),
        width: new.width,
        height: new.height,
        position,
    }
}

pub(crate) fn insert(tx: &mut Tx<'_>, product: ProductId, images: &[Image]) -> Result<(), Fault> {
    tx.insert_many(&sql::IMAGES_ADD, images, |image| {
        [
            Value::Uuid(product.0),
            Value::Int(image.position),
            Value::Uuid(image.id.0),
            Value::Text(&image.path),
            Value::Text(&image.alt),
            Value::Int(image.width),
            Value::Int(image.height),
        ]
    })?;
    Ok(())
}

/// What the product's own row says of its cover.
pub(crate) fn cover(image: Option<&Image>) -> Result<Option<String>, Fault> {
    image
        .map(serde_json::to_string)
        .transpose()
        .map_err(|error| Fault::Broken(format!("a cover cannot be written: {error}")))
}

/// `field` is the path of the picture in the request, with its dot: `images[0].`.
pub(crate) fn check(new: &NewImage, field: &str) -> Result<(), CatalogRefusal> {
    let wrong = |name: &str, problem: String| {
        Err(CatalogRefusal::product(format!("{field}{name}"), problem))
    };
    let below_the_shop = new.path.starts_with('/') && !new.path.starts_with("//");
    let plain = new.path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-~%?=&+,@".contains(&b));
    if !below_the_shop || !plain || new.path.len() > PATH_CHARS_MAX || new.path.contains("..") {
        return wrong("path", "must be a path below the shop, such as /media/shirt.webp".into());
    }
    if !new.alt.trim().is_empty()
        && let Err(problem) = rules::line(&new.alt)
    {
        return wrong("alt", problem);
    }
    for (name, pixels) in [("width", new.width), ("height", new.height)] {
        if !(1..=20_000).contains(&pixels) {
            return wrong(name, "must be from 1 to 20000 pixels".into());
        }
    }
    Ok(())
}
