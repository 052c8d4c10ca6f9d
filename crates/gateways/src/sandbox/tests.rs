//! Against the real sandbox, and against a server that says whatever it is told to.

mod answers;
mod notices;
mod story;

use std::sync::Arc;
use std::time::Duration;

use kernel::{AttemptId, Currency, Env, ManualClock, Money, RefundId, SignedDuration, Timestamp};
use sandbox::{Sandbox, SandboxConfig};
use serde_json::Value;

use super::{SandboxGateway, SandboxSettings};
use crate::http::{Auth, Body, Call, HttpClient};
use crate::port::Gateway as _;
use crate::request::{CreatePayment, CreateRefund, Created, IdempotencyKey, PaymentRef, RefundRef};
use crate::secret::Secret;
use crate::testing::line;

const SECRET: &str = "a-secret-for-tests";
const PATIENCE: Duration = Duration::from_secs(30);
const PRICE: Money = Money::new(9450, Currency::EUR);

fn env() -> (Env, Arc<ManualClock>) {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7)
}

fn gateway(base_url: &str, env: &Env) -> SandboxGateway {
    let secrets = vec![Secret::new(SECRET)];
    let settings = SandboxSettings {
        base_url: base_url.to_owned(),
        secrets,
        capture: crate::capabilities::CaptureMode::Immediate,
    };
    SandboxGateway::new(settings, env.clone()).unwrap()
}

fn request(attempt: AttemptId, env: &Env) -> CreatePayment {
    let back = "https://shop.example/return?a=b".parse().unwrap();
    let hook = "http://127.0.0.1:9/hooks/sandbox".parse().unwrap();
    let until = env.now() + SignedDuration::from_mins(15);
    CreatePayment::new(attempt, PRICE, "Order 7K3M-22", back, hook, until)
}

/// A refund of a part of a payment, to be asked for or about.
fn refund_of(payment: &PaymentRef, refund: RefundId, amount: Money) -> (CreateRefund, RefundRef) {
    let (payment, reason) = (payment.clone(), String::new());
    let about = RefundRef { refund, gateway_id: None, amount, payment: payment.clone() };
    (CreateRefund { refund, payment, amount, reason, receipt: None }, about)
}

fn payment(attempt: AttemptId, gateway_id: Option<&str>) -> PaymentRef {
    let gateway_id = gateway_id.map(str::to_owned);
    PaymentRef { attempt, gateway_id, secondary_id: None, amount: PRICE }
}

/// A sandbox and a gateway that talks to it, by one clock.
struct Town {
    sandbox: Sandbox,
    gateway: SandboxGateway,
    env: Env,
    clock: Arc<ManualClock>,
}

impl Town {
    async fn found() -> Self {
        let (env, clock) = env();
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let mut config = SandboxConfig::new(anywhere, SECRET, env.clone());
        config.redelivery = Some(Vec::new());
        let sandbox = Sandbox::start(config).await.unwrap();
        let gateway = gateway(&sandbox.base_url(), &env);
        Self { sandbox, gateway, env, clock }
    }

    /// Opens a payment.
    async fn open(&self) -> (AttemptId, Created) {
        let attempt = self.env.id();
        let key = IdempotencyKey::create(attempt);
        let made = self.gateway.create(&request(attempt, &self.env), &key, PATIENCE).await;
        (attempt, made.unwrap())
    }

    /// The payment `attempt` opened, with its id.
    fn known(created: &Created) -> PaymentRef {
        payment(created.observation.attempt.unwrap(), created.observation.gateway_id.as_deref())
    }

    async fn control(&self, path: &[&str], body: Option<Value>) -> Value {
        let http = HttpClient::new(&self.sandbox.base_url()).unwrap();
        let secret = Secret::new(SECRET);
        let auth = Auth::Bearer(&secret);
        let call = match body {
            Some(body) => Call::post(path, auth, Body::Json(body.to_string().into()), PATIENCE),
            None => Call::get(path, auth, PATIENCE),
        };
        let answer = http.send(call).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{path:?}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn force(&self, created: &Created, end: &str) {
        let id = created.observation.gateway_id.as_deref().unwrap();
        self.control(&["__ctl", "payments", id, end], Some(Value::Null)).await;
    }

    async fn fault(&self, rule: Value) {
        self.control(&["__ctl", "faults"], Some(rule)).await;
    }

    async fn book(&self) -> Vec<Value> {
        let book = self.control(&["__ctl", "payments"], None).await;
        book["payments"].as_array().unwrap().clone()
    }
}
