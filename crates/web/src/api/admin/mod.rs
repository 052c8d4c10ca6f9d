//! What staff do.

mod audit;
mod books;
mod customers;
mod keys;
mod money;
mod notices;
mod orders;
mod people;
mod products;
mod stock;

use utoipa_axum::router::OpenApiRouter;

use crate::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(products::routes())
        .merge(stock::routes())
        .merge(orders::routes())
        .merge(money::routes())
        .merge(notices::routes())
        .merge(books::routes())
        .merge(audit::routes())
        .merge(keys::routes())
        .merge(customers::routes())
        .merge(people::routes())
}
