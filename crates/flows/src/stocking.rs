//! A new product comes into the shop: what it is, and how many there are of it.

use catalog::{CatalogRefusal, NewProduct, ProductPage};
use inventory::Stock;
use kernel::{AccountId, Coded, Error, Fault, Kind, ProductId};
use serde_json::{Value, json};
use store::Tx;
use store::idempotency::{self, Key, Seen};

use crate::shop::Shop;

/// Units of one variant that are received or counted at once.
pub const UNITS_MAX: i64 = 1_000_000_000;

/// Why a product is not taken in. Nothing was written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StockingRefusal {
    /// The catalogue does not want it so.
    #[error(transparent)]
    Catalog(#[from] CatalogRefusal),
    /// Units are not between 0 and [`UNITS_MAX`].
    #[error("{field}: must be from 0 to {UNITS_MAX}")]
    UnitsInvalid {
        /// Which, as a path: `variants[1].units`.
        field: String,
    },
    /// Prices are in a currency that the shop does not take.
    #[error("the shop takes {wanted}")]
    CurrencyUnknown {
        /// The shop's currency.
        wanted: kernel::Currency,
    },
    /// The key came before with another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
}

impl Coded for StockingRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Catalog(refusal) => refusal.code(),
            Self::UnitsInvalid { .. } => "units-invalid",
            Self::CurrencyUnknown { .. } => "currency-unknown",
            Self::KeyReused => "idempotency-key-reused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Catalog(refusal) => refusal.kind(),
            Self::UnitsInvalid { .. } | Self::CurrencyUnknown { .. } | Self::KeyReused => {
                Kind::Invalid
            }
        }
    }

    fn facts(&self) -> Value {
        match self {
            Self::Catalog(refusal) => refusal.facts(),
            Self::UnitsInvalid { field } => json!({ "field": field, "min": 0, "max": UNITS_MAX }),
            Self::CurrencyUnknown { wanted } => json!({ "wanted": wanted }),
            Self::KeyReused => Value::Null,
        }
    }
}

/// A product with the counters of its variants.
type Stocked = (ProductPage, Vec<Stock>);

impl Shop {
    /// Makes a product and begins to count its variants; `units` are those of `new.variants`, in
    /// their order. All or nothing. With a key, the same wish again finds the product it made.
    pub async fn stock_new_product(
        &self,
        staff: AccountId,
        new: NewProduct,
        units: Vec<i64>,
        key: Option<Key>,
    ) -> Result<Stocked, Error<StockingRefusal>> {
        self.check(&new, &units).map_err(Error::Refused)?;
        let env = self.env.clone();
        self.db
            .write(move |tx| {
                if let Some(key) = &key
                    && let Some(made) = made_before(tx, key)?
                {
                    return Ok(made);
                }
                let page = catalog::create_product(tx, &env, &new).map_err(refused)?;
                let product = page.product.id;
                for (variant, &units) in page.variants.iter().zip(&units) {
                    inventory::receive(tx, &env, (variant.id, product), units, Some(staff))?;
                }
                if let Some(key) = &key {
                    let answer = idempotency::Answer { status: 0, body: product.to_string() };
                    idempotency::keep(tx, key, &answer, env.now())?;
                }
                let levels = inventory::levels_of_products(tx, [product])?;
                kernel::crash_point!("flow.product-written");
                Ok((page, levels))
            })
            .await
    }

    fn check(&self, new: &NewProduct, units: &[i64]) -> Result<(), StockingRefusal> {
        let range = 0..=UNITS_MAX;
        if let Some(index) = units.iter().position(|units| !range.contains(units)) {
            return Err(StockingRefusal::UnitsInvalid {
                field: format!("variants[{index}].units"),
            });
        }
        let wanted = self.settings.currency;
        if new.variants.iter().any(|variant| variant.price.currency != wanted) {
            return Err(StockingRefusal::CurrencyUnknown { wanted });
        }
        Ok(())
    }
}

fn made_before(tx: &mut Tx<'_>, key: &Key) -> Result<Option<Stocked>, Error<StockingRefusal>> {
    let answer = match idempotency::seen(tx, key)? {
        Seen::Never => return Ok(None),
        Seen::OtherRequest => return Err(Error::Refused(StockingRefusal::KeyReused)),
        Seen::Answered(answer) => answer,
    };
    let lost = || Fault::Broken(format!("the product `{}` of a key is gone", answer.body));
    let product: ProductId = answer.body.parse().map_err(|_| lost())?;
    let page = catalog::find_product(tx, product)?.ok_or_else(lost)?;
    let levels = inventory::levels_of_products(tx, [product])?;
    Ok(Some((page, levels)))
}

fn refused(error: Error<CatalogRefusal>) -> Error<StockingRefusal> {
    match error {
        Error::Refused(refusal) => Error::Refused(refusal.into()),
        Error::Fault(fault) => Error::Fault(fault),
    }
}
