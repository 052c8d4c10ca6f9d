//! What is written is read, and nothing else is.

use serde_json::{Value, json};

use super::*;
use kernel::{SignedDuration, Timestamp};

const ISSUER: &str = "https://shop.example/";
const NOW: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::of(&[seed; SEED_BYTES], at(NOW - 3600)).unwrap()
}

fn keys() -> KeySet {
    KeySet::of(vec![key(1)], SignedDuration::from_mins(15), at(NOW))
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: AccountId(Uuid::from_u128(1)),
        sid: SessionId(Uuid::from_u128(2)),
        role: Role::Customer,
        iat: NOW,
        nbf: NOW,
        exp: NOW + 900,
        jti: Uuid::from_u128(3),
    }
}

/// A token of any head and body, signed as ours are.
fn signed(head: &[u8], body: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key(1).sign(text.as_bytes())))
}

fn head() -> Value {
    json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": key(1).kid() })
}

fn reads(token: &str) -> bool {
    read(&keys(), ISSUER, NOW, token).is_some()
}

fn with(mut object: Value, field: &str, value: Value) -> Vec<u8> {
    object[field] = value;
    serde_json::to_vec(&object).unwrap()
}

#[test]
fn what_is_written_is_read() {
    let token = write(&key(1), &claims()).unwrap();
    assert_eq!(read(&keys(), ISSUER, NOW, &token), Some(claims()));
    let by_hand = signed(head().to_string().as_bytes(), json!(claims()).to_string().as_bytes());
    assert!(reads(&by_hand), "the order of fields does not matter");
}

#[test]
fn a23_tokens_that_say_who_is_to_be_believed_are_refused() {
    let body = serde_json::to_vec(&claims()).unwrap();
    let evil = "http://127.0.0.1:9/keys";
    let mut heads: Vec<Vec<u8>> = Vec::new();
    for alg in ["none", "nOnE", "NONE", "", "HS256", "RS256", "ES256", "Ed25519", "eddsa"] {
        heads.push(with(head(), "alg", json!(alg)));
    }
    for typ in ["JWT", "jwt", "rt+jwt", "AT+JWT", "application/at+jwt", ""] {
        heads.push(with(head(), "typ", json!(typ)));
    }
    for kid in ["../../dev/null", "' OR 1=1--", "", "\0", "x", key(2).kid()] {
        heads.push(with(head(), "kid", json!(kid)));
    }
    for (field, value) in [
        ("jku", json!(evil)),
        ("x5u", json!(evil)),
        ("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" })),
        ("x5c", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("alg", json!(["EdDSA"])),
        ("alg", Value::Null),
        ("kid", json!(1)),
    ] {
        heads.push(with(head(), field, value));
    }
    heads.push(json!({ "alg": "EdDSA", "typ": "at+jwt" }).to_string().into_bytes());
    let kid = key(1).kid().to_owned();
    heads.push(json!(["EdDSA", "at+jwt", kid]).to_string().into_bytes());
    let twice = format!(r#"{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
    heads.push(twice.into_bytes());
    heads.push(b"{}".to_vec());
    heads.push(Vec::new());
    for head in heads {
        assert!(!reads(&signed(&head, &body)), "{}", String::from_utf8_lossy(&head));
    }
}

#[test]
fn a24_what_a_token_says_has_to_be_for_us_and_now() {
    let head = head().to_string().into_bytes();
    let body = json!(claims());
    let mut bodies = Vec::new();
    for (field, value) in [
        ("iss", json!("https://other.example/")),
        ("iss", json!("https://shop.example/\0")),
        ("iss", json!([ISSUER])),
        ("aud", json!("other")),
        ("aud", json!([AUDIENCE])),
        ("aud", Value::Null),
        ("exp", json!(NOW)),
        ("exp", json!(NOW - 1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("nbf", json!(NOW + 60)),
        ("role", json!("root")),
        ("role", json!("Owner")),
        ("sub", json!("ada@example.org")),
        ("sid", json!("' OR 1=1--")),
        ("admin", json!(true)),
    ] {
        bodies.push(with(body.clone(), field, value));
    }
    for field in ["iss", "aud", "sub", "sid", "role", "iat", "nbf", "exp", "jti"] {
        let mut without = body.clone();
        without.as_object_mut().unwrap().remove(field);
        bodies.push(without.to_string().into_bytes());
    }
    let text = body.to_string();
    bodies.push(text.replacen('{', r#"{"role":"owner","#, 1).into_bytes());
    bodies.push(format!("{text}\0").into_bytes());
    bodies.push(format!("{text}{text}").into_bytes());
    bodies.push(b"null".to_vec());
    for body in bodies {
        assert!(!reads(&signed(&head, &body)), "{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn a25_only_our_signature_counts_and_only_one_way_to_write_it() {
    let token = write(&key(1), &claims()).unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    let other = write(&key(2), &claims()).unwrap();
    let (_, other) = other.rsplit_once('.').unwrap();
    let public = keys().published().remove(0);
    let x = serde_json::to_value(&public).unwrap()["x"].as_str().unwrap().to_owned();
    let mac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(x).unwrap());
    let mac = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&mac, text.as_bytes()));
    for bad in ["", "AAAA", other, &mac, &format!("{signature}="), &format!("{signature}A")] {
        assert!(!reads(&format!("{text}.{bad}")), "{bad}");
    }
    // The last letter of a signature has four bits that nobody reads.
    let again = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut variants = 0;
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let mut other = signature[..signature.len() - 1].to_owned();
        other.push(letter);
        if reads(&format!("{text}.{other}")) {
            variants += 1;
            assert_eq!(other, URL_SAFE_NO_PAD.encode(&again));
        }
    }
    assert_eq!(variants, 1);
    for bad in ["", ".", "..", "...", text, &token[1..], &token.replace('.', ""), " "] {
        assert!(!reads(bad), "{bad}");
    }
    assert!(!reads(&format!("{token}.")) && !reads(&format!(" {token}")));
    let long = signed(head().to_string().as_bytes(), &vec![b' '; 64 * 1024]);
    assert!(!reads(&long));
}

#[test]
fn a_key_signs_once_it_is_known_and_is_read_until_its_tokens_are_over() {
    let lasts = SignedDuration::from_mins(15);
    let made = |seed, second| SigningKey::of(&[seed; SEED_BYTES], at(second)).unwrap();
    let both = || vec![made(2, NOW), made(1, NOW - 9999)];
    let set = |now| KeySet::of(both(), lasts, at(now));
    let signs = |now| set(now).signs(at(now)).unwrap().kid().to_owned();
    assert_eq!(signs(NOW), key(1).kid());
    assert_eq!(signs(NOW + 4), key(1).kid(), "other nodes may not know it");
    assert_eq!(signs(NOW + 5), key(2).kid());
    assert_eq!(set(NOW + 5).published().len(), 2);
    assert_eq!(set(NOW + 900).published().len(), 2, "a token of the first may be alive");
    let later = set(NOW + 5 + 900 + 61);
    assert_eq!(later.published().len(), 1);
    assert!(later.find(key(1).kid()).is_none());
    assert_eq!(
        KeySet::of(vec![key(1)], lasts, at(NOW)).signs(at(NOW - 3600)).unwrap().kid(),
        key(1).kid()
    );
}

#[test]
fn the_thumbprint_is_that_of_the_standard() {
    // RFC 8037, appendices A.1 to A.3.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = SigningKey::of(&seed, at(NOW)).unwrap();
    assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    assert_eq!(
        URL_SAFE_NO_PAD.encode(signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}
