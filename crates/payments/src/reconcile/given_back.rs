//! Refunds: what went back here and there, whenever its payment was made.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{AttemptId, RefundId, Timestamp};

use super::{
    Break, CLOCKS_DIFFER, Class, Fix, GivenBack, Known, Ours, Reach, Span, broken, moved_in,
};
use crate::attempt::Attempt;
use crate::refund::{Origin, Refund, RefundState};

pub(super) fn compare(
    ours: &Ours,
    known: &Known<'_>,
    theirs: &[GivenBack],
    day: Span,
    reach: Reach,
) -> Vec<Break> {
    let by_id: BTreeMap<RefundId, &Refund> = ours.refunds.iter().map(|it| (it.id, it)).collect();
    let by_name: BTreeMap<&str, &Refund> =
        ours.refunds.iter().filter_map(|it| Some((it.reference.as_deref()?, it))).collect();
    let mut nameless = nameless(&ours.refunds);
    let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
    let mut breaks = Vec::new();
    // The same refund may come twice in a list that moves while it is read.
    for said in theirs.iter().filter(|said| told.insert(said.name.as_str())) {
        let refund = said.refund_id.and_then(|id| by_id.get(&id).copied());
        let refund = refund.or_else(|| by_name.get(said.name.as_str()).copied());
        let attempt = known.find(
            refund.map(|refund| refund.attempt_id).or(said.attempt_id),
            said.payment.as_deref(),
        );
        seen.extend(refund.map(|refund| refund.id));
        let concerned = day.has(said.made_at.unwrap_or(day.from));
        match (refund, attempt) {
            (Some(refund), Some(attempt)) if concerned => {
                breaks.extend(differences(attempt, refund, said, reach));
            }
            (None, Some(attempt))
                if said.status == "succeeded"
                    && !covered(&mut nameless, attempt.id, said)
                    && concerned =>
            {
                breaks.push(unknown(attempt, said, reach));
            }
            _ => {}
        }
    }
    let unseen = ours.refunds.iter().filter(|refund| {
        !seen.contains(&refund.id)
            && refund.state == RefundState::Succeeded
            && refund.origin != Origin::External
            && is_of(refund, day, reach)
    });
    breaks
        .extend(unseen.filter_map(|it| Some(missing(known.find(Some(it.attempt_id), None)?, it))));
    breaks
}

/// Money that we know to have gone back there without knowing under which name.
struct Nameless {
    attempt: AttemptId,
    heard_at: Timestamp,
    minor: i64,
}

fn nameless(refunds: &[Refund]) -> Vec<Nameless> {
    let external = refunds.iter().filter(|refund| {
        refund.origin == Origin::External
            && refund.reference.is_none()
            && refund.state == RefundState::Succeeded
    });
    let sum = |refund: &Refund| Nameless {
        attempt: refund.attempt_id,
        heard_at: refund.created_at,
        minor: refund.amount.minor,
    };
    external.map(sum).collect()
}

/// Whether what they gave back is written down without a name: heard of after it was done, and as
/// much of it. What is used up covers nothing else.
fn covered(nameless: &mut [Nameless], attempt: AttemptId, said: &GivenBack) -> bool {
    let done = said.made_at.and_then(|at| at.checked_sub(CLOCKS_DIFFER).ok());
    let fits = |it: &&mut Nameless| {
        it.attempt == attempt && it.minor > 0 && done.is_none_or(|done| done <= it.heard_at)
    };
    let mut open: Vec<&mut Nameless> = nameless.iter_mut().filter(fits).collect();
    let mut wanted = said.amount.minor;
    if open.iter().map(|it| it.minor).sum::<i64>() < wanted {
        return false;
    }
    for it in &mut open {
        let used = wanted.min(it.minor);
        it.minor -= used;
        wanted -= used;
    }
    true
}

/// Whether a refund of ours has to stand in their books of the day.
fn is_of(refund: &Refund, day: Span, reach: Reach) -> bool {
    match reach {
        // They list it by when they were asked,
        Reach::Payments => day.has(refund.sent_at.unwrap_or(refund.created_at)),
        // and bill it by when the money moved.
        Reach::Movements => moved_in(refund.updated_at, day),
    }
}

fn of_refund(attempt: &Attempt, refund: &Refund, fix: Fix) -> Break {
    Break { refund_id: Some(refund.id), ..broken(attempt, Class::Refund, fix) }
}

fn differences(
    attempt: &Attempt,
    refund: &Refund,
    said: &GivenBack,
    reach: Reach,
) -> Option<Break> {
    let word = refund.state.as_str();
    let (ours, theirs) = (refund.amount, said.amount);
    if ours != theirs {
        return Some(Break {
            ours: format!("refund {word}, {ours}"),
            theirs: format!("refund {}, {theirs}", said.status),
            means: "the gateway gave another amount back than was asked for",
            ..of_refund(attempt, refund, Fix::LookThere)
        });
    }
    let (means, fix) = match (refund.state, said.status) {
        (RefundState::Succeeded, "failed") => {
            ("we hold money for given back that came back to the gateway", Fix::AskAgain)
        }
        (RefundState::Failed, "succeeded") => {
            ("the gateway gave money back that we hold for refused", book(reach))
        }
        (state, "succeeded") if state.is_under_way() => {
            ("the gateway has given it back, and we have not heard of it", Fix::AskAgain)
        }
        (state, "failed") if state.is_under_way() => {
            ("the gateway has refused it, and we have not heard of it", Fix::AskAgain)
        }
        _ => return None,
    };
    Some(Break {
        ours: format!("refund {word}, {ours}"),
        theirs: format!("refund {}, {theirs}", said.status),
        means,
        given_back: Some(said.clone()),
        ..of_refund(attempt, refund, fix)
    })
}

/// They gave money back that nobody asked us for.
fn unknown(attempt: &Attempt, said: &GivenBack, reach: Reach) -> Break {
    Break {
        ours: "nothing".into(),
        theirs: format!("{} went back", said.amount),
        means: "somebody gave money back in the gateway's own pages",
        given_back: Some(said.clone()),
        ..broken(attempt, Class::Refund, book(reach))
    }
}

/// Who lists payments tells how much of each has gone back; a bill is all there is.
fn book(reach: Reach) -> Fix {
    match reach {
        Reach::Payments => Fix::AskAgain,
        Reach::Movements => Fix::BookRefund,
    }
}

/// We hold money for given back, and they do not know of it.
fn missing(attempt: &Attempt, refund: &Refund) -> Break {
    Break {
        ours: format!("{} went back", refund.amount),
        theirs: "nothing".into(),
        means: "we hold a refund for done that the gateway does not know",
        ..of_refund(attempt, refund, Fix::LookThere)
    }
}
