//! What a restart keeps.

use std::time::Duration;

use kernel::SignedDuration;
use serde_json::json;

use super::town::{Town, id};

#[tokio::test]
async fn payments_keys_and_news_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut town = Town::found_with(|config| {
        config.data = Some(folder.path().join("sandbox.db"));
        config.redelivery = Some(vec![Duration::from_hours(1)]);
    })
    .await;
    town.shop.answer(&[500]);
    let wish = town.wish();
    let opened = town.post("/plain/v1/payments", "k", &wish).await;
    let payment = &opened.1;
    town.force(payment, "pay").await;
    let news = town.shop.hear().await.json();
    let refund = json!({"payment_id": id(payment), "amount_minor": 450, "reference": "r"});
    let refunded = town.post("/plain/v1/refunds", "r", &refund).await;
    assert_eq!(refunded.0, 201);
    assert_eq!(town.shop.hear().await.json()["refund_id"], refunded.1["id"]);
    town.tries(2).await;

    let mut town = town.restart().await;
    let (status, kept) = town.get(&format!("/plain/v1/payments/{}", id(payment))).await;
    assert_eq!((status, &kept["status"]), (200, &json!("succeeded")));
    assert_eq!(kept["refunded_minor"], 450);
    assert_eq!(town.post("/plain/v1/payments", "k", &wish).await, opened, "the key is remembered");
    assert_eq!(town.post("/plain/v1/refunds", "r", &refund).await, refunded);
    assert!(!town.shop.has_heard_more(), "the hour has not passed");

    town.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(town.shop.hear().await.json(), news, "and then the shop is told again");
}
