//! What can be done about a difference without a person. Each of it may be done again, and again
//! later, and does nothing the second time.

use flows::{GoneBack, NewsEffect};
use gateways::WORKER_PATIENCE;
use kernel::{AttemptId, Date, Error, Fault, RefundId};
use payments::{Attempt, Break, Class, Fix, GONE_AT_THE_PROVIDER, GivenBack, RefundState};

use super::{Cashier, back, payment_ref, settle_quietly};
use crate::books::{self, CannotCompare, Compared, Progress};

/// What came of a difference.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Mended {
    /// Which gateway.
    pub gateway: String,
    /// What kind of difference it was.
    pub class: Class,
    /// The gateway's id of the payment.
    pub reference: Option<String>,
    /// What was done, in words.
    pub did: String,
}

impl Cashier {
    /// Compares a day at every gateway that shows its books. Nothing is written.
    ///
    /// # Errors
    /// When either side's books cannot be read.
    pub async fn compare_day(
        &self,
        day: Date,
        progress: Progress<'_>,
    ) -> Result<Vec<Compared>, CannotCompare> {
        let mut all = Vec::new();
        for gateway in self.gateways.values() {
            let when = (day, self.shop.env.now());
            let db = &self.shop.db;
            let compared = books::compare_day(db, gateway.as_ref(), when, progress).await?;
            all.extend(compared);
        }
        Ok(all)
    }

    /// Compares a day, and does about each difference what can be done without a person. Gives
    /// the differences, and what came of each in the same order.
    ///
    /// # Errors
    /// When either side's books cannot be read, or the shop cannot write.
    pub async fn mend_day(
        &self,
        day: Date,
        progress: Progress<'_>,
    ) -> Result<(Vec<Compared>, Vec<Mended>), CannotCompare> {
        let all = self.compare_day(day, progress).await?;
        let mut mended = Vec::new();
        for compared in &all {
            for found in &compared.breaks {
                let (gateway, reference) = (found.gateway.clone(), found.reference.clone());
                let did = self.mend(found).await?;
                mended.push(Mended { gateway, class: found.class, reference, did });
            }
            // What was mended differs no more; what is left is a person's.
            let left = compared.breaks.iter().filter(|found| found.fix == Fix::LookThere);
            self.note_compared(day, compared.gateway, left.count()).await?;
        }
        Ok((all, mended))
    }

    pub(super) async fn note_compared(
        &self,
        day: Date,
        name: &'static str,
        differences: usize,
    ) -> Result<(), Fault> {
        let now = self.shop.env.now();
        let differences = i64::try_from(differences).unwrap_or(i64::MAX);
        let write =
            move |tx: &mut store::Tx<'_>| payments::day_compared(tx, name, day, differences, now);
        self.shop.db.write(write).await
    }

    /// Does about a difference what can be done without a person. What came of it, in words.
    ///
    /// # Errors
    /// When the shop cannot write.
    pub async fn mend(&self, found: &Break) -> Result<String, Fault> {
        let attempt = match found.attempt_id {
            Some(id) => self.shop.db.read(move |read| payments::find(read, id)).await?,
            None => None,
        };
        let Some(attempt) = attempt.filter(|_| found.fix != Fix::LookThere) else {
            return Ok("left to a person".to_owned());
        };
        let did = match (found.fix, &found.given_back, found.refund_id) {
            (Fix::BookRefund, Some(back), _) => self.book_gone(&attempt, back).await?.to_owned(),
            (Fix::AskAgain, _, Some(refund)) => self.ask_after(&attempt, refund).await?,
            (Fix::AskAgain, ..) => {
                let effect = self.ask(&attempt, "list", WORKER_PATIENCE).await?;
                effect.map_or("the gateway was mute", NewsEffect::word).to_owned()
            }
            _ => "nothing new".to_owned(),
        };
        // Whatever else it was, what the gateway kept is booked now that the money is.
        if self.book_kept(found, attempt.id).await? {
            return Ok(match found.fix {
                Fix::BookFee => "the fee is booked".to_owned(),
                _ => format!("{did}, and the fee is booked"),
            });
        }
        Ok(did)
    }

    /// Asks how a refund of ours stands, and then its payment: what we hold for refused may have
    /// gone back all the same.
    async fn ask_after(&self, attempt: &Attempt, refund: RefundId) -> Result<String, Fault> {
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else {
            return Ok("the gateway is not set up".to_owned());
        };
        let refund = self.shop.db.read(move |read| payments::find_refund(read, refund)).await?;
        let Some(refund) = refund else { return Ok("nothing new".to_owned()) };
        if refund.state != RefundState::Failed {
            let heard = match back::look(gateway.as_ref(), attempt, &refund).await {
                Some(Ok(seen)) => self.reading(&refund, &seen),
                Some(Err(_)) => return Ok("the gateway was mute".to_owned()),
                None => None,
            };
            let Some(heard) = heard else { return Ok("nothing new".to_owned()) };
            let word = format!("the refund has {}", heard.0.as_str());
            self.refund_heard(&refund, heard).await?;
            return Ok(word);
        }
        let effect = self.ask(attempt, "list", WORKER_PATIENCE).await?;
        Ok(effect.map_or("the gateway was mute", NewsEffect::word).to_owned())
    }

    /// Books money that went back in the gateway's own pages, under the name it has there.
    pub(super) async fn book_gone(
        &self,
        attempt: &Attempt,
        back: &GivenBack,
    ) -> Result<&'static str, Fault> {
        let back = GoneBack {
            order_id: attempt.order_id,
            attempt_id: attempt.id,
            amount: back.amount,
            why: GONE_AT_THE_PROVIDER.to_owned(),
            name: back.name.clone(),
        };
        match self.shop.gone_back(back).await {
            Ok(effect) => Ok(effect.word()),
            Err(Error::Refused(refusal)) => {
                tracing::error!(attempt = %attempt.id, %refusal, "a refund there was not booked");
                Ok("left to a person")
            }
            Err(Error::Fault(fault)) => Err(fault),
        }
    }

    async fn book_kept(&self, found: &Break, id: AttemptId) -> Result<bool, Fault> {
        let attempt = self.shop.db.read(move |read| payments::find(read, id)).await?;
        let open = |attempt: &Attempt| attempt.captured > 0 && attempt.fee.is_none();
        let Some(attempt) = attempt.filter(open) else { return Ok(false) };
        // Taken only just now: their books did not say yet what they keep of it.
        let fee = match (found.fee, self.gateways.get(attempt.gateway.as_str())) {
            (None, Some(gateway)) => {
                let seen = gateway.fetch(&payment_ref(&attempt), WORKER_PATIENCE).await;
                seen.ok().and_then(|seen| seen.fee)
            }
            (fee, _) => fee,
        };
        let Some(fee) = fee else { return Ok(false) };
        settle_quietly(self.shop.book_fee(attempt.order_id, id, fee).await)?;
        Ok(true)
    }
}
