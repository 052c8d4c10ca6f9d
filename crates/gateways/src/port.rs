//! The port: what the shop asks of any payment provider.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Date, Timestamp};

use crate::capabilities::Capabilities;
use crate::error::{GatewayError, NotificationError};
use crate::listing::{DailyReport, Page, PageToken, TimeWindow};
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{DisputeObservation, Health, Identity, Observation, RefundObservation};
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};

/// A payment provider.
///
/// Every call states how long it may take (`within`, from the first byte to the last). Calls that
/// create something carry an [`IdempotencyKey`]: the same key with the same request may be sent
/// again and again and has one effect, which is how an
/// [unknown outcome](GatewayError::Unknown) is resolved. Providers forget keys: after
/// [`Capabilities::idempotency_ttl`] the way to find out is [`Gateway::fetch`] without an id.
///
/// What a provider cannot do answers [`GatewayError::Unsupported`], which is what the calls that
/// are written out here do, so that a small gateway stays small.
#[async_trait]
pub trait Gateway: Send + Sync + 'static {
    /// Stable name, part of the API and of stored rows: `sandbox`, `cash_on_delivery`.
    fn name(&self) -> &'static str;

    /// What this provider can and cannot do.
    fn capabilities(&self) -> &Capabilities;

    /// Who the settings say we are. What an [`Observation`] says of payee and play money is
    /// compared with it, once for all providers, by the caller.
    fn identity(&self) -> Identity {
        Identity::default()
    }

    /// Asks whether our credentials are good and our clocks agree. Moves nothing.
    async fn probe(&self, _within: Duration) -> Result<Health, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Opens a payment. No money moves yet.
    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError>;

    /// Asks how a payment stands: by the provider's id if we know it, else by our attempt (which
    /// may mean looking through their list: an attempt's id tells when it was made). A payment
    /// found under neither is `Absent` if we never knew its id, and [`GatewayError::NotFound`] if
    /// we did.
    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError>;

    /// Takes money that was authorized, all or a part; the rest goes back to the payer. If it has
    /// been taken or given back already, the answer is [`GatewayError::WrongState`], and what
    /// [`Gateway::fetch`] says then decides.
    async fn capture(
        &self,
        _request: &CapturePayment,
        _key: &IdempotencyKey,
        _within: Duration,
    ) -> Result<Observation, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Cancels a payment that has not been captured. If it has been, the answer is
    /// [`GatewayError::WrongState`] with the truth inside.
    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError>;

    /// Gives captured money back, all or a part.
    async fn refund(
        &self,
        request: &CreateRefund,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError>;

    /// Asks how a refund stands, by the provider's id if we know it, else by our refund.
    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError>;

    /// Asks how a dispute stands, by the provider's id.
    async fn fetch_dispute(
        &self,
        _dispute: &str,
        _within: Duration,
    ) -> Result<DisputeObservation, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Payments opened in `window`, newest first; `page` goes on where the page before ended.
    async fn list_payments(
        &self,
        _window: TimeWindow,
        _page: Option<&PageToken>,
        _within: Duration,
    ) -> Result<Page<Observation>, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Refunds made in `window`, by whomever; like [`Gateway::list_payments`].
    async fn list_refunds(
        &self,
        _window: TimeWindow,
        _page: Option<&PageToken>,
        _within: Duration,
    ) -> Result<Page<RefundObservation>, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// What they told us in `window`, for those who missed it; like [`Gateway::list_payments`].
    async fn list_notifications(
        &self,
        _window: TimeWindow,
        _page: Option<&PageToken>,
        _within: Duration,
    ) -> Result<Page<Notification>, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Their bill of one day, in their own time zone. `None` while it is not ready.
    async fn daily_report(
        &self,
        _day: Date,
        _within: Duration,
    ) -> Result<Option<DailyReport>, GatewayError> {
        Err(GatewayError::Unsupported)
    }

    /// Checks that a notification is from the provider and reads what it is about. Pure: no I/O,
    /// no state. The result only says what to fetch; it is never itself believed.
    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError>;

    /// The answer the provider wants to its notification.
    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        match outcome {
            Acknowledgement::Stored => RawReply::text(200, "ok"),
            Acknowledgement::Rejected => RawReply::text(400, "rejected"),
            Acknowledgement::TryAgain => RawReply::text(503, "try again"),
        }
    }
}
