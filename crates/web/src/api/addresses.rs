//! Where parcels go.

use axum::extract::State;
use identity::{Address, NewAddress, addresses};
use kernel::AddressId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, created, nothing, ok};
use crate::extract::{Caller, Json, Segment, id};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(prefer, remove))
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
    let kept = app.shop.db.read(move |read| flows::address_book(read, owner)).await?;
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

/// What is to be changed of an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Prefer {
    /// `true`: it is offered first from now on, and no other.
    #[schema(value_type = bool)]
    default: First,
}

/// Only yes: which address is the first instead is said of that one.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct First;

impl TryFrom<bool> for First {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        if yes { Ok(Self) } else { Err("make another address the default one instead") }
    }
}

/// Offer an address first.
#[utoipa::path(
    patch, path = "/me/addresses/{id}", tag = "accounts", security(("token" = [])),
    params(("id" = AddressId, Path)), request_body = Prefer,
    responses((status = 200, description = "The address", body = AddressBody))
)]
async fn prefer(
    State(app): State<App>,
    caller: Caller,
    address: Segment,
    Json(Prefer { default: First }): Json<Prefer>,
) -> Answer {
    let (owner, id) = (caller.id(), id(&address, "address")?);
    let kept = app.shop.db.write(move |tx| addresses::set_default(tx, owner, id)).await?;
    Ok(ok(&AddressBody::from(kept)))
}

/// Forget an address. Orders keep what they were sent to.
#[utoipa::path(
    delete, path = "/me/addresses/{id}", tag = "accounts", security(("token" = [])),
    params(("id" = AddressId, Path)),
    responses((status = 204, description = "Forgotten"))
)]
async fn remove(State(app): State<App>, caller: Caller, address: Segment) -> Answer {
    let (owner, id) = (caller.id(), id(&address, "address")?);
    app.shop.db.write(move |tx| addresses::remove(tx, owner, id)).await?;
    Ok(nothing())
}
