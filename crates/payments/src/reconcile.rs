//! Our books beside a gateway's, compared purely. Each difference has a class, says what it means
//! in words, and what to do about it that cannot make it worse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kernel::{AttemptId, Money, OrderId, Timestamp};
use serde::Serialize;

use crate::attempt::Attempt;
use crate::state::AttemptState;
use crate::statement::Statement;

/// What kind of difference it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The gateway has a payment that we do not know.
    MissingLocal,
    /// We have a payment that the gateway does not know.
    MissingRemote,
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
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingLocal => "missing_local",
            Self::MissingRemote => "missing_remote",
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
    /// What our books say.
    pub ours: String,
    /// What the gateway's say.
    pub theirs: String,
    /// What it means.
    pub means: &'static str,
    /// What to do about it.
    pub fix: Fix,
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
}

impl Fix {
    /// In a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Self::AskAgain => "`--fix` asks the gateway about it again and takes in the answer",
            Self::LookThere => "look it up in the gateway's own pages; nothing is done by itself",
            Self::BookFee => "`--fix` books what the gateway kept",
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
    fn has(self, at: Timestamp) -> bool {
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

/// Compares our attempts with a gateway's payments. Both may reach beyond `day`, so that what was
/// made about midnight finds its other half; only what was made on it is reported.
///
/// O(n log n) in both together.
pub fn compare(ours: &[Attempt], theirs: &[Statement], day: Span, reach: Reach) -> Vec<Break> {
    let by_id: BTreeMap<AttemptId, &Attempt> = ours.iter().map(|it| (it.id, it)).collect();
    let by_reference: BTreeMap<&str, &Attempt> =
        ours.iter().filter_map(|it| Some((it.reference.as_deref()?, it))).collect();
    let mut seen = BTreeSet::new();
    let mut breaks = Vec::new();
    for said in theirs {
        let known = said.attempt_id.and_then(|id| by_id.get(&id));
        match known.or_else(|| by_reference.get(said.reference.as_str())) {
            Some(attempt) => {
                seen.insert(attempt.id);
                if day.has(attempt.created_at) || reach == Reach::Movements {
                    breaks.extend(differences(attempt, said, reach));
                }
            }
            None if day.has(said.made_at.unwrap_or(day.from)) && is_money(&said.status) => {
                breaks.push(missing_local(said));
            }
            None => {}
        }
    }
    let unseen = ours.iter().filter(|it| !seen.contains(&it.id) && day.has(it.created_at));
    breaks.extend(unseen.filter(|it| it.captured > 0).map(missing_remote));
    breaks.sort_by(|a, b| (a.class, &a.reference).cmp(&(b.class, &b.reference)));
    breaks
}

fn is_money(status: &str) -> bool {
    matches!(status, "captured" | "authorized")
}

fn missing_local(said: &Statement) -> Break {
    Break {
        class: Class::MissingLocal,
        gateway: said.gateway.clone(),
        reference: Some(said.reference.clone()),
        attempt_id: said.attempt_id,
        order_id: None,
        ours: "nothing".into(),
        theirs: format!("{} {}", said.status, Money::new(said.captured, said.currency)),
        means: "the gateway took money for something that this shop never asked for",
        fix: Fix::LookThere,
    }
}

fn missing_remote(attempt: &Attempt) -> Break {
    Break {
        ours: format!("captured {}", attempt.amount),
        theirs: "nothing".into(),
        means: "we hold an order paid with money that the gateway does not list",
        ..broken(attempt, Class::MissingRemote, Fix::AskAgain)
    }
}

fn broken(attempt: &Attempt, class: Class, fix: Fix) -> Break {
    Break {
        class,
        gateway: attempt.gateway.clone(),
        reference: attempt.reference.clone(),
        attempt_id: Some(attempt.id),
        order_id: Some(attempt.order_id),
        ours: String::new(),
        theirs: String::new(),
        means: "",
        fix,
    }
}

/// What differs between a payment here and there; what follows from another difference is not
/// said again.
fn differences(attempt: &Attempt, said: &Statement, reach: Reach) -> Option<Break> {
    let money = |minor| Money::new(minor, attempt.amount.currency);
    if said.currency != attempt.amount.currency {
        return Some(Break {
            ours: attempt.amount.to_string(),
            theirs: Money::new(said.amount, said.currency).to_string(),
            means: "the payment is in another currency than was asked for",
            ..broken(attempt, Class::Currency, Fix::LookThere)
        });
    }
    let (theirs_paid, ours_paid) = (said.status == "captured", attempt.captured > 0);
    let amount = if theirs_paid { said.captured } else { said.amount };
    if amount != attempt.amount.minor {
        return Some(Break {
            ours: attempt.amount.to_string(),
            theirs: money(amount).to_string(),
            means: "the payment is of another amount than was asked for",
            ..broken(attempt, Class::Amount, Fix::LookThere)
        });
    }
    let stuck = said.status == "authorized" && attempt.state == AttemptState::Canceled;
    if theirs_paid != ours_paid || stuck {
        return Some(Break {
            ours: attempt.state.as_str().into(),
            theirs: said.status.clone(),
            means: if theirs_paid {
                "the gateway has the money, and we have not heard of it"
            } else if ours_paid {
                "we hold it paid, and the gateway says that it is not"
            } else {
                "the gateway still reserves money that we take for let go"
            },
            ..broken(attempt, Class::Status, Fix::AskAgain)
        });
    }
    let least = if reach == Reach::Movements { 0 } else { attempt.refunded };
    if !(least..=attempt.refunded + attempt.reserved).contains(&said.refunded) {
        let more = said.refunded > attempt.refunded;
        return Some(Break {
            ours: format!("{} went back", money(attempt.refunded)),
            theirs: format!("{} went back", money(said.refunded)),
            means: if more {
                "somebody gave money back in the gateway's own pages"
            } else {
                "we hold money for given back that the gateway still has"
            },
            ..broken(attempt, Class::Refund, if more { Fix::AskAgain } else { Fix::LookThere })
        });
    }
    let fee = said.fee.filter(|fee| theirs_paid && attempt.fee.unwrap_or(0) != *fee)?;
    Some(Break {
        ours: attempt.fee.map_or("no fee is booked".into(), |fee| format!("fee {}", money(fee))),
        theirs: format!("fee {}", money(fee)),
        means: "the gateway kept another amount than is booked",
        ..broken(
            attempt,
            Class::Fee,
            if attempt.fee.is_none() { Fix::BookFee } else { Fix::LookThere },
        )
    })
}

#[cfg(test)]
mod tests;
