//! Orders as they are sent.

use flows::Placed;
use kernel::{AttemptId, Fault, Money, OrderId, ProductId, Timestamp, VariantId};
use orders::Order;
use payments::Attempt;
use serde::Serialize;
use store::Read;
use utoipa::ToSchema;

use crate::api::addresses::AddressBody;

/// Where an order stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderState)]
pub(crate) enum StateWord {
    Pending,
    CashDue,
    Paid,
    Packed,
    Shipped,
    Delivered,
    Expired,
    Cancelled,
    Refunded,
}

/// An order in a line.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderSummary)]
pub(crate) struct Summary {
    id: OrderId,
    /// What people say.
    #[schema(example = "7QK-2M9-XRT")]
    number: String,
    state: StateWord,
    payment_method: String,
    /// Units over all lines.
    item_count: i64,
    /// What is to be paid.
    total: Money,
    /// Until when it has to be paid; null when it does not wait for a payment.
    pay_by: Option<Timestamp>,
    placed_at: Timestamp,
}

/// A page of orders, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderList)]
pub(crate) struct Summaries {
    items: Vec<Summary>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// An order with all that belongs to it.
#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderBody {
    #[serde(flatten)]
    summary: Summary,
    /// Lines before any discount.
    merchandise: Money,
    discount: Money,
    shipping: Money,
    tax: Money,
    lines: Vec<LineBody>,
    /// Where it goes, as it was when the order was placed.
    address: Option<AddressBody>,
    /// Every step it took, oldest first.
    history: Vec<StepBody>,
    /// Every try to pay it, oldest first.
    payments: Vec<PaymentBody>,
}

/// A line of an order: what was bought, as it was.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineBody {
    variant_id: VariantId,
    product_id: ProductId,
    sku: String,
    title: String,
    unit_price: Money,
    quantity: i64,
    line_total: Money,
}

/// A step of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderStep)]
struct StepBody {
    /// Where it stood; null for the first.
    from: Option<String>,
    to: String,
    /// Who took it: `customer`, `staff`, `payment`, `clock`.
    by: String,
    note: Option<String>,
    at: Timestamp,
}

/// A try to pay.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderPayment)]
struct PaymentBody {
    id: AttemptId,
    gateway: String,
    /// `submitting`, `awaiting_payer`, `captured`, `canceled`.
    state: &'static str,
    amount: Money,
    /// Where the payer goes, while they may pay.
    redirect_url: Option<String>,
    created_at: Timestamp,
}

impl From<orders::State> for StateWord {
    fn from(state: orders::State) -> Self {
        match state {
            orders::State::Pending => Self::Pending,
            orders::State::CashDue => Self::CashDue,
            orders::State::Paid => Self::Paid,
            orders::State::Packed => Self::Packed,
            orders::State::Shipped => Self::Shipped,
            orders::State::Delivered => Self::Delivered,
            orders::State::Expired => Self::Expired,
            orders::State::Cancelled => Self::Cancelled,
            orders::State::Refunded => Self::Refunded,
        }
    }
}

impl From<Placed> for Summary {
    fn from(placed: Placed) -> Self {
        let Placed { id, number, state, payment_method, item_count, total, pay_by, .. } = placed;
        let (state, placed_at) = (state.into(), placed.placed_at);
        Self { id, number, state, payment_method, item_count, total, pay_by, placed_at }
    }
}

impl From<Order> for Summary {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            total: order.total(),
            number: order.number,
            state: order.state.into(),
            payment_method: order.payment_method,
            item_count: order.totals.item_count,
            pay_by: order.pay_by.filter(|_| order.state == orders::State::Pending),
            placed_at: order.placed_at,
        }
    }
}

impl From<orders::Step> for StepBody {
    fn from(step: orders::Step) -> Self {
        // Which of the staff is the shop's own business.
        let by = step.actor.split(':').next().unwrap_or_default().to_owned();
        let from = Some(step.from_state).filter(|from| from != "new");
        Self { from, to: step.to_state, by, note: step.note, at: step.at }
    }
}

impl From<Attempt> for PaymentBody {
    fn from(attempt: Attempt) -> Self {
        let Attempt { id, gateway, state, amount, redirect_url, created_at, .. } = attempt;
        let redirect_url = redirect_url.filter(|_| state.is_live());
        Self { id, gateway, state: state.as_str(), amount, redirect_url, created_at }
    }
}

impl OrderBody {
    /// An order with its lines, history and payments: three statements.
    pub(crate) fn read(read: &mut Read<'_>, order: Order) -> Result<Self, Fault> {
        let money = |minor| Money::new(minor, order.totals.currency);
        let line = |line: orders::Line| LineBody {
            variant_id: line.variant_id,
            product_id: line.product_id,
            sku: line.sku,
            title: line.title,
            unit_price: money(line.unit_price),
            quantity: line.quantity,
            line_total: money(line.line_total),
        };
        let address: Option<identity::Address> =
            serde_json::from_str(&order.address).map_err(|e| {
                Fault::Broken(format!("the address of {} cannot be read: {e}", order.id))
            })?;
        Ok(Self {
            merchandise: money(order.totals.merchandise),
            discount: money(order.totals.discount),
            shipping: money(order.totals.shipping),
            tax: money(order.totals.tax),
            lines: orders::lines(read, order.id)?.into_iter().map(line).collect(),
            address: address.map(Into::into),
            history: orders::history(read, order.id)?.into_iter().map(Into::into).collect(),
            payments: payments::of_order(read, order.id)?.into_iter().map(Into::into).collect(),
            summary: order.into(),
        })
    }
}
