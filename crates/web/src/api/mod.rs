//! The JSON API under `/api/v1`: one file for each noun. A handler reads the request, calls one
//! use case and writes its answer.

mod accounts;
mod addresses;
mod admin;
mod cart;
mod checkout;
mod codes;
mod docs;
mod invitations;
mod me;
mod openapi;
mod orders;
mod payments;
mod products;
mod second_factor;
mod sessions;

pub(crate) use sessions::keys;

use axum::Router;
use http::Method;
use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// Where the API lives.
pub(crate) const ROOT: &str = "/api/v1";

/// Its routes, with the document that describes them.
pub fn routes() -> Router<App> {
    let (routes, document) = described();
    routes.merge(docs::routes(&document))
}

/// The document that describes the API: OpenAPI 3.1.
pub fn document() -> utoipa::openapi::OpenApi {
    described().1
}

fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let nouns = OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(sessions::routes())
        .merge(second_factor::routes())
        .merge(invitations::routes())
        .merge(me::routes())
        .merge(codes::routes())
        .merge(addresses::routes())
        .merge(products::routes())
        .merge(cart::routes())
        .merge(checkout::routes())
        .merge(orders::routes())
        .merge(payments::routes())
        .merge(admin::routes());
    let (routes, document) = OpenApiRouter::new().nest(ROOT, nouns).split_for_parts();
    (routes, openapi::complete(document))
}

/// Lists are the only ones that read parameters from the address.
pub(crate) fn reads_parameters(method: &Method, path: &str) -> bool {
    match path.strip_prefix(ROOT) {
        Some(
            "/products"
            | "/orders"
            | "/admin/orders"
            | "/admin/audit"
            | "/admin/audit/export"
            | "/admin/customers",
        ) => {
            matches!(*method, Method::GET | Method::HEAD)
        }
        Some(path) if path.starts_with("/admin/customers/") && path.ends_with("/orders") => {
            matches!(*method, Method::GET | Method::HEAD)
        }
        Some(_) => false,
        None => true,
    }
}
