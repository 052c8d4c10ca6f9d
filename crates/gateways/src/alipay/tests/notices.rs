//! Notifications: whose they are, and what to ask for.

use proptest::prelude::*;

use super::super::canonical::{self, Parameters};
use super::*;
use crate::error::NotificationError;
use crate::notification::{Acknowledgement, Notification, RawNotification, Subject, Trust};
use crate::port::Gateway as _;

const A4: &[u8] = include_bytes!("../../../tests/vectors/a4_body.txt");

fn receive(body: &[u8]) -> Result<Notification, NotificationError> {
    gateway("http://127.0.0.1:1").receive(&RawNotification::post(&[], body), Timestamp::UNIX_EPOCH)
}

/// The form of A4 with changes, signed again.
fn changed(changes: &[(&str, &str)]) -> String {
    let mut form: Parameters = canonical::read_form(A4).unwrap();
    for (name, value) in changes {
        form.insert((*name).to_owned(), (*value).to_owned());
    }
    form.remove("sign");
    let signature = signed_by_them(&canonical::of_notification(&form));
    canonical::escaped(&form, &signature)
}

#[test]
fn says_what_to_ask_for() {
    let notice = receive(A4).unwrap();
    assert_eq!(notice.dedupe_key, "2026010200222110430081075abcdef01234");
    let subject = Subject::Payment {
        gateway_id: Some("HF20260102_000042".to_owned()),
        secondary_id: Some(TRADE_NO.to_owned()),
        attempt: None,
    };
    assert_eq!((notice.subject, notice.trust, notice.mismatch), (subject, Trust::Signed, None));

    let ours = receive(changed(&[("out_trade_no", &number())]).as_bytes()).unwrap();
    let Subject::Payment { attempt: found, .. } = ours.subject else { panic!("a payment") };
    assert_eq!(found, Some(attempt()));

    let mark = refund_id().0.simple().to_string();
    let back = [("out_biz_no", mark.as_str()), ("refund_fee", "600.00")];
    let subject = Subject::Refund {
        gateway_id: mark.clone(),
        refund: Some(refund_id()),
        payment_id: Some("HF20260102_000042".to_owned()),
    };
    assert_eq!(receive(changed(&back).as_bytes()).unwrap().subject, subject);
}

#[test]
fn p26_what_looks_like_html_is_left_as_it_is() {
    let body = changed(&[("subject", "a &notify_id &lt;b&gt; ¬"), ("body", "50% + 1")]);
    assert!(receive(body.as_bytes()).is_ok());
}

#[test]
fn p01_a_signed_notice_for_somebody_else_is_kept_and_not_acted_upon() {
    for (name, value) in [("app_id", "2021000000000001"), ("seller_id", "2088000000000000")] {
        let notice = receive(changed(&[(name, value)]).as_bytes()).unwrap();
        let mismatch = notice.mismatch.unwrap();
        assert!(mismatch.contains(name) && mismatch.contains(value), "{mismatch}");
    }
}

#[test]
fn what_is_not_signed_by_them_is_not_taken() {
    let text = std::str::from_utf8(A4).unwrap();
    let bad = Err(NotificationError::BadSignature);
    for altered in [
        text.replace("TRADE_SUCCESS", "TRADE_CLOSED"),
        text.replace("1234.50", "0.01"),
        text.replace("HF20260102_000042", "HF20260102_000043"),
        format!("{text}&extra=1"),
        text.replace("point_amount=0.00&", ""),
        text.replace("sign=meg", "sign=Meg"),
        text.replace("sign=", "sign=%25"),
    ] {
        assert_eq!(receive(altered.as_bytes()), bad, "{altered}");
    }
    let unsigned = Err(NotificationError::Unsigned);
    assert_eq!(receive(text.replace("sign_type=RSA2", "sign_type=RSA").as_bytes()), unsigned);
    assert_eq!(receive(text.replace("&sign_type=RSA2", "").as_bytes()), unsigned);
    assert_eq!(receive(text.split("&sign=").next().unwrap().as_bytes()), unsigned);
    assert_eq!(receive(b""), unsigned);
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let text = std::str::from_utf8(A4).unwrap();
    let malformed = Err(NotificationError::Malformed);
    let twice = format!("{text}&total_amount=0.01");
    for body in [twice.as_bytes(), b"a", b"=&a", b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"a=%+1"] {
        assert_eq!(receive(body), malformed, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(receive(changed(&[("charset", "GBK")]).as_bytes()), malformed);
    assert_eq!(receive(changed(&[("notify_id", "")]).as_bytes()), malformed);
    let raw = RawNotification { method: "GET", ..RawNotification::post(&[], A4) };
    let gateway = gateway("http://127.0.0.1:1");
    assert_eq!(gateway.receive(&raw, Timestamp::UNIX_EPOCH), malformed);
}

#[test]
fn p22_a_changed_key_or_certificate_is_taken_beside_the_old_one() {
    let end = "-----END CERTIFICATE-----";
    let other = ROOTS[..ROOTS.find(end).unwrap() + end.len()].to_owned();
    let raw = RawNotification::post(&[], A4);
    let theirs = THEIR_CERTIFICATE.to_owned();
    for (alipay_certificates, taken) in
        [(vec![other.clone(), theirs.clone()], true), (vec![theirs], true), (vec![other], false)]
    {
        let settings =
            AlipaySettings { alipay_certificates, ..with_certificates("http://127.0.0.1:1") };
        let gateway = Alipay::new(settings, env()).unwrap();
        assert_eq!(gateway.receive(&raw, Timestamp::UNIX_EPOCH).is_ok(), taken);
    }
}

#[test]
fn answers_with_exactly_what_they_wait_for() {
    let gateway = gateway("http://127.0.0.1:1");
    let reply = gateway.acknowledge(Acknowledgement::Stored);
    assert_eq!((reply.status, reply.body), (200, "success"));
    for outcome in [Acknowledgement::Rejected, Acknowledgement::TryAgain] {
        let reply = gateway.acknowledge(outcome);
        assert!(reply.status >= 400 && reply.body == "fail");
    }
}

proptest! {
    #[test]
    fn nothing_that_is_posted_breaks_it(body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(receive(&body).is_err());
    }

    #[test]
    fn a_form_is_read_as_it_was_written(
        pairs in prop::collection::btree_map("[a-z_]{1,8}", "\\PC{1,20}", 0..6),
    ) {
        let body = canonical::escaped(&pairs, "s");
        let mut read = canonical::read_form(body.as_bytes());
        if let Ok(read) = &mut read {
            read.remove("sign");
        }
        prop_assert_eq!(read, Ok(pairs));
    }
}
