//! What happened in a life, line by line, for people.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::Uuid;

use crate::time::WorldClock;

/// Keeps lines when it is told to; else it costs nothing. Clones share it.
#[derive(Clone)]
pub struct Trace {
    clock: Arc<WorldClock>,
    start: i64,
    lines: Option<Arc<Mutex<Vec<String>>>>,
}

impl Trace {
    /// A trace that keeps its lines if `kept`.
    pub fn new(clock: Arc<WorldClock>, kept: bool) -> Self {
        let start = clock.true_micros();
        Self { clock, start, lines: kept.then(Arc::default) }
    }

    /// Whether lines are kept.
    pub fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    /// Notes a line, with the time since the life began.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(mut lines) = self.lines() {
            let since = (self.clock.true_micros() - self.start) / 1000;
            let (seconds, millis) = (since / 1000, since % 1000);
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            lines.push(format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}  {}", line()));
        }
    }

    /// Takes the lines.
    pub fn take(&self) -> Vec<String> {
        self.lines().map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default()
    }

    fn lines(&self) -> Option<MutexGuard<'_, Vec<String>>> {
        self.lines.as_ref().map(|lines| lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The end of an id, which is what differs between ids that were made together.
pub fn short(id: impl Into<Uuid>) -> Short {
    Short(id.into())
}

/// See [`short`].
#[derive(Clone, Copy)]
pub struct Short(Uuid);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes()[13..].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number that stands for these lines.
pub fn hash_of(lines: &[String]) -> String {
    let mut all = String::new();
    for line in lines {
        let _ = writeln!(all, "{line}");
    }
    store::idempotency::fingerprint(all.as_bytes())
}
