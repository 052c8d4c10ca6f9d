//! What becomes of each call in a life.

use kernel::Fault;

use crate::dice::Dice;
use crate::doors::{Fate, Fates, Port, Side};
use crate::trace::Trace;
use crate::trouble::{Trouble, Troubles};

/// How often, in a thousand doors.
#[derive(Clone, Copy, Debug)]
struct Rates {
    crash: usize,
    storage: usize,
    lost: usize,
    slow: usize,
    gateway: usize,
}

/// Dice for each door. Most lives are calm at most doors; some are bad all through.
pub(super) struct LifeFates {
    dice: Dice,
    rates: Rates,
    troubles: Troubles,
    trace: Trace,
}

impl LifeFates {
    pub(super) fn new(mut dice: Dice, troubles: Troubles, trace: Trace) -> Self {
        let rates = Rates {
            crash: dice.weigh(&[(5, 0), (4, 4), (1, 20)]),
            storage: dice.weigh(&[(4, 0), (4, 10), (1, 80)]),
            lost: dice.weigh(&[(4, 0), (4, 10), (1, 80)]),
            slow: dice.weigh(&[(3, 0), (4, 30), (1, 200)]),
            gateway: dice.weigh(&[(3, 20), (3, 150), (1, 500)]),
        };
        Self { dice, rates, troubles, trace }
    }

    fn strikes(&mut self, trouble: Trouble, rate: usize) -> bool {
        // Thrown in any case: what is switched off must not change what comes after it.
        self.dice.chance(rate) && self.troubles.are_on(trouble)
    }

    fn of_gateway(&mut self, port: Port, side: Side) -> Fate {
        if self.strikes(Trouble::Slow, self.rates.slow) {
            let by = self.dice.seconds(1..=60);
            self.trace.say(|| format!("    {port:?} {side:?}: takes {by:#}"));
            return Fate::Late(by);
        }
        if self.strikes(Trouble::Gateway, self.rates.gateway) {
            self.trace.say(|| format!("    {port:?} {side:?}: the line breaks"));
            return Fate::Break(Fault::Unavailable("the line broke".into()));
        }
        Fate::Pass
    }

    fn of_database(&mut self, port: Port, side: Side) -> Fate {
        if self.strikes(Trouble::Slow, self.rates.slow / 4) {
            let by = self.dice.seconds(0..=10);
            self.trace.say(|| format!("    {port:?} {side:?}: takes {by:#}"));
            return Fate::Late(by);
        }
        match side {
            Side::Before if self.strikes(Trouble::Storage, self.rates.storage) => {
                let fault = match self.dice.below(4) {
                    0 => Fault::StorageFull,
                    1 => Fault::Contention,
                    2 => Fault::Overloaded,
                    _ => Fault::Unavailable("the database does not answer".into()),
                };
                self.trace.say(|| format!("    {port:?} {side:?}: {fault}"));
                Fate::Break(fault)
            }
            Side::After if self.strikes(Trouble::LostAnswer, self.rates.lost) => {
                self.trace.say(|| format!("    {port:?} {side:?}: the answer is lost"));
                Fate::Break(Fault::Unavailable("the answer was lost".into()))
            }
            _ => Fate::Pass,
        }
    }
}

impl Fates for LifeFates {
    fn decide(&mut self, port: Port, side: Side) -> Fate {
        if self.strikes(Trouble::Crash, self.rates.crash) {
            self.trace.say(|| format!("    {port:?} {side:?}: THE PROCESS DIES"));
            return Fate::Crash;
        }
        match port {
            Port::Create | Port::Fetch | Port::Capture | Port::Void | Port::Refund => {
                self.of_gateway(port, side)
            }
            Port::Write | Port::Lane | Port::Read => self.of_database(port, side),
        }
    }
}
