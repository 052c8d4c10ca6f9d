//! The attempts and refunds a batch of commands works on: loaded under lock, changed in memory,
//! written back.

use std::collections::BTreeSet;

use kernel::planted::{self, Bug};
use kernel::{AttemptId, Fault, Money, OrderId, RefundId, SignedDuration, Timestamp, Uuid};
use store::{Param, Tracked, Tx, Value};

use crate::attempt::{Attempt, AttemptState, Observed};
use crate::judge::News;
use crate::refund::{Refund, RefundState};
use crate::sql;

/// A gateway that said an attempt is over is asked once more after so long: longer than the term
/// any gateway gives a payer. Somebody may have paid all the same, and the notice be lost.
const LAST_LOOK: SignedDuration = SignedDuration::from_hours(2);

/// See the module's words.
#[derive(Default, Debug)]
pub struct Till {
    attempts: Tracked<AttemptId, Attempt>,
    refunds: Tracked<RefundId, Refund>,
    observed: Vec<Observed>,
}

impl Till {
    /// Loads and locks all attempts to pay `orders`, and their refunds.
    pub fn load(
        &mut self,
        tx: &mut Tx<'_>,
        orders: impl IntoIterator<Item = OrderId>,
    ) -> Result<(), Fault> {
        let orders: BTreeSet<OrderId> = orders.into_iter().collect();
        let attempts: Vec<Attempt> = tx.rows_by_key(&sql::ATTEMPTS_OF_ORDERS_LOCKED, orders)?;
        let ids: Vec<AttemptId> = attempts.iter().map(|attempt| attempt.id).collect();
        self.attempts.load(attempts.into_iter().map(|attempt| (attempt.id, attempt)));
        let refunds: Vec<Refund> = tx.rows_by_key(&sql::REFUNDS_OF_ATTEMPTS_LOCKED, ids)?;
        self.refunds.load(refunds.into_iter().map(|refund| (refund.id, refund)));
        Ok(())
    }

    /// A loaded or new attempt.
    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.get(id)
    }

    /// A loaded or new refund.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.get(id)
    }

    /// The attempt at `gateway` that may still be paid, if there is one.
    pub fn live(&self, order: OrderId, gateway: &str) -> Option<&Attempt> {
        self.of_order(order)
            .into_iter()
            .find(|attempt| attempt.gateway == gateway && attempt.state.is_live())
    }

    /// All attempts to pay an order.
    pub fn of_order(&self, order: OrderId) -> Vec<&Attempt> {
        let all = AttemptId(Uuid::nil())..=AttemptId(Uuid::max());
        self.attempts.range(all).map(|(_, a)| a).filter(|a| a.order_id == order).collect()
    }

    /// Means a new attempt; the gateway is called after the commit.
    pub fn intend(
        &mut self,
        id: AttemptId,
        order_id: OrderId,
        gateway: &str,
        amount: Money,
        (now, poll_at): (Timestamp, Timestamp),
    ) {
        let attempt = Attempt {
            id,
            order_id,
            gateway: gateway.to_owned(),
            state: AttemptState::Submitting,
            amount,
            reference: None,
            redirect_url: None,
            review: None,
            orphan: false,
            observations: 0,
            created_at: now,
            updated_at: now,
            poll_at: Some(poll_at),
            polls: 0,
        };
        self.attempts.put(id, attempt);
    }

    /// Notes news and what it did. Money that came, or a person who has to look, ends the polling;
    /// an attempt that is over is looked at once more, after its payer's term.
    pub fn observe(
        &mut self,
        id: AttemptId,
        news: &News,
        effect: &str,
        change: impl FnOnce(&mut Attempt),
        now: Timestamp,
    ) {
        let Some(attempt) = self.attempts.get_mut(id) else { return };
        attempt.observations += 1;
        attempt.updated_at = now;
        if attempt.reference.is_none() && !news.reference.is_empty() {
            attempt.reference = Some(news.reference.clone());
        }
        change(attempt);
        let last_look = now.checked_add(LAST_LOOK).ok();
        attempt.poll_at = match attempt.state {
            _ if attempt.review.is_some() => None,
            AttemptState::Captured => None,
            AttemptState::Canceled => last_look.filter(|_| !planted::is(Bug::NoLastLook)),
            AttemptState::Submitting | AttemptState::AwaitingPayer => attempt.poll_at,
        };
        self.observed.push(Observed {
            attempt_id: id,
            seq: attempt.observations,
            source: news.source.to_owned(),
            saw: news.saw.word(),
            effect: effect.to_owned(),
            at: now,
        });
    }

    /// What can still go back of an attempt: captured less every refund that has not failed.
    pub fn left_to_refund(&self, id: AttemptId) -> i64 {
        let Some(attempt) = self.attempts.get(id) else { return 0 };
        if attempt.state != AttemptState::Captured {
            return 0;
        }
        attempt.amount.minor - self.refunded(id, |state| state != RefundState::Failed)
    }

    /// What has gone back of an attempt, confirmed.
    pub fn gone_back(&self, id: AttemptId) -> i64 {
        self.refunded(id, |state| state == RefundState::Succeeded)
    }

    fn refunded(&self, id: AttemptId, which: impl Fn(RefundState) -> bool) -> i64 {
        let all = RefundId(Uuid::nil())..=RefundId(Uuid::max());
        let counted = |refund: &&Refund| refund.attempt_id == id && which(refund.state);
        self.refunds.range(all).map(|(_, r)| r).filter(counted).map(|r| r.amount.minor).sum()
    }

    /// Promises everything that is left of an attempt back to the customer. False when nothing
    /// is left.
    pub fn send_back(
        &mut self,
        id: RefundId,
        attempt_id: AttemptId,
        reason: &str,
        now: Timestamp,
    ) -> bool {
        let left = self.left_to_refund(attempt_id);
        let Some(attempt) = self.attempts.get(attempt_id).filter(|_| left > 0) else {
            return false;
        };
        let refund = Refund {
            id,
            attempt_id,
            order_id: attempt.order_id,
            amount: Money::new(left, attempt.amount.currency),
            reason: reason.to_owned(),
            state: RefundState::Requested,
            reference: None,
            tries: 0,
            created_at: now,
            updated_at: now,
        };
        self.refunds.put(id, refund);
        true
    }

    /// Notes what the gateway said of a refund, for good.
    pub fn refund_ended(
        &mut self,
        id: RefundId,
        state: RefundState,
        reference: Option<String>,
        now: Timestamp,
    ) {
        if let Some(refund) = self.refunds.get_mut(id)
            && refund.state == RefundState::Requested
        {
            refund.state = state;
            refund.reference = reference;
            refund.updated_at = now;
        }
    }

    /// Writes the difference.
    pub fn write(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.insert_many(&sql::ATTEMPTS_ADD, &self.attempts.added(), |(id, attempt)| {
            [
                id.value(),
                attempt.order_id.value(),
                attempt.gateway.value(),
                Value::Text(attempt.state.as_str()),
                attempt.amount.minor.value(),
                attempt.amount.currency.value(),
                attempt.created_at.value(),
                attempt.updated_at.value(),
                attempt.poll_at.value(),
            ]
        })?;
        tx.update_many(&sql::ATTEMPTS_SET, &self.attempts.changed(), |(id, attempt)| {
            [
                id.value(),
                Value::Text(attempt.state.as_str()),
                attempt.reference.value(),
                attempt.redirect_url.value(),
                attempt.review.value(),
                attempt.orphan.value(),
                attempt.observations.value(),
                attempt.updated_at.value(),
                attempt.poll_at.value(),
            ]
        })?;
        tx.insert_many(&sql::HISTORY_ADD, &self.observed, |seen| {
            [
                seen.attempt_id.value(),
                seen.seq.value(),
                seen.source.value(),
                seen.saw.value(),
                seen.effect.value(),
                seen.at.value(),
            ]
        })?;
        self.write_refunds(tx)
    }

    fn write_refunds(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.insert_many(&sql::REFUNDS_ADD, &self.refunds.added(), |(id, refund)| {
            [
                id.value(),
                refund.attempt_id.value(),
                refund.order_id.value(),
                refund.amount.minor.value(),
                refund.amount.currency.value(),
                refund.reason.value(),
                Value::Text(refund.state.as_str()),
                refund.created_at.value(),
                refund.updated_at.value(),
                refund.created_at.value(),
            ]
        })?;
        tx.update_many(&sql::REFUNDS_SET, &self.refunds.changed(), |(id, refund)| {
            [
                id.value(),
                Value::Text(refund.state.as_str()),
                refund.reference.value(),
                refund.updated_at.value(),
                Value::Null,
            ]
        })
    }
}
