//! Notifications: a real one from the sandbox, and everything else somebody may post.

use std::fmt::Write as _;

use kernel::{AttemptId, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{PATIENCE, Town, env, gateway, line, refund_of, request};
use crate::error::NotificationError;
use crate::notification::{Acknowledgement, RawNotification, Subject};
use crate::port::Gateway as _;
use crate::request::IdempotencyKey;

#[tokio::test]
async fn reads_what_the_sandbox_really_sends() {
    let town = Town::found().await;
    let (listener, base) = line::listen().await;
    let attempt: AttemptId = town.env.id();
    let mut wish = request(attempt, &town.env);
    wish.notify_url = format!("{base}/hooks/sandbox").parse().unwrap();
    let key = IdempotencyKey::create(attempt);
    let made = town.gateway.create(&wish, &key, PATIENCE).await.unwrap();
    let hear = async || {
        let (mut stream, _) = listener.accept().await.unwrap();
        let heard = line::read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        heard
    };

    town.force(&made, "pay").await;
    let heard = hear().await;
    assert_eq!(heard.first_line, "POST /hooks/sandbox HTTP/1.1");
    let raw = RawNotification::post(&heard.headers, &heard.body);
    let notice = town.gateway.receive(&raw, town.env.now()).unwrap();
    let gateway_id = made.observation.gateway_id.clone();
    assert_eq!(
        notice.subject,
        Subject::Payment { gateway_id, secondary_id: None, attempt: Some(attempt) }
    );
    assert!(notice.dedupe_key.starts_with("evt_"));

    let refund = town.env.id();
    let (ask, _) = refund_of(&Town::known(&made), refund, super::PRICE);
    let done = town.gateway.refund(&ask, &IdempotencyKey::refund(refund), PATIENCE).await.unwrap();
    let heard = hear().await;
    let raw = RawNotification::post(&heard.headers, &heard.body);
    let notice = town.gateway.receive(&raw, town.env.now()).unwrap();
    let gateway_id = done.gateway_id.unwrap();
    assert_eq!(
        notice.subject,
        Subject::Refund { gateway_id, refund: Some(refund), payment_id: done.payment_id }
    );

    for fault in ["bad_signature", "stale_signature"] {
        town.fault(json!({ "op": "notify", "fault": fault })).await;
        let attempt: AttemptId = town.env.id();
        let wish = crate::request::CreatePayment { attempt, ..wish.clone() };
        let key = IdempotencyKey::create(attempt);
        let made = town.gateway.create(&wish, &key, PATIENCE).await.unwrap();
        town.force(&made, "decline").await;
        let heard = hear().await;
        let raw = RawNotification::post(&heard.headers, &heard.body);
        let expected = match fault {
            "bad_signature" => NotificationError::BadSignature,
            _ => NotificationError::Stale { seconds: 600 },
        };
        assert_eq!(town.gateway.receive(&raw, town.env.now()), Err(expected));
    }
}

/// `body` signed as the sandbox signs.
fn signed(body: &[u8], at: i64) -> Vec<(String, String)> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(super::SECRET.as_bytes()).unwrap();
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let mut header = format!("t={at},v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(header, "{byte:02x}");
    }
    vec![("sandbox-signature".to_owned(), header)]
}

#[test]
fn a_genuine_notice_that_says_nothing_is_malformed() {
    let (env, _) = env();
    let gateway = gateway("http://127.0.0.1:1", &env);
    let at = env.now();
    for body in [&b"{}"[..], b"", b"[]", b"{\"id\":\"e\"}", b"{\"payment_id\":\"p\"}", b"\xff"] {
        let headers = signed(body, at.as_second());
        let raw = RawNotification::post(&headers, body);
        assert_eq!(gateway.receive(&raw, at), Err(NotificationError::Malformed), "{body:?}");
    }
    let body = br#"{"id":"e","payment_id":"p","reference":"not ours"}"#;
    let mut headers = signed(body, at.as_second());
    let raw = RawNotification::post(&headers, body);
    let subject = gateway.receive(&raw, at).unwrap().subject;
    assert_eq!(
        subject,
        Subject::Payment { gateway_id: Some("p".to_owned()), secondary_id: None, attempt: None }
    );

    headers.push(headers[0].clone());
    let raw = RawNotification::post(&headers, body);
    assert_eq!(gateway.receive(&raw, at), Err(NotificationError::Unsigned), "two headers");
    let raw = RawNotification::post(&[], body);
    assert_eq!(gateway.receive(&raw, at), Err(NotificationError::Unsigned));
}

#[test]
fn answers_so_that_the_sender_knows_what_to_do() {
    let gateway = gateway("http://127.0.0.1:1", &env().0);
    assert_eq!(gateway.acknowledge(Acknowledgement::Stored).status, 200);
    assert_eq!(gateway.acknowledge(Acknowledgement::Rejected).status, 400);
    assert_eq!(gateway.acknowledge(Acknowledgement::TryAgain).status, 503);
}

proptest! {
    #[test]
    fn nothing_a_stranger_posts_is_taken(
        header in "(t=[0-9]{0,20})?,?(v1=[0-9a-fé]{0,70},?){0,5}|\\PC{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let gateway = gateway("http://127.0.0.1:1", &env().0);
        let headers = [("Sandbox-Signature".to_owned(), header)];
        let raw = RawNotification::post(&headers, &body);
        prop_assert!(gateway.receive(&raw, Timestamp::UNIX_EPOCH).is_err());
    }
}
