//! YooKassa's protocol.

use kernel::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::merchant::yookassa_wish;
use super::town::{Town, id, read};

const POST: Method = Method::POST;
const GET: Method = Method::GET;

fn rub(value: &str) -> Value {
    json!({ "value": value, "currency": "RUB" })
}

#[tokio::test]
async fn p18_paid_is_true_before_the_money_is_the_shops() {
    let mut town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    assert_eq!((&payment["status"], &payment["paid"]), (&json!("pending"), &json!(false)));
    assert_eq!(payment["created_at"], "2027-01-15T08:00:00.000Z");
    assert_eq!(payment["recipient"]["account_id"], "100500");
    let page = payment["confirmation"]["confirmation_url"].as_str().unwrap();
    assert!(page.starts_with(&town.sandbox.base_url()), "{page}");

    town.http.post(format!("{page}/pay")).send().await.unwrap();
    let held = town.yookassa_now(id(&payment)).await;
    assert_eq!(
        (&held["status"], &held["paid"], &held["captured_at"]),
        (&json!("waiting_for_capture"), &json!(true), &Value::Null)
    );
    assert_eq!(held["expires_at"], "2027-01-22T08:00:00.000Z");
    assert!(held["confirmation"].is_null(), "nothing is left to confirm");
    let heard = town.shop.hear().await;
    let told = heard.json();
    assert_eq!(told["event"], "payment.waiting_for_capture");
    assert_eq!((&told["type"], &told["object"]), (&json!("notification"), &held));
    assert_eq!(told.as_object().unwrap().len(), 3, "no id, no signature");
    assert_eq!(heard.header("x-signature"), "");

    let path = format!("payments/{}/capture", id(&payment));
    let (status, done) = town.yookassa(POST, &path, "c", &json!({})).await;
    assert_eq!((status, &done["status"]), (200, &json!("succeeded")));
    assert_eq!(done["income_amount"], rub("1191.30"));
    assert_eq!(town.shop.hear().await.json()["event"], "payment.succeeded");
    let (status, refused) = town.yookassa(POST, &path, "c2", &json!({})).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "p05: once");
}

#[tokio::test]
async fn p07_a_partial_capture_changes_the_amount() {
    let town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    let path = format!("payments/{}/capture", id(&payment));
    let over = json!({ "amount": rub("1234.51") });
    assert_eq!(town.yookassa(POST, &path, "c0", &over).await.0, 400, "never more");
    let (_, done) = town.yookassa(POST, &path, "c", &json!({ "amount": rub("1000.00") })).await;
    assert_eq!((&done["amount"], &done["refunded_amount"]), (&rub("1000.00"), &rub("0.00")));
    let (_, book) = town.get("/__ctl/payments").await;
    assert_eq!(book["payments"][0]["amount_minor"], 123_450, "the book knows both");
    assert_eq!(book["payments"][0]["captured_minor"], 100_000);
}

#[tokio::test]
async fn a_key_has_one_effect_for_a_day() {
    let town = Town::found().await;
    let first = town.yookassa_opened("k").await;
    town.control(&format!("yookassa/{}/pay", id(&first))).await;
    let again = town.yookassa_opened("k").await;
    assert_eq!(first, again, "as it was, not as it is");

    let mut other = yookassa_wish();
    other["amount"] = rub("1.00");
    let (status, refused) = town.yookassa(POST, "payments", "k", &other).await;
    assert_eq!(status, 400);
    assert_eq!(refused["parameter"], "Idempotence-Key");
    assert_eq!(refused["description"], "Idempotence key duplicated");
    let (capture, cancel) =
        (format!("payments/{}/capture", id(&first)), format!("payments/{}/cancel", id(&first)));
    assert_eq!(town.yookassa(POST, &capture, "c", &json!({})).await.0, 200);
    let (_, refused) = town.yookassa(POST, &cancel, "c", &json!({})).await;
    assert_eq!(refused["parameter"], "Idempotence-Key", "the same body for another call");
    for bad in ["", &"k".repeat(65)] {
        let (status, refused) = town.yookassa(POST, "payments", bad, &yookassa_wish()).await;
        assert_eq!((status, &refused["parameter"]), (400, &json!("Idempotence-Key")));
    }
    town.clock.advance(SignedDuration::from_hours(24));
    assert_ne!(id(&town.yookassa_opened("k").await), id(&first), "forgotten");
}

#[tokio::test]
async fn refusals_are_worded_as_the_provider_words_them() {
    let town = Town::found().await;
    let change = |path: &[&str], value: Value| {
        let mut wish = yookassa_wish();
        let mut at = &mut wish;
        for name in path {
            at = &mut at[*name];
        }
        *at = value;
        wish
    };
    let bad = [
        (change(&["amount", "value"], json!("1e3")), "amount.value"),
        (change(&["amount", "value"], json!(12)), "amount.value"),
        (change(&["amount", "value"], json!("0.00")), "amount.value"),
        (change(&["amount", "currency"], json!("USD")), "amount.currency"),
        (change(&["confirmation", "type"], json!("qr")), "confirmation.type"),
        (change(&["confirmation", "return_url"], json!("x")), "confirmation.return_url"),
        (change(&["description"], json!("я".repeat(129))), "description"),
        (change(&["metadata"], json!({ "a": 1 })), "metadata"),
        (change(&["capture"], json!("no")), "capture"),
    ];
    for (n, (wish, parameter)) in bad.into_iter().enumerate() {
        let (status, body) = town.yookassa(POST, "payments", &format!("k{n}"), &wish).await;
        assert_eq!(status, 400, "{wish}");
        assert_eq!(body["type"], "error");
        assert_eq!(
            (&body["code"], &body["parameter"]),
            (&json!("invalid_request"), &json!(parameter))
        );
        assert_eq!(body["id"].as_str().unwrap().len(), 36);
    }
    let (status, body) = town.yookassa(GET, "payments/none", "", &Value::Null).await;
    assert_eq!((status, &body["code"]), (404, &json!("not_found")));
    let url = format!("{}/v3/me", town.sandbox.base_url());
    let (status, body) = read(town.http.get(&url).basic_auth("100500", Some("no"))).await;
    assert_eq!((status, &body["code"]), (401, &json!("invalid_credentials")));
    let (status, _) = town.yookassa(GET, "me", "", &Value::Null).await;
    assert_eq!(status, 200);
    let (status, body) = town.yookassa(POST, "webhooks", "w", &json!({})).await;
    assert_eq!((status, &body["code"]), (403, &json!("forbidden")));
    let put = town.yookassa_request(Method::PUT, "payments", "p", &json!({})).send().await.unwrap();
    assert_eq!((put.status().as_u16(), put.text().await.unwrap()), (405, String::new()));
    let form = town
        .yookassa_request(POST, "payments", "p", &json!({}))
        .header("content-type", "text/plain");
    let url = form.build().unwrap().url().clone();
    let basic = "Basic MTAwNTAwOnRlc3RfSG9sZGZhc3RTZWNyZXRLZXkwMTIzNDU2Nzg5";
    let form = town.http.post(url).header("authorization", basic).body("a=b").send().await.unwrap();
    assert_eq!((form.status().as_u16(), form.text().await.unwrap()), (415, String::new()));
}

#[tokio::test]
async fn receipts_add_up_or_are_refused() {
    let town = Town::found().await;
    let item = |value: &str, quantity: Value| {
        json!({ "description": "x", "quantity": quantity, "amount": rub(value), "vat_code": 11,
            "payment_subject": "commodity", "payment_mode": "full_prepayment" })
    };
    let wish = |items: Value| {
        let mut wish = yookassa_wish();
        wish["receipt"] = json!({ "customer": { "phone": "79000000000" }, "items": items });
        wish
    };
    let good = [
        json!([item("600.00", json!("2.000")), item("34.50", json!(1))]),
        json!([item("2469.00", json!("0.5"))]),
    ];
    for (n, items) in good.into_iter().enumerate() {
        let (status, body) = town.yookassa(POST, "payments", &format!("g{n}"), &wish(items)).await;
        assert_eq!((status, &body["receipt_registration"]), (200, &json!("pending")), "{body}");
    }
    let bad = [
        json!([item("1234.49", json!(1))]),
        json!([item("1234.50", json!("1.0001"))]),
        json!([item("1234.50", json!(-1))]),
        json!([]),
    ];
    for (n, items) in bad.into_iter().enumerate() {
        let (status, body) = town.yookassa(POST, "payments", &format!("b{n}"), &wish(items)).await;
        assert_eq!(status, 400, "{body}");
    }
    let mut nobody = wish(json!([item("1234.50", json!(1))]));
    nobody["receipt"]["customer"] = json!({});
    assert_eq!(town.yookassa(POST, "payments", "n", &nobody).await.0, 400);
}

#[tokio::test]
async fn refunds_leave_a_rouble_or_nothing() {
    let mut town = Town::found().await;
    let mut wish = yookassa_wish();
    wish["capture"] = json!(true);
    let (_, payment) = town.yookassa(POST, "payments", "k", &wish).await;
    let refund = |value: &str| json!({ "payment_id": id(&payment), "amount": rub(value) });
    assert_eq!(town.yookassa(POST, "refunds", "r0", &refund("1.00")).await.0, 400, "not paid");
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    assert_eq!(town.shop.hear().await.json()["event"], "payment.succeeded");
    for (key, value) in [("r1", "0.99"), ("r2", "1234.00"), ("r3", "1234.51")] {
        assert_eq!(town.yookassa(POST, "refunds", key, &refund(value)).await.0, 400, "{value}");
    }
    let (status, done) = town.yookassa(POST, "refunds", "r4", &refund("34.50")).await;
    assert_eq!((status, &done["status"]), (200, &json!("succeeded")));
    let told = town.shop.hear().await.json();
    assert_eq!((&told["event"], &told["object"]), (&json!("refund.succeeded"), &done));
    let now = town.yookassa_now(id(&payment)).await;
    assert_eq!((&now["status"], &now["refunded_amount"]), (&json!("succeeded"), &rub("34.50")));
    assert_eq!(town.yookassa(POST, "refunds", "r5", &refund("1200.00")).await.0, 200);
    let (_, list) = town
        .yookassa(GET, &format!("refunds?payment_id={}&limit=1", id(&payment)), "", &Value::Null)
        .await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert!(list["next_cursor"].is_string());
}

#[tokio::test]
async fn how_payments_end_is_said_with_party_and_reason() {
    let mut town = Town::found().await;
    let ends = [
        ("decline?reason=insufficient_funds", "payment_network", "insufficient_funds"),
        ("decline?reason=country_forbidden", "yoo_money", "country_forbidden"),
        ("expire", "yoo_money", "expired_on_confirmation"),
    ];
    for (end, party, reason) in ends {
        let payment = town.yookassa_opened(end).await;
        town.control(&format!("yookassa/{}/{end}", id(&payment))).await;
        let over = town.yookassa_now(id(&payment)).await;
        assert_eq!(over["status"], "canceled");
        assert_eq!(over["cancellation_details"], json!({ "party": party, "reason": reason }));
        assert_eq!(town.shop.hear().await.json()["event"], "payment.canceled");
    }
    let payment = town.yookassa_opened("v").await;
    let path = format!("payments/{}/cancel", id(&payment));
    assert_eq!(town.yookassa(POST, &path, "v1", &json!({})).await.0, 400, "not while pending");
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    let (_, gone) = town.yookassa(POST, &path, "v2", &json!({})).await;
    assert_eq!(
        gone["cancellation_details"],
        json!({ "party": "merchant", "reason": "canceled_by_merchant" })
    );
}

#[tokio::test]
async fn lists_go_newest_first_and_by_time_and_status() {
    let town = Town::found().await;
    let mut all = Vec::new();
    for n in 0..5 {
        town.clock.advance(SignedDuration::from_secs(1));
        all.push(town.yookassa_opened(&format!("k{n}")).await);
    }
    all.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("payments?limit=2{cursor}");
        let (status, page) = town.yookassa(GET, &path, "", &Value::Null).await;
        assert_eq!((status, &page["type"]), (200, &json!("list")));
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let third = all[2]["created_at"].as_str().unwrap();
    for (query, count) in [
        (format!("created_at.gte={third}"), 3),
        (format!("created_at.gt={third}"), 2),
        (format!("created_at.lte={third}"), 3),
        (format!("created_at.lt={third}"), 2),
        ("status=succeeded".to_owned(), 0),
        ("status=pending".to_owned(), 5),
        ("captured_at.gte=2020-01-01T00:00:00.000Z".to_owned(), 0),
    ] {
        let (_, page) = town.yookassa(GET, &format!("payments?{query}"), "", &Value::Null).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
    for bad in ["limit=0", "limit=101", "cursor=x", "created_at.gte=monday", "unknown=1"] {
        let (status, _) = town.yookassa(GET, &format!("payments?{bad}"), "", &Value::Null).await;
        assert_eq!(status, 400, "{bad}");
    }
}
