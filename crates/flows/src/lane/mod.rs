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

mod age;
mod back;
mod command;
mod decide;
mod keys;
mod money;
mod place;
mod state;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Env, Error, Fault, Timestamp, limits};
use store::Db;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::refusal::Refusal;
use crate::shop::Settings;

use age::LeastWait;
pub use command::Change;
pub(crate) use command::{Command, Done, Place, Who};
use state::State;

/// What one command comes to.
pub(crate) type Outcome = Result<Done, Refusal>;

/// How the lane gathers its batches.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Commands in one transaction, at most.
    pub batch_max: usize,
    /// Batches under way at once: while one commits, the next is gathered.
    pub under_way: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { batch_max: limits::LANE_BATCH_MAX, under_way: 2 }
    }
}

impl Shape {
    /// A transaction for each command, one after the other: what a shop without a lane does.
    /// Benchmarks compare with it.
    pub const CLASSIC: Self = Self { batch_max: 1, under_way: 1 };
}

/// Runs what the lane does beside its callers: its gathering, once, and each batch. In a shop that
/// is the runtime.
pub type Spawn = Arc<dyn Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync>;

/// Times an order is given another number when the first is taken.
const NUMBERS_MAX: u8 = 5;

/// The way into the lane. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lane {
    queue: mpsc::Sender<Waiting>,
    env: Env,
    least_wait: Arc<LeastWait>,
}

struct Waiting {
    command: Command,
    since: Timestamp,
    to: oneshot::Sender<Result<Outcome, Fault>>,
}

struct Context {
    db: Db,
    env: Env,
    settings: Arc<Settings>,
    least_wait: Arc<LeastWait>,
}

impl Lane {
    pub(crate) fn start(
        db: Db,
        env: Env,
        settings: Arc<Settings>,
        shape: Shape,
        spawn: Spawn,
    ) -> Self {
        let (queue, orders) = mpsc::channel(limits::LANE_QUEUE_MAX);
        let least_wait = Arc::new(LeastWait::default());
        let lane = Self { queue, env: env.clone(), least_wait: least_wait.clone() };
        let context = Arc::new(Context { db, env, settings, least_wait });
        spawn.clone()(Box::pin(work(context, orders, shape, spawn)));
        lane
    }

    /// Hands a command over and waits for its commit. A full lane answers "overloaded" at once.
    pub(crate) async fn submit(&self, command: Command) -> Result<Done, Error<Refusal>> {
        let (to, answer) = oneshot::channel();
        let since = self.env.now();
        self.queue.try_send(Waiting { command, since, to }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Overloaded,
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        kernel::crash_point!("lane.queued");
        answer.await.map_err(|_| gone())??.map_err(Error::Refused)
    }

    /// The least time that anything waited to be taken since this was last asked; none when
    /// nothing was taken.
    pub(crate) fn least_wait(&self) -> Option<Duration> {
        self.least_wait.take()
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
            let since = self.env.now();
            self.queue.send(Waiting { command, since, to }).await.map_err(|_| gone())?;
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

async fn work(
    context: Arc<Context>,
    mut orders: mpsc::Receiver<Waiting>,
    shape: Shape,
    spawn: Spawn,
) {
    let under_way = Arc::new(Semaphore::new(shape.under_way));
    let mut batch = Vec::with_capacity(shape.batch_max);
    loop {
        let Ok(permit) = under_way.clone().acquire_owned().await else { return };
        if orders.recv_many(&mut batch, shape.batch_max).await == 0 {
            return;
        }
        let (context, mut batch) = (context.clone(), std::mem::take(&mut batch));
        age::turn_away(&context.env, &context.least_wait, &mut batch);
        if batch.is_empty() {
            continue;
        }
        spawn(Box::pin(async move {
            process(&context, batch).await;
            drop(permit);
        }));
    }
}

/// A batch on its way: what is asked, and who waits for the answer.
struct Batch {
    commands: Arc<[Command]>,
    callers: Vec<Caller>,
    /// Whether it is one command that has failed before.
    failed_alone: bool,
}

type Caller = oneshot::Sender<Result<Outcome, Fault>>;

impl Batch {
    fn of(waiting: Vec<Waiting>) -> Self {
        let (commands, callers): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.command, waiting.to)).unzip();
        Self { commands: commands.into(), callers, failed_alone: false }
    }

    fn halves(mut self) -> [Self; 2] {
        let middle = self.commands.len() / 2;
        let callers = self.callers.split_off(middle);
        let (first, second) = self.commands.split_at(middle);
        [
            Self { commands: first.into(), callers: self.callers, failed_alone: false },
            Self { commands: second.into(), callers, failed_alone: false },
        ]
    }

    /// A command that failed alone, when it may come through now. An order whose number was
    /// taken is given another. Any other row that was there already was written by another node
    /// between our look and our write: the next look finds it, and answers from it.
    fn again(mut self, fault: &Fault) -> Result<Self, Self> {
        let Fault::Constraint(name) = fault else { return Err(self) };
        match &self.commands[..] {
            [Command::Place(place)] if name.contains("number") && place.again < NUMBERS_MAX => {
                let mut place = place.clone();
                place.again += 1;
                self.commands = [Command::Place(place)].into();
                Ok(self)
            }
            [_] if !self.failed_alone => {
                self.failed_alone = true;
                Ok(self)
            }
            _ => Err(self),
        }
    }

    // The callers may have gone; what was committed stays committed.
    fn answer(self, outcomes: Vec<Outcome>) {
        for (caller, outcome) in self.callers.into_iter().zip(outcomes) {
            let _ = caller.send(Ok(outcome));
        }
    }

    fn fail(self, fault: &Fault) {
        for caller in self.callers {
            let _ = caller.send(Err(fault.clone()));
        }
    }
}

/// Runs a batch; halves it while it fails in a way that one command may be the cause of.
async fn process(context: &Arc<Context>, waiting: Vec<Waiting>) {
    kernel::crash_point!("lane.gathered");
    let mut left = vec![Batch::of(waiting)];
    while let Some(batch) = left.pop() {
        let (inner, commands) = (context.clone(), batch.commands.clone());
        #[cfg(feature = "planted")]
        if kernel::planted::is(kernel::planted::Bug::AnswerBeforeCommit) {
            early(context, batch).await;
            continue;
        }
        let run = context.db.write_lane(move |tx| State::run(&inner, tx, &commands)).await;
        let fault = match run {
            Ok(outcomes) => {
                kernel::crash_point!("lane.committed");
                batch.answer(outcomes);
                kernel::crash_point!("lane.answered");
                continue;
            }
            Err(fault) => fault,
        };
        let commands = batch.commands.len();
        if commands > 1 && fault.may_be_one_command() {
            tracing::warn!(%fault, commands, "a batch is run again in halves");
            let [first, second] = batch.halves();
            left.extend([second, first]);
            continue;
        }
        match batch.again(&fault) {
            Ok(again) => left.push(again),
            Err(batch) => {
                tracing::error!(%fault, commands, "a batch was not written");
                batch.fail(&fault);
            }
        }
    }
}

/// The bug `AnswerBeforeCommit`: what would happen is found out and undone, everybody is
/// answered, and only then it happens.
#[cfg(feature = "planted")]
async fn early(context: &Arc<Context>, batch: Batch) {
    /// Undoes the transaction.
    struct Undo(Result<Vec<Outcome>, Fault>);
    impl From<Fault> for Undo {
        fn from(fault: Fault) -> Self {
            Self(Err(fault))
        }
    }
    let (inner, commands) = (context.clone(), batch.commands.clone());
    let tried = context
        .db
        .write_lane(move |tx| Err::<(), _>(Undo(State::run(&inner, tx, &commands))))
        .await;
    match tried.err().map(|undo| undo.0) {
        Some(Ok(outcomes)) => {
            let (inner, commands) = (context.clone(), batch.commands.clone());
            batch.answer(outcomes);
            let _ = context.db.write_lane(move |tx| State::run(&inner, tx, &commands)).await;
        }
        Some(Err(fault)) => batch.fail(&fault),
        None => {}
    }
}
