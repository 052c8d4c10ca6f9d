//! A local payment world for demos and tests.
//!
//! It speaks the wire protocols of three providers on one port, as they are documented, and a
//! plain one of its own; shows the payer's pages; signs and delivers notifications again until
//! somebody takes them. A control plane (`/__ctl`) plays the payer, the bank and the provider's
//! back office, and breaks things on demand. Its book is the outside witness of what was really
//! paid.
//!
//! No money moves here, so it stays on this machine: it listens on a loopback address and sends
//! notifications to loopback addresses only.
//!
//! | path | what |
//! |---|---|
//! | `/v3/…` | YooKassa API v3: payments, capture, cancel, refunds, receipts, lists |
//! | `/gateway.do` | Alipay: page pay, wap pay, query, close, refund, refund query, daily bill |
//! | `/v1/…` | Stripe: checkout sessions, payment intents, refunds, events, endpoints |
//! | `/plain/v1/…` | the plain protocol of the `sandbox` gateway |
//! | `/pay/{id}`, `/cashier/{id}` | the pages for the payer |
//! | `/__ctl/…` | the control plane (`control.rs` has its list) |
//!
//! It is an independent reading of the protocols: it shares no code with the shop's own clients,
//! so that a mistake on one side cannot hide on the other. The providers' files are `yookassa`,
//! `alipay` and `stripe`; the book, delivery, faults and pages are shared.

mod accounts;
mod alipay;
mod amount;
mod answer;
mod book;
mod call;
mod clock;
mod control;
mod delivery;
mod faults;
mod gateway;
mod hex;
mod journal;
mod loopback;
mod page;
mod plain;
mod serve;
mod stripe;
#[cfg(test)]
mod tests;
mod world;
mod yookassa;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kernel::Env;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::book::endpoints::{self, Endpoint};
use crate::book::{Book, Fixed};
use crate::gateway::Gateway;
use crate::world::World;

pub use accounts::{
    Accounts, AlipayAccount, Certificates, STRIPE_WEBHOOK_SECRET, StripeAccount, YooKassaAccount,
    published,
};
pub use plain::sign;

/// How a sandbox is to be.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The file that keeps payments over a restart; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Bearer token of the control plane and of the plain protocol, and key of the plain
    /// notifications' signatures.
    pub secret: String,
    /// Who may call the three providers. The published test accounts, unless set otherwise.
    pub accounts: Accounts,
    /// Where "YooKassa" sends its notifications at first (its cabinet's setting); loopback.
    pub yookassa_hook: Option<String>,
    /// An endpoint that "Stripe" knows from the start, under [`STRIPE_WEBHOOK_SECRET`]; loopback.
    pub stripe_hook: Option<String>,
    /// How long to wait before each further try of a notification; when it ends, the sandbox
    /// gives the notification up. `None` takes each provider's own schedule.
    pub redelivery: Option<Vec<Duration>>,
    /// What a new book draws its ids from, so that the same calls give the same ids.
    pub seed: Option<u64>,
    /// Time and randomness.
    pub env: Env,
}

impl SandboxConfig {
    /// A sandbox in memory with the published accounts and the real schedules.
    pub fn new(listen: SocketAddr, secret: impl Into<String>, env: Env) -> Self {
        Self {
            listen,
            data: None,
            secret: secret.into(),
            accounts: Accounts::published(),
            yookassa_hook: None,
            stripe_hook: None,
            redelivery: None,
            seed: None,
            env,
        }
    }
}

/// Why a sandbox cannot start. Each is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Somebody beyond this machine could reach it.
    #[error("the payment sandbox listens on this machine only (127.0.0.1 or [::1]), not on {0}")]
    NotLoopback(SocketAddr),
    /// Anybody could call it.
    #[error("the payment sandbox needs a secret")]
    NoSecret,
    /// The address is taken or not ours.
    #[error("the payment sandbox cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// News would leave this machine.
    #[error("the payment sandbox notifies http:// loopback addresses only, not {0}")]
    Hook(String),
    /// The data file cannot be used.
    #[error("the payment sandbox cannot use its data file {path}: {why}")]
    Data {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Enters the addresses for news that the providers know from the start.
async fn hook_up(book: &Book, config: &SandboxConfig) -> Result<(), SandboxError> {
    let hooks = [
        (Gateway::Yookassa, "cabinet", config.yookassa_hook.clone(), ""),
        (Gateway::Stripe, "we_sandbox", config.stripe_hook.clone(), STRIPE_WEBHOOK_SECRET),
    ];
    for (gateway, id, url, secret) in hooks {
        let Some(url) = url else { continue };
        if !loopback::is_loopback(&url) {
            return Err(SandboxError::Hook(url));
        }
        let entered = book.write(move |page| {
            let secret = secret.to_owned();
            endpoints::save(page, &Endpoint::of_everything(page, id, gateway, url, secret))
        });
        let path = "the book".to_owned();
        entered.await.map_err(|error| SandboxError::Data { path, why: error.to_string() })?;
    }
    Ok(())
}

/// A running sandbox. Dropping it stops it without ceremony; [`Sandbox::shutdown`] is kinder.
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Opens the book and begins to listen and to deliver.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        if !config.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(config.listen));
        }
        if config.secret.is_empty() {
            return Err(SandboxError::NoSecret);
        }
        let listen_error = |error| SandboxError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (env, offset) = clock::with_offset(&config.env);
        let base_url = format!("http://{address}");
        let fixed = Fixed { env, base_url, accounts: config.accounts.clone() };
        let data_error = |why| SandboxError::Data {
            path: config.data.as_deref().map(|p| p.display().to_string()).unwrap_or_default(),
            why,
        };
        let book = Book::open(config.data.as_deref(), config.seed, fixed).map_err(data_error)?;
        hook_up(&book, &config).await?;
        let (stop, stopped) = watch::channel(false);
        let world = Arc::new(World::new(book, offset, config));
        let tasks = vec![
            tokio::spawn(serve::run(listener, world.clone(), stopped.clone())),
            tokio::spawn(delivery::run(world.clone(), stopped)),
        ];
        Ok(Self { address, world, stop, tasks })
    }

    /// Where it listens, with the port that was free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8081`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Finishes the answers it is giving and stops. Notifications not yet taken stay in the book.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a task of the payment sandbox ended badly");
            }
        }
        self.world.book.close().await;
    }
}
