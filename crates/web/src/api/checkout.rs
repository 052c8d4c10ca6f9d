//! The preview of an order: what it would cost, promised for some minutes.

use axum::extract::State;
use flows::{QuoteLine, QuoteView, Source};
use inventory::Short;
use jobs::Offer;
use kernel::{AddressId, Money, OrderId, Rate, Timestamp, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::addresses::AddressBody;
use crate::App;
use crate::answer::{Answer, ok};
use crate::extract::{Caller, Json, present};
use crate::problem::Problem;
use crate::ways;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(quote))
}

/// What a quote is wanted for: `{"source":"cart"}`, or
/// `{"source":"buy_now","variant_id":"…","quantity":1}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuoteRequest)]
struct Wanted {
    source: SourceWord,
    /// With `buy_now`: what.
    #[serde(default, deserialize_with = "present")]
    variant_id: Option<VariantId>,
    /// With `buy_now`: how many.
    #[serde(default, deserialize_with = "present")]
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: Option<i64>,
    /// Where it goes; the default address when left out.
    #[serde(default, deserialize_with = "present")]
    address_id: Option<AddressId>,
}

/// The selected lines of the cart, or one thing without touching the cart.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuoteSource)]
enum SourceWord {
    Cart,
    BuyNow,
}

/// A quote.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteBody {
    /// Becomes the order's id.
    id: OrderId,
    /// What to place the order with.
    token: String,
    /// Until when it is good.
    expires_at: Timestamp,
    lines: Vec<QuoteLineBody>,
    /// Units over all lines.
    item_count: i64,
    /// Lines before any discount.
    merchandise: Money,
    discount: Money,
    shipping: Money,
    tax: Money,
    /// What is to be paid.
    total: Money,
    /// Where it goes; null when there is no address yet.
    address: Option<AddressBody>,
    /// What keeps it from becoming an order: `address`, `stock`.
    #[schema(value_type = Vec<String>)]
    missing: Vec<&'static str>,
    /// What is not there in the wanted quantity.
    #[schema(value_type = Vec<ShortBody>)]
    short: Vec<Short>,
    /// The ways to pay this total.
    #[schema(example = json!(["sandbox", "cash_on_delivery"]))]
    payment_methods: Vec<String>,
    /// What is charged at each of them, in the same order. A payment keeps what it was begun with;
    /// before that a rate may change.
    charges: Vec<ChargeBody>,
}

/// What is charged for a quote.
#[derive(Serialize, ToSchema)]
#[schema(as = QuoteCharge)]
struct ChargeBody {
    #[schema(example = "sandbox")]
    payment_method: String,
    /// The total, in a currency that this way to pay takes.
    amount: Money,
    /// Units of that currency for one of the total's; null where they are the same.
    rate: Option<Rate>,
}

/// A line of a quote.
#[derive(Serialize, ToSchema)]
#[schema(as = QuoteLine)]
struct QuoteLineBody {
    variant_id: VariantId,
    sku: String,
    title: String,
    unit_price: Money,
    quantity: i64,
    line_total: Money,
}

/// Of what there is not enough.
#[derive(Serialize, ToSchema)]
#[schema(as = Short)]
struct ShortBody {
    variant_id: VariantId,
    wanted: i64,
    available: i64,
}

impl Wanted {
    fn source(&self) -> Result<Source, Problem> {
        let needed = |field| move || Problem::field(field, "is missing");
        match self.source {
            SourceWord::Cart if self.variant_id.is_some() => {
                Err(Problem::field("variant_id", "is only for `buy_now`"))
            }
            SourceWord::Cart if self.quantity.is_some() => {
                Err(Problem::field("quantity", "is only for `buy_now`"))
            }
            SourceWord::Cart => Ok(Source::Cart),
            SourceWord::BuyNow => Ok(Source::BuyNow {
                variant_id: self.variant_id.ok_or_else(needed("variant_id"))?,
                quantity: self.quantity.ok_or_else(needed("quantity"))?,
            }),
        }
    }
}

/// Ask what an order would cost. Writes nothing and holds nothing.
#[utoipa::path(
    post, path = "/checkout/quote", tag = "checkout", security(("token" = [])),
    request_body = Wanted,
    responses(
        (status = 200, description = "The quote", body = QuoteBody),
        (status = 404, description = "`not-found`: there is no such variant or address"),
    )
)]
async fn quote(State(app): State<App>, caller: Caller, Json(wanted): Json<Wanted>) -> Answer {
    let source = wanted.source()?;
    let view = app.shop.quote(caller.id(), source, wanted.address_id).await?;
    let QuoteView { quote, token, short, missing } = view;
    let totals = quote.totals;
    let money = |minor| Money::new(minor, totals.currency);
    let line = |line: QuoteLine| QuoteLineBody {
        variant_id: line.variant_id,
        sku: line.sku,
        title: line.title,
        unit_price: money(line.unit_price),
        quantity: line.quantity,
        line_total: money(line.line_total),
    };
    let offers = ways::of(&app, money(totals.total));
    let charge = |Offer { method, charge }: &'_ Offer| ChargeBody {
        payment_method: method.clone(),
        amount: charge.amount,
        rate: charge.rate,
    };
    Ok(ok(&QuoteBody {
        id: quote.id,
        token,
        expires_at: quote.expires_at,
        lines: quote.lines.into_iter().map(line).collect(),
        item_count: totals.item_count,
        merchandise: money(totals.merchandise),
        discount: money(totals.discount),
        shipping: money(totals.shipping),
        tax: money(totals.tax),
        total: money(totals.total),
        address: quote.address.map(Into::into),
        missing,
        short,
        payment_methods: offers.iter().map(|offer| offer.method.clone()).collect(),
        charges: offers.iter().map(charge).collect(),
    }))
}
