//! Disputes: payers who want their money back by way of their bank. A dispute is asked about daily
//! until the bank has decided; one that is lost is booked as money that is gone.

use flows::GoneBack;
use gateways::{DisputeObservation, RemoteDisputeStatus, WORKER_PATIENCE};
use kernel::{Error, Fault, SignedDuration};
use payments::{Attempt, Dispute, DisputeState};

use super::{Cashier, SWEEP, after};

/// Between two questions about a dispute: banks take weeks.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

impl Cashier {
    /// Asks about open disputes that are due; gives how many there were.
    pub async fn poll_disputes(&self) -> Result<usize, Fault> {
        let now = self.shop.env.now();
        let due = self.shop.db.read(move |read| payments::disputes_due(read, now, SWEEP)).await?;
        for dispute in &due {
            let (gateway, reference) = (dispute.gateway.clone(), dispute.reference.clone());
            let again_at = after(now, ASK_AGAIN);
            let noted = self
                .shop
                .db
                .write(move |tx| payments::dispute_polled(tx, &gateway, &reference, again_at));
            noted.await?;
            let id = dispute.attempt_id;
            let attempt = self.shop.db.read(move |read| payments::find(read, id)).await?;
            if let Some(attempt) = attempt {
                self.hear_dispute(&attempt, &dispute.reference).await?;
            }
        }
        Ok(due.len())
    }

    /// Fetches how a dispute stands, books it when it is lost, and keeps it where staff see it.
    /// What came of it, in a word; none when the gateway was mute, or what it says cannot be taken
    /// in yet.
    pub(super) async fn hear_dispute(
        &self,
        attempt: &Attempt,
        reference: &str,
    ) -> Result<Option<&'static str>, Fault> {
        let Some(gateway) = self.gateways.get(attempt.gateway.as_str()) else { return Ok(None) };
        let seen = match gateway.fetch_dispute(reference, WORKER_PATIENCE).await {
            Ok(seen) => seen,
            Err(error) => {
                tracing::warn!(gateway = attempt.gateway, %error, "a dispute was not seen");
                return Ok(None);
            }
        };
        let ours = seen.payment_id.as_ref().is_none_or(|payment| attempt.is_known_as(payment));
        if !ours || seen.amount.currency != attempt.amount.currency {
            tracing::error!(attempt = %attempt.id, ?seen, "a dispute that does not fit its payment");
            return Ok(None);
        }
        let (state, word) = match seen.status {
            RemoteDisputeStatus::Open => (DisputeState::Open, "disputed"),
            RemoteDisputeStatus::Won => (DisputeState::Won, "dispute won"),
            RemoteDisputeStatus::Lost => (DisputeState::Lost, "dispute lost"),
        };
        if state == DisputeState::Lost && !self.book_lost(attempt, &seen).await? {
            return Ok(None);
        }
        let now = self.shop.env.now();
        let dispute = Dispute {
            gateway: attempt.gateway.clone(),
            reference: seen.gateway_id,
            attempt_id: attempt.id,
            order_id: attempt.order_id,
            state,
            amount: seen.amount,
            reason: seen.reason,
            opened_at: now,
            updated_at: now,
            due_at: (state == DisputeState::Open).then(|| after(now, ASK_AGAIN)),
        };
        tracing::warn!(attempt = %attempt.id, dispute = dispute.reference, word, "a dispute");
        self.shop.db.write(move |tx| payments::keep_dispute(tx, &dispute)).await?;
        Ok(Some(word))
    }

    /// Books what the payer's bank took back. False while we have not heard that the money came:
    /// then the gateway is asked first.
    async fn book_lost(&self, attempt: &Attempt, seen: &DisputeObservation) -> Result<bool, Fault> {
        if attempt.captured == 0 {
            self.ask(attempt, "notice", WORKER_PATIENCE).await?;
            let id = attempt.id;
            let now = self.shop.db.read(move |read| payments::find(read, id)).await?;
            if now.is_none_or(|attempt| attempt.captured == 0) {
                return Ok(false);
            }
        }
        let back = GoneBack {
            order_id: attempt.order_id,
            attempt_id: attempt.id,
            amount: seen.amount,
            why: format!("taken back by the payer's bank ({})", seen.reason),
            name: seen.gateway_id.clone(),
        };
        match self.shop.gone_back(back).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(refusal)) => {
                tracing::error!(attempt = %attempt.id, %refusal, "a lost dispute was not booked");
                Ok(false)
            }
            Err(Error::Fault(fault)) => Err(fault),
        }
    }
}
