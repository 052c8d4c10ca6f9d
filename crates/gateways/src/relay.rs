//! A gateway whose notifications come through a relay that signs them.
//!
//! The relay puts `X-Signature` on what it passes on: HMAC-SHA256 over the body, in hexadecimal
//! digits. It says nothing of time, so a notification can be replayed; that is harmless, because
//! none is acted upon twice, nor believed. No provider we know signs like this: it is off unless
//! somebody puts a relay in between, and it comes on top of the provider's own checks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Date, Timestamp};
use sha2::Sha256;

use crate::capabilities::Capabilities;
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::hex::unhex;
use crate::listing::{DailyReport, Page, PageToken, TimeWindow};
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{DisputeObservation, Health, Identity, Observation, RefundObservation};
use crate::port::Gateway;
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;

const HEADER: &str = "X-Signature";
/// A secret shorter than this can be guessed.
const SECRET_MIN: usize = 12;

/// A gateway behind a relay. It is the gateway in everything but [`Gateway::receive`].
pub struct Relayed {
    inner: Arc<dyn Gateway>,
    secrets: Vec<Secret>,
}

impl Relayed {
    /// `inner`, whose notifications are signed with one of `secrets`; two while one is changed.
    pub fn new(inner: Arc<dyn Gateway>, secrets: Vec<Secret>) -> Result<Self, SetupError> {
        let (gateway, why) = (inner.name(), "for the relay has fewer than 12 characters");
        if secrets.is_empty() || secrets.iter().any(|s| s.reveal().len() < SECRET_MIN) {
            return Err(SetupError::BadSecret { gateway, why });
        }
        Ok(Self { inner, secrets })
    }

    fn is_signed(&self, body: &[u8], signature: &[u8; 32]) -> bool {
        // All are compared, each in constant time: how long it takes does not tell which.
        self.secrets.iter().fold(false, |signed, secret| {
            let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes());
            signed | mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(signature).is_ok())
        })
    }
}

#[async_trait]
impl Gateway for Relayed {
    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let signature = raw.header(HEADER).and_then(unhex).ok_or(NotificationError::Unsigned)?;
        if !self.is_signed(raw.body, &signature) {
            return Err(NotificationError::BadSignature);
        }
        self.inner.receive(raw, now)
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    async fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        self.inner.probe(within).await
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
        self.inner.fetch(payment, within).await
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        self.inner.capture(request, key, within).await
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

    async fn fetch_dispute(
        &self,
        dispute: &str,
        within: Duration,
    ) -> Result<DisputeObservation, GatewayError> {
        self.inner.fetch_dispute(dispute, within).await
    }

    async fn list_payments(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Observation>, GatewayError> {
        self.inner.list_payments(window, page, within).await
    }

    async fn list_refunds(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<RefundObservation>, GatewayError> {
        self.inner.list_refunds(window, page, within).await
    }

    async fn list_notifications(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Notification>, GatewayError> {
        self.inner.list_notifications(window, page, within).await
    }

    async fn daily_report(
        &self,
        day: Date,
        within: Duration,
    ) -> Result<Option<DailyReport>, GatewayError> {
        self.inner.daily_report(day, within).await
    }

    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        self.inner.acknowledge(outcome)
    }
}

#[cfg(test)]
mod tests {
    use kernel::Env;
    use serde_json::{Map, json};

    use super::*;

    const BODY: &[u8] = include_bytes!("../tests/vectors/h1_body.json");
    const H1: &str = "48d357652ae6cd4dcf6063a5f90dceeaa94b395b847f402afc6cb7fd430335e7";

    fn receive(
        secrets: &[&str],
        signatures: &[&str],
        body: &[u8],
    ) -> Result<Notification, NotificationError> {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let settings = json!({
            "mode": "test", "shop_id": "1", "secret_key": "test_a", "sources": [],
            "relay_secrets": secrets,
        });
        let settings: Map<_, _> = settings.as_object().unwrap().clone();
        let gateway = crate::open("yookassa", settings, &env).unwrap();
        let header = |value: &&str| ("x-signature".to_owned(), (*value).to_owned());
        let headers: Vec<_> = signatures.iter().map(header).collect();
        gateway.receive(&RawNotification::post(&headers, body), env.now())
    }

    #[test]
    fn vector_h1() {
        let secret = "seed000-secret";
        let notice = receive(&[secret], &[H1], BODY).unwrap();
        let id = "22d6d597-000f-5000-9000-145f6df21d6f";
        assert_eq!(notice.dedupe_key, format!("payment.succeeded:{id}"));
        let bad = Err(NotificationError::BadSignature);
        assert_eq!(receive(&["another-secret"], &[H1], BODY), bad);
        let mut altered = BODY.to_vec();
        altered[5] ^= 1;
        assert_eq!(receive(&[secret], &[H1], &altered), bad);
        assert_eq!(receive(&[secret], &[&"0".repeat(64)], BODY), bad);
        let unsigned = Err(NotificationError::Unsigned);
        assert_eq!(receive(&[secret], &[], BODY), unsigned);
        assert_eq!(receive(&[secret], &[""], BODY), unsigned);
        assert_eq!(receive(&[secret], &[&H1[1..]], BODY), unsigned);
        assert_eq!(receive(&[secret], &[H1, H1], BODY), unsigned, "two headers");
    }

    #[test]
    fn p22_a_changing_secret_is_taken_from_either_side() {
        assert!(receive(&["the-new-secret", "seed000-secret"], &[H1], BODY).is_ok());
        assert!(
            receive(&["seed000-secret", "the-old-secret"], &[&H1.to_uppercase()], BODY).is_ok()
        );
    }
}
