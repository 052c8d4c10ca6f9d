//! The doors of the shop's process: each call of the database or a gateway passes one, and may
//! be delayed, broken or be the last thing the process does.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Fault, SignedDuration};
use store::testing::{Call, Gate, Turn};

use crate::executor::{Executor, Group};

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// A transaction.
    Write,
    /// A transaction of the checkout lane.
    Lane,
    /// A snapshot.
    Read,
    /// A gateway opens a payment.
    Create,
    /// A gateway says how a payment stands.
    Fetch,
    /// A gateway takes money that was reserved.
    Capture,
    /// A gateway calls a payment off.
    Void,
    /// A gateway gives money back.
    Refund,
}

impl From<Call> for Port {
    fn from(call: Call) -> Self {
        match call {
            Call::Write => Self::Write,
            Call::Lane => Self::Lane,
            Call::Read => Self::Read,
        }
    }
}

/// Which side of a door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Nothing is done yet.
    Before,
    /// It is done, and nobody has heard of it.
    After,
}

/// What becomes of a call at one side of its door.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It goes on.
    Pass,
    /// It goes on later.
    Late(SignedDuration),
    /// It does not go on: before, nothing is done; after, the outcome is not heard of.
    Break(Fault),
    /// The process dies here.
    Crash,
}

/// Decides what becomes of each call. Asked for both sides of every door, in the order in which
/// the calls come there.
pub trait Fates: Send {
    /// What becomes of a call of `port` at this side.
    fn decide(&mut self, port: Port, side: Side) -> Fate;
}

/// Nothing ever breaks.
impl Fates for () {
    fn decide(&mut self, _: Port, _: Side) -> Fate {
        Fate::Pass
    }
}

/// All doors of a process. Cheap to clone.
#[derive(Clone)]
pub struct Doors {
    executor: Executor,
    fates: Arc<Mutex<dyn Fates>>,
    crashed: Arc<dyn Fn() + Send + Sync>,
}

impl Doors {
    /// Doors that do what `fates` decide; `crashed` is told of a crash, after the tasks of the
    /// process are gone.
    pub fn new(
        executor: Executor,
        fates: Arc<Mutex<dyn Fates>>,
        crashed: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self { executor, fates, crashed }
    }

    /// What becomes of a call at one side of a door, when everybody who is to be quicker has
    /// been. Does not come back from a crash.
    pub async fn fate(&self, port: Port, side: Side) -> Fate {
        self.executor.turn().await;
        let fate = self.fates.lock().unwrap_or_else(PoisonError::into_inner).decide(port, side);
        if matches!(fate, Fate::Crash) {
            self.crash();
            pending::<()>().await;
        }
        fate
    }

    /// Passes one side of a door of the database.
    pub async fn pass(&self, port: Port, side: Side) -> Result<(), Fault> {
        match self.fate(port, side).await {
            Fate::Late(by) => {
                self.executor.sleep(by).await;
                Ok(())
            }
            Fate::Break(fault) => Err(fault),
            Fate::Pass | Fate::Crash => Ok(()),
        }
    }

    /// The process dies.
    pub fn crash(&self) {
        self.executor.kill(Group::Process);
        (self.crashed)();
    }
}

impl Gate for Doors {
    fn enter(&self, call: Call) -> Turn<Result<(), Fault>> {
        let doors = self.clone();
        Box::pin(async move { doors.pass(call.into(), Side::Before).await })
    }

    fn gather(&self, _: Call) -> Turn<()> {
        let executor = self.executor.clone();
        Box::pin(async move { executor.turn().await })
    }

    fn leave(&self, call: Call) -> Turn<Result<(), Fault>> {
        let doors = self.clone();
        Box::pin(async move { doors.pass(call.into(), Side::After).await })
    }
}
