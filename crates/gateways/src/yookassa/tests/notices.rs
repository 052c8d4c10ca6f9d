//! Notifications: whose they are, and what to ask for.

use std::net::IpAddr;

use kernel::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::NotificationError;
use crate::notification::{Acknowledgement, Notification, RawNotification, Subject, Trust};
use crate::port::Gateway as _;
use crate::secret::Secret;

const THEIRS: &str = "185.71.76.1";

fn event(name: &str, object: &Value) -> String {
    json!({ "type": "notification", "event": name, "object": object }).to_string()
}

fn paid() -> String {
    event("payment.succeeded", &serde_json::from_str(&told(&json!({}))).unwrap())
}

fn receive(
    gateway: &YooKassa,
    body: &str,
    source: Option<&str>,
    query: &str,
) -> Result<Notification, NotificationError> {
    let source_ip = source.map(|ip| ip.parse::<IpAddr>().unwrap());
    let raw = RawNotification { query, source_ip, ..RawNotification::post(&[], body.as_bytes()) };
    gateway.receive(&raw, Timestamp::UNIX_EPOCH)
}

#[test]
fn says_what_to_ask_for() {
    let gateway = gateway("http://127.0.0.1:1");
    let notice = receive(&gateway, &paid(), Some(THEIRS), "").unwrap();
    let gateway_id = Some(ID.to_owned());
    let attempt = Some(attempt());
    assert_eq!(notice.subject, Subject::Payment { gateway_id, secondary_id: None, attempt });
    assert_eq!(notice.dedupe_key, format!("payment.succeeded:{ID}"));
    assert_eq!((notice.trust, notice.mismatch), (Trust::SourceIpOnly, None));

    let refund: Value = serde_json::from_str(&told_refund(&json!({}))).unwrap();
    let notice = receive(&gateway, &event("refund.succeeded", &refund), Some(THEIRS), "").unwrap();
    let subject = Subject::Refund {
        gateway_id: refund["id"].as_str().unwrap().to_owned(),
        refund: Some(refund_id()),
        payment_id: Some(ID.to_owned()),
    };
    assert_eq!(notice.subject, subject);

    let other = event("payment_method.active", &json!({ "id": "m1" }));
    let notice = receive(&gateway, &other, Some(THEIRS), "").unwrap();
    assert_eq!(notice.subject, Subject::Other { kind: "payment_method.active".to_owned() });

    let real = event("payment.succeeded", &json!({ "id": "p", "test": false }));
    let notice = receive(&gateway, &real, Some(THEIRS), "").unwrap();
    assert!(notice.mismatch.unwrap().contains("test is false"));
}

#[test]
fn p13_the_same_event_is_the_same_however_often_it_comes() {
    let gateway = gateway("http://127.0.0.1:1");
    let [first, second] = ["185.71.76.1", "77.75.156.11"]
        .map(|from| receive(&gateway, &paid(), Some(from), "").unwrap().dedupe_key);
    assert_eq!(first, second);
    let waiting = event("payment.waiting_for_capture", &json!({ "id": ID }));
    let waiting = receive(&gateway, &waiting, Some(THEIRS), "").unwrap();
    assert_ne!(waiting.dedupe_key, first);
}

#[test]
fn p25_only_their_addresses_are_listened_to() {
    let gateway = gateway("http://127.0.0.1:1");
    for source in [
        "185.71.76.0",
        "185.71.76.31",
        "185.71.77.31",
        "77.75.153.127",
        "77.75.154.128",
        "77.75.156.11",
        "77.75.156.35",
        "2a02:5180::1",
        "2a02:5180:0:1509::7",
        "::ffff:185.71.76.1",
    ] {
        assert!(receive(&gateway, &paid(), Some(source), "").is_ok(), "{source}");
    }
    let refused = Err(NotificationError::NotTheirs);
    for source in [
        "185.71.76.32",
        "77.75.153.128",
        "77.75.154.127",
        "77.75.156.12",
        "127.0.0.1",
        "::1",
        "2a02:5181::1",
        "::ffff:185.71.76.32",
    ] {
        assert_eq!(receive(&gateway, &paid(), Some(source), ""), refused, "{source}");
    }
    assert_eq!(receive(&gateway, &paid(), None, ""), refused, "an address nobody knows");
    let anywhere = YooKassaSettings { sources: Vec::new(), ..settings("http://127.0.0.1:1") };
    let anywhere = YooKassa::new(anywhere, env()).unwrap();
    let notice = receive(&anywhere, &paid(), None, "").unwrap();
    assert_eq!(notice.trust, Trust::Unverified);
}

#[test]
fn p22_the_word_in_the_address_may_be_the_new_or_the_old() {
    let tokens = ["a-new-token-of-some-length", "the-old-token-of-some-length"];
    let hook_tokens = tokens.iter().map(|&token| Secret::new(token)).collect();
    let settings = YooKassaSettings { hook_tokens, ..settings("http://127.0.0.1:1") };
    let gateway = YooKassa::new(settings, env()).unwrap();
    for token in tokens {
        let query = format!("a=b&token={token}");
        assert!(receive(&gateway, &paid(), Some(THEIRS), &query).is_ok(), "{token}");
    }
    for query in
        ["", "token=", "token=a-new-token-of-some-lengtH", "other=a-new-token-of-some-length"]
    {
        let refused = Err(NotificationError::NotTheirs);
        assert_eq!(receive(&gateway, &paid(), Some(THEIRS), query), refused, "{query}");
    }
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let gateway = gateway("http://127.0.0.1:1");
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"type":"notification"}"#,
        r#"{"type":"notification","event":"payment.succeeded","object":{}}"#,
        r#"{"type":"notification","event":"payment.succeeded","object":{"id":""}}"#,
        r#"{"type":"other","event":"payment.succeeded","object":{"id":"a"}}"#,
    ] {
        let seen = receive(&gateway, body, Some(THEIRS), "");
        assert_eq!(seen, Err(NotificationError::Malformed), "{body}");
    }
    let source_ip = Some(THEIRS.parse().unwrap());
    let body = paid();
    let raw = RawNotification { source_ip, ..RawNotification::post(&[], body.as_bytes()) };
    let raw = RawNotification { method: "GET", ..raw };
    let seen = gateway.receive(&raw, Timestamp::UNIX_EPOCH);
    assert_eq!(seen, Err(NotificationError::NotTheirs));
}

#[test]
fn answers_as_they_want_it() {
    let gateway = gateway("http://127.0.0.1:1");
    assert_eq!(gateway.acknowledge(Acknowledgement::Stored).status, 200);
    assert_eq!(gateway.acknowledge(Acknowledgement::Rejected).status, 403);
    assert_eq!(gateway.acknowledge(Acknowledgement::TryAgain).status, 503);
}

proptest! {
    #[test]
    fn nothing_that_is_posted_breaks_it(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let gateway = gateway("http://127.0.0.1:1");
        let source_ip = Some(THEIRS.parse().unwrap());
        let raw = RawNotification { source_ip, ..RawNotification::post(&[], &body) };
        prop_assert!(gateway.receive(&raw, Timestamp::UNIX_EPOCH).is_err());
    }
}
