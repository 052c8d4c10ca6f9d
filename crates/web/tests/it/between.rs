//! A gateway between the shop and the sandbox, for what the sandbox's own does not do.

use std::sync::Arc;
use std::time::Duration;

use gateways::{
    Capabilities, CreatePayment, CreateRefund, Created, Gateway, GatewayError, IdempotencyKey,
    Notification, NotificationError, Observation, PaymentRef, RawNotification, RefundObservation,
    RefundRef,
};
use kernel::Timestamp;
use tokio::sync::Barrier;

/// See the module's words.
pub struct Between {
    pub inner: Arc<dyn Gateway>,
    /// What it can, as it says.
    pub can: Capabilities,
    /// It answers no question how a payment stands before so many are asked.
    pub everybody: Barrier,
}

impl Between {
    /// Changes nothing yet.
    pub fn here(inner: Arc<dyn Gateway>) -> Self {
        let can = inner.capabilities().clone();
        Self { inner, can, everybody: Barrier::new(1) }
    }
}

#[async_trait::async_trait]
impl Gateway for Between {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.can
    }

    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError> {
        self.inner.create(request, key, within).await
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.everybody.wait().await;
        self.inner.fetch(payment, within).await
    }

    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.inner.void(payment, key, within).await
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        self.inner.refund(request, key, within).await
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        self.inner.fetch_refund(refund, within).await
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        self.inner.receive(raw, now)
    }
}
