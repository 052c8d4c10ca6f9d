//! How long commands wait to be taken, and what becomes of those that waited too long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::{Env, Fault, limits};

use super::Waiting;

/// The least wait since somebody last asked, in microseconds.
pub(super) struct LeastWait(AtomicU64);

/// Nothing was taken.
const NONE: u64 = u64::MAX;

impl Default for LeastWait {
    fn default() -> Self {
        Self(AtomicU64::new(NONE))
    }
}

impl LeastWait {
    pub(super) fn take(&self) -> Option<Duration> {
        let micros = self.0.swap(NONE, Ordering::Relaxed);
        (micros != NONE).then(|| Duration::from_micros(micros))
    }
}

/// Answers "overloaded" to whoever has waited so long that they have gone or ask again: what is
/// taken out here was never begun. Keeps the rest.
pub(super) fn turn_away(env: &Env, least_wait: &LeastWait, batch: &mut Vec<Waiting>) {
    let now = env.now();
    let mut least = NONE;
    let mut stays = |waiting: &Waiting| {
        let age = now.duration_since(waiting.since);
        least = least.min(u64::try_from(age.as_micros()).unwrap_or(0));
        age <= limits::LANE_WAIT_MAX || !waiting.command.has_somebody_waiting()
    };
    let late: Vec<Waiting> = batch.extract_if(.., |waiting| !stays(waiting)).collect();
    least_wait.0.fetch_min(least, Ordering::Relaxed);
    if late.is_empty() {
        return;
    }
    tracing::warn!(commands = late.len(), "commands waited too long and were put off");
    for waiting in late {
        // Whoever asked may have gone.
        let _ = waiting.to.send(Err(Fault::Overloaded));
    }
}

#[cfg(test)]
mod tests {
    use kernel::{CartId, OrderId, SignedDuration, Timestamp, Uuid};
    use tokio::sync::oneshot;

    use super::*;
    use crate::lane::Command;

    #[test]
    fn whoever_waited_too_long_is_answered_and_never_served() {
        let (env, clock) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let least_wait = LeastWait::default();
        let (mut batch, mut answers) = (Vec::new(), Vec::new());
        let cart = Command::Clear { cart: CartId(Uuid::nil()) };
        let expiry = Command::Expire { order: OrderId(Uuid::nil()) };
        for (command, age_ms) in [(&cart, 501), (&cart, 500), (&expiry, 60_000), (&cart, 9_000)] {
            let since = env.now() - SignedDuration::from_millis(age_ms);
            let (to, answer) = oneshot::channel();
            batch.push(Waiting { command: command.clone(), since, to });
            answers.push(answer);
        }
        turn_away(&env, &least_wait, &mut batch);
        let put_off = |answer: &mut oneshot::Receiver<_>| {
            matches!(answer.try_recv(), Ok(Err(Fault::Overloaded)))
        };
        let put_off: Vec<bool> = answers.iter_mut().map(put_off).collect();
        assert_eq!(put_off, [true, false, false, true]);
        assert_eq!(batch.len(), 2);
        assert_eq!(least_wait.take(), Some(Duration::from_millis(500)));
        assert_eq!(least_wait.take(), None, "nothing was taken since");
        // A clock that was set back makes nobody old.
        clock.advance(SignedDuration::from_hours(-1));
        turn_away(&env, &least_wait, &mut batch);
        assert_eq!((batch.len(), least_wait.take()), (2, Some(Duration::ZERO)));
    }
}
