//! Orders as they are sent.

use flows::Placed;
use kernel::{
    AttemptId, Currency, Fault, Money, OrderId, ProductId, Rate, RefundId, Timestamp, VariantId,
};
use orders::Order;
use payments::{Attempt, Refund, RefundLine, RefundState};
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
    /// What was paid and not given back.
    paid: Money,
    /// What went back, or is on its way.
    refunded: Money,
    /// Every try to pay it, oldest first.
    payments: Vec<PaymentBody>,
    /// Money on its way back, or back already, oldest first.
    refunds: Vec<RefundBody>,
    /// A page that shows the order to whoever has this address, without signing in. Only its owner
    /// is told.
    pub(crate) link: Option<String>,
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
    /// Its place in the order: 1, 2, 3 …
    position: i64,
    /// Units that came back.
    restocked: i64,
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
    /// `submitting`, `awaiting_payer`, `processing`, `authorized`, `capturing`, `captured`,
    /// `closing`, `voiding`, `canceled`.
    state: &'static str,
    /// What the payer pays there.
    amount: Money,
    /// What of the order that pays: the same, unless the gateway takes another currency.
    pays: Money,
    /// Then, how many units of it one of the order's costs.
    rate: Option<Rate>,
    /// Where the payer goes, while they may pay.
    redirect_url: Option<String>,
    /// What it was paid with, as far as the gateway tells.
    method: Option<MethodBody>,
    created_at: Timestamp,
}

/// What a payment was made with.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
struct MethodBody {
    /// `card`, `wallet`, `cash`.
    kind: String,
    /// A card's scheme.
    brand: Option<String>,
    /// A card's last four digits.
    last4: Option<String>,
}

/// Money on its way back.
#[derive(Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody {
    id: RefundId,
    /// `reserved`, `sent`, `pending`, `succeeded`, `failed`.
    state: &'static str,
    /// What the payer gets, in the currency they paid in.
    amount: Money,
    /// What of the order that gives back.
    worth: Money,
    /// Why, in words.
    reason: String,
    /// Who wanted it: `orphan` (the order did not want the money), `cancelled`, `staff`,
    /// `external` (in the gateway's own books).
    origin: &'static str,
    /// What of the order it is for; empty where it is for a sum.
    lines: Vec<RefundLineBody>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Units of a line that a refund is for.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundLine)]
struct RefundLineBody {
    /// The line's place in the order.
    position: i64,
    quantity: i64,
    /// Whether they went back on the shelf.
    restocked: bool,
}

impl RefundBody {
    /// The refunds of an order in this currency, oldest first: two statements.
    pub(crate) fn of_order(
        read: &mut Read<'_>,
        order: OrderId,
        currency: Currency,
    ) -> Result<Vec<Self>, Fault> {
        let lines = payments::refund_lines_of_order(read, order)?;
        let refunds = payments::refunds_of_order(read, order)?;
        Ok(refunds.into_iter().map(|refund| Self::of(refund, &lines, currency)).collect())
    }

    fn of(refund: Refund, lines: &[RefundLine], currency: Currency) -> Self {
        let own = lines.iter().filter(|line| line.refund_id == refund.id);
        let line = |line: &RefundLine| RefundLineBody {
            position: line.position,
            quantity: line.quantity,
            restocked: line.restocked,
        };
        Self {
            id: refund.id,
            state: refund.state.as_str(),
            amount: refund.amount,
            worth: Money::new(refund.worth, currency),
            reason: refund.reason,
            origin: refund.origin.as_str(),
            lines: own.map(line).collect(),
            created_at: refund.created_at,
            updated_at: refund.updated_at,
        }
    }
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
        let Attempt { id, gateway, state, amount, pays, rate, redirect_url, created_at, .. } =
            attempt;
        let redirect_url = redirect_url.filter(|_| state.may_be_paid());
        // What cannot be read is not shown; it is nobody's loss.
        let method: Option<payments::Method> =
            attempt.method.and_then(|method| serde_json::from_str(&method).ok());
        let method = method.map(|method| MethodBody {
            kind: method.kind,
            brand: method.brand,
            last4: method.last4,
        });
        let state = state.as_str();
        Self { id, gateway, state, amount, pays, rate, redirect_url, method, created_at }
    }
}

impl OrderBody {
    /// An order with its lines, history, payments and refunds: five statements.
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
            position: line.position,
            restocked: line.restocked,
        };
        let attempts = payments::of_order(read, order.id)?;
        let settled = attempts.iter().find(|attempt| Some(attempt.id) == order.settled_by);
        let refunds = payments::refunds_of_order(read, order.id)?;
        let for_lines = payments::refund_lines_of_order(read, order.id)?;
        let currency = order.totals.currency;
        let gone = refunds.iter().filter(|it| {
            Some(it.attempt_id) == order.settled_by && it.state == RefundState::Succeeded
        });
        let gone: i64 = gone.map(|refund| refund.worth).sum();
        let (paid, back) = settled.map_or((0, 0), |it| (it.pays.minor - gone, it.worth_back));
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
            paid: money(paid),
            refunded: money(back),
            payments: attempts.into_iter().map(Into::into).collect(),
            refunds: refunds
                .into_iter()
                .map(|it| RefundBody::of(it, &for_lines, currency))
                .collect(),
            link: None,
            summary: order.into(),
        })
    }
}
