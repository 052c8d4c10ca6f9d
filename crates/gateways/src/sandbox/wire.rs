//! The sandbox's JSON, and what it means in our words.

use kernel::{AttemptId, Currency, Money, RefundId, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::answer::{read, untrusted};
use crate::capabilities::CaptureMode;
use crate::error::{GatewayError, NotificationError};
use crate::http::{Answer, check_address};
use crate::notification::{Notification, Subject};
use crate::observation::{
    CancelReason, MethodSummary, Observation, RefundObservation, RemoteRefundStatus, RemoteStatus,
};
use crate::request::{Confirmation, CreatePayment, CreateRefund};

#[derive(Serialize)]
pub(super) struct NewPayment<'a> {
    amount_minor: i64,
    currency: Currency,
    reference: AttemptId,
    description: &'a str,
    return_url: &'a str,
    notify_url: &'a str,
    expires_at: Timestamp,
    hold: bool,
}

impl<'a> From<&'a CreatePayment> for NewPayment<'a> {
    fn from(request: &'a CreatePayment) -> Self {
        Self {
            amount_minor: request.amount.minor,
            currency: request.amount.currency,
            reference: request.attempt,
            description: &request.description,
            return_url: request.return_url.as_str(),
            notify_url: request.notify_url.as_str(),
            expires_at: request.payer_deadline,
            hold: request.capture == CaptureMode::Manual,
        }
    }
}

#[derive(Serialize)]
pub(super) struct NewRefund<'a> {
    payment_id: &'a str,
    amount_minor: i64,
    reference: RefundId,
}

impl<'a> NewRefund<'a> {
    pub fn new(request: &CreateRefund, payment_id: &'a str) -> Self {
        Self { payment_id, amount_minor: request.amount.minor, reference: request.refund }
    }
}

#[derive(Deserialize)]
pub(super) struct Payment {
    pub id: String,
    status: String,
    amount_minor: i64,
    currency: Currency,
    captured_minor: i64,
    refunded_minor: i64,
    reference: String,
    confirm_url: String,
    expires_at: Timestamp,
    canceled_reason: Option<String>,
    method: Option<Method>,
    test: bool,
}

#[derive(Deserialize)]
struct Method {
    kind: String,
    brand: Option<String>,
    last4: Option<String>,
    fingerprint: Option<String>,
}

impl Payment {
    /// Refuses a payment that is not of `attempt`.
    pub fn expect(&self, attempt: AttemptId) -> Result<(), GatewayError> {
        if self.reference == attempt.to_string() {
            Ok(())
        } else {
            Err(untrusted("a payment with another reference"))
        }
    }

    /// What the payer has to do, if anything is left to do.
    pub fn confirmation(&self) -> Result<Confirmation, GatewayError> {
        if self.status != "pending" {
            return Ok(Confirmation::None);
        }
        let url = Url::parse(&self.confirm_url).map_err(|_| untrusted("no page for the payer"))?;
        check_address(&url)
            .map_err(|why| untrusted(&format!("a payment page we send nobody to: {why}")))?;
        Ok(Confirmation::Redirect { url, valid_until: self.expires_at })
    }

    /// In our words. Sums that contradict each other are not believed.
    pub fn observe(self, attempt: AttemptId, now: Timestamp) -> Result<Observation, GatewayError> {
        let status = match self.status.as_str() {
            "pending" => RemoteStatus::AwaitingPayer,
            "authorized" => RemoteStatus::Authorized { until: None },
            "succeeded" => RemoteStatus::Captured,
            "canceled" => RemoteStatus::Canceled { reason: reason(self.canceled_reason) },
            other => return Err(untrusted(&format!("a payment status {other:?}"))),
        };
        let [amount, captured, refunded] =
            [self.amount_minor, self.captured_minor, self.refunded_minor]
                .map(|minor| Money::new(minor, self.currency));
        let paid = status == RemoteStatus::Captured;
        let sums_agree = amount.minor > 0
            && (0..=amount.minor).contains(&captured.minor)
            && (0..=captured.minor).contains(&refunded.minor)
            && paid == (captured.minor > 0);
        if !sums_agree {
            return Err(untrusted("sums that contradict each other"));
        }
        let held = matches!(status, RemoteStatus::Authorized { .. });
        Ok(Observation {
            gateway_id: Some(self.id),
            authorized: if held { amount } else { Money::zero(amount.currency) },
            captured,
            refunded: Some(refunded),
            method: self.method.map(|method| MethodSummary {
                kind: method.kind,
                brand: method.brand,
                last4: method.last4,
                fingerprint: method.fingerprint,
            }),
            test: self.test,
            ..Observation::bare(attempt, status, amount, now)
        })
    }
}

fn reason(word: Option<String>) -> CancelReason {
    match word.as_deref() {
        Some("declined") => CancelReason::Declined,
        Some("expired" | "hold_expired") => CancelReason::Expired,
        Some("voided") => CancelReason::Voided,
        _ => CancelReason::Other(word.unwrap_or_default()),
    }
}

#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    payment_id: Option<String>,
    status: String,
    amount_minor: i64,
    currency: Currency,
    reference: String,
    failure: Option<String>,
}

impl Refund {
    /// In our words.
    pub fn observe(
        self,
        refund: RefundId,
        now: Timestamp,
    ) -> Result<RefundObservation, GatewayError> {
        if self.reference != refund.to_string() {
            return Err(untrusted("a refund with another reference"));
        }
        if self.amount_minor <= 0 {
            return Err(untrusted("a refund of nothing"));
        }
        let status = match self.status.as_str() {
            "pending" => RemoteRefundStatus::Pending,
            "succeeded" => RemoteRefundStatus::Succeeded,
            "failed" => RemoteRefundStatus::Failed {
                reason: self.failure.unwrap_or_default(),
                retry_with_new_key: true,
            },
            other => return Err(untrusted(&format!("a refund status {other:?}"))),
        };
        let amount = Money::new(self.amount_minor, self.currency);
        Ok(RefundObservation {
            gateway_id: Some(self.id),
            payment_id: self.payment_id,
            ..RefundObservation::bare(refund, status, amount, now)
        })
    }
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    items: Vec<T>,
}

impl<T> List<T> {
    /// What a search by our reference found. References are unique over there.
    pub fn one(mut self) -> Result<Option<T>, GatewayError> {
        let first = self.items.pop();
        if self.items.is_empty() { Ok(first) } else { Err(untrusted("two with one reference")) }
    }
}

#[derive(Deserialize)]
struct Problem {
    error: ProblemFields,
    payment: Option<Payment>,
}

#[derive(Deserialize)]
struct ProblemFields {
    code: String,
    param: Option<String>,
}

/// What an answer outside 200-299 means.
pub(super) fn refusal(answer: &Answer, now: Timestamp) -> GatewayError {
    match answer.status {
        401 | 403 => return GatewayError::Unauthorized,
        404 => return GatewayError::NotFound,
        429 => return GatewayError::RateLimited { after: answer.retry_after },
        400 | 409 | 422 => {}
        500..=599 => return GatewayError::Unknown(format!("status {}", answer.status)),
        other => return untrusted(&format!("status {other}")),
    }
    let problem: Problem = match read(&answer.body) {
        Ok(problem) => problem,
        Err(error) => return error,
    };
    match problem.error.code.as_str() {
        "wrong_state" => {
            let truth = problem.payment.and_then(|payment| {
                let attempt = payment.reference.parse().ok()?;
                payment.observe(attempt, now).ok()
            });
            GatewayError::WrongState(truth.map(Box::new))
        }
        "idempotency_key_reused" | "reference_taken" => GatewayError::Conflict,
        "refund_exceeds_captured" => GatewayError::Declined { reason: problem.error.code },
        _ => GatewayError::Invalid { code: problem.error.code, param: problem.error.param },
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    payment_id: Option<String>,
    refund_id: Option<String>,
    reference: Option<String>,
}

/// Reads an authentic notification. The kind of event does not matter: whatever happened, the
/// thing is fetched.
pub(super) fn notification(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = serde_json::from_slice(body).map_err(|_| NotificationError::Malformed)?;
    let subject = match (event.refund_id, event.payment_id) {
        (Some(gateway_id), payment_id) => Subject::Refund {
            gateway_id,
            refund: event.reference.and_then(|text| text.parse().ok()),
            payment_id,
        },
        (None, Some(gateway_id)) => Subject::Payment {
            gateway_id: Some(gateway_id),
            secondary_id: None,
            attempt: event.reference.and_then(|text| text.parse().ok()),
        },
        (None, None) => return Err(NotificationError::Malformed),
    };
    Ok(Notification::signed(event.id, subject))
}
