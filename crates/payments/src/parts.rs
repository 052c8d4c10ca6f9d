//! Parts of a payment that go back, where it was made in another currency than its order's.
//!
//! An order is given back in its own currency, a payer in the one they paid with. What has gone
//! back in the one is always the same share, rounded down, of what has gone back in the other, so
//! that parts add up: whoever gives the whole of one back has given the whole of the other back,
//! and whoever has not, has not.

use kernel::planted::{self, Bug};

use crate::attempt::Attempt;

/// A part of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// What goes back to the payer, minor units of the attempt's currency.
    pub amount: i64,
    /// What of the order that gives back, minor units of the order's currency.
    pub worth: i64,
}

impl Attempt {
    /// What can still be promised back, minor units of its currency.
    pub fn left(&self) -> i64 {
        self.captured - self.back()
    }

    /// What of the order can still be given back, minor units of the order's currency. Nothing
    /// when nothing is [left](Attempt::left), and only then.
    pub fn worth_left(&self) -> i64 {
        if self.captured == 0 { 0 } else { self.pays.minor - self.worth_back }
    }

    /// Whether all that came has gone back, and that is confirmed.
    pub fn is_all_back(&self) -> bool {
        self.captured > 0 && self.refunded == self.captured
    }

    /// What is promised back, or has gone.
    fn back(&self) -> i64 {
        self.reserved + self.refunded
    }

    /// What goes back to the payer for so much of the order; none when that much is not left, or
    /// it is less than their currency's smallest coin.
    pub fn part_worth(&self, worth: i64) -> Option<Part> {
        if worth <= 0 || worth > self.worth_left() {
            return None;
        }
        let back = share(self.captured, self.worth_back + worth, self.pays.minor);
        let amount = if planted::is(Bug::PartsRoundedAlone) {
            share(self.captured, worth, self.pays.minor)
        } else {
            back - self.back()
        };
        (amount > 0).then_some(Part { amount, worth })
    }

    /// What of the order so much of the payer's money is; no more than is left. None for nothing.
    /// It may be less than the smallest coin of the order's currency.
    pub(crate) fn part_of(&self, amount: i64) -> Option<Part> {
        let amount = amount.min(self.left());
        if amount <= 0 {
            return None;
        }
        let worth_back = share(self.pays.minor, self.back() + amount, self.captured);
        // Refunds that failed may have left more given back here than there.
        let worth = (worth_back - self.worth_back).max(0);
        Some(Part { amount, worth })
    }
}

/// `part` of `of`, as a share of `whole`; rounded down.
fn share(whole: i64, part: i64, of: i64) -> i64 {
    let share = i128::from(whole) * i128::from(part) / i128::from(of);
    i64::try_from(share).unwrap_or(whole)
}

#[cfg(test)]
mod tests;
