//! Stripe: a Checkout page for the payer, a payment intent for the money.
//!
//! Forms in, JSON out; amounts are whole minor units by Stripe's own table; keys are remembered
//! for 24 hours. A page (`cs_…`) has an intent (`pi_…`) once the payer has paid, and it is the
//! intent that says whether money is reserved or ours. Notifications are signed with their time.

mod amount;
mod asking;
mod dispute;
mod form;
mod intent;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Env, Timestamp};
use serde::Deserialize;

use crate::answer;
use crate::capabilities::{Capabilities, CaptureMode, Listing, VoidUnpaid};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::http::{Auth, Call, HttpClient};
use crate::listing::{Page, PageToken, TimeWindow};
use crate::mode::Mode;
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{
    DisputeObservation, Health, Identity, Observation, RefundObservation, RemoteRefundStatus,
    RemoteStatus,
};
use crate::patience::Patience;
use crate::port::Gateway;
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;
use crate::timed_signature;
use asking::sent;
use form::Form;
use intent::Intent;

const NAME: &str = "stripe";
const LIVE: &str = "https://api.stripe.com";
/// The version of the protocol this client was written for.
const VERSION: &str = "2026-10-28.endive";
const SIGNATURE: &str = "Stripe-Signature";
const DAY: Duration = Duration::from_hours(24);
/// About half a dollar is the least they take, eight digits the most.
const AMOUNT_MINOR: RangeInclusive<i64> = 50..=99_999_999;
/// Entries of one page of a list.
const PAGE: &str = "100";
/// Pages looked through for one payment before it is given up.
const PAGES_MAX: usize = 50;

/// Where Stripe is, who we are, and what its notifications are signed with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeSettings {
    /// `https://…`, or `http://` with a loopback address.
    #[serde(default = "live")]
    pub base_url: String,
    /// Real money or play money.
    pub mode: Mode,
    /// `sk_…` or, restricted, `rk_…`.
    pub secret_key: Secret,
    /// The `whsec_…` of the notification address; two while one is being changed.
    pub endpoint_secrets: Vec<Secret>,
    /// When money is taken if nobody chooses.
    #[serde(default = "manual")]
    pub capture: CaptureMode,
}

fn live() -> String {
    LIVE.to_owned()
}

fn manual() -> CaptureMode {
    CaptureMode::Manual
}

/// A client of Stripe.
pub struct Stripe {
    http: HttpClient,
    settings: StripeSettings,
    capabilities: Capabilities,
    env: Env,
}

impl Stripe {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: StripeSettings, env: Env) -> Result<Self, SetupError> {
        let bad = |why: String| SetupError::BadSetting { gateway: NAME, why };
        let why = "may contain letters, digits and ASCII signs only";
        let plain = settings.endpoint_secrets.iter().all(Secret::is_plain);
        if !plain || !settings.secret_key.is_plain() {
            return Err(SetupError::BadSecret { gateway: NAME, why });
        }
        if settings.endpoint_secrets.is_empty() {
            let why = "endpoint_secrets is empty: no notification could be told from a forged one";
            return Err(bad(why.to_owned()));
        }
        let key = settings.secret_key.reveal();
        let key_is_for = match key.split('_').collect::<Vec<_>>().as_slice() {
            ["sk" | "rk", "test", ..] => Mode::Test,
            ["sk" | "rk", "live", ..] => Mode::Live,
            _ => return Err(bad("secret_key begins with sk_ or rk_ and live_ or test_".into())),
        };
        let http = HttpClient::new(&settings.base_url)?;
        if let Some(why) = settings.mode.contradiction(Some(key_is_for), http.base()) {
            return Err(bad(why));
        }
        let capabilities = Capabilities {
            amount_minor: AMOUNT_MINOR,
            capture_modes: match settings.capture {
                CaptureMode::Manual => &[CaptureMode::Manual, CaptureMode::Immediate],
                CaptureMode::Immediate => &[CaptureMode::Immediate, CaptureMode::Manual],
            },
            partial_capture: true,
            void_unpaid: VoidUnpaid::Supported,
            payer_term: Duration::from_mins(30)..=DAY,
            capture_term: Some(7 * DAY),
            idempotency_ttl: Some(DAY),
            listing: Listing::Cursor,
            ..Capabilities::simple()
        };
        Ok(Self { http, settings, capabilities, env })
    }
}

#[async_trait]
impl Gateway for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn identity(&self) -> Identity {
        Identity { payee: None, test: Some(self.settings.mode.is_test()) }
    }

    /// Asks for one event: a good key may, and it tells which money the key is for.
    async fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        let (path, auth) = (["v1", "events"], Auth::Bearer(&self.settings.secret_key));
        let headers = [("Stripe-Version", VERSION)];
        let call = Call { query: &[("limit", "1")], ..Call::get(&path, auth, within) };
        let answer = self.http.send(Call { headers: &headers, ..call }).await;
        let answer = sent(&path, answer)?;
        let events: wire::List<webhook::Event> = answer::read(&answer.body)?;
        Ok(Health {
            test: events.data.first().map(|event| !event.livemode),
            clock_ahead: answer.clock_ahead(self.env.now()),
            ..Health::default()
        })
    }

    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError> {
        let form = wire::new_session(request)?;
        let patience = Patience::new(&self.env, within);
        let path = ["v1", "checkout", "sessions"];
        let session: wire::Session = self.post(&path, key.as_str(), form, &patience).await?;
        let confirmation = session.confirmation()?;
        let payment = PaymentRef {
            attempt: request.attempt,
            gateway_id: None,
            secondary_id: None,
            amount: request.amount,
        };
        let observation = self.observe(session, &payment, &patience).await?;
        Ok(Created { observation, confirmation })
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let found = self.see(payment, &Patience::new(&self.env, within)).await?;
        Ok(found.unwrap_or_else(|| self.absent(payment)))
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let form = Form::new().with("amount_to_capture", amount::units(request.amount)?);
        let patience = Patience::new(&self.env, within);
        let payment = &request.payment;
        let Some(id) = self.intent_of(payment, &patience).await? else {
            return Err(GatewayError::WrongState(None));
        };
        let path = ["v1", "payment_intents", id.as_str(), "capture"];
        match self.post::<Intent>(&path, key.as_str(), form, &patience).await {
            Ok(intent) => {
                let seen = intent.observe_of(payment.attempt, self.env.now())?;
                Ok(Observation { gateway_id: payment.gateway_id.clone(), ..seen })
            }
            Err(GatewayError::WrongState(_)) => {
                let truth = self.truth(payment, &patience).await?;
                Err(GatewayError::WrongState(Some(Box::new(truth))))
            }
            Err(error) => Err(error),
        }
    }

    /// An open page is ended; money that is reserved is let go.
    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let Some(seen) = self.see(payment, &patience).await? else {
            return Ok(self.absent(payment));
        };
        let (page, money) = (seen.gateway_id.as_deref(), seen.secondary_id.as_deref());
        let ended = match (&seen.status, page, money) {
            (RemoteStatus::Canceled { .. }, ..) => return Ok(seen),
            (RemoteStatus::AwaitingPayer, Some(page), _) => {
                let path = ["v1", "checkout", "sessions", page, "expire"];
                let ended = self.post(&path, key.as_str(), Form::new(), &patience).await;
                match ended {
                    Ok(session) => self.observe(session, payment, &patience).await,
                    Err(error) => Err(error),
                }
            }
            (RemoteStatus::Authorized { .. }, _, Some(money)) => {
                let path = ["v1", "payment_intents", money, "cancel"];
                let form = Form::new().with("cancellation_reason", "abandoned");
                // A key belongs to one address: the page may have been tried with ours before.
                let key = format!("{key}-pi");
                let ended = self.post::<Intent>(&path, &key, form, &patience).await;
                ended.and_then(|intent| intent.observe_of(payment.attempt, self.env.now()))
            }
            _ => return Err(GatewayError::WrongState(Some(Box::new(seen)))),
        };
        match ended {
            Ok(ended) => Ok(Observation { gateway_id: seen.gateway_id, ..ended }),
            Err(GatewayError::WrongState(_) | GatewayError::Invalid { .. }) => {
                let truth = self.truth(payment, &patience).await?;
                match truth.status {
                    RemoteStatus::Canceled { .. } => Ok(truth),
                    _ => Err(GatewayError::WrongState(Some(Box::new(truth)))),
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn refund(
        &self,
        request: &CreateRefund,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let id = self.intent_of(&request.payment, &patience).await?;
        let id = id.ok_or(GatewayError::NotFound)?;
        let form = wire::new_refund(request, &id)?;
        let path = ["v1", "refunds"];
        let refund: wire::Refund = self.post(&path, key.as_str(), form, &patience).await?;
        if refund.payment_intent.as_ref() != Some(&id) {
            return Err(answer::untrusted("a refund of another payment"));
        }
        refund.observe_of(request.refund, self.env.now())
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let (patience, now) = (Patience::new(&self.env, within), self.env.now());
        if let Some(id) = &refund.gateway_id {
            let found: wire::Refund = self.get(&["v1", "refunds", id], &[], &patience).await?;
            if &found.id != id {
                return Err(answer::untrusted("another refund than the one asked for"));
            }
            return found.observe_of(refund.refund, now);
        }
        let absent = RemoteRefundStatus::Absent;
        let absent = RefundObservation::bare(refund.refund, absent, refund.amount, now);
        let Some(id) = self.intent_of(&refund.payment, &patience).await? else { return Ok(absent) };
        let filter = [("payment_intent", id.as_str())];
        let mut page = None;
        for _ in 0..PAGES_MAX {
            let list: wire::List<wire::Refund> =
                self.list(&["v1", "refunds"], None, &filter, page.as_ref(), &patience).await?;
            page = list.next(|refund| &refund.id);
            if let Some(found) = list.data.into_iter().find(|r| r.is_of(refund.refund)) {
                return found.observe_of(refund.refund, now);
            }
            if page.is_none() {
                return Ok(absent);
            }
        }
        Err(GatewayError::Unknown("too many refunds to look through".to_owned()))
    }

    async fn fetch_dispute(
        &self,
        dispute: &str,
        within: Duration,
    ) -> Result<DisputeObservation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let found: dispute::Dispute =
            self.get(&["v1", "disputes", dispute], &[], &patience).await?;
        found.observe_of(dispute)
    }

    /// Lists money, not pages: what nobody has paid is not there.
    async fn list_payments(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Observation>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let (path, deep) =
            (["v1", "payment_intents"], [("expand[]", "data.latest_charge.balance_transaction")]);
        let list: wire::List<Intent> =
            self.list(&path, Some(window), &deep, page, &patience).await?;
        list.page(|intent| &intent.id, |intent| intent.observe(self.env.now()))
    }

    async fn list_refunds(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<RefundObservation>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let list: wire::List<wire::Refund> =
            self.list(&["v1", "refunds"], Some(window), &[], page, &patience).await?;
        list.page(|refund| &refund.id, |refund| refund.observe(self.env.now()))
    }

    async fn list_notifications(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Notification>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let list: wire::List<webhook::Event> =
            self.list(&["v1", "events"], Some(window), &[], page, &patience).await?;
        let mode = self.settings.mode;
        list.page(|event| &event.id, |event| Ok(event.notification(mode)))
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        let header = raw.header(SIGNATURE).ok_or(NotificationError::Unsigned)?;
        timed_signature::verify(header, raw.body, &self.settings.endpoint_secrets, now)?;
        let event: webhook::Event =
            serde_json::from_slice(raw.body).map_err(|_| NotificationError::Malformed)?;
        Ok(event.notification(self.settings.mode))
    }

    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        match outcome {
            Acknowledgement::Stored => RawReply::text(200, ""),
            Acknowledgement::Rejected => RawReply::text(400, ""),
            Acknowledgement::TryAgain => RawReply::text(503, ""),
        }
    }
}
