//! What happened to an order, in its buyer's words. Pure.

use flows::CASH_ON_DELIVERY;
use kernel::{Money, Timestamp};
use orders::{Order, State as Stands, Step};
use payments::{Attempt, AttemptState, Origin, Refund, RefundState};

use crate::shop::show::{Icon, Time, count, moment, money};

/// A stop on the way of an order.
pub(super) struct Stop {
    pub(super) word: &'static str,
    /// `done`, `here` or `ahead`.
    pub(super) stage: &'static str,
    pub(super) at: Option<Time>,
}

/// Something that happened.
pub(super) struct Happening {
    pub(super) icon: Icon,
    pub(super) tone: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: String,
    pub(super) at: Time,
    when: Timestamp,
}

/// What is happening, in a sentence.
pub(super) fn title(order: &Order, thanks: bool) -> &'static str {
    match order.state {
        Stands::Pending => "We are waiting for your payment",
        Stands::CashDue | Stands::Paid if thanks => "Thank you, we have your order",
        Stands::CashDue | Stands::Paid => "We are packing your order",
        Stands::Packed => "Your order is packed",
        Stands::Shipped => "Your order is on its way",
        Stands::Delivered => "Your order has arrived",
        Stands::Expired => "This order was not paid in time",
        Stands::Cancelled => "This order was cancelled",
        Stands::Refunded => "This order was paid back",
    }
}

/// The way of an order from the button to the door; none for one that has left the way.
pub(super) fn stops(order: &Order, steps: &[Step]) -> Vec<Stop> {
    let cash = order.payment_method == CASH_ON_DELIVERY;
    let reached = match order.state {
        Stands::Pending => 1,
        Stands::CashDue | Stands::Paid => 2,
        Stands::Packed => 3,
        Stands::Shipped => 4,
        Stands::Delivered => 5,
        Stands::Expired | Stands::Cancelled | Stands::Refunded => return Vec::new(),
    };
    // Cash has no stop of its own before the door.
    let way: Vec<(&'static str, usize, &'static str)> = if cash {
        vec![
            ("Placed", 1, "cash_due"),
            ("Packing", 2, "packed"),
            ("Shipped", 3, "shipped"),
            ("Paid and delivered", 4, "delivered"),
        ]
    } else {
        vec![
            ("Placed", 0, "pending"),
            ("Paid", 1, "paid"),
            ("Packing", 2, "packed"),
            ("Shipped", 3, "shipped"),
            ("Delivered", 4, "delivered"),
        ]
    };
    let stop = |(word, place, state): (&'static str, usize, &str)| {
        let at = match place {
            0 => Some(order.placed_at),
            1 if cash => Some(order.placed_at),
            _ => steps.iter().rev().find(|step| step.to_state == state).map(|step| step.at),
        };
        let stage = match place.cmp(&reached) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "here",
            std::cmp::Ordering::Greater => "ahead",
        };
        // Nobody has paid yet: the stop is named after what is to be done.
        let word = if stage == "here" && word == "Paid" { "Payment" } else { word };
        Stop { word, stage, at: at.filter(|_| stage == "done").map(moment) }
    };
    way.into_iter().map(stop).collect()
}

/// What happened, the latest first.
pub(super) fn happenings(
    order: &Order,
    steps: &[Step],
    attempts: &[Attempt],
    refunds: &[Refund],
) -> Vec<Happening> {
    let mut all: Vec<Happening> = steps.iter().map(|step| of_step(order, step)).collect();
    // A page that was left for another is nothing that went wrong.
    let left = |it: &&Attempt| it.reason.as_deref().is_some_and(|why| why == "voided");
    let failed = attempts.iter().filter(|it| it.state == AttemptState::Canceled);
    for attempt in failed.filter(|it| !left(it)) {
        all.push(Happening {
            icon: Icon::Alert,
            tone: "warn",
            title: "Payment did not go through",
            detail: "No money was taken.".to_owned(),
            at: moment(attempt.updated_at),
            when: attempt.updated_at,
        });
    }
    for refund in refunds {
        let own = Money::new(refund.worth, order.totals.currency);
        let mut amount = money(refund.amount).plain();
        if refund.amount.currency != own.currency {
            amount = format!("{amount} for {}", money(own).plain());
        }
        let (title, detail) = match refund.state {
            RefundState::Reserved | RefundState::Sent | RefundState::Pending => {
                ("Money on its way back", format!("{amount}, usually 3–5 days"))
            }
            RefundState::Succeeded if refund.origin == Origin::Staff => {
                ("Money paid back", format!("{amount}: {}", refund.reason))
            }
            RefundState::Succeeded => ("Money paid back", amount),
            RefundState::Failed => {
                ("Paying back was refused", format!("{amount}. We are looking into it."))
            }
        };
        all.push(Happening {
            icon: Icon::Refund,
            tone: "neutral",
            title,
            detail,
            at: moment(refund.updated_at),
            when: refund.updated_at,
        });
    }
    all.sort_by_key(|happening| happening.when);
    all.reverse();
    all
}

fn of_step(order: &Order, step: &Step) -> Happening {
    let total = || money(order.total()).plain();
    let items = || count(order.totals.item_count, "item", "items");
    let nothing = String::new;
    let (icon, tone, title, detail) = match step.to_state.as_str() {
        "cash_due" => {
            (Icon::Receipt, "neutral", "Order placed", format!("{}, to be paid in cash", items()))
        }
        "pending" if step.from_state == "expired" => {
            let detail = "It came late, and your items were still there.".to_owned();
            (Icon::Clock, "info", "Payment being confirmed", detail)
        }
        "pending" => (Icon::Receipt, "neutral", "Order placed", items()),
        "paid" if step.from_state == "expired" => {
            let detail = format!("{}. It came late, and your items were still there.", total());
            (Icon::Check, "ok", "Payment received", detail)
        }
        "paid" => (Icon::Check, "ok", "Payment received", total()),
        "packed" => (Icon::Box, "info", "Packed", nothing()),
        "shipped" => (Icon::Truck, "info", "Handed to the courier", nothing()),
        "delivered" => (Icon::Parcel, "ok", "Delivered", nothing()),
        "expired" => {
            let detail = "The payment did not come in time. Your items are free again.".to_owned();
            (Icon::Clock, "neutral", "Order ended", detail)
        }
        "cancelled" => (Icon::Ban, "neutral", "Order cancelled", cancelled(step)),
        "refunded" => (Icon::Refund, "ok", "All money paid back", total()),
        _ => (Icon::Info, "neutral", "Order changed", nothing()),
    };
    Happening { icon, tone, title, detail, at: moment(step.at), when: step.at }
}

fn cancelled(step: &Step) -> String {
    match (step.actor.as_str(), &step.note) {
        ("customer", _) => "By you".to_owned(),
        (_, Some(note)) => format!("By the shop: {note}"),
        _ => "By the shop".to_owned(),
    }
}
