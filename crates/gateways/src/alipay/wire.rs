//! Alipay's JSON, and what it means in our words.

use std::collections::BTreeMap;

use kernel::{AttemptId, Currency, Money, RefundId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::beijing;
use crate::amount;
use crate::answer::{invalid, read, untrusted};
use crate::error::GatewayError;
use crate::observation::{CancelReason, MethodSummary, Observation, RemoteStatus};
use crate::request::{Channel, CreatePayment, CreateRefund, PaymentRef};

const SUBJECT_MAX: usize = 256;

/// Our number of a payment over there: the attempt without the lines, because they take letters
/// and digits only.
pub(super) fn number_of(attempt: AttemptId) -> String {
    attempt.0.simple().to_string()
}

/// Our number of a refund over there.
pub(super) fn refund_number(refund: RefundId) -> String {
    refund.0.simple().to_string()
}

/// An amount in yuan.
pub(super) fn yuan(money: Money) -> Result<String, GatewayError> {
    if money.currency != Currency::CNY {
        return Err(invalid("a currency they do not take", "currency"));
    }
    amount::decimal(money)
}

fn read_yuan(text: &str) -> Result<Money, GatewayError> {
    amount::read_decimal(text, Currency::CNY)
        .ok_or_else(|| untrusted(&format!("an amount {text:?}")))
}

#[derive(Serialize)]
pub(super) struct NewPage {
    out_trade_no: String,
    total_amount: String,
    subject: String,
    product_code: &'static str,
    time_expire: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quit_url: Option<String>,
}

impl NewPage {
    pub fn of(request: &CreatePayment) -> Result<Self, GatewayError> {
        let (product_code, quit_url) = match request.channel {
            Channel::Desktop => ("FAST_INSTANT_TRADE_PAY", None),
            Channel::Mobile => ("QUICK_WAP_WAY", Some(request.cancel_url.to_string())),
        };
        Ok(Self {
            out_trade_no: number_of(request.attempt),
            total_amount: yuan(request.amount)?,
            subject: plain(&request.description),
            product_code,
            time_expire: beijing::write(request.payer_deadline),
            quit_url,
        })
    }
}

/// Without the signs that they do not take in what the payer reads.
fn plain(text: &str) -> String {
    let taken = text.chars().map(|c| if matches!(c, '/' | '=' | '&') { ' ' } else { c });
    taken.take(SUBJECT_MAX).collect()
}

#[derive(Serialize)]
pub(super) struct Which {
    pub out_trade_no: String,
}

impl Which {
    pub fn of(payment: &PaymentRef) -> Self {
        Self { out_trade_no: number_of(payment.attempt) }
    }
}

#[derive(Serialize)]
pub(super) struct NewRefund {
    out_trade_no: String,
    refund_amount: String,
    out_request_no: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    refund_reason: String,
}

impl NewRefund {
    pub fn of(request: &CreateRefund) -> Result<Self, GatewayError> {
        Ok(Self {
            out_trade_no: number_of(request.payment.attempt),
            refund_amount: yuan(request.amount)?,
            out_request_no: refund_number(request.refund),
            refund_reason: request.reason.chars().take(SUBJECT_MAX).collect(),
        })
    }
}

#[derive(Serialize)]
pub(super) struct WhichRefund {
    pub out_trade_no: String,
    pub out_request_no: String,
}

#[derive(Serialize)]
pub(super) struct WhichBill {
    pub bill_type: &'static str,
    pub bill_date: String,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names")]
pub(super) struct Trade {
    out_trade_no: String,
    trade_no: String,
    trade_status: String,
    total_amount: String,
    send_pay_date: Option<String>,
}

impl Trade {
    /// In our words, if it is the payment of `attempt`. They do not tell here what was given back.
    pub fn observe(
        self,
        attempt: AttemptId,
        test: bool,
        now: Timestamp,
    ) -> Result<Observation, GatewayError> {
        if self.out_trade_no != number_of(attempt) {
            return Err(untrusted("a payment of another attempt"));
        }
        let amount = read_yuan(&self.total_amount)?;
        if amount.minor <= 0 {
            return Err(untrusted("a payment of nothing"));
        }
        let nothing = Money::zero(amount.currency);
        let paid_once = self.send_pay_date.is_some();
        let (status, refunded) = match self.trade_status.as_str() {
            "WAIT_BUYER_PAY" => (RemoteStatus::AwaitingPayer, Some(nothing)),
            "TRADE_SUCCESS" | "TRADE_FINISHED" => (RemoteStatus::Captured, None),
            // Closed says two things: never paid, or paid and given back to the last fen.
            "TRADE_CLOSED" if paid_once => (RemoteStatus::Captured, Some(amount)),
            "TRADE_CLOSED" => {
                let reason = CancelReason::Other("TRADE_CLOSED".to_owned());
                (RemoteStatus::Canceled { reason }, Some(nothing))
            }
            other => return Err(untrusted(&format!("a payment status {other:?}"))),
        };
        let captured = if status == RemoteStatus::Captured { amount } else { nothing };
        let method = paid_once.then(|| MethodSummary {
            kind: "wallet".to_owned(),
            brand: Some("alipay".to_owned()),
            last4: None,
            fingerprint: None,
        });
        Ok(Observation {
            gateway_id: Some(self.out_trade_no),
            secondary_id: Some(self.trade_no),
            captured,
            refunded,
            method,
            test,
            ..Observation::bare(attempt, status, amount, now)
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Closed {
    pub out_trade_no: Option<String>,
    pub trade_no: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Refunded {
    fund_change: String,
    refund_fee: String,
    out_trade_no: Option<String>,
}

impl Refunded {
    /// Whether money moved by this very call, and how much has gone back in all.
    pub fn read(&self, request: &CreateRefund) -> Result<(bool, Money), GatewayError> {
        let ours = number_of(request.payment.attempt);
        if self.out_trade_no.as_ref().is_some_and(|theirs| *theirs != ours) {
            return Err(untrusted("a refund of another payment"));
        }
        let total = read_yuan(&self.refund_fee)?;
        let moved = self.fund_change == "Y";
        if moved && total.minor < request.amount.minor {
            return Err(untrusted("less given back than was asked for"));
        }
        Ok((moved, total))
    }
}

#[derive(Deserialize)]
pub(super) struct RefundSeen {
    refund_status: Option<String>,
    refund_amount: Option<String>,
    out_request_no: Option<String>,
    pub trade_no: Option<String>,
}

impl RefundSeen {
    /// How much was given back by `refund`; `None` when they have not (yet).
    pub fn given_back(&self, refund: RefundId) -> Result<Option<Money>, GatewayError> {
        if self.refund_status.as_deref() != Some("REFUND_SUCCESS") {
            return Ok(None);
        }
        let ours = refund_number(refund);
        if self.out_request_no.as_ref().is_some_and(|theirs| *theirs != ours) {
            return Err(untrusted("another refund than the one asked for"));
        }
        let amount = self.refund_amount.as_ref().ok_or_else(|| untrusted("a refund of nothing"))?;
        read_yuan(amount).map(Some)
    }
}

#[derive(Deserialize)]
pub(super) struct Bill {
    pub bill_download_url: String,
}

/// An answer taken apart, nothing believed yet.
pub(super) struct Envelope<'a> {
    /// The answer proper, exactly as it came: this is what is signed.
    pub content: &'a str,
    pub signature: Option<String>,
    /// The number of the certificate it is signed with.
    pub certificate: Option<String>,
}

impl<'a> Envelope<'a> {
    /// Opens the answer to `method`.
    pub fn open(method: &str, body: &'a [u8]) -> Result<Self, GatewayError> {
        let parts: BTreeMap<String, &'a RawValue> = read(body)?;
        let name = format!("{}_response", method.replace('.', "_"));
        let content = parts.get(&name).or_else(|| parts.get("error_response"));
        let content = content.ok_or_else(|| untrusted("an answer to something else"))?.get();
        let text = |name: &str| {
            parts.get(name).map(|raw| read::<String>(raw.get().as_bytes())).transpose()
        };
        Ok(Self { content, signature: text("sign")?, certificate: text("alipay_cert_sn")? })
    }
}

/// What every answer begins with.
#[derive(Deserialize)]
struct Head {
    code: String,
    sub_code: Option<String>,
}

/// A call they understood: what was asked for, or their word why not.
pub(super) enum Said<T> {
    Yes(T),
    No(String),
}

/// Sorts an answer. One that is not signed is believed only when it says that our configuration
/// is wrong: then they do not know whom to sign for.
pub(super) fn sort<T: DeserializeOwned>(
    content: &str,
    signed: bool,
) -> Result<Said<T>, GatewayError> {
    let head: Head = read(content.as_bytes())?;
    let word = head.sub_code.unwrap_or_default();
    let theirs = word.contains("SYSTEM_ERROR") || word.contains("unknow-error");
    match head.code.as_str() {
        "20000" => Err(GatewayError::Unknown(word)),
        "40005" => Err(GatewayError::RateLimited { after: None }),
        "20001" | "40006" => Err(GatewayError::Unauthorized),
        "40001" | "40002" | "40003" => Err(GatewayError::Invalid { code: word, param: None }),
        _ if !signed => Err(untrusted("an answer that is not signed")),
        "10000" => read(content.as_bytes()).map(Said::Yes),
        "40004" if theirs => Err(GatewayError::Unknown(word)),
        "40004" => Ok(Said::No(word)),
        other => Err(untrusted(&format!("a code {other:?}"))),
    }
}
