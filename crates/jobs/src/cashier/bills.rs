//! Reading the bills of gateways that list nothing: what was paid, what was kept, what went back.

use gateways::{Gateway, GatewayError, WORKER_PATIENCE};
use kernel::{Fault, Money, SignedDuration};
use payments::{GivenBack, RefundState, Statement};

use super::lists::{DAY, NOON};
use super::{Cashier, after, before, settle_quietly};
use crate::books::{bill, day_of, of_bill};

/// How far back bills are read after a pause; gateways keep them longer.
const BILLS_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Bills read in one round.
const BILLS_AT_ONCE: usize = 7;

impl Cashier {
    /// Reads the bills that have come since the last one.
    pub(super) async fn read_bills(
        &self,
        gateway: &dyn Gateway,
    ) -> Result<Result<usize, GatewayError>, Fault> {
        let (name, now) = (gateway.name(), self.shop.env.now());
        let mut asked = 0;
        for _ in 0..BILLS_AT_ONCE {
            let last = self.shop.db.read(move |read| payments::list_read_until(read, name)).await?;
            let next = last.map_or(before(now, DAY), |last| after(last, NOON));
            let day = day_of(next.max(before(now, BILLS_BACK)));
            if day >= day_of(now) {
                break;
            }
            let report = match bill(gateway, day, now).await {
                Ok(Some(report)) => report,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            let (payments, refunds) = of_bill(name, &report, now);
            for said in payments {
                asked += usize::from(self.take_in_bill(name, said).await?);
            }
            for back in refunds {
                asked += usize::from(self.take_in_given_back(name, &back).await?);
            }
            let until = report.span.to;
            self.shop.db.write(move |tx| payments::list_read(tx, name, until)).await?;
        }
        Ok(Ok(asked))
    }

    /// Takes in a payment that a bill speaks of. True when the gateway was asked about it.
    async fn take_in_bill(&self, gateway: &'static str, said: Statement) -> Result<bool, Fault> {
        let found = self.attempt_of(gateway, &said).await?;
        let kept = said.fee.map(|fee| Money::new(fee, said.currency));
        self.keep(said, found.is_none()).await?;
        let Some(attempt) = found else { return Ok(false) };
        let news = attempt.captured == 0 && attempt.review.is_none();
        if news {
            self.ask(&attempt, "list", WORKER_PATIENCE).await?;
        }
        if let Some(fee) = kept.filter(|_| attempt.fee.is_none()) {
            settle_quietly(self.shop.book_fee(attempt.order_id, attempt.id, fee).await)?;
        }
        Ok(news)
    }

    /// Takes in a refund that a bill speaks of. True when it was news.
    async fn take_in_given_back(
        &self,
        gateway: &'static str,
        said: &GivenBack,
    ) -> Result<bool, Fault> {
        let (id, of, payment) = (said.refund_id, said.attempt_id, said.payment.clone());
        let found = self.shop.db.read(move |read| {
            let refund = id.map(|id| payments::find_refund(read, id)).transpose()?.flatten();
            let of = refund.as_ref().map(|refund| refund.attempt_id).or(of);
            let by_id = of.map(|id| payments::find(read, id)).transpose()?.flatten();
            let attempt = match (by_id, payment) {
                (None, Some(payment)) => payments::by_reference(read, gateway, &payment)?,
                (found, _) => found,
            };
            Ok::<_, Fault>((refund, attempt))
        });
        let (refund, attempt) = found.await?;
        match (refund, attempt.filter(|attempt| attempt.gateway == gateway)) {
            (Some(refund), Some(_)) if refund.amount != said.amount => {
                tracing::error!(refund = %refund.id, said = %said.amount, "a refund of another amount");
                Ok(false)
            }
            (Some(refund), Some(_)) if refund.state.is_under_way() => {
                let heard = (RefundState::Succeeded, Some(said.name.clone()), None);
                self.refund_heard(&refund, heard).await?;
                Ok(true)
            }
            (None, Some(attempt)) => {
                self.book_gone(&attempt, said).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
