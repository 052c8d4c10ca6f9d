//! What news of a payment means, decided purely.
//!
//! News comes late, twice and in any order, so it is a snapshot and not an event: what it says
//! is compared with what we know, and a gateway that says "captured" is right about its money
//! whatever we believed before.

use kernel::Money;
use kernel::planted::{self, Bug};

use crate::attempt::{Attempt, AttemptState};

/// What a gateway says of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saw {
    /// The payer may still pay, or is paying.
    Waiting,
    /// The gateway does not know the payment.
    Absent,
    /// The money is ours.
    Captured,
    /// Nothing will come, and why.
    Canceled(String),
}

impl Saw {
    /// In a word, for the history.
    pub fn word(&self) -> String {
        match self {
            Self::Waiting => "waiting".into(),
            Self::Absent => "absent".into(),
            Self::Captured => "captured".into(),
            Self::Canceled(reason) => format!("canceled: {reason}"),
        }
    }
}

/// A snapshot of a payment, fetched from the gateway itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// What it says.
    pub saw: Saw,
    /// The amount it speaks of.
    pub amount: Money,
    /// The gateway's id of the payment; empty when it names none.
    pub reference: String,
    /// Who brought it: `create`, `notice`, `return`, `poll`.
    pub source: &'static str,
}

/// What news means for an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing new.
    Nothing,
    /// The payer may pay; only the reference is noted.
    Waiting,
    /// The money came: settle the order, or send the money back.
    Money,
    /// Nothing will come.
    Over(String),
    /// It does not fit what we asked for: nothing happens until a person has looked.
    Review(String),
}

/// Compares news with the attempt.
pub fn judge(attempt: &Attempt, news: &News) -> Verdict {
    if attempt.review.is_some() || attempt.state == AttemptState::Captured {
        return Verdict::Nothing;
    }
    // A gateway that does not know the payment names none; that is no contradiction.
    let names = !news.reference.is_empty();
    let names = names && !planted::is(Bug::ReferenceIgnored);
    if names && attempt.reference.as_deref().is_some_and(|known| known != news.reference) {
        return Verdict::Review(format!("the gateway speaks of {}", news.reference));
    }
    let fits = news.amount == attempt.amount
        || planted::is(Bug::CurrencyIgnored) && news.amount.minor == attempt.amount.minor
        || planted::is(Bug::AmountIgnored) && news.amount.currency == attempt.amount.currency;
    if news.saw != Saw::Absent && !fits {
        let asked = attempt.amount;
        return Verdict::Review(format!("{} instead of {asked}", news.amount));
    }
    match (&news.saw, attempt.state) {
        (Saw::Captured, _) => Verdict::Money,
        (Saw::Canceled(_), AttemptState::Canceled) => Verdict::Nothing,
        (Saw::Canceled(reason), _) => Verdict::Over(reason.clone()),
        (Saw::Waiting, AttemptState::Submitting) => Verdict::Waiting,
        (Saw::Waiting | Saw::Absent, _) => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{AttemptId, Currency, OrderId, Timestamp, Uuid};

    fn attempt(state: AttemptState) -> Attempt {
        Attempt {
            id: AttemptId(Uuid::nil()),
            order_id: OrderId(Uuid::nil()),
            gateway: "sandbox".into(),
            state,
            amount: Money::new(100, Currency::EUR),
            reference: Some("p1".into()),
            redirect_url: None,
            review: None,
            orphan: false,
            observations: 0,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            poll_at: None,
            polls: 0,
        }
    }

    fn news(saw: Saw) -> News {
        let amount = Money::new(100, Currency::EUR);
        News { saw, amount, reference: "p1".into(), source: "poll" }
    }

    #[test]
    fn every_state_meets_every_news() {
        use AttemptState::{AwaitingPayer, Canceled, Captured, Submitting};
        let canceled = || Saw::Canceled("declined".into());
        let over = || Verdict::Over("declined".into());
        let table = [
            (Submitting, Saw::Waiting, Verdict::Waiting),
            (Submitting, Saw::Absent, Verdict::Nothing),
            (Submitting, Saw::Captured, Verdict::Money),
            (Submitting, canceled(), over()),
            (AwaitingPayer, Saw::Waiting, Verdict::Nothing),
            (AwaitingPayer, Saw::Captured, Verdict::Money),
            (AwaitingPayer, canceled(), over()),
            (Canceled, Saw::Captured, Verdict::Money),
            (Canceled, Saw::Waiting, Verdict::Nothing),
            (Canceled, canceled(), Verdict::Nothing),
            (Captured, Saw::Captured, Verdict::Nothing),
            (Captured, canceled(), Verdict::Nothing),
            (Captured, Saw::Waiting, Verdict::Nothing),
        ];
        for (state, saw, verdict) in table {
            assert_eq!(judge(&attempt(state), &news(saw.clone())), verdict, "{state:?} {saw:?}");
        }
    }

    #[test]
    fn what_does_not_fit_goes_to_a_person() {
        let open = attempt(AttemptState::AwaitingPayer);
        let less = News { amount: Money::new(99, Currency::EUR), ..news(Saw::Captured) };
        let other = News { amount: Money::new(100, Currency::USD), ..news(Saw::Captured) };
        let foreign = News { reference: "p2".into(), ..news(Saw::Captured) };
        for wrong in [less, other, foreign] {
            assert!(matches!(judge(&open, &wrong), Verdict::Review(_)), "{wrong:?}");
        }
        let silent = News { reference: String::new(), ..news(Saw::Absent) };
        assert_eq!(judge(&open, &silent), Verdict::Nothing);
        let frozen = Attempt { review: Some("looked at".into()), ..open };
        assert_eq!(judge(&frozen, &news(Saw::Captured)), Verdict::Nothing);
    }
}
