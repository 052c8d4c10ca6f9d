//! Vectors A1 to A7: what is signed, the signature, and what goes over the line.

use base64::Engine as _;

use super::super::canonical::{self, Parameters};
use super::super::certificates;
use super::super::seal::Seal;
use super::super::wire::Envelope;
use super::*;
use crate::error::{GatewayError, NotificationError};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../../../tests/vectors/", $name))
    };
}

fn seal() -> Seal {
    Seal::of(&settings("http://127.0.0.1:1")).unwrap()
}

/// The parameters of a request, taken out of its address or body.
fn parameters(texts: &[&str]) -> Parameters {
    let mut parameters = Parameters::new();
    for text in texts {
        parameters.extend(canonical::read_form(text.as_bytes()).unwrap());
    }
    parameters
}

#[test]
fn vector_a1_a_page() {
    let url = vector!("a1_url.txt");
    let (base, query) = url.split_once('?').unwrap();
    assert_eq!(base, "https://openapi-sandbox.dl.alipaydev.com/gateway.do");
    let mut parameters = parameters(&[query]);
    let signature = parameters.remove("sign").unwrap();
    assert_eq!(signature, vector!("a1_sign.txt"));
    assert_eq!(canonical::of_request(&parameters), vector!("a1_string.txt"));
    assert_eq!(seal().sign(vector!("a1_string.txt")).unwrap(), signature);
    assert_eq!(seal().sealed(&parameters).unwrap(), query);
}

#[test]
fn vector_a2_a_question() {
    let (query, body) = vector!("a2_call.txt").split_once("\n\n").unwrap();
    let mut parameters = parameters(&[query, body]);
    let signature = parameters.remove("sign").unwrap();
    assert_eq!(signature, vector!("a2_sign.txt"));
    assert_eq!(canonical::of_request(&parameters), vector!("a2_string.txt"));
    assert_eq!(seal().sign(vector!("a2_string.txt")).unwrap(), signature);
    let content = parameters.remove("biz_content").unwrap();
    assert_eq!(format!("biz_content={}", canonical::escaped_value(&content)), body);
    assert_eq!(canonical::escaped(&parameters, &signature), query);
}

#[test]
fn vector_a3_an_answer() {
    let whole = vector!("a3_answer.json");
    let envelope = Envelope::open(QUERY, whole.as_bytes()).unwrap();
    assert!(envelope.content.starts_with('{') && envelope.content.ends_with("bax0\"}"));
    assert!(envelope.content.contains(r#""a}b{c \" \/ end""#));
    assert_eq!(seal().check(&envelope), Ok(true));

    let altered = whole.replace("1234.50", "0.01");
    let envelope = Envelope::open(QUERY, altered.as_bytes()).unwrap();
    assert!(matches!(seal().check(&envelope), Err(GatewayError::UntrustedAnswer(_))));

    let number = "0123456789abcdef0123456789abcdef";
    let sealed = whole.replace(r#","sign":"#, &format!(r#","alipay_cert_sn":"{number}","sign":"#));
    let envelope = Envelope::open(QUERY, sealed.as_bytes()).unwrap();
    assert_eq!(envelope.certificate.as_deref(), Some(number));
    assert_eq!(seal().check(&envelope), Ok(true), "keys do not look at certificates");
    let by_certificate = Seal::of(&with_certificates("http://127.0.0.1:1")).unwrap();
    let refused = by_certificate.check(&envelope).unwrap_err().to_string();
    assert!(refused.contains(number), "{refused}");
    let ours = sealed.replace(number, "98b0c71d757de45a9cba9cec2aaaf564");
    let envelope = Envelope::open(QUERY, ours.as_bytes()).unwrap();
    assert_eq!(by_certificate.check(&envelope), Ok(true));
}

#[test]
fn both_spellings_of_a_stroke_are_tried() {
    let plain = r#"{"code":"10000","url":"https://a/b"}"#;
    let escaped = plain.replace('/', "\\/");
    for (sent, signed) in [(plain, escaped.as_str()), (&escaped, plain), (plain, plain)] {
        let signature = signed_by_them(signed);
        let body = format!(r#"{{"alipay_trade_query_response":{sent},"sign":"{signature}"}}"#);
        let envelope = Envelope::open(QUERY, body.as_bytes()).unwrap();
        assert_eq!(seal().check(&envelope), Ok(true), "{sent}");
    }
}

#[test]
fn vector_a4_a_notification() {
    let form = canonical::read_form(vector!("a4_body.txt").as_bytes()).unwrap();
    assert_eq!(canonical::of_notification(&form), vector!("a4_string.txt"));
    assert_eq!(seal().check_form(&form), Ok(()));
    let altered = vector!("a4_body.txt").replace("total_amount=1234.50", "total_amount=0.01");
    let form = canonical::read_form(altered.as_bytes()).unwrap();
    assert_eq!(seal().check_form(&form), Err(NotificationError::BadSignature));
}

#[test]
fn vector_a6_the_way_back() {
    let form = canonical::read_form(vector!("a6_query.txt").as_bytes()).unwrap();
    assert_eq!(canonical::of_notification(&form), vector!("a6_string.txt"));
    assert_eq!(seal().check_form(&form), Ok(()));
}

#[test]
fn vector_a7_numbers_of_certificates() {
    let number = |pem| certificates::one(pem).unwrap().number;
    assert_eq!(number(APP_CERTIFICATE), "dd7728d2cd83270e4cab653218150e87");
    assert_eq!(number(THEIR_CERTIFICATE), "98b0c71d757de45a9cba9cec2aaaf564");
    let root = "9126e2a2bb73c0126a5a1b190b8e7ff5";
    assert_eq!(certificates::chain_number(ROOTS).unwrap(), root);
    let seal = Seal::of(&with_certificates("http://127.0.0.1:1")).unwrap();
    let numbers: Vec<_> = seal.request_numbers().collect();
    let expected =
        [("app_cert_sn", "dd7728d2cd83270e4cab653218150e87"), ("alipay_root_cert_sn", root)];
    assert_eq!(numbers, expected);
}

#[test]
fn keys_are_read_however_they_are_written() {
    let inner: String = APP_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let indented = APP_KEY.replace('\n', "\r\n  ");
    let first = PrivateKey::read(&Secret::new(APP_KEY)).unwrap().sign("x");
    for text in [inner.as_str(), &indented] {
        assert_eq!(PrivateKey::read(&Secret::new(text)).unwrap().sign("x"), first);
    }
    // PKCS #8 is PKCS #1 with the name of the algorithm before it.
    let pkcs1 = super::super::keys::signature(&inner).unwrap();
    let octets = [&[0x04, 0x82][..], &u16::try_from(pkcs1.len()).unwrap().to_be_bytes(), &pkcs1];
    let name = [
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let inside = [&name[..], &octets.concat()].concat();
    let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
    let pkcs8 = [&[0x30, 0x82][..], &length, &inside].concat();
    let pkcs8 = base64::engine::general_purpose::STANDARD.encode(pkcs8);
    assert_eq!(PrivateKey::read(&Secret::new(pkcs8)).unwrap().sign("x"), first);
}
