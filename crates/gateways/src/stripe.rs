//! Stripe: a Checkout page for the payer, a payment intent for the money.
//!
//! Forms in, JSON out; amounts are whole minor units by Stripe's own table; keys are remembered
//! for 24 hours. A page (`cs_…`) has an intent (`pi_…`) once the payer has paid, and it is the
//! intent that says whether money is reserved or ours. Notifications are signed with their time.

mod form;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Env, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};

use crate::answer;
use crate::capabilities::{Capabilities, CaptureMode, Listing, VoidUnpaid};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::http::{Answer, Auth, Body, Call, HttpClient};
use crate::listing::{Page, PageToken, TimeWindow};
use crate::mode::Mode;
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{
    Health, Identity, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::patience::{Patience, when_opened};
use crate::port::Gateway;
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;
use crate::timed_signature;
use form::Form;

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

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        patience: &Patience<'_>,
    ) -> Result<T, GatewayError> {
        let auth = Auth::Bearer(&self.settings.secret_key);
        let headers = [("Stripe-Version", VERSION)];
        let call = Call::get(path, auth, patience.left()?);
        let answer = self.http.send(Call { query, headers: &headers, ..call }).await;
        answer::read(&sent(path, answer)?.body)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        key: &str,
        form: Form,
        patience: &Patience<'_>,
    ) -> Result<T, GatewayError> {
        let auth = Auth::Bearer(&self.settings.secret_key);
        let headers = [("Stripe-Version", VERSION), ("Idempotency-Key", key)];
        let call = Call::post(path, auth, Body::Form(form.finish()), patience.left()?);
        let answer = self.http.send(Call { headers: &headers, ..call }).await;
        answer::read(&sent(path, answer)?.body)
    }

    async fn session(
        &self,
        id: &str,
        patience: &Patience<'_>,
    ) -> Result<wire::Session, GatewayError> {
        let deep = [("expand[]", "payment_intent.latest_charge.balance_transaction")];
        let session: wire::Session =
            self.get(&["v1", "checkout", "sessions", id], &deep, patience).await?;
        if session.id != id {
            return Err(answer::untrusted("another page than the one asked for"));
        }
        Ok(session)
    }

    async fn intent(
        &self,
        id: &str,
        patience: &Patience<'_>,
    ) -> Result<wire::Intent, GatewayError> {
        let deep = [("expand[]", "latest_charge.balance_transaction")];
        let intent: wire::Intent =
            self.get(&["v1", "payment_intents", id], &deep, patience).await?;
        if intent.id != id {
            return Err(answer::untrusted("another intent than the one asked for"));
        }
        Ok(intent)
    }

    /// What a page and its intent say together.
    async fn observe(
        &self,
        mut session: wire::Session,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Observation, GatewayError> {
        let now = self.env.now();
        session.expect(payment.attempt)?;
        if !session.is_complete() {
            return session.observe_open(payment.attempt, now);
        }
        let intent = match session.intent() {
            Some(wire::Expandable::Object(intent)) => *intent,
            Some(wire::Expandable::Id(id)) => self.intent(&id, patience).await?,
            None => return Err(answer::untrusted("a page that is complete and has no money")),
        };
        let seen = intent.observe_of(payment.attempt, now)?;
        Ok(Observation { gateway_id: Some(session.id), ..seen })
    }

    /// The payment, by what we know of it. `None` when nothing is known and nothing is found.
    async fn see(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<Observation>, GatewayError> {
        if let Some(id) = &payment.gateway_id {
            let session = self.session(id, patience).await?;
            return self.observe(session, payment, patience).await.map(Some);
        }
        if let Some(id) = &payment.secondary_id {
            let intent = self.intent(id, patience).await?;
            return intent.observe_of(payment.attempt, self.env.now()).map(Some);
        }
        let window = when_opened(payment.attempt).ok_or(GatewayError::Unsupported)?;
        let (mut page, path) = (None, ["v1", "checkout", "sessions"]);
        for _ in 0..PAGES_MAX {
            let list: wire::List<wire::Session> =
                self.list(&path, Some(window), &[], page.as_ref(), patience).await?;
            page = list.next(|session| &session.id);
            if let Some(found) = list.data.into_iter().find(|s| s.is_of(payment.attempt)) {
                return self.observe(found, payment, patience).await.map(Some);
            }
            if page.is_none() {
                return Ok(None);
            }
        }
        Err(GatewayError::Unknown("too many payments to look through".to_owned()))
    }

    async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        window: Option<TimeWindow>,
        filter: &[(&str, &str)],
        page: Option<&PageToken>,
        patience: &Patience<'_>,
    ) -> Result<wire::List<T>, GatewayError> {
        let seconds = |at: Timestamp| at.as_second().to_string();
        let span = window.map(|window| (seconds(window.from), seconds(window.to)));
        let mut query = filter.to_vec();
        if let Some((from, to)) = &span {
            query.extend([("created[gte]", from.as_str()), ("created[lt]", to.as_str())]);
        }
        query.push(("limit", PAGE));
        query.extend(page.map(|page| ("starting_after", page.0.as_str())));
        self.get(path, &query, patience).await
    }

    /// The id of the money of a payment.
    async fn intent_of(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<String>, GatewayError> {
        match &payment.secondary_id {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(self.see(payment, patience).await?.and_then(|seen| seen.secondary_id)),
        }
    }

    /// The truth about a payment that was not in the state we thought.
    async fn truth(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Observation, GatewayError> {
        self.see(payment, patience).await?.ok_or(GatewayError::NotFound)
    }

    fn absent(&self, payment: &PaymentRef) -> Observation {
        let (status, now) = (RemoteStatus::Absent, self.env.now());
        let absent = Observation::bare(payment.attempt, status, payment.amount, now);
        Observation { test: self.settings.mode.is_test(), ..absent }
    }
}

/// Leaves a trace of every call and sorts answers that are refusals.
fn sent(path: &[&str], answer: Result<Answer, GatewayError>) -> Result<Answer, GatewayError> {
    let answer = answer.and_then(|answer| match answer.status {
        200 => Ok(answer),
        _ => Err(wire::refusal(&answer)),
    });
    match &answer {
        Ok(_) => tracing::debug!(?path, "stripe answered"),
        Err(error) => tracing::debug!(?path, %error, "stripe did not serve"),
    }
    answer
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
        let form = Form::new().with("amount_to_capture", wire::units(request.amount)?);
        let patience = Patience::new(&self.env, within);
        let payment = &request.payment;
        let Some(id) = self.intent_of(payment, &patience).await? else {
            return Err(GatewayError::WrongState(None));
        };
        let path = ["v1", "payment_intents", id.as_str(), "capture"];
        match self.post::<wire::Intent>(&path, key.as_str(), form, &patience).await {
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
                let ended = self.post::<wire::Intent>(&path, &key, form, &patience).await;
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

    /// Lists money, not pages: what nobody has paid is not there.
    async fn list_payments(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Observation>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let (path, deep) = (["v1", "payment_intents"], [("expand[]", "data.latest_charge")]);
        let list: wire::List<wire::Intent> =
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
