//! New products, and what they cost.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::State;
use catalog::{NewProduct, NewVariant, Status};
use kernel::{Error, Money, VariantId};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok};
use crate::api::products::{ProductBody, VariantBody};
use crate::extract::{Json, OptionalKey, Segment, Staff, id, may, object, objects};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(change_price))
}

/// A product to be made, with its variants and their stock.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProduct)]
struct Create {
    /// Its name in addresses.
    #[schema(example = "linen-shirt")]
    slug: String,
    title: String,
    /// Plain text of several lines.
    #[serde(default)]
    description: String,
    /// The slug of its category.
    category: Option<String>,
    /// At least one, all in one currency, in the order they are shown.
    #[serde(deserialize_with = "objects")]
    variants: Vec<CreateVariant>,
}

/// A variant to be made.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVariant)]
struct CreateVariant {
    /// The shop's own code, unique among variants.
    sku: String,
    /// Its whole name; the product's title and the values of the options when left out.
    title: Option<String>,
    /// What makes it differ from its sisters: `{"colour":"sage","size":"M"}`.
    #[serde(default)]
    options: Options,
    #[serde(deserialize_with = "object")]
    price: Money,
    /// Units received.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    units: i64,
}

/// Names and values; a name that comes twice is refused.
#[derive(Default, Serialize, ToSchema)]
struct Options(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Options;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Options, A::Error> {
                let mut options = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    if options.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("has a name twice"));
                    }
                }
                Ok(Options(options))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// What a variant costs from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePrice {
    #[serde(deserialize_with = "object")]
    price: Money,
}

impl Create {
    fn split(self) -> (NewProduct, Vec<i64>) {
        let Self { slug, title, description, category, variants } = self;
        let units = variants.iter().map(|variant| variant.units).collect();
        let variant = |new: CreateVariant| NewVariant {
            title: new.title,
            options: new.options.0,
            ..NewVariant::new(new.sku, new.price)
        };
        let variants = variants.into_iter().map(variant).collect();
        let (status, images) = (Status::Active, Vec::new());
        (NewProduct { slug, title, description, category, status, variants, images }, units)
    }
}

/// Make a product with its variants and their first units.
#[utoipa::path(
    post, path = "/admin/products", tag = "staff", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Names this one wish")),
    request_body = Create,
    responses(
        (status = 201, description = "Made", body = ProductBody),
        (status = 409, description = "`slug-taken`, `sku-taken`"),
    )
)]
async fn create(
    State(app): State<App>,
    staff: Staff<may::EditCatalog>,
    OptionalKey(key): OptionalKey,
    Json(wish): Json<Create>,
) -> Answer {
    let key = key.map(|key| key.of(staff.id, "admin.products.create", "", &wish));
    let (new, units) = wish.split();
    let (page, levels) = app.shop.stock_new_product(staff.id, new, units, key).await?;
    staff.tell("product", page.product.id.to_string());
    tracing::info!(staff = %staff.id, product = %page.product.id, "a product was made");
    Ok(created(&ProductBody::new(page, &levels)))
}

/// Change what a variant costs. Quotes made before are answered `quote-changed`.
#[utoipa::path(
    patch, path = "/admin/variants/{id}", tag = "staff", security(("token" = [])),
    params(("id" = VariantId, Path)), request_body = ChangePrice,
    responses((status = 200, description = "The variant", body = VariantBody))
)]
async fn change_price(
    State(app): State<App>,
    staff: Staff<may::ChangePrices>,
    variant: Segment,
    Json(ChangePrice { price }): Json<ChangePrice>,
) -> Answer {
    let variant: VariantId = id(&variant, "variant")?;
    let (changed, levels) = app
        .shop
        .db
        .write(move |tx| {
            let changed = catalog::set_price(tx, variant, price)?;
            let levels = inventory::levels(tx, [variant])?.answer(tx)?;
            Ok::<_, Error<catalog::CatalogRefusal>>((changed, levels))
        })
        .await?;
    staff.tell("price", price.to_string());
    tracing::info!(staff = %staff.id, %variant, %price, "a price was changed");
    Ok(ok(&VariantBody::new(changed, levels.first())))
}
