//! The checkout lane: `load → decide → write`, for up to a few hundred commands at a time.
//!
//! - *load* reads and locks everything the batch names, in ascending id, table by table in one
//!   fixed order;
//! - *decide* takes the commands in the order they came, against the running state, all or
//!   nothing each, without I/O;
//! - *write* writes what has become of it in a few set statements.
//!
//! One commit answers everybody. When a batch fails as a whole it is run again in halves, until
//! the one bad command stands alone.

mod command;
mod decide;
mod keys;
mod money;
mod place;
mod state;

use std::sync::Arc;

use kernel::{Env, Error, Fault, limits};
use store::Db;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::refusal::Refusal;
use crate::shop::Settings;

pub use command::Change;
pub(crate) use command::{Command, Done, Place, Who};
use state::State;

/// What one command comes to.
pub(crate) type Outcome = Result<Done, Refusal>;

/// Batches under way at once: while one commits, the next is gathered.
const BATCHES_UNDER_WAY: usize = 2;

/// Times an order is given another number when the first is taken.
const NUMBERS_MAX: u8 = 5;

/// The way into the lane. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lane {
    queue: mpsc::Sender<Waiting>,
}

struct Waiting {
    command: Command,
    to: oneshot::Sender<Result<Outcome, Fault>>,
}

struct Context {
    db: Db,
    env: Env,
    settings: Arc<Settings>,
}

impl Lane {
    pub(crate) fn start(db: Db, env: Env, settings: Arc<Settings>) -> Self {
        let (queue, orders) = mpsc::channel(limits::LANE_QUEUE_MAX);
        tokio::spawn(work(Arc::new(Context { db, env, settings }), orders));
        Self { queue }
    }

    /// Hands a command over and waits for its commit. A full lane answers "overloaded" at once.
    pub(crate) async fn submit(&self, command: Command) -> Result<Done, Error<Refusal>> {
        let (to, answer) = oneshot::channel();
        self.queue.try_send(Waiting { command, to }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Overloaded,
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        answer.await.map_err(|_| gone())??.map_err(Error::Refused)
    }

    /// Hands over what nobody waits for in person; stops at the first fault. A refusal here
    /// only means that the matter has settled itself.
    pub(crate) async fn submit_all(
        &self,
        commands: impl Iterator<Item = Command>,
    ) -> Result<(), Fault> {
        let mut answers = Vec::new();
        for command in commands {
            let (to, answer) = oneshot::channel();
            self.queue.send(Waiting { command, to }).await.map_err(|_| gone())?;
            answers.push(answer);
        }
        for answer in answers {
            let _settled: Outcome = answer.await.map_err(|_| gone())??;
        }
        Ok(())
    }
}

fn gone() -> Fault {
    Fault::Unavailable("the shop is closing".into())
}

async fn work(context: Arc<Context>, mut orders: mpsc::Receiver<Waiting>) {
    let under_way = Arc::new(Semaphore::new(BATCHES_UNDER_WAY));
    let mut batch = Vec::with_capacity(limits::LANE_BATCH_MAX);
    loop {
        let Ok(permit) = under_way.clone().acquire_owned().await else { return };
        if orders.recv_many(&mut batch, limits::LANE_BATCH_MAX).await == 0 {
            return;
        }
        let (context, batch) = (context.clone(), std::mem::take(&mut batch));
        tokio::spawn(async move {
            process(&context, batch).await;
            drop(permit);
        });
    }
}

/// Runs a batch; halves it while it fails in a way that one command may be the cause of.
async fn process(context: &Arc<Context>, batch: Vec<Waiting>) {
    let mut left = vec![batch];
    while let Some(mut batch) = left.pop() {
        let commands: Arc<[Command]> = batch.iter().map(|w| w.command.clone()).collect();
        let run = {
            let context = context.clone();
            context.clone().db.write_lane(move |tx| State::run(&context, tx, &commands)).await
        };
        match run {
            Ok(outcomes) => {
                for (waiting, outcome) in batch.into_iter().zip(outcomes) {
                    // The caller may have gone; what was committed stays committed.
                    let _ = waiting.to.send(Ok(outcome));
                }
            }
            Err(fault) if fault.may_be_one_command() && batch.len() > 1 => {
                tracing::warn!(%fault, commands = batch.len(), "a batch is run again in halves");
                let second = batch.split_off(batch.len() / 2);
                left.push(second);
                left.push(batch);
            }
            Err(fault) => {
                if let (Fault::Constraint(name), [waiting]) = (&fault, batch.as_mut_slice())
                    && name.contains("number")
                    && let Command::Place(place) = &mut waiting.command
                    && place.again < NUMBERS_MAX
                {
                    place.again += 1;
                    left.push(batch);
                    continue;
                }
                tracing::error!(%fault, commands = batch.len(), "a batch was not written");
                for waiting in batch {
                    let _ = waiting.to.send(Err(fault.clone()));
                }
            }
        }
    }
}
