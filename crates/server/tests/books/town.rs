//! A payment world, a shop in each of three currencies over one database, and what people do.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use catalog::{NewProduct, NewVariant, Status};
use flows::{Opening, Receipts, Settings, Shop, Source};
use gateways::{CreatePayment, Gateway, IdempotencyKey, Payer, PaymentRef, Url};
use identity::{Identity, NewAccount, NewAddress, PasswordPolicy, Role};
use jobs::Cashier;
use kernel::{
    AccountId, AttemptId, Currency, Env, Error, ManualClock, Money, OrderId, SignedDuration,
    Timestamp, VariantId,
};
use payments::{Attempt, News, Saw};
use sandbox::{STRIPE_WEBHOOK_SECRET, Sandbox, SandboxConfig, published};
use serde_json::{Value, json};
use server::cli;
use server::config::Config;
use store::idempotency::Key;
use store::testing::TestDb;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SECRET: &str = "a-secret-for-tests";
pub const PATIENCE: Duration = Duration::from_secs(30);
const PRICE: i64 = 12_300;

/// A shop that trades in one currency, and who buys there.
pub struct Branch {
    pub shop: Shop,
    pub cashier: Cashier,
    pub gateway: Arc<dyn Gateway>,
    customer: AccountId,
    goods: VariantId,
}

pub struct Town {
    pub db: TestDb,
    pub clock: Arc<ManualClock>,
    pub env: Env,
    pub branches: BTreeMap<&'static str, Branch>,
    sandbox: Sandbox,
    config: tempfile::NamedTempFile,
    next: AtomicU64,
}

/// What `holdfast` said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Town {
    pub async fn found(db: TestDb, start: &str) -> Self {
        let (env, clock) = Env::manual(start.parse::<Timestamp>().unwrap(), 7);
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let mut world = SandboxConfig::new(anywhere, SECRET, env.clone());
        world.redelivery = Some(Vec::new());
        let sandbox = Sandbox::start(world).await.unwrap();
        let mut config = tempfile::NamedTempFile::new().unwrap();
        config.write_all(settings(&db.url, &sandbox.base_url()).as_bytes()).unwrap();
        let read = cli::Settings { config: Some(config.path().to_owned()), set: Vec::new() };
        let read = Config::load(&read).unwrap();
        let mut branches = BTreeMap::new();
        for gateway in read.gateways.open_whatever_suits(&read, &env).unwrap() {
            let currency = match gateway.name() {
                "yookassa" => Currency::RUB,
                "alipay" => Currency::CNY,
                "stripe" => Currency::EUR,
                _ => continue,
            };
            branches.insert(gateway.name(), branch(&db, &env, gateway, currency).await);
        }
        assert_eq!(branches.len(), 3);
        Self { db, clock, env, branches, sandbox, config, next: AtomicU64::default() }
    }

    pub fn at(&self, gateway: &str) -> &Branch {
        &self.branches[gateway]
    }

    /// It is so late now.
    pub fn turn_to(&self, time: &str) {
        let time: Timestamp = time.parse().unwrap();
        self.clock.advance(time.duration_since(self.env.now()));
    }

    fn key(&self, whose: AccountId) -> Key {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Key::new(whose.0, "books", format!("key {number}"), b"books")
    }

    /// An order that waits for its payment.
    pub async fn order(&self, gateway: &'static str) -> OrderId {
        let branch = self.at(gateway);
        let source = Source::BuyNow { variant_id: branch.goods, quantity: 1 };
        let quote = branch.shop.quote(branch.customer, source, None).await.unwrap();
        branch.shop.place(branch.customer, &quote.token, gateway).await.unwrap().id
    }

    /// A payment that was begun; the payer has looked at the page.
    pub async fn begun(&self, gateway: &'static str) -> Attempt {
        let (branch, order) = (self.at(gateway), self.order(gateway).await);
        let key = self.key(branch.customer);
        let started = branch
            .cashier
            .start(branch.customer, order, gateway, Payer::default(), key)
            .await
            .unwrap();
        if gateway == "alipay" {
            let page = started.redirect_url.unwrap();
            assert!(self.browse("GET", &page.parse().unwrap()).await < 400, "{page}");
        }
        self.attempt(started.attempt_id).await
    }

    /// A payment that the shop holds for begun, and that its gateway never heard of.
    pub async fn meant(&self, gateway: &'static str) -> Attempt {
        let (branch, order) = (self.at(gateway), self.order(gateway).await);
        let (opening, key) = (Opening::at(gateway), self.key(branch.customer));
        let meant = branch.shop.intend_payment(branch.customer, order, opening, key);
        self.attempt(meant.await.unwrap().attempt_id).await
    }

    /// A payment that was paid and taken.
    pub async fn paid(&self, gateway: &'static str) -> Attempt {
        let attempt = self.begun(gateway).await;
        self.control(gateway, attempt.reference.as_deref(), attempt.id, "pay").await;
        self.at(gateway).cashier.look(attempt.order_id).await.unwrap();
        let paid = self.attempt(attempt.id).await;
        assert_eq!(paid.captured, paid.amount.minor, "{gateway}");
        paid
    }

    pub async fn attempt(&self, id: AttemptId) -> Attempt {
        let db = &self.db.db;
        db.read(move |read| payments::find(read, id)).await.unwrap().unwrap()
    }

    /// The shop hears something that nobody said.
    pub async fn believe(&self, attempt: &Attempt, saw: Saw, reference: &str) {
        let news = News::of(saw, attempt.amount, reference.to_owned(), "notice");
        let shop = &self.at(&attempt.gateway).shop;
        shop.payment_news(attempt.order_id, attempt.id, news).await.unwrap();
    }

    /// Takes the money of a paid payment without the shop's hearing of it.
    pub async fn take_behind(&self, attempt: AttemptId, gateway: &str, amount: Money, id: &str) {
        let (gateway, secondary_id) = (&self.at(gateway).gateway, None);
        let payment = PaymentRef { attempt, gateway_id: Some(id.to_owned()), secondary_id, amount };
        let take = gateways::CapturePayment { payment, amount, receipt: None };
        let key = IdempotencyKey::capture(self.env.id());
        gateway.capture(&take, &key, PATIENCE).await.unwrap();
    }

    /// Opens a payment for `attempt` without the shop, and has it paid and taken. Gives its id.
    pub async fn paid_behind(&self, gateway: &str, attempt: AttemptId, amount: Money) -> String {
        let back: Url = "http://127.0.0.1:9/back".parse().unwrap();
        let until = self.env.now() + SignedDuration::from_hours(1);
        let hook = back.clone();
        let wish = CreatePayment {
            order: "ELSEWHERE".to_owned(),
            capture: gateways::CaptureMode::Manual,
            ..CreatePayment::new(attempt, amount, "Order ELSEWHERE", back, hook, until)
        };
        let key = IdempotencyKey::create(self.env.id());
        let made = self.at(gateway).gateway.create(&wish, &key, PATIENCE).await.unwrap();
        let id = made.observation.gateway_id.unwrap();
        self.control(gateway, Some(&id), attempt, "pay").await;
        self.take_behind(attempt, gateway, amount, &id).await;
        id
    }

    /// Something happens at the provider.
    pub async fn control(&self, gateway: &str, id: Option<&str>, of: AttemptId, what: &str) {
        let id = id.map_or_else(|| of.0.simple().to_string(), str::to_owned);
        let path = format!("{}/__ctl/{gateway}/{id}/{what}", self.sandbox.base_url());
        let status = self.browse("POST", &path.parse().unwrap()).await;
        assert!(status < 300, "{path}: {status}");
    }

    /// Breaks something at the providers.
    pub async fn fault(&self, rule: &str) {
        let path = format!("{}/__ctl/faults", self.sandbox.base_url());
        assert!(self.send("POST", &path.parse().unwrap(), rule).await < 300, "{rule}");
    }

    async fn browse(&self, method: &str, url: &Url) -> u16 {
        self.send(method, url, "").await
    }

    async fn send(&self, method: &str, url: &Url, body: &str) -> u16 {
        let address = (url.host_str().unwrap(), url.port().unwrap());
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        let path = &url[url::Position::BeforePath..];
        let asked = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}:{}\r\nauthorization: Bearer {SECRET}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            address.0,
            address.1,
            body.len(),
        );
        line.write_all(asked.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// What waits for a person: why, and what it goes by.
    pub async fn concerns(&self) -> Vec<(&'static str, String)> {
        let now = self.env.now();
        let all = self.db.db.read(move |read| payments::concerns(read, now, 100)).await.unwrap();
        all.into_iter().map(|it| (it.why.as_str(), it.subject)).collect()
    }

    /// What is booked for an order on an account, with what kind of entry.
    pub async fn booked(&self, order: OrderId, account: &str, kind: &str) -> Vec<i64> {
        let db = &self.db.db;
        let all = db.read(move |read| payments::booked_for(read, order)).await.unwrap();
        let of = all.iter().filter(|it| it.account == account && it.kind == kind);
        of.map(|it| it.amount).collect()
    }

    pub async fn refunds(&self, order: OrderId) -> Vec<payments::Refund> {
        let db = &self.db.db;
        db.read(move |read| payments::refunds_of_order(read, order)).await.unwrap()
    }

    /// Staff give money of an order back.
    pub async fn give_back(&self, of: &Attempt, minor: i64) -> kernel::RefundId {
        let shop = &self.at(&of.gateway).shop;
        let wish =
            flows::RefundWish { of: flows::RefundOf::Amount(minor), reason: "torn".to_owned() };
        let staff: AccountId = self.env.id();
        shop.refund(staff, of.order_id, wish, self.key(staff)).await.unwrap()
    }

    /// What a gateway would send: an event about something, signed by Stripe.
    pub async fn stripe_says(&self, id: &str, object: Value) -> u16 {
        let at = self.env.now().as_second();
        let event = json!({
            "id": id, "object": "event", "type": "anything", "livemode": false,
            "data": { "object": object },
        });
        let body = event.to_string();
        let signature = sandbox::sign(STRIPE_WEBHOOK_SECRET, at, &body);
        let headers = [("Stripe-Signature".to_owned(), signature)];
        let raw = gateways::RawNotification::post(&headers, body.as_bytes());
        self.at("stripe").cashier.receive("stripe", &raw).await.unwrap().status
    }

    /// A sweep over the books of these gateways.
    pub async fn sweep(&self, gateways: &[&str]) {
        for name in gateways {
            self.at(name).cashier.read_lists().await.unwrap();
        }
    }

    /// Runs the real program against this shop's database.
    pub async fn holdfast(&self, args: &[&str]) -> Said {
        let config: PathBuf = self.config.path().to_owned();
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        // The payment world lives on this thread, and has to answer meanwhile.
        let ran = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
            command.args(args).arg("--config").arg(config).output().unwrap()
        });
        let ran = ran.await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: ran.status.code(), out: text(&ran.stdout), err: text(&ran.stderr) }
    }

    /// Nobody of the shop is there any more; only its database and the providers are.
    pub fn close_the_shop(&mut self) {
        self.branches.clear();
        self.db.db.close();
    }
}

fn settings(database: &str, world: &str) -> String {
    let keys = (published::APP_PRIVATE_KEY, published::ALIPAY_PUBLIC_KEY);
    format!(
        "[database]\nurl = {database:?}\nconnections = 2\n\n\
         [gateways.yookassa]\nbase_url = \"{world}/v3\"\nmode = \"test\"\nshop_id = \"100500\"\n\
         secret_key = \"test_HoldfastSecretKey0123456789\"\n\n\
         [gateways.alipay]\nbase_url = \"{world}/gateway.do\"\nmode = \"test\"\n\
         app_id = \"2021000000000000\"\nseller_id = \"2088101122136669\"\n\
         app_private_key = '''{}'''\nalipay_public_keys = ['''{}''']\n\n\
         [gateways.stripe]\nbase_url = \"{world}\"\nmode = \"test\"\n\
         secret_key = \"sk_test_HoldfastSandbox0123456789\"\n\
         endpoint_secrets = [\"{STRIPE_WEBHOOK_SECRET}\"]\n",
        keys.0, keys.1,
    )
}

async fn branch(db: &TestDb, env: &Env, gateway: Arc<dyn Gateway>, currency: Currency) -> Branch {
    let name = gateway.name();
    let settings = Settings {
        currency,
        methods: vec![name.to_owned()],
        shipping: 0,
        // The payment world looks whether they add up.
        receipts: Some(Receipts { vat_code: 11, delivery_vat_code: 1, tax_system: None }),
        ..Settings::default()
    };
    let shop = Shop::open(db.db.clone(), env.clone(), settings).await.unwrap();
    let cheap = PasswordPolicy { memory_kib: 8, passes: 1 };
    let identity = Identity::new(cheap, env).unwrap();
    let new = NewAccount {
        login: format!("{name}@example.org"),
        password: "a long password".to_owned(),
        name: "Ada Byron".to_owned(),
    };
    let customer = identity.create(&shop.db, env, new, Role::Customer).await.unwrap().id;
    let address = NewAddress {
        name: "Ada Byron".into(),
        line1: "1 Long Lane".into(),
        city: "London".into(),
        postcode: "N1 9GU".into(),
        country: "GB".into(),
        ..NewAddress::default()
    };
    let (dice, kept) = (env.clone(), address.clone());
    let kept = shop.db.write(move |tx| identity::addresses::add(tx, &dice, customer, kept.clone()));
    kept.await.unwrap();
    let product = NewProduct {
        slug: format!("shirt-{name}"),
        title: "Linen shirt".into(),
        description: String::new(),
        category: None,
        status: Status::Active,
        variants: vec![NewVariant::new(format!("SKU-{name}"), Money::new(PRICE, currency))],
        images: Vec::new(),
    };
    let dice = env.clone();
    let made = shop.db.write(move |tx| {
        let page = catalog::create_product(tx, &dice, &product)?;
        let variant = &page.variants[0];
        inventory::receive(tx, &dice, (variant.id, variant.product_id), 2000, None)?;
        Ok::<_, Error<catalog::CatalogRefusal>>(variant.id)
    });
    let goods = made.await.unwrap();
    let cashier =
        Cashier::new(shop.clone(), [gateway.clone()], "http://127.0.0.1:9/".parse().unwrap());
    Branch { shop, cashier, gateway, customer, goods }
}

/// The differences of a report in JSON: gateway, class and reference of each.
pub fn breaks(report: &str) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(report).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = report["gateways"].as_array().unwrap().iter();
    let all = all.flat_map(|compared| compared["breaks"].as_array().unwrap());
    let mut all: Vec<_> =
        all.map(|it| (text(&it["gateway"]), text(&it["class"]), text(&it["reference"]))).collect();
    all.sort();
    all
}

/// What a JSON report says beside the differences.
pub fn field(report: &str, name: &str) -> Value {
    let report: Value = serde_json::from_str(report).unwrap_or(json!(null));
    report[name].clone()
}
