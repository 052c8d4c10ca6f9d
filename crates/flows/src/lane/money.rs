//! Decisions on payments: what money does to an order, and what an order does with money.

use kernel::planted::{self, Bug};
use kernel::{AccountId, AttemptId, Money, OrderId, Rate, SignedDuration};
use orders::{Actor, Order, State as Stands};
use payments::{
    Attempt, AttemptState, Earned, GONE_AT_THE_PROVIDER, Meant, News, Origin, Saw, Stance, Verdict,
    judge,
};

use super::Outcome;
use super::command::Done;
use super::state::State;
use crate::payment::{NewsEffect, Opening, Paying};
use crate::quote::later;
use crate::refusal::Refusal;

/// When an attempt that nobody has told us of is first asked about.
const FIRST_POLL: SignedDuration = SignedDuration::from_secs(20);
/// For the bug `AttemptForgotten`.
const YEARS: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

impl State<'_> {
    pub(super) fn pay(
        &mut self,
        id: OrderId,
        customer: AccountId,
        attempt: AttemptId,
        opening: &Opening,
    ) -> Outcome {
        let order = self.book.order(id).filter(|order| order.customer_id == customer);
        let order = order.ok_or(Refusal::NotFound("order"))?;
        let deadline = order.pay_by.filter(|pay_by| self.now < *pay_by);
        let Some(deadline) = deadline.filter(|_| order.state == Stands::Pending) else {
            return Err(Refusal::NothingToPay { state: order.state });
        };
        if order.claimed_by.is_some() {
            return Err(Refusal::PaymentUnderWay);
        }
        let total = order.total();
        let mut paying = Paying {
            attempt_id: attempt,
            order_id: id,
            number: order.number.clone(),
            gateway: opening.gateway.clone(),
            amount: total,
            redirect_url: None,
            pay_by: order.pay_by,
        };
        let tax = order.totals.tax;
        let live = self.till.live(id, &opening.gateway).map(|live| live.id);
        // The payer goes elsewhere: nobody wants the other pages paid any more.
        self.close_attempts(id, live);
        if let Some(live) = live {
            self.till.want_again(live);
            paying.attempt_id = live;
            if let Some(live) = self.till.attempt(live) {
                // At the rate it was made with, also when the rate has changed since.
                paying.amount = live.amount;
                if planted::is(Bug::RateOfToday) {
                    paying.amount = charged(total, opening)?.0;
                }
                paying.redirect_url.clone_from(&live.redirect_url);
            }
            return Ok(Done::Paying(paying));
        }
        let (amount, rate) = charged(total, opening)?;
        paying.amount = amount;
        let meant = Meant {
            id: attempt,
            order: id,
            gateway: opening.gateway.clone(),
            amount,
            pays: total,
            rate,
            tax,
            two_stage: opening.two_stage,
            details: opening.details.clone(),
            deadline: opening.deadline.unwrap_or(deadline),
            poll_at: later(
                self.now,
                if planted::is(Bug::AttemptForgotten) { YEARS } else { FIRST_POLL },
            ),
        };
        self.till.intend(meant, self.now);
        kernel::crash_point!("lane.payment-decided");
        Ok(Done::Paying(paying))
    }

    /// What is open of an order's payments is to be called off, except one.
    pub(super) fn close_attempts(&mut self, order: OrderId, except: Option<AttemptId>) {
        let others: Vec<AttemptId> =
            self.till.of_order(order).iter().map(|attempt| attempt.id).collect();
        for id in others.into_iter().filter(|id| Some(*id) != except) {
            self.till.close(id, self.now);
        }
    }

    /// What an order has to say to money from this attempt.
    fn stance(&self, order: &Order, attempt: AttemptId) -> Stance {
        match order.state {
            Stands::Pending if order.claimed_by.is_some_and(|other| other != attempt) => {
                Stance::Claimed
            }
            Stands::Pending => Stance::Open,
            Stands::Expired
                if planted::is(Bug::LateSuccessTakesAll)
                    || self.short(&self.units(order.id)).is_empty() =>
            {
                Stance::Revivable
            }
            _ if order.settled_by.is_some_and(|other| other != attempt) => Stance::Claimed,
            _ => Stance::Closed,
        }
    }

    pub(super) fn news(&mut self, id: OrderId, attempt_id: AttemptId, news: &News) -> Outcome {
        let attempt = self.till.attempt(attempt_id).filter(|attempt| attempt.order_id == id);
        let attempt = attempt.ok_or(Refusal::NotFound("payment"))?;
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let stance = self.stance(order, attempt_id);
        let sent_back = self.till.sent_back(attempt_id);
        let effect = match judge(attempt, stance, news, sent_back, self.now) {
            Verdict::Nothing => NewsEffect::Nothing,
            Verdict::Waiting => {
                return Ok(self.goes(attempt_id, news, AttemptState::AwaitingPayer));
            }
            Verdict::Processing => {
                if order.state == Stands::Pending {
                    let until = later(self.now, self.settings.payment);
                    self.book.wait_until(id, until);
                }
                return Ok(self.goes(attempt_id, news, AttemptState::Processing));
            }
            Verdict::Close => return Ok(self.goes(attempt_id, news, AttemptState::Closing)),
            Verdict::Void => return Ok(self.goes(attempt_id, news, AttemptState::Voiding)),
            // The amount is what was asked for, and so it must be for all of the order.
            Verdict::Capture | Verdict::Settle if attempt.pays != order.total() => {
                let why = format!("it pays {} of {}", attempt.pays, order.total());
                return Ok(self.review(attempt_id, news, why));
            }
            Verdict::Capture => return self.claim(id, attempt_id, news),
            Verdict::Settle => return self.settle(id, attempt_id, news),
            Verdict::SendBack => return Ok(self.orphan(attempt_id, news)),
            Verdict::Over(reason) => {
                self.unclaim(id, attempt_id);
                self.observe(attempt_id, news, NewsEffect::Over, |attempt| {
                    attempt.state = AttemptState::Canceled;
                    attempt.reason = Some(reason);
                });
                return Ok(Done::News(NewsEffect::Over));
            }
            Verdict::External(minor) => {
                self.observe(attempt_id, news, NewsEffect::GivenBack, |_| {});
                let what = (minor, GONE_AT_THE_PROVIDER, None);
                self.till.external(self.env, attempt_id, what, self.now);
                self.all_gone_back(id, attempt_id)?;
                return Ok(Done::News(NewsEffect::GivenBack));
            }
            Verdict::Review(why) => return Ok(self.review(attempt_id, news, why)),
        };
        self.observe(attempt_id, news, effect, |_| {});
        Ok(Done::News(effect))
    }

    fn review(&mut self, attempt: AttemptId, news: &News, why: String) -> Done {
        self.observe(attempt, news, NewsEffect::Review, |attempt| attempt.review = Some(why));
        Done::News(NewsEffect::Review)
    }

    fn goes(&mut self, attempt: AttemptId, news: &News, to: AttemptState) -> Done {
        let effect = match to {
            AttemptState::Processing => NewsEffect::Processing,
            AttemptState::Closing => NewsEffect::Closing,
            AttemptState::Voiding => NewsEffect::Voiding,
            AttemptState::Capturing => NewsEffect::Capturing,
            _ => NewsEffect::Waiting,
        };
        self.observe(attempt, news, effect, |attempt| attempt.state = to);
        Done::News(effect)
    }

    fn observe(
        &mut self,
        attempt: AttemptId,
        news: &News,
        effect: NewsEffect,
        change: impl FnOnce(&mut Attempt),
    ) {
        self.till.observe(attempt, news, effect.word(), change, self.now);
    }

    /// The money is reserved and wanted: the order claims it. From here on its units are its own:
    /// they stay held, and neither time nor anybody else ends the order, until the money is ours
    /// or nothing comes of it. An order that had expired takes its units again.
    fn claim(&mut self, id: OrderId, attempt: AttemptId, news: &News) -> Outcome {
        if self.book.order(id).is_some_and(|order| order.state == Stands::Expired) {
            self.step(id, Stands::Pending, Actor::Payment, None)?;
            let until = later(self.now, self.settings.payment);
            for (variant, quantity) in self.units(id) {
                let holder = inventory::Holder::Order(id);
                let held = self.shelf.promise(holder, variant, quantity, until);
                assert!(held.is_ok(), "units that were counted are there");
            }
        }
        self.book.claimed_by(id, Some(attempt));
        let done = self.goes(attempt, news, AttemptState::Capturing);
        kernel::crash_point!("lane.claim-decided");
        Ok(done)
    }

    /// Nothing came of money that was being taken: the order is as it was before, and time may
    /// end it.
    fn unclaim(&mut self, id: OrderId, attempt: AttemptId) {
        if self.book.order(id).is_some_and(|order| order.claimed_by == Some(attempt)) {
            self.book.claimed_by(id, None);
        }
    }

    /// The money came and the order wants it: it is paid, and its units are sold.
    fn settle(&mut self, id: OrderId, attempt: AttemptId, news: &News) -> Outcome {
        debug_assert_eq!(news.saw, Saw::Captured);
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let (late, earned) = (order.state == Stands::Expired, earned(order));
        let skipped = planted::is(Bug::NoticeSkipsStock) && news.source == "notice";
        let units = if skipped { Vec::new() } else { self.units(id) };
        let effect = if late { NewsEffect::SettledLate } else { NewsEffect::Settled };
        self.release_order(id);
        for (variant, quantity) in units {
            let sold = self.shelf.sell(self.env, id, variant, quantity);
            assert!(sold.is_ok(), "units that were held or counted are there");
        }
        self.step(id, Stands::Paid, Actor::Payment, None)?;
        self.book.settled_by(id, attempt);
        self.captured(attempt, news, effect);
        self.till.book_sale(self.env, attempt, earned, self.now);
        self.close_attempts(id, Some(attempt));
        kernel::crash_point!("lane.settlement-decided");
        Ok(Done::News(effect))
    }

    pub(super) fn captured(&mut self, attempt: AttemptId, news: &News, effect: NewsEffect) {
        let orphan = effect == NewsEffect::SentBack;
        self.observe(attempt, news, effect, |attempt| {
            attempt.state = AttemptState::Captured;
            attempt.captured = attempt.amount.minor;
            attempt.orphan = orphan;
        });
    }

    fn orphan(&mut self, id: AttemptId, news: &News) -> Done {
        self.captured(id, news, NewsEffect::SentBack);
        self.till.book_orphan(self.env, id, self.now);
        if !planted::is(Bug::RefundForgotten) {
            let why = (Origin::Orphan, "the order no longer wanted the money");
            self.till.send_back(self.env, id, why, self.now);
        }
        kernel::crash_point!("lane.sending-back-decided");
        Done::News(NewsEffect::SentBack)
    }
}

/// What is to be paid for `total`, and at which rate.
fn charged(total: Money, opening: &Opening) -> Result<(Money, Option<Rate>), Refusal> {
    let Some((currency, rate)) = opening.rate.filter(|(it, _)| *it != total.currency) else {
        return Ok((total, None));
    };
    let amount = rate.convert(total, currency);
    let amount = amount.map_err(|_| Refusal::MethodUnfit(opening.gateway.clone()))?;
    Ok((amount, Some(rate)))
}

/// How what an order earns is made up.
pub(super) fn earned(order: &Order) -> Earned {
    let totals = &order.totals;
    Earned {
        sales: totals.merchandise - totals.discount,
        shipping: totals.shipping,
        tax: totals.tax,
    }
}
