//! What the shop has promised: every order it acknowledged, kept on this side.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::api::Order;
use crate::cli::Payment;

/// An order for which a 201 (or a repeated 200) came.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// Which buyer's it is.
    pub buyer: u32,
    pub id: Uuid,
    pub number: Box<str>,
    pub total_minor: i64,
    pub fate: Fate,
}

/// What became of an order afterwards, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Standing,
    Cancelled,
    /// A cancellation was sent and nothing came back.
    CancelInDoubt,
}

/// An order that was sent and for which nothing came back.
#[derive(Clone, Debug)]
pub struct InDoubt {
    pub buyer: u32,
    pub quote: String,
    pub payment: Payment,
    pub total_minor: i64,
}

/// Grows over all rounds of a run.
#[derive(Debug, Default)]
pub struct Journal {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    acknowledged: Vec<Acknowledged>,
    in_doubt: Vec<InDoubt>,
}

impl Journal {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters an acknowledged order; the answer is its place in the journal.
    pub fn acknowledge(&self, buyer: u32, order: &Order) -> usize {
        let mut pages = self.pages();
        pages.acknowledged.push(Acknowledged {
            buyer,
            id: order.id,
            number: order.number.as_str().into(),
            total_minor: order.total.minor,
            fate: Fate::Standing,
        });
        pages.acknowledged.len() - 1
    }

    /// Enters what became of an order.
    pub fn fate(&self, place: usize, fate: Fate) {
        if let Some(order) = self.pages().acknowledged.get_mut(place) {
            order.fate = fate;
        }
    }

    /// Enters an order nobody knows about.
    pub fn doubt(&self, order: InDoubt) {
        self.pages().in_doubt.push(order);
    }

    /// Takes out the orders nobody knows about, to ask for them.
    pub fn take_doubts(&self) -> Vec<InDoubt> {
        std::mem::take(&mut self.pages().in_doubt)
    }

    /// How many orders were acknowledged.
    pub fn len(&self) -> usize {
        self.pages().acknowledged.len()
    }

    /// The orders from this place on.
    pub fn since(&self, place: usize) -> Vec<Acknowledged> {
        self.pages().acknowledged.get(place..).unwrap_or_default().to_vec()
    }

    /// One in so many of the orders before this place, beginning with a drawn one.
    pub fn sample_before(&self, place: usize, most: usize, drawn: usize) -> Vec<Acknowledged> {
        let pages = self.pages();
        let older = &pages.acknowledged[..place.min(pages.acknowledged.len())];
        let step = older.len().div_ceil(most.max(1)).max(1);
        older.iter().skip(drawn % step).step_by(step).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Money;

    #[test]
    fn samples_of_older_orders_are_spread_and_bounded() {
        let journal = Journal::default();
        for number in 0..1000_u32 {
            let order = Order {
                id: Uuid::from_u128(number.into()),
                number: number.to_string(),
                state: "paid".to_owned(),
                total: Money { minor: 1 },
            };
            journal.acknowledge(0, &order);
        }
        let sample = journal.sample_before(900, 100, 5);
        assert_eq!(sample.len(), 100);
        assert_eq!((&*sample[0].number, &*sample[99].number), ("5", "896"));
        assert!(journal.sample_before(0, 100, 5).is_empty());
        assert_eq!(journal.since(990).len(), 10);
        assert!(journal.since(1001).is_empty());
    }
}
