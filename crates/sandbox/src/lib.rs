//! A local payment world for demos and tests.
//!
//! It speaks the wire protocol of the `sandbox` gateway: payments that a buyer pays or declines on
//! a hosted page, refunds, signed notifications that are delivered again until somebody takes
//! them. A control plane (`/__ctl`) plays the payer's bank and breaks things on demand, and its
//! book is the outside witness of what was really paid.
//!
//! No money moves here, so it stays on this machine: it listens on a loopback address and sends
//! notifications to loopback addresses only.
//!
//! | call | what |
//! |---|---|
//! | `POST /v1/payments` | open a payment (`Idempotency-Key`) |
//! | `GET /v1/payments/{id}`, `GET /v1/payments?reference=` | how it stands |
//! | `POST /v1/payments/{id}/void` | call it off |
//! | `POST /v1/refunds` | give money back (`Idempotency-Key`) |
//! | `GET /v1/refunds/{id}`, `GET /v1/refunds?reference=` | how it stands |
//! | `GET /pay/{id}`, `POST /pay/{id}/pay\|decline\|leave` | the page for the payer |
//! | `POST /__ctl/payments/{id}/pay\|decline\|expire` | force an end, a late one too |
//! | `POST /__ctl/faults`, `DELETE /__ctl/faults` | break something, stop breaking |
//! | `GET /__ctl/payments`, `GET /__ctl/log` | the book, and everything that was said |

mod amount;
mod answer;
mod api;
mod book;
mod control;
mod delivery;
mod faults;
mod guard;
mod journal;
mod page;
mod serve;
mod signature;
#[cfg(test)]
mod tests;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kernel::Env;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::book::Book;
use crate::world::World;

pub use signature::sign;

/// How a sandbox is to be.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The file that keeps payments over a restart; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Bearer token of the API and the control plane, and key of the notifications' signatures.
    pub secret: String,
    /// How long to wait before each further try of a notification; when it ends, the sandbox
    /// gives the notification up.
    pub redelivery: Vec<Duration>,
    /// Time and randomness.
    pub env: Env,
}

impl SandboxConfig {
    /// A sandbox in memory with the usual redelivery.
    pub fn new(listen: SocketAddr, secret: impl Into<String>, env: Env) -> Self {
        let redelivery = Self::default_redelivery();
        Self { listen, data: None, secret: secret.into(), redelivery, env }
    }

    /// Half a second, then ever more slowly, for a day.
    pub fn default_redelivery() -> Vec<Duration> {
        let seconds = [1, 2, 5, 15, 60, 300, 1800, 3600];
        let mut waits = vec![Duration::from_millis(500)];
        waits.extend(seconds.map(Duration::from_secs));
        waits.extend([Duration::from_hours(2), Duration::from_hours(6), Duration::from_hours(15)]);
        waits
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
    /// The data file cannot be used.
    #[error("the payment sandbox cannot use its data file {path}: {why}")]
    Data {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
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
        let book = Book::open(config.data.as_deref()).map_err(|why| SandboxError::Data {
            path: config.data.as_deref().map(|p| p.display().to_string()).unwrap_or_default(),
            why,
        })?;
        let listen_error = |error| SandboxError::Listen { address: config.listen, error };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let (stop, stopped) = watch::channel(false);
        let world = Arc::new(World::new(book, format!("http://{address}"), config));
        let tasks = vec![
            tokio::spawn(serve::run(listener, serve::routes(world.clone()), stopped.clone())),
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
