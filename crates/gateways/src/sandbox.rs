//! The sandbox: the simple redirect gateway that comes with the shop, for demos and tests.
//!
//! JSON over HTTP with a bearer secret; amounts are whole minor units; notifications are signed
//! with HMAC-SHA256 of the time and the body under the same secret.

#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Env, Timestamp};
use serde::Serialize;

use crate::answer;
use crate::capabilities::{Capabilities, CaptureMode, VoidUnpaid};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::http::{Answer, Auth, Body, Call, HttpClient};
use crate::notification::{Notification, RawNotification};
use crate::observation::{
    Identity, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::port::Gateway;
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;
use crate::timed_signature;

const SIGNATURE: &str = "Sandbox-Signature";

/// Where the sandbox is and how we prove who we are.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// `https://…`, or `http://` with a loopback address.
    pub base_url: String,
    /// Newest first. Calls are made with the first; a notification signed with any is taken, so
    /// that a secret can be changed without losing one.
    pub secrets: Vec<Secret>,
    /// Whether money is taken as soon as it is paid, or held first.
    pub capture: CaptureMode,
}

/// A client of the sandbox.
pub struct SandboxGateway {
    http: HttpClient,
    /// The first of `secrets`.
    secret: Secret,
    secrets: Vec<Secret>,
    capabilities: Capabilities,
    env: Env,
}

impl SandboxGateway {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: SandboxSettings, env: Env) -> Result<Self, SetupError> {
        let bad = |why| SetupError::BadSecret { gateway: "sandbox", why };
        let secret = settings.secrets.first().cloned().ok_or_else(|| bad("is missing"))?;
        for secret in &settings.secrets {
            if secret.reveal().is_empty() {
                return Err(bad("is empty"));
            }
            if !secret.is_plain() {
                return Err(bad("may contain letters, digits and ASCII signs only"));
            }
        }
        let capabilities = Capabilities {
            capture_modes: match settings.capture {
                CaptureMode::Immediate => &[CaptureMode::Immediate],
                CaptureMode::Manual => &[CaptureMode::Manual, CaptureMode::Immediate],
            },
            void_unpaid: VoidUnpaid::Supported,
            payer_term: Duration::from_mins(1)..=Duration::from_hours(24),
            ..Capabilities::simple()
        };
        let http = HttpClient::new(&settings.base_url)?;
        Ok(Self { http, secret, secrets: settings.secrets, capabilities, env })
    }

    async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        within: Duration,
    ) -> Result<Answer, GatewayError> {
        let call = Call { query, ..Call::get(path, Auth::Bearer(&self.secret), within) };
        self.sent(path, self.http.send(call).await)
    }

    async fn post(
        &self,
        path: &[&str],
        key: &IdempotencyKey,
        body: &impl Serialize,
        within: Duration,
    ) -> Result<Answer, GatewayError> {
        let json = serde_json::to_vec(body)
            .map_err(|e| GatewayError::NotSent(format!("the request cannot be written: {e}")))?;
        let headers = [("Idempotency-Key", key.as_str())];
        let auth = Auth::Bearer(&self.secret);
        let call = Call { headers: &headers, ..Call::post(path, auth, Body::Json(json), within) };
        self.sent(path, self.http.send(call).await)
    }

    /// Leaves a trace of every call and sorts answers that are refusals.
    fn sent(
        &self,
        path: &[&str],
        answer: Result<Answer, GatewayError>,
    ) -> Result<Answer, GatewayError> {
        let answer = answer.and_then(|answer| match answer.status {
            200..=299 => Ok(answer),
            _ => Err(wire::refusal(&answer, self.env.now())),
        });
        match &answer {
            Ok(answer) => tracing::debug!(?path, status = answer.status, "sandbox answered"),
            Err(error) => tracing::debug!(?path, %error, "sandbox did not serve"),
        }
        answer
    }

    /// The payment as the sandbox tells it, by id if we have one, else by our reference.
    async fn find(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Option<wire::Payment>, GatewayError> {
        if let Some(id) = &payment.gateway_id {
            let answer = self.get(&["plain", "v1", "payments", id], &[], within).await?;
            let found: wire::Payment = answer::read(&answer.body)?;
            found.expect(payment.attempt)?;
            if &found.id != id {
                return Err(answer::untrusted("another payment than the one asked for"));
            }
            return Ok(Some(found));
        }
        let reference = payment.attempt.to_string();
        let query = [("reference", reference.as_str())];
        let answer = self.get(&["plain", "v1", "payments"], &query, within).await?;
        let found: wire::List<wire::Payment> = answer::read(&answer.body)?;
        let found = found.one()?;
        if let Some(found) = &found {
            found.expect(payment.attempt)?;
        }
        Ok(found)
    }

    async fn id_of(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Option<String>, GatewayError> {
        match &payment.gateway_id {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(self.find(payment, within).await?.map(|found| found.id)),
        }
    }

    /// Captures or voids a payment, and gives how it stands then.
    async fn change(
        &self,
        payment: &PaymentRef,
        id: &str,
        what: &str,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let path = ["plain", "v1", "payments", id, what];
        let answer = self.post(&path, key, &serde_json::json!({}), within).await?;
        let changed: wire::Payment = answer::read(&answer.body)?;
        changed.expect(payment.attempt)?;
        changed.observe(payment.attempt, self.env.now())
    }

    fn absent(&self, payment: &PaymentRef) -> Observation {
        let (status, now) = (RemoteStatus::Absent, self.env.now());
        let absent = Observation::bare(payment.attempt, status, payment.amount, now);
        Observation { test: true, ..absent }
    }
}

#[async_trait]
impl Gateway for SandboxGateway {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn identity(&self) -> Identity {
        Identity { payee: None, test: Some(true) }
    }

    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError> {
        let body = wire::NewPayment::from(request);
        let answer = self.post(&["plain", "v1", "payments"], key, &body, within).await?;
        let payment: wire::Payment = answer::read(&answer.body)?;
        payment.expect(request.attempt)?;
        let confirmation = payment.confirmation()?;
        let observation = payment.observe(request.attempt, self.env.now())?;
        Ok(Created { observation, confirmation })
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        match self.find(payment, within).await? {
            Some(found) => found.observe(payment.attempt, self.env.now()),
            None => Ok(self.absent(payment)),
        }
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let payment = &request.payment;
        if request.amount != payment.amount {
            return Err(GatewayError::Unsupported);
        }
        let id = self.id_of(payment, within).await?.ok_or(GatewayError::NotFound)?;
        self.change(payment, &id, "capture", key, within).await
    }

    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        match self.id_of(payment, within).await? {
            Some(id) => self.change(payment, &id, "void", key, within).await,
            None => Ok(self.absent(payment)),
        }
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let payment_id = self.id_of(&request.payment, within).await?;
        let payment_id = payment_id.ok_or(GatewayError::NotFound)?;
        let body = wire::NewRefund::new(request, &payment_id);
        let answer = self.post(&["plain", "v1", "refunds"], key, &body, within).await?;
        let refund: wire::Refund = answer::read(&answer.body)?;
        refund.observe(request.refund, self.env.now())
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let found = if let Some(id) = &refund.gateway_id {
            let answer = self.get(&["plain", "v1", "refunds", id], &[], within).await?;
            Some(answer::read::<wire::Refund>(&answer.body)?)
        } else {
            let reference = refund.refund.to_string();
            let query = [("reference", reference.as_str())];
            let answer = self.get(&["plain", "v1", "refunds"], &query, within).await?;
            answer::read::<wire::List<wire::Refund>>(&answer.body)?.one()?
        };
        match found {
            Some(found) => found.observe(refund.refund, self.env.now()),
            None => Ok(RefundObservation::bare(
                refund.refund,
                RemoteRefundStatus::Absent,
                refund.amount,
                self.env.now(),
            )),
        }
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let header = raw.header(SIGNATURE).ok_or(NotificationError::Unsigned)?;
        timed_signature::verify(header, raw.body, &self.secrets, now)?;
        wire::notification(raw.body)
    }
}
