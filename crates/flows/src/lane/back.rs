//! Decisions on money that goes back, and on money that comes in cash.

use kernel::{AccountId, AttemptId, OrderId, RefundId};
use orders::{Actor, Line, State as Stands};
use payments::{AttemptState, Meant, News, Origin, RefundLine, RefundState, Saw, Wanted};

use super::Outcome;
use super::command::Done;
use super::money::earned;
use super::state::State;
use crate::payment::{GoneBack, NewsEffect, RefundNews, RefundOf, RefundWish};
use crate::refusal::Refusal;
use crate::shop::CASH_ON_DELIVERY;

/// A part of a line that goes back: the line, units, money, whether it goes on the shelf.
struct Part {
    line: Line,
    quantity: i64,
    amount: i64,
    restock: bool,
}

impl State<'_> {
    /// Staff give money back: for lines, an amount, or all that is left.
    pub(super) fn refund(
        &mut self,
        id: OrderId,
        staff: AccountId,
        refund: RefundId,
        wish: &RefundWish,
    ) -> Outcome {
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let (state, totals) = (order.state, order.totals);
        let attempt = order.settled_by.ok_or(Refusal::NothingToRefund { state })?;
        let paid = self.till.attempt(attempt).ok_or(Refusal::NothingToRefund { state })?;
        let (left, currency) = (paid.worth_left(), paid.amount.currency);
        if left == 0 {
            return Err(Refusal::NothingToRefund { state });
        }
        let (worth, parts) = match &wish.of {
            RefundOf::Amount(amount) => (*amount, Vec::new()),
            RefundOf::Rest { restock } => (left, self.rest(id, *restock)),
            RefundOf::Lines(lines) => {
                let mut parts = Vec::new();
                for wanted in lines {
                    parts.push(self.part(id, &totals, wanted, &parts)?);
                }
                (parts.iter().map(|part| part.amount).sum(), parts)
            }
        };
        if worth <= 0 || worth > left {
            return Err(Refusal::RefundTooMuch { wanted: worth, left });
        }
        let wanted = Wanted {
            id: refund,
            attempt,
            worth,
            reason: &wish.reason,
            origin: Origin::Staff,
            actor: Some(staff),
        };
        if !self.till.reserve(self.env, &wanted, self.now) {
            return Err(Refusal::RefundTooSmall { currency });
        }
        for part in parts {
            self.give_back(id, refund, &part);
        }
        kernel::crash_point!("lane.refund-decided");
        Ok(Done::Refunding(refund))
    }

    /// A part of a line, when as many units were bought and not given back before.
    fn part(
        &self,
        id: OrderId,
        totals: &orders::Totals,
        wanted: &crate::payment::RefundOfLine,
        before: &[Part],
    ) -> Result<Part, Refusal> {
        let line = self.book.lines(id).iter().find(|line| line.position == wanted.position);
        let line = line.ok_or(Refusal::NotFound("line"))?.clone();
        let named = before.iter().filter(|part| part.line.position == line.position);
        let gone = self.till.units_refunded(id, line.position)
            + named.map(|part| part.quantity).sum::<i64>();
        let max = line.quantity - gone;
        if !(1..=max).contains(&wanted.quantity) {
            return Err(Refusal::QuantityInvalid { min: 1, max });
        }
        let amount = share(&line, totals, gone + wanted.quantity) - share(&line, totals, gone);
        Ok(Part { line, quantity: wanted.quantity, amount, restock: wanted.restock })
    }

    /// What was not given back of the order's lines.
    fn rest(&self, id: OrderId, restock: bool) -> Vec<Part> {
        let part = |line: &Line| {
            let quantity = line.quantity - self.till.units_refunded(id, line.position);
            let line = line.clone();
            (quantity > 0).then_some(Part { line, quantity, amount: 0, restock })
        };
        self.book.lines(id).iter().filter_map(part).collect()
    }

    fn give_back(&mut self, id: OrderId, refund: RefundId, part: &Part) {
        // Units that came back before cannot come back again.
        let out = part.line.quantity - part.line.restocked;
        let units = if part.restock { part.quantity.min(out) } else { 0 };
        if units > 0 {
            self.shelf.take_back(self.env, id, part.line.variant_id, units);
            self.book.restock(id, part.line.position, units);
        }
        self.till.refund_line(RefundLine {
            refund_id: refund,
            position: part.line.position,
            quantity: part.quantity,
            amount: part.amount,
            restocked: units > 0,
        });
    }

    /// All units that an order still has go back on the shelf.
    pub(super) fn take_all_back(&mut self, id: OrderId) {
        let out = |line: &Line| (line.position, line.variant_id, line.quantity - line.restocked);
        let lines: Vec<_> = self.book.lines(id).iter().map(out).collect();
        for (position, variant, units) in lines.into_iter().filter(|(_, _, units)| *units > 0) {
            self.shelf.take_back(self.env, id, variant, units);
            self.book.restock(id, position, units);
        }
    }

    pub(super) fn refund_heard(&mut self, news: &RefundNews) -> Outcome {
        let refund = self.till.refund(news.refund_id).ok_or(Refusal::NotFound("refund"))?;
        let attempt = refund.attempt_id;
        let says = (news.says, news.reference.as_deref(), news.failure.as_deref());
        self.till.refund_heard(self.env, news.refund_id, says, self.now);
        kernel::crash_point!("lane.refund-end-decided");
        if news.says == RefundState::Succeeded {
            self.all_gone_back(news.order_id, attempt)?;
        }
        Ok(Done::Nothing)
    }

    /// Money went back, and nobody asked us.
    pub(super) fn gone_back(&mut self, back: &GoneBack) -> Outcome {
        let GoneBack { order_id, attempt_id, amount, why, name } = back;
        let attempt = self.till.attempt(*attempt_id).filter(|it| it.order_id == *order_id);
        let attempt = attempt.ok_or(Refusal::NotFound("payment"))?;
        if attempt.amount.currency != amount.currency {
            return Err(Refusal::NotFound("payment in this currency"));
        }
        let what = (amount.minor, why.as_str(), Some(name.as_str()));
        let news = self.till.external(self.env, *attempt_id, what, self.now);
        if news {
            self.all_gone_back(*order_id, *attempt_id)?;
        }
        let effect = if news { NewsEffect::GivenBack } else { NewsEffect::Nothing };
        Ok(Done::News(effect))
    }

    /// An order whose money has all gone back is refunded.
    pub(super) fn all_gone_back(&mut self, id: OrderId, attempt: AttemptId) -> Result<(), Refusal> {
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let all = self.till.attempt(attempt).is_some_and(payments::Attempt::is_all_back);
        if all && order.settled_by == Some(attempt) && order.state.check(Stands::Refunded).is_ok() {
            self.step(id, Stands::Refunded, Actor::Payment, None)?;
        }
        Ok(())
    }

    /// The courier brought the cash, or the payer refused at the door.
    pub(super) fn cash(
        &mut self,
        id: OrderId,
        staff: AccountId,
        attempt: AttemptId,
        received: bool,
    ) -> Outcome {
        use Stands::{CashDue, Delivered, Packed, Shipped};
        let order = self.book.order(id).ok_or(Refusal::NotFound("order"))?;
        let (state, amount, earned) = (order.state, order.total(), earned(order));
        let due = order.payment_method == CASH_ON_DELIVERY && order.settled_by.is_none();
        let may = match state {
            CashDue | Packed | Shipped => due,
            Delivered => due && received,
            _ => false,
        };
        if !may {
            return Err(Refusal::NothingToPay { state });
        }
        let meant = Meant {
            id: attempt,
            order: id,
            gateway: CASH_ON_DELIVERY.to_owned(),
            amount,
            pays: amount,
            rate: None,
            tax: earned.tax,
            two_stage: false,
            details: "{}".to_owned(),
            deadline: self.now,
            poll_at: self.now,
        };
        self.till.intend(meant, self.now);
        if received {
            let news = News::of(Saw::Captured, amount, String::new(), "staff");
            if state == CashDue {
                self.step(id, Stands::Paid, Actor::Staff(staff), Some("cash"))?;
            }
            self.book.settled_by(id, attempt);
            self.captured(attempt, &news, NewsEffect::Settled);
            self.till.book_sale(self.env, attempt, earned, self.now);
        } else {
            let saw = Saw::Canceled("refused at the door".to_owned());
            let news = News::of(saw, amount, String::new(), "staff");
            let over = NewsEffect::Over.word();
            let refused = |attempt: &mut payments::Attempt| {
                attempt.state = AttemptState::Canceled;
                attempt.reason = Some("refused at the door".to_owned());
            };
            self.till.observe(attempt, &news, over, refused, self.now);
            self.till.asked_no_more(attempt);
            self.step(id, Stands::Cancelled, Actor::Staff(staff), Some("refused at the door"))?;
            self.take_all_back(id);
        }
        kernel::crash_point!("lane.cash-decided");
        Ok(Done::Nothing)
    }
}

/// What so many units of a line cost, the order's discount shared out by price. Rounded down from
/// the first unit on, so that the parts of a line add up to the whole.
fn share(line: &Line, totals: &orders::Totals, units: i64) -> i64 {
    let whole = i128::from(line.unit_price) * i128::from(units);
    let (paid, merchandise) =
        (i128::from(totals.merchandise - totals.discount), i128::from(totals.merchandise));
    let part = if merchandise == 0 { 0 } else { whole * paid / merchandise };
    i64::try_from(part).unwrap_or(i64::MAX)
}
