//! Cash on delivery: a provider without a network.
//!
//! Nobody keeps books but us, so nothing here can be asked: a payment awaits the payer until a
//! member of staff records in the shop that the courier brought the money (or did not). A refund
//! is money handed over by hand; asking for it records it, at once and as done.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{AttemptId, Env, Money, Timestamp};

use crate::error::{GatewayError, NotificationError};
use crate::notification::{Notification, RawNotification};
use crate::observation::{
    CancelReason, MethodSummary, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::port::{
    Capabilities, Confirmation, CreatePayment, CreateRefund, Created, Currencies, Gateway,
    IdempotencyKey, PaymentRef, RefundRef, VoidUnpaid,
};

const DAY: Duration = Duration::from_hours(24);

/// Cash on delivery.
pub struct CashOnDelivery {
    env: Env,
    capabilities: Capabilities,
}

impl CashOnDelivery {
    /// Needs nothing but the time.
    pub fn new(env: Env) -> Self {
        let capabilities = Capabilities {
            currencies: Currencies::Any,
            two_stage: false,
            partial_refund: true,
            void_unpaid: VoidUnpaid::Supported,
            needs_redirect: false,
            payer_term: DAY..=60 * DAY,
        };
        Self { env, capabilities }
    }

    fn observe(&self, attempt: AttemptId, amount: Money, status: RemoteStatus) -> Observation {
        let nothing = Money::zero(amount.currency);
        Observation {
            attempt,
            gateway_id: None,
            status,
            amount,
            captured: nothing,
            refunded: nothing,
            method: Some(MethodSummary {
                kind: "cash".to_owned(),
                brand: None,
                last4: None,
                fingerprint: None,
            }),
            test: false,
            observed_at: self.env.now(),
        }
    }
}

#[async_trait]
impl Gateway for CashOnDelivery {
    fn name(&self) -> &'static str {
        "cash_on_delivery"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn create(
        &self,
        request: &CreatePayment,
        _key: &IdempotencyKey,
        _within: Duration,
    ) -> Result<Created, GatewayError> {
        let observation =
            self.observe(request.attempt, request.amount, RemoteStatus::AwaitingPayer);
        Ok(Created { observation, confirmation: Confirmation::None })
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        _within: Duration,
    ) -> Result<Observation, GatewayError> {
        Ok(self.observe(payment.attempt, payment.amount, RemoteStatus::AwaitingPayer))
    }

    async fn void(
        &self,
        payment: &PaymentRef,
        _key: &IdempotencyKey,
        _within: Duration,
    ) -> Result<Observation, GatewayError> {
        let status = RemoteStatus::Canceled { reason: CancelReason::Voided };
        Ok(self.observe(payment.attempt, payment.amount, status))
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        _key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let refund = RefundRef { refund: request.refund, gateway_id: None, amount: request.amount };
        self.fetch_refund(&refund, within).await
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        _within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        Ok(RefundObservation {
            refund: refund.refund,
            gateway_id: None,
            status: RemoteRefundStatus::Succeeded,
            amount: refund.amount,
            observed_at: self.env.now(),
        })
    }

    fn receive(
        &self,
        _raw: &RawNotification<'_>,
        _now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        Err(NotificationError::NotExpected)
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, RefundId};

    use super::*;

    #[tokio::test]
    async fn waits_for_the_courier_and_never_claims_money() {
        let (env, _) = Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1);
        let cash = CashOnDelivery::new(env.clone());
        let attempt: AttemptId = env.id();
        let amount = Money::new(1299, Currency::EUR);
        let request = CreatePayment {
            attempt,
            amount,
            description: "Order 1".to_owned(),
            return_url: "http://127.0.0.1/r".parse().unwrap(),
            notify_url: "http://127.0.0.1/n".parse().unwrap(),
            payer_deadline: env.now(),
        };
        let key = IdempotencyKey::create(attempt);
        let made = cash.create(&request, &key, Duration::ZERO).await.unwrap();
        assert_eq!(made.confirmation, Confirmation::None);
        assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer);
        assert_eq!(made.observation.captured, Money::zero(Currency::EUR));

        let payment = PaymentRef { attempt, gateway_id: None, amount };
        let seen = cash.fetch(&payment, Duration::ZERO).await.unwrap();
        assert_eq!(seen, made.observation, "asking changes nothing");

        let off = cash.void(&payment, &IdempotencyKey::void(attempt), Duration::ZERO).await;
        let reason = CancelReason::Voided;
        assert_eq!(off.unwrap().status, RemoteStatus::Canceled { reason });
    }

    #[tokio::test]
    async fn a_refund_is_a_record_and_a_notification_is_refused() {
        let (env, _) = Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1);
        let cash = CashOnDelivery::new(env.clone());
        let (refund, amount): (RefundId, _) = (env.id(), Money::new(500, Currency::EUR));
        let payment = PaymentRef {
            attempt: env.id(),
            gateway_id: None,
            amount: Money { minor: 900, ..amount },
        };
        let request = CreateRefund { refund, payment, amount };
        let key = IdempotencyKey::refund(refund);
        let done = cash.refund(&request, &key, Duration::ZERO).await.unwrap();
        assert_eq!((done.status, done.amount), (RemoteRefundStatus::Succeeded, amount));

        let raw = RawNotification { headers: &[], body: b"{}", source_ip: None };
        assert_eq!(cash.receive(&raw, env.now()), Err(NotificationError::NotExpected));
    }
}
