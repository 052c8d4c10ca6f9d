//! A sandbox, a shop that listens to it, and a client for both.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{Sandbox, SandboxConfig};
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use kernel::{Env, ManualClock, Timestamp, Uuid};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

pub const SECRET: &str = "a-secret-for-tests";
pub const START: i64 = 1_800_000_000;
/// A test that waits longer than this is broken.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Town {
    pub sandbox: Sandbox,
    config: SandboxConfig,
    pub env: Env,
    pub clock: Arc<ManualClock>,
    pub shop: Shop,
    pub http: reqwest::Client,
}

/// What came in at the shop.
pub struct Heard {
    pub headers: HeaderMap,
    pub from: IpAddr,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A shop that hears notifications and answers as it is told.
pub struct Shop {
    pub notify_url: String,
    heard: mpsc::UnboundedReceiver<Heard>,
    moods: Arc<Mutex<Vec<u16>>>,
}

type Ear = (mpsc::UnboundedSender<Heard>, Arc<Mutex<Vec<u16>>>);

impl Shop {
    /// Its usual answer is what every provider takes: 200 and `success`.
    pub async fn open() -> Self {
        async fn hear(
            State((tell, moods)): State<Ear>,
            ConnectInfo(from): ConnectInfo<SocketAddr>,
            headers: HeaderMap,
            body: String,
        ) -> (StatusCode, &'static str) {
            let mood = moods.lock().unwrap().pop().unwrap_or(200);
            tell.send(Heard { headers, from: from.ip(), body }).unwrap();
            (StatusCode::from_u16(mood).unwrap(), "success")
        }
        let (tell, heard) = mpsc::unbounded_channel();
        let moods = Arc::new(Mutex::new(Vec::new()));
        let routes = Router::new().route("/hear", post(hear)).with_state((tell, moods.clone()));
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let notify_url = format!("http://{}/hear", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { notify_url, heard, moods }
    }

    /// Answers the next notifications like this, then 200 again.
    pub fn answer(&self, statuses: &[u16]) {
        self.moods.lock().unwrap().extend(statuses.iter().rev());
    }

    pub async fn hear(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("a notification in time").unwrap()
    }

    pub fn has_heard_more(&mut self) -> bool {
        self.heard.try_recv().is_ok()
    }
}

pub fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

impl Town {
    pub async fn found() -> Self {
        Self::found_with(|_| {}).await
    }

    pub async fn found_with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let (env, clock) = Env::manual(Timestamp::from_second(START).unwrap(), 7);
        let mut config = SandboxConfig::new(anywhere(), SECRET, env.clone());
        config.redelivery = Some(vec![Duration::ZERO; 3]);
        let shop = Shop::open().await;
        config.yookassa_hook = Some(shop.notify_url.clone());
        config.stripe_hook = Some(shop.notify_url.clone());
        change(&mut config);
        let sandbox = Sandbox::start(config.clone()).await.unwrap();
        Self { sandbox, config, env, clock, shop, http: client() }
    }

    /// Stops the sandbox and starts another on the same data. The shop lives on.
    pub async fn restart(self) -> Self {
        self.sandbox.shutdown().await;
        let sandbox = Sandbox::start(self.config.clone()).await.unwrap();
        Self { sandbox, ..self }
    }

    /// A request with the secret.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.sandbox.base_url());
        self.http.request(method, url).bearer_auth(SECRET).timeout(PATIENCE)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        read(request.body(body.to_string())).await
    }

    /// A good payment of 94.50 EUR, fifteen minutes to pay.
    pub fn wish(&self) -> Value {
        let expires_at = self.env.now() + kernel::SignedDuration::from_mins(15);
        json!({
            "amount_minor": 9450,
            "currency": "EUR",
            "reference": self.env.id::<Uuid>(),
            "description": "Order 7K3M-22",
            "return_url": "http://127.0.0.1:8080/pay/7K3M-22/return?a=b&c=d",
            "notify_url": self.shop.notify_url,
            "expires_at": expires_at,
        })
    }

    /// Opens that payment and gives what the sandbox answered.
    pub async fn open(&self) -> Value {
        let wish = self.wish();
        let key = wish["reference"].as_str().unwrap().to_owned();
        let (status, payment) = self.post("/plain/v1/payments", &key, &wish).await;
        assert_eq!(status, 201, "{payment}");
        payment
    }

    /// Opens a payment, pays it, and hears of it.
    pub async fn open_and_pay(&mut self) -> Value {
        let payment = self.open().await;
        let (status, paid) = self.force(&payment, "pay").await;
        assert_eq!(status, 200, "{paid}");
        self.shop.hear().await;
        paid
    }

    pub async fn force(&self, payment: &Value, end: &str) -> (u16, Value) {
        self.post(&format!("/__ctl/payments/{}/{end}", id(payment)), "-", &json!({})).await
    }

    pub async fn fault(&self, rule: Value) {
        let (status, body) = self.post("/__ctl/faults", "-", &rule).await;
        assert_eq!(status, 201, "{body}");
    }

    pub async fn log(&self) -> Vec<Value> {
        let (status, body) = self.get("/__ctl/log").await;
        assert_eq!(status, 200);
        body["entries"].as_array().unwrap().clone()
    }

    /// Waits until the journal has so many tries of notifications, and gives them. By then each is
    /// in the book too.
    pub async fn tries(&self, count: usize) -> Vec<Value> {
        let look = async {
            loop {
                let log = self.log().await;
                let tries: Vec<_> =
                    log.into_iter().filter(|entry| entry["kind"] == "delivery").collect();
                if tries.len() >= count {
                    return tries;
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("as many tries in time")
    }

    pub async fn status(&self, payment: &Value) -> String {
        let (status, body) = self.get(&format!("/plain/v1/payments/{}", id(payment))).await;
        assert_eq!(status, 200, "{body}");
        body["status"].as_str().unwrap().to_owned()
    }
}

pub fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

pub fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

pub async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{status} {e}: {text}")))
}
