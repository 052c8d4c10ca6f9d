//! What every part of the sandbox shares.

use std::time::Duration;

use kernel::Env;
use tokio::sync::{Notify, watch};

use crate::SandboxConfig;
use crate::book::Book;
use crate::faults::Faults;
use crate::journal::Journal;

pub(crate) struct World {
    pub book: Book,
    pub env: Env,
    pub secret: String,
    pub base_url: String,
    pub redelivery: Vec<Duration>,
    pub faults: Faults,
    pub journal: Journal,
    /// Rung when there is something new to deliver.
    pub bell: Notify,
    /// Counts tries of notifications, so that somebody can wait for one.
    pub tries: watch::Sender<u64>,
}

impl World {
    pub fn new(book: Book, base_url: String, config: SandboxConfig) -> Self {
        Self {
            book,
            env: config.env,
            secret: config.secret,
            base_url,
            redelivery: config.redelivery,
            faults: Faults::default(),
            journal: Journal::default(),
            bell: Notify::new(),
            tries: watch::Sender::new(0),
        }
    }
}
