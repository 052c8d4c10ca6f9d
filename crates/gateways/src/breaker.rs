//! A provider that does not answer is left alone for a while: a payer who would only wait for it
//! is told at once to pay another way, and its recovery is not drowned in our calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Calls in a row without an answer.
const MISSES_MAX: u32 = 10;
/// So long nothing is sent; then one call finds out.
const PAUSE: Duration = Duration::from_secs(5);

/// Counts what is not answered.
#[derive(Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    misses: u32,
    /// When the next call may be tried, once there were too many.
    next: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be sent. While the provider is left alone, one call may in each pause.
    pub(crate) fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next {
            Some(next) if now < next => false,
            Some(_) => {
                state.next = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// What became of a call that was sent.
    pub(crate) fn heard(&self, now: Instant, answered: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *state = State::default();
            return;
        }
        state.misses = state.misses.saturating_add(1);
        if state.misses >= MISSES_MAX {
            state.next = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p29_a_silent_provider_is_left_alone_and_tried_again() {
        let breaker = Breaker::default();
        let begun = Instant::now();
        for _ in 0..MISSES_MAX {
            assert!(breaker.lets_through(begun));
            breaker.heard(begun, false);
        }
        assert!(!breaker.lets_through(begun), "it has not answered {MISSES_MAX} times");
        assert!(!breaker.lets_through(begun + PAUSE / 2));
        let later = begun + PAUSE;
        assert!(breaker.lets_through(later), "somebody finds out");
        assert!(!breaker.lets_through(later), "one is enough");
        breaker.heard(later, false);
        assert!(!breaker.lets_through(later + PAUSE / 2));
        let later = later + PAUSE;
        assert!(breaker.lets_through(later));
        breaker.heard(later, true);
        assert!(breaker.lets_through(later) && breaker.lets_through(later));
    }

    #[test]
    fn one_answer_forgives_what_came_before() {
        let breaker = Breaker::default();
        for turn in 1..100 {
            breaker.heard(Instant::now(), turn % MISSES_MAX == 0);
            assert!(breaker.lets_through(Instant::now()), "{turn}");
        }
    }
}
