//! The shop's process: what dies in a crash, and is started again on the same database.

use std::sync::{Arc, Mutex, PoisonError};

use flows::lane::{Shape, Spawn};
use flows::{Settings, Shop};
use gateways::{Gateway, Url};
use jobs::{Cashier, Consumer, Jobs};
use kernel::{Env, Fault};
use store::testing::Memory;

use crate::doors::Doors;
use crate::executor::{Executor, Group};

/// A shop that runs.
#[derive(Clone)]
pub struct Process {
    /// The use cases.
    pub shop: Shop,
    /// Calls gateways.
    pub cashier: Cashier,
    /// What happens by itself, a round at a time.
    pub jobs: Jobs,
}

/// What a process is started from, and outlives it.
#[derive(Clone)]
pub struct Site {
    /// Runs everything.
    pub executor: Executor,
    /// What is kept.
    pub memory: Memory,
    /// Stand before and behind each call of the database.
    pub doors: Doors,
    /// Time and randomness of the shop.
    pub env: Env,
    /// What the merchant decided.
    pub settings: Settings,
    /// How the lane gathers.
    pub shape: Shape,
    /// Who takes money.
    pub gateways: Vec<Arc<dyn Gateway>>,
    /// Who hears of events.
    pub consumers: Vec<Arc<dyn Consumer>>,
}

impl Site {
    /// Starts the process, to be called within [`Group::Process`]. Fails when the database does.
    pub async fn start(&self) -> Result<Process, Fault> {
        let db = self.memory.open(Arc::new(self.doors.clone()), None);
        let executor = self.executor.clone();
        let spawn: Spawn = Arc::new(move |work| {
            executor.spawn_boxed(Group::Process, work);
        });
        let (env, settings) = (self.env.clone(), self.settings.clone());
        let shop = Shop::open_on(db, env, settings, self.shape, spawn).await?;
        let cashier = Cashier::new(shop.clone(), self.gateways.clone(), public_url()?);
        let jobs = Jobs::new(shop.clone(), cashier.clone(), self.consumers.clone());
        Ok(Process { shop, cashier, jobs })
    }
}

fn public_url() -> Result<Url, Fault> {
    "https://shop.example/".parse().map_err(|_| Fault::Broken("an address".into()))
}

/// A request's line: when the caller hangs up, nobody works for it any more.
struct Line<'e> {
    executor: &'e Executor,
    task: u64,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.executor.end(self.task);
    }
}

/// Where others find the process, while there is one.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Option<Process>>>);

/// No answer came: the process was not there, or died before it answered. What it did is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl Door {
    /// The process is there.
    pub fn open(&self, process: Process) {
        *self.lock() = Some(process);
    }

    /// The process is not there any more.
    pub fn close(&self) {
        // Not under the lock: the last handle to the lane ends it.
        let gone = self.lock().take();
        drop(gone);
    }

    /// The process, while it is there.
    pub fn process(&self) -> Option<Process> {
        self.lock().clone()
    }

    /// Asks the process for something, as a request does that comes over the network: it is done
    /// there, and dies there, and when the caller goes away it ends where it stands.
    pub async fn ask<T, F>(
        &self,
        executor: &Executor,
        work: impl FnOnce(Process) -> F,
    ) -> Result<T, Gone>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let process = self.process().ok_or(Gone)?;
        let (to, answer) = tokio::sync::oneshot::channel();
        let work = work(process);
        let task = executor.spawn(Group::Process, async move {
            let _ = to.send(work.await);
        });
        let _line = Line { executor, task };
        answer.await.map_err(|_| Gone)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
