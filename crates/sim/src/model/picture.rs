//! What can be seen of a shop, to be compared.
#![allow(missing_docs, reason = "the words are the shop's own, and say it")]

pub use payments::{AttemptState, RefundState};

use super::{Act, Buyer, Holder, Line, Model, Number, Payment, State, Variant};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Units {
    pub on_hand: i64,
    pub held: i64,
    pub sold: i64,
}

/// A line of a cart as its buyer sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    pub variant: Variant,
    pub quantity: i64,
    pub selected: bool,
    pub held_until: Option<i64>,
    pub available: i64,
    pub sold_here: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    pub number: Number,
    pub buyer: Buyer,
    pub cash: bool,
    pub state: State,
    pub total: i64,
    /// The attempt whose money it kept.
    pub settled_by: Option<usize>,
    /// The attempt whose money is being taken.
    pub claimed_by: Option<usize>,
    pub pay_by: Option<i64>,
}

/// An attempt to pay, and its money on the way back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub order: Number,
    pub gateway: usize,
    pub state: AttemptState,
    /// Whether the gateway called it by our reference, the first time it did.
    pub named: Option<bool>,
    /// A person has to look; nothing moves until then.
    pub review: bool,
    /// Nobody wants it paid, and whether its gateway knows of it is not known.
    pub unwanted: bool,
    /// What came.
    pub captured: i64,
    /// What goes back, or went: how much, what of the order that is, and where it stands; in that
    /// order.
    pub refunds: Vec<(i64, i64, &'static str)>,
}

/// Everything that can be seen of a shop, in the order of the numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    pub units: Vec<Units>,
    pub carts: Vec<Vec<Shown>>,
    pub orders: Vec<Order>,
    pub attempts: Vec<Attempt>,
}

impl Model {
    /// Who asked for each quote.
    pub fn quotes(&self) -> Vec<Buyer> {
        self.quotes.iter().map(|quote| quote.buyer).collect()
    }

    /// What was done under a key, and may be asked for again.
    pub fn done_with_a_key(&self) -> Vec<Act> {
        self.keys.values().map(|(act, _)| act.clone()).collect()
    }

    /// All that can be seen of it.
    pub fn picture(&self, buyers: usize) -> Picture {
        Picture {
            units: (0..self.prices.len()).map(|variant| self.units(variant)).collect(),
            carts: (0..buyers).map(|buyer| self.cart(buyer)).collect(),
            orders: self.orders.values().copied().collect(),
            attempts: self.payments.iter().map(Payment::picture).collect(),
        }
    }

    fn cart(&self, buyer: Buyer) -> Vec<Shown> {
        let lines = self.carts.get(&buyer).map(|cart| &cart.lines).into_iter().flatten();
        let show = |(&variant, line): (&Variant, &Line)| Shown {
            variant,
            quantity: line.quantity,
            selected: line.selected,
            held_until: self.held_until(buyer, variant).filter(|until| *until > self.now),
            available: self.within_reach(Holder::Cart(buyer), variant),
            sold_here: self.prices[variant].1,
        };
        lines.map(show).collect()
    }
}
