//! A demo shop with its payment sandbox, on ports of their own and under a clock that stands.

use std::sync::Arc;

use kernel::{Env, ManualClock, SignedDuration, Timestamp};
use serde_json::Value;
use server::config::Config;
use server::demo;
use server::running::Running;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::WAIT;

const SECRET: &str = "a-secret-for-tests";

/// What makes it a demo shop; `set` comes on top.
const SETTINGS: &str = r#"
[server]
listen = "127.0.0.1:0"
[identity]
password_memory_kib = 64
password_passes = 1
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
    sandbox: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    _directory: TempDir,
}

impl TestShop {
    pub async fn open(set: &[&str]) -> Self {
        let directory = TempDir::with_prefix("holdfast-shop-").unwrap();
        let lies = |name: &str| directory.path().join(name).display().to_string();
        let mut set: Vec<String> = set.iter().map(|&single| single.to_owned()).collect();
        set.push(format!("database.url=sqlite:{}", lies("shop.db")));
        set.push(format!("media.directory={}", lies("media")));
        set.push(format!("sandbox.secret={SECRET}"));
        let (mut config, _) = Config::over_defaults(SETTINGS.parse().unwrap(), &set).unwrap();
        config.media.directory = directory.path().join("media");
        let start: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let (env, clock) = Env::manual(start, 7);
        let running = Running::start(&config, env).await.unwrap();
        demo::fill(&running.shop, &config.media.directory).await.unwrap();
        let url = running.public_url.as_str().trim_end_matches('/').to_owned();
        let sandbox = running.sandbox_url.clone().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            running.serve(stopped).await.unwrap();
        });
        Self { url, clock, sandbox, stop: Some(stop), serving, _directory: directory }
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
        let address = self.sandbox.trim_start_matches("http://");
        let mut line = TcpStream::connect(address).await.unwrap();
        let asked = format!(
            "{method} /__ctl/{what} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {SECRET}\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n"
        );
        line.write_all(asked.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{what}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// Stops it as it stops in life, and has its books checked.
    pub async fn close(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(WAIT, self.serving).await.expect("it stops").unwrap();
    }
}
