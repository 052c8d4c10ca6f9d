//! PostgreSQL: a few threads, each with a connection of its own, because a transaction here is a
//! plain closure that blocks its thread and nobody else's.

mod pipeline;
mod session;
mod values;
mod worker;

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use kernel::{Fault, limits};

use crate::db::{OpenError, Options};
use crate::inject::Injector;
use crate::job::{Ask, Write};
use crate::migrate::Schema;

pub(crate) use session::Session;
#[cfg(feature = "testing")]
pub(crate) use session::migrate;
pub(crate) use values::column;

use worker::{Role, Work};

pub(crate) struct Engine {
    queues: Mutex<Option<Queues>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone)]
struct Queues {
    writes: SyncSender<Work>,
    lane: SyncSender<Work>,
    asks: SyncSender<Work>,
}

/// Connections for ordinary writes; the lane has one more. Thirty-two on a hot row were slower
/// than four.
const WRITERS: usize = 2;

impl Engine {
    pub(crate) fn open(
        options: &Options,
        schemas: &[&'static Schema],
        injector: Option<&Arc<Injector>>,
    ) -> Result<Arc<Self>, OpenError> {
        let config: tokio_postgres::Config =
            options.url.parse().map_err(|_| OpenError::Address(options.url.clone()))?;
        session::migrate(&config, schemas)?;
        let server = session::Server { config, patience: options.patience };
        let (writes, write_orders) = sync_channel(limits::WRITE_QUEUE_MAX);
        let (lane, lane_orders) = sync_channel(limits::LANE_BATCH_MAX);
        let (asks, ask_orders) = sync_channel(limits::READ_QUEUE_MAX);
        let mut threads = Vec::new();
        for (role, count, orders) in [
            (Role::Writer, WRITERS, write_orders),
            (Role::Lane, 1, lane_orders),
            (Role::Reader, options.connections.max(1), ask_orders),
        ] {
            let orders = Arc::new(Mutex::new(orders));
            for index in 0..count {
                threads.push(worker::start(role, index, &server, orders.clone(), injector)?);
            }
        }
        Ok(Arc::new(Self {
            queues: Mutex::new(Some(Queues { writes, lane, asks })),
            threads: Mutex::new(threads),
        }))
    }

    pub(crate) fn submit_write(&self, job: Box<dyn Write>) {
        self.submit(|queues| &queues.writes, Work::Write(job));
    }

    pub(crate) fn submit_lane(&self, job: Box<dyn Write>) {
        self.submit(|queues| &queues.lane, Work::Write(job));
    }

    pub(crate) fn submit_ask(&self, job: Box<dyn Ask>) {
        self.submit(|queues| &queues.asks, Work::Ask(job));
    }

    fn submit(&self, which: impl Fn(&Queues) -> &SyncSender<Work>, work: Work) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queues) = queues.as_ref() else { return };
        match which(queues).try_send(work) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(Work::Write(job))) => job.answer(Err(Fault::Overloaded)),
            Err(TrySendError::Full(Work::Ask(job))) => job.fail(Fault::Overloaded),
        }
    }

    pub(crate) fn close(&self) {
        drop(self.queues.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        crate::job::join_others(threads);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}
