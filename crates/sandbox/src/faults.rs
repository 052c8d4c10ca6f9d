//! Faults on demand: a rule waits for its call and then breaks it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a rule may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    Create,
    Fetch,
    Void,
    Refund,
    /// A try to deliver a notification.
    Notify,
    /// Every call of the API.
    Any,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The answer (or the delivery) comes late. What was asked for is done at once.
    Delay,
    /// It is done, then the line breaks.
    CommitThenDrop,
    /// It is done, then the answer is 500.
    #[serde(rename = "commit_then_500")]
    CommitThen500,
    /// Nothing is done, 500.
    #[serde(rename = "error_500")]
    Error500,
    /// Nothing is done, 429 with `Retry-After: 1`.
    #[serde(rename = "error_429")]
    Error429,
    /// Half of the answer.
    Truncated,
    /// The answer tells one minor unit more.
    WrongAmount,
    /// The answer tells another currency.
    WrongCurrency,
    /// The notification arrives twice.
    NotifyTwice,
    /// The notification never arrives.
    NotifyNever,
    /// The payer is so quick (or the refund) that the shop hears of it before it has the answer
    /// to its own call. The answer then tells how things stood when the call was made.
    NotifyBeforeAnswer,
    /// The notification is signed with another secret.
    BadSignature,
    /// The notification was signed ten minutes ago.
    StaleSignature,
}

/// One rule: from the `nth` call of `op` on (counted from when the rule is made), `times` times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    op: Op,
    #[serde(default = "one")]
    nth: u64,
    #[serde(default = "one")]
    times: u64,
    fault: Fault,
    #[serde(default)]
    millis: u64,
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

impl Rule {
    /// Why this rule could never do anything, if so.
    pub fn objection(&self) -> Option<&'static str> {
        let fits = match self.fault {
            Fault::Delay => true,
            Fault::CommitThenDrop
            | Fault::CommitThen500
            | Fault::Error500
            | Fault::Error429
            | Fault::Truncated
            | Fault::WrongAmount
            | Fault::WrongCurrency => self.op != Op::Notify,
            Fault::NotifyTwice
            | Fault::NotifyNever
            | Fault::BadSignature
            | Fault::StaleSignature => self.op == Op::Notify,
            Fault::NotifyBeforeAnswer => matches!(self.op, Op::Create | Op::Refund),
        };
        if !fits {
            return Some("this fault cannot happen to this op");
        }
        if self.nth == 0 || self.times == 0 {
            return Some("nth and times count from 1");
        }
        if (self.fault == Fault::Delay) != (self.millis > 0) {
            return Some("millis belongs to delay, and delay needs it");
        }
        None
    }

    fn waits_for(&self, op: Op) -> bool {
        self.op == op || (self.op == Op::Any && op != Op::Notify)
    }
}

/// The rules in force. Kept in memory: a restart is a fresh start.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Rule>>);

/// The faults that strike one call.
#[derive(Clone, Default, Debug)]
pub(crate) struct Struck {
    pub faults: Vec<Fault>,
    pub delay: Duration,
}

impl Struck {
    pub fn by(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

impl Faults {
    pub fn add(&self, rule: Rule) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Counts one call of `op` and says what strikes it. A rule that is used up goes away.
    pub fn strike(&self, op: Op) -> Struck {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = Struck::default();
        for rule in rules.iter_mut().filter(|rule| rule.waits_for(op)) {
            rule.seen += 1;
            if rule.seen >= rule.nth {
                struck.faults.push(rule.fault);
                struck.delay += Duration::from_millis(rule.millis);
            }
        }
        rules.retain(|rule| rule.seen < rule.nth.saturating_add(rule.times - 1));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Rule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn strikes_from_the_nth_call_and_then_goes_away() {
        let faults = Faults::default();
        faults.add(rule(r#"{"op":"fetch","nth":2,"times":2,"fault":"error_500"}"#));
        let struck: Vec<bool> =
            (0..5).map(|_| faults.strike(Op::Fetch).by(Fault::Error500)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.0.lock().unwrap().is_empty(), "used up");
    }

    #[test]
    fn any_means_every_call_but_no_notification() {
        let faults = Faults::default();
        faults.add(rule(r#"{"op":"any","times":9,"fault":"delay","millis":5}"#));
        for op in [Op::Create, Op::Fetch, Op::Void, Op::Refund] {
            assert_eq!(faults.strike(op).delay, Duration::from_millis(5), "{op:?}");
        }
        assert!(faults.strike(Op::Notify).faults.is_empty());
        faults.clear();
        assert!(faults.strike(Op::Create).faults.is_empty());
    }

    #[test]
    fn a_rule_that_could_never_strike_is_objected_to() {
        let bad = [
            r#"{"op":"notify","fault":"truncated"}"#,
            r#"{"op":"create","fault":"notify_twice"}"#,
            r#"{"op":"fetch","fault":"notify_before_answer"}"#,
            r#"{"op":"fetch","nth":0,"fault":"error_500"}"#,
            r#"{"op":"fetch","times":0,"fault":"error_500"}"#,
            r#"{"op":"fetch","fault":"delay"}"#,
            r#"{"op":"fetch","fault":"error_500","millis":5}"#,
        ];
        for json in bad {
            assert!(rule(json).objection().is_some(), "{json}");
        }
        assert_eq!(rule(r#"{"op":"notify","fault":"delay","millis":1}"#).objection(), None);
    }
}
