//! Alipay, by its gateway protocol: page pay for desktops, wap pay for phones.
//!
//! Opening a payment is no call: a signed address is made here, and the payment does not exist
//! over there until the payer opens it. Whoever has the address can pay, so it always says until
//! when. Everything is signed with RSA and SHA-256, by keys or by certificates. Money is taken at
//! once. Our own numbers make calls repeatable, for ever.

mod beijing;
mod bill;
mod canonical;
mod certificates;
mod keys;
mod notice;
mod seal;
#[cfg(test)]
mod tests;
mod wire;

use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Currency, Date, Env, SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::answer::{invalid, untrusted};
use crate::capabilities::{Capabilities, Currencies, Listing, VoidUnpaid};
use crate::error::{GatewayError, NotificationError, SetupError};
use crate::http::{Answer, Auth, Body, Call, HttpClient};
use crate::listing::DailyReport;
use crate::mode::Mode;
use crate::notification::{Acknowledgement, Notification, RawNotification, RawReply};
use crate::observation::{
    CancelReason, Health, Identity, Observation, RefundObservation, RemoteRefundStatus,
    RemoteStatus,
};
use crate::patience::Patience;
use crate::port::Gateway;
use crate::request::{
    Confirmation, CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef,
};
use crate::secret::Secret;
use canonical::Parameters;
use seal::Seal;
use wire::{Envelope, Said};

const NAME: &str = "alipay";
const LIVE: &str = "https://openapi.alipay.com/gateway.do";
/// Where their play money is.
const SANDBOX_HOST: &str = "openapi-sandbox.dl.alipaydev.com";
/// A fen to a hundred million yuan.
const AMOUNT_MINOR: RangeInclusive<i64> = 1..=10_000_000_000;
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Where Alipay is, who we are, and by what we know each other. Either `alipay_public_keys`, or
/// the three kinds of certificates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlipaySettings {
    /// `https://…/gateway.do`, or `http://` with a loopback address.
    #[serde(default = "live")]
    pub base_url: String,
    /// Real money or play money: their sandbox has keys and numbers of its own.
    pub mode: Mode,
    /// The application's number.
    pub app_id: String,
    /// The seller's number, `2088…`.
    pub seller_id: String,
    /// The application's private key: PEM or one line, PKCS #1 or #8.
    pub app_private_key: Secret,
    /// Alipay's public keys; two while one is being changed.
    #[serde(default)]
    pub alipay_public_keys: Vec<String>,
    /// The application's certificate, PEM.
    pub app_certificate: Option<String>,
    /// Alipay's certificates, PEM; two while one is being changed.
    #[serde(default)]
    pub alipay_certificates: Vec<String>,
    /// The chain of root certificates, PEM.
    pub alipay_root_certificates: Option<String>,
}

fn live() -> String {
    LIVE.to_owned()
}

/// A client of Alipay.
pub struct Alipay {
    http: HttpClient,
    seal: Seal,
    app_id: String,
    seller_id: String,
    mode: Mode,
    capabilities: Capabilities,
    env: Env,
}

impl Alipay {
    /// Checks the settings and reads the keys; connects to nothing yet.
    pub fn new(settings: AlipaySettings, env: Env) -> Result<Self, SetupError> {
        let bad = |why: String| SetupError::BadSetting { gateway: NAME, why };
        for (name, number) in [("app_id", &settings.app_id), ("seller_id", &settings.seller_id)] {
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(bad(format!("{name} is a number, digits only")));
            }
        }
        let seal = Seal::of(&settings)?;
        let http = HttpClient::new(&settings.base_url)?;
        let key_is_for = match http.base().host_str() {
            Some(SANDBOX_HOST) => Some(Mode::Test),
            Some("openapi.alipay.com") => Some(Mode::Live),
            _ => None,
        };
        if let Some(why) = settings.mode.contradiction(key_is_for, http.base()) {
            return Err(bad(why));
        }
        let capabilities = Capabilities {
            currencies: Currencies::Only(&[Currency::CNY]),
            amount_minor: AMOUNT_MINOR,
            void_unpaid: VoidUnpaid::OnlyOnceOpened,
            payer_term: MINUTE..=15 * DAY,
            refund_term: Some(365 * DAY),
            min_refund_interval: Duration::from_secs(3),
            listing: Listing::DailyReport,
            ..Capabilities::simple()
        };
        let AlipaySettings { app_id, seller_id, mode, .. } = settings;
        Ok(Self { http, seal, app_id, seller_id, mode, capabilities, env })
    }

    /// What every request says.
    fn parameters(
        &self,
        method: &str,
        content: &impl Serialize,
    ) -> Result<Parameters, GatewayError> {
        let content = serde_json::to_string(content)
            .map_err(|e| GatewayError::NotSent(format!("the request cannot be written: {e}")))?;
        let now = beijing::write(self.env.now());
        let common = [
            ("app_id", self.app_id.as_str()),
            ("biz_content", &content),
            ("charset", "utf-8"),
            ("format", "JSON"),
            ("method", method),
            ("sign_type", "RSA2"),
            ("timestamp", &now),
            ("version", "1.0"),
        ];
        let certificates = self.seal.request_numbers();
        let all = common.into_iter().chain(certificates);
        Ok(all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The address of a page on which this payment is paid.
    fn page(&self, request: &CreatePayment) -> Result<Url, GatewayError> {
        let method = match request.channel {
            crate::Channel::Desktop => "alipay.trade.page.pay",
            crate::Channel::Mobile => "alipay.trade.wap.pay",
        };
        let mut parameters = self.parameters(method, &wire::NewPage::of(request)?)?;
        parameters.insert("notify_url".to_owned(), request.notify_url.to_string());
        parameters.insert("return_url".to_owned(), request.return_url.to_string());
        let mut url = self.http.base().clone();
        url.set_query(Some(&self.seal.sealed(&parameters)?));
        Ok(url)
    }

    /// Asks `method`; the answer is believed only with their signature.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        content: &impl Serialize,
        patience: &Patience<'_>,
    ) -> Result<Said<T>, GatewayError> {
        let answer = self.send(method, content, patience).await?;
        let said = self.read(method, &answer);
        match &said {
            Ok(Said::Yes(_)) => tracing::debug!(method, "alipay answered"),
            Ok(Said::No(word)) => tracing::debug!(method, word, "alipay said no"),
            Err(error) => tracing::debug!(method, %error, "alipay did not serve"),
        }
        said
    }

    async fn send(
        &self,
        method: &str,
        content: &impl Serialize,
        patience: &Patience<'_>,
    ) -> Result<Answer, GatewayError> {
        let mut parameters = self.parameters(method, content)?;
        let signature = self.seal.sign(&canonical::of_request(&parameters))?;
        let content = parameters.remove("biz_content").unwrap_or_default();
        let mut query: Vec<_> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        query.push(("sign", &signature));
        let body = format!("biz_content={}", canonical::escaped_value(&content));
        let call = Call::post(&[], Auth::None, Body::Form(body), patience.left()?);
        self.http.send(Call { query: &query, ..call }).await
    }

    fn read<T: DeserializeOwned>(
        &self,
        method: &str,
        answer: &Answer,
    ) -> Result<Said<T>, GatewayError> {
        match answer.status {
            200 => {}
            500..=599 => return Err(GatewayError::Unknown(format!("status {}", answer.status))),
            other => return Err(untrusted(&format!("status {other}"))),
        }
        let envelope = Envelope::open(method, &answer.body)?;
        let signed = self.seal.check(&envelope)?;
        wire::sort(envelope.content, signed)
    }

    /// How a payment stands. `None` when they know of none: nobody has opened the page.
    async fn see(
        &self,
        payment: &PaymentRef,
        patience: &Patience<'_>,
    ) -> Result<Option<Observation>, GatewayError> {
        let said = self.ask("alipay.trade.query", &wire::Which::of(payment), patience).await?;
        match said {
            Said::Yes(trade) => {
                let trade: wire::Trade = trade;
                trade.observe(payment.attempt, self.mode.is_test(), self.env.now()).map(Some)
            }
            Said::No(word) if word.contains("TRADE_NOT_EXIST") => Ok(None),
            Said::No(code) => Err(GatewayError::Invalid { code, param: None }),
        }
    }

    fn bare(&self, payment: &PaymentRef, status: RemoteStatus) -> Observation {
        let now = self.env.now();
        Observation {
            gateway_id: Some(wire::number_of(payment.attempt)),
            secondary_id: payment.secondary_id.clone(),
            test: self.mode.is_test(),
            ..Observation::bare(payment.attempt, status, payment.amount, now)
        }
    }

    async fn see_refund(
        &self,
        refund: &RefundRef,
        patience: &Patience<'_>,
    ) -> Result<RefundObservation, GatewayError> {
        let which = wire::WhichRefund {
            out_trade_no: wire::number_of(refund.payment.attempt),
            out_request_no: wire::refund_number(refund.refund),
        };
        let said = self.ask("alipay.trade.fastpay.refund.query", &which, patience).await?;
        let seen: wire::RefundSeen = match said {
            Said::Yes(seen) => seen,
            Said::No(word) if word.contains("TRADE_NOT_EXIST") => {
                return Ok(self.bare_refund(refund, RemoteRefundStatus::Absent));
            }
            Said::No(code) => return Err(GatewayError::Invalid { code, param: None }),
        };
        Ok(match seen.given_back(refund.refund)? {
            Some(amount) => RefundObservation {
                amount,
                payment_id: seen.trade_no,
                ..self.bare_refund(refund, RemoteRefundStatus::Succeeded)
            },
            None => self.bare_refund(refund, RemoteRefundStatus::Absent),
        })
    }

    fn bare_refund(&self, refund: &RefundRef, status: RemoteRefundStatus) -> RefundObservation {
        RefundObservation {
            gateway_id: Some(wire::refund_number(refund.refund)),
            payment_id: Some(wire::number_of(refund.payment.attempt)),
            ..RefundObservation::bare(refund.refund, status, refund.amount, self.env.now())
        }
    }
}

#[async_trait]
impl Gateway for Alipay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn identity(&self) -> Identity {
        Identity { payee: Some(self.seller_id.clone()), test: Some(self.mode.is_test()) }
    }

    /// Asks for a payment that cannot be there: only with the right keys is the answer a signed
    /// "there is none".
    async fn probe(&self, within: Duration) -> Result<Health, GatewayError> {
        let method = "alipay.trade.query";
        let nobody = wire::Which { out_trade_no: "holdfast_probe".to_owned() };
        let answer = self.send(method, &nobody, &Patience::new(&self.env, within)).await?;
        match self.read::<serde_json::Value>(method, &answer)? {
            Said::No(word) if word.contains("TRADE_NOT_EXIST") => Ok(Health {
                test: Some(self.mode.is_test()),
                clock_ahead: answer.clock_ahead(self.env.now()),
                ..Health::default()
            }),
            Said::No(code) => Err(GatewayError::Invalid { code, param: None }),
            Said::Yes(_) => Err(untrusted("a payment that nobody made")),
        }
    }

    /// No call is made. Two addresses of one payment differ in when they were made; both lead to
    /// the same payment.
    async fn create(
        &self,
        request: &CreatePayment,
        _key: &IdempotencyKey,
        _within: Duration,
    ) -> Result<Created, GatewayError> {
        let term = request.payer_deadline.duration_since(self.env.now());
        if term < SHORTEST {
            return Err(invalid("too late to pay", "payer_deadline"));
        }
        let url = self.page(request)?;
        let payment = PaymentRef {
            attempt: request.attempt,
            gateway_id: None,
            secondary_id: None,
            amount: request.amount,
        };
        let observation = self.bare(&payment, RemoteStatus::AwaitingPayer);
        let valid_until = request.payer_deadline;
        Ok(Created { observation, confirmation: Confirmation::Redirect { url, valid_until } })
    }

    /// A payment whose page nobody has opened is absent, and may still be paid until its time is
    /// over.
    async fn fetch(
        &self,
        payment: &PaymentRef,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let found = self.see(payment, &Patience::new(&self.env, within)).await?;
        Ok(found.unwrap_or_else(|| self.bare(payment, RemoteStatus::Absent)))
    }

    /// Closes a payment that waits for its payer. One that nobody has opened stays absent: there
    /// is nothing to close, and the address is good until its time is over.
    async fn void(
        &self,
        payment: &PaymentRef,
        _key: &IdempotencyKey,
        within: Duration,
    ) -> Result<Observation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        match self.ask("alipay.trade.close", &wire::Which::of(payment), &patience).await? {
            Said::Yes(closed) => {
                let closed: wire::Closed = closed;
                let ours = wire::number_of(payment.attempt);
                if closed.out_trade_no.is_some_and(|theirs| theirs != ours) {
                    return Err(untrusted("another payment was closed"));
                }
                let reason = CancelReason::Voided;
                let seen = self.bare(payment, RemoteStatus::Canceled { reason });
                Ok(Observation { secondary_id: closed.trade_no, ..seen })
            }
            Said::No(word) if word.contains("TRADE_NOT_EXIST") => {
                Ok(self.bare(payment, RemoteStatus::Absent))
            }
            // Not to be closed any more: most often it has just been paid.
            Said::No(word) if word.contains("STATUS") || word.contains("TRADE_HAS_") => {
                let truth = self.see(payment, &patience).await?;
                let truth = truth.unwrap_or_else(|| self.bare(payment, RemoteStatus::Absent));
                match truth.status {
                    RemoteStatus::Canceled { .. } => Ok(truth),
                    _ => Err(GatewayError::WrongState(Some(Box::new(truth)))),
                }
            }
            Said::No(code) => Err(GatewayError::Invalid { code, param: None }),
        }
    }

    /// Sent again under the same number it moves nothing, and says so: then the refund itself is
    /// asked for, because a "no change" alone proves nothing.
    async fn refund(
        &self,
        request: &CreateRefund,
        _key: &IdempotencyKey,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let about = RefundRef {
            refund: request.refund,
            gateway_id: None,
            amount: request.amount,
            payment: request.payment.clone(),
        };
        let content = wire::NewRefund::of(request)?;
        let said = self.ask("alipay.trade.refund", &content, &patience).await?;
        let refunded: wire::Refunded = match said {
            Said::Yes(refunded) => refunded,
            Said::No(word) if word.contains("DISCORDANT_REPEAT_REQUEST") => {
                return Err(GatewayError::Conflict);
            }
            Said::No(word) if word.contains("TRADE_NOT_EXIST") => {
                return Err(GatewayError::NotFound);
            }
            // Closed: perhaps because this very refund was the last of it.
            Said::No(word) if word.contains("TRADE_HAS_CLOSE") => {
                let seen = self.see_refund(&about, &patience).await?;
                return match seen.status {
                    RemoteRefundStatus::Succeeded => Ok(seen),
                    _ => Err(GatewayError::Declined { reason: word }),
                };
            }
            Said::No(reason) => return Err(GatewayError::Declined { reason }),
        };
        let (moved, total) = refunded.read(request)?;
        let seen = if moved {
            self.bare_refund(&about, RemoteRefundStatus::Succeeded)
        } else {
            let seen = self.see_refund(&about, &patience).await?;
            match seen.status {
                // Taken in, and not there yet.
                RemoteRefundStatus::Absent => self.bare_refund(&about, RemoteRefundStatus::Pending),
                _ => seen,
            }
        };
        Ok(RefundObservation { payment_refunded: Some(total), ..seen })
    }

    async fn fetch_refund(
        &self,
        refund: &RefundRef,
        within: Duration,
    ) -> Result<RefundObservation, GatewayError> {
        self.see_refund(refund, &Patience::new(&self.env, within)).await
    }

    /// There from nine in the morning, Beijing time, of the day after.
    async fn daily_report(
        &self,
        day: Date,
        within: Duration,
    ) -> Result<Option<DailyReport>, GatewayError> {
        let patience = Patience::new(&self.env, within);
        let method = "alipay.data.dataservice.bill.downloadurl.query";
        let which = wire::WhichBill { bill_type: "trade", bill_date: day.to_string() };
        let bill: wire::Bill = match self.ask(method, &which, &patience).await? {
            Said::Yes(bill) => bill,
            Said::No(word) if word.to_lowercase().contains("not_exist") => return Ok(None),
            Said::No(code) => return Err(GatewayError::Invalid { code, param: None }),
        };
        let url = bill.bill_download_url.parse();
        let mut url: Url = url.map_err(|_| untrusted("a bill without an address"))?;
        if url.scheme() == "http" && self.http.base().scheme() == "https" {
            // They still write http; what is in the bill is nobody else's business.
            let _ = url.set_scheme("https");
        }
        let file = self.http.download(url, patience.left()?).await?;
        if file.status != 200 {
            return Err(GatewayError::Unknown(format!("the bill: status {}", file.status)));
        }
        bill::read(day, &file.body).map(Some)
    }

    fn receive(
        &self,
        raw: &RawNotification<'_>,
        _now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        notice::read(raw, &self.seal, &self.app_id, &self.seller_id)
    }

    /// Exactly the seven letters; anything else and they send it again.
    fn acknowledge(&self, outcome: Acknowledgement) -> RawReply {
        match outcome {
            Acknowledgement::Stored => RawReply::text(200, "success"),
            Acknowledgement::Rejected => RawReply::text(400, "fail"),
            Acknowledgement::TryAgain => RawReply::text(503, "fail"),
        }
    }
}
