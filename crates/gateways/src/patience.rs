//! Time for an errand of several calls.

use std::time::Duration;

use kernel::{AttemptId, Env, SignedDuration, Timestamp};

use crate::error::GatewayError;
use crate::listing::TimeWindow;

/// What is left of the time a caller gave.
pub(crate) struct Patience<'e> {
    env: &'e Env,
    until: Timestamp,
}

impl<'e> Patience<'e> {
    /// From now on.
    pub fn new(env: &'e Env, within: Duration) -> Self {
        let span = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        let now = env.now();
        Self { env, until: now.saturating_add(span).unwrap_or(now) }
    }

    /// Time for the next call.
    pub fn left(&self) -> Result<Duration, GatewayError> {
        let left = self.until.duration_since(self.env.now());
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() => Ok(left),
            _ => Err(GatewayError::Unknown("time ran out between two calls".to_owned())),
        }
    }
}

/// When `attempt` was made: its id tells.
pub(crate) fn made_at(attempt: AttemptId) -> Option<Timestamp> {
    let (seconds, nanos) = attempt.0.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
}

/// When a provider may have opened the payment of `attempt`: from a little before we thought of
/// it (clocks differ) to the end of the key's life.
pub(crate) fn when_opened(attempt: AttemptId) -> Option<TimeWindow> {
    let made = made_at(attempt)?;
    let from = made.checked_sub(SignedDuration::from_mins(10)).ok()?;
    let to = made.checked_add(SignedDuration::from_hours(24)).ok()?;
    Some(TimeWindow { from, to })
}
