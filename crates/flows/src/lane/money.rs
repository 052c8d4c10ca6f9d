//! Decisions on payments: what money does to an order, and what an order does with money.

use kernel::planted::{self, Bug};
use kernel::{AccountId, AttemptId, OrderId, SignedDuration};
use orders::{Actor, State as Stands};
use payments::{AttemptState, News, RefundState, Saw, Verdict, judge};

use super::Outcome;
use super::command::Done;
use super::state::State;
use crate::payment::{NewsEffect, Paying, RefundEnd};
use crate::quote::later;
use crate::refusal::Refusal;

/// When an attempt that nobody has told us of is first asked about.
const FIRST_POLL: SignedDuration = SignedDuration::from_secs(20);
/// For the bug `AttemptForgotten`.
const YEARS: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
/// After an order could be paid last, for calls to a gateway that are under way: more than the
/// longest.
const LAST_CALLS: SignedDuration = SignedDuration::from_hours(1);

impl State<'_> {
    pub(super) fn pay(
        &mut self,
        id: OrderId,
        customer: AccountId,
        gateway: &str,
        attempt: AttemptId,
    ) -> Outcome {
        let order = self.book.order(id).filter(|order| order.customer_id == customer);
        let order = order.ok_or(Refusal::NotFound("order"))?;
        let in_time = order.pay_by.is_some_and(|pay_by| self.now < pay_by);
        if order.state != Stands::Pending || !in_time {
            return Err(Refusal::NothingToPay { state: order.state });
        }
        let mut paying = Paying {
            attempt_id: attempt,
            order_id: id,
            number: order.number.clone(),
            gateway: gateway.to_owned(),
            amount: order.total(),
            redirect_url: None,
            pay_by: order.pay_by,
        };
        if let Some(live) = self.till.live(id, gateway) {
            paying.attempt_id = live.id;
            paying.redirect_url.clone_from(&live.redirect_url);
        } else {
            let poll_at = later(self.now, FIRST_POLL);
            let forgotten = planted::is(Bug::AttemptForgotten);
            let poll_at = if forgotten { later(poll_at, YEARS) } else { poll_at };
            self.till.intend(attempt, id, gateway, paying.amount, (self.now, poll_at));
            kernel::crash_point!("lane.payment-decided");
        }
        Ok(Done::Paying(paying))
    }

    pub(super) fn news(&mut self, id: OrderId, attempt_id: AttemptId, news: &News) -> Outcome {
        let attempt = self.till.attempt(attempt_id).filter(|attempt| attempt.order_id == id);
        let attempt = attempt.ok_or(Refusal::NotFound("payment"))?;
        let verdict = match judge(attempt, news) {
            Verdict::Nothing if news.saw == Saw::Absent && self.is_given_up(attempt) => {
                Verdict::Over("the gateway never heard of it".into())
            }
            verdict => verdict,
        };
        let effect = match verdict {
            Verdict::Nothing => NewsEffect::Nothing,
            Verdict::Money => return self.money(id, attempt_id, news),
            Verdict::Waiting => {
                self.observe(attempt_id, news, NewsEffect::Waiting, |attempt| {
                    attempt.state = AttemptState::AwaitingPayer;
                });
                NewsEffect::Waiting
            }
            Verdict::Over(_) => {
                self.observe(attempt_id, news, NewsEffect::Over, |attempt| {
                    attempt.state = AttemptState::Canceled;
                });
                NewsEffect::Over
            }
            Verdict::Review(why) => {
                self.observe(attempt_id, news, NewsEffect::Review, |attempt| {
                    attempt.review = Some(why);
                });
                NewsEffect::Review
            }
        };
        Ok(Done::News(effect))
    }

    /// Whether an attempt was never heard of at its gateway, and nobody asks for it there any
    /// more. Money that comes all the same is believed.
    fn is_given_up(&self, attempt: &payments::Attempt) -> bool {
        let order = self.book.order(attempt.order_id);
        let over = order.is_some_and(|order| {
            let last = order.pay_by.unwrap_or(order.placed_at);
            order.state != Stands::Pending && later(last, LAST_CALLS) <= self.now
        });
        over && attempt.state == AttemptState::Submitting
    }

    fn observe(
        &mut self,
        attempt: AttemptId,
        news: &News,
        effect: NewsEffect,
        change: impl FnOnce(&mut payments::Attempt),
    ) {
        self.till.observe(attempt, news, effect.word(), change, self.now);
    }

    /// The money came. An order that waits for it is paid; one that expired is paid if its units
    /// are still there; from any other the money goes back.
    fn money(&mut self, id: OrderId, attempt: AttemptId, news: &News) -> Outcome {
        debug_assert_eq!(news.saw, Saw::Captured);
        let stands = self.book.order(id).ok_or(Refusal::NotFound("order"))?.state;
        let skipped = planted::is(Bug::NoticeSkipsStock) && news.source == "notice";
        let units = if skipped { Vec::new() } else { self.units(id) };
        let effect = match stands {
            Stands::Pending => {
                self.release_order(id);
                NewsEffect::Settled
            }
            Stands::Expired
                if self.short(&units).is_empty() || planted::is(Bug::LateSuccessTakesAll) =>
            {
                NewsEffect::SettledLate
            }
            _ => return Ok(self.orphan(attempt, news)),
        };
        for (variant, quantity) in units {
            let sold = self.shelf.sell(self.env, id, variant, quantity);
            assert!(sold.is_ok(), "units that were held or counted are there");
        }
        self.step(id, Stands::Paid, Actor::Payment, None)?;
        self.book.settled_by(id, attempt);
        self.observe(attempt, news, effect, |attempt| attempt.state = AttemptState::Captured);
        kernel::crash_point!("lane.settlement-decided");
        Ok(Done::News(effect))
    }

    fn orphan(&mut self, id: AttemptId, news: &News) -> Done {
        self.observe(id, news, NewsEffect::SentBack, |attempt| {
            attempt.state = AttemptState::Captured;
            attempt.orphan = true;
        });
        if !planted::is(Bug::RefundForgotten) {
            self.till.send_back(self.id(), id, "the order no longer wanted the money", self.now);
        }
        kernel::crash_point!("lane.sending-back-decided");
        Done::News(NewsEffect::SentBack)
    }

    pub(super) fn refund_ended(&mut self, end: &RefundEnd) -> Outcome {
        let refund = self.till.refund(end.refund_id).ok_or(Refusal::NotFound("refund"))?;
        let attempt = refund.attempt_id;
        self.till.refund_ended(end.refund_id, end.state, end.reference.clone(), self.now);
        kernel::crash_point!("lane.refund-end-decided");
        let order = self.book.order(end.order_id).ok_or(Refusal::NotFound("order"))?;
        let all_back = end.state == RefundState::Succeeded
            && order.settled_by == Some(attempt)
            && self.till.gone_back(attempt) == order.totals.total;
        if all_back && order.state == Stands::Cancelled {
            self.step(end.order_id, Stands::Refunded, Actor::Payment, None)?;
        }
        Ok(Done::Nothing)
    }
}
