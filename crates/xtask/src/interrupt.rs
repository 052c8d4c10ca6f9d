//! Ctrl-C and the polite ways to end a process, as a fact that waiting code looks at.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The exit code of a command that was interrupted, as shells know it.
pub const EXIT_CODE: u8 = 130;

/// How often a wait looks whether its fact has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Somebody asked this process to stop (SIGINT, SIGTERM or SIGHUP).
#[derive(Debug, PartialEq, Eq)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// The wish to stop, as it arrives.
pub struct Interrupts {
    wishes: Receiver<()>,
}

impl Interrupts {
    /// From here on a signal does not end this process; it ends the next wait instead.
    /// May be called once in a process.
    pub fn listen() -> anyhow::Result<Self> {
        let (sender, wishes) = channel();
        ctrlc::set_handler(move || {
            let _ = sender.send(());
        })
        .context("cannot listen for Ctrl-C, so nothing was started")?;
        Ok(Self { wishes })
    }

    /// Asks `look` until it answers, or somebody interrupts.
    pub fn wait_for<T>(
        &self,
        mut look: impl FnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            match self.wishes.recv_timeout(LOOK_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Err(Interrupted.into()),
            }
        }
    }

    /// Asks `look` until it says yes or `limit` has passed. For the way out, which a further
    /// signal does not cut short.
    pub fn settle(&self, limit: Duration, mut look: impl FnMut() -> bool) -> bool {
        let started = now();
        while !look() {
            if started.elapsed() >= limit {
                return false;
            }
            let _ = self.wishes.recv_timeout(LOOK_EVERY);
        }
        true
    }

    #[cfg(test)]
    pub fn for_tests() -> (std::sync::mpsc::Sender<()>, Self) {
        let (sender, wishes) = channel();
        (sender, Self { wishes })
    }
}

/// The real clock: deadlines for real processes have no other.
#[expect(clippy::disallowed_methods, reason = "nothing here is business code")]
pub fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_it_looked_for() {
        let (_sender, interrupts) = Interrupts::for_tests();
        let mut left = 3;
        let found = interrupts.wait_for(|| {
            left -= 1;
            Ok((left == 0).then_some("here"))
        });
        assert_eq!(found.unwrap(), "here");
    }

    #[test]
    fn a_wait_ends_when_somebody_interrupts() {
        let (sender, interrupts) = Interrupts::for_tests();
        sender.send(()).unwrap();
        let error = interrupts.wait_for::<()>(|| Ok(None)).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Interrupted));
    }

    #[test]
    fn settling_is_bounded() {
        let (sender, interrupts) = Interrupts::for_tests();
        sender.send(()).unwrap();
        assert!(interrupts.settle(Duration::ZERO, || true));
        assert!(!interrupts.settle(Duration::ZERO, || false));
    }
}
