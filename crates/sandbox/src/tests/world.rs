//! The twenty ways to break on demand, on the three protocols; what a restart and a seed keep.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::merchant::{alipay_notice, alipay_query, of, stripe_wish, yookassa_wish};
use super::stripe::is_signed;
use super::town::{START, Town, id};

const POST: Method = Method::POST;
const GET: Method = Method::GET;

async fn opened(town: &Town) -> usize {
    town.get("/__ctl/payments").await.1["payments"].as_array().unwrap().len()
}

#[tokio::test]
async fn f01_an_answer_that_comes_too_late() {
    let town = Town::found().await;
    town.fault(json!({"gateway": "stripe", "op": "create", "fault": "delay", "millis": 600_000}))
        .await;
    let hasty = town.stripe_request(POST, "checkout/sessions", "k", &stripe_wish("k"));
    assert!(hasty.timeout(Duration::from_millis(300)).send().await.unwrap_err().is_timeout());
    town.stripe_opened("k").await;
    assert_eq!(opened(&town).await, 1, "it was done all the same");
}

#[tokio::test]
async fn f02_f03_done_but_not_said() {
    for fault in ["commit_then_drop", "commit_then_500"] {
        let town = Town::found().await;
        town.fault(json!({"op": "create", "times": 2, "fault": fault})).await;
        let lost = town.yookassa_request(POST, "payments", "k", &yookassa_wish()).send().await;
        let other =
            town.stripe_request(POST, "checkout/sessions", "k", &stripe_wish("k")).send().await;
        if fault == "commit_then_drop" {
            assert!(lost.is_err() && other.is_err());
        } else {
            assert_eq!(
                (lost.unwrap().status(), other.unwrap().status()),
                (500.try_into().unwrap(), 500.try_into().unwrap())
            );
        }
        assert_eq!(opened(&town).await, 2, "{fault}");
        town.yookassa_opened("k").await;
        town.stripe_opened("k").await;
        assert_eq!(opened(&town).await, 2, "the same keys find them");
    }
    let town = Town::found().await;
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    let refund = json!({ "out_trade_no": "HF_1", "refund_amount": "1.00", "out_request_no": "r1" });
    town.fault(json!({"gateway": "alipay", "op": "refund", "fault": "commit_then_500"})).await;
    let lost = town.alipay("alipay.trade.refund", &refund).await;
    assert_eq!((&lost["code"], &lost["sub_code"]), (&json!("20000"), &json!("isp.unknow-error")));
    assert_eq!(town.alipay("alipay.trade.refund", &refund).await["fund_change"], "N", "done");
}

#[tokio::test]
async fn f04_refused_and_nothing_done() {
    let town = Town::found().await;
    for (fault, status) in
        [("error_500", 500), ("error_503", 503), ("error_429", 429), ("error_409", 409)]
    {
        town.fault(json!({"op": "create", "times": 2, "fault": fault})).await;
        let (seen, body) = town.yookassa(POST, "payments", "k", &yookassa_wish()).await;
        assert_eq!((seen, &body["type"]), (status, &json!("error")));
        let (seen, body) = town.stripe(POST, "checkout/sessions", "k", &stripe_wish("k")).await;
        assert_eq!(seen, status);
        assert!(body["error"]["type"].is_string(), "{body}");
    }
    assert_eq!(opened(&town).await, 0);
    town.fault(json!({"gateway": "alipay", "op": "fetch", "fault": "error_429"})).await;
    let limited = town.alipay("alipay.trade.query", &json!({"out_trade_no": "x"})).await;
    assert_eq!(
        (&limited["code"], &limited["sub_code"]),
        (&json!("40005"), &json!("isv.app-call-limited"))
    );
}

#[tokio::test]
async fn f05_accepted_and_not_processed_yet() {
    let town = Town::found().await;
    town.fault(json!({"gateway": "yookassa", "op": "create", "fault": "processing"})).await;
    let (status, body) = town.yookassa(POST, "payments", "k", &yookassa_wish()).await;
    assert_eq!(
        (status, &body["type"], &body["retry_after"]),
        (202, &json!("processing"), &json!(1800))
    );
    town.yookassa_opened("k").await;
    assert_eq!(opened(&town).await, 1);
}

#[tokio::test]
async fn f06_p12_the_news_overtake_the_answer() {
    let mut town = Town::found().await;
    town.fault(json!({"op": "create", "times": 2, "fault": "notify_before_answer"})).await;
    let payment = town.yookassa_opened("k").await;
    assert_eq!(payment["status"], "pending", "what the answer knew");
    let told = town.shop.hear().await.json();
    assert_eq!(
        (&told["event"], &told["object"]["id"]),
        (&json!("payment.waiting_for_capture"), &payment["id"])
    );
    let session = town.stripe_opened("k").await;
    assert_eq!(session["status"], "open");
    town.shop.hear().await;
    town.shop.hear().await;
    let log = town.log().await;
    let of = |kind: &str| log.iter().filter(|entry| entry["kind"] == kind).collect::<Vec<_>>();
    let (calls, deliveries) = (of("call"), of("delivery"));
    assert!(deliveries[0]["seq"].as_i64() < calls[0]["seq"].as_i64(), "heard before answered");
}

#[tokio::test]
async fn f07_f09_p13_news_often_or_never() {
    let mut town = Town::found().await;
    town.fault(json!({"op": "notify", "fault": "notify_copies", "copies": 5})).await;
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(of(&alipay_notice(&town.shop.hear().await.body).0, "notify_id").to_owned());
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    town.fault(json!({"op": "notify", "fault": "notify_never"})).await;
    town.alipay_opened("HF_2").await;
    town.control("alipay/HF_2/pay").await;
    town.tries(6).await;
    assert!(!town.shop.has_heard_more());
}

#[tokio::test]
async fn f08_p13_news_in_the_opposite_order() {
    let mut town = Town::found().await;
    town.fault(json!({"op": "notify", "times": 3, "fault": "notify_reversed"})).await;
    let payment = town.yookassa_opened("k").await;
    let path = format!("payments/{}", id(&payment));
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    town.yookassa(POST, &format!("{path}/capture"), "c", &json!({})).await;
    let refund =
        json!({"payment_id": id(&payment), "amount": {"value": "1.00", "currency": "RUB"}});
    town.yookassa(POST, "refunds", "r", &refund).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(town.shop.hear().await.json()["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(heard, ["refund.succeeded", "payment.succeeded", "payment.waiting_for_capture"]);
}

#[tokio::test]
async fn f10_news_that_are_not_the_providers() {
    let mut town = Town::found().await;
    town.fault(json!({"gateway": "yookassa", "op": "notify", "fault": "wrong_source"})).await;
    let payment = town.yookassa_opened("k").await;
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    let heard = town.shop.hear().await;
    assert_eq!(
        (heard.from.to_string(), heard.header("x-forwarded-for")),
        ("127.0.0.66".into(), "203.0.113.66")
    );
    let path = format!("payments/{}/cancel", id(&payment));
    town.yookassa(POST, &path, "v", &json!({})).await;
    let heard = town.shop.hear().await;
    assert_eq!(
        (heard.from.to_string(), heard.header("x-forwarded-for")),
        ("127.0.0.1".into(), "185.71.76.10")
    );

    for fault in ["bad_signature", "stale_signature"] {
        town.fault(json!({"gateway": "stripe", "op": "notify", "fault": fault})).await;
        let session = town.stripe_opened(fault).await;
        town.control(&format!("stripe/{}/expire", id(&session))).await;
        let heard = town.shop.hear().await;
        let good = is_signed(&heard, crate::STRIPE_WEBHOOK_SECRET);
        assert_eq!(good, fault == "stale_signature");
        let at = if good { START - 600 } else { START };
        assert!(heard.header("stripe-signature").starts_with(&format!("t={at},")));
    }
    town.fault(json!({"gateway": "alipay", "op": "notify", "fault": "bad_signature"})).await;
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    assert!(!alipay_notice(&town.shop.hear().await.body).1);
}

#[tokio::test]
async fn f11_p01_another_amount_or_currency_is_told() {
    let mut town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    town.fault(json!({"op": "fetch", "fault": "wrong_amount"})).await;
    assert_eq!(town.yookassa_now(id(&payment)).await["amount"]["value"], "1234.51");
    town.fault(json!({"op": "fetch", "fault": "wrong_currency"})).await;
    assert_eq!(town.yookassa_now(id(&payment)).await["amount"]["currency"], "USD");
    let intent = town.stripe_paid("a").await;
    let path = format!("payment_intents/{}", id(&intent));
    town.fault(json!({"gateway": "stripe", "op": "fetch", "fault": "wrong_amount"})).await;
    let (_, lie) = town.stripe(GET, &path, "", "").await;
    assert_eq!((&lie["amount"], &lie["amount_capturable"]), (&json!(123_451), &json!(123_451)));
    town.fault(json!({"gateway": "stripe", "op": "fetch", "fault": "wrong_currency"})).await;
    assert_eq!(town.stripe(GET, &path, "", "").await.1["currency"], "usd");
    town.shop.hear().await;
    town.shop.hear().await;

    town.alipay_opened("HF_1").await;
    town.fault(json!({"gateway": "alipay", "op": "fetch", "fault": "wrong_amount"})).await;
    let lie = town.alipay("alipay.trade.query", &json!({"out_trade_no": "HF_1"})).await;
    assert_eq!(lie["total_amount"], "1234.51", "and well signed");
    town.fault(json!({"gateway": "alipay", "op": "notify", "fault": "wrong_amount"})).await;
    town.control("alipay/HF_1/pay").await;
    let (fields, genuine) = alipay_notice(&town.shop.hear().await.body);
    assert!(genuine && of(&fields, "total_amount") == "1234.51", "a lie, well signed");
    let (_, book) = town.get("/__ctl/payments").await;
    assert!(book["payments"].as_array().unwrap().iter().all(|p| p["amount_minor"] == 123_450));
}

#[tokio::test]
async fn f12_p03_paid_after_it_was_over() {
    let town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    town.control(&format!("yookassa/{}/expire", id(&payment))).await;
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    let late = town.yookassa_now(id(&payment)).await;
    assert_eq!(
        (&late["status"], &late["cancellation_details"]),
        (&json!("waiting_for_capture"), &Value::Null)
    );
    let session = town.stripe_opened("k").await;
    town.stripe(POST, &format!("checkout/sessions/{}/expire", id(&session)), "", "").await;
    town.control(&format!("stripe/{}/pay", id(&session))).await;
    assert_eq!(town.stripe_intent(&session).await["status"], "requires_capture");
    let order = json!({"out_trade_no": "HF_1"});
    assert_eq!(town.alipay("alipay.trade.close", &order).await["sub_code"], "ACQ.TRADE_NOT_EXIST");
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    assert_eq!(town.alipay("alipay.trade.query", &order).await["trade_status"], "TRADE_SUCCESS");
}

#[tokio::test]
async fn f13_p06_the_hold_ends_before_the_capture() {
    let town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    for action in ["pay", "expire"] {
        town.control(&format!("yookassa/{}/{action}", id(&payment))).await;
    }
    let over = town.yookassa_now(id(&payment)).await;
    assert_eq!(over["cancellation_details"]["reason"], "expired_on_capture");
    let path = format!("payments/{}/capture", id(&payment));
    assert_eq!(town.yookassa(POST, &path, "c", &json!({})).await.0, 400);
    let intent = town.stripe_paid("a").await;
    town.control(&format!("stripe/{}/expire", id(&intent))).await;
    let path = format!("payment_intents/{}/capture", id(&intent));
    let (status, refused) = town.stripe(POST, &path, "c", "").await;
    assert_eq!((status, &refused["error"]["payment_intent"]["status"]), (400, &json!("canceled")));
}

#[tokio::test]
async fn f14_p11_refunds_that_wait_and_fail() {
    let mut town = Town::found().await;
    let intent = town.stripe_paid("a").await;
    town.stripe(POST, &format!("payment_intents/{}/capture", id(&intent)), "", "").await;
    for _ in 0..4 {
        town.shop.hear().await;
    }
    town.fault(json!({"op": "refund", "times": 2, "fault": "refund_pending"})).await;
    let form = format!("payment_intent={}&amount=1000", id(&intent));
    let (_, waits) = town.stripe(POST, "refunds", "r1", &form).await;
    assert_eq!(waits["status"], "pending");
    let left = format!("payment_intent={}&amount=122451", id(&intent));
    assert_eq!(town.stripe(POST, "refunds", "r0", &left).await.0, 400, "it is promised");
    town.control(&format!("refunds/{}/succeed", id(&waits))).await;
    let path = format!("refunds/{}", id(&waits));
    assert_eq!(town.stripe(GET, &path, "", "").await.1["status"], "succeeded");
    town.control(&format!("refunds/{}/fail?reason=lost_or_stolen_card", id(&waits))).await;
    let (_, failed) = town.stripe(GET, &path, "", "").await;
    assert_eq!(
        (&failed["status"], &failed["failure_reason"]),
        (&json!("failed"), &json!("lost_or_stolen_card"))
    );
    let (_, book) = town.get("/__ctl/payments").await;
    assert_eq!(book["payments"][0]["refunded_minor"], 0, "the money came back");

    let mut wish = yookassa_wish();
    wish["capture"] = json!(true);
    let (_, payment) = town.yookassa(POST, "payments", "k", &wish).await;
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    town.fault(json!({"gateway": "yookassa", "op": "refund", "fault": "refund_pending"})).await;
    let refund =
        json!({"payment_id": id(&payment), "amount": {"value": "1.00", "currency": "RUB"}});
    let (_, waits) = town.yookassa(POST, "refunds", "r", &refund).await;
    assert_eq!(waits["status"], "pending");
    town.control(&format!("refunds/{}/fail?reason=insufficient_funds", id(&waits))).await;
    let (_, failed) =
        town.yookassa(GET, &format!("refunds/{}", id(&waits)), "", &Value::Null).await;
    assert_eq!(
        (&failed["status"], &failed["cancellation_details"]["reason"]),
        (&json!("canceled"), &json!("insufficient_funds"))
    );
}

#[tokio::test]
async fn f15_p10_a_refund_in_the_cabinet() {
    let mut town = Town::found().await;
    let mut wish = yookassa_wish();
    wish["capture"] = json!(true);
    let (_, payment) = town.yookassa(POST, "payments", "k", &wish).await;
    town.control(&format!("yookassa/{}/pay", id(&payment))).await;
    town.shop.hear().await;
    town.control(&format!("yookassa/{}/refund?amount_minor=500", id(&payment))).await;
    assert_eq!(town.yookassa_now(id(&payment)).await["refunded_amount"]["value"], "5.00");
    assert_eq!(town.shop.hear().await.json()["event"], "refund.succeeded");
    let (_, list) = town.yookassa(GET, "refunds", "", &Value::Null).await;
    assert_eq!(list["items"][0]["amount"]["value"], "5.00");
    let (status, _) = town
        .post(
            &format!("/__ctl/yookassa/{}/refund?amount_minor=999999", id(&payment)),
            "-",
            &json!({}),
        )
        .await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn f16_answers_that_are_none() {
    let town = Town::found().await;
    let payment = town.yookassa_opened("k").await;
    let path = format!("payments/{}", id(&payment));
    for fault in ["truncated", "invalid_json", "html_error"] {
        town.fault(json!({"op": "fetch", "fault": fault})).await;
        let answer = town.yookassa_request(GET, &path, "", &Value::Null).send().await.unwrap();
        let bytes = answer.bytes().await.unwrap();
        assert!(serde_json::from_slice::<Value>(&bytes).is_err(), "{fault}");
        assert_eq!(String::from_utf8(bytes.to_vec()).is_err(), fault == "html_error", "GBK");
    }
    let query = alipay_query("alipay.trade.query", &json!({"out_trade_no": "x"}), &[]);
    for fault in ["unsigned", "bad_signature"] {
        town.fault(json!({"gateway": "alipay", "op": "fetch", "fault": fault})).await;
        let (text, genuine) = town.alipay_text(&query).await;
        assert!(!genuine && text.contains("ACQ.TRADE_NOT_EXIST"), "{text}");
        assert_eq!(text.contains("\"sign\""), fault == "bad_signature");
    }
}

#[tokio::test]
async fn f17_forgotten_keys_charge_again() {
    let town = Town::found().await;
    let first = town.yookassa_opened("k").await;
    let session = town.stripe_opened("k").await;
    let (status, body) = super::town::read(town.request(Method::DELETE, "/__ctl/keys")).await;
    assert_eq!((status, &body["forgotten"]), (200, &json!(2)));
    assert_ne!(id(&town.yookassa_opened("k").await), id(&first));
    assert_ne!(id(&town.stripe_opened("k").await), id(&session));
}

#[tokio::test]
async fn f18_a_list_that_moves_while_it_is_read() {
    let town = Town::found().await;
    for n in 0..4 {
        town.yookassa_opened(&format!("k{n}")).await;
        town.stripe_opened(&format!("k{n}")).await;
    }
    town.fault(json!({"op": "list", "times": 9, "fault": "list_moves"})).await;
    let (_, first) = town.yookassa(GET, "payments?limit=2", "", &Value::Null).await;
    let path = format!("payments?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, second) = town.yookassa(GET, &path, "", &Value::Null).await;
    assert_eq!(second["items"][0], first["items"][1], "the last one comes again");
    let (_, first) = town.stripe(GET, "checkout/sessions?limit=2", "", "").await;
    let path = format!("checkout/sessions?limit=2&starting_after={}", id(&first["data"][1]));
    assert_eq!(town.stripe(GET, &path, "", "").await.1["data"][0], first["data"][1]);
}

#[tokio::test]
async fn f19_p21_a_clock_that_is_wrong() {
    let mut town = Town::found().await;
    let (_, set) = town.post("/__ctl/clock", "-", &json!({"offset_seconds": -600})).await;
    assert_eq!(set["offset_seconds"], -600);
    let answer = town.yookassa_request(GET, "me", "", &Value::Null).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Fri, 15 Jan 2027 07:50:00 GMT");
    assert_eq!(town.yookassa_opened("k").await["created_at"], "2027-01-15T07:50:00.000Z");
    let session = town.stripe_opened("k").await;
    town.control(&format!("stripe/{}/expire", id(&session))).await;
    let heard = town.shop.hear().await;
    assert!(heard.header("stripe-signature").starts_with(&format!("t={},", START - 600)));
    assert_eq!(town.post("/__ctl/clock", "-", &json!({"offset_seconds": i64::MAX})).await.0, 400);
}

#[tokio::test]
async fn f20_a_500_that_is_kept_for_ever() {
    let town = Town::found().await;
    town.fault(json!({"gateway": "stripe", "op": "create", "fault": "stored_500"})).await;
    for replayed in [false, true, true] {
        let request = town.stripe_request(POST, "checkout/sessions", "k", &stripe_wish("k"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers().contains_key("idempotent-replayed"), replayed);
    }
    let (_, list) = town.stripe(GET, "checkout/sessions", "", "").await;
    assert_eq!(list["data"][0]["metadata"]["attempt_id"], "k", "only a list tells");
}

#[tokio::test]
async fn a_seed_decides_the_ids_and_a_restart_does_not_begin_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut firsts = Vec::new();
    for name in ["a.db", "b.db"] {
        let town = Town::found_with(|config| {
            config.data = Some(folder.path().join(name));
            config.seed = Some(7);
        })
        .await;
        let payment = town.yookassa_opened("k").await;
        town.alipay_opened("HF_1").await;
        let session = town.stripe_opened("k").await;
        let town = town.restart().await;
        assert_eq!(town.yookassa_now(id(&payment)).await["id"], payment["id"], "kept");
        assert_eq!(town.stripe_opened("k").await["id"], session["id"], "keys as well");
        town.control("alipay/HF_1/pay").await;
        let next = town.yookassa_opened("k2").await;
        assert_ne!(next["id"], payment["id"]);
        firsts.push((payment["id"].clone(), session["id"].clone(), next["id"].clone()));
    }
    assert_eq!(firsts[0], firsts[1]);
}

#[tokio::test]
async fn every_provider_has_its_own_schedule_unless_told_otherwise() {
    let mut town = Town::found_with(|config| config.redelivery = None).await;
    town.shop.answer(&[500]);
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    town.shop.hear().await;
    town.tries(1).await;
    town.clock.advance(kernel::SignedDuration::from_secs(239));
    assert!(!town.shop.has_heard_more());
    town.clock.advance(kernel::SignedDuration::from_secs(1));
    town.shop.hear().await;
    let sum: Duration = crate::gateway::Gateway::Alipay.redelivery().iter().sum();
    assert_eq!(sum, Duration::from_mins(24 * 60 + 24), "25 hours in all, the documents say");
}

#[tokio::test]
async fn the_control_plane_knows_its_ways_and_its_limits() {
    let town = Town::found().await;
    for (path, status) in [
        ("yookassa/none/pay", 404),
        ("nobody/none/pay", 404),
        ("refunds/none/succeed", 404),
        ("alipay/webhook_url", 404),
    ] {
        let body = json!({"url": "http://127.0.0.1:9/x"});
        assert_eq!(town.post(&format!("/__ctl/{path}"), "-", &body).await.0, status, "{path}");
    }
    let outside = json!({"url": "http://example.com/hook"});
    assert_eq!(town.post("/__ctl/yookassa/webhook_url", "-", &outside).await.0, 400);
    let hook = json!({"url": "http://127.0.0.1:9/x", "secret": "whsec_mine"});
    let (status, set) = town.post("/__ctl/stripe/webhook_url", "-", &hook).await;
    assert_eq!((status, &set["secret"]), (200, &json!("whsec_mine")));
    let payment = town.yookassa_opened("k").await;
    let (status, refused) =
        town.post(&format!("/__ctl/yookassa/{}/refund", id(&payment)), "-", &json!({})).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("wrong_state")));
    let by_reference = town.control("yookassa/attempt-1/pay").await;
    assert_eq!(by_reference["id"], payment["id"]);
}
