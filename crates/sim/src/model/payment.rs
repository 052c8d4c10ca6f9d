//! A try to pay, and its money on the way back, in its own currency and in the order's.

use super::{Attempt, AttemptState, Number, Variant};

/// The gateway that takes another currency.
pub(super) const ABROAD: usize = 1;
/// What one unit costs there, in ten-thousandths: the merchant changes his mind, and which it is
/// a key says.
pub const RATES: [i64; 2] = [1_012_537, 987_650];

/// What is asked for at a gateway: the nearest coin, a half of one up.
pub(super) fn asked(total: i64, gateway: usize, key: u8) -> i64 {
    if gateway == ABROAD { (total * RATES[usize::from(key % 2)] + 5000) / 10_000 } else { total }
}

/// Money on its way back.
#[derive(Clone, Debug)]
pub(super) struct Back {
    /// What the payer gets.
    pub minor: i64,
    /// What of the order that is.
    pub worth: i64,
    pub state: &'static str,
    pub units: Vec<(Variant, i64)>,
}

/// A try to pay.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub order: Number,
    pub gateway: usize,
    pub state: AttemptState,
    pub named: Option<bool>,
    pub review: bool,
    pub unwanted: bool,
    /// What the payer is asked for.
    pub asked: i64,
    /// What of the order that pays: all of it.
    pub pays: i64,
    pub captured: i64,
    pub back: Vec<Back>,
    /// When the payer's time ends.
    pub until: i64,
}

impl Payment {
    pub(super) fn new(
        (order, gateway): (Number, usize),
        (asked, pays): (i64, i64),
        until: i64,
    ) -> Self {
        Self {
            order,
            gateway,
            state: AttemptState::Submitting,
            named: None,
            review: false,
            unwanted: false,
            asked,
            pays,
            captured: 0,
            back: Vec::new(),
            until,
        }
    }

    pub(super) fn picture(&self) -> Attempt {
        let back = |back: &Back| (back.minor, back.worth, back.state);
        let mut refunds: Vec<_> = self.back.iter().map(back).collect();
        refunds.sort_unstable();
        Attempt {
            order: self.order,
            gateway: self.gateway,
            state: self.state,
            named: self.named,
            review: self.review,
            unwanted: self.unwanted,
            captured: self.captured,
            refunds,
        }
    }

    pub(super) fn gone(&self, state: &str) -> i64 {
        self.back.iter().filter(|back| back.state == state).map(|back| back.minor).sum()
    }

    fn all_gone(&self) -> (i64, i64) {
        let back = self.back.iter().filter(|back| back.state != "failed");
        back.fold((0, 0), |(minor, worth), it| (minor + it.minor, worth + it.worth))
    }

    /// What of the order can still be given back.
    pub(super) fn worth_left(&self) -> i64 {
        if self.captured == 0 { 0 } else { self.pays - self.all_gone().1 }
    }

    /// Promises so much of the order back. All that has gone is a share of what came, rounded
    /// down: so the last part gets what is left.
    pub(super) fn send(&mut self, worth: i64, units: Vec<(Variant, i64)>) {
        let (minor, gone) = self.all_gone();
        let minor = self.captured * (gone + worth) / self.pays - minor;
        if minor > 0 {
            self.back.push(Back { minor, worth, state: "reserved", units });
        }
    }

    pub(super) fn send_all_back(&mut self) {
        self.send(self.worth_left(), Vec::new());
    }

    /// Somebody gave so much more back at the gateway; no more than there was.
    pub(super) fn went_back(&mut self, minor: i64) {
        let (gone, worth) = self.all_gone();
        let minor = minor.min(self.captured - gone);
        if minor > 0 {
            let worth = (self.pays * (gone + minor) / self.captured - worth).max(0);
            self.back.push(Back { minor, worth, state: "succeeded", units: Vec::new() });
        }
    }
}
