//! Money, as it comes and as it goes back.

use super::payment::{Payment, asked};
use super::{
    Answer, AttemptState, Buyer, Done, Fit, GiveBack, Holder, Model, NewsEffect, No, Number, Order,
    Says, State, Variant,
};

/// After a payer's time, for clocks that differ.
const AFTER_THE_TERM: i64 = 300;
/// After it, for calls that are under way.
const LAST_CALLS: i64 = 3600;
/// The third way to pay, after the two gateways.
const CASH: usize = 2;

/// Paying.
impl Model {
    /// Nobody wants an order's pages paid any more, but for one.
    pub(super) fn close(&mut self, number: Number, except: Option<usize>) {
        for (index, payment) in self.payments.iter_mut().enumerate() {
            if payment.order != number || payment.review || Some(index) == except {
                continue;
            }
            match payment.state {
                AttemptState::Submitting => payment.unwanted = true,
                AttemptState::AwaitingPayer | AttemptState::Processing => {
                    payment.state = AttemptState::Closing;
                }
                _ => {}
            }
        }
    }

    pub(super) fn pay(&mut self, buyer: Buyer, number: Number, gateway: usize, key: u8) -> Answer {
        let order = self.orders.get(&number).filter(|order| order.buyer == buyer);
        let order = *order.ok_or(No::NotFound("order"))?;
        if order.state != State::Pending || order.pay_by <= Some(self.now) {
            return Err(No::NothingToPay { state: order.state });
        }
        if order.claimed_by.is_some() {
            return Err(No::PaymentUnderWay);
        }
        let open = |p: &Payment| p.order == number && p.gateway == gateway && p.state.is_live();
        let attempt = self.payments.iter().position(open).unwrap_or(self.payments.len());
        self.close(number, Some(attempt));
        if let Some(open) = self.payments.get_mut(attempt) {
            open.unwanted = false;
        } else {
            let asked = asked(order.total, gateway, key);
            let until = order.pay_by.unwrap_or(self.now);
            self.payments.push(Payment::new((number, gateway), (asked, order.total), until));
        }
        // What was begun keeps what it asks for, whatever the rate is now.
        Ok(Done::Paying { attempt, amount: self.payments[attempt].asked })
    }

    /// Whether all units of an order are still to be had.
    fn all_there(&self, number: Number) -> bool {
        let lines = &self.quotes[number].lines;
        let units = lines.iter().map(|(variant, (units, _))| (*variant, *units));
        self.short(Holder::Order(number), units).is_empty()
    }

    /// Whether the order wants this money: it waits for it, or would come back for it.
    fn wants(&self, order: &Order, index: usize) -> bool {
        match order.state {
            State::Pending => order.claimed_by.is_none_or(|claimed| claimed == index),
            State::Expired => self.all_there(order.number),
            _ => false,
        }
    }

    /// What fits moves money once; what does not fit moves nothing until a person has looked.
    pub(super) fn news(&mut self, index: usize, says: Says, fit: Fit) -> Answer {
        let payment = &self.payments[index];
        if fit == Fit::OtherOrder {
            return Err(No::NotFound("payment"));
        }
        if payment.review {
            return Ok(Done::News(NewsEffect::Nothing));
        }
        // A gateway that does not know the payment has no name for it and no amount.
        let name = (says != Says::Absent).then_some(fit != Fit::OtherReference);
        let renamed = name.is_some() && payment.named.is_some() && name != payment.named;
        let wrong = says != Says::Absent && matches!(fit, Fit::OtherAmount | Fit::OtherCurrency);
        if payment.state == AttemptState::Captured {
            let effect = match says {
                Says::GivenBack { minor } if !renamed && !wrong => self.given_back(index, minor),
                _ => NewsEffect::Nothing,
            };
            let payment = &mut self.payments[index];
            payment.named = payment.named.or(name);
            return Ok(Done::News(effect));
        }
        if renamed || wrong {
            self.payments[index].review = true;
            return Ok(Done::News(NewsEffect::Review));
        }
        let effect = self.hears(index, says);
        let payment = &mut self.payments[index];
        payment.named = payment.named.or(name);
        Ok(Done::News(effect))
    }

    fn hears(&mut self, index: usize, says: Says) -> NewsEffect {
        use AttemptState::{
            AwaitingPayer, Canceled, Capturing, Closing, Processing, Submitting, Voiding,
        };
        let payment = self.payments[index].clone();
        let order = self.orders[&payment.order];
        let wanted = self.wants(&order, index);
        let open = order.state == State::Pending && wanted;
        let over_by = |seconds| payment.until + seconds <= self.now;
        let (effect, state) = match (says, payment.state) {
            (Says::Captured | Says::GivenBack { .. }, _) => return self.captured(index, wanted),
            (Says::Authorized, Capturing | Voiding) | (Says::Declined, Canceled) => {
                return NewsEffect::Nothing;
            }
            (Says::Authorized, _) if wanted => return self.claim(index),
            (Says::Authorized, _) => (NewsEffect::Voiding, Voiding),
            (Says::Declined, _) => (NewsEffect::Over, Canceled),
            (Says::Processing, Submitting | AwaitingPayer | Processing) => {
                let until = self.now + self.rules.payment.as_secs();
                if let Some(order) = self.orders.get_mut(&payment.order)
                    && order.state == State::Pending
                {
                    order.pay_by = order.pay_by.max(Some(until));
                }
                (NewsEffect::Processing, Processing)
            }
            (Says::Waiting, Submitting | AwaitingPayer) if !open => (NewsEffect::Closing, Closing),
            (Says::Waiting, Submitting) if payment.unwanted => (NewsEffect::Closing, Closing),
            (Says::Waiting, Submitting) => (NewsEffect::Waiting, AwaitingPayer),
            (Says::Absent, Submitting) if !open && over_by(LAST_CALLS) => {
                (NewsEffect::Over, Canceled)
            }
            (Says::Absent, AwaitingPayer | Closing) | (Says::Waiting, Closing)
                if over_by(AFTER_THE_TERM) =>
            {
                (NewsEffect::Over, Canceled)
            }
            _ => return NewsEffect::Nothing,
        };
        self.payments[index].state = state;
        if effect == NewsEffect::Over
            && let Some(order) = self.orders.get_mut(&payment.order)
        {
            order.claimed_by = order.claimed_by.filter(|claimed| *claimed != index);
        }
        effect
    }

    /// The money is reserved, and the order takes it; one that was given up takes its units again.
    fn claim(&mut self, index: usize) -> NewsEffect {
        let number = self.payments[index].order;
        self.payments[index].state = AttemptState::Capturing;
        if self.orders[&number].state == State::Expired {
            let lines = self.quotes[number].lines.clone();
            for (variant, (units, _)) in lines {
                // All of it is there: that was looked at before.
                let _ = self.promise(Holder::Order(number), variant, units);
            }
        }
        if let Some(order) = self.orders.get_mut(&number) {
            (order.state, order.claimed_by) = (State::Pending, Some(index));
        }
        NewsEffect::Capturing
    }

    /// Money came: it pays an order that wants it; any other money goes back.
    fn captured(&mut self, index: usize, wanted: bool) -> NewsEffect {
        let number = self.payments[index].order;
        let order = self.orders[&number];
        let payment = &mut self.payments[index];
        (payment.state, payment.captured) = (AttemptState::Captured, payment.asked);
        if !wanted {
            payment.send_all_back();
            return NewsEffect::SentBack;
        }
        self.sell(number, 1);
        self.close(number, Some(index));
        if let Some(order) = self.orders.get_mut(&number) {
            (order.state, order.settled_by, order.claimed_by) = (State::Paid, Some(index), None);
        }
        if order.state == State::Expired { NewsEffect::SettledLate } else { NewsEffect::Settled }
    }
}

/// Giving back.
impl Model {
    /// Somebody gave money back in the gateway's books.
    fn given_back(&mut self, index: usize, minor: i64) -> NewsEffect {
        let payment = &mut self.payments[index];
        let more = minor - payment.gone("succeeded");
        if more <= 0 {
            return NewsEffect::Nothing;
        }
        payment.went_back(more);
        self.all_back(index);
        NewsEffect::GivenBack
    }

    fn all_back(&mut self, index: usize) {
        use State::{Cancelled, Delivered, Packed, Paid, Shipped};
        let payment = &self.payments[index];
        let gone = payment.gone("succeeded");
        if let Some(order) = self.orders.get_mut(&payment.order)
            && order.settled_by == Some(index)
            && gone == payment.captured
            && matches!(order.state, Cancelled | Delivered | Packed | Paid | Shipped)
        {
            order.state = State::Refunded;
        }
    }

    pub(super) fn give_back(&mut self, number: Number, of: GiveBack) -> Answer {
        let order = *self.orders.get(&number).ok_or(No::NotFound("order"))?;
        let none = No::NothingToRefund { state: order.state };
        let index = order.settled_by.ok_or(none.clone())?;
        let left = self.payments[index].worth_left();
        if left == 0 {
            return Err(none);
        }
        let lines = self.quotes[number].lines.clone();
        let (wanted, units, restock) = match of {
            GiveBack::Amount(minor) => (minor, Vec::new(), false),
            GiveBack::Lines { variant, units, restock } => {
                let (bought, price) = *lines.get(&variant).ok_or(No::NotFound("line"))?;
                let most = bought - self.units_back(index, variant);
                if !(1..=most).contains(&units) {
                    return Err(No::QuantityInvalid { min: 1 });
                }
                (units * price, vec![(variant, units)], restock)
            }
            GiveBack::Rest { restock } => {
                let rest = |(variant, (bought, _)): (&Variant, &(i64, i64))| {
                    (*variant, bought - self.units_back(index, *variant))
                };
                let rest = lines.iter().map(rest).filter(|(_, units)| *units > 0);
                (left, rest.collect(), restock)
            }
        };
        if wanted <= 0 || wanted > left {
            return Err(No::RefundTooMuch { wanted, left });
        }
        for (variant, units) in units.iter().filter(|_| restock) {
            self.take_back(number, *variant, *units);
        }
        self.payments[index].send(wanted, units);
        Ok(Done::Nothing)
    }

    /// Units of a thing whose money went back, or is on its way.
    fn units_back(&self, index: usize, variant: Variant) -> i64 {
        let back = self.payments[index].back.iter().filter(|back| back.state != "failed");
        let units = back.flat_map(|back| &back.units).filter(|(of, _)| *of == variant);
        units.map(|(_, units)| units).sum()
    }

    pub(super) fn refunds_end(&mut self, number: Number, succeeded: bool) -> Done {
        let end = if succeeded { "succeeded" } else { "failed" };
        for index in 0..self.payments.len() {
            let payment = &mut self.payments[index];
            if payment.order != number {
                continue;
            }
            for back in payment.back.iter_mut().filter(|back| back.state == "reserved") {
                back.state = end;
            }
            self.all_back(index);
        }
        Done::Nothing
    }

    /// The cash came, or was refused at the door.
    pub(super) fn cash(&mut self, number: Number, received: bool) -> Answer {
        use State::{Cancelled, CashDue, Delivered, Packed, Paid, Shipped};
        let order = *self.orders.get(&number).ok_or(No::NotFound("order"))?;
        let here = match order.state {
            CashDue | Packed | Shipped => true,
            Delivered => received,
            _ => false,
        };
        if !here || !order.cash || order.settled_by.is_some() {
            return Err(No::NothingToPay { state: order.state });
        }
        let state = if received { AttemptState::Captured } else { AttemptState::Canceled };
        let index = self.payments.len();
        let captured = if received { order.total } else { 0 };
        let cash = Payment::new((number, CASH), (order.total, order.total), self.now);
        self.payments.push(Payment { state, captured, ..cash });
        if !received {
            self.take_all_back(number);
        }
        if let Some(order) = self.orders.get_mut(&number) {
            match order.state {
                _ if !received => order.state = Cancelled,
                CashDue => (order.state, order.settled_by) = (Paid, Some(index)),
                _ => order.settled_by = Some(index),
            }
        }
        Ok(Done::Nothing)
    }
}
