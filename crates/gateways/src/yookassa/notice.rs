//! YooKassa's notifications. Nothing in them can be checked, so two things outside are: where they
//! come from, and a word in the address that only they were told. What they say is not believed.

use ipnet::IpNet;
use serde::Deserialize;

use super::YooKassaSettings;
use crate::error::NotificationError;
use crate::notification::{Notification, RawNotification, Subject, Trust};

/// What YooKassa publishes as the addresses of its notifications.
const PUBLISHED: [&str; 7] = [
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
];

pub(super) fn published_sources() -> Vec<IpNet> {
    PUBLISHED.iter().filter_map(|range| range.parse().ok()).collect()
}

/// Whether it comes from one of their addresses by the way they were told. When the address
/// cannot be known it does not.
pub(super) fn check(
    raw: &RawNotification<'_>,
    settings: &YooKassaSettings,
) -> Result<(), NotificationError> {
    let tokens = &settings.hook_tokens;
    let source = raw.source_ip.map(|source| source.to_canonical());
    let from_theirs = settings.sources.is_empty()
        || source.is_some_and(|source| settings.sources.iter().any(|net| net.contains(&source)));
    let told = url::form_urlencoded::parse(raw.query.as_bytes());
    let mut told = told.filter(|(name, _)| name == "token");
    let knows_the_word = tokens.is_empty()
        || told.next().is_some_and(|(_, word)| {
            // All are compared: how long it takes does not tell which.
            tokens.iter().fold(false, |known, token| known | token.is(&word))
        });
    if raw.method == "POST" && from_theirs && knows_the_word {
        Ok(())
    } else {
        Err(NotificationError::NotTheirs)
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    event: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    payment_id: Option<String>,
    metadata: Option<Metadata>,
    test: Option<bool>,
}

#[derive(Deserialize)]
struct Metadata {
    attempt_id: Option<String>,
    refund_id: Option<String>,
}

/// What to ask for. They give events no id; the same event of the same thing is the same news.
pub(super) fn read(
    body: &[u8],
    settings: &YooKassaSettings,
) -> Result<Notification, NotificationError> {
    let body: Body = serde_json::from_slice(body).map_err(|_| NotificationError::Malformed)?;
    let Object { id, payment_id, metadata, test } = body.object;
    if body.kind != "notification" || id.is_empty() {
        return Err(NotificationError::Malformed);
    }
    let dedupe_key = format!("{}:{id}", body.event);
    let (attempt, refund) = metadata.map_or((None, None), |m| (m.attempt_id, m.refund_id));
    let subject = if body.event.starts_with("payment.") {
        let attempt = attempt.and_then(|text| text.parse().ok());
        Subject::Payment { gateway_id: Some(id), secondary_id: None, attempt }
    } else if body.event.starts_with("refund.") {
        let refund = refund.and_then(|text| text.parse().ok());
        Subject::Refund { gateway_id: id, refund, payment_id }
    } else {
        Subject::Other { kind: body.event }
    };
    let trust = if settings.sources.is_empty() { Trust::Unverified } else { Trust::SourceIpOnly };
    let mismatch = test
        .filter(|&test| test != settings.mode.is_test())
        .map(|test| format!("test is {test}, the shop is set up for {:?}", settings.mode));
    Ok(Notification { dedupe_key, subject, trust, mismatch })
}
