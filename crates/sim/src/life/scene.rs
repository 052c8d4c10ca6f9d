//! What everybody in a life shares, and how they ask the shop for something.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use kernel::{AccountId, Error, Fault, Timestamp};
use store::idempotency::Key;

use super::plan::What;
use crate::bank::Bank;
use crate::dice::Dice;
use crate::doors::Doors;
use crate::executor::Executor;
use crate::process::{Door, Process};
use crate::town::Town;
use crate::trace::Trace;
use crate::trouble::{Trouble, Troubles};
use crate::witness::{Span, Witness};

/// Tries after which a caller gives up for good.
const TRIES_MAX: usize = 8;

/// See the module's words. Cheap to clone.
#[derive(Clone)]
pub(super) struct Scene {
    pub executor: Executor,
    pub door: Door,
    pub doors: Doors,
    pub bank: Bank,
    pub witness: Witness,
    pub trace: Trace,
    pub troubles: Troubles,
    pub town: Arc<Town>,
    pub prices: Arc<tokio::sync::Mutex<()>>,
    pub busy: Arc<Mutex<BTreeSet<&'static str>>>,
    pub counters: Arc<Counters>,
}

/// What is counted.
#[derive(Default, Debug)]
pub(super) struct Counters {
    /// Requests of people and rounds of jobs.
    pub operations: AtomicU64,
    pub keys: AtomicU64,
    /// Rounds of the relay that did not end well: what they handed on comes again.
    pub relays_broken: AtomicU64,
}

/// What a caller has heard.
#[derive(Debug)]
pub(super) enum Heard<T, R> {
    Done(T),
    Refused(R),
    /// Nothing that says what has happened.
    Nothing,
}

impl Scene {
    /// Asks once.
    pub(super) async fn once<T, R, F>(
        &self,
        dice: &mut Dice,
        work: impl FnOnce(Process) -> F,
    ) -> Heard<T, R>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = Result<T, Error<R>>> + Send + 'static,
    {
        self.counters.operations.fetch_add(1, Ordering::Relaxed);
        let impatient = dice.chance(30) && self.troubles.are_on(Trouble::Impatience);
        let patience = if impatient { dice.seconds(0..=2) } else { dice.seconds(120..=120) };
        let asked = self.door.ask(&self.executor, work);
        match either(asked, self.executor.sleep(patience)).await {
            Some(Ok(Ok(done))) => Heard::Done(done),
            Some(Ok(Err(Error::Refused(refusal)))) => Heard::Refused(refusal),
            Some(Ok(Err(Error::Fault(fault)))) => {
                self.heard_of(&fault);
                Heard::Nothing
            }
            Some(Err(_gone)) => Heard::Nothing,
            None => {
                self.trace.say(|| "    the caller hangs up".into());
                Heard::Nothing
            }
        }
    }

    /// Asks until there is an answer, or patience ends.
    pub(super) async fn patiently<T, R, F>(
        &self,
        dice: &mut Dice,
        work: impl Fn(Process) -> F,
    ) -> Option<Result<T, R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = Result<T, Error<R>>> + Send + 'static,
    {
        for _ in 0..TRIES_MAX {
            match self.once(dice, &work).await {
                Heard::Done(done) => return Some(Ok(done)),
                Heard::Refused(refusal) => return Some(Err(refusal)),
                Heard::Nothing => {}
            }
            if dice.chance(100) {
                return None;
            }
            self.pause(dice).await;
        }
        None
    }

    /// A while between two tries.
    pub(super) async fn pause(&self, dice: &mut Dice) {
        let range = dice.weigh(&[(3, (0, 3)), (1, (5, 90))]);
        let by = dice.seconds(range.0..=range.1);
        self.executor.sleep(by).await;
    }

    /// Looks at a fault: some never come from outside.
    pub(super) fn heard_of(&self, fault: &Fault) {
        if matches!(fault, Fault::Broken(_) | Fault::Constraint(_)) {
            self.witness.accuse("nothing breaks by itself", fault.to_string());
        }
    }

    /// A key that nobody has used.
    pub(super) fn key(&self, whose: AccountId, route: &'static str, request: &str) -> Key {
        let number = self.counters.keys.fetch_add(1, Ordering::Relaxed);
        Key::new(whose.0, route, format!("key-{number}"), request.as_bytes())
    }

    /// What the shop's clock shows.
    pub(super) fn shop_clock(&self) -> Timestamp {
        kernel::Clock::now(&**self.executor.clock())
    }

    /// Now, for comparing with later.
    pub(super) fn span(&self) -> Span {
        Span { asked: self.witness.step(), clock: self.shop_clock() }
    }

    /// Notes what somebody heard.
    pub(super) fn say<T: Debug, R: Display>(&self, who: &str, answer: Option<&Result<T, R>>) {
        self.trace.say(|| match answer {
            None => format!("{who}: no answer"),
            Some(Ok(done)) => format!("{who}: {done:?}"),
            Some(Err(refusal)) => format!("{who}: refused, {refusal}"),
        });
    }

    /// Takes a job that runs once at a time; false when it is running.
    pub(super) fn begin(&self, job: &'static str) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(job)
    }

    /// Gives it back.
    pub(super) fn finish(&self, job: &'static str) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }

    /// Runs one round of a job; none when it is running already, or did not end well.
    pub(super) async fn round(&self, what: What) -> Option<usize> {
        let (name, alone) = match what {
            What::Sweep => ("sweep", true),
            What::Notices => ("notices", false),
            What::Poll => ("poll", true),
            What::Refund => ("refund", true),
            _ => ("relay", true),
        };
        if alone && !self.begin(name) {
            return None;
        }
        self.counters.operations.fetch_add(1, Ordering::Relaxed);
        let asked = self.door.ask(&self.executor, move |process| async move {
            match what {
                What::Sweep => process.shop.sweep().await.map(|(holds, orders)| holds + orders),
                What::Notices => process.cashier.read_notices().await,
                What::Poll => process.cashier.poll().await,
                What::Refund => process.cashier.refund().await,
                _ => process.jobs.hand_on().await,
            }
        });
        let done = asked.await;
        if alone {
            self.finish(name);
        }
        if let Ok(Err(fault)) = &done {
            self.heard_of(fault);
        }
        if name == "relay" && !matches!(done, Ok(Ok(_))) {
            self.counters.relays_broken.fetch_add(1, Ordering::Relaxed);
        }
        self.trace.say(|| match &done {
            Ok(Ok(found)) => format!("job {name}: {found}"),
            Ok(Err(fault)) => format!("job {name}: {fault}"),
            Err(_) => format!("job {name}: the process is gone"),
        });
        done.ok()?.ok()
    }
}

/// The answer, or none when the other is quicker.
async fn either<T>(answer: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    let (mut answer, mut other) = (pin!(answer), pin!(other));
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        other.as_mut().poll(context).map(|()| None)
    })
    .await
}
