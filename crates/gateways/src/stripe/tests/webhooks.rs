//! Notifications: vector S1, and what each kind is about.

use kernel::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::error::NotificationError;
use crate::notification::{Acknowledgement, Notification, RawNotification, Subject, Trust};
use crate::port::Gateway as _;
use crate::secret::Secret;

const EVENT: &[u8] = include_bytes!("../../../tests/vectors/s1_event.json");
const AT: i64 = 1_767_323_045;
const V1: &str = "7c573a3c95f090e5c8c30b212dd793d220a7027526272690dc0a1638877f9e9d";

fn receive(
    secrets: &[&str],
    header: &str,
    body: &[u8],
    at: i64,
) -> Result<Notification, NotificationError> {
    let endpoint_secrets = secrets.iter().map(|&secret| Secret::new(secret)).collect();
    let settings = StripeSettings { endpoint_secrets, ..settings("http://127.0.0.1:1") };
    let headers = [("Stripe-Signature".to_owned(), header.to_owned())];
    let now = Timestamp::from_second(at).unwrap();
    Stripe::new(settings, env()).unwrap().receive(&RawNotification::post(&headers, body), now)
}

#[test]
fn vector_s1() {
    let header = format!("t={AT},v1={V1}");
    let notice = receive(&[SECRET], &header, EVENT, AT).unwrap();
    assert_eq!(notice.dedupe_key, "evt_1HoldfastTest0001");
    let subject = Subject::Payment {
        gateway_id: Some(PAGE_ID.to_owned()),
        secondary_id: Some(MONEY_ID.to_owned()),
        attempt: None,
    };
    assert_eq!((notice.subject, notice.trust, notice.mismatch), (subject, Trust::Signed, None));

    let bad = Err(NotificationError::BadSignature);
    assert_eq!(receive(&["whsec_another"], &header, EVENT, AT), bad);
    let mut altered = EVENT.to_vec();
    altered[40] ^= 1;
    assert_eq!(receive(&[SECRET], &header, &altered, AT), bad);
    assert_eq!(receive(&[SECRET], "", EVENT, AT), Err(NotificationError::Unsigned));
}

#[test]
fn p21_five_minutes_either_side_and_no_more() {
    let header = format!("t={AT},v1={V1}");
    for off in [-300, 300] {
        assert!(receive(&[SECRET], &header, EVENT, AT + off).is_ok(), "{off}");
    }
    for seconds in [-301, 301] {
        let stale = Err(NotificationError::Stale { seconds });
        assert_eq!(receive(&[SECRET], &header, EVENT, AT + seconds), stale);
    }
}

#[test]
fn p22_a_changing_secret_is_taken_from_either_side() {
    let (zeros, other) = ("0".repeat(64), "f".repeat(64));
    let both = format!("t={AT},v1={zeros},v1={V1},v0={other}");
    assert!(receive(&[SECRET], &both, EVENT, AT).is_ok(), "signed with two");
    let one = format!("t={AT},v1={V1}");
    assert!(receive(&["whsec_new", SECRET], &one, EVENT, AT).is_ok(), "two configured");
}

fn event(kind: &str, livemode: bool, object: &Value) -> Result<Notification, NotificationError> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let event = json!({ "id": "evt_1", "object": "event", "type": kind, "livemode": livemode,
        "data": { "object": object } });
    let body = event.to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{AT}.{body}").as_bytes());
    let hex: Vec<_> = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    receive(&[SECRET], &format!("t={AT},v1={}", hex.concat()), body.as_bytes(), AT)
}

#[test]
fn every_kind_says_what_to_fetch() {
    let money = || Some(MONEY_ID.to_owned());
    let subject = |kind: &str, object: Value| event(kind, false, &object).unwrap().subject;
    let whole = intent(&json!({}));
    let by_money = |attempt| Subject::Payment { gateway_id: None, secondary_id: money(), attempt };
    assert_eq!(subject("payment_intent.succeeded", whole), by_money(Some(attempt())));
    let charge = json!({ "id": "ch_1", "object": "charge", "payment_intent": MONEY_ID });
    assert_eq!(subject("charge.refunded", charge), by_money(None));
    let refund: Value = serde_json::from_str(&told_refund(&json!({}))).unwrap();
    let about_refund = Subject::Refund {
        gateway_id: "re_1".to_owned(),
        refund: Some(refund_id()),
        payment_id: money(),
    };
    assert_eq!(subject("refund.failed", refund), about_refund);
    let dispute =
        json!({ "id": "dp_1", "object": "dispute", "payment_intent": { "id": MONEY_ID } });
    let about_dispute = Subject::Dispute { gateway_id: "dp_1".to_owned(), payment_id: money() };
    assert_eq!(subject("charge.dispute.created", dispute), about_dispute);
    for object in [json!({ "id": "cus_1", "object": "customer" }), json!({}), json!({ "id": "x" })]
    {
        let other = Subject::Other { kind: "customer.created".to_owned() };
        assert_eq!(subject("customer.created", object), other);
    }
}

#[test]
fn p23_real_money_is_not_mistaken_for_play_money() {
    let notice = event("payment_intent.succeeded", true, &intent(&json!({}))).unwrap();
    assert!(notice.mismatch.unwrap().contains("livemode is true"));
}

#[test]
fn answers_as_they_want_it() {
    let gateway = gateway("http://127.0.0.1:1");
    assert_eq!(gateway.acknowledge(Acknowledgement::Stored).status, 200);
    assert_eq!(gateway.acknowledge(Acknowledgement::Rejected).status, 400);
    assert_eq!(gateway.acknowledge(Acknowledgement::TryAgain).status, 503);
    let headers = [("Stripe-Signature".to_owned(), format!("t={AT},v1={V1}"))];
    let malformed = gateway.receive(&RawNotification::post(&headers, b"{}"), env().now());
    assert_eq!(malformed, Err(NotificationError::BadSignature));
}

proptest! {
    #[test]
    fn nothing_a_stranger_posts_is_taken(
        header in "(t=[0-9]{0,20})?,?(v1=[0-9a-f]{0,70},?){0,5}|\\PC{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(receive(&[SECRET], &header, &body, AT).is_err());
    }
}
