//! Payments: what was taken here and there.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{AttemptId, Money};

use super::{Break, Class, Fix, Known, Ours, Reach, Span, broken, moved_in};
use crate::attempt::Attempt;
use crate::state::AttemptState;
use crate::statement::Statement;

pub(super) fn compare(
    ours: &Ours,
    known: &Known<'_>,
    theirs: &[Statement],
    (day, reach): (Span, Reach),
    explained: &BTreeSet<AttemptId>,
) -> Vec<Break> {
    let mut breaks = Vec::new();
    let mut of: BTreeMap<AttemptId, Vec<&Statement>> = BTreeMap::new();
    for said in theirs {
        match known.find(said.attempt_id, Some(&said.reference)) {
            Some(attempt) => of.entry(attempt.id).or_default().push(said),
            None if day.has(said.made_at.unwrap_or(day.from)) && said.is_money() => {
                breaks.push(missing_local(said));
            }
            None => {}
        }
    }
    for attempt in &ours.attempts {
        let said = of.get(&attempt.id).map(Vec::as_slice).unwrap_or_default();
        let Some((first, others)) = meant(attempt, said) else {
            if is_of(attempt, day, reach) && attempt.captured > 0 {
                breaks.push(missing_remote(attempt));
            }
            continue;
        };
        // What moved belongs to the day on which it moved, a payment to that on which we made it.
        let concerned = match reach {
            Reach::Payments => day.has(attempt.created_at),
            Reach::Movements => first.made_at.is_none_or(|at| day.has(at)),
        };
        if concerned {
            let gone = ours.taken_by_banks(attempt.id);
            let quiet = explained.contains(&attempt.id);
            breaks.extend(differences(attempt, first, reach, (gone, quiet)));
            let twice = others.iter().filter(|said| said.is_money());
            breaks.extend(twice.map(|said| duplicate(attempt, said)));
        }
    }
    breaks
}

/// Whether a payment of ours has to stand in their books of the day.
fn is_of(attempt: &Attempt, day: Span, reach: Reach) -> bool {
    match reach {
        Reach::Payments => day.has(attempt.created_at),
        Reach::Movements => moved_in(attempt.since, day),
    }
}

/// The payment that is meant by the attempt, and the others that name it.
fn meant<'a>(
    attempt: &Attempt,
    said: &[&'a Statement],
) -> Option<(&'a Statement, Vec<&'a Statement>)> {
    // The same payment may come twice in a list that moves while it is read.
    let mut by_name: BTreeMap<&str, &Statement> = BTreeMap::new();
    for said in said {
        by_name.insert(said.reference.as_str(), said);
    }
    let named = by_name.keys().copied().find(|name| attempt.is_known_as(name));
    let money = || by_name.iter().find(|(_, said)| said.is_money()).map(|(name, _)| *name);
    let first = named.or_else(money).or_else(|| by_name.keys().next().copied())?;
    let first = by_name.remove(first)?;
    Some((first, by_name.into_values().collect()))
}

fn missing_local(said: &Statement) -> Break {
    let taken = said.status == "captured";
    let minor = if taken { said.captured } else { said.amount };
    Break {
        class: Class::MissingLocal,
        gateway: said.gateway.clone(),
        reference: Some(said.reference.clone()),
        attempt_id: said.attempt_id,
        order_id: None,
        refund_id: None,
        ours: "nothing".into(),
        theirs: format!("{} {}", said.status, Money::new(minor, said.currency)),
        means: "the gateway took money for something that this shop never asked for",
        fix: Fix::LookThere,
        fee: None,
        given_back: None,
    }
}

fn missing_remote(attempt: &Attempt) -> Break {
    Break {
        ours: format!("captured {}", attempt.amount),
        theirs: "nothing".into(),
        means: "we hold an order paid with money that the gateway does not list",
        ..broken(attempt, Class::MissingRemote, Fix::LookThere)
    }
}

fn duplicate(attempt: &Attempt, said: &Statement) -> Break {
    let minor = if said.status == "captured" { said.captured } else { said.amount };
    Break {
        reference: Some(said.reference.clone()),
        ours: format!("one payment of {}", attempt.amount),
        theirs: format!("another one, {} {}", said.status, Money::new(minor, said.currency)),
        means: "the payer was asked twice for the same money: give this payment back",
        ..broken(attempt, Class::Duplicate, Fix::LookThere)
    }
}

/// What differs between a payment here and there; what follows from another difference is not
/// said again. `gone` is what banks took back, `quiet` whether its refunds were spoken of.
fn differences(
    attempt: &Attempt,
    said: &Statement,
    reach: Reach,
    (gone, quiet): (i64, bool),
) -> Option<Break> {
    let found = currency(attempt, said)
        .or_else(|| amount(attempt, said))
        .or_else(|| status(attempt, said))
        .or_else(|| refunded(attempt, said, gone).filter(|_| reach == Reach::Payments && !quiet))
        .or_else(|| fee(attempt, said));
    // Whatever else is mended, what the gateway kept is booked then too.
    let kept = said.fee.map(|fee| Money::new(fee, said.currency));
    found.map(|found| Break { fee: kept, ..found })
}

fn currency(attempt: &Attempt, said: &Statement) -> Option<Break> {
    (said.currency != attempt.amount.currency).then(|| Break {
        ours: attempt.amount.to_string(),
        theirs: Money::new(said.amount, said.currency).to_string(),
        means: "the payment is in another currency than was asked for",
        ..broken(attempt, Class::Currency, Fix::LookThere)
    })
}

fn amount(attempt: &Attempt, said: &Statement) -> Option<Break> {
    let amount = if said.status == "captured" { said.captured } else { said.amount };
    (amount != attempt.amount.minor).then(|| Break {
        ours: attempt.amount.to_string(),
        theirs: Money::new(amount, said.currency).to_string(),
        means: "the payment is of another amount than was asked for",
        ..broken(attempt, Class::Amount, Fix::LookThere)
    })
}

fn status(attempt: &Attempt, said: &Statement) -> Option<Break> {
    let (theirs_paid, ours_paid) = (said.status == "captured", attempt.captured > 0);
    let stuck = said.status == "authorized" && attempt.state == AttemptState::Canceled;
    (theirs_paid != ours_paid || stuck).then(|| Break {
        ours: attempt.state.as_str().into(),
        theirs: said.status.clone(),
        means: if theirs_paid {
            "the gateway has the money, and we have not heard of it"
        } else if ours_paid {
            "we hold it paid, and the gateway says that it is not"
        } else {
            "the gateway still reserves money that we take for let go"
        },
        ..broken(attempt, Class::Status, if ours_paid { Fix::LookThere } else { Fix::AskAgain })
    })
}

fn refunded(attempt: &Attempt, said: &Statement, gone: i64) -> Option<Break> {
    let money = |minor| Money::new(minor, attempt.amount.currency);
    let confirmed = attempt.refunded - gone;
    if (confirmed..=confirmed + attempt.reserved).contains(&said.refunded) {
        return None;
    }
    let more = said.refunded > confirmed;
    Some(Break {
        ours: format!("{} went back", money(confirmed)),
        theirs: format!("{} went back", money(said.refunded)),
        means: if more {
            "somebody gave money back in the gateway's own pages"
        } else {
            "we hold money for given back that the gateway still has"
        },
        ..broken(attempt, Class::Refund, if more { Fix::AskAgain } else { Fix::LookThere })
    })
}

fn fee(attempt: &Attempt, said: &Statement) -> Option<Break> {
    let money = |minor| Money::new(minor, attempt.amount.currency);
    let paid = said.status == "captured";
    let fee = said.fee.filter(|fee| paid && attempt.fee != Some(*fee))?;
    let none = attempt.fee.is_none();
    Some(Break {
        ours: attempt.fee.map_or("no fee is booked".into(), |fee| format!("fee {}", money(fee))),
        theirs: format!("fee {}", money(fee)),
        means: if none {
            "what the gateway kept is not booked"
        } else {
            "the gateway kept another amount than is booked"
        },
        ..broken(attempt, Class::Fee, if none { Fix::BookFee } else { Fix::LookThere })
    })
}
