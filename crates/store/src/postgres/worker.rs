//! A thread that owns a connection and runs what its queue brings, one closure at a time.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use kernel::Fault;

use super::session::{Server, Session};
use crate::db::OpenError;
use crate::inject::{Injector, Step};
use crate::job::{Ask, Keep, Write};
use crate::tx::{Conn, Read, Tx};

pub(super) enum Work {
    Write(Box<dyn Write>),
    Ask(Box<dyn Ask>),
}

/// Times a transaction is run when others keep winning.
const TRIES_MAX: u32 = 10;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Ordinary transactions in a serial world.
    Writer,
    /// The checkout lane's batches, which lock what they decide on.
    Lane,
    /// Snapshots.
    Reader,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Writer => "postgres-writer",
            Self::Lane => "postgres-lane",
            Self::Reader => "postgres-reader",
        }
    }

    fn begin(self) -> &'static str {
        match self {
            Self::Writer => "begin isolation level serializable",
            Self::Lane => "begin isolation level read committed",
            Self::Reader => "begin",
        }
    }

    /// A statement is planned once for a connection, not for each set of values: planning costs
    /// more than most of them. The lane's all go by key. A plan made while the tables were empty
    /// would stay with its long-lived connection and read whole tables once they are not.
    pub(super) fn settings(self) -> String {
        let limits = "set statement_timeout = '30s'; set lock_timeout = '10s'; \
                      set idle_in_transaction_session_timeout = '30s'; \
                      set plan_cache_mode = force_generic_plan";
        let own = match self {
            Self::Writer => "",
            Self::Lane => {
                "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; \
                 set enable_bitmapscan = off; set jit = off"
            }
            Self::Reader => {
                "set default_transaction_isolation = 'repeatable read'; \
                 set default_transaction_read_only = on"
            }
        };
        format!("{limits}; {own}")
    }
}

pub(super) fn start(
    role: Role,
    index: usize,
    server: &Server,
    orders: Arc<Mutex<Receiver<Work>>>,
    injector: Option<&Arc<Injector>>,
) -> Result<JoinHandle<()>, OpenError> {
    let (server, injector) = (server.clone(), injector.cloned());
    let (say, connected) = std::sync::mpsc::sync_channel(1);
    let thread = Builder::new()
        .name(format!("{}-{index}", role.name()))
        .spawn(move || match Session::connect(&server, role) {
            Ok(session) => {
                // Nobody left to hear it means that opening was given up.
                let _ = say.send(Ok(()));
                let turn = u32::try_from(index + 1).unwrap_or(1);
                Worker { role, turn, server, session: Some(session), injector }.work(&orders);
            }
            Err(fault) => {
                let _ = say.send(Err(fault));
            }
        })
        .map_err(|e| OpenError::Engine(format!("cannot start a thread: {e}")))?;
    match connected.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(fault)) => Err(OpenError::Engine(fault.to_string())),
        Err(_) => Err(OpenError::Engine("a connection's thread ended".into())),
    }
}

struct Worker {
    role: Role,
    /// 1, 2 … among those of its role.
    turn: u32,
    server: Server,
    /// None after the connection was lost; the next job opens another.
    session: Option<Session>,
    injector: Option<Arc<Injector>>,
}

/// The next job, if one is waiting. When another worker holds the queue it is waiting itself, and
/// nothing is.
fn waiting(orders: &Mutex<Receiver<Work>>) -> Option<Work> {
    match orders.try_lock() {
        Ok(orders) => orders.try_recv().ok(),
        Err(_) => None,
    }
}

impl Worker {
    fn work(&mut self, orders: &Mutex<Receiver<Work>>) {
        loop {
            let order = waiting(orders).or_else(|| {
                self.rest();
                let order = orders.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
                if self.session.as_ref().is_some_and(Session::was_cut) {
                    self.session = None;
                }
                order
            });
            match order {
                Some(Work::Write(job)) => self.write(job),
                Some(Work::Ask(job)) => self.ask(job),
                None => return,
            }
            if self.session.as_ref().is_some_and(Session::is_closed) {
                self.session = None;
            }
        }
    }

    /// A snapshot is not kept open while nobody reads: the server could not clean up behind it.
    fn rest(&mut self) {
        if self.session.as_mut().is_some_and(|session| session.close_snapshot().is_err()) {
            self.session = None;
        }
    }

    fn session(&mut self) -> Result<&mut Session, Fault> {
        if self.session.is_none() {
            self.session = Some(Session::connect(&self.server, self.role)?);
        }
        self.session.as_mut().ok_or_else(|| Fault::Unavailable("no connection".into()))
    }

    fn ask(&mut self, job: Box<dyn Ask>) {
        let injector = self.injector.clone();
        let session = match self.session() {
            Ok(session) => session,
            Err(fault) => return job.fail(fault),
        };
        session.begin_snapshot();
        job.run(&mut Read::new(Conn::Postgres(session), injector));
        session.leave_snapshot();
    }

    fn write(&mut self, mut job: Box<dyn Write>) {
        for tries in 1..=TRIES_MAX {
            match self.attempt(job.as_mut()) {
                Err(Fault::Contention) if tries < TRIES_MAX => {
                    if let Some(session) = &self.session {
                        // Two that met wait for different times, so that they do not meet again.
                        // Longer each time: a winner whose disk is slow cannot be seen yet, and
                        // every try before it can be loses against it once more.
                        let doublings = 1 << (tries - 1);
                        session.pause(Duration::from_micros(700) * doublings * self.turn);
                    }
                }
                outcome => {
                    job.answer(outcome);
                    kernel::crash_point!("worker.answered");
                    return;
                }
            }
        }
    }

    fn attempt(&mut self, job: &mut dyn Write) -> Result<(), Fault> {
        let (begin, injector) = (self.role.begin(), self.injector.clone());
        let session = self.session()?;
        session.begin(begin);
        let kept = job.run(&mut Tx::new(Conn::Postgres(session), injector.clone()));
        let kept = kept.and_then(|keep| match (&injector, keep) {
            (Some(injector), Keep::Commit) => {
                if injector.holds() {
                    session.settle()?;
                }
                injector.before(Step::Commits).map(|()| keep)
            }
            _ => Ok(keep),
        });
        kernel::crash_point!("worker.before-commit");
        let ended = match &kept {
            Ok(Keep::Commit) => session.commit(),
            Ok(Keep::Refused) | Err(_) => session.rollback(),
        };
        kernel::crash_point!("worker.committed");
        if session.is_closed() {
            self.session = None;
        }
        match (kept, ended) {
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
            (Ok(_), Ok(())) if injector.is_some_and(|injector| injector.loses_answer()) => {
                Err(Fault::Unavailable("the answer was lost".into()))
            }
            (Ok(_), Ok(())) => Ok(()),
        }
    }
}
