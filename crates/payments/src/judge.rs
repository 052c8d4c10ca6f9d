//! What news of a payment means, decided purely.
//!
//! News comes late, twice and in any order, so it is a snapshot and not an event: what it says
//! is compared with what we know, and a gateway that says "captured" is right about its money
//! whatever we believed before.

use kernel::planted::{self, Bug};
use kernel::{Money, SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::state::AttemptState;

/// After the payer's term, for clocks that differ and for what is under way.
pub const AFTER_THE_TERM: SignedDuration = SignedDuration::from_mins(5);
/// After an attempt could be opened last, for calls to a gateway that are under way: more than
/// the longest.
const LAST_CALLS: SignedDuration = SignedDuration::from_hours(1);

/// What a gateway says of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Saw {
    /// The payer may still pay.
    Waiting,
    /// The payer has done their part, the bank has not.
    Processing,
    /// The money is reserved for us, until then if they say.
    Authorized(Option<Timestamp>),
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
            Self::Processing => "processing".into(),
            Self::Authorized(_) => "authorized".into(),
            Self::Absent => "absent".into(),
            Self::Captured => "captured".into(),
            Self::Canceled(reason) => format!("canceled: {reason}"),
        }
    }
}

/// What a payment was made with, as far as may be kept. Never a card's number, nor a hash of one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Method {
    /// `card`, `wallet`, `cash`.
    pub kind: String,
    /// A card's scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// A card's last four digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
    /// The gateway's own mark of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A snapshot of a payment, fetched from the gateway itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// What it says.
    pub saw: Saw,
    /// The amount it speaks of: what was taken once it is captured, what is reserved while it is
    /// authorized, what is asked for before.
    pub amount: Money,
    /// What it says has gone back, minor units.
    pub refunded: i64,
    /// The gateway's id of the payment; empty when it names none.
    pub reference: String,
    /// Its other id.
    pub secondary: Option<String>,
    /// What it was paid with.
    pub method: Option<Method>,
    /// What about it is not ours at all: another payee, play money in a real shop.
    pub strange: Option<String>,
    /// Who brought it: `create`, `notice`, `return`, `poll`, `capture`, `void`, `list`.
    pub source: &'static str,
}

impl News {
    /// News with nothing beside the four that matter.
    pub fn of(saw: Saw, amount: Money, reference: String, source: &'static str) -> Self {
        Self {
            saw,
            amount,
            refunded: 0,
            reference,
            secondary: None,
            method: None,
            strange: None,
            source,
        }
    }

    /// All that makes it different from other news of the same payment, in a word.
    pub(crate) fn gist(&self) -> String {
        let strange = self.strange.as_deref().unwrap_or_default();
        let (saw, amount, refunded) = (self.saw.word(), self.amount, self.refunded);
        format!("{saw} {amount} {refunded} {} {strange}", self.reference)
    }
}

/// What the order has to say to money from one of its attempts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stance {
    /// It waits for its money, and nobody else is about to bring it.
    Open,
    /// Its time is over, but all its units are still there: it would come back for the money.
    Revivable,
    /// Another attempt pays it.
    Claimed,
    /// It wants no money: paid, called off, or its units are gone.
    Closed,
}

impl Stance {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Revivable, Self::Claimed, Self::Closed];

    fn wants_money(self) -> bool {
        matches!(self, Self::Open | Self::Revivable)
    }
}

/// What news means for an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing new.
    Nothing,
    /// The payer may pay.
    Waiting,
    /// The payer may pay, and nobody wants them to any more: call it off.
    Close,
    /// The payer has done their part: the order waits for the bank.
    Processing,
    /// The money is reserved and wanted: the order claims it, and it is to be taken.
    Capture,
    /// The money is reserved and not wanted: let it go.
    Void,
    /// The money came and the order wants it.
    Settle,
    /// The money came and the order does not want it: send it back.
    SendBack,
    /// Nothing will come.
    Over(String),
    /// More has gone back than we sent, minor units: somebody did it in the gateway's books.
    External(i64),
    /// It does not fit what we asked for: nothing happens until a person has looked.
    Review(String),
}

/// Compares news with the attempt. `ours_back` is what we have sent back of it, whether or not
/// the gateway has confirmed it; minor units.
pub fn judge(
    attempt: &Attempt,
    stance: Stance,
    news: &News,
    ours_back: i64,
    now: Timestamp,
) -> Verdict {
    use AttemptState::{
        Authorized, AwaitingPayer, Canceled, Captured, Capturing, Closing, Processing, Submitting,
        Voiding,
    };
    if attempt.review.is_some() {
        return Verdict::Nothing;
    }
    let misfit = misfit(attempt, news);
    // It is ours and stays so, whatever is said later; only more may have gone back.
    if attempt.state == AttemptState::Captured {
        let more = news.saw == Saw::Captured && misfit.is_none() && news.refunded > ours_back;
        return if more { Verdict::External(news.refunded - ours_back) } else { Verdict::Nothing };
    }
    if let Some(why) = misfit {
        return Verdict::Review(why);
    }
    let over = |word: &str| Verdict::Over(word.to_owned());
    match (&news.saw, attempt.state) {
        // Decided on above; reserved, and being taken or let go already; over already.
        (_, Captured)
        | (Saw::Authorized(_), Capturing | Voiding)
        | (Saw::Canceled(_), Canceled) => Verdict::Nothing,

        (Saw::Captured, _) if stance.wants_money() => Verdict::Settle,
        (Saw::Captured, _) => Verdict::SendBack,
        (Saw::Authorized(_), _) if stance.wants_money() => Verdict::Capture,
        (Saw::Authorized(_), _) => Verdict::Void,

        (Saw::Canceled(reason), _) => Verdict::Over(reason.clone()),

        (Saw::Processing, Submitting | AwaitingPayer | Processing) => Verdict::Processing,
        (Saw::Waiting, Submitting | AwaitingPayer) if stance != Stance::Open => Verdict::Close,
        (Saw::Waiting, Submitting) if attempt.unwanted => Verdict::Close,
        (Saw::Waiting, Submitting) => Verdict::Waiting,

        (Saw::Absent, Submitting)
            if stance != Stance::Open && is_past(attempt, LAST_CALLS, now) =>
        {
            over("the gateway never heard of it")
        }
        // A page that nobody opened need not be known to its gateway while it can be paid.
        (Saw::Absent, AwaitingPayer) if is_past(attempt, AFTER_THE_TERM, now) => over("expired"),
        // It could not be called off; its time is over now.
        (Saw::Absent | Saw::Waiting, Closing) if is_past(attempt, AFTER_THE_TERM, now) => {
            over("expired")
        }
        (Saw::Processing, Authorized | Capturing | Closing | Voiding | Canceled)
        | (
            Saw::Waiting,
            AwaitingPayer | Processing | Authorized | Capturing | Closing | Voiding | Canceled,
        )
        | (Saw::Absent, _) => Verdict::Nothing,
    }
}

/// Whether the payer's term was over so long ago.
fn is_past(attempt: &Attempt, by: SignedDuration, now: Timestamp) -> bool {
    attempt.payable_until.checked_add(by).is_ok_and(|end| end <= now)
}

/// What about news does not fit what we asked for.
fn misfit(attempt: &Attempt, news: &News) -> Option<String> {
    if let Some(strange) = &news.strange {
        return Some(strange.clone());
    }
    // A gateway that does not know the payment names none; that is no contradiction.
    let names = !news.reference.is_empty();
    let names = names && !planted::is(Bug::ReferenceIgnored);
    if names && attempt.reference.as_deref().is_some_and(|known| known != news.reference) {
        return Some(format!("the gateway speaks of {}", news.reference));
    }
    let fits = news.amount == attempt.amount
        || planted::is(Bug::CurrencyIgnored) && news.amount.minor == attempt.amount.minor
        || planted::is(Bug::AmountIgnored) && news.amount.currency == attempt.amount.currency;
    if news.saw != Saw::Absent && !fits {
        let asked = attempt.amount;
        return Some(format!("{} instead of {asked}", news.amount));
    }
    None
}

#[cfg(test)]
mod tests;
