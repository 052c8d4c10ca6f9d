//! The clients against the payment world, which reads the same protocols independently: what both
//! sides understand alike is most likely meant so.

use std::sync::Arc;
use std::time::Duration;

use kernel::{AttemptId, Currency, Env, ManualClock, Money, RefundId, SignedDuration, Timestamp};
use sandbox::{STRIPE_WEBHOOK_SECRET, Sandbox, SandboxConfig};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::capabilities::{CaptureMode, Listing};
use crate::error::GatewayError;
use crate::http::{Answer, Auth, Body, Call, HttpClient};
use crate::listing::{EntryKind, TimeWindow};
use crate::notification::{RawNotification, Subject};
use crate::observation::{
    CancelReason, Observation, RemoteDisputeStatus, RemoteRefundStatus, RemoteStatus,
};
use crate::port::Gateway;
use crate::request::{
    CapturePayment, Confirmation, CreatePayment, CreateRefund, IdempotencyKey, PaymentRef,
    RefundRef,
};
use crate::secret::Secret;
use crate::testing::line;

const SECRET: &str = "a-secret-for-tests";
const PATIENCE: Duration = Duration::from_secs(30);
const NAMES: [&str; 3] = ["yookassa", "alipay", "stripe"];

struct World {
    sandbox: Sandbox,
    http: HttpClient,
    env: Env,
    clock: Arc<ManualClock>,
    hook: String,
}

impl World {
    async fn found(hook: &str) -> Self {
        let (env, clock) = Env::manual("2027-01-15T08:00:00Z".parse::<Timestamp>().unwrap(), 7);
        let mut config = SandboxConfig::new("127.0.0.1:0".parse().unwrap(), SECRET, env.clone());
        config.redelivery = Some(Vec::new());
        let hooked = |name| (!hook.is_empty()).then(|| format!("{hook}/hooks/{name}"));
        config.yookassa_hook = hooked("yookassa");
        config.stripe_hook = hooked("stripe");
        let sandbox = Sandbox::start(config).await.unwrap();
        let http = HttpClient::new(&sandbox.base_url()).unwrap();
        Self { sandbox, http, env, clock, hook: hook.to_owned() }
    }

    /// A gateway with the published test account.
    fn gateway(&self, name: &str) -> Arc<dyn Gateway> {
        let base = self.sandbox.base_url();
        let settings = match name {
            "yookassa" => json!({
                "base_url": format!("{base}/v3"), "mode": "test", "shop_id": "100500",
                "secret_key": "test_HoldfastSecretKey0123456789", "sources": ["127.0.0.0/8"],
            }),
            "alipay" => json!({
                "base_url": format!("{base}/gateway.do"), "mode": "test",
                "app_id": "2021000000000000", "seller_id": "2088101122136669",
                "app_private_key": include_str!("../tests/keys/app_private_pkcs1.pem"),
                "alipay_public_keys": [include_str!("../tests/keys/alipay_public.pem")],
            }),
            _ => json!({
                "base_url": base, "mode": "test",
                "secret_key": "sk_test_HoldfastSandbox0123456789",
                "endpoint_secrets": [STRIPE_WEBHOOK_SECRET],
            }),
        };
        let settings: Map<String, Value> = settings.as_object().unwrap().clone();
        crate::open(name, settings, &self.env).unwrap()
    }

    async fn control(&self, gateway: &str, id: &str, what: &str) {
        let (secret, path) = (Secret::new(SECRET), ["__ctl", gateway, id, what]);
        let call = Call::post(&path, Auth::Bearer(&secret), Body::Json(b"{}".to_vec()), PATIENCE);
        let answer: Answer = self.http.send(call).await.unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{path:?}: {} {text}", answer.status);
    }

    /// Opens a payment; the payer opens their page. Gives what is known of it.
    async fn open(&self, gateway: &dyn Gateway) -> PaymentRef {
        let attempt: AttemptId = self.env.id();
        let currency = match gateway.name() {
            "yookassa" => Currency::RUB,
            "alipay" => Currency::CNY,
            _ => Currency::EUR,
        };
        let amount = Money::new(123_450, currency);
        let back = "http://127.0.0.1:9/pay/back?a=b".parse().unwrap();
        let hook = format!("{}/hooks/{}", self.hook, gateway.name()).parse();
        let hook = hook.unwrap_or_else(|_| "http://127.0.0.1:9/hooks/x".parse().unwrap());
        let until = self.env.now() + SignedDuration::from_hours(1);
        let wish = CreatePayment {
            order: "7K3M-22".to_owned(),
            capture: gateway.capabilities().capture_modes[0],
            ..CreatePayment::new(attempt, amount, "Order 7K3M-22", back, hook, until)
        };
        let key = IdempotencyKey::create(attempt);
        let made = gateway.create(&wish, &key, PATIENCE).await.unwrap();
        assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer);
        assert_eq!((made.observation.amount, made.observation.attempt), (amount, Some(attempt)));
        let Confirmation::Redirect { url, .. } = made.confirmation else { panic!("a page") };
        let page = self.http.download(url, PATIENCE).await.unwrap();
        assert!(page.status < 400, "{}: {}", page.status, String::from_utf8_lossy(&page.body));
        let again = gateway.create(&wish, &key, PATIENCE).await.unwrap();
        assert_eq!(again.observation.gateway_id, made.observation.gateway_id, "the same payment");
        let Observation { gateway_id, secondary_id, .. } = made.observation;
        PaymentRef { attempt, gateway_id, secondary_id, amount }
    }

    /// Opens a payment, has it paid, and takes the money.
    async fn paid(&self, gateway: &dyn Gateway) -> PaymentRef {
        let payment = self.open(gateway).await;
        let id = payment.gateway_id.clone().unwrap();
        self.control(gateway.name(), &id, "pay").await;
        let seen = gateway.fetch(&payment, PATIENCE).await.unwrap();
        let payment = PaymentRef { secondary_id: seen.secondary_id.clone(), ..payment };
        if gateway.capabilities().capture_modes[0] == CaptureMode::Manual {
            assert!(matches!(seen.status, RemoteStatus::Authorized { .. }), "{:?}", seen.status);
            assert_eq!((seen.authorized, seen.captured.minor), (payment.amount, 0));
            let (amount, key) = (payment.amount, IdempotencyKey::capture(payment.attempt));
            let take = CapturePayment { payment: payment.clone(), amount, receipt: None };
            let taken = gateway.capture(&take, &key, PATIENCE).await.unwrap();
            assert_eq!((taken.status, taken.captured), (RemoteStatus::Captured, amount));
            let other = IdempotencyKey::capture(self.env.id());
            let twice = gateway.capture(&take, &other, PATIENCE).await.unwrap_err();
            let GatewayError::WrongState(Some(truth)) = twice else { panic!("{twice}") };
            assert_eq!(truth.status, RemoteStatus::Captured);
        }
        payment
    }

    fn refund(&self, payment: &PaymentRef, minor: i64) -> (CreateRefund, RefundRef) {
        let refund: RefundId = self.env.id();
        let (amount, payment) = (Money { minor, ..payment.amount }, payment.clone());
        let about = RefundRef { refund, gateway_id: None, amount, payment: payment.clone() };
        (CreateRefund { refund, payment, amount, reason: "sent back".into(), receipt: None }, about)
    }
}

#[tokio::test]
async fn every_provider_knows_us() {
    let world = World::found("").await;
    for name in NAMES {
        let gateway = world.gateway(name);
        let health = gateway.probe(PATIENCE).await.unwrap();
        assert_ne!(health.test, Some(false), "{name}");
        assert!(health.payee.is_none() || health.payee == gateway.identity().payee, "{name}");
    }
}

#[tokio::test]
async fn money_comes_is_taken_and_goes_back() {
    let world = World::found("").await;
    for name in NAMES {
        let gateway = world.gateway(name);
        let payment = world.paid(gateway.as_ref()).await;
        let seen = gateway.fetch(&payment, PATIENCE).await.unwrap();
        assert_eq!((&seen.status, seen.captured), (&RemoteStatus::Captured, payment.amount));
        assert!(gateway.identity().fits(&seen), "{name}: {seen:?}");

        let (ask, about) = world.refund(&payment, 60_000);
        let key = IdempotencyKey::refund(ask.refund);
        let absent = gateway.fetch_refund(&about, PATIENCE).await.unwrap();
        assert_eq!(absent.status, RemoteRefundStatus::Absent, "{name}");
        let done = gateway.refund(&ask, &key, PATIENCE).await.unwrap();
        assert_eq!((&done.status, done.amount), (&RemoteRefundStatus::Succeeded, ask.amount));
        let again = gateway.refund(&ask, &key, PATIENCE).await.unwrap();
        assert_eq!((again.status, &again.gateway_id), (done.status.clone(), &done.gateway_id));
        for gateway_id in [None, done.gateway_id.clone()] {
            let about = RefundRef { gateway_id, ..about.clone() };
            let seen = gateway.fetch_refund(&about, PATIENCE).await.unwrap();
            assert_eq!((seen.status, seen.amount), (done.status.clone(), ask.amount), "{name}");
        }
        let seen = gateway.fetch(&payment, PATIENCE).await.unwrap();
        assert!(seen.refunded.is_none_or(|refunded| refunded == ask.amount), "{name}: {seen:?}");
        world.clock.advance(SignedDuration::from_secs(5));
        let (too_much, _) = world.refund(&payment, 123_450);
        let key = IdempotencyKey::refund(too_much.refund);
        let refused = gateway.refund(&too_much, &key, PATIENCE).await.unwrap_err();
        assert!(refused.outcome_known(), "{name}: {refused}");
    }
}

#[tokio::test]
async fn what_we_never_heard_the_id_of_is_found() {
    let world = World::found("").await;
    for name in NAMES {
        let gateway = world.gateway(name);
        world.open(gateway.as_ref()).await;
        let payment = world.paid(gateway.as_ref()).await;
        let nameless = PaymentRef { gateway_id: None, secondary_id: None, ..payment.clone() };
        let seen = gateway.fetch(&nameless, PATIENCE).await.unwrap();
        assert_eq!((seen.status, seen.gateway_id), (RemoteStatus::Captured, payment.gateway_id));
        let nobody = PaymentRef { attempt: world.env.id(), ..nameless };
        let seen = gateway.fetch(&nobody, PATIENCE).await.unwrap();
        assert_eq!(seen.status, RemoteStatus::Absent, "{name}");
    }
}

#[tokio::test]
async fn what_is_called_off_is_called_off_as_far_as_they_can() {
    let world = World::found("").await;
    for name in NAMES {
        let gateway = world.gateway(name);
        let payment = world.open(gateway.as_ref()).await;
        let key = IdempotencyKey::void(payment.attempt);
        let unpaid = gateway.void(&payment, &key, PATIENCE).await;
        if name == "yookassa" {
            assert_eq!(unpaid, Err(GatewayError::Unsupported));
        } else {
            let status = unpaid.unwrap().status;
            assert!(matches!(status, RemoteStatus::Canceled { .. }), "{name}: {status:?}");
        }
        let paid = world.paid(gateway.as_ref()).await;
        let key = IdempotencyKey::void(paid.attempt);
        let refused = gateway.void(&paid, &key, PATIENCE).await.unwrap_err();
        let GatewayError::WrongState(Some(truth)) = refused else { panic!("{name}: {refused}") };
        assert_eq!(truth.captured, paid.amount);
        if gateway.capabilities().capture_modes[0] == CaptureMode::Manual {
            let reserved = world.open(gateway.as_ref()).await;
            world.control(name, reserved.gateway_id.as_deref().unwrap(), "pay").await;
            let key = IdempotencyKey::void(reserved.attempt);
            let let_go = gateway.void(&reserved, &key, PATIENCE).await.unwrap();
            let reason = CancelReason::Voided;
            assert_eq!(let_go.status, RemoteStatus::Canceled { reason }, "{name}");
        }
    }
}

#[tokio::test]
async fn a_day_can_be_compared() {
    let world = World::found("").await;
    for name in NAMES {
        let gateway = world.gateway(name);
        let payment = world.paid(gateway.as_ref()).await;
        let (ask, _) = world.refund(&payment, 60_000);
        let key = IdempotencyKey::refund(ask.refund);
        gateway.refund(&ask, &key, PATIENCE).await.unwrap();
        if gateway.capabilities().listing == Listing::Cursor {
            let hour = SignedDuration::from_hours(1);
            let window = TimeWindow { from: world.env.now() - hour, to: world.env.now() + hour };
            let payments = gateway.list_payments(window, None, PATIENCE).await.unwrap();
            let found = payments.items.iter().find(|p| p.attempt == Some(payment.attempt));
            let found = found.unwrap();
            assert_eq!(found.captured, payment.amount, "{name}");
            assert!(found.fee.unwrap().minor > 0, "{name} tells in its list what it keeps");
            let refunds = gateway.list_refunds(window, None, PATIENCE).await.unwrap();
            let found = refunds.items.iter().find(|r| r.refund == Some(ask.refund));
            assert_eq!(found.unwrap().amount, ask.amount, "{name}");
        } else {
            let day = "2027-01-15".parse().unwrap();
            assert_eq!(gateway.daily_report(day, PATIENCE).await.unwrap(), None, "not ready");
            world.clock.advance(SignedDuration::from_hours(24));
            let report = gateway.daily_report(day, PATIENCE).await.unwrap().unwrap();
            let [paid, back] = &report.entries[..] else { panic!("{report:?}") };
            assert_eq!((paid.attempt, paid.amount), (Some(payment.attempt), payment.amount));
            assert_eq!(
                back.kind,
                EntryKind::Refund {
                    refund: Some(ask.refund),
                    name: ask.refund.0.simple().to_string(),
                }
            );
            assert_eq!(back.amount, ask.amount);
            world.clock.advance(SignedDuration::from_hours(-24));
        }
    }
}

#[tokio::test]
async fn p28_a_dispute_can_be_asked_about() {
    let world = World::found("").await;
    let gateway = world.gateway("stripe");
    let payment = world.paid(gateway.as_ref()).await;
    let dispute = payment.secondary_id.as_ref().unwrap().replace("pi_", "du_");
    let ask = || gateway.fetch_dispute(&dispute, PATIENCE);
    assert_eq!(ask().await, Err(GatewayError::NotFound), "nobody has gone to their bank");
    for (what, status) in
        [("dispute", RemoteDisputeStatus::Open), ("close_dispute", RemoteDisputeStatus::Won)]
    {
        world.control("stripe", payment.gateway_id.as_ref().unwrap(), what).await;
        let seen = ask().await.unwrap();
        assert_eq!((seen.status, seen.amount), (status, payment.amount));
        assert_eq!(
            (seen.payment_id, seen.gateway_id),
            (payment.secondary_id.clone(), dispute.clone())
        );
    }
    let none = world.gateway("yookassa").fetch_dispute("du_1", PATIENCE).await;
    assert_eq!(none, Err(GatewayError::Unsupported));
}

#[tokio::test]
async fn their_notices_are_taken() {
    let (listener, base) = line::listen().await;
    let world = World::found(&base).await;
    for name in NAMES {
        let gateway = world.gateway(name);
        let payment = world.open(gateway.as_ref()).await;
        world.control(name, payment.gateway_id.as_deref().unwrap(), "pay").await;
        // Several may come for one payment; ours is among them.
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heard = line::read(&mut stream).await;
            let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess";
            stream.write_all(reply).await.unwrap();
            if !heard.first_line.contains(name) {
                continue;
            }
            let source_ip = Some("127.0.0.1".parse().unwrap());
            let raw =
                RawNotification { source_ip, ..RawNotification::post(&heard.headers, &heard.body) };
            let notice = gateway.receive(&raw, world.env.now()).unwrap();
            assert_eq!(notice.mismatch, None, "{name}");
            if let Subject::Payment { attempt, .. } = notice.subject {
                assert_eq!(attempt, Some(payment.attempt), "{name}");
                break;
            }
        }
    }
}
