//! The provider's clock: the one that was handed in, and as wrong as somebody wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use kernel::{Clock, Env, SignedDuration, Timestamp};

struct Wrong {
    right: Arc<dyn Clock>,
    seconds: Arc<AtomicI64>,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let by = SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst));
        let right = self.right.now();
        right.saturating_add(by).unwrap_or(right)
    }
}

/// `env` with a clock that can be set wrong, and how wrong it is, in seconds.
pub(crate) fn with_offset(env: &Env) -> (Env, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(0));
    let clock = Wrong { right: env.clock.clone(), seconds: seconds.clone() };
    (Env { clock: Arc::new(clock), rng: env.rng.clone() }, seconds)
}

/// `2026-01-02T03:04:05.139Z`, as YooKassa writes moments.
pub(crate) fn iso_millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2026-01-02 11:04:05` in Beijing, as Alipay writes moments. China has had one offset since
/// 1991 and no summer time.
pub(crate) fn beijing(at: Timestamp) -> String {
    let there = at + SignedDuration::from_hours(8);
    there.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads what [`beijing`] writes.
pub(crate) fn from_beijing(text: &str) -> Option<Timestamp> {
    let there = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    let there = there.to_zoned(TimeZone::UTC).ok()?.timestamp();
    there.checked_sub(SignedDuration::from_hours(8)).ok()
}

/// `Fri, 02 Jan 2026 03:04:05 GMT`, for the header `Date`.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_each_provider_does() {
        let at: Timestamp = "2026-01-02T03:04:05.139Z".parse().unwrap();
        assert_eq!(iso_millis(at), "2026-01-02T03:04:05.139Z");
        assert_eq!(beijing(at), "2026-01-02 11:04:05");
        assert_eq!(http_date(at), "Fri, 02 Jan 2026 03:04:05 GMT");
        let second: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(from_beijing("2026-01-02 11:04:05"), Some(second));
        assert_eq!(from_beijing("2026-01-02T11:04:05"), None);
        assert_eq!(from_beijing("2026-02-30 11:04:05"), None);
    }
}
