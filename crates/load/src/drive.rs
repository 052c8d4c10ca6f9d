//! Lets many connections take turns at a scenario, and watches what that costs.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hyper::StatusCode;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::client::{Call, Connection};
use crate::clock::now;
use crate::ledger::{Book, Ledger, Verdict};
use crate::pace::{Gate, Limit, Pace, Turn};
use crate::stats::Op;
use crate::usage::{Sample, Used};

/// What a client does in one turn.
pub trait Visit: Send + Sync + 'static {
    /// Does it once and enters every answer into the worker's ledger.
    fn visit(&self, worker: &mut Worker, turn: Turn) -> impl Future<Output = ()> + Send;
}

/// One virtual connection and its luck.
pub struct Worker {
    /// Counts from 0.
    pub index: u32,
    pub address: SocketAddr,
    pub connection: Connection,
    pub rng: ChaCha8Rng,
    pub ledger: Arc<Ledger>,
}

impl Worker {
    /// Sends one request whose latency counts from `since`.
    pub async fn ask(
        &mut self,
        op: Op,
        turn: &Turn,
        since: Instant,
        expected: &[StatusCode],
        call: Call,
    ) -> Verdict {
        let outcome = self.connection.send(call).await;
        self.ledger.judge(op, turn, since, expected, outcome)
    }
}

/// How a stretch of load is run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub label: String,
    pub address: SocketAddr,
    pub connections: u32,
    pub pace: Pace,
    pub warmup: Duration,
    pub seed: u64,
    /// The shop's process, when it is ours to look at.
    pub server: Option<u32>,
}

impl Plan {
    /// A closed loop from the first moment on, that goes on until it is stopped.
    pub fn endless(address: SocketAddr, connections: u32, seed: u64) -> Self {
        Self {
            label: String::new(),
            address,
            connections,
            pace: Pace::Closed { limit: Limit::NONE },
            warmup: Duration::ZERO,
            seed,
            server: None,
        }
    }
}

/// What a stretch of load came to.
#[derive(Debug)]
pub struct Stretch {
    pub book: Book,
    /// Measured part.
    pub elapsed: Duration,
    pub generator: Used,
    pub server: Option<Used>,
    pub unsent: u64,
}

/// Runs until the pace ends it.
pub async fn drive<V: Visit>(plan: &Plan, visit: Arc<V>) -> anyhow::Result<Stretch> {
    drive_until(plan, visit, Arc::new(Ledger::default()), std::future::pending()).await
}

/// Runs until the pace ends it or `stop` comes; what is under way then is finished or breaks.
pub async fn drive_until<V: Visit>(
    plan: &Plan,
    visit: Arc<V>,
    ledger: Arc<Ledger>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Stretch> {
    let start = now();
    let measured_from = start + plan.warmup;
    let rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let gate = Arc::new(Gate::open(plan.pace, start, measured_from, &rng)?);
    // Also when this future is dropped, or the pacer thread would go on.
    let _stop_at_end = StopAtEnd(Arc::clone(&gate));
    let mut workers = JoinSet::new();
    for index in 0..plan.connections {
        let worker = Worker {
            index,
            address: plan.address,
            connection: Connection::to(plan.address),
            rng: ChaCha8Rng::seed_from_u64(plan.seed ^ ((u64::from(index) + 1) << 32)),
            ledger: Arc::clone(&ledger),
        };
        workers.spawn(take_turns(worker, Arc::clone(&gate), Arc::clone(&visit)));
    }
    let bar = bar(plan);
    let mut watch = Watch::new(plan.server, measured_from);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let warm = tokio::time::sleep_until(measured_from.into());
    tokio::pin!(warm, stop);
    let (mut warming, mut stopping) = (true, true);
    loop {
        tokio::select! {
            joined = workers.join_next() => match joined {
                Some(joined) => joined.context("a connection's task failed")?,
                None => break,
            },
            () = &mut warm, if warming => {
                warming = false;
                watch.begin();
            }
            () = &mut stop, if stopping => {
                stopping = false;
                gate.stop();
            }
            _ = tick.tick() => {
                let (turns, text) = ledger.progress();
                bar.set_position(position(plan, turns, measured_from));
                bar.set_message(text);
            }
        }
    }
    let (elapsed, generator, server) = watch.end();
    bar.finish_and_clear();
    Ok(Stretch { book: ledger.close(), elapsed, generator, server, unsent: gate.unsent() })
}

struct StopAtEnd(Arc<Gate>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn take_turns<V: Visit>(mut worker: Worker, gate: Arc<Gate>, visit: Arc<V>) {
    while let Some(turn) = gate.next().await {
        visit.visit(&mut worker, turn).await;
        worker.ledger.turned(&turn);
        if worker.ledger.is_cutting() {
            return;
        }
    }
}

/// CPU time from the end of the warm-up on.
struct Watch {
    server: Option<u32>,
    measured_from: Instant,
    begun: Option<(Option<Sample>, Option<Sample>)>,
}

impl Watch {
    fn new(server: Option<u32>, measured_from: Instant) -> Self {
        Self { server, measured_from, begun: None }
    }

    fn sample(&self) -> (Option<Sample>, Option<Sample>) {
        (Sample::of_self(), self.server.and_then(Sample::of))
    }

    fn begin(&mut self) {
        self.begun = Some(self.sample());
    }

    fn end(&self) -> (Duration, Used, Option<Used>) {
        let elapsed = now().saturating_duration_since(self.measured_from);
        let since = |now: Option<Sample>, then: Option<Sample>| Some(now?.since(then?));
        let (Some((own_then, server_then)), (own, server)) = (self.begun, self.sample()) else {
            return (elapsed, Used::default(), None);
        };
        (elapsed, since(own, own_then).unwrap_or_default(), since(server, server_then))
    }
}

fn bar(plan: &Plan) -> ProgressBar {
    let limit = plan.pace.limit();
    let length = limit.turns.or(limit.duration.map(|end| end.as_millis().try_into().unwrap_or(0)));
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::no_length(),
    };
    bar.set_style(style());
    bar.set_prefix(plan.label.clone());
    bar
}

/// Turns when a count ends the run, milliseconds when time does.
fn position(plan: &Plan, turns: u64, measured_from: Instant) -> u64 {
    let limit = plan.pace.limit();
    if limit.turns.is_none() && limit.duration.is_some() {
        let elapsed = now().saturating_duration_since(measured_from);
        return elapsed.as_millis().try_into().unwrap_or(0);
    }
    turns
}

/// The look of every progress bar here.
pub fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:22} [{bar:32}] {percent:>3} % {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
