//! The tree of categories.

use kernel::{CategoryId, Env, Error, Fault};
use serde::Serialize;
use store::{Read, Tx};

use crate::error::CatalogRefusal;
use crate::{rules, sql};

/// Categories from the top of the tree to its lowest leaf.
pub const CATEGORY_DEPTH_MAX: usize = 8;

/// A node of the tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The category above, or none at the top.
    pub parent_id: Option<CategoryId>,
    /// Its name in addresses, unique among categories.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// Its place among its sisters, lowest first.
    pub position: i64,
}

store::from_row!(Category { id, parent_id, slug, title, position });

/// A category to be made.
#[derive(Clone, Debug)]
pub struct NewCategory {
    /// The category above, or none at the top.
    pub parent_id: Option<CategoryId>,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// Its place among its sisters, lowest first.
    pub position: i64,
}

/// Makes a category. Refuses a slug that is taken, a parent that is not there and a tree that
/// would be too deep.
pub fn create_category(
    tx: &mut Tx<'_>,
    env: &Env,
    new: &NewCategory,
) -> Result<Category, Error<CatalogRefusal>> {
    let wrong = |field, problem| Error::Refused(CatalogRefusal::category(field, problem));
    rules::slug(&new.slug).map_err(|problem| wrong("slug", problem))?;
    let title = rules::line(&new.title).map_err(|problem| wrong("title", problem))?;
    if let Some(parent) = new.parent_id {
        match path(tx, parent)?.len() {
            0 => return Err(wrong("parent_id", "there is no such category".into())),
            CATEGORY_DEPTH_MAX.. => {
                let problem = format!("the tree is at most {CATEGORY_DEPTH_MAX} categories deep");
                return Err(wrong("parent_id", problem));
            }
            _ => {}
        }
    }
    let category = Category {
        id: env.id(),
        parent_id: new.parent_id,
        slug: new.slug.clone(),
        title: title.to_owned(),
        position: new.position,
    };
    let added = tx.execute(
        &sql::CATEGORY_ADD,
        &[&category.id, &category.parent_id, &category.slug, &category.title, &category.position],
    )?;
    if added == 0 {
        return Err(Error::Refused(CatalogRefusal::SlugTaken { slug: category.slug }));
    }
    Ok(category)
}

/// All categories, sisters in their order. One statement.
pub fn categories(read: &mut Read<'_>) -> Result<Vec<Category>, Fault> {
    read.rows(&sql::CATEGORIES, &[])
}

/// The category with this slug. One statement.
pub fn category(read: &mut Read<'_>, slug: &str) -> Result<Option<Category>, Fault> {
    if !rules::is_slug(slug) {
        return Ok(None);
    }
    read.row(&sql::CATEGORY_BY_SLUG, &[&slug])
}

pub(crate) fn by_id(read: &mut Read<'_>, id: CategoryId) -> Result<Option<Category>, Fault> {
    read.row(&sql::CATEGORY_BY_ID, &[&id])
}

/// The category and all above it; empty when it is not there.
pub(crate) fn path(read: &mut Read<'_>, id: CategoryId) -> Result<Vec<CategoryId>, Fault> {
    let rows: Vec<(CategoryId,)> = read.rows(&sql::CATEGORY_PATH, &[&id])?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
