//! A shop for tests: its router in process, a clock that stands, dice that a seed decides, and a
//! client that looks at every answer.

mod ask;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use flows::{SCHEMAS, Settings, Shop};
use gateways::{Gateway, SandboxGateway, SandboxSettings, Secret, Url};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use identity::{CodeTerms, Codes, Identity, NewAccount, PasswordPolicy, Role};
use jobs::post::Sender;
use jobs::{Cashier, Jobs, Journal, Post};
use kernel::{Env, ManualClock, Timestamp};
use proxy::Proxy;
use sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use store::sea_query::{Alias, Expr, ExprTrait as _, Query};
use store::testing::TestDb;
use web::{App, Parts};

use crate::letters::Letters;

pub use ask::{Answer, Ask};

pub const PASSWORD: &str = "correct horse battery";
pub const SANDBOX_SECRET: &str = "a-secret-for-tests";

pub struct TestShop {
    pub shop: Shop,
    pub identity: Identity,
    pub jobs: Jobs,
    cashier: Cashier,
    codes: Codes,
    /// What was sent to people.
    pub letters: Arc<Letters>,
    pub clock: Arc<ManualClock>,
    sandbox: Sandbox,
    gateway_line: Option<Proxy>,
    pub router: Router,
    pub db: TestDb,
    document: Value,
    next: std::sync::atomic::AtomicU32,
}

/// Somebody who has signed in.
#[derive(Clone)]
pub struct Person {
    pub token: String,
    pub email: String,
}

impl TestShop {
    pub async fn open(db: TestDb) -> Self {
        Self::open_with(db, Settings::default(), "http://127.0.0.1:9/").await
    }

    /// `public_url` is where the sandbox would send its notices.
    pub async fn open_with(db: TestDb, settings: Settings, public_url: &str) -> Self {
        Self::build(db, settings, public_url, (false, false), |gateway| gateway).await
    }

    /// Nobody gets an account without a code.
    pub async fn open_confirming(db: TestDb) -> Self {
        let url = "http://127.0.0.1:9/";
        Self::build(db, Settings::default(), url, (false, true), |gateway| gateway).await
    }

    /// The line to the sandbox can be broken.
    pub async fn open_behind_a_line(db: TestDb) -> Self {
        Self::build(db, Settings::default(), "http://127.0.0.1:9/", (true, false), |gateway| {
            gateway
        })
        .await
    }

    /// `meet` puts itself between the shop and the sandbox.
    pub async fn open_with_gateway(
        db: TestDb,
        settings: Settings,
        meet: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway>,
    ) -> Self {
        Self::build(db, settings, "http://127.0.0.1:9/", (false, false), meet).await
    }

    /// The people of the shop need a second factor, as they do unless the settings say otherwise.
    pub async fn open_strict(db: TestDb) -> Self {
        let mut shop = Self::open(db).await;
        shop.identity.staff_second_factor = true;
        let parts = Parts {
            trusted_proxies: Vec::new(),
            shop: shop.shop.clone(),
            identity: shop.identity.clone(),
            limits: web::Limits::default(),
            codes: shop.codes.clone(),
            cashier: shop.cashier.clone(),
            public_url: "http://127.0.0.1:9/".parse().unwrap(),
            media: std::env::temp_dir(),
        };
        shop.router = web::router(App::new(parts));
        shop
    }

    async fn build(
        db: TestDb,
        settings: Settings,
        public_url: &str,
        (line, confirm): (bool, bool),
        meet: impl FnOnce(Arc<dyn Gateway>) -> Arc<dyn Gateway>,
    ) -> Self {
        let start: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let (env, clock) = Env::manual(start, 7);
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let sandbox = SandboxConfig::new(anywhere, SANDBOX_SECRET, env.clone());
        let sandbox = Sandbox::start(sandbox).await.unwrap();
        let policy = PasswordPolicy { memory_kib: 8, passes: 1 };
        // What a test does takes weeks of its clock; how long tokens last is for their own tests.
        let lasts = kernel::SignedDuration::from_hours(24 * 30);
        let identity = Identity::new(policy, &env)
            .unwrap()
            .with_optional_second_factor()
            .with_access_lasting(lasts);
        let shop = Shop::open(db.db.clone(), env.clone(), settings).await.unwrap();
        let mut base_url = sandbox.base_url();
        let mut gateway_line = None;
        if line {
            let (proxy, instead) = Proxy::before(&base_url).unwrap();
            (gateway_line, base_url) = (Some(proxy), instead);
        }
        let gateway = SandboxSettings {
            base_url,
            secrets: vec![Secret::new(SANDBOX_SECRET)],
            capture: gateways::CaptureMode::Immediate,
        };
        let gateway = meet(Arc::new(SandboxGateway::new(gateway, env).unwrap()));
        let public_url: Url = public_url.parse().unwrap();
        let cashier = Cashier::new(shop.clone(), [gateway], public_url.clone());
        let jobs = Jobs::new(shop.clone(), cashier.clone(), vec![Arc::new(Journal)]);
        let terms = CodeTerms { confirm, ..CodeTerms::default() };
        let codes = Codes::open(&db.db, &shop.env, identity.clone(), terms).await.unwrap();
        let letters = Arc::<Letters>::default();
        let sender = Sender {
            shop: "The Shop".into(),
            url: public_url.clone(),
            mail: letters.clone(),
            sms: letters.clone(),
        };
        let jobs = jobs.with_post(Post::new(codes.clone(), sender));
        let app = App::new(Parts {
            trusted_proxies: Vec::new(),
            limits: web::Limits::default(),
            shop: shop.clone(),
            identity: identity.clone(),
            codes: codes.clone(),
            cashier: cashier.clone(),
            public_url,
            media: std::env::temp_dir(),
        });
        let document = serde_json::to_value(web::api::document()).unwrap();
        let router = web::router(app);
        let next = std::sync::atomic::AtomicU32::new(0);
        Self {
            shop,
            identity,
            jobs,
            cashier,
            codes,
            letters,
            clock,
            sandbox,
            gateway_line,
            router,
            db,
            document,
            next,
        }
    }

    pub fn ask(&self, method: Method, path: impl Into<String>) -> Ask<'_> {
        let (headers, body) = (HeaderMap::new(), Vec::new());
        Ask { shop: self, method, path: path.into(), headers, body }
    }

    pub fn get(&self, path: impl Into<String>) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: impl Into<String>, body: &Value) -> Ask<'_> {
        self.ask(Method::POST, path).json(body)
    }

    pub fn patch(&self, path: impl Into<String>, body: &Value) -> Ask<'_> {
        self.ask(Method::PATCH, path).json(body)
    }

    pub fn put(&self, path: impl Into<String>, body: &Value) -> Ask<'_> {
        self.ask(Method::PUT, path).json(body)
    }

    pub fn delete(&self, path: impl Into<String>) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    /// Somebody new, without an address.
    pub async fn person(&self) -> Person {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let email = format!("person{number}@example.org");
        let form = json!({ "login": email, "password": PASSWORD, "name": "A Person" });
        let made = self.post("/api/v1/accounts", &form).expect(201).await;
        Person { token: made.body["token"].as_str().unwrap().to_owned(), email }
    }

    /// Somebody new, with an address.
    pub async fn buyer(&self) -> Person {
        let person = self.person().await;
        self.post("/api/v1/me/addresses", &address()).by(&person).expect(201).await;
        person
    }

    /// Who runs the shop.
    pub async fn owner(&self) -> Person {
        self.staff(Role::Owner).await
    }

    /// Somebody new of this role.
    pub async fn staff(&self, role: Role) -> Person {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let email = format!("{}{number}@example.org", role.as_str());
        let new =
            NewAccount { login: email.clone(), password: PASSWORD.into(), name: "A Member".into() };
        let (db, env) = (&self.shop.db, &self.shop.env);
        self.identity.create(db, env, new, role).await.unwrap();
        self.again(&Person { token: String::new(), email }).await
    }

    /// Makes somebody something else, behind the shop's back.
    pub async fn make_role(&self, person: &Person, role: Role) {
        let whose = format!("select account_id from logins where key = '{}'", person.email);
        let change = format!("update accounts set role = '{}' where id = ({whose})", role.as_str());
        self.db.raw(&change).await.unwrap();
    }

    /// The same person, signed in once more.
    pub async fn again(&self, person: &Person) -> Person {
        let form = json!({ "login": person.email, "password": PASSWORD });
        let session = self.post("/api/v1/sessions", &form).expect(201).await;
        let token = session.body["token"].as_str().unwrap().to_owned();
        Person { token, email: person.email.clone() }
    }

    /// A product with one variant at 12.99; gives the variant's id.
    pub async fn product(&self, owner: &Person, slug: &str, units: i64) -> String {
        let form = product(slug, units);
        let made = self.post("/api/v1/admin/products", &form).by(owner).expect(201).await;
        made.body["variants"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A quote for `quantity` of one thing; gives the quote.
    pub async fn quote(&self, person: &Person, variant: &str, quantity: i64) -> Value {
        let wish = json!({ "source": "buy_now", "variant_id": variant, "quantity": quantity });
        self.post("/api/v1/checkout/quote", &wish).by(person).expect(200).await.body
    }

    /// An order of one thing; gives the order.
    pub async fn order(&self, person: &Person, variant: &str, method: &str) -> Value {
        let quote = self.quote(person, variant, 1).await;
        let wish = json!({ "quote": quote["token"], "payment_method": method });
        self.post("/api/v1/orders", &wish).by(person).expect(201).await.body
    }

    /// Units of a product's first variant: available and sold.
    pub async fn stock(&self, slug: &str) -> (i64, i64) {
        let page = self.get(format!("/api/v1/products/{slug}")).expect(200).await.body;
        let variant = &page["variants"][0];
        (variant["available"].as_i64().unwrap(), variant["sold"].as_i64().unwrap())
    }

    /// What the payer does on the sandbox's page.
    pub async fn at_the_sandbox(&self, redirect_url: &str, button: &str) {
        let url: http::Uri = format!("{redirect_url}/{button}").parse().unwrap();
        let request = Request::post(url).body(Body::empty()).unwrap();
        let client =
            hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
                .build_http();
        let answer = client.request(request).await.unwrap();
        assert!(answer.status().is_redirection(), "{answer:?}");
    }

    /// The line to the sandbox, of a shop that was opened behind one.
    pub fn gateway_line(&self) -> &Proxy {
        self.gateway_line.as_ref().expect("a shop behind a line")
    }

    /// What the sandbox has in its book: payments, oldest first.
    pub async fn sandbox_book(&self) -> Vec<Value> {
        let url: http::Uri = format!("{}/__ctl/payments", self.sandbox.base_url()).parse().unwrap();
        let request = Request::get(url)
            .header("authorization", format!("Bearer {SANDBOX_SECRET}"))
            .body(Body::empty())
            .unwrap();
        let client =
            hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
                .build_http();
        let answer = client.request(request).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let book: Value = serde_json::from_slice(&bytes).unwrap();
        book["payments"].as_array().unwrap().clone()
    }

    /// Rows of every table that a request could write to, and sums of what it could change.
    pub async fn everything(&self) -> Vec<(String, i64)> {
        let tables = [
            "accounts",
            "logins",
            "codes",
            "budgets",
            "sessions",
            "revocations",
            "addresses",
            "carts",
            "cart_lines",
            "products",
            "variants",
            "stock",
            "holds",
            "movements",
            "orders",
            "order_lines",
            "order_history",
            "attempts",
            "refunds",
            "notices",
            "idempotency",
            "outbox",
        ];
        let sums = [
            ("stock", "on_hand"),
            ("stock", "held"),
            ("stock", "sold"),
            ("cart_lines", "quantity"),
            ("carts", "version"),
            ("variants", "price_minor"),
            ("holds", "quantity"),
            ("orders", "steps"),
        ];
        self.shop
            .db
            .read(move |read| {
                let mut all = Vec::new();
                for table in tables {
                    let mut query = Query::select();
                    query.expr(Expr::cust("count(*)")).from(Alias::new(table));
                    let rows: Vec<(i64,)> = read.select(&query)?;
                    all.push((table.to_owned(), rows[0].0));
                }
                for (table, column) in sums {
                    let mut query = Query::select();
                    let sum = Expr::col(Alias::new(column)).sum().cast_as(Alias::new("bigint"));
                    query.expr(sum).from(Alias::new(table));
                    let rows: Vec<(Option<i64>,)> = read.select(&query)?;
                    all.push((format!("{table}.{column}"), rows[0].0.unwrap_or(0)));
                }
                Ok::<_, kernel::Fault>(all)
            })
            .await
            .unwrap()
    }

    /// Does what is due and makes sure that nothing is left behind.
    pub async fn settle(&self) {
        self.jobs.run_due().await.unwrap();
        let waiting = self.shop.db.read(store::outbox::waiting).await.unwrap();
        assert_eq!(waiting, 0, "events were left undone");
    }
}

pub fn address() -> Value {
    json!({
        "name": "A Person", "line1": "1 Long Street", "city": "Berlin", "postcode": "10115",
        "country": "DE",
    })
}

pub fn product(slug: &str, units: i64) -> Value {
    json!({
        "slug": slug, "title": format!("The {slug}"), "description": "Made for tests.",
        "variants": [{
            "sku": format!("SKU-{slug}"), "title": format!("The {slug}, plain"),
            "options": { "size": "M" }, "price": { "minor": 1299, "currency": "EUR" },
            "units": units,
        }],
    })
}

/// The shop's tables, for `store::on_both_engines!`.
pub static TABLES: &[&store::Schema] = SCHEMAS;
