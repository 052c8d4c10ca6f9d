//! YooKassa, API version 3.
//!
//! JSON over HTTP with the shop's number and secret; amounts are decimal text; every call that
//! changes something carries a key they remember for 24 hours. The payer pays on a page of theirs
//! within an hour, and an unpaid payment cannot be called off. Notifications are not signed: they
//! come from published addresses and only say what to ask for.

mod asking;
mod notice;
mod receipt;
#[cfg(test)]
mod tests;
mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use kernel::{Currency, Env, Timestamp};
use serde::Deserialize;

use crate::answer;
use crate::capabilities::{
    Capabilities, CaptureMode, Currencies, Listing, NotificationAuth, VoidUnpaid,
};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::http::HttpClient;
use crate::listing::{Page, PageToken, TimeWindow};
use crate::mode::Mode;
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{
    Health, Identity, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::patience::Patience;
use crate::port::Gateway;
use crate::request::{
    CapturePayment, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;

const NAME: &str = "yookassa";
const LIVE: &str = "https://api.yookassa.ru/v3";
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// A rouble is the least they take; the most is beyond what anybody pays by card.
const AMOUNT_MINOR: RangeInclusive<i64> = 100..=9_999_999_999;
/// Entries of one page of a list.
const PAGE: &str = "100";
/// Pages looked through for one payment before it is given up.
const PAGES_MAX: usize = 50;

/// Where YooKassa is, who we are, and how its notifications are known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YooKassaSettings {
    /// `https://…`, or `http://` with a loopback address.
    #[serde(default = "live")]
    pub base_url: String,
    /// Real money or play money: their test shops have numbers and secrets of their own.
    pub mode: Mode,
    /// The shop's number.
    pub shop_id: String,
    /// The shop's secret.
    pub secret_key: Secret,
    /// When money is taken if nobody chooses.
    #[serde(default = "manual")]
    pub capture: CaptureMode,
    /// Addresses that notifications come from; an empty list lets them come from anywhere.
    #[serde(default = "notice::published_sources")]
    pub sources: Vec<IpNet>,
    /// Words of which one must stand in the notification address as `?token=`; two while it is
    /// being changed. May be empty.
    #[serde(default)]
    pub hook_tokens: Vec<Secret>,
}

fn live() -> String {
    LIVE.to_owned()
}

fn manual() -> CaptureMode {
    CaptureMode::Manual
}

/// A client of YooKassa.
pub struct YooKassa {
    http: HttpClient,
    settings: YooKassaSettings,
    capabilities: Capabilities,
    env: Env,
}

impl YooKassa {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: YooKassaSettings, env: Env) -> Result<Self, SetupError> {
        let bad = |why: &str| SetupError::BadSetting { gateway: NAME, why: why.to_owned() };
        let number = &settings.shop_id;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad("shop_id is the shop's number, digits only"));
        }
        let why = "may contain letters, digits and ASCII signs only";
        if !settings.secret_key.is_plain() {
            return Err(SetupError::BadSecret { gateway: NAME, why });
        }
        if settings.hook_tokens.iter().any(|token| token.reveal().len() < 16) {
            return Err(bad("a hook token has at least 16 characters"));
        }
        let http = HttpClient::new(&settings.base_url)?;
        let test = settings.secret_key.reveal().starts_with("test_");
        let key_is_for = Some(if test { Mode::Test } else { Mode::Live });
        if let Some(why) = settings.mode.contradiction(key_is_for, http.base()) {
            return Err(bad(&why));
        }
        let capabilities = Capabilities {
            currencies: Currencies::Only(&[Currency::RUB]),
            amount_minor: AMOUNT_MINOR,
            capture_modes: match settings.capture {
                CaptureMode::Manual => &[CaptureMode::Manual, CaptureMode::Immediate],
                CaptureMode::Immediate => &[CaptureMode::Immediate, CaptureMode::Manual],
            },
            partial_capture: true,
            void_unpaid: VoidUnpaid::Impossible,
            payer_term: HOUR..=HOUR,
            capture_term: Some(7 * DAY),
            refund_term: Some(365 * DAY),
            idempotency_ttl: Some(DAY),
            listing: Listing::Cursor,
            notification_auth: NotificationAuth::SourceIpThenFetch,
            ..Capabilities::simple()
        };
        Ok(Self { http, settings, capabilities, env })
    }
}

#[async_trait]
impl Gateway for YooKassa {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn identity(&self) -> Identity {
        let payee = Some(self.settings.shop_id.clone());
        Identity { payee, test: Some(self.settings.mode.is_test()) }
    }

    async fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        let answer = self.get(&["me"], &[], &Patience::new(&self.env, within)).await?;
        let me: wire::Me = answer::read(&answer.body)?;
        Ok(Health {
            payee: Some(me.account_id),
            test: Some(me.test),
            clock_ahead: answer.clock_ahead(self.env.now()),
            receipts_wanted: me.fiscalization.map(|fiscalization| fiscalization.enabled),
        })
    }

    async fn create(
        &self,
        request: &CreatePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Created, GatewayError> {
        let body = wire::NewPayment::of(request)?;
        let patience = Patience::new(&self.env, within);
        let answer = self.post(&["payments"], key, &body, &patience).await?;
        let payment: wire::Payment = answer::read(&answer.body)?;
        let confirmation = payment.confirmation(self.env.now())?;
        let observation = payment.observe_of(request.attempt, None, self.env.now())?;
        Ok(Created { observation, confirmation })
    }

    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        if let Some(id) = &payment.gateway_id {
            return self.by_id(id, payment, &patience).await;
        }
        let found = self.look_for(payment, &patience).await?;
        Ok(found.unwrap_or_else(|| self.absent(payment)))
    }

    async fn capture(
        &self,
        request: &CapturePayment,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let body = wire::Capture::of(request)?;
        let patience = Patience::new(&self.env, within);
        let payment = &request.payment;
        let id = self.id_of(payment, &patience).await?.ok_or(GatewayError::NotFound)?;
        let path = ["payments", id.as_str(), "capture"];
        match self.post(&path, key, &body, &patience).await {
            Ok(answer) => answer::read::<wire::Payment>(&answer.body)?.observe_of(
                payment.attempt,
                Some(&id),
                self.env.now(),
            ),
            // They say the same of a wrong state and of a wrong request: the payment tells which.
            Err(refused @ GatewayError::Invalid { .. }) => {
                let truth = self.by_id(&id, payment, &patience).await?;
                Err(match truth.status {
                    RemoteStatus::Authorized { .. } => refused,
                    _ => GatewayError::WrongState(Some(Box::new(truth))),
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn void(
        &self,
        payment: &PaymentRef,
        key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let Some(id) = self.id_of(payment, &patience).await? else {
            return Ok(self.absent(payment));
        };
        let path = ["payments", id.as_str(), "cancel"];
        match self.post(&path, key, &serde_json::json!({}), &patience).await {
            Ok(answer) => answer::read::<wire::Payment>(&answer.body)?.observe_of(
                payment.attempt,
                Some(&id),
                self.env.now(),
            ),
            Err(refused @ GatewayError::Invalid { .. }) => {
                let truth = self.by_id(&id, payment, &patience).await?;
                match truth.status {
                    RemoteStatus::Canceled { .. } => Ok(truth),
                    RemoteStatus::AwaitingPayer => Err(GatewayError::Unsupported),
                    RemoteStatus::Authorized { .. } => Err(refused),
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
        let id = self.id_of(&request.payment, &patience).await?;
        let id = id.ok_or(GatewayError::NotFound)?;
        let body = wire::NewRefund::of(request, &id)?;
        let answer = self.post(&["refunds"], key, &body, &patience).await?;
        let refund: wire::Refund = answer::read(&answer.body)?;
        if refund.payment_id != id {
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
            let answer = self.get(&["refunds", id], &[], &patience).await?;
            let found: wire::Refund = answer::read(&answer.body)?;
            if &found.id != id {
                return Err(answer::untrusted("another refund than the one asked for"));
            }
            return found.observe_of(refund.refund, now);
        }
        let absent = RemoteRefundStatus::Absent;
        let absent = RefundObservation::bare(refund.refund, absent, refund.amount, now);
        let Some(id) = self.id_of(&refund.payment, &patience).await? else { return Ok(absent) };
        let filter = [("payment_id", id.as_str())];
        let mut page = None;
        for _ in 0..PAGES_MAX {
            let list: wire::List<wire::Refund> =
                self.list(&["refunds"], None, &filter, page.as_ref(), &patience).await?;
            for found in list.items {
                if found.refund() == Some(refund.refund) {
                    return found.observe_of(refund.refund, now);
                }
            }
            page = list.next_cursor.map(PageToken);
            if page.is_none() {
                return Ok(absent);
            }
        }
        Err(GatewayError::Unknown("too many refunds to look through".to_owned()))
    }

    async fn list_payments(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<Observation>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let list: wire::List<wire::Payment> =
            self.list(&["payments"], Some(window), &[], page, &patience).await?;
        list.page(|payment| payment.observe(self.env.now()))
    }

    async fn list_refunds(
        &self,
        window: TimeWindow,
        page: Option<&PageToken>,
        within: Duration,
    ) -> Result<Page<RefundObservation>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let list: wire::List<wire::Refund> =
            self.list(&["refunds"], Some(window), &[], page, &patience).await?;
        list.page(|refund| refund.observe(self.env.now()))
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        _now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        notice::check(raw, &self.settings)?;
        notice::read(raw.body, &self.settings)
    }

    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        match outcome {
            Acknowledgement::Stored => RawReply::text(200, ""),
            Acknowledgement::Rejected => RawReply::text(403, ""),
            Acknowledgement::TryAgain => RawReply::text(503, ""),
        }
    }
}
