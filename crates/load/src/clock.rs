//! The one place that asks what time it is: measuring is this tool's work.

use std::time::Instant;

/// Now, on the clock that never jumps.
#[expect(clippy::disallowed_methods, reason = "a load tool measures the real clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for what has to be signed with a time.
#[expect(clippy::disallowed_methods, reason = "a forger has a clock of its own")]
pub fn unix_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
