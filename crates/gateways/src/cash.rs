//! Cash on delivery: a provider without a network.
//!
//! Nobody keeps books but us, so nothing here can be asked: a payment awaits the payer until a
//! member of staff records in the shop that the courier brought the money (or did not). A refund
//! is money handed over by hand; asking for it records it, at once and as done.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{AttemptId, Env, Money, Timestamp};
use serde::Deserialize;

use crate::capabilities::{Capabilities, NotificationAuth, VoidUnpaid};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::notification::{Notification, RawNotification};
use crate::observation::{
    CancelReason, MethodSummary, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::port::Gateway;
use crate::request::{
    CapturePayment, Confirmation, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef,
    RefundRef,
};

const NAME: &str = "cash_on_delivery";
const DAY: Duration = Duration::from_hours(24);

/// Cash on delivery.
pub struct CashOnDelivery {
    env: Env,
    capabilities: Capabilities,
}

/// What a courier may be asked to collect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashSettings {
    /// The most one order may cost, in minor units; no limit if there is none.
    pub max_minor: Option<i64>,
}

impl CashOnDelivery {
    /// Needs nothing but the time.
    pub fn new(env: Env) -> Self {
        Self::limited(i64::MAX, env)
    }

    /// With a limit.
    pub fn with(settings: CashSettings, env: Env) -> Result<Self, SetupError> {
        let max = settings.max_minor.unwrap_or(i64::MAX);
        if max < 1 {
            let why = "max_minor is more than nothing, or left out".to_owned();
            return Err(SetupError::BadSetting { gateway: NAME, why });
        }
        Ok(Self::limited(max, env))
    }

    fn limited(max: i64, env: Env) -> Self {
        let capabilities = Capabilities {
            amount_minor: 1..=max,
            partial_capture: true,
            void_unpaid: VoidUnpaid::Supported,
            needs_redirect: false,
            payer_term: DAY..=60 * DAY,
            notification_auth: NotificationAuth::NotUsed,
            ..Capabilities::simple()
        };
        Self { env, capabilities }
    }

    fn observe(&self, attempt: AttemptId, amount: Money, status: RemoteStatus) -> Observation {
        Observation {
            method: Some(MethodSummary {
                kind: "cash".to_owned(),
                brand: None,
                last4: None,
                fingerprint: None,
            }),
            ..Observation::bare(attempt, status, amount, self.env.now())
        }
    }
}

#[async_trait]
impl Gateway for CashOnDelivery {
    fn name(&self) -> &'static str {
        NAME
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

    /// The courier has brought the money: said by a member of staff, and so it is.
    async fn capture(
        &self,
        request: &CapturePayment,
        _key: &IdempotencyKey,
        _within: Duration,
    ) -> Result<Observation, GatewayError> {
        let payment = &request.payment;
        let paid = self.observe(payment.attempt, payment.amount, RemoteStatus::Captured);
        Ok(Observation { captured: request.amount, ..paid })
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
        let refund = RefundRef {
            refund: request.refund,
            gateway_id: None,
            amount: request.amount,
            payment: request.payment.clone(),
        };
        self.fetch_refund(&refund, within).await
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        _within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let (status, now) = (RemoteRefundStatus::Succeeded, self.env.now());
        Ok(RefundObservation::bare(refund.refund, status, refund.amount, now))
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
        let [back, hook] = ["http://127.0.0.1/r", "http://127.0.0.1/n"].map(|u| u.parse().unwrap());
        let request = CreatePayment::new(attempt, amount, "Order 1", back, hook, env.now());
        let key = IdempotencyKey::create(attempt);
        let made = cash.create(&request, &key, Duration::ZERO).await.unwrap();
        assert_eq!(made.confirmation, Confirmation::None);
        assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer);
        assert_eq!(made.observation.captured, Money::zero(Currency::EUR));

        let payment = PaymentRef { attempt, gateway_id: None, secondary_id: None, amount };
        let seen = cash.fetch(&payment, Duration::ZERO).await.unwrap();
        assert_eq!(seen, made.observation, "asking changes nothing");

        let brought = Money { minor: 1000, ..amount };
        let courier = CapturePayment { payment: payment.clone(), amount: brought, receipt: None };
        let key = IdempotencyKey::capture(attempt);
        let paid = cash.capture(&courier, &key, Duration::ZERO).await.unwrap();
        assert_eq!(
            (paid.status, paid.captured, paid.amount),
            (RemoteStatus::Captured, brought, amount)
        );

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
            secondary_id: None,
            amount: Money { minor: 900, ..amount },
        };
        let request =
            CreateRefund { refund, payment, amount, reason: String::new(), receipt: None };
        let key = IdempotencyKey::refund(refund);
        let done = cash.refund(&request, &key, Duration::ZERO).await.unwrap();
        assert_eq!((done.status, done.amount), (RemoteRefundStatus::Succeeded, amount));

        let raw = RawNotification::post(&[], b"{}");
        assert_eq!(cash.receive(&raw, env.now()), Err(NotificationError::NotExpected));
    }
}
