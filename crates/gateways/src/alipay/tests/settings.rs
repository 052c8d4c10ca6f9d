//! Settings that cannot work are refused in words.

use super::*;
use crate::mode::Mode;

type Change = fn(&mut AlipaySettings);

fn refusal(change: impl FnOnce(&mut AlipaySettings), certificates: bool) -> Option<String> {
    let here = "http://127.0.0.1:1";
    let mut settings = if certificates { with_certificates(here) } else { settings(here) };
    change(&mut settings);
    Alipay::new(settings, env()).err().map(|error| error.to_string())
}

#[test]
fn keys_or_certificates_and_not_both() {
    assert_eq!(refusal(|_| {}, false), None);
    assert_eq!(refusal(|_| {}, true), None);
    let cases: [(Change, bool, &str); 12] = [
        (|s| s.alipay_public_keys.clear(), false, "is empty"),
        (|s| s.alipay_public_keys = vec![APP_PUBLIC.into()], false, "our own public key"),
        (|s| s.alipay_public_keys = vec!["AAAA".into()], false, "not an RSA public key"),
        (|s| s.alipay_public_keys = vec!["§".into()], false, "Base64"),
        (|s| s.app_private_key = Secret::new("AAAA"), false, "not an RSA key"),
        (|s| s.app_private_key = Secret::new(APP_PUBLIC), false, "not an RSA key"),
        (|s| s.alipay_public_keys = vec![THEIR_PUBLIC.into()], true, "without certificates"),
        (|s| s.app_certificate = None, true, "together or not at all"),
        (|s| s.app_certificate = Some(THEIR_CERTIFICATE.into()), true, "does not belong"),
        (|s| s.alipay_root_certificates = None, true, "no certificate signed by RSA"),
        (|s| s.alipay_certificates = vec![ROOTS.into()], true, "not one certificate"),
        (|s| s.alipay_certificates = vec!["-----BEGIN CERTIFICATE-----".into()], true, "cut short"),
    ];
    for (change, certificates, says) in cases {
        let said = refusal(change, certificates).unwrap();
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("MIIE"), "{said}");
    }
    assert!(!format!("{:?}", settings("http://127.0.0.1:1")).contains("MIIE"));
}

#[test]
fn p23_play_money_and_real_money_are_not_mixed() {
    let sandbox = "https://openapi-sandbox.dl.alipaydev.com/gateway.do";
    let cases: [(&str, Mode, &str); 3] = [
        (sandbox, Mode::Live, "play money"),
        ("https://openapi.alipay.com/gateway.do", Mode::Test, "real money"),
        ("http://127.0.0.1:1/gateway.do", Mode::Live, "on this machine"),
    ];
    for (base_url, mode, says) in cases {
        let said = refusal(|s| (s.base_url, s.mode) = (base_url.to_owned(), mode), false).unwrap();
        assert!(said.contains(says), "{said}");
    }
    for number in ["", "app", "2021 "] {
        assert!(refusal(|s| s.app_id = number.to_owned(), false).unwrap().contains("app_id"));
        assert!(refusal(|s| s.seller_id = number.to_owned(), false).unwrap().contains("seller_id"));
    }
}
