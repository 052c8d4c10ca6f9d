//! A payment world in memory with a book of its own: what it says of a payer's money is true
//! whatever the shop believes, so that the two can be compared.

mod courier;
mod teller;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{AttemptId, Currency, Money, RefundId, Timestamp};

use crate::dice::Dice;
use crate::doors::Doors;
use crate::executor::Executor;
use crate::process::Door;
use crate::trace::{Trace, short};
use crate::trouble::{Trouble, Troubles};

pub(crate) use teller::TWO_STAGE;
pub use teller::Teller;

/// The names of the gateways; all of them keep the same book.
pub const GATEWAYS: [&str; 2] = ["sandbox", "harbour"];

/// Where a payment stands at the bank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// The payer may pay.
    Open,
    /// The payer has paid, and the money is reserved.
    Authorized,
    /// The payer has paid.
    Captured,
    /// The payer's bank refused.
    Declined,
    /// The payer's time was over.
    Lapsed,
    /// The shop called it off, or let its money go.
    Voided,
    /// The money was reserved so long that it went back by itself.
    Forgone,
}

impl Stands {
    /// Whether the payer has parted with their money: taken, or only reserved.
    pub fn is_paid(self) -> bool {
        matches!(self, Self::Authorized | Self::Captured)
    }
}

/// How the bank's word does not fit what was asked of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Another amount was taken.
    Amount,
    /// The amount was taken in another currency.
    Currency,
    /// It speaks of somebody else's payment.
    Reference,
}

/// A payment in the bank's book.
#[derive(Clone, Debug)]
pub struct Payment {
    /// The shop's attempt.
    pub attempt: AttemptId,
    /// At which gateway.
    pub gateway: &'static str,
    /// The bank's own id.
    pub reference: String,
    /// Where it stands.
    pub stands: Stands,
    /// Whether the money is reserved first, and taken by a second call.
    pub manual: bool,
    /// What was asked for.
    pub asked: Money,
    /// What the payer really paid; the same unless the bank lies.
    pub charged: Money,
    /// What has gone back of it, minor units.
    pub refunded: i64,
    /// How the bank lies about it.
    pub lie: Option<Lie>,
    /// The id it goes by when the bank is asked; another's when the bank lies.
    pub says: String,
    /// Until when the payer should have paid.
    pub deadline: Timestamp,
}

#[derive(Clone, Debug)]
struct GivenBack {
    attempt: AttemptId,
    amount: Money,
    /// Asked again so many times before it says that it is done.
    pending: usize,
}

#[derive(Default)]
struct Book {
    payments: BTreeMap<AttemptId, Payment>,
    refunds: BTreeMap<RefundId, GivenBack>,
    events: usize,
    /// Events whose receipt the shop has confirmed.
    accepted: BTreeSet<String>,
    /// What should never be asked of a bank.
    wrongs: Vec<String>,
}

/// The bank. Cheap to clone.
#[derive(Clone)]
pub struct Bank {
    pub(crate) executor: Executor,
    pub(crate) doors: Doors,
    pub(crate) door: Door,
    pub(crate) trace: Trace,
    pub(crate) troubles: Troubles,
    book: Arc<Mutex<Book>>,
    dice: Arc<Mutex<Dice>>,
}

impl Bank {
    /// A bank with an empty book, reached through `doors`, which tells the shop behind `door`.
    pub fn new(
        executor: Executor,
        doors: Doors,
        door: Door,
        trace: Trace,
        (troubles, dice): (Troubles, Dice),
    ) -> Self {
        let (book, dice) = (Arc::default(), Arc::new(Mutex::new(dice)));
        Self { executor, doors, door, trace, troubles, book, dice }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dice<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.dice.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether `trouble` comes now, at its rate.
    fn strikes(&self, trouble: Trouble, in_a_thousand: usize) -> bool {
        self.dice(|dice| dice.chance(in_a_thousand)) && self.troubles.are_on(trouble)
    }

    /// The payer pays. False when the bank does not let them.
    pub fn pay(&self, attempt: AttemptId) -> bool {
        let late = self.strikes(Trouble::LateMoney, 700);
        let lie = self
            .strikes(Trouble::Lies, 40)
            .then(|| self.dice(|dice| *dice.pick(&[Lie::Amount, Lie::Currency, Lie::Reference])));
        let now = self.executor.clock().true_now();
        let mut book = self.book();
        let mut others = book.payments.values().filter(|other| other.attempt != attempt);
        let other =
            others.next_back().map_or("pay_000".to_owned(), |other| other.reference.clone());
        let Some(payment) = book.payments.get_mut(&attempt) else { return false };
        let in_time = payment.stands == Stands::Open && now < payment.deadline;
        // What was let go is not there to be paid; a page that is only over may be, by mistake.
        let stale = matches!(payment.stands, Stands::Open | Stands::Declined | Stands::Lapsed);
        let taken = in_time || late && stale;
        if !taken {
            return false;
        }
        payment.stands = if payment.manual { Stands::Authorized } else { Stands::Captured };
        payment.lie = lie;
        payment.charged = match lie {
            Some(Lie::Amount) => Money::new(payment.asked.minor - 1, payment.asked.currency),
            Some(Lie::Currency) => Money::new(payment.asked.minor, Currency::USD),
            Some(Lie::Reference) | None => payment.asked,
        };
        if lie == Some(Lie::Reference) {
            payment.says = other;
        }
        let (reference, charged) = (payment.reference.clone(), payment.charged);
        drop(book);
        self.trace.say(|| {
            let late = if in_time { "" } else { ", late" };
            let lie = lie.map_or(String::new(), |lie| format!(", lying about {lie:?}"));
            format!("bank: {charged} paid for {reference} ({}){late}{lie}", short(attempt))
        });
        self.tell(attempt);
        true
    }

    /// The payer's bank refuses.
    pub fn decline(&self, attempt: AttemptId) {
        self.end(attempt, Stands::Declined);
    }

    /// Ends every payment whose payer's time is over.
    pub fn lapse(&self) {
        let now = self.executor.clock().true_now();
        let over: Vec<AttemptId> = self
            .book()
            .payments
            .values()
            .filter(|payment| payment.stands == Stands::Open && payment.deadline <= now)
            .map(|payment| payment.attempt)
            .collect();
        for attempt in over {
            self.end(attempt, Stands::Lapsed);
        }
    }

    /// Ends a reservation that nobody has taken up, as banks do after a while.
    pub fn forgo(&self, attempt: AttemptId) {
        self.end_from(Stands::Authorized, attempt, Stands::Forgone);
    }

    fn end(&self, attempt: AttemptId, stands: Stands) {
        self.end_from(Stands::Open, attempt, stands);
    }

    fn end_from(&self, from: Stands, attempt: AttemptId, stands: Stands) {
        let mut book = self.book();
        let Some(payment) = book.payments.get_mut(&attempt) else { return };
        if payment.stands != from {
            return;
        }
        payment.stands = stands;
        let reference = payment.reference.clone();
        drop(book);
        self.trace.say(|| format!("bank: {reference} ({}) is {stands:?}", short(attempt)));
        self.tell(attempt);
    }

    /// Every payment in the book.
    pub fn payments(&self) -> Vec<Payment> {
        self.book().payments.values().cloned().collect()
    }

    /// The keys of the events whose receipt the shop has confirmed.
    pub fn accepted(&self) -> Vec<String> {
        self.book().accepted.iter().cloned().collect()
    }

    /// What was asked of the bank that should never be.
    pub fn wrongs(&self) -> Vec<String> {
        self.book().wrongs.clone()
    }
}
