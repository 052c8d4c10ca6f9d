//! When the next turn starts: as soon as a connection is free (closed loop), or when its time has
//! come whether or not the shop keeps up (open loop).

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::sync::Semaphore;

use crate::clock::now;

/// How long the open loop goes on with arrivals that are already late once the last one is due;
/// what is left then is counted as never sent.
const BACKLOG_GRACE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Arrivals {
    /// Independent buyers: exponential gaps
    #[default]
    Poisson,
    /// One every 1/rate seconds
    Even,
}

/// What ends the measured part; the first of the two that is reached.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub turns: Option<u64>,
    pub duration: Option<Duration>,
}

impl Limit {
    /// No end but being stopped.
    pub const NONE: Self = Self { turns: None, duration: None };
}

#[derive(Clone, Copy, Debug)]
pub enum Pace {
    Closed { limit: Limit },
    Open { per_second: f64, arrivals: Arrivals, limit: Limit },
}

impl Pace {
    /// The end of the measured part.
    pub fn limit(&self) -> Limit {
        match self {
            Self::Closed { limit } | Self::Open { limit, .. } => *limit,
        }
    }

    /// Arrivals a second that are offered; none in a closed loop.
    pub fn offered_per_second(&self) -> Option<f64> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { per_second, .. } => Some(*per_second),
        }
    }

    /// As it is written in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { arrivals: Arrivals::Poisson, .. } => "open, Poisson",
            Self::Open { arrivals: Arrivals::Even, .. } => "open, even",
        }
    }
}

/// One piece of work for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Counts from 0, the warm-up and the measured part each for itself.
    pub number: u64,
    /// When it should start. Latency counts from here.
    pub intended: Instant,
    /// False in the warm-up.
    pub measured: bool,
}

/// The arrivals of an open loop in order.
#[derive(Debug)]
pub struct Schedule {
    per_second: f64,
    arrivals: Arrivals,
    limit: Limit,
    measured_from: Instant,
    due: Instant,
    warm: u64,
    measured: u64,
    rng: ChaCha8Rng,
}

impl Schedule {
    /// Starts at `start`; what is due before `measured_from` is warm-up.
    pub fn new(
        per_second: f64,
        arrivals: Arrivals,
        limit: Limit,
        (start, measured_from): (Instant, Instant),
        rng: ChaCha8Rng,
    ) -> Self {
        Self { per_second, arrivals, limit, measured_from, due: start, warm: 0, measured: 0, rng }
    }

    fn gap(&mut self) -> Duration {
        let mean = 1.0 / self.per_second;
        match self.arrivals {
            Arrivals::Even => Duration::from_secs_f64(mean),
            Arrivals::Poisson => {
                // 1 - u is in (0, 1]: its logarithm is finite.
                let uniform: f64 = self.rng.random();
                Duration::from_secs_f64(-(1.0 - uniform).ln() * mean)
            }
        }
    }
}

impl Iterator for Schedule {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        let intended = self.due;
        let measured = intended >= self.measured_from;
        let number = if measured { self.measured } else { self.warm };
        if measured {
            let late = |end| intended.duration_since(self.measured_from) >= end;
            if self.limit.turns.is_some_and(|turns| number >= turns)
                || self.limit.duration.is_some_and(late)
            {
                return None;
            }
            self.measured += 1;
        } else {
            self.warm += 1;
        }
        self.due = intended + self.gap();
        Some(Turn { number, intended, measured })
    }
}

/// Where connections wait for their next turn.
#[derive(Debug)]
pub struct Gate {
    kind: Kind,
    measured_from: Instant,
    stopped: AtomicBool,
    unsent: AtomicU64,
}

#[derive(Debug)]
enum Kind {
    Closed { limit: Limit, warm: AtomicU64, measured: AtomicU64 },
    Open { schedule: Box<Mutex<Schedule>>, due: Arc<Due> },
}

/// Counts the arrivals that have come due; the pacer thread releases them.
#[derive(Debug)]
struct Due {
    permits: Semaphore,
    over: AtomicBool,
    /// The moment after which late arrivals are given up.
    cut: Mutex<Option<Instant>>,
}

impl Gate {
    /// The gate of a run that starts now and measures from `measured_from`.
    pub fn open(
        pace: Pace,
        start: Instant,
        measured_from: Instant,
        rng: &ChaCha8Rng,
    ) -> anyhow::Result<Self> {
        let kind = match pace {
            Pace::Closed { limit } => {
                Kind::Closed { limit, warm: AtomicU64::new(0), measured: AtomicU64::new(0) }
            }
            Pace::Open { per_second, arrivals, limit } => {
                let schedule = || {
                    let times = (start, measured_from);
                    Schedule::new(per_second, arrivals, limit, times, rng.clone())
                };
                let due = Arc::new(Due {
                    permits: Semaphore::new(0),
                    over: AtomicBool::new(false),
                    cut: Mutex::new(None),
                });
                // The same seed gives the pacer the same arrivals as the connections take.
                release_in_time(schedule(), Arc::clone(&due))?;
                Kind::Open { schedule: Box::new(Mutex::new(schedule())), due }
            }
        };
        Ok(Self { kind, measured_from, stopped: AtomicBool::new(false), unsent: AtomicU64::new(0) })
    }

    /// No further turns.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Kind::Open { due, .. } = &self.kind {
            due.over.store(true, Ordering::Relaxed);
            due.permits.close();
        }
    }

    /// Arrivals that were due but given up, because the shop was too far behind.
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    /// Waits for the next turn; none when the run is over.
    pub async fn next(&self) -> Option<Turn> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        match &self.kind {
            Kind::Closed { limit, warm, measured } => {
                let now = now();
                if now < self.measured_from {
                    let number = warm.fetch_add(1, Ordering::Relaxed);
                    return Some(Turn { number, intended: now, measured: false });
                }
                if limit.duration.is_some_and(|end| now.duration_since(self.measured_from) >= end) {
                    return None;
                }
                let number = measured.fetch_add(1, Ordering::Relaxed);
                let over = limit.turns.is_some_and(|turns| number >= turns);
                (!over).then_some(Turn { number, intended: now, measured: true })
            }
            Kind::Open { schedule, due } => {
                // Closed when the run is stopped.
                due.permits.acquire().await.ok()?.forget();
                let turn = schedule.lock().unwrap_or_else(PoisonError::into_inner).next()?;
                let cut = *due.cut.lock().unwrap_or_else(PoisonError::into_inner);
                if cut.is_some_and(|cut| now() > cut) {
                    self.unsent.fetch_add(1, Ordering::Relaxed);
                    let mut schedule = schedule.lock().unwrap_or_else(PoisonError::into_inner);
                    let rest = schedule.by_ref().count();
                    self.unsent
                        .fetch_add(u64::try_from(rest).unwrap_or(u64::MAX), Ordering::Relaxed);
                    return None;
                }
                Some(turn)
            }
        }
    }
}

/// A thread of its own wakes within tens of microseconds of each arrival; the runtime's timer
/// rounds up to whole milliseconds, which would be counted as the shop's latency.
fn release_in_time(schedule: Schedule, due: Arc<Due>) -> anyhow::Result<()> {
    std::thread::Builder::new().name("pacer".to_owned()).spawn(move || {
        for turn in schedule {
            loop {
                if due.over.load(Ordering::Relaxed) {
                    return;
                }
                let wait = turn.intended.saturating_duration_since(now());
                if wait.is_zero() {
                    break;
                }
                // Bounded, so that a stopped run does not wait for a far arrival.
                std::thread::park_timeout(wait.min(Duration::from_millis(100)));
            }
            due.permits.add_permits(1);
        }
        *due.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(now() + BACKLOG_GRACE);
        // Everybody who waits, or comes later, finds the schedule at its end.
        due.permits.add_permits(Semaphore::MAX_PERMITS / 2);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn turns(arrivals: Arrivals, limit: Limit, warmup: Duration) -> (Instant, Vec<Turn>) {
        let start = now();
        let rng = ChaCha8Rng::seed_from_u64(7);
        let schedule = Schedule::new(1000.0, arrivals, limit, (start, start + warmup), rng);
        (start, schedule.collect())
    }

    #[test]
    fn even_arrivals_are_even_and_counted() {
        let limit = Limit { turns: Some(5), duration: None };
        let (start, turns) = turns(Arrivals::Even, limit, Duration::from_millis(3));
        assert_eq!(turns.len(), 3 + 5);
        for (index, turn) in (0_u32..).zip(&turns) {
            assert_eq!(turn.intended, start + Duration::from_millis(1) * index);
            assert_eq!(turn.measured, index >= 3);
        }
        let numbers: Vec<u64> = turns.iter().map(|turn| turn.number).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_and_vary() {
        let limit = Limit { turns: None, duration: Some(Duration::from_secs(20)) };
        let (_, turns) = turns(Arrivals::Poisson, limit, Duration::ZERO);
        assert!((19_000..21_000).contains(&turns.len()), "{}", turns.len());
        let gaps: Vec<f64> = turns
            .windows(2)
            .map(|pair| pair[1].intended.duration_since(pair[0].intended).as_secs_f64())
            .collect();
        // The share of gaps shorter than the mean is 1 - 1/e for a Poisson process.
        let short = gaps.iter().filter(|gap| **gap < 0.001).count();
        let per_mille = short * 1000 / gaps.len();
        assert!((612..652).contains(&per_mille), "{per_mille}");
    }

    #[tokio::test]
    async fn a_closed_gate_hands_out_exactly_its_turns() {
        let start = now();
        let limit = Limit { turns: Some(3), duration: None };
        let rng = ChaCha8Rng::seed_from_u64(1);
        let gate = Gate::open(Pace::Closed { limit }, start, start, &rng).unwrap();
        let mut numbers = Vec::new();
        while let Some(turn) = gate.next().await {
            assert!(turn.measured);
            numbers.push(turn.number);
        }
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(gate.next().await, None);
    }

    #[tokio::test]
    async fn an_open_gate_lets_nobody_start_early_and_ends() {
        let start = now();
        let limit = Limit { turns: Some(50), duration: None };
        let pace = Pace::Open { per_second: 5_000.0, arrivals: Arrivals::Poisson, limit };
        let gate = Gate::open(pace, start, start, &ChaCha8Rng::seed_from_u64(1)).unwrap();
        let mut count = 0;
        while let Some(turn) = gate.next().await {
            assert!(now() >= turn.intended);
            count += 1;
        }
        assert_eq!((count, gate.unsent()), (50, 0));
    }

    #[tokio::test]
    async fn a_stopped_gate_is_over() {
        let start = now();
        let pace = Pace::Open { per_second: 0.001, arrivals: Arrivals::Even, limit: Limit::NONE };
        let gate = Gate::open(pace, start, start, &ChaCha8Rng::seed_from_u64(1)).unwrap();
        assert!(gate.next().await.is_some());
        gate.stop();
        assert_eq!(gate.next().await, None);
    }
}
