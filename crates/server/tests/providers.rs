//! The shop's clients and the payment world, which were written apart from each other, meet here:
//! what one side says the other has to understand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use gateways::{
    Alipay, AlipaySettings, CaptureMode, CapturePayment, Channel, Confirmation, CreatePayment,
    CreateRefund, Gateway, GatewayError, IdempotencyKey, Listing, Mode, PaymentRef,
    RawNotification, RefundRef, RemoteRefundStatus, RemoteStatus, SandboxGateway, SandboxSettings,
    Secret, Stripe, StripeSettings, Subject, TimeWindow, Url, VoidUnpaid, YooKassa,
    YooKassaSettings,
};
use kernel::{AttemptId, Currency, Env, Money, SignedDuration, Timestamp};
use sandbox::{STRIPE_WEBHOOK_SECRET, Sandbox, SandboxConfig, published};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);

type Heard = (Vec<(String, String)>, Vec<u8>);

struct Town {
    sandbox: Sandbox,
    env: Env,
    hook: String,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Town {
    async fn found() -> Self {
        async fn hear(
            State(tell): State<mpsc::UnboundedSender<Heard>>,
            headers: HeaderMap,
            body: axum::body::Bytes,
        ) -> &'static str {
            let headers = headers.iter().map(|(name, value)| {
                (name.to_string(), value.to_str().unwrap_or_default().to_owned())
            });
            tell.send((headers.collect(), body.to_vec())).unwrap();
            "success"
        }
        let (tell, heard) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = format!("http://{}/hook", listener.local_addr().unwrap());
        let routes = Router::new().route("/hook", post(hear)).with_state(tell);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let (env, _) = Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 7);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = SandboxConfig::new(anywhere, "a-secret", env.clone());
        config.yookassa_hook = Some(hook.clone());
        config.stripe_hook = Some(hook.clone());
        let sandbox = Sandbox::start(config).await.unwrap();
        Self { sandbox, env, hook, heard }
    }

    fn yookassa(&self) -> YooKassa {
        let settings = YooKassaSettings {
            base_url: format!("{}/v3", self.sandbox.base_url()),
            mode: Mode::Test,
            shop_id: "100500".to_owned(),
            secret_key: Secret::new("test_HoldfastSecretKey0123456789"),
            capture: CaptureMode::Manual,
            sources: vec!["127.0.0.1/32".parse().unwrap()],
            hook_tokens: Vec::new(),
        };
        YooKassa::new(settings, self.env.clone()).unwrap()
    }

    fn alipay(&self, certificates: bool) -> Alipay {
        let only = |is: bool, text: &str| if is { vec![text.to_owned()] } else { Vec::new() };
        let settings = AlipaySettings {
            base_url: format!("{}/gateway.do", self.sandbox.base_url()),
            mode: Mode::Test,
            app_id: "2021000000000000".to_owned(),
            seller_id: "2088101122136669".to_owned(),
            app_private_key: Secret::new(published::APP_PRIVATE_KEY),
            alipay_public_keys: only(!certificates, published::ALIPAY_PUBLIC_KEY),
            app_certificate: certificates.then(|| published::APP_CERTIFICATE.to_owned()),
            alipay_certificates: only(certificates, published::ALIPAY_CERTIFICATE),
            alipay_root_certificates: certificates.then(|| published::ROOT_CERTIFICATES.to_owned()),
        };
        Alipay::new(settings, self.env.clone()).unwrap()
    }

    fn stripe(&self) -> Stripe {
        let settings = StripeSettings {
            base_url: self.sandbox.base_url(),
            mode: Mode::Test,
            secret_key: Secret::new("sk_test_HoldfastSandbox0123456789"),
            endpoint_secrets: vec![Secret::new(STRIPE_WEBHOOK_SECRET)],
            capture: CaptureMode::Manual,
        };
        Stripe::new(settings, self.env.clone()).unwrap()
    }

    fn plain(&self, capture: CaptureMode) -> SandboxGateway {
        let settings = SandboxSettings {
            base_url: self.sandbox.base_url(),
            secrets: vec![Secret::new("a-secret")],
            capture,
        };
        SandboxGateway::new(settings, self.env.clone()).unwrap()
    }

    /// Opens a payment and gives where the payer is sent.
    async fn opened(&self, gateway: &dyn Gateway, price: Money) -> (PaymentRef, String) {
        let attempt: AttemptId = self.env.id();
        let back: Url = "http://127.0.0.1:9/back".parse().unwrap();
        let until = self.env.now() + SignedDuration::from_mins(45);
        let mut wish = CreatePayment::new(
            attempt,
            price,
            "Order 7K3M-22",
            back,
            self.hook.parse().unwrap(),
            until,
        );
        wish.order = String::from("7K3M-22");
        wish.capture = gateway.capabilities().capture_modes[0];
        wish.channel = Channel::Desktop;
        let key = IdempotencyKey::create(attempt);
        let made = gateway.create(&wish, &key, PATIENCE).await.unwrap();
        let Confirmation::Redirect { url, .. } = made.confirmation else {
            panic!("nobody is sent anywhere: {made:?}")
        };
        let known = PaymentRef {
            attempt,
            gateway_id: made.observation.gateway_id,
            secondary_id: made.observation.secondary_id,
            amount: price,
        };
        (known, url.into())
    }

    /// A payer who opens the page and presses a button.
    async fn press(url: &str, button: &str) {
        let url: Url = url.parse().unwrap();
        let (status, location) = browse("GET", &url).await;
        let page = if status == 302 { url.join(&location).unwrap() } else { url };
        let (status, _) = browse("POST", &format!("{page}/{button}").parse().unwrap()).await;
        assert_eq!(status, 303, "{page}/{button}");
    }

    /// The next notification about this payment, as the gateway reads it.
    async fn told_of(&mut self, gateway: &dyn Gateway, attempt: AttemptId) {
        let waiting = async {
            loop {
                let (headers, body) = self.heard.recv().await.unwrap();
                let source_ip = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
                let raw = RawNotification { source_ip, ..RawNotification::post(&headers, &body) };
                let news = gateway.receive(&raw, self.env.now()).unwrap();
                assert_eq!(news.mismatch, None);
                if let Subject::Payment { attempt: Some(of), .. } = news.subject {
                    assert_eq!(of, attempt);
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("news in time");
    }

    async fn story(&mut self, gateway: &dyn Gateway, currency: Currency) {
        let name = gateway.name();
        let price = Money::new(123_450, currency);
        let can = gateway.capabilities().clone();
        match gateway.probe(PATIENCE).await {
            Ok(_) | Err(GatewayError::Unsupported) => {}
            Err(error) => panic!("{name}: {error:?}"),
        }
        let (payment, page) = self.opened(gateway, price).await;
        let before = gateway.fetch(&payment, PATIENCE).await.unwrap();
        let open = [RemoteStatus::AwaitingPayer, RemoteStatus::Absent].contains(&before.status);
        assert!(open, "{name}: {before:?}");
        Self::press(&page, "pay").await;
        self.told_of(gateway, payment.attempt).await;

        let paid = gateway.fetch(&payment, PATIENCE).await.unwrap();
        assert_eq!((paid.attempt, paid.amount), (Some(payment.attempt), price), "{name}");
        assert!(gateway.identity().fits(&paid), "{name}: {paid:?}");
        let payment = PaymentRef {
            gateway_id: paid.gateway_id.clone(),
            secondary_id: paid.secondary_id.clone(),
            ..payment
        };
        if can.capture_modes[0] == CaptureMode::Manual {
            assert!(matches!(paid.status, RemoteStatus::Authorized { .. }), "{name}: {paid:?}");
            let take = CapturePayment { payment: payment.clone(), amount: price, receipt: None };
            let key = IdempotencyKey::capture(payment.attempt);
            let taken = gateway.capture(&take, &key, PATIENCE).await.unwrap();
            assert_eq!((taken.status, taken.captured), (RemoteStatus::Captured, price), "{name}");
        } else {
            assert_eq!((paid.status, paid.captured), (RemoteStatus::Captured, price), "{name}");
        }

        let part = Money::new(3_450, currency);
        let refund = CreateRefund {
            refund: self.env.id(),
            payment: payment.clone(),
            amount: part,
            reason: "Too small".to_owned(),
            receipt: None,
        };
        let key = IdempotencyKey::refund(refund.refund);
        let done = gateway.refund(&refund, &key, PATIENCE).await.unwrap();
        assert_eq!((&done.status, done.amount), (&RemoteRefundStatus::Succeeded, part), "{name}");
        let again = gateway.refund(&refund, &key, PATIENCE).await.unwrap();
        assert_eq!(again.status, RemoteRefundStatus::Succeeded, "{name}: once, however often");
        let known = RefundRef {
            refund: refund.refund,
            gateway_id: done.gateway_id,
            amount: part,
            payment: payment.clone(),
        };
        let seen = gateway.fetch_refund(&known, PATIENCE).await.unwrap();
        assert_eq!((seen.status, seen.amount), (RemoteRefundStatus::Succeeded, part), "{name}");
        let after = gateway.fetch(&payment, PATIENCE).await.unwrap();
        assert_eq!(after.status, RemoteStatus::Captured, "{name}: {after:?}");
        assert!(after.refunded.is_none_or(|back| back == part), "{name}: {after:?}");
        self.called_off(gateway, price).await;
        self.listed(gateway, &payment).await;
    }

    /// A payment that nobody wants any more.
    async fn called_off(&self, gateway: &dyn Gateway, price: Money) {
        let name = gateway.name();
        let can = gateway.capabilities();
        let (payment, page) = self.opened(gateway, price).await;
        match can.void_unpaid {
            VoidUnpaid::Supported => {}
            VoidUnpaid::OnlyOnceOpened => {
                let url: Url = page.parse().unwrap();
                browse("GET", &url).await;
            }
            VoidUnpaid::Impossible => Self::press(&page, "pay").await,
        }
        let found = gateway.fetch(&payment, PATIENCE).await.unwrap();
        let (gateway_id, secondary_id) = (found.gateway_id, found.secondary_id);
        let payment = PaymentRef { gateway_id, secondary_id, ..payment };
        let key = IdempotencyKey::void(payment.attempt);
        let gone = gateway.void(&payment, &key, PATIENCE).await.unwrap();
        assert!(matches!(gone.status, RemoteStatus::Canceled { .. }), "{name}: {gone:?}");
        assert_eq!(gone.captured.minor, 0, "{name}");
    }

    async fn listed(&self, gateway: &dyn Gateway, payment: &PaymentRef) {
        if gateway.capabilities().listing != Listing::Cursor {
            return;
        }
        let now = self.env.now();
        let hour = SignedDuration::from_hours(1);
        let window = TimeWindow { from: now - hour, to: now + hour };
        let list = gateway.list_payments(window, None, PATIENCE).await.unwrap();
        let found = list.items.iter().any(|item| item.attempt == Some(payment.attempt));
        assert!(found, "{}: {list:?}", gateway.name());
        let list = gateway.list_refunds(window, None, PATIENCE).await.unwrap();
        assert_eq!(list.items.len(), 1, "{}: {list:?}", gateway.name());
    }
}

/// One request without anything around it: the status, and where it leads.
async fn browse(method: &str, url: &Url) -> (u16, String) {
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let path = &url[url::Position::BeforePath..];
    let asked = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        &url[url::Position::BeforeHost..url::Position::AfterPort]
    );
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    (status, location.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn yookassa_and_its_client_understand_each_other() {
    let mut town = Town::found().await;
    let gateway = town.yookassa();
    town.story(&gateway, Currency::RUB).await;
}

#[tokio::test]
async fn stripe_and_its_client_understand_each_other() {
    let mut town = Town::found().await;
    let gateway = town.stripe();
    town.story(&gateway, Currency::EUR).await;
}

#[tokio::test]
async fn alipay_and_its_client_understand_each_other() {
    for certificates in [false, true] {
        let mut town = Town::found().await;
        let gateway = town.alipay(certificates);
        town.story(&gateway, Currency::CNY).await;
    }
}

#[tokio::test]
async fn the_sandbox_and_its_client_understand_each_other() {
    for capture in [CaptureMode::Immediate, CaptureMode::Manual] {
        let mut town = Town::found().await;
        let gateway = town.plain(capture);
        town.story(&gateway, Currency::EUR).await;
    }
}

#[tokio::test]
async fn held_money_is_let_go() {
    let town = Town::found().await;
    let gateways: [Box<dyn Gateway>; 3] = [
        Box::new(town.plain(CaptureMode::Manual)),
        Box::new(town.yookassa()),
        Box::new(town.stripe()),
    ];
    for (gateway, currency) in gateways.iter().zip([Currency::EUR, Currency::RUB, Currency::EUR]) {
        let (payment, page) = town.opened(gateway.as_ref(), Money::new(5000, currency)).await;
        Town::press(&page, "pay").await;
        let held = gateway.fetch(&payment, PATIENCE).await.unwrap();
        assert!(matches!(held.status, RemoteStatus::Authorized { .. }), "{held:?}");
        let (gateway_id, secondary_id) = (held.gateway_id, held.secondary_id);
        let payment = PaymentRef { gateway_id, secondary_id, ..payment };
        let key = IdempotencyKey::void(payment.attempt);
        let gone = gateway.void(&payment, &key, PATIENCE).await.unwrap();
        assert!(matches!(gone.status, RemoteStatus::Canceled { .. }), "{gone:?}");
        // Nothing is left to be taken.
        let take = CapturePayment { amount: payment.amount, payment, receipt: None };
        let key = IdempotencyKey::capture(take.payment.attempt);
        let taken = gateway.capture(&take, &key, PATIENCE).await;
        assert!(taken.is_err(), "{taken:?}");
    }
}
