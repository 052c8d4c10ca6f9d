//! Whether the process lives, and whether it can work.

use axum::extract::State;
use http::StatusCode;
use kernel::OrderId;

use crate::App;
use crate::problem::Problem;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: the database answers.
pub async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    let nobody = OrderId(kernel::Uuid::nil());
    match app.shop.db.read(move |read| orders::find(read, nobody)).await {
        Ok(_) => Ok("ok"),
        Err(fault) => {
            tracing::warn!(%fault, "not ready");
            let detail = "the database does not answer";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail))
        }
    }
}
