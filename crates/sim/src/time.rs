//! The world's time, and what the shop's clock makes of it.

use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Clock, SignedDuration, Timestamp};

/// True time only goes forward; the shop's clock is some way off, and may jump.
#[derive(Debug)]
pub struct WorldClock {
    truth: AtomicI64,
    off_by: AtomicI64,
}

impl WorldClock {
    /// Begins at `start`, the shop's clock with it.
    pub fn new(start: Timestamp) -> Self {
        Self { truth: AtomicI64::new(start.as_microsecond()), off_by: AtomicI64::new(0) }
    }

    /// True time, in microseconds since 1970.
    pub fn true_micros(&self) -> i64 {
        self.truth.load(Ordering::Relaxed)
    }

    /// True time.
    pub fn true_now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.true_micros()).unwrap_or(Timestamp::MAX)
    }

    /// Moves the shop's clock, forwards or backwards; the world's time goes on as before.
    pub fn jump(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(0);
        self.off_by.fetch_add(by, Ordering::Relaxed);
    }

    /// The shop's clock is right again.
    pub fn set_right(&self) {
        self.off_by.store(0, Ordering::Relaxed);
    }

    /// How far the shop's clock is off.
    pub fn off_by(&self) -> SignedDuration {
        SignedDuration::from_micros(self.off_by.load(Ordering::Relaxed))
    }

    pub(crate) fn move_to(&self, micros: i64) {
        self.truth.fetch_max(micros, Ordering::Relaxed);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let micros = self.true_micros().saturating_add(self.off_by.load(Ordering::Relaxed));
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }
}
