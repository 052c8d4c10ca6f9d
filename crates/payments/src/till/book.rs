//! What is booked about attempts and refunds.

use kernel::{AttemptId, Env, Money, RefundId, Timestamp};

use super::Till;
use crate::attempt::Attempt;
use crate::ledger::{About, Account, Earned};
use crate::refund::Refund;

impl Till {
    /// Books what an order has earned by an attempt that was just captured.
    pub fn book_sale(&mut self, env: &Env, id: AttemptId, earned: Earned, now: Timestamp) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let own = |minor| Money::new(minor, attempt.pays.currency);
        let Earned { sales, shipping, tax } = earned;
        let mut lines = vec![
            (Account::Gateway(attempt.gateway.clone()), attempt.amount),
            (Account::Sales, own(-sales)),
            (Account::Shipping, own(-shipping)),
            (Account::Tax, own(-tax)),
        ];
        lines.extend(exchanged(attempt.amount, attempt.pays));
        self.ledger.book(about(env, attempt, "captured", None, now), &lines);
    }

    /// Books money that no order wants: the shop owes it to the customer.
    pub fn book_orphan(&mut self, env: &Env, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let came = |minor| Money::new(minor, attempt.amount.currency);
        let lines = [
            (Account::Gateway(attempt.gateway.clone()), came(attempt.captured)),
            (Account::Customer, came(-attempt.captured)),
        ];
        self.ledger.book(about(env, attempt, "orphaned", None, now), &lines);
    }

    /// Books what a gateway kept of money that came, once, in the currency it kept it in. False
    /// when that was done before, or nothing came.
    pub fn book_fee(&mut self, env: &Env, id: AttemptId, fee: Money, now: Timestamp) -> bool {
        let open = |attempt: &&mut Attempt| attempt.captured > 0 && attempt.fee.is_none();
        let Some(attempt) = self.attempts.get_mut(id).filter(open) else { return false };
        attempt.fee = Some(fee.minor);
        let gateway = Account::Gateway(attempt.gateway.clone());
        let lines = [(Account::Fees, fee), (gateway, negative(fee))];
        let about = about(env, attempt, "fee", None, now);
        self.ledger.book(about, &lines);
        true
    }

    /// What an order gives up, the shop owes its customer. Money that no order wanted is owed
    /// since it came.
    pub(super) fn book_promise(
        &mut self,
        env: &Env,
        attempt: &Attempt,
        refund: &Refund,
        sign: i64,
        now: Timestamp,
    ) {
        if attempt.orphan {
            return;
        }
        let kind = if sign > 0 { "refund_reserved" } else { "refund_given_up" };
        let amount = Money { minor: refund.amount.minor * sign, ..refund.amount };
        let worth = Money::new(refund.worth * sign, attempt.pays.currency);
        let mut lines = vec![(Account::Refunds, worth), (Account::Customer, negative(amount))];
        lines.extend(exchanged(negative(amount), negative(worth)));
        self.ledger.book(about(env, attempt, kind, Some(refund.id), now), &lines);
    }

    pub(super) fn book_way_back(
        &mut self,
        env: &Env,
        attempt: &Attempt,
        refund: &Refund,
        sign: i64,
        now: Timestamp,
    ) {
        let kind = if sign > 0 { "refunded" } else { "refund_came_back" };
        let amount = Money { minor: refund.amount.minor * sign, ..refund.amount };
        let gateway = Account::Gateway(attempt.gateway.clone());
        let lines = [(Account::Customer, amount), (gateway, negative(amount))];
        self.ledger.book(about(env, attempt, kind, Some(refund.id), now), &lines);
    }
}

fn negative(money: Money) -> Money {
    Money { minor: -money.minor, ..money }
}

/// What stands between money that came in one currency and what was earned with it in another, so
/// that either adds up to nothing. Nothing where they are the same.
fn exchanged(came: Money, earned: Money) -> Vec<(Account, Money)> {
    if came.currency == earned.currency {
        return Vec::new();
    }
    vec![(Account::Exchange, negative(came)), (Account::Exchange, earned)]
}

fn about(
    env: &Env,
    attempt: &Attempt,
    kind: &'static str,
    refund: Option<RefundId>,
    at: Timestamp,
) -> About {
    let (order, attempt) = (attempt.order_id, Some(attempt.id));
    About { txn: env.id(), kind, order, attempt, refund, at }
}
