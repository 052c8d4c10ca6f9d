//! Writing what has become of attempts and refunds.

use kernel::Fault;
use store::{Param, Tx, Value};

use super::Till;
use crate::sql;

impl Till {
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
                attempt.pays.minor.value(),
                attempt.pays.currency.value(),
                attempt.rate.value(),
                attempt.tax.value(),
                attempt.two_stage.value(),
                attempt.details.value(),
                attempt.deadline.value(),
                attempt.payable_until.value(),
                attempt.reason.value(),
                attempt.captured.value(),
                attempt.observations.value(),
                attempt.last_saw.value(),
                attempt.created_at.value(),
                attempt.updated_at.value(),
                attempt.since.value(),
                attempt.poll_at.value(),
                attempt.polls.value(),
            ]
        })?;
        tx.update_many(&sql::ATTEMPTS_SET, &self.attempts.changed(), |(id, attempt)| {
            [
                id.value(),
                Value::Text(attempt.state.as_str()),
                attempt.reference.value(),
                attempt.secondary.value(),
                attempt.redirect_url.value(),
                attempt.method.value(),
                attempt.review.value(),
                attempt.reason.value(),
                attempt.orphan.value(),
                attempt.unwanted.value(),
                attempt.captured.value(),
                attempt.reserved.value(),
                attempt.refunded.value(),
                attempt.worth_back.value(),
                attempt.fee.value(),
                attempt.observations.value(),
                attempt.last_saw.value(),
                attempt.updated_at.value(),
                attempt.since.value(),
                attempt.poll_at.value(),
                attempt.polls.value(),
            ]
        })?;
        tx.insert_many(&sql::HISTORY_ADD, &self.observed, |seen| {
            [
                seen.attempt_id.value(),
                seen.seq.value(),
                seen.source.value(),
                seen.saw.value(),
                seen.amount.value(),
                seen.currency.value(),
                seen.refunded.value(),
                seen.reference.value(),
                seen.effect.value(),
                seen.at.value(),
            ]
        })?;
        self.write_refunds(tx)?;
        self.ledger.write(tx)
    }

    fn write_refunds(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        tx.insert_many(&sql::REFUNDS_ADD, &self.refunds.added(), |(id, refund)| {
            [
                id.value(),
                refund.attempt_id.value(),
                refund.order_id.value(),
                refund.amount.minor.value(),
                refund.amount.currency.value(),
                refund.worth.value(),
                refund.reason.value(),
                Value::Text(refund.origin.as_str()),
                Value::Text(refund.state.as_str()),
                refund.reference.value(),
                refund.failure.value(),
                refund.actor.value(),
                refund.due_at.value(),
                refund.created_at.value(),
                refund.updated_at.value(),
            ]
        })?;
        tx.update_many(&sql::REFUNDS_SET, &self.refunds.changed(), |(id, refund)| {
            [
                id.value(),
                Value::Text(refund.state.as_str()),
                refund.reference.value(),
                refund.failure.value(),
                refund.updated_at.value(),
                refund.due_at.value(),
            ]
        })?;
        tx.insert_many(&sql::REFUND_LINES_ADD, &self.lines.added(), |(_, line)| {
            [
                line.refund_id.value(),
                line.position.value(),
                line.quantity.value(),
                line.amount.value(),
                line.restocked.value(),
            ]
        })
    }
}
