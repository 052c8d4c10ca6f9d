//! Stripe's events: what they are about. What they say of it may be old by the time it is read.

use serde::Deserialize;

use crate::mode::Mode;
use crate::notification::{Notification, Subject};

#[derive(Deserialize)]
pub(super) struct Event {
    pub id: String,
    #[serde(rename = "type")]
    kind: String,
    pub livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// Whatever it is about, as far as we look.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names")]
struct Object {
    id: Option<String>,
    object: Option<String>,
    /// An id, or the whole intent.
    payment_intent: Option<serde_json::Value>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    attempt_id: Option<String>,
    refund_id: Option<String>,
}

impl Event {
    /// What to fetch.
    pub fn notification(self, mode: Mode) -> Notification {
        let mismatch = (self.livemode == mode.is_test())
            .then(|| format!("livemode is {}, the shop is set up for {mode:?}", self.livemode));
        let subject = self.data.object.subject().unwrap_or(Subject::Other { kind: self.kind });
        Notification { mismatch, ..Notification::signed(self.id, subject) }
    }
}

impl Object {
    fn subject(self) -> Option<Subject> {
        let money = self.payment_intent.and_then(|intent| match intent {
            serde_json::Value::String(id) => Some(id),
            other => other.get("id")?.as_str().map(str::to_owned),
        });
        let (attempt, refund) = self.metadata.map_or((None, None), |m| (m.attempt_id, m.refund_id));
        let attempt = attempt.and_then(|text| text.parse().ok());
        let id = self.id?;
        Some(match self.object?.as_str() {
            "checkout.session" => {
                Subject::Payment { gateway_id: Some(id), secondary_id: money, attempt }
            }
            "payment_intent" => {
                Subject::Payment { gateway_id: None, secondary_id: Some(id), attempt }
            }
            "charge" => Subject::Payment { gateway_id: None, secondary_id: Some(money?), attempt },
            "refund" => Subject::Refund {
                gateway_id: id,
                refund: refund.and_then(|text| text.parse().ok()),
                payment_id: money,
            },
            "dispute" => Subject::Dispute { gateway_id: id, payment_id: money },
            _ => return None,
        })
    }
}
