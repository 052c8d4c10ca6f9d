//! A merchant's side of the three protocols, written for these tests alone.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, Response};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::town::{Town, read};
use crate::published;

pub const STRIPE_KEY: &str = "sk_test_HoldfastSandbox0123456789";
const YOOKASSA_BASIC: &str = "Basic MTAwNTAwOnRlc3RfSG9sZGZhc3RTZWNyZXRLZXkwMTIzNDU2Nzg5";

impl Town {
    pub async fn control(&self, path: &str) -> Value {
        let (status, body) = self.post(&format!("/__ctl/{path}"), "-", &json!({})).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A call of YooKassa's API.
    pub async fn yookassa(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> (u16, Value) {
        read(self.yookassa_request(method, path, key, body)).await
    }

    pub fn yookassa_request(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}/v3/{path}", self.sandbox.base_url());
        let request =
            self.http.request(method.clone(), url).header("authorization", YOOKASSA_BASIC);
        if method == Method::GET {
            return request;
        }
        request
            .header("idempotence-key", key)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// A payment of 1234.50 roubles, in two steps.
    pub async fn yookassa_opened(&self, key: &str) -> Value {
        let (status, payment) =
            self.yookassa(Method::POST, "payments", key, &yookassa_wish()).await;
        assert_eq!(status, 200, "{payment}");
        payment
    }

    pub async fn yookassa_now(&self, id: &str) -> Value {
        self.yookassa(Method::GET, &format!("payments/{id}"), "", &Value::Null).await.1
    }

    /// A call of Stripe's API.
    pub async fn stripe(&self, method: Method, path: &str, key: &str, form: &str) -> (u16, Value) {
        read(self.stripe_request(method, path, key, form)).await
    }

    pub fn stripe_request(
        &self,
        method: Method,
        path: &str,
        key: &str,
        form: &str,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/{path}", self.sandbox.base_url());
        let request = self.http.request(method.clone(), url).bearer_auth(STRIPE_KEY);
        if method == Method::GET {
            return request;
        }
        let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
        request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
    }

    /// A session of 1234.50 euro, to be captured by hand.
    pub async fn stripe_opened(&self, attempt: &str) -> Value {
        let (status, session) =
            self.stripe(Method::POST, "checkout/sessions", attempt, &stripe_wish(attempt)).await;
        assert_eq!(status, 200, "{session}");
        session
    }

    /// That session, paid; gives the intent.
    pub async fn stripe_paid(&self, attempt: &str) -> Value {
        let session = self.stripe_opened(attempt).await;
        self.control(&format!("stripe/{}/pay", session["id"].as_str().unwrap())).await;
        self.stripe_intent(&session).await
    }

    pub async fn stripe_intent(&self, session: &Value) -> Value {
        let path = format!(
            "checkout/sessions/{}?expand[]=payment_intent",
            session["id"].as_str().unwrap()
        );
        self.stripe(Method::GET, &path, "", "").await.1["payment_intent"].clone()
    }

    /// A server call of Alipay's: the whole text, its object, and whether it is genuine.
    pub async fn alipay(&self, method: &str, biz: &Value) -> Value {
        let (text, genuine) = self.alipay_text(&alipay_query(method, biz, &[])).await;
        assert!(genuine, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer[format!("{}_response", method.replace('.', "_"))].clone()
    }

    /// What is answered to a query, and whether it is signed by the provider.
    pub async fn alipay_text(&self, query: &str) -> (String, bool) {
        let url = format!("{}/gateway.do?{query}", self.sandbox.base_url());
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "always");
        let text = answer.text().await.unwrap();
        let signed = text.find(':').zip(text.find(",\"sign\":\""));
        let Some((from, to)) = signed else { return (text, false) };
        let object = text[from + 1..to].split(",\"alipay_cert_sn\"").next().unwrap();
        let sign = text[to + 9..].trim_end_matches("\"}");
        let genuine = is_by_alipay(object, sign);
        (text, genuine)
    }

    /// A browser that comes to the pay page.
    pub async fn alipay_browser(&self, order: &str, more: &[(&str, &str)]) -> Response {
        let wap = more.iter().any(|(name, _)| *name == "wap");
        let product = if wap { "QUICK_WAP_WAY" } else { "FAST_INSTANT_TRADE_PAY" };
        let mut biz = json!({
            "out_trade_no": order, "total_amount": "1234.50", "subject": "Holdfast 订单 42",
            "product_code": product,
        });
        for (name, value) in more {
            biz[*name] = json!(value);
        }
        let method = if wap { "alipay.trade.wap.pay" } else { "alipay.trade.page.pay" };
        let common =
            [("notify_url", self.shop.notify_url.as_str()), ("return_url", "http://127.0.0.1:9/r")];
        let query = alipay_query(method, &biz, &common);
        self.http
            .get(format!("{}/gateway.do?{query}", self.sandbox.base_url()))
            .send()
            .await
            .unwrap()
    }

    /// A trade that the payer has opened.
    pub async fn alipay_opened(&self, order: &str) {
        let answer = self.alipay_browser(order, &[]).await;
        let (status, to) = (answer.status(), answer.headers().get("location").cloned());
        assert_eq!(status, 302, "{}", answer.text().await.unwrap());
        assert!(to.unwrap().to_str().unwrap().starts_with("/cashier/"));
    }
}

pub fn yookassa_wish() -> Value {
    json!({
        "amount": { "value": "1234.50", "currency": "RUB" },
        "capture": false,
        "confirmation": { "type": "redirect", "return_url": "http://127.0.0.1:9/back" },
        "description": "Заказ HF-42",
        "metadata": { "attempt_id": "attempt-1", "order_id": "HF-42" },
    })
}

pub fn stripe_wish(attempt: &str) -> String {
    format!(
        "mode=payment&client_reference_id=HF-42&metadata[attempt_id]={attempt}\
         &payment_intent_data[metadata][attempt_id]={attempt}\
         &payment_intent_data[capture_method]=manual&line_items[0][quantity]=1\
         &line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=123450\
         &line_items[0][price_data][product_data][name]=Order+HF-42\
         &success_url=http://127.0.0.1:9/done?s=%7BCHECKOUT_SESSION_ID%7D\
         &cancel_url=http://127.0.0.1:9/cart"
    )
}

/// A signed query: everything in it, as one of the libraries sends it.
pub fn alipay_query(method: &str, biz: &Value, more: &[(&str, &str)]) -> String {
    let biz = biz.to_string();
    let mut fields = vec![
        ("app_id", "2021000000000000"),
        ("method", method),
        ("format", "JSON"),
        ("charset", "utf-8"),
        ("sign_type", "RSA2"),
        ("timestamp", "2027-01-15 16:00:00"),
        ("version", "1.0"),
        ("biz_content", &biz),
    ];
    fields.extend(more);
    signed(&mut fields)
}

/// Adds the signature of whatever the fields are.
pub fn signed(fields: &mut Vec<(&str, &str)>) -> String {
    fields.sort_unstable();
    let text: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let der: String = published::APP_PRIVATE_KEY.lines().filter(|l| !l.starts_with('-')).collect();
    let key = KeyPair::from_der(&BASE64_STANDARD.decode(der).unwrap()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    let text = text.join("&");
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter())
        .append_pair("sign", &BASE64_STANDARD.encode(signature))
        .finish()
}

pub fn is_by_alipay(text: &str, sign: &str) -> bool {
    let der: String =
        published::ALIPAY_PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(der).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der[24..]);
    key.verify(text.as_bytes(), &BASE64_STANDARD.decode(sign).unwrap()).is_ok()
}

/// The fields of a notification, and whether they are genuine.
pub fn alipay_notice(body: &str) -> (Vec<(String, String)>, bool) {
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut signed: Vec<_> = fields
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "sign" | "sign_type") && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    signed.sort_unstable();
    let genuine = is_by_alipay(&signed.join("&"), of(&fields, "sign"));
    (fields, genuine)
}

pub fn of<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}
