//! Faults on demand: a rule waits for its call and then breaks it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::gateway::Gateway;

/// What a rule may wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Op {
    /// Opening a payment; with Alipay that is the browser that comes with the signed address.
    Create,
    /// Asking for one thing.
    Fetch,
    /// Asking for many.
    List,
    Capture,
    /// Calling a payment off: void, cancel, close, expire.
    Void,
    Refund,
    /// Anything else.
    Other,
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
    /// It is done, and the answer is 500 for ever under this key (Stripe).
    #[serde(rename = "stored_500")]
    Stored500,
    /// Nothing is done, 500.
    #[serde(rename = "error_500")]
    Error500,
    /// Nothing is done, 503.
    #[serde(rename = "error_503")]
    Error503,
    /// Nothing is done, 429 with `Retry-After: 1`.
    #[serde(rename = "error_429")]
    Error429,
    /// Nothing is done, 409.
    #[serde(rename = "error_409")]
    Error409,
    /// It is done, but the answer is 202 "processing" (YooKassa).
    Processing,
    /// Half of the answer.
    Truncated,
    /// An answer that only looks like JSON.
    InvalidJson,
    /// A page in GBK instead of an answer.
    HtmlError,
    /// The answer has no signature (Alipay).
    Unsigned,
    /// The answer is signed with another key (Alipay), the notification with another secret.
    BadSignature,
    /// The answer or the notification tells one minor unit more.
    WrongAmount,
    /// The answer or the notification tells another currency.
    WrongCurrency,
    /// The refund is accepted and waits; the control plane ends it.
    RefundPending,
    /// While somebody pages through a list it moves on by one: the last item of the page before
    /// comes again.
    ListMoves,
    /// The notification arrives `copies` times.
    #[serde(rename = "notify_twice", alias = "notify_copies")]
    NotifyTwice,
    /// The notification never arrives.
    NotifyNever,
    /// As many notifications as `times` says are collected and arrive in the opposite order.
    NotifyReversed,
    /// The payer is so quick (or the refund) that the shop hears of it before it has the answer
    /// to its own call. The answer then tells how things stood when the call was made.
    NotifyBeforeAnswer,
    /// The notification was signed ten minutes ago.
    StaleSignature,
    /// The notification comes from another address than the provider's.
    WrongSource,
}

/// One rule: from the `nth` call of `op` on (counted from when the rule is made), `times` times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Every provider, if it does not say.
    gateway: Option<Gateway>,
    op: Op,
    #[serde(default = "one")]
    nth: u64,
    #[serde(default = "one")]
    times: u64,
    fault: Fault,
    #[serde(default)]
    millis: u64,
    #[serde(default)]
    copies: u32,
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

impl Rule {
    /// Reads a rule, flat or as `{"match": {…}, "fault": {"kind": …}}`.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        let mut rule: serde_json::Value = serde_json::from_slice(body)?;
        if let Some(object) = rule.as_object_mut() {
            if let Some(serde_json::Value::Object(matched)) = object.remove("match") {
                object.extend(matched);
            }
            if object.get("fault").is_some_and(serde_json::Value::is_object)
                && let Some(serde_json::Value::Object(mut fault)) = object.remove("fault")
            {
                if let Some(kind) = fault.remove("kind") {
                    fault.insert("fault".to_owned(), kind);
                }
                object.extend(fault);
            }
        }
        serde_json::from_value(rule)
    }

    /// Why this rule could never do anything, if so.
    pub fn objection(&self) -> Option<&'static str> {
        let notify = self.op == Op::Notify;
        let of = |gateway| self.gateway.is_none_or(|named| named == gateway);
        let fits = match self.fault {
            Fault::Delay | Fault::WrongAmount | Fault::WrongCurrency | Fault::BadSignature => true,
            Fault::CommitThenDrop
            | Fault::CommitThen500
            | Fault::Error500
            | Fault::Error503
            | Fault::Error429
            | Fault::Error409
            | Fault::Truncated
            | Fault::InvalidJson
            | Fault::HtmlError => !notify,
            Fault::Stored500 => !notify && of(Gateway::Stripe),
            Fault::Processing => !notify && of(Gateway::Yookassa),
            Fault::Unsigned => !notify && of(Gateway::Alipay),
            Fault::RefundPending => matches!(self.op, Op::Refund | Op::Any),
            Fault::ListMoves => matches!(self.op, Op::List | Op::Any),
            Fault::NotifyTwice
            | Fault::NotifyNever
            | Fault::NotifyReversed
            | Fault::StaleSignature
            | Fault::WrongSource => notify,
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
        if self.copies > 0 && self.fault != Fault::NotifyTwice {
            return Some("copies belongs to notify_copies");
        }
        None
    }

    fn waits_for(&self, gateway: Gateway, op: Op) -> bool {
        let one_of_them = self.gateway.is_none_or(|named| named == gateway);
        one_of_them && (self.op == op || (self.op == Op::Any && op != Op::Notify))
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
    /// How often a notification is to arrive.
    pub copies: u32,
    /// Whether no rule waits for a further call.
    pub last: bool,
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
    pub fn strike(&self, gateway: Gateway, op: Op) -> Struck {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = Struck { copies: 1, ..Struck::default() };
        for rule in rules.iter_mut().filter(|rule| rule.waits_for(gateway, op)) {
            rule.seen += 1;
            if rule.seen >= rule.nth {
                struck.faults.push(rule.fault);
                struck.delay += Duration::from_millis(rule.millis);
                if rule.fault == Fault::NotifyTwice {
                    struck.copies = rule.copies.max(2);
                }
            }
        }
        rules.retain(|rule| rule.seen < rule.nth.saturating_add(rule.times - 1));
        struck.last = !rules.iter().any(|rule| rule.waits_for(gateway, op));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Rule {
        Rule::read(json.as_bytes()).unwrap()
    }

    #[test]
    fn strikes_from_the_nth_call_and_then_goes_away() {
        let faults = Faults::default();
        faults.add(rule(r#"{"op":"fetch","nth":2,"times":2,"fault":"error_500"}"#));
        let struck: Vec<bool> =
            (0..5).map(|_| faults.strike(Gateway::Plain, Op::Fetch).by(Fault::Error500)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.0.lock().unwrap().is_empty(), "used up");
    }

    #[test]
    fn any_means_every_call_but_no_notification() {
        let faults = Faults::default();
        faults.add(rule(r#"{"op":"any","times":9,"fault":"delay","millis":5}"#));
        for op in [Op::Create, Op::Fetch, Op::Void, Op::Refund] {
            assert_eq!(faults.strike(Gateway::Plain, op).delay, Duration::from_millis(5), "{op:?}");
        }
        assert!(faults.strike(Gateway::Plain, Op::Notify).faults.is_empty());
        faults.clear();
        assert!(faults.strike(Gateway::Plain, Op::Create).faults.is_empty());
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

    #[test]
    fn a_rule_may_be_for_one_provider_and_nested() {
        let faults = Faults::default();
        faults.add(rule(
            r#"{"match":{"gateway":"stripe","op":"create","nth":1},"fault":{"kind":"delay","millis":7}}"#,
        ));
        assert!(faults.strike(Gateway::Alipay, Op::Create).faults.is_empty());
        assert_eq!(faults.strike(Gateway::Stripe, Op::Create).delay, Duration::from_millis(7));
        let elsewhere = r#"{"gateway":"alipay","op":"create","fault":"stored_500"}"#;
        assert!(rule(elsewhere).objection().is_some());
    }
}
