//! Counting.

use axum::extract::State;
use flows::UNITS_MAX;
use inventory::Stock;
use kernel::{VariantId, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{IdempotencyKey, Json, Staff, may};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(adjust))
}

/// What was counted.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockAdjustment)]
struct Adjust {
    variant_id: VariantId,
    /// Units found, or lost when negative.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    delta: i64,
    /// Why, in a line.
    #[schema(example = "counted again")]
    reason: String,
}

/// The counters of a variant.
#[derive(Serialize, ToSchema)]
#[schema(as = Stock)]
struct StockBody {
    variant_id: VariantId,
    /// Units owned and not sold.
    on_hand: i64,
    /// Units of those that carts and unpaid orders have been promised.
    held: i64,
    /// Units that nobody has been promised.
    available: i64,
    sold: i64,
}

impl From<Stock> for StockBody {
    fn from(stock: Stock) -> Self {
        let Stock { variant_id, on_hand, held, sold, .. } = stock;
        Self { variant_id, on_hand, held, available: stock.available(), sold }
    }
}

impl Adjust {
    fn check(&self) -> Result<(), Problem> {
        if self.delta == 0 || !(-UNITS_MAX..=UNITS_MAX).contains(&self.delta) {
            let message = format!("must be from -{UNITS_MAX} to {UNITS_MAX}, and not 0");
            return Err(Problem::field("delta", &message));
        }
        let (reason, max) = (&self.reason, limits::TEXT_CHARS_MAX);
        let one_line = !reason.trim().is_empty() && !reason.chars().any(char::is_control);
        if !one_line || reason.chars().count() > max {
            let message = format!("must be one line of 1 to {max} characters");
            return Err(Problem::field("reason", &message));
        }
        Ok(())
    }
}

/// Add units, or remove them. What is held for somebody cannot be removed.
#[utoipa::path(
    post, path = "/admin/stock-adjustments", tag = "staff", security(("token" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names this one wish")),
    request_body = Adjust,
    responses(
        (status = 200, description = "The counters now", body = StockBody),
        (status = 404, description = "`not-found`: there is no such variant"),
        (status = 409, description = "`out-of-stock`: fewer units are free than would go"),
    )
)]
async fn adjust(
    State(app): State<App>,
    staff: Staff<may::AdjustStock>,
    key: IdempotencyKey,
    Json(wish): Json<Adjust>,
) -> Answer {
    wish.check()?;
    let key = key.of(staff.id, "admin.stock.adjust", "", &wish);
    let Adjust { variant_id, delta, reason } = wish;
    let reason = reason.trim().to_owned();
    staff.tell("variant", variant_id.to_string());
    staff.tell("delta", delta);
    staff.tell("reason", reason.as_str());
    let stock = app.shop.adjust_stock(staff.id, variant_id, delta, reason, key).await?;
    tracing::info!(staff = %staff.id, variant = %variant_id, delta, "stock was adjusted");
    Ok(ok(&StockBody::from(stock)))
}
