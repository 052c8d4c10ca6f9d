//! Money that went back without our asking.

use kernel::{AttemptId, Env, RefundId, Timestamp, Uuid};

use super::{Till, Wanted};
use crate::refund::{Origin, Refund, RefundState};

/// Why money went back that nobody asked us for.
pub const GONE_AT_THE_PROVIDER: &str = "given back at the payment provider";

impl Till {
    /// Writes down what went back in the gateway's own books; never more than is left. What goes
    /// by a name there is written down once, and so is what was seen before under no name. False
    /// when nothing is new.
    pub fn external(
        &mut self,
        env: &Env,
        id: AttemptId,
        (amount, why, name): (i64, &str, Option<&str>),
        now: Timestamp,
    ) -> bool {
        if let Some(name) = name
            && self.went_back_as(id, amount, why, name)
        {
            return false;
        }
        let Some(part) = self.attempt(id).and_then(|it| it.part_of(amount)) else { return false };
        let refund: RefundId = env.id();
        let (origin, actor) = (Origin::External, None);
        let wanted =
            Wanted { id: refund, attempt: id, worth: part.worth, reason: why, origin, actor };
        self.promise(env, &wanted, part, now)
            && self.refund_heard(env, refund, (RefundState::Succeeded, name, None), now).is_some()
    }

    /// Whether money that went back under `name` is written down; what was seen under no name
    /// gets it.
    fn went_back_as(&mut self, id: AttemptId, amount: i64, why: &str, name: &str) -> bool {
        let all = RefundId(Uuid::nil())..=RefundId(Uuid::max());
        let of = self.refunds.range(all).map(|(_, refund)| refund);
        let of: Vec<&Refund> = of.filter(|refund| refund.attempt_id == id).collect();
        let stands = |refund: &&Refund| refund.state != RefundState::Failed;
        if of.iter().filter(|it| stands(it)).any(|it| it.reference.as_deref() == Some(name)) {
            return true;
        }
        let nameless = |refund: &&&Refund| {
            refund.origin == Origin::External
                && refund.reference.is_none()
                && (refund.amount.minor, refund.reason.as_str()) == (amount, why)
        };
        let found = of.iter().find(nameless).map(|refund| refund.id);
        if let Some(refund) = found.and_then(|id| self.refunds.get_mut(id)) {
            refund.reference = Some(name.to_owned());
        }
        found.is_some()
    }
}
