//! What every part of the sandbox shares.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use crate::SandboxConfig;
use crate::book::{Book, Fixed};
use crate::faults::Faults;
use crate::gateway::Gateway;
use crate::journal::Journal;

pub(crate) struct World {
    pub book: Book,
    /// How wrong the clock is, in seconds.
    pub offset: Arc<AtomicI64>,
    pub secret: String,
    pub redelivery: Option<Vec<Duration>>,
    pub faults: Faults,
    pub journal: Journal,
    /// Rung when there is something new to deliver.
    pub bell: Notify,
    /// Counts tries of notifications, so that somebody can wait for one.
    pub tries: watch::Sender<u64>,
    /// Deliveries that wait for the one that came after them.
    pub held: Mutex<Vec<oneshot::Sender<()>>>,
}

impl World {
    pub fn new(book: Book, offset: Arc<AtomicI64>, config: SandboxConfig) -> Self {
        Self {
            book,
            offset,
            secret: config.secret,
            redelivery: config.redelivery,
            faults: Faults::default(),
            journal: Journal::default(),
            bell: Notify::new(),
            tries: watch::Sender::new(0),
            held: Mutex::default(),
        }
    }

    pub fn fixed(&self) -> &Fixed {
        self.book.fixed()
    }

    /// How long to wait before a further try, after so many; `None` when it is enough.
    pub fn wait_after(&self, gateway: Gateway, tries: u32) -> Option<Duration> {
        match &self.redelivery {
            Some(waits) => waits.get(tries as usize).copied(),
            None => gateway.redelivery().get(tries as usize).copied(),
        }
    }
}
