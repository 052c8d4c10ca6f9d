//! Our books beside a gateway's, compared purely. Each difference has a class, says what it means
//! in words, and what to do about it that cannot make it worse.

mod given_back;
mod taken;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kernel::{AttemptId, Money, OrderId, RefundId, SignedDuration, Timestamp};
use serde::Serialize;

use crate::attempt::Attempt;
use crate::dispute::{Dispute, DisputeState};
use crate::refund::Refund;
use crate::statement::Statement;

/// What their clock may be ahead of ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// What kind of difference it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The gateway has a payment that we do not know.
    MissingLocal,
    /// We have a payment that the gateway does not know.
    MissingRemote,
    /// Two payments there for one try to pay here.
    Duplicate,
    /// Another amount.
    Amount,
    /// Another currency.
    Currency,
    /// Paid here and not there, or the other way round.
    Status,
    /// More or less went back than we know.
    Refund,
    /// The gateway kept another amount than was booked.
    Fee,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MissingLocal,
        Self::MissingRemote,
        Self::Duplicate,
        Self::Amount,
        Self::Currency,
        Self::Status,
        Self::Refund,
        Self::Fee,
    ];

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingLocal => "missing_local",
            Self::MissingRemote => "missing_remote",
            Self::Duplicate => "duplicate",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Status => "status",
            Self::Refund => "refund",
            Self::Fee => "fee",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A difference between the books.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Break {
    /// What kind.
    pub class: Class,
    /// Which gateway.
    pub gateway: String,
    /// Its id of the payment.
    pub reference: Option<String>,
    /// Our attempt.
    pub attempt_id: Option<AttemptId>,
    /// Our order.
    pub order_id: Option<OrderId>,
    /// Our refund, where it is about one.
    pub refund_id: Option<RefundId>,
    /// What our books say.
    pub ours: String,
    /// What the gateway's say.
    pub theirs: String,
    /// What it means.
    pub means: &'static str,
    /// What to do about it.
    pub fix: Fix,
    /// What the gateway kept, where it says.
    pub fee: Option<Money>,
    /// What went back there, where that is to be booked.
    pub given_back: Option<GivenBack>,
}

/// What to do about a difference. None of it can make things worse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Ask the gateway about the payment again, and take in what it says.
    AskAgain,
    /// A person has to look, in the gateway's own pages.
    LookThere,
    /// Book what the gateway kept.
    BookFee,
    /// Book what went back at the gateway.
    BookRefund,
}

impl Fix {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AskAgain, Self::LookThere, Self::BookFee, Self::BookRefund];

    /// In a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Self::AskAgain => "`--fix` asks the gateway about it again and takes in the answer",
            Self::LookThere => "look it up in the gateway's own pages; nothing is done by itself",
            Self::BookFee => "`--fix` books what the gateway kept",
            Self::BookRefund => "`--fix` books what was given back there",
        }
    }
}

/// A span of time, `from` included, `to` not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first moment of it.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Span {
    /// Whether it holds `at`.
    pub fn has(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// How far their books go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Every payment that was made, as it stands now.
    Payments,
    /// What moved on one day: a payment may have moved before or since.
    Movements,
}

/// A refund as it stands in a gateway's own books.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GivenBack {
    /// What it goes by there.
    pub name: String,
    /// Our refund, where it repeats it.
    pub refund_id: Option<RefundId>,
    /// Our attempt, where it repeats it.
    pub attempt_id: Option<AttemptId>,
    /// The gateway's id of the payment, the one or the other of two.
    pub payment: Option<String>,
    /// `pending`, `succeeded`, `failed`.
    pub status: &'static str,
    /// How much.
    pub amount: Money,
    /// When, if it says.
    pub made_at: Option<Timestamp>,
}

/// Our books, as far as they are about what is compared.
#[derive(Clone, Default, Debug)]
pub struct Ours {
    /// Attempts of the day, and those that the gateway speaks of.
    pub attempts: Vec<Attempt>,
    /// Refunds of the day, and those of these attempts.
    pub refunds: Vec<Refund>,
    /// Disputes about these attempts.
    pub disputes: Vec<Dispute>,
}

impl Ours {
    /// What banks took back of an attempt; a gateway does not count it as refunded.
    fn taken_by_banks(&self, attempt: AttemptId) -> i64 {
        let lost = self.disputes.iter().filter(|dispute| dispute.state == DisputeState::Lost);
        let names: BTreeSet<&str> =
            lost.filter(|it| it.attempt_id == attempt).map(|it| it.reference.as_str()).collect();
        if names.is_empty() {
            return 0;
        }
        let booked = self.refunds.iter().filter(|refund| {
            refund.attempt_id == attempt
                && refund.reference.as_deref().is_some_and(|name| names.contains(name))
        });
        booked.map(|refund| refund.amount.minor).sum()
    }
}

/// A gateway's books, as far as it shows them.
#[derive(Clone, Default, Debug)]
pub struct Theirs {
    /// Payments.
    pub payments: Vec<Statement>,
    /// Refunds, of whichever payments; none when it shows none.
    pub refunds: Option<Vec<GivenBack>>,
}

/// Attempts by whatever a gateway may call them.
struct Known<'a> {
    by_id: BTreeMap<AttemptId, &'a Attempt>,
    by_name: BTreeMap<&'a str, &'a Attempt>,
}

impl<'a> Known<'a> {
    fn of(attempts: &'a [Attempt]) -> Self {
        let names = attempts.iter().flat_map(|it| {
            [it.reference.as_deref(), it.secondary.as_deref()]
                .into_iter()
                .flatten()
                .map(move |name| (name, it))
        });
        let by_id = attempts.iter().map(|it| (it.id, it)).collect();
        Self { by_id, by_name: names.collect() }
    }

    fn find(&self, id: Option<AttemptId>, name: Option<&str>) -> Option<&'a Attempt> {
        let by_id = id.and_then(|id| self.by_id.get(&id).copied());
        by_id.or_else(|| self.by_name.get(name?).copied())
    }
}

/// Compares our books with a gateway's. Both may reach beyond `day`, so that what was made about
/// midnight finds its other half; only what belongs to the day is reported.
///
/// O(n log n) in both together.
pub fn compare(ours: &Ours, theirs: &Theirs, day: Span, reach: Reach) -> Vec<Break> {
    let known = Known::of(&ours.attempts);
    let refunds = theirs.refunds.as_deref();
    let refunds = refunds.map(|theirs| given_back::compare(ours, &known, theirs, day, reach));
    let mut breaks = refunds.unwrap_or_default();
    // What follows from another difference is not said again.
    let explained: BTreeSet<AttemptId> = breaks.iter().filter_map(|it| it.attempt_id).collect();
    breaks.extend(taken::compare(ours, &known, &theirs.payments, (day, reach), &explained));
    breaks.sort_by(|a, b| (a.class, &a.reference).cmp(&(b.class, &b.reference)));
    breaks
}

/// Whether what we heard of at `heard` must stand in the bill of the day or of the day before. We
/// hear a little later than money moves, and clocks differ: what we heard of shortly before the
/// day's end is asked of the next one.
fn moved_in(heard: Timestamp, day: Span) -> bool {
    heard.checked_add(CLOCKS_DIFFER).is_ok_and(|at| day.has(at))
}

fn broken(attempt: &Attempt, class: Class, fix: Fix) -> Break {
    Break {
        class,
        gateway: attempt.gateway.clone(),
        reference: attempt.reference.clone(),
        attempt_id: Some(attempt.id),
        order_id: Some(attempt.order_id),
        refund_id: None,
        ours: String::new(),
        theirs: String::new(),
        means: "",
        fix,
        fee: None,
        given_back: None,
    }
}

#[cfg(test)]
mod tests;
