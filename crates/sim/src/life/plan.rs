//! What is going to happen in a life: who does what, and when. Each act has dice of its own, so
//! that taking one away leaves the others as they are.

use std::collections::BTreeSet;

use kernel::SignedDuration;

use crate::dice::Dice;
use crate::town::CUSTOMERS;
use crate::trouble::Trouble;

/// One life, to be repeated exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Life {
    /// Decides everything.
    pub seed: u64,
    /// Acts that are left out, by their numbers in the plan.
    pub left_out: BTreeSet<usize>,
    /// Troubles that do not come.
    pub off: BTreeSet<Trouble>,
    /// Another order of the same events; 0 is the life's own.
    pub variation: u64,
}

/// What somebody does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Looks at the cart.
    Browse,
    /// Changes a line of the cart.
    Put,
    /// Leaves lines for later, or selects them again.
    Select,
    /// Asks for more time for what the cart holds.
    Extend,
    /// Empties the cart.
    Clear,
    /// Fills a cart without an account, then signs in.
    SignIn,
    /// Goes to the checkout with the cart, places and pays.
    Checkout,
    /// Buys one thing without touching the cart.
    BuyNow,
    /// Opens the checkout in two tabs and presses both buttons.
    TwoTabs,
    /// Pays an order of theirs, once more if need be.
    Pay,
    /// Comes back from the bank's page.
    Return,
    /// Calls an order of theirs off.
    Cancel,
    /// Staff set a price.
    Price,
    /// Staff count a variant.
    Adjust,
    /// Staff call an order off.
    CancelForShop,
    /// Staff move an order on.
    Advance,
    /// Staff give money back, a part of it or all.
    GiveBack,
    /// Staff record what became of the cash for an order.
    Cash,
    /// The bank lets a reservation lapse.
    Forgo,
    /// Ends what time has ended.
    Sweep,
    /// Looks into notices.
    Notices,
    /// Asks the gateways.
    Poll,
    /// Sends money back.
    Refund,
    /// Hands events on.
    Relay,
    /// The shop's clock jumps.
    Clock,
    /// Somebody forges a notice.
    Forge,
    /// The process dies.
    Crash,
}

/// One act.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its place in the plan.
    pub number: usize,
    /// When it begins, since the life began.
    pub at: SignedDuration,
    /// Which customer, where it is one.
    pub who: usize,
    /// What.
    pub what: What,
    /// Decides the rest.
    pub dice: Dice,
}

/// How often each act is, of all.
const WEIGHTS: &[(usize, What)] = &[
    (4, What::Browse),
    (14, What::Put),
    (3, What::Select),
    (3, What::Extend),
    (1, What::Clear),
    (2, What::SignIn),
    (14, What::Checkout),
    (8, What::BuyNow),
    (4, What::TwoTabs),
    (6, What::Pay),
    (5, What::Return),
    (6, What::Cancel),
    (4, What::Price),
    (4, What::Adjust),
    (2, What::CancelForShop),
    (4, What::Advance),
    (4, What::GiveBack),
    (2, What::Cash),
    (1, What::Forgo),
    (6, What::Sweep),
    (6, What::Notices),
    (6, What::Poll),
    (4, What::Refund),
    (4, What::Relay),
    (1, What::Clock),
    (1, What::Forge),
    (1, What::Crash),
];

impl Life {
    /// The life that `seed` decides, with everything in it.
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Dice for a purpose that depends on the order of events.
    pub fn dice(&self, purpose: u64) -> Dice {
        Dice::new(self.seed, purpose | self.variation << 32)
    }

    /// What is going to happen, those acts left out that are to be.
    pub fn plan(&self) -> Vec<Act> {
        let mut dice = Dice::new(self.seed, 1);
        let acts = dice.between(22..=34);
        let mut at = SignedDuration::ZERO;
        let mut plan = Vec::new();
        for number in 0..usize::try_from(acts).unwrap_or(0) {
            let gap = dice.weigh(&[(6, (0, 4)), (3, (10, 180)), (1, (300, 1200))]);
            at += dice.seconds(gap.0..=gap.1);
            // Most acts are those of a few, so that they meet.
            let who = dice.weigh(&[(5, 0), (3, 1), (2, 2)]);
            let what = dice.weigh(WEIGHTS);
            let own = Dice::new(dice.number(), 1);
            plan.push(Act { number, at, who, what, dice: own });
        }
        plan.retain(|act| !self.left_out.contains(&act.number));
        plan
    }
}

impl Act {
    /// The act in a few words.
    pub fn words(&self) -> String {
        use What::{
            Adjust, Advance, CancelForShop, Cash, Clock, Crash, Forge, Forgo, GiveBack, Notices,
            Poll, Price, Refund, Relay, Sweep,
        };
        let what = format!("{:?}", self.what).to_lowercase();
        match self.what {
            Price | Adjust | CancelForShop | Advance | GiveBack | Cash => format!("staff: {what}"),
            Sweep | Notices | Poll | Refund | Relay => format!("job: {what}"),
            Clock | Forge | Forgo | Crash => what,
            _ => format!("{}: {what}", CUSTOMERS[self.who]),
        }
    }
}
