//! Stripe's forms and JSON, and what they mean in our words.

use kernel::{AttemptId, RefundId, SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::amount::{money, units};
use super::form::Form;
use super::intent::Intent;
use crate::answer::{read, untrusted};
use crate::capabilities::CaptureMode;
use crate::error::GatewayError;
use crate::http::{Answer, check_address};
use crate::listing::{Page, PageToken};
use crate::observation::{
    CancelReason, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::patience::made_at;
use crate::request::{Confirmation, CreatePayment, CreateRefund};

/// A page is open for half an hour at least; a little more, because asking takes time.
const PAGE_OPEN_MIN: SignedDuration = SignedDuration::from_mins(35);
/// Languages their page speaks; others are left to the browser.
const LOCALES: [&str; 34] = [
    "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fil", "fr", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "th",
    "tr", "vi", "zh",
];

/// A page for `request`. The mark of the attempt stands on the page and on the money: what stands
/// on the one is not copied to the other.
pub(super) fn new_session(request: &CreatePayment) -> Result<Form, GatewayError> {
    let at_least = made_at(request.attempt).and_then(|at| at.checked_add(PAGE_OPEN_MIN).ok());
    let until = at_least.map_or(request.payer_deadline, |least| least.max(request.payer_deadline));
    let capture = match request.capture {
        CaptureMode::Manual => "manual",
        CaptureMode::Immediate => "automatic",
    };
    let language = request.locale.split('-').next().filter(|it| LOCALES.contains(it));
    let email = request.buyer.email.as_ref().filter(|email| !email.is_empty());
    let line = "line_items[0][price_data]";
    Ok(Form::new()
        .with("mode", "payment")
        .with("client_reference_id", &request.order)
        .with("metadata[order_id]", &request.order)
        .with("metadata[attempt_id]", request.attempt)
        .with("payment_intent_data[metadata][order_id]", &request.order)
        .with("payment_intent_data[metadata][attempt_id]", request.attempt)
        .with("payment_intent_data[capture_method]", capture)
        .with("line_items[0][quantity]", 1)
        .with(&format!("{line}[currency]"), request.amount.currency.code().to_ascii_lowercase())
        .with(&format!("{line}[unit_amount]"), units(request.amount)?)
        .with(&format!("{line}[product_data][name]"), &request.description)
        .with("success_url", &request.return_url)
        .with("cancel_url", &request.cancel_url)
        .with("expires_at", until.as_second())
        .with_some("customer_email", email)
        .with("locale", language.unwrap_or("auto")))
}

pub(super) fn new_refund(request: &CreateRefund, intent: &str) -> Result<Form, GatewayError> {
    Ok(Form::new()
        .with("payment_intent", intent)
        .with("amount", units(request.amount)?)
        .with("metadata[refund_id]", request.refund)
        .with("metadata[attempt_id]", request.payment.attempt))
}

/// A thing, or its id where the thing was not sent along.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    pub fn object(self) -> Option<T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(*object),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Metadata {
    attempt_id: Option<String>,
    refund_id: Option<String>,
}

pub(super) fn attempt_in(metadata: Option<&Metadata>) -> Option<AttemptId> {
    metadata?.attempt_id.as_ref()?.parse().ok()
}

#[derive(Deserialize)]
pub(super) struct Session {
    pub id: String,
    status: String,
    amount_total: Option<i64>,
    currency: Option<String>,
    metadata: Option<Metadata>,
    payment_intent: Option<Expandable<Intent>>,
    url: Option<String>,
    expires_at: i64,
    created: i64,
    livemode: bool,
}

impl Session {
    pub fn is_of(&self, attempt: AttemptId) -> bool {
        attempt_in(self.metadata.as_ref()) == Some(attempt)
    }

    /// Refuses a page that is not of `attempt`.
    pub fn expect(&self, attempt: AttemptId) -> Result<(), GatewayError> {
        if self.is_of(attempt) { Ok(()) } else { Err(untrusted("a page of another attempt")) }
    }

    /// Whether the payer has done their part. It does not say that there is money.
    pub fn is_complete(&self) -> bool {
        self.status == "complete"
    }

    pub fn intent(&mut self) -> Option<Expandable<Intent>> {
        self.payment_intent.take()
    }

    /// What the payer has to do, if anything is left to do.
    pub fn confirmation(&self) -> Result<Confirmation, GatewayError> {
        if self.status != "open" {
            return Ok(Confirmation::None);
        }
        let url = self.url.as_ref().and_then(|url| Url::parse(url).ok());
        let url = url.ok_or_else(|| untrusted("no page for the payer"))?;
        check_address(&url)
            .map_err(|why| untrusted(&format!("a payment page we send nobody to: {why}")))?;
        Ok(Confirmation::Redirect { url, valid_until: moment(self.expires_at)? })
    }

    /// In our words, as long as only the page can tell: open, whatever was declined on it, or over.
    pub fn observe_open(
        self,
        attempt: AttemptId,
        now: Timestamp,
    ) -> Result<Observation, GatewayError> {
        let status = match self.status.as_str() {
            "open" => RemoteStatus::AwaitingPayer,
            "expired" => RemoteStatus::Canceled { reason: CancelReason::Expired },
            other => return Err(untrusted(&format!("a page's status {other:?}"))),
        };
        let (Some(total), Some(currency)) = (self.amount_total, &self.currency) else {
            return Err(untrusted("a page without an amount"));
        };
        let amount = money(total, currency)?;
        let secondary_id = self.payment_intent.map(|intent| match intent {
            Expandable::Id(id) => id,
            Expandable::Object(intent) => intent.id,
        });
        Ok(Observation {
            gateway_id: Some(self.id),
            secondary_id,
            test: !self.livemode,
            created_at: Some(moment(self.created)?),
            ..Observation::bare(attempt, status, amount, now)
        })
    }
}

pub(super) fn moment(seconds: i64) -> Result<Timestamp, GatewayError> {
    Timestamp::from_second(seconds).map_err(|_| untrusted("a time that is none"))
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub id: String,
    amount: i64,
    currency: String,
    created: i64,
    pub payment_intent: Option<String>,
    status: String,
    failure_reason: Option<String>,
    metadata: Option<Metadata>,
}

impl Refund {
    fn refund(&self) -> Option<RefundId> {
        self.metadata.as_ref()?.refund_id.as_ref()?.parse().ok()
    }

    pub fn is_of(&self, refund: RefundId) -> bool {
        self.refund() == Some(refund)
    }

    /// In our words, if it is `refund`.
    pub fn observe_of(
        self,
        refund: RefundId,
        now: Timestamp,
    ) -> Result<RefundObservation, GatewayError> {
        if !self.is_of(refund) {
            return Err(untrusted("another refund than ours"));
        }
        self.observe(now)
    }

    /// In our words.
    pub fn observe(self, now: Timestamp) -> Result<RefundObservation, GatewayError> {
        let refund = self.refund();
        let status = match self.status.as_str() {
            "pending" | "requires_action" => RemoteRefundStatus::Pending,
            "succeeded" => RemoteRefundStatus::Succeeded,
            "failed" | "canceled" => {
                let reason = self.failure_reason.unwrap_or(self.status);
                let retry_with_new_key = reason == "insufficient_funds";
                RemoteRefundStatus::Failed { reason, retry_with_new_key }
            }
            other => return Err(untrusted(&format!("a refund status {other:?}"))),
        };
        let amount = money(self.amount, &self.currency)?;
        if amount.minor <= 0 {
            return Err(untrusted("a refund of nothing"));
        }
        Ok(RefundObservation {
            refund,
            gateway_id: Some(self.id),
            payment_id: self.payment_intent,
            status,
            amount,
            payment_refunded: None,
            created_at: Some(moment(self.created)?),
            observed_at: now,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    has_more: bool,
}

impl<T> List<T> {
    /// Where to go on: after the last one.
    pub fn next(&self, id: impl Fn(&T) -> &String) -> Option<PageToken> {
        let last = self.data.last().filter(|_| self.has_more)?;
        Some(PageToken(id(last).clone()))
    }

    /// In our words.
    pub fn page<O>(
        self,
        id: impl Fn(&T) -> &String,
        observe: impl FnMut(T) -> Result<O, GatewayError>,
    ) -> Result<Page<O>, GatewayError> {
        let next = self.next(id);
        let items = self.data.into_iter().map(observe).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }
}

#[derive(Deserialize)]
struct Problem {
    error: ProblemFields,
}

#[derive(Deserialize)]
struct ProblemFields {
    r#type: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

/// What an answer other than 200 means.
pub(super) fn refusal(answer: &Answer) -> GatewayError {
    match answer.status {
        401 | 403 => return GatewayError::Unauthorized,
        404 => return GatewayError::NotFound,
        // 409: another call with the key is under way; 424: somebody they asked did not answer.
        // Nothing has been done.
        409 | 424 | 429 => return GatewayError::RateLimited { after: answer.retry_after },
        400 | 402 => {}
        500..=599 => return GatewayError::Unknown(format!("status {}", answer.status)),
        other => return untrusted(&format!("status {other}")),
    }
    let problem: Problem = match read(&answer.body) {
        Ok(problem) => problem,
        Err(error) => return error,
    };
    let ProblemFields { r#type, code, decline_code, param } = problem.error;
    if r#type == "idempotency_error" {
        return GatewayError::Conflict;
    }
    let code = code.unwrap_or(r#type);
    match code.as_str() {
        "payment_intent_unexpected_state" => GatewayError::WrongState(None),
        "charge_already_refunded" | "charge_disputed" => GatewayError::Declined { reason: code },
        _ if answer.status == 402 => {
            GatewayError::Declined { reason: decline_code.unwrap_or(code) }
        }
        _ => GatewayError::Invalid { code, param },
    }
}
