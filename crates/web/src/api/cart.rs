//! The cart: what a customer means to buy, held for a while.

use axum::extract::State;
use axum::response::Response;
use flows::{CartLine, CartView, Change, Owner, Refusal};
use kernel::{CartId, Error, Money, Timestamp, VariantId, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{Caller, Json, Segment, id, present};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, clear))
        .routes(routes!(add))
        .routes(routes!(change, remove))
        .routes(routes!(extend))
}

/// What to put in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddLine {
    variant_id: VariantId,
    /// How many more.
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
}

/// How a line changes: `quantity` or `change`, or `selected`, or one of the first two with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeLine {
    /// To this many.
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: Option<i64>,
    /// By this many, `-1` or `1` say. A line that comes to 0 goes.
    #[serde(default, deserialize_with = "present")]
    change: Option<i64>,
    /// Whether it goes to the next checkout.
    #[serde(default, deserialize_with = "present")]
    selected: Option<bool>,
}

/// The cart.
#[derive(Serialize, ToSchema)]
#[schema(as = Cart)]
struct CartBody {
    /// Null until something was put in.
    id: Option<CartId>,
    /// Counts its changes.
    version: i64,
    lines: Vec<CartLineBody>,
    /// Units in selected lines.
    selected_quantity: i64,
    selected_total: Money,
}

/// A line of the cart.
#[derive(Serialize, ToSchema)]
#[schema(as = CartLine)]
struct CartLineBody {
    variant_id: VariantId,
    sku: String,
    title: String,
    /// Price of one, now.
    unit_price: Money,
    quantity: i64,
    /// Whether it goes to the next checkout.
    selected: bool,
    line_total: Money,
    /// Until when its units are held; null when they are not.
    held_until: Option<Timestamp>,
    /// Units that could be had, those held for this cart included.
    available: i64,
    /// Whether it is still sold.
    offered: bool,
}

impl From<CartLine> for CartLineBody {
    fn from(line: CartLine) -> Self {
        Self {
            variant_id: line.variant_id,
            sku: line.sku,
            title: line.title,
            unit_price: line.unit_price,
            quantity: line.quantity,
            selected: line.selected,
            line_total: line.line_total,
            held_until: line.held_until,
            available: line.available,
            offered: line.sold_here,
        }
    }
}

fn answer(view: CartView) -> Response {
    let CartView { id, version, lines, selected_quantity, selected_total } = view;
    let lines = lines.into_iter().map(Into::into).collect();
    ok(&CartBody { id, version, lines, selected_quantity, selected_total })
}

fn of(caller: &Caller) -> Owner {
    Owner::Account(caller.id())
}

fn quantity(units: i64) -> Result<i64, Error<Refusal>> {
    let (min, max) = (1, limits::LINE_QUANTITY_MAX);
    if (min..=max).contains(&units) {
        return Ok(units);
    }
    Err(Error::Refused(Refusal::QuantityInvalid { min, max }))
}

/// Your cart.
#[utoipa::path(
    get, path = "/cart", tag = "cart", security(("token" = [])),
    responses((status = 200, description = "The cart", body = CartBody))
)]
async fn show(State(app): State<App>, caller: Caller) -> Answer {
    Ok(answer(app.shop.cart(of(&caller)).await?))
}

/// Put something in; more of it when it is there already. Its units are held for a while.
#[utoipa::path(
    post, path = "/cart/lines", tag = "cart", security(("token" = [])), request_body = AddLine,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 404, description = "`not-found`: there is no such variant"),
        (status = 409, description = "`out-of-stock`"),
    )
)]
async fn add(State(app): State<App>, caller: Caller, Json(line): Json<AddLine>) -> Answer {
    let more = Change::By(quantity(line.quantity)?);
    Ok(answer(app.shop.set_line(of(&caller), line.variant_id, more).await?))
}

/// Change a line.
#[utoipa::path(
    patch, path = "/cart/lines/{variant_id}", tag = "cart", security(("token" = [])),
    params(("variant_id" = VariantId, Path)), request_body = ChangeLine,
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 409, description = "`out-of-stock`"),
    )
)]
async fn change(
    State(app): State<App>,
    caller: Caller,
    variant: Segment,
    Json(line): Json<ChangeLine>,
) -> Answer {
    let variant: VariantId = id(&variant, "line")?;
    let change = match (line.quantity, line.change) {
        (Some(_), Some(_)) => {
            return Err(Problem::field("change", "cannot be given together with `quantity`"));
        }
        (Some(units), None) => Some(Change::Set(quantity(units)?)),
        (None, by) => by.map(Change::By),
    };
    let mut view = None;
    if let Some(change) = change {
        let owner = of(&caller);
        // This is for lines that are there: `POST /cart/lines` puts new ones in.
        let there = app.shop.cart(owner.clone()).await?;
        if !there.lines.iter().any(|line| line.variant_id == variant) {
            return Err(Problem::not_found("line"));
        }
        view = Some(app.shop.set_line(owner, variant, change).await?);
    }
    match (line.selected, view) {
        (None, None) => {
            Err(Problem::field("", "must have at least one of `quantity`, `change`, `selected`"))
        }
        // A line that has come to 0 has gone: there is nothing to select.
        (Some(_), Some(view)) if view.lines.iter().all(|l| l.variant_id != variant) => {
            Ok(answer(view))
        }
        (Some(selected), _) => {
            let only = Some(vec![variant]);
            Ok(answer(app.shop.select_lines(of(&caller), only, selected).await?))
        }
        (None, Some(view)) => Ok(answer(view)),
    }
}

/// Take a line out.
#[utoipa::path(
    delete, path = "/cart/lines/{variant_id}", tag = "cart", security(("token" = [])),
    params(("variant_id" = VariantId, Path)),
    responses((status = 200, description = "The cart", body = CartBody))
)]
async fn remove(State(app): State<App>, caller: Caller, variant: Segment) -> Answer {
    let variant: VariantId = id(&variant, "line")?;
    Ok(answer(app.shop.set_line(of(&caller), variant, Change::Set(0)).await?))
}

/// Take everything out.
#[utoipa::path(
    delete, path = "/cart", tag = "cart", security(("token" = [])),
    responses((status = 200, description = "The empty cart", body = CartBody))
)]
async fn clear(State(app): State<App>, caller: Caller) -> Answer {
    Ok(answer(app.shop.clear_cart(of(&caller)).await?))
}

/// Give what is held its full time again.
#[utoipa::path(
    post, path = "/cart/extend", tag = "cart", security(("token" = [])),
    responses(
        (status = 200, description = "The cart", body = CartBody),
        (status = 409, description = "`hold-used-up`, `out-of-stock`"),
    )
)]
async fn extend(State(app): State<App>, caller: Caller) -> Answer {
    Ok(answer(app.shop.extend_cart(of(&caller)).await?))
}
