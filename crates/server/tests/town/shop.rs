//! A demo shop with its payment sandbox, on ports of their own and under a clock that stands.

use std::sync::Arc;

use identity::{NewAccount, Role};
use kernel::{Clock as _, Env, ManualClock, SignedDuration, Timestamp};
use serde_json::Value;
use server::config::Config;
use server::demo;
use server::running::Running;
use store::{Db, Options};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::WAIT;

const SECRET: &str = "a-secret-for-tests";
/// Who runs the shop.
pub const OWNER: &str = "olive@example.org";
#[allow(dead_code, reason = "not every kind of test signs in")]
pub const PASSWORD: &str = "correct horse battery";

/// What makes it a demo shop; `set` comes on top.
const SETTINGS: &str = r#"
[server]
listen = "127.0.0.1:0"
[identity]
password_memory_kib = 64
password_passes = 1
access_token_minutes = 1440
[accounts]
confirm = false
[sandbox]
listen = "127.0.0.1:0"
providers = true
[checkout.rates]
RUB = "101.25"
CNY = "8.30"
"#;

pub struct TestShop {
    /// `http://127.0.0.1:1234`
    pub url: String,
    pub clock: Arc<ManualClock>,
    database: String,
    sandbox: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    _directory: TempDir,
}

impl TestShop {
    /// On a database file of its own.
    #[allow(dead_code, reason = "not every kind of test wants one")]
    pub async fn open() -> Self {
        let directory = TempDir::with_prefix("holdfast-shop-").unwrap();
        let database = format!("sqlite:{}", directory.path().join("shop.db").display());
        Self::open_in(directory, database, &[]).await
    }

    /// On a database file of its own, with these options.
    #[allow(dead_code, reason = "not every kind of test wants one")]
    pub async fn open_set(set: &[String]) -> Self {
        let directory = TempDir::with_prefix("holdfast-shop-").unwrap();
        let database = format!("sqlite:{}", directory.path().join("shop.db").display());
        Self::open_in(directory, database, set).await
    }

    /// On a database that is there already, and that nobody else has open.
    #[allow(dead_code, reason = "not every kind of test has one already")]
    pub async fn open_on(database: &str) -> Self {
        let directory = TempDir::with_prefix("holdfast-shop-").unwrap();
        Self::open_in(directory, database.to_owned(), &[]).await
    }

    async fn open_in(directory: TempDir, database: String, more: &[String]) -> Self {
        let mut set = more.to_vec();
        set.extend([format!("database.url={database}"), format!("sandbox.secret={SECRET}")]);
        let (mut config, _) = Config::over_defaults(SETTINGS.parse().unwrap(), &set).unwrap();
        config.media.directory = directory.path().join("media");
        let start: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let (env, clock) = Env::manual(start, 7);
        let running = Running::start(&config, env).await.unwrap();
        demo::fill(&running.shop, &config.media.directory).await.unwrap();
        let owner =
            NewAccount { login: OWNER.into(), password: PASSWORD.into(), name: "Olive".into() };
        let db = &running.shop.db;
        running.identity.create(db, &running.shop.env, owner, Role::Owner).await.unwrap();
        let url = running.public_url.as_str().trim_end_matches('/').to_owned();
        let sandbox = running.sandbox_url.clone().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            running.serve(stopped).await.unwrap();
        });
        let stop = Some(stop);
        Self { url, clock, database, sandbox, stop, serving, _directory: directory }
    }

    pub fn wait(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// The sandbox's book, oldest payment first.
    pub async fn book(&self) -> Vec<Value> {
        let book = self.control("GET", "payments").await;
        book["payments"].as_array().unwrap().clone()
    }

    /// Has something happen at the providers: `POST /__ctl/…`.
    pub async fn provider(&self, what: &str) {
        self.control("POST", what).await;
    }

    async fn control(&self, method: &str, what: &str) -> Value {
        let url = format!("{}/__ctl/{what}", self.sandbox);
        let bearer = format!("authorization: Bearer {SECRET}\r\n");
        let (status, _, body) = ask(method, &url, &bearer, "").await;
        assert_eq!(status, 200, "{what}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Stops it as it stops in life, and has its books checked.
    pub async fn close(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(WAIT, self.serving).await.expect("it stops").unwrap();
        let options = Options { connections: 1, ..Options::new(self.database) };
        let now = self.clock.now();
        let db = Db::open_to_look(&options).unwrap();
        let report = reports::verify(&db, now, SignedDuration::from_mins(5)).await.unwrap();
        assert_eq!(report.violations, 0, "{report}");
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
    }
}

/// One request without anything around it: the status, where it leads, and the body.
pub async fn ask(method: &str, url: &str, lines: &str, body: &str) -> (u16, String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut line = TcpStream::connect(address).await.unwrap();
    let asked = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {address}\r\n{lines}content-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: "));
    (status, location.unwrap_or_default().to_owned(), body.to_owned())
}
