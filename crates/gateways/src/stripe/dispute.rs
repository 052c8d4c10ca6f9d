//! Stripe's disputes: payers who went to their bank.

use serde::Deserialize;

use super::amount::money;
use crate::answer::untrusted;
use crate::error::GatewayError;
use crate::observation::{DisputeObservation, RemoteDisputeStatus};

#[derive(Deserialize)]
pub(super) struct Dispute {
    id: String,
    status: String,
    amount: i64,
    currency: String,
    payment_intent: Option<String>,
    reason: Option<String>,
}

impl Dispute {
    /// In our words, if it is the dispute of that id.
    pub fn observe_of(self, id: &str) -> Result<DisputeObservation, GatewayError> {
        if self.id != id {
            return Err(untrusted("another dispute than the one asked for"));
        }
        let amount = money(self.amount, &self.currency)?;
        if amount.minor <= 0 {
            return Err(untrusted("a dispute about nothing"));
        }
        let status = match self.status.as_str() {
            // A bank that only asked, and asked no further, took nothing.
            "won" | "warning_closed" | "prevented" => RemoteDisputeStatus::Won,
            "lost" => RemoteDisputeStatus::Lost,
            // Whatever else they say, it is not over: somebody has to look.
            _ => RemoteDisputeStatus::Open,
        };
        Ok(DisputeObservation {
            gateway_id: self.id,
            payment_id: self.payment_intent,
            status,
            amount,
            reason: self.reason.unwrap_or_default(),
        })
    }
}
