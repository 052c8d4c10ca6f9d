//! The one place that asks what time it is: measuring is this tool's work.

use std::time::Instant;

/// Now, on the clock that never jumps.
#[expect(clippy::disallowed_methods, reason = "a load tool measures the real clock")]
pub fn now() -> Instant {
    Instant::now()
}
