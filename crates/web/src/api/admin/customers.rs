//! Customers, as the people of the shop see them.

use axum::extract::State;
use http::StatusCode;
use identity::customer::{self, SEARCH_CHARS_MAX};
use identity::{Account, PeopleRefusal, addresses};
use kernel::{AccountId, Timestamp, limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::orders::{StaffOrderList, StaffSummary};
use crate::App;
use crate::answer::{Answer, created, ok};
use crate::api::addresses::{AddressBody, Addresses};
use crate::api::orders::{PageOf, page};
use crate::extract::{Json, Query, Segment, Staff, cursor, id, may};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change))
        .routes(routes!(orders_of))
        .routes(routes!(addresses_of))
        .routes(routes!(disable))
        .routes(routes!(enable))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Any part of an address, number or name.
    search: Option<String>,
    /// Customers on the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
struct CustomerBody {
    id: AccountId,
    name: String,
    email: Option<String>,
    email_verified_at: Option<Timestamp>,
    /// E.164.
    phone: Option<String>,
    phone_verified_at: Option<Timestamp>,
    username: Option<String>,
    created_at: Timestamp,
    /// Since when they are shut out.
    disabled_at: Option<Timestamp>,
}

/// A customer, to be changed.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerDetails)]
struct DetailsBody {
    #[serde(flatten)]
    customer: CustomerBody,
    /// Send it with a change: a change in between is not overwritten.
    version: i64,
}

/// Customers, the newest first.
#[derive(Serialize, ToSchema)]
struct CustomerPage {
    items: Vec<CustomerBody>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<AccountId>,
}

/// A customer to be made. They sign in with a code that is sent to them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCustomer)]
struct Create {
    #[schema(example = "ada@example.org")]
    login: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
}

/// What is to be another way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeCustomer)]
struct Change {
    /// As it stood when you looked.
    version: i64,
    name: String,
}

impl From<Account> for CustomerBody {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            email_verified_at: account.email_verified_at,
            phone: account.phone,
            phone_verified_at: account.phone_verified_at,
            username: account.username,
            created_at: account.created_at,
            disabled_at: account.disabled_at,
        }
    }
}

fn no_customer() -> Problem {
    Problem::refused(&PeopleRefusal::NoSuchCustomer)
}

async fn details(app: &App, of: AccountId) -> Result<DetailsBody, Problem> {
    let found = app.shop.db.read(move |read| customer::find(read, of)).await?;
    let (account, version) = found.ok_or_else(no_customer)?;
    Ok(DetailsBody { customer: account.into(), version })
}

fn read_id(segment: &Segment) -> Result<AccountId, Problem> {
    id(segment, "customer").map_err(|_| no_customer())
}

/// Customers, the newest first; with `search`, those that have it in an address, number or name.
#[utoipa::path(
    get, path = "/admin/customers", tag = "staff", security(("token" = [])), params(Wanted),
    responses((status = 200, description = "A page", body = CustomerPage))
)]
async fn list(
    State(app): State<App>,
    _: Staff<may::SeeCustomers>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let (limit, max) = (wanted.limit.unwrap_or(limits::PAGE_SIZE_DEFAULT), limits::PAGE_SIZE_MAX);
    if !(1..=max).contains(&limit) {
        return Err(Problem::refused(&catalog::CatalogRefusal::LimitInvalid { max }));
    }
    let search = wanted.search;
    let fits = |text: &String| {
        text.chars().count() <= SEARCH_CHARS_MAX && !text.chars().any(char::is_control)
    };
    if !search.as_ref().is_none_or(fits) {
        let detail = format!("search must be at most {SEARCH_CHARS_MAX} plain characters");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "parameter-invalid", detail)
            .with("parameter", "search"));
    }
    let before = cursor(wanted.cursor.as_deref())?;
    let read = move |read: &mut store::Read<'_>| {
        customer::page(read, search.as_deref(), before, limit + 1)
    };
    // Looking for a part takes too long for a thread that serves requests.
    let mut found = app.shop.db.read_long(read).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|account| account.id);
    Ok(ok(&CustomerPage { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}

/// Make a customer's account, without a password.
#[utoipa::path(
    post, path = "/admin/customers", tag = "staff", security(("token" = [])),
    request_body = Create,
    responses(
        (status = 201, description = "Made", body = DetailsBody),
        (status = 409, description = "`login-taken`"),
    )
)]
async fn create(
    State(app): State<App>,
    staff: Staff<may::EditCustomers>,
    Json(wish): Json<Create>,
) -> Answer {
    let (db, env) = (&app.shop.db, &app.shop.env);
    let made = customer::create(db, env, &wish.login, &wish.name).await?;
    staff.tell("customer", made.id.to_string());
    Ok(created(&details(&app, made.id).await?))
}

/// A customer.
#[utoipa::path(
    get, path = "/admin/customers/{id}", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The customer", body = DetailsBody))
)]
async fn show(State(app): State<App>, _: Staff<may::SeeCustomers>, customer: Segment) -> Answer {
    Ok(ok(&details(&app, read_id(&customer)?).await?))
}

/// Change a customer. What they sign in with is theirs to change.
#[utoipa::path(
    patch, path = "/admin/customers/{id}", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)), request_body = Change,
    responses(
        (status = 200, description = "The customer", body = DetailsBody),
        (status = 409, description = "`changed-meanwhile`: look again"),
    )
)]
async fn change(
    State(app): State<App>,
    _: Staff<may::EditCustomers>,
    customer: Segment,
    Json(Change { version, name }): Json<Change>,
) -> Answer {
    let of = read_id(&customer)?;
    app.shop.db.write(move |tx| customer::rename(tx, of, version, &name)).await?;
    Ok(ok(&details(&app, of).await?))
}

/// A customer's orders, newest first.
#[utoipa::path(
    get, path = "/admin/customers/{id}/orders", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path), PageOf),
    responses((status = 200, description = "A page", body = StaffOrderList))
)]
async fn orders_of(
    State(app): State<App>,
    _: Staff<may::SeeCustomers>,
    customer: Segment,
    Query(of): Query<PageOf>,
) -> Answer {
    let (limit, before) = of.place()?;
    let of = read_id(&customer)?;
    let read = move |read: &mut store::Read<'_>| {
        if customer::find(read, of)?.is_none() {
            return Ok(None);
        }
        orders::page_of_customer(read, of, before, limit).map(Some)
    };
    let found: Option<orders::Page> = app.shop.db.read(read).await.map_err(fault)?;
    Ok(page::<StaffSummary>(found.ok_or_else(no_customer)?))
}

/// A customer's addresses.
#[utoipa::path(
    get, path = "/admin/customers/{id}/addresses", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The default one first", body = Addresses))
)]
async fn addresses_of(
    State(app): State<App>,
    _: Staff<may::SeeCustomers>,
    customer: Segment,
) -> Answer {
    let of = read_id(&customer)?;
    let read = move |read: &mut store::Read<'_>| {
        if customer::find(read, of)?.is_none() {
            return Ok(None);
        }
        addresses::list(read, of).map(Some)
    };
    let found: Option<Vec<_>> = app.shop.db.read(read).await.map_err(fault)?;
    let items = found.ok_or_else(no_customer)?.into_iter().map(AddressBody::from).collect();
    Ok(ok(&Addresses { items }))
}

fn fault(fault: kernel::Fault) -> Problem {
    fault.into()
}

/// Shut a customer out: their sessions end, and nobody signs in with the account.
#[utoipa::path(
    post, path = "/admin/customers/{id}/disable", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The customer", body = DetailsBody))
)]
async fn disable(
    State(app): State<App>,
    _: Staff<may::DisableCustomers>,
    customer: Segment,
) -> Answer {
    let (of, env) = (read_id(&customer)?, app.shop.env.clone());
    app.shop.db.write(move |tx| customer::disable(tx, &env, of)).await?;
    Ok(ok(&details(&app, of).await?))
}

/// Let a customer in again.
#[utoipa::path(
    post, path = "/admin/customers/{id}/enable", tag = "staff", security(("token" = [])),
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The customer", body = DetailsBody))
)]
async fn enable(
    State(app): State<App>,
    _: Staff<may::DisableCustomers>,
    customer: Segment,
) -> Answer {
    let of = read_id(&customer)?;
    app.shop.db.write(move |tx| customer::enable(tx, of)).await?;
    Ok(ok(&details(&app, of).await?))
}
