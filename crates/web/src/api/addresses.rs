//! Where parcels go.

use axum::extract::State;
use identity::{Address, NewAddress, addresses};
use kernel::AddressId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, ok};
use crate::extract::{Caller, Json};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// An address to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAddress)]
struct Add {
    /// Who takes the parcel.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Street and house.
    #[schema(example = "12 St James's Square")]
    line1: String,
    /// Flat, floor, company.
    line2: Option<String>,
    #[schema(example = "London")]
    city: String,
    #[schema(example = "SW1Y 4LB")]
    postcode: String,
    /// Two letters of ISO 3166-1.
    #[schema(example = "GB")]
    country: String,
    /// For the courier.
    phone: Option<String>,
    /// Whether it is offered first. The first address always is.
    #[serde(default)]
    default: bool,
}

/// An address.
#[derive(Serialize, ToSchema)]
#[schema(as = Address)]
pub(super) struct AddressBody {
    id: AddressId,
    name: String,
    line1: String,
    line2: Option<String>,
    city: String,
    postcode: String,
    country: String,
    phone: Option<String>,
    default: bool,
}

/// All addresses of an account: the default one, then the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Addresses {
    pub(super) items: Vec<AddressBody>,
}

impl From<Address> for AddressBody {
    fn from(address: Address) -> Self {
        let Address { id, name, line1, line2, city, postcode, country, phone, .. } = address;
        let default = address.is_default;
        Self { id, name, line1, line2, city, postcode, country, phone, default }
    }
}

/// Your addresses.
#[utoipa::path(
    get, path = "/me/addresses", tag = "accounts", security(("token" = [])),
    responses((status = 200, description = "The default one first", body = Addresses))
)]
async fn list(State(app): State<App>, caller: Caller) -> Answer {
    let owner = caller.id();
    let kept = app.shop.db.read(move |read| addresses::list(read, owner)).await?;
    Ok(ok(&Addresses { items: kept.into_iter().map(Into::into).collect() }))
}

/// Keep an address.
#[utoipa::path(
    post, path = "/me/addresses", tag = "accounts", security(("token" = [])),
    request_body = Add,
    responses(
        (status = 201, description = "Kept", body = AddressBody),
        (status = 409, description = "`too-many-addresses`"),
    )
)]
async fn add(State(app): State<App>, caller: Caller, Json(form): Json<Add>) -> Answer {
    let Add { name, line1, line2, city, postcode, country, phone, default: is_default } = form;
    let new = NewAddress { name, line1, line2, city, postcode, country, phone, is_default };
    let (owner, env) = (caller.id(), app.shop.env.clone());
    let kept = app.shop.db.write(move |tx| addresses::add(tx, &env, owner, new.clone())).await?;
    Ok(created(&AddressBody::from(kept)))
}
