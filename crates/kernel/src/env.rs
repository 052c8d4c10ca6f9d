//! Time and randomness as arguments.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng};
use rand_chacha::ChaCha12Rng;
use uuid::{Builder, Uuid};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant, in microseconds at most (both engines keep no more).
    fn now(&self) -> Timestamp;
}

/// Gives random bytes good enough for secrets, unless it is the seeded one of a test.
pub trait Rng: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// What a piece of work may know of the world around it.
#[derive(Clone)]
pub struct Env {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub rng: Arc<dyn Rng>,
}

impl Env {
    /// The machine's clock and a generator seeded by the operating system.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng::new()) }
    }

    /// A clock that stands at `start` until moved, and dice that a seed decides.
    pub fn manual(start: Timestamp, seed: u64) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(start));
        (Self { clock: clock.clone(), rng: Arc::new(SeededRng::new(seed)) }, clock)
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new time-ordered id of any of the id types.
    pub fn id<I: From<Uuid>>(&self) -> I {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        I::from(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// `N` random bytes, for secrets and salts.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place the machine's clock is read")]
        let now = Timestamp::now();
        floor_to_micros(now)
    }
}

/// A clock for tests: moves only when told.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock standing at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(floor_to_micros(start)))
    }

    /// Moves the clock, forwards or backwards.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }

    /// Sets the clock.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = floor_to_micros(to);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn floor_to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// `ChaCha12` seeded by the operating system: one system call for a process, not one for an id.
pub struct SystemRng(Mutex<ChaCha12Rng>);

impl SystemRng {
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    pub fn new() -> Self {
        let mut seed = [0; 32];
        #[expect(clippy::expect_used, reason = "a server without randomness must not start")]
        getrandom::fill(&mut seed).expect("the operating system gives randomness");
        Self(Mutex::new(ChaCha12Rng::from_seed(seed)))
    }
}

impl Default for SystemRng {
    fn default() -> Self {
        Self::new()
    }
}

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// The same bytes for the same seed. For tests and simulation only.
pub struct SeededRng(Mutex<ChaCha12Rng>);

impl SeededRng {
    /// Dice that `seed` decides.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_clock_and_the_seed() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (env, clock) = Env::manual(start, 7);
        let first: Uuid = env.id();
        clock.advance(SignedDuration::from_secs(1));
        let second: Uuid = env.id();
        assert!(first < second, "a later id sorts after an earlier one");
        let (again, _) = Env::manual(start, 7);
        assert_eq!(first, again.id::<Uuid>(), "the same seed gives the same id");
    }
}
