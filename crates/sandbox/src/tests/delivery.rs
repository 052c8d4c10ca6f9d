//! Notifications.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::SignedDuration;
use serde_json::json;
use sha2::Sha256;

use super::town::{Heard, SECRET, START, Town};

/// Whether `heard` is signed with `secret`; and when.
pub fn check(heard: &Heard, secret: &str) -> (bool, i64) {
    let (at, signature) = heard.header("sandbox-signature").split_once(",v1=").unwrap();
    let at: i64 = at.strip_prefix("t=").unwrap().parse().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{}", heard.body).as_bytes());
    let genuine = (0..signature.len()).step_by(2).map(|i| &signature[i..i + 2]);
    let genuine: Vec<u8> = genuine.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    (mac.verify_slice(&genuine).is_ok(), at)
}

#[tokio::test]
async fn tells_the_shop_with_a_signature() {
    let mut town = Town::found().await;
    let payment = town.open().await;
    town.force(&payment, "pay").await;
    let heard = town.shop.hear().await;
    assert_eq!(check(&heard, SECRET), (true, START));
    let body = heard.json();
    assert_eq!(body["type"], "payment.succeeded");
    assert_eq!((&body["payment_id"], &body["reference"]), (&payment["id"], &payment["reference"]));
    assert!(body["id"].as_str().unwrap().starts_with("evt_"));

    let other = town.open().await;
    town.force(&other, "decline").await;
    assert_eq!(town.shop.hear().await.json()["type"], "payment.canceled");
    assert!(!town.shop.has_heard_more(), "once each");
}

#[tokio::test]
async fn goes_on_until_the_shop_takes_it() {
    let mut town = Town::found().await;
    town.shop.answer(&[500, 404, 302]);
    let payment = town.open().await;
    town.force(&payment, "pay").await;
    let first = town.shop.hear().await.json();
    for _ in 0..3 {
        assert_eq!(town.shop.hear().await.json(), first, "the same event, word for word");
    }
    let tries: Vec<_> = town.tries(4).await;
    let tries: Vec<_> = tries
        .iter()
        .map(|entry| (entry["try"].as_i64().unwrap(), entry["status"].as_i64().unwrap()))
        .collect();
    assert_eq!(tries, [(1, 500), (2, 404), (3, 302), (4, 200)]);
    town.open_and_pay().await;
    assert!(!town.shop.has_heard_more(), "no fifth time");
}

#[tokio::test]
async fn gives_up_when_the_schedule_ends() {
    let mut town = Town::found_with(|config| config.redelivery = Some(vec![Duration::ZERO])).await;
    town.shop.answer(&[500, 500]);
    let payment = town.open().await;
    town.force(&payment, "pay").await;
    let first = town.shop.hear().await.json();
    assert_eq!(town.shop.hear().await.json(), first);
    town.tries(2).await;
    town.open_and_pay().await;
    assert!(!town.shop.has_heard_more(), "twice and no more");
}

#[tokio::test]
async fn waits_between_tries_by_its_own_clock() {
    let wait = Duration::from_hours(1);
    let mut town = Town::found_with(|config| config.redelivery = Some(vec![wait])).await;
    town.shop.answer(&[500]);
    let payment = town.open().await;
    town.force(&payment, "pay").await;
    let first = town.shop.hear().await.json();
    town.tries(1).await;
    town.open_and_pay().await;
    assert!(!town.shop.has_heard_more(), "an hour has not passed");
    town.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(town.shop.hear().await.json(), first, "now it has");
}

#[tokio::test]
async fn a_shop_that_is_not_there_does_not_hold_up_a_payment() {
    let town =
        Town::found_with(|config| config.redelivery = Some(vec![Duration::from_mins(1)])).await;
    // A port that takes the connection and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut wish = town.wish();
    wish["notify_url"] = json!(format!("http://{}/hear", silent.local_addr().unwrap()));
    let (_, payment) = town.post("/plain/v1/payments", "k", &wish).await;
    let (status, paid) = town.force(&payment, "pay").await;
    assert_eq!((status, &paid["status"]), (200, &json!("succeeded")));
    let (waiting, _) = silent.accept().await.unwrap();
    assert_eq!(town.status(&payment).await, "succeeded", "while the shop is still silent");
    drop(waiting);
}
