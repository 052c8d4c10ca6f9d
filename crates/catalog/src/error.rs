//! What the catalogue refuses.

use kernel::{Coded, Kind};
use serde_json::{Value, json};

/// Why the catalogue does not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CatalogRefusal {
    /// A field of a product, variant, picture or price is not as it should be.
    #[error("{field}: {problem}")]
    ProductInvalid {
        /// Which, as a path: `variants[1].sku`.
        field: String,
        /// What is wrong with it, for people.
        problem: String,
    },
    /// A field of a category is not as it should be.
    #[error("{field}: {problem}")]
    CategoryInvalid {
        /// Which.
        field: String,
        /// What is wrong with it, for people.
        problem: String,
    },
    /// Another product or category has this slug.
    #[error("the slug `{slug}` is already taken")]
    SlugTaken {
        /// The slug.
        slug: String,
    },
    /// Another variant, perhaps one of the same product, has this stock-keeping unit.
    #[error("the SKU `{sku}` is already taken")]
    SkuTaken {
        /// The SKU.
        sku: String,
    },
    /// No category has this slug.
    #[error("there is no category `{slug}`")]
    CategoryUnknown {
        /// The slug.
        slug: String,
    },
    /// No such product.
    #[error("there is no such product")]
    ProductUnknown,
    /// No such variant.
    #[error("there is no such variant")]
    VariantUnknown,
    /// A cursor that no page of this order has given.
    #[error("the cursor is not one that a page in this order gave: start from the first page")]
    CursorInvalid,
    /// A page of no items, or of too many.
    #[error("a page has from 1 to {max} items")]
    LimitInvalid {
        /// The most there may be.
        max: u32,
    },
}

impl CatalogRefusal {
    pub(crate) fn product(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::ProductInvalid { field: field.into(), problem: problem.into() }
    }

    pub(crate) fn category(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::CategoryInvalid { field: field.into(), problem: problem.into() }
    }
}

impl Coded for CatalogRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::ProductInvalid { .. } => "product-invalid",
            Self::CategoryInvalid { .. } => "category-invalid",
            Self::SlugTaken { .. } => "slug-taken",
            Self::SkuTaken { .. } => "sku-taken",
            Self::CategoryUnknown { .. } => "category-unknown",
            Self::ProductUnknown => "product-unknown",
            Self::VariantUnknown => "variant-unknown",
            Self::CursorInvalid => "cursor-invalid",
            Self::LimitInvalid { .. } => "limit-invalid",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::ProductInvalid { .. }
            | Self::CategoryInvalid { .. }
            | Self::CursorInvalid
            | Self::LimitInvalid { .. } => Kind::Invalid,
            Self::SlugTaken { .. } | Self::SkuTaken { .. } => Kind::Conflict,
            Self::CategoryUnknown { .. } | Self::ProductUnknown | Self::VariantUnknown => {
                Kind::NotFound
            }
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::ProductInvalid { field, problem } | Self::CategoryInvalid { field, problem } => {
                json!({ "field": field, "problem": problem })
            }
            Self::SlugTaken { slug } | Self::CategoryUnknown { slug } => json!({ "slug": slug }),
            Self::SkuTaken { sku } => json!({ "sku": sku }),
            Self::LimitInvalid { max } => json!({ "max": max }),
            Self::ProductUnknown | Self::VariantUnknown | Self::CursorInvalid => Value::Null,
        }
    }
}
