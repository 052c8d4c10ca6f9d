//! The states of an order and the steps allowed between them, as a table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Placed, its units held, waiting for its payment.
    Pending,
    /// Placed, its units sold, to be paid in cash at the door.
    CashDue,
    /// Paid, its units sold.
    Paid,
    /// Packed.
    Packed,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Not paid in time; everything was given back.
    Expired,
    /// Called off; everything was given back.
    Cancelled,
    /// Its money went back.
    Refunded,
}

use State::{Cancelled, CashDue, Delivered, Expired, Packed, Paid, Pending, Refunded, Shipped};

/// What an order may do. Nothing else happens, whoever asks. `Expired → Paid` is a late success
/// whose units were still there;
/// `Expired → Pending` is one whose money is only reserved, and is being taken. A cash order is
/// paid when the cash comes before it is packed, and called off on the road when the payer
/// refuses it at the door. `… → Refunded`: all its money went back.
const STEPS: &[(State, State)] = &[
    (Pending, Paid),
    (Pending, Expired),
    (Pending, Cancelled),
    (Expired, Paid),
    (Expired, Pending),
    (CashDue, Paid),
    (CashDue, Packed),
    (CashDue, Cancelled),
    (Paid, Packed),
    (Paid, Cancelled),
    (Packed, Shipped),
    (Packed, Cancelled),
    (Shipped, Delivered),
    (Shipped, Cancelled),
    (Paid, Refunded),
    (Packed, Refunded),
    (Shipped, Refunded),
    (Delivered, Refunded),
    (Cancelled, Refunded),
];

/// The states an order may begin in.
const FIRST: &[State] = &[Pending, CashDue, Paid];

/// All states, in the order of a good life.
const ALL: &[(State, &str)] = &[
    (Pending, "pending"),
    (CashDue, "cash_due"),
    (Paid, "paid"),
    (Packed, "packed"),
    (Shipped, "shipped"),
    (Delivered, "delivered"),
    (Expired, "expired"),
    (Cancelled, "cancelled"),
    (Refunded, "refunded"),
];

/// The step is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an order that is {from} cannot become {to}")]
pub struct NotAllowed {
    /// Where it stands.
    pub from: State,
    /// Where it was to go.
    pub to: State,
}

impl State {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    /// Whether an order may begin here.
    pub fn may_be_first(self) -> bool {
        FIRST.contains(&self)
    }

    /// Whether the step to `to` is in the table.
    pub fn check(self, to: Self) -> Result<(), NotAllowed> {
        if STEPS.contains(&(self, to)) { Ok(()) } else { Err(NotAllowed { from: self, to }) }
    }

    /// Whether its units have left the shelf.
    pub fn has_sold(self) -> bool {
        matches!(self, CashDue | Paid | Packed | Shipped | Delivered)
    }

    /// All steps of the table, for documentation and checks.
    pub fn steps() -> &'static [(Self, Self)] {
        STEPS
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        ALL.iter()
            .find(|(_, word)| *word == text)
            .map(|(state, _)| *state)
            .ok_or_else(|| format!("`{text}` is no state of an order"))
    }
}

impl store::FromColumn for State {
    fn from_value(value: store::Value<'_>) -> Option<Self> {
        match value {
            store::Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl store::Param for State {
    fn value(&self) -> store::Value<'_> {
        store::Value::Text(self.as_str())
    }
}
