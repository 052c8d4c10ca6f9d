//! Stripe's payment intents: whether money is reserved, ours, or gone.

use kernel::{AttemptId, Money, Timestamp};
use serde::Deserialize;

use super::amount::money;
use super::wire::{Expandable, Metadata, attempt_in, moment};
use crate::answer::untrusted;
use crate::error::GatewayError;
use crate::observation::{CancelReason, MethodSummary, Observation, RemoteStatus};

#[derive(Deserialize)]
pub(super) struct Intent {
    pub id: String,
    status: String,
    amount: i64,
    #[serde(default)]
    amount_capturable: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    created: i64,
    livemode: bool,
    metadata: Option<Metadata>,
    latest_charge: Option<Expandable<Charge>>,
    last_payment_error: Option<CardError>,
    cancellation_reason: Option<String>,
}

#[derive(Deserialize)]
struct Charge {
    amount_refunded: Option<i64>,
    balance_transaction: Option<Expandable<BalanceTransaction>>,
    payment_method_details: Option<MethodDetails>,
}

#[derive(Deserialize)]
struct BalanceTransaction {
    fee: i64,
    currency: String,
}

#[derive(Deserialize)]
struct MethodDetails {
    r#type: String,
    card: Option<Card>,
}

#[derive(Deserialize)]
struct Card {
    brand: Option<String>,
    last4: Option<String>,
    fingerprint: Option<String>,
}

#[derive(Deserialize)]
struct CardError {
    code: Option<String>,
    decline_code: Option<String>,
}

impl Intent {
    /// In our words, if it is the money of `attempt`.
    pub fn observe_of(
        self,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Result<Observation, GatewayError> {
        let seen = self.observe(now)?;
        if seen.attempt != Some(attempt) {
            return Err(untrusted("the money of another attempt"));
        }
        Ok(seen)
    }

    /// In our words.
    pub fn observe(self, now: Timestamp) -> Result<Observation, GatewayError> {
        let attempt = attempt_in(self.metadata.as_ref());
        let status = self.standing()?;
        let of = |units| money(units, &self.currency);
        let (amount, captured) = (of(self.amount)?, of(self.amount_received)?);
        let authorized = of(self.amount_capturable)?;
        let charge = self.latest_charge.and_then(Expandable::object);
        // What was reserved and let go counts as refunded over there, and never was ours: after a
        // part was taken the sum says nothing.
        let refunded = match &charge {
            _ if captured.minor == 0 => Some(Money::zero(amount.currency)),
            Some(charge) if captured == amount => charge.amount_refunded.map(of).transpose()?,
            _ => None,
        };
        let reserved = matches!(status, RemoteStatus::Authorized { .. });
        let sums_agree = amount.minor > 0
            && captured.minor <= amount.minor
            && (status == RemoteStatus::Captured) == (captured.minor > 0)
            && reserved == (authorized.minor > 0)
            && authorized.minor <= amount.minor
            && refunded.is_none_or(|refunded| refunded.minor <= captured.minor);
        if !sums_agree {
            return Err(untrusted("sums that contradict each other"));
        }
        let (bill, method) = charge.map_or((None, None), |charge| {
            (charge.balance_transaction, charge.payment_method_details)
        });
        let fee = bill.and_then(Expandable::object);
        Ok(Observation {
            attempt,
            gateway_id: None,
            secondary_id: Some(self.id),
            status,
            amount,
            authorized,
            captured,
            refunded,
            fee: fee.and_then(|fee| money(fee.fee, &fee.currency).ok()),
            payee: None,
            method: method.map(summary),
            test: !self.livemode,
            created_at: Some(moment(self.created)?),
            observed_at: now,
        })
    }

    fn standing(&self) -> Result<RemoteStatus, GatewayError> {
        Ok(match self.status.as_str() {
            "requires_capture" => RemoteStatus::Authorized { until: None },
            "processing" | "requires_action" | "requires_confirmation" => RemoteStatus::Processing,
            "succeeded" => RemoteStatus::Captured,
            "canceled" => RemoteStatus::Canceled { reason: self.why_canceled() },
            // The page is complete and the bank said no afterwards; or a list shows one that
            // nobody has paid yet.
            "requires_payment_method" if self.last_payment_error.is_some() => {
                RemoteStatus::Canceled { reason: self.why_declined() }
            }
            "requires_payment_method" => RemoteStatus::AwaitingPayer,
            other => return Err(untrusted(&format!("an intent's status {other:?}"))),
        })
    }

    fn why_canceled(&self) -> CancelReason {
        match self.cancellation_reason.as_deref() {
            // We say so whenever we call one off.
            Some("abandoned" | "requested_by_customer") => CancelReason::Voided,
            Some("automatic" | "expired") => CancelReason::Other("expired_on_capture".to_owned()),
            other => CancelReason::Other(other.unwrap_or_default().to_owned()),
        }
    }

    fn why_declined(&self) -> CancelReason {
        let error = self.last_payment_error.as_ref();
        let word = error.and_then(|error| error.decline_code.as_ref().or(error.code.as_ref()));
        match word.map(String::as_str) {
            None | Some("generic_decline" | "card_declined") => CancelReason::Declined,
            Some(word) => CancelReason::Other(word.to_owned()),
        }
    }
}

fn summary(details: MethodDetails) -> MethodSummary {
    let kind = details.r#type;
    match details.card {
        Some(Card { brand, last4, fingerprint }) => {
            MethodSummary { kind, brand, last4, fingerprint }
        }
        None => MethodSummary { kind, brand: None, last4: None, fingerprint: None },
    }
}
