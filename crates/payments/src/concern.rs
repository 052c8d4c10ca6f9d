//! What of the money waits for a person: one list, whatever brought it there. Nothing on it stops
//! anything else; what has been seen to is taken off the list, not out of the books.

use std::collections::BTreeSet;
use std::fmt;

use kernel::{AccountId, AttemptId, Fault, Money, OrderId, Timestamp};
use serde::Serialize;
use store::{Read, Tx, from_row};

use crate::attempt::Attempt;
use crate::dispute::{Dispute, DisputeState};
use crate::pace::PATIENCE;
use crate::refund::Refund;
use crate::sql;
use crate::statement::{Unmatched, unmatched};

/// Rows of one kind that are looked at.
const LOOK: i64 = 1000;
/// Notes of what was seen to that are looked at.
const ATTENDED: i64 = 10_000;

/// Why a person has to look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A payment does not fit what was asked for, or nobody knows what became of it.
    Review,
    /// A gateway has money for something that we do not know.
    Unmatched,
    /// The payer wants the money back by way of their bank.
    Dispute,
    /// A refund has been under way for a week, or has failed.
    Refund,
    /// A day's books differ from a gateway's.
    Books,
}

impl Why {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Unmatched => "unmatched",
            Self::Dispute => "dispute",
            Self::Refund => "refund",
            Self::Books => "books",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that waits for a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Concern {
    /// What it goes by, when somebody says that it was seen to.
    pub subject: String,
    /// Why.
    pub why: Why,
    /// Which gateway; empty where it is about none.
    pub gateway: String,
    /// Its id of what it is about.
    pub reference: Option<String>,
    /// The try to pay.
    pub payment_id: Option<AttemptId>,
    /// The order.
    pub order_id: Option<OrderId>,
    /// How much money it is about.
    pub amount: Option<Money>,
    /// What is the matter, in words.
    pub matter: String,
    /// Since when.
    pub since: Timestamp,
}

/// A day whose books differ.
struct Differs {
    gateway: String,
    day: String,
    differences: i64,
    compared_at: Timestamp,
}

from_row!(Differs { gateway, day, differences, compared_at });

/// What waits for a person at `now`, the longest waiting first, up to `limit`.
pub fn concerns(read: &mut Read<'_>, now: Timestamp, limit: usize) -> Result<Vec<Concern>, Fault> {
    let mut all = Vec::new();
    let review: Vec<Attempt> = read.rows(&sql::ATTEMPTS_IN_REVIEW, &[&LOOK])?;
    all.extend(review.into_iter().filter_map(in_review));
    all.extend(unmatched(read, LOOK)?.into_iter().map(without_order));
    let disputes: Vec<Dispute> = read.rows(&sql::DISPUTES_NOT_WON, &[&LOOK])?;
    all.extend(disputes.into_iter().map(disputed));
    let long_ago = now.checked_sub(PATIENCE).unwrap_or(Timestamp::MIN);
    let mut refunds: Vec<Refund> = read.rows(&sql::REFUNDS_STUCK, &[&long_ago, &LOOK])?;
    refunds.extend(read.rows::<Refund>(&sql::REFUNDS_FAILED, &[&LOOK])?);
    let of: Vec<AttemptId> = refunds.iter().map(|refund| refund.attempt_id).collect();
    let of: Vec<Attempt> = read.rows_by_key(&sql::ATTEMPTS, of)?;
    all.extend(refunds.into_iter().map(|refund| {
        let attempt = of.iter().find(|attempt| attempt.id == refund.attempt_id);
        not_back(refund, attempt.map_or(String::new(), |attempt| attempt.gateway.clone()))
    }));
    let days: Vec<Differs> = read.rows(&sql::DAYS_THAT_DIFFER, &[&LOOK])?;
    all.extend(days.into_iter().map(differs));
    let attended: Vec<(String,)> = read.rows(&sql::ATTENDED, &[&ATTENDED])?;
    let attended: BTreeSet<String> = attended.into_iter().map(|(subject,)| subject).collect();
    all.retain(|concern| !attended.contains(&concern.subject));
    all.sort_by(|a, b| (a.since, &a.subject).cmp(&(b.since, &b.subject)));
    all.truncate(limit);
    Ok(all)
}

/// Notes that somebody has seen to a concern. False when that was noted before.
pub fn attend(
    tx: &mut Tx<'_>,
    subject: &str,
    actor: AccountId,
    note: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    Ok(tx.execute(&sql::ATTEND, &[&subject, &actor, &note, &now])? == 1)
}

fn in_review(attempt: Attempt) -> Option<Concern> {
    Some(Concern {
        subject: format!("payment {}", attempt.id),
        why: Why::Review,
        gateway: attempt.gateway,
        reference: attempt.reference,
        payment_id: Some(attempt.id),
        order_id: Some(attempt.order_id),
        amount: Some(attempt.amount),
        matter: format!("{}; nothing happens to this payment by itself", attempt.review?),
        since: attempt.since,
    })
}

fn without_order(money: Unmatched) -> Concern {
    let taken = money.status == "captured";
    let minor = if taken { money.captured } else { money.amount };
    let matter = if taken {
        "the gateway took money for something that this shop does not know"
    } else {
        "the gateway reserves money for something that this shop does not know"
    };
    Concern {
        subject: format!("money {} {}", money.gateway, money.reference),
        why: Why::Unmatched,
        gateway: money.gateway,
        reference: Some(money.reference),
        payment_id: money.attempt_id,
        order_id: None,
        amount: Some(Money::new(minor, money.currency)),
        matter: matter.to_owned(),
        since: money.unmatched_since,
    }
}

fn disputed(dispute: Dispute) -> Concern {
    let reason = &dispute.reason;
    let matter = if dispute.state == DisputeState::Lost {
        format!("the payer's bank took the money back ({reason})")
    } else {
        format!("the payer wants the money back by way of their bank ({reason}): answer it there")
    };
    let word = dispute.state.as_str();
    Concern {
        // One that is lost is news again.
        subject: format!("dispute {} {} {word}", dispute.gateway, dispute.reference),
        why: Why::Dispute,
        gateway: dispute.gateway,
        reference: Some(dispute.reference),
        payment_id: Some(dispute.attempt_id),
        order_id: Some(dispute.order_id),
        amount: Some(dispute.amount),
        matter,
        since: dispute.opened_at,
    }
}

fn not_back(refund: Refund, gateway: String) -> Concern {
    let (word, matter) = match refund.failure {
        Some(why) => ("failed", format!("the refund failed ({why}): the customer waits for it")),
        None => ("waits", "the refund has been under way for a week".to_owned()),
    };
    Concern {
        subject: format!("refund {} {word}", refund.id),
        why: Why::Refund,
        gateway,
        reference: refund.reference,
        payment_id: Some(refund.attempt_id),
        order_id: Some(refund.order_id),
        amount: Some(refund.amount),
        matter,
        since: refund.created_at,
    }
}

fn differs(day: Differs) -> Concern {
    let Differs { gateway, day, differences, compared_at } = day;
    let places = if differences == 1 { "1 place".into() } else { format!("{differences} places") };
    Concern {
        subject: format!("books {gateway} {day} {differences}"),
        why: Why::Books,
        gateway,
        reference: None,
        payment_id: None,
        order_id: None,
        amount: None,
        matter: format!("the books of {day} differ in {places}: `holdfast reconcile --day {day}`"),
        since: compared_at,
    }
}
