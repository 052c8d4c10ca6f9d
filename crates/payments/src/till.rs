//! The attempts and refunds a batch of commands works on: loaded under lock, changed in memory,
//! written back, and booked.

mod book;
mod external;
mod write;

use std::collections::BTreeSet;

use kernel::{AccountId, AttemptId, Env, Fault, Money, OrderId, Rate, RefundId, Timestamp, Uuid};
use store::{Tracked, Tx};

use crate::attempt::{Attempt, Observed};
use crate::judge::News;
use crate::ledger::Ledger;
use crate::pace;
use crate::parts::Part;
use crate::refund::{Origin, Refund, RefundLine, RefundState};
use crate::sql;
use crate::state::AttemptState;

pub use external::GONE_AT_THE_PROVIDER;

/// See the module's words.
#[derive(Default, Debug)]
pub struct Till {
    attempts: Tracked<AttemptId, Attempt>,
    refunds: Tracked<RefundId, Refund>,
    lines: Tracked<(RefundId, i64), RefundLine>,
    observed: Vec<Observed>,
    ledger: Ledger,
}

/// An attempt that is meant.
#[derive(Clone, Debug)]
pub struct Meant {
    /// Its id.
    pub id: AttemptId,
    /// The order.
    pub order: OrderId,
    /// Where.
    pub gateway: String,
    /// What the payer pays.
    pub amount: Money,
    /// What of the order that pays.
    pub pays: Money,
    /// Units of the one currency for one of the order's, where they differ.
    pub rate: Option<Rate>,
    /// The tax in what it pays of the order, minor units.
    pub tax: i64,
    /// Whether the money is first reserved.
    pub two_stage: bool,
    /// What the gateway is told beside it, JSON.
    pub details: String,
    /// Until when the payer may pay.
    pub deadline: Timestamp,
    /// When the gateway is first asked, should nobody tell of it.
    pub poll_at: Timestamp,
}

/// A refund that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Its id.
    pub id: RefundId,
    /// The attempt whose money it is.
    pub attempt: AttemptId,
    /// How much of the order, minor units of its currency.
    pub worth: i64,
    /// Why, in words.
    pub reason: &'a str,
    /// Who wants it.
    pub origin: Origin,
    /// Which of the staff.
    pub actor: Option<AccountId>,
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
        // What nobody has paid has no refunds; most attempts are such when they are loaded.
        let paid = attempts.iter().filter(|attempt| attempt.captured > 0);
        let paid: Vec<AttemptId> = paid.map(|attempt| attempt.id).collect();
        self.attempts.load(attempts.into_iter().map(|attempt| (attempt.id, attempt)));
        let refunds: Vec<Refund> = tx.rows_by_key(&sql::REFUNDS_OF_ATTEMPTS_LOCKED, paid)?;
        let ids: Vec<RefundId> = refunds.iter().map(|refund| refund.id).collect();
        self.refunds.load(refunds.into_iter().map(|refund| (refund.id, refund)));
        let lines: Vec<RefundLine> = tx.rows_by_key(&sql::REFUND_LINES, ids)?;
        self.lines.load(lines.into_iter().map(|line| ((line.refund_id, line.position), line)));
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

    /// The attempt at `gateway` that the order still hopes for, if there is one.
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
    pub fn intend(&mut self, meant: Meant, now: Timestamp) {
        let attempt = Attempt {
            id: meant.id,
            order_id: meant.order,
            gateway: meant.gateway,
            state: AttemptState::Submitting,
            amount: meant.amount,
            pays: meant.pays,
            rate: meant.rate,
            tax: meant.tax,
            two_stage: meant.two_stage,
            details: meant.details,
            deadline: meant.deadline,
            payable_until: meant.deadline,
            reference: None,
            secondary: None,
            redirect_url: None,
            method: None,
            review: None,
            reason: None,
            orphan: false,
            unwanted: false,
            captured: 0,
            reserved: 0,
            refunded: 0,
            worth_back: 0,
            fee: None,
            observations: 0,
            last_saw: None,
            created_at: now,
            updated_at: now,
            since: now,
            poll_at: Some(meant.poll_at),
            polls: 0,
        };
        self.attempts.put(attempt.id, attempt);
    }

    /// Notes news and what it did. News that says what was said last, and did nothing then or
    /// now, is not noted again.
    pub fn observe(
        &mut self,
        id: AttemptId,
        news: &News,
        effect: &str,
        change: impl FnOnce(&mut Attempt),
        now: Timestamp,
    ) {
        let Some(attempt) = self.attempts.get_mut(id) else { return };
        let gist = news.gist();
        let before = attempt.clone();
        change(attempt);
        let moved = *attempt != before;
        if !moved && attempt.last_saw.as_deref() == Some(gist.as_str()) {
            return;
        }
        attempt.last_saw = Some(gist);
        attempt.observations += 1;
        attempt.updated_at = now;
        if attempt.review.is_none() {
            learn(attempt, news);
        }
        if attempt.state != before.state || attempt.review != before.review {
            attempt.since = now;
            attempt.polls = 0;
            attempt.poll_at = pace::next_of(attempt, now);
        }
        self.observed.push(Observed {
            attempt_id: id,
            seq: attempt.observations,
            source: news.source.to_owned(),
            saw: news.saw.word(),
            amount: news.amount.minor,
            currency: news.amount.currency,
            refunded: news.refunded,
            reference: Some(news.reference.clone()).filter(|reference| !reference.is_empty()),
            effect: effect.to_owned(),
            at: now,
        });
    }

    /// Nobody wants an attempt paid any more: it is to be called off, or let go, at once.
    pub fn close(&mut self, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(id) else { return };
        if attempt.review.is_some() {
            return;
        }
        let to = match attempt.state {
            AttemptState::AwaitingPayer | AttemptState::Processing => AttemptState::Closing,
            AttemptState::Authorized => AttemptState::Voiding,
            // Whether the gateway has heard of it must be found out first.
            AttemptState::Submitting => {
                attempt.unwanted = true;
                return;
            }
            _ => return,
        };
        attempt.go(to, now);
        attempt.updated_at = now;
        attempt.poll_at = Some(now);
    }

    /// The payer has come back to a page that had been left before it was there.
    pub fn want_again(&mut self, id: AttemptId) {
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.unwanted = false;
        }
    }

    /// Nobody is asked about an attempt any more.
    pub fn asked_no_more(&mut self, id: AttemptId) {
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.poll_at = None;
        }
    }

    /// Freezes an attempt until a person has looked.
    pub fn freeze(&mut self, id: AttemptId, why: &str, now: Timestamp) {
        if let Some(attempt) = self.attempts.get_mut(id)
            && attempt.review.is_none()
        {
            attempt.review = Some(why.to_owned());
            attempt.updated_at = now;
            attempt.poll_at = None;
        }
    }

    /// Promises money back. False, and nothing happens, when that much is not left, or it comes to
    /// less than the payer's smallest coin.
    pub fn reserve(&mut self, env: &Env, wanted: &Wanted<'_>, now: Timestamp) -> bool {
        let part = self.attempt(wanted.attempt).and_then(|it| it.part_worth(wanted.worth));
        part.is_some_and(|part| self.promise(env, wanted, part, now))
    }

    fn promise(&mut self, env: &Env, wanted: &Wanted<'_>, part: Part, now: Timestamp) -> bool {
        let Some(attempt) = self.attempts.get_mut(wanted.attempt) else { return false };
        attempt.reserved += part.amount;
        attempt.worth_back += part.worth;
        attempt.updated_at = now;
        let attempt = attempt.clone();
        let refund = Refund {
            id: wanted.id,
            attempt_id: wanted.attempt,
            order_id: attempt.order_id,
            amount: Money::new(part.amount, attempt.amount.currency),
            worth: part.worth,
            reason: wanted.reason.to_owned(),
            origin: wanted.origin,
            state: RefundState::Reserved,
            reference: None,
            failure: None,
            actor: wanted.actor,
            tries: 0,
            sent_at: None,
            due_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        self.book_promise(env, &attempt, &refund, 1, now);
        self.refunds.put(wanted.id, refund);
        true
    }

    /// Notes what of the order a refund is for.
    pub fn refund_line(&mut self, line: RefundLine) {
        self.lines.put((line.refund_id, line.position), line);
    }

    /// Units of a line of the order that were refunded, or are promised to be.
    pub fn units_refunded(&self, order: OrderId, position: i64) -> i64 {
        let all = (RefundId(Uuid::nil()), 0)..=(RefundId(Uuid::max()), i64::MAX);
        let counts = |line: &RefundLine| {
            line.position == position
                && self.refund(line.refund_id).is_some_and(|refund| {
                    refund.order_id == order && refund.state != RefundState::Failed
                })
        };
        self.lines.range(all).map(|(_, line)| line).filter(|l| counts(l)).map(|l| l.quantity).sum()
    }

    /// Promises everything that is left of an attempt back to the customer. False when nothing
    /// is left.
    pub fn send_back(
        &mut self,
        env: &Env,
        attempt: AttemptId,
        (origin, reason): (Origin, &str),
        now: Timestamp,
    ) -> bool {
        let worth = self.attempt(attempt).map_or(0, Attempt::worth_left);
        let wanted = Wanted { id: env.id(), attempt, worth, reason, origin, actor: None };
        self.reserve(env, &wanted, now)
    }

    /// Takes in what a gateway says of a refund; gives where it stands now if that is news.
    pub fn refund_heard(
        &mut self,
        env: &Env,
        id: RefundId,
        (says, reference, failure): (RefundState, Option<&str>, Option<&str>),
        now: Timestamp,
    ) -> Option<RefundState> {
        let refund = self.refunds.get_mut(id)?;
        let was = refund.state;
        let to = was.hears(says)?;
        refund.state = to;
        refund.reference = reference.map(str::to_owned).or(refund.reference.take());
        refund.updated_at = now;
        refund.due_at = refund.due_at.filter(|_| to.is_under_way());
        if to == RefundState::Failed {
            refund.failure = Some(failure.unwrap_or("refused").to_owned());
        }
        let (refund, minor) = (refund.clone(), refund.amount.minor);
        let attempt = self.attempts.get_mut(refund.attempt_id)?;
        match (was, to) {
            (_, RefundState::Succeeded) => {
                attempt.reserved -= minor;
                attempt.refunded += minor;
            }
            (RefundState::Succeeded, RefundState::Failed) => {
                attempt.refunded -= minor;
                attempt.worth_back -= refund.worth;
            }
            (_, RefundState::Failed) => {
                attempt.reserved -= minor;
                attempt.worth_back -= refund.worth;
            }
            _ => return Some(to),
        }
        attempt.updated_at = now;
        let attempt = attempt.clone();
        if to == RefundState::Succeeded {
            self.book_way_back(env, &attempt, &refund, 1, now);
        } else {
            if was == RefundState::Succeeded {
                self.book_way_back(env, &attempt, &refund, -1, now);
            }
            self.book_promise(env, &attempt, &refund, -1, now);
        }
        Some(to)
    }

    /// What has gone back of an attempt, confirmed.
    pub fn gone_back(&self, id: AttemptId) -> i64 {
        self.attempt(id).map_or(0, |attempt| attempt.refunded)
    }

    /// What we have sent back of an attempt, whether or not that is confirmed.
    pub fn sent_back(&self, id: AttemptId) -> i64 {
        let all = RefundId(Uuid::nil())..=RefundId(Uuid::max());
        let sent = |refund: &&Refund| {
            let sent = [RefundState::Sent, RefundState::Pending, RefundState::Succeeded];
            refund.attempt_id == id && sent.contains(&refund.state)
        };
        self.refunds.range(all).map(|(_, r)| r).filter(sent).map(|r| r.amount.minor).sum()
    }
}

/// What news tells beside how the payment stands.
fn learn(attempt: &mut Attempt, news: &News) {
    if attempt.reference.is_none() && !news.reference.is_empty() {
        attempt.reference = Some(news.reference.clone());
    }
    if news.secondary.is_some() {
        attempt.secondary.clone_from(&news.secondary);
    }
    if let Some(method) = &news.method {
        attempt.method = serde_json::to_string(method).ok();
    }
}
