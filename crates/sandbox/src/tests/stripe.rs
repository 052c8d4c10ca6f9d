//! Stripe's protocol.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::merchant::stripe_wish;
use super::town::{Heard, START, Town, id, read};

const POST: Method = Method::POST;
const GET: Method = Method::GET;

/// Whether one of the signatures in the header is by this secret.
pub fn is_signed(heard: &Heard, secret: &str) -> bool {
    let mut parts = heard.header("stripe-signature").split(',');
    let at = parts.next().unwrap().strip_prefix("t=").unwrap();
    parts.filter_map(|part| part.strip_prefix("v1=")).any(|signature| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.{}", heard.body).as_bytes());
        crate::hex::hex(&mac.finalize().into_bytes()) == signature
    })
}

/// The kinds of the next so many events, sorted: their order is nobody's business.
async fn kinds(town: &mut Town, count: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    for _ in 0..count {
        let heard = town.shop.hear().await;
        assert!(is_signed(&heard, crate::STRIPE_WEBHOOK_SECRET));
        assert!(heard.body.contains('\n'), "with line breaks");
        kinds.push(heard.json()["type"].as_str().unwrap().to_owned());
    }
    kinds.sort();
    kinds
}

#[tokio::test]
async fn p18_a_complete_session_is_not_yet_money() {
    let mut town = Town::found().await;
    let session = town.stripe_opened("a-1").await;
    assert!(id(&session).starts_with("cs_test_"));
    assert_eq!((&session["status"], &session["payment_intent"]), (&json!("open"), &Value::Null));
    assert_eq!(session["expires_at"], START + 24 * 3600);
    let page = session["url"].as_str().unwrap();
    town.http.post(format!("{page}/pay")).send().await.unwrap();
    assert_eq!(
        kinds(&mut town, 2).await,
        ["checkout.session.completed", "payment_intent.amount_capturable_updated"]
    );
    let path = format!("checkout/sessions/{}", id(&session));
    let (_, now) = town.stripe(GET, &path, "", "").await;
    assert_eq!((&now["status"], &now["payment_status"]), (&json!("complete"), &json!("unpaid")));
    let intent = town.stripe_intent(&session).await;
    assert_eq!(
        (&intent["status"], &intent["amount_received"]),
        (&json!("requires_capture"), &json!(0))
    );

    let path = format!("payment_intents/{}/capture", id(&intent));
    let (status, done) = town.stripe(POST, &path, "c-1", "").await;
    assert_eq!((status, &done["amount_received"]), (200, &json!(123_450)));
    assert_eq!(kinds(&mut town, 2).await, ["charge.captured", "payment_intent.succeeded"]);
    let (status, again) = town.stripe(POST, &path, "c-2", "").await;
    assert_eq!((status, &again["error"]["code"]), (400, &json!("payment_intent_unexpected_state")));
    assert_eq!(again["error"]["payment_intent"]["status"], "succeeded", "p05: with the truth");
    let (_, now) = town.stripe(GET, &format!("checkout/sessions/{}", id(&session)), "", "").await;
    assert_eq!(now["payment_status"], "paid");
}

#[tokio::test]
async fn p17_a_decline_is_not_the_end() {
    let mut town = Town::found().await;
    let session = town.stripe_opened("a-1").await;
    let page = session["url"].as_str().unwrap();
    let to =
        town.http.post(format!("{page}/decline")).body("reason=insufficient_funds").send().await;
    assert_eq!(to.unwrap().headers()["location"], format!("/pay/{}", id(&session)), "try again");
    assert_eq!(kinds(&mut town, 1).await, ["payment_intent.payment_failed"]);
    let intent = town.stripe_intent(&session).await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["decline_code"], "insufficient_funds");
    let shown = town.http.get(page).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("The bank refused."), "{shown}");
    town.http.post(format!("{page}/pay")).send().await.unwrap();
    assert_eq!(town.stripe_intent(&session).await["status"], "requires_capture");
}

#[tokio::test]
async fn one_key_has_one_effect_and_what_never_began_has_none() {
    let town = Town::found().await;
    let first = town.stripe_opened("k").await;
    let request = || town.stripe_request(POST, "checkout/sessions", "k", &stripe_wish("k"));
    let again = request().send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert!(again.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let (status, other) = town.stripe(POST, "checkout/sessions", "k", &stripe_wish("x")).await;
    assert_eq!((status, &other["error"]["type"]), (400, &json!("idempotency_error")));

    // Refused before anything began: the key is free. Refused after: it is not.
    let (status, _) = town.stripe(POST, "checkout/sessions", "v", "mode=payment").await;
    assert_eq!(status, 400);
    let (status, _) = town.stripe(POST, "checkout/sessions", "v", &stripe_wish("v")).await;
    assert_eq!(status, 200);
    let intent = town.stripe_paid("p").await;
    let early = format!("payment_intent={}", id(&intent));
    let refused = town.stripe(POST, "refunds", "r", &early).await;
    assert_eq!(refused.1["error"]["code"], "payment_intent_unexpected_state");
    let capture = format!("payment_intents/{}/capture", id(&intent));
    town.stripe(POST, &capture, "c", "").await;
    assert_eq!(town.stripe(POST, "refunds", "r", &early).await, refused, "kept");
    assert_eq!(town.stripe(POST, "refunds", "r2", &early).await.0, 200);
    town.clock.advance(SignedDuration::from_hours(24));
    let (_, new) = town.stripe(POST, "checkout/sessions", "k", &stripe_wish("k")).await;
    assert_ne!(id(&new), id(&first), "forgotten");
}

#[tokio::test]
async fn refusals_name_the_parameter() {
    let town = Town::found().await;
    let good = stripe_wish("a");
    let price = "&line_items[0][price_data][unit_amount]=123450";
    let cases = [
        (good.replace("mode=payment&", ""), "parameter_missing", "mode"),
        (format!("{good}&surprise=1"), "parameter_unknown", "surprise"),
        (good.replace("success_url", "x_url"), "parameter_unknown", "x_url"),
        (
            good.replace(price, "&line_items[0][price_data][unit_amount]=12.5"),
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            good.replace(price, "&line_items[0][price_data][unit_amount]=49"),
            "amount_too_small",
            "line_items",
        ),
        (good.replace("=eur", "=EUR"), "parameter_invalid", "line_items[0][price_data][currency]"),
        (format!("{good}&expires_at={}", START + 60), "parameter_invalid", "expires_at"),
        (format!("{good}&expires_at={}", START + 90_000), "parameter_invalid", "expires_at"),
        (
            good.replace("=eur", "=kwd").replace("=123450", "=123455"),
            "parameter_invalid_integer",
            "line_items",
        ),
    ];
    for (n, (form, code, param)) in cases.into_iter().enumerate() {
        let (status, body) = town.stripe(POST, "checkout/sessions", &format!("k{n}"), &form).await;
        assert_eq!(status, 400, "{form}");
        assert_eq!(
            (&body["error"]["code"], &body["error"]["param"]),
            (&json!(code), &json!(param)),
            "{form}"
        );
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    let (status, body) = town.stripe(GET, "refunds/re_no", "", "").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("resource_missing")));
    let url = format!("{}/v1/balance", town.sandbox.base_url());
    assert_eq!(read(town.http.get(&url).bearer_auth("sk_test_no")).await.0, 401);
    assert_eq!(read(town.http.get(&url)).await.0, 401);
    let basic = town.http.get(&url).basic_auth(super::merchant::STRIPE_KEY, Some(""));
    assert_eq!(read(basic).await.0, 200);
}

#[tokio::test]
async fn a_method_that_takes_days() {
    let mut town = Town::found().await;
    for (end, status, last) in [
        ("pay", "succeeded", "checkout.session.async_payment_succeeded"),
        ("decline", "requires_payment_method", "checkout.session.async_payment_failed"),
    ] {
        let form = stripe_wish(end).replace("=manual", "=automatic");
        let (_, session) = town.stripe(POST, "checkout/sessions", end, &form).await;
        town.control(&format!("stripe/{}/process", id(&session))).await;
        assert_eq!(
            kinds(&mut town, 2).await,
            ["checkout.session.completed", "payment_intent.processing"]
        );
        assert_eq!(town.stripe_intent(&session).await["status"], "processing");
        town.control(&format!("stripe/{}/{end}", id(&session))).await;
        let count = if end == "pay" { 3 } else { 2 };
        assert!(kinds(&mut town, count).await.contains(&last.to_owned()));
        assert_eq!(town.stripe_intent(&session).await["status"], status);
        let path = format!("checkout/sessions/{}", id(&session));
        assert_eq!(town.stripe(GET, &path, "", "").await.1["status"], "complete");
    }
}

#[tokio::test]
async fn sessions_and_holds_end() {
    let mut town = Town::found().await;
    let session = town.stripe_opened("a").await;
    let path = format!("checkout/sessions/{}/expire", id(&session));
    let (_, over) = town.stripe(POST, &path, "", "").await;
    assert_eq!((&over["status"], &over["url"]), (&json!("expired"), &Value::Null));
    assert_eq!(kinds(&mut town, 1).await, ["checkout.session.expired"]);
    assert_eq!(town.stripe(POST, &path, "", "").await.0, 400, "only once");

    let intent = town.stripe_paid("b").await;
    kinds(&mut town, 2).await;
    let path = format!("payment_intents/{}/cancel", id(&intent));
    let form = "cancellation_reason=duplicate";
    let (_, over) = town.stripe(POST, &path, "v", form).await;
    assert_eq!(
        (&over["status"], &over["cancellation_reason"]),
        (&json!("canceled"), &json!("duplicate"))
    );
    assert_eq!(kinds(&mut town, 1).await, ["payment_intent.canceled"]);

    let held = town.stripe_paid("c").await;
    kinds(&mut town, 2).await;
    town.clock.advance(SignedDuration::from_hours(7 * 24));
    let (_, over) = town.stripe(GET, &format!("payment_intents/{}", id(&held)), "", "").await;
    assert_eq!(
        (&over["status"], &over["cancellation_reason"]),
        (&json!("canceled"), &json!("automatic"))
    );
    let open = town.stripe_opened("d").await;
    town.clock.advance(SignedDuration::from_hours(24));
    let path = format!("checkout/sessions/{}", id(&open));
    assert_eq!(town.stripe(GET, &path, "", "").await.1["status"], "expired");
}

#[tokio::test]
async fn p22_two_secrets_sign_while_one_is_being_changed() {
    let mut town = Town::found().await;
    let made = "url=http://127.0.0.1:9/x&enabled_events[]=charge.refunded&enabled_events[]=a";
    let (_, made) = town.stripe(POST, "webhook_endpoints", "", made).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let (_, shown) = town.stripe(GET, &format!("webhook_endpoints/{}", id(&made)), "", "").await;
    assert!(shown["secret"].is_null(), "told once");

    let rolled = town.control("stripe/we_sandbox/roll").await;
    let new = rolled["secret"].as_str().unwrap();
    let end = async |town: &mut Town, n: &str| {
        let session = town.stripe_opened(n).await;
        town.control(&format!("stripe/{}/expire", id(&session))).await;
        town.shop.hear().await
    };
    let heard = end(&mut town, "a").await;
    assert!(is_signed(&heard, new) && is_signed(&heard, crate::STRIPE_WEBHOOK_SECRET));
    town.clock.advance(SignedDuration::from_hours(24));
    let heard = end(&mut town, "b").await;
    assert!(is_signed(&heard, new) && !is_signed(&heard, crate::STRIPE_WEBHOOK_SECRET));
}

#[tokio::test]
async fn p28_what_is_disputed_is_not_refunded() {
    let mut town = Town::found().await;
    let intent = town.stripe_paid("a").await;
    town.stripe(POST, &format!("payment_intents/{}/capture", id(&intent)), "", "").await;
    kinds(&mut town, 4).await;
    town.control(&format!("stripe/{}/dispute", id(&intent))).await;
    assert_eq!(kinds(&mut town, 1).await, ["charge.dispute.created"]);
    let form = format!("payment_intent={}", id(&intent));
    let (status, refused) = town.stripe(POST, "refunds", "r", &form).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("charge_disputed")));
    town.control(&format!("stripe/{}/close_dispute", id(&intent))).await;
    assert_eq!(kinds(&mut town, 1).await, ["charge.dispute.closed"]);
    let dispute = format!("disputes/{}", id(&intent).replace("pi_", "du_"));
    assert_eq!(town.stripe(GET, &dispute, "", "").await.1["status"], "won");
    town.control(&format!("stripe/{}/close_dispute?reason=lost", id(&intent))).await;
    assert_eq!(town.stripe(GET, &dispute, "", "").await.1["status"], "lost");
    let (status, refused) = town.stripe(POST, "refunds", "s", &form).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("charge_disputed")));
}

#[tokio::test]
async fn lists_events_and_search() {
    let town = Town::found().await;
    for attempt in ["a", "b", "c"] {
        town.clock.advance(SignedDuration::from_secs(10));
        town.stripe_paid(attempt).await;
    }
    let (_, first) = town.stripe(GET, "payment_intents?limit=2", "", "").await;
    assert_eq!((&first["has_more"], &first["url"]), (&json!(true), &json!("/v1/payment_intents")));
    assert_eq!(first["data"][0]["metadata"]["attempt_id"], "c", "newest first");
    let last = id(&first["data"][1]);
    let (_, rest) =
        town.stripe(GET, &format!("payment_intents?starting_after={last}"), "", "").await;
    assert_eq!(rest["data"][0]["metadata"]["attempt_id"], "a");
    assert_eq!(rest["has_more"], false);
    let since = format!("checkout/sessions?created[gte]={}&created[lt]={}", START + 20, START + 30);
    assert_eq!(town.stripe(GET, &since, "", "").await.1["data"].as_array().unwrap().len(), 1);
    let (_, events) = town.stripe(GET, "events?type=checkout.session.completed", "", "").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 3);
    let query = "payment_intents/search?query=metadata[%27attempt_id%27]:%27c%27";
    assert_eq!(town.stripe(GET, query, "", "").await.1["data"], json!([]), "behind");
    town.clock.advance(SignedDuration::from_mins(1));
    let (_, found) = town.stripe(GET, query, "", "").await;
    assert_eq!(found["data"][0]["metadata"]["attempt_id"], "c");
    town.clock.advance(SignedDuration::from_hours(31 * 24));
    let (_, events) = town.stripe(GET, "events?type=checkout.session.completed", "", "").await;
    assert_eq!(events["data"], json!([]), "events are kept for 30 days");
}
