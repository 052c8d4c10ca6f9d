//! Giving money back.

use serde_json::{Value, json};

use super::town::{Town, code, id};

fn wish(payment: &Value, amount_minor: i64, reference: &str) -> Value {
    json!({ "payment_id": id(payment), "amount_minor": amount_minor, "reference": reference })
}

#[tokio::test]
async fn gives_back_parts_and_never_more_than_there_was() {
    let mut town = Town::found().await;
    let paid = town.open_and_pay().await;
    let (status, part) = town.post("/plain/v1/refunds", "r1", &wish(&paid, 4000, "one")).await;
    assert_eq!((status, &part["status"]), (201, &json!("succeeded")));
    assert_eq!((&part["amount_minor"], &part["currency"]), (&json!(4000), &json!("EUR")));
    let heard = town.shop.hear().await.json();
    assert_eq!(heard["type"], "refund.succeeded");
    assert_eq!((&heard["refund_id"], &heard["reference"]), (&part["id"], &json!("one")));

    let (status, refused) = town.post("/plain/v1/refunds", "r2", &wish(&paid, 5451, "two")).await;
    assert_eq!((status, code(&refused)), (409, "refund_exceeds_captured"));
    assert_eq!(town.post("/plain/v1/refunds", "r3", &wish(&paid, 5450, "three")).await.0, 201);
    assert_eq!(town.post("/plain/v1/refunds", "r4", &wish(&paid, 1, "four")).await.0, 409);

    let (_, now) = town.get(&format!("/plain/v1/payments/{}", id(&paid))).await;
    assert_eq!((&now["status"], &now["refunded_minor"]), (&json!("succeeded"), &json!(9450)));
    let (_, shown) = town.get(&format!("/plain/v1/refunds/{}", id(&part))).await;
    assert_eq!(shown, part);
    let (_, found) = town.get("/plain/v1/refunds?reference=one").await;
    assert_eq!(found["items"], json!([part]));
    assert_eq!(town.get("/plain/v1/refunds?reference=two").await.1["items"], json!([]));
    assert_eq!(town.get("/plain/v1/refunds/ref_no").await.0, 404);
}

#[tokio::test]
async fn one_key_gives_back_once() {
    let mut town = Town::found().await;
    let paid = town.open_and_pay().await;
    let first = town.post("/plain/v1/refunds", "r", &wish(&paid, 5000, "one")).await;
    let again = town.post("/plain/v1/refunds", "r", &wish(&paid, 5000, "one")).await;
    assert_eq!(first, again);
    let (status, refused) = town.post("/plain/v1/refunds", "r", &wish(&paid, 4000, "one")).await;
    assert_eq!((status, code(&refused)), (422, "idempotency_key_reused"));
    let (status, refused) = town.post("/plain/v1/refunds", "r2", &wish(&paid, 4000, "one")).await;
    assert_eq!((status, code(&refused)), (409, "reference_taken"));
    let (_, now) = town.get(&format!("/plain/v1/payments/{}", id(&paid))).await;
    assert_eq!(now["refunded_minor"], 5000);
}

#[tokio::test]
async fn racing_refunds_stop_at_what_was_captured() {
    let mut town = Town::found().await;
    let paid = town.open_and_pay().await;
    let town = &town;
    let give = async |n: u32| {
        let wish = wish(&paid, 2000, &format!("race-{n}"));
        town.post("/plain/v1/refunds", &format!("k{n}"), &wish).await.0
    };
    let statuses: [u16; 6] =
        tokio::join!(give(1), give(2), give(3), give(4), give(5), give(6)).into();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 4, "{statuses:?}");
    let (_, now) = town.get(&format!("/plain/v1/payments/{}", id(&paid))).await;
    assert_eq!(now["refunded_minor"], 8000);
}

#[tokio::test]
async fn only_of_captured_payments() {
    let town = Town::found().await;
    let open = town.open().await;
    let (status, refused) = town.post("/plain/v1/refunds", "r", &wish(&open, 1, "one")).await;
    assert_eq!((status, code(&refused)), (409, "wrong_state"));
    let unknown = json!({ "payment_id": "pay_no", "amount_minor": 1, "reference": "two" });
    assert_eq!(town.post("/plain/v1/refunds", "r2", &unknown).await.0, 404);
    let (status, refused) = town.post("/plain/v1/refunds", "r3", &wish(&open, 0, "three")).await;
    assert_eq!((status, code(&refused)), (400, "invalid_request"));
}
