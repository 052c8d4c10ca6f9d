//! YooKassa's JSON, and what it means in our words.

use kernel::{AttemptId, Currency, Money, RefundId, SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::receipt::{Receipt, receipt};
use crate::amount;
use crate::answer::{invalid, read, untrusted};
use crate::capabilities::CaptureMode;
use crate::error::GatewayError;
use crate::http::{Answer, check_address};
use crate::listing::{Page, PageToken};
use crate::observation::{
    CancelReason, MethodSummary, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::request::{CapturePayment, Confirmation, CreatePayment, CreateRefund};

pub(super) const DESCRIPTION_MAX: usize = 128;
const REASON_MAX: usize = 250;
const RETURN_URL_MAX: usize = 2048;

#[derive(Serialize, Deserialize)]
pub(super) struct Amount {
    value: String,
    currency: Currency,
}

impl Amount {
    pub fn of(money: Money) -> Result<Self, GatewayError> {
        if money.currency.digits() != 2 {
            return Err(invalid("a currency they do not take", "currency"));
        }
        Ok(Self { value: amount::decimal(money)?, currency: money.currency })
    }

    fn money(&self) -> Result<Money, GatewayError> {
        amount::read_decimal(&self.value, self.currency)
            .ok_or_else(|| untrusted(&format!("an amount {:?}", self.value)))
    }
}

#[derive(Serialize)]
pub(super) struct NewPayment {
    amount: Amount,
    capture: bool,
    confirmation: NewConfirmation,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    metadata: NewMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

#[derive(Serialize)]
struct NewConfirmation {
    r#type: &'static str,
    return_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'static str>,
}

#[derive(Serialize)]
struct NewMetadata {
    order_id: String,
    attempt_id: AttemptId,
}

impl NewPayment {
    pub fn of(request: &CreatePayment) -> Result<Self, GatewayError> {
        if request.return_url.as_str().len() > RETURN_URL_MAX {
            return Err(invalid("an address that is too long", "return_url"));
        }
        let locale = match request.locale.split('-').next() {
            Some("ru") => Some("ru_RU"),
            Some("en") => Some("en_US"),
            _ => None,
        };
        Ok(Self {
            amount: Amount::of(request.amount)?,
            capture: request.capture == CaptureMode::Immediate,
            confirmation: NewConfirmation {
                r#type: "redirect",
                return_url: request.return_url.to_string(),
                locale,
            },
            description: shortened(&request.description, DESCRIPTION_MAX),
            metadata: NewMetadata { order_id: request.order.clone(), attempt_id: request.attempt },
            client_ip: request.client_ip.map(|ip| ip.to_string()),
            receipt: receipt(request.receipt.as_ref(), request.amount)?,
        })
    }
}

#[derive(Serialize)]
pub(super) struct Capture {
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

impl Capture {
    pub fn of(request: &CapturePayment) -> Result<Self, GatewayError> {
        let receipt = receipt(request.receipt.as_ref(), request.amount)?;
        Ok(Self { amount: Amount::of(request.amount)?, receipt })
    }
}

#[derive(Serialize)]
pub(super) struct NewRefund {
    payment_id: String,
    amount: Amount,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    metadata: NewRefundMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

#[derive(Serialize)]
struct NewRefundMetadata {
    refund_id: RefundId,
}

impl NewRefund {
    pub fn of(request: &CreateRefund, payment_id: &str) -> Result<Self, GatewayError> {
        Ok(Self {
            payment_id: payment_id.to_owned(),
            amount: Amount::of(request.amount)?,
            description: shortened(&request.reason, REASON_MAX),
            metadata: NewRefundMetadata { refund_id: request.refund },
            receipt: receipt(request.receipt.as_ref(), request.amount)?,
        })
    }
}

pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names")]
pub(super) struct Payment {
    id: String,
    status: String,
    amount: Amount,
    income_amount: Option<Amount>,
    refunded_amount: Option<Amount>,
    recipient: Recipient,
    test: bool,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    confirmation: Option<PageForPayer>,
    metadata: Option<Metadata>,
    cancellation_details: Option<Cancellation>,
    payment_method: Option<Method>,
}

#[derive(Deserialize)]
struct Recipient {
    account_id: String,
}

#[derive(Deserialize)]
struct PageForPayer {
    confirmation_url: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    attempt_id: Option<String>,
    refund_id: Option<String>,
}

#[derive(Deserialize)]
struct Cancellation {
    reason: String,
}

#[derive(Deserialize)]
struct Method {
    r#type: String,
    card: Option<Card>,
}

#[derive(Deserialize)]
struct Card {
    last4: Option<String>,
    card_type: Option<String>,
}

impl Payment {
    /// Our attempt, if it carries one.
    pub fn attempt(&self) -> Option<AttemptId> {
        self.metadata.as_ref()?.attempt_id.as_ref()?.parse().ok()
    }

    /// What the payer has to do, if anything is left to do.
    pub fn confirmation(&self, now: Timestamp) -> Result<Confirmation, GatewayError> {
        if self.status != "pending" {
            return Ok(Confirmation::None);
        }
        let page = self.confirmation.as_ref().and_then(|page| page.confirmation_url.as_ref());
        let url = page.and_then(|page| Url::parse(page).ok());
        let url = url.ok_or_else(|| untrusted("no page for the payer"))?;
        check_address(&url)
            .map_err(|why| untrusted(&format!("a payment page we send nobody to: {why}")))?;
        let hour = SignedDuration::from_hours(1);
        let valid_until = self.created_at.checked_add(hour).unwrap_or(now);
        Ok(Confirmation::Redirect { url, valid_until })
    }

    /// In our words, if it is the payment of `attempt` (and, if we asked for one, of that id).
    pub fn observe_of(
        self,
        attempt: AttemptId,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Observation, GatewayError> {
        if self.attempt() != Some(attempt) {
            return Err(untrusted("a payment of another attempt"));
        }
        if id.is_some_and(|id| id != self.id) {
            return Err(untrusted("another payment than the one asked for"));
        }
        self.observe(now)
    }

    /// In our words. Only `succeeded` means that money is ours; `paid` says less than it seems.
    pub fn observe(self, now: Timestamp) -> Result<Observation, GatewayError> {
        let attempt = self.attempt();
        let amount = self.amount.money()?;
        let nothing = Money::zero(amount.currency);
        let status = match self.status.as_str() {
            "pending" => RemoteStatus::AwaitingPayer,
            "waiting_for_capture" => RemoteStatus::Authorized { until: self.expires_at },
            "succeeded" => RemoteStatus::Captured,
            "canceled" => RemoteStatus::Canceled { reason: reason(self.cancellation_details) },
            other => return Err(untrusted(&format!("a payment status {other:?}"))),
        };
        let captured = if status == RemoteStatus::Captured { amount } else { nothing };
        let reserved = matches!(status, RemoteStatus::Authorized { .. });
        let refunded = match &self.refunded_amount {
            Some(refunded) => refunded.money()?,
            None => nothing,
        };
        let same_currency = refunded.currency == amount.currency;
        if amount.minor <= 0 || !same_currency || refunded.minor > captured.minor {
            return Err(untrusted("sums that contradict each other"));
        }
        let income = self.income_amount.and_then(|income| income.money().ok());
        let fee = income
            .filter(|income| income.currency == amount.currency && captured.minor > 0)
            .map(|income| Money { minor: amount.minor - income.minor, ..amount });
        Ok(Observation {
            attempt,
            gateway_id: Some(self.id),
            secondary_id: None,
            status,
            amount,
            authorized: if reserved { amount } else { nothing },
            captured,
            refunded: Some(refunded),
            fee,
            payee: Some(self.recipient.account_id),
            method: self.payment_method.map(summary),
            test: self.test,
            created_at: Some(self.created_at),
            observed_at: now,
        })
    }
}

fn summary(method: Method) -> MethodSummary {
    let (last4, brand) = method.card.map_or((None, None), |card| (card.last4, card.card_type));
    let kind = if method.r#type == "bank_card" { "card".to_owned() } else { method.r#type };
    MethodSummary { kind, brand, last4, fingerprint: None }
}

fn reason(details: Option<Cancellation>) -> CancelReason {
    let word = details.map(|details| details.reason).unwrap_or_default();
    match word.as_str() {
        "general_decline" => CancelReason::Declined,
        "expired_on_confirmation" => CancelReason::Expired,
        "canceled_by_merchant" => CancelReason::Voided,
        _ => CancelReason::Other(word),
    }
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub payment_id: String,
    amount: Amount,
    status: String,
    created_at: Timestamp,
    cancellation_details: Option<Cancellation>,
    metadata: Option<Metadata>,
}

impl Refund {
    /// Our refund, if it carries one.
    pub fn refund(&self) -> Option<RefundId> {
        self.metadata.as_ref()?.refund_id.as_ref()?.parse().ok()
    }

    /// In our words, if it is `refund`.
    pub fn observe_of(
        self,
        refund: RefundId,
        now: Timestamp,
    ) -> Result<RefundObservation, GatewayError> {
        if self.refund().is_some_and(|theirs| theirs != refund) {
            return Err(untrusted("another refund of ours"));
        }
        Ok(RefundObservation { refund: Some(refund), ..self.observe(now)? })
    }

    /// In our words.
    pub fn observe(self, now: Timestamp) -> Result<RefundObservation, GatewayError> {
        let refund = self.refund();
        let amount = self.amount.money()?;
        if amount.minor <= 0 {
            return Err(untrusted("a refund of nothing"));
        }
        let status = match self.status.as_str() {
            "pending" => RemoteRefundStatus::Pending,
            "succeeded" => RemoteRefundStatus::Succeeded,
            "canceled" => {
                let reason = self.cancellation_details.map(|d| d.reason).unwrap_or_default();
                // The shop's balance may be full again, and a time-out may not come twice.
                let passing = ["rejected_by_timeout", "insufficient_funds"];
                let retry_with_new_key = passing.contains(&reason.as_str());
                RemoteRefundStatus::Failed { reason, retry_with_new_key }
            }
            other => return Err(untrusted(&format!("a refund status {other:?}"))),
        };
        Ok(RefundObservation {
            refund,
            gateway_id: Some(self.id),
            payment_id: Some(self.payment_id),
            status,
            amount,
            payment_refunded: None,
            created_at: Some(self.created_at),
            observed_at: now,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// In our words.
    pub fn page<O>(
        self,
        observe: impl FnMut(T) -> Result<O, GatewayError>,
    ) -> Result<Page<O>, GatewayError> {
        let items = self.items.into_iter().map(observe).collect::<Result<_, _>>()?;
        Ok(Page { items, next: self.next_cursor.map(PageToken) })
    }
}

#[derive(Deserialize)]
pub(super) struct Me {
    pub account_id: String,
    pub test: bool,
    pub fiscalization: Option<Fiscalization>,
}

#[derive(Deserialize)]
pub(super) struct Fiscalization {
    pub enabled: bool,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    description: Option<String>,
    parameter: Option<String>,
    reason: Option<String>,
    retry_after: Option<u64>,
}

/// What an answer other than 200 means.
pub(super) fn refusal(answer: &Answer) -> GatewayError {
    let known = |code: &str| GatewayError::Invalid { code: code.to_owned(), param: None };
    match answer.status {
        202 => return GatewayError::Unknown("it is still being worked on".to_owned()),
        401 | 403 => return GatewayError::Unauthorized,
        404 => return GatewayError::NotFound,
        405 => return known("a method that is not allowed"),
        410 => return known("gone"),
        415 => return known("a content type that is not taken"),
        429 => {
            let millis = read::<Problem>(&answer.body).ok().and_then(|p| p.retry_after);
            let after = millis.map(std::time::Duration::from_millis).or(answer.retry_after);
            return GatewayError::RateLimited { after };
        }
        400 => {}
        500..=599 => return GatewayError::Unknown(format!("status {}", answer.status)),
        other => return untrusted(&format!("status {other}")),
    }
    let problem: Problem = match read(&answer.body) {
        Ok(problem) => problem,
        Err(error) => return error,
    };
    if problem.parameter.as_deref() == Some("Idempotence-Key") {
        return GatewayError::Conflict;
    }
    if problem.code == "refusal" {
        let reason = problem.reason.or(problem.description).unwrap_or(problem.code);
        return GatewayError::Declined { reason };
    }
    GatewayError::Invalid { code: problem.code, param: problem.parameter }
}
