//! Times as Alipay writes them: Beijing, eight hours ahead of UTC all year round, no zone said.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use kernel::{Date, Timestamp};

use crate::listing::TimeWindow;

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
const BEIJING: Offset = Offset::constant(8);

/// `2026-01-02 03:04:05`.
pub(super) fn write(at: Timestamp) -> String {
    at.to_zoned(TimeZone::fixed(BEIJING)).strftime(FORMAT).to_string()
}

/// From when until when a day is there.
pub(super) fn day(day: Date) -> Option<TimeWindow> {
    let start = |day: Date| BEIJING.to_timestamp(day.at(0, 0, 0, 0)).ok();
    Some(TimeWindow { from: start(day)?, to: start(day.tomorrow().ok()?)? })
}

/// The moment that `text` says.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let there = DateTime::strptime(FORMAT, text).ok()?;
    BEIJING.to_timestamp(there).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p21_times_are_eight_hours_ahead() {
        let at = "2026-01-01T19:04:05Z".parse().unwrap();
        assert_eq!(write(at), "2026-01-02 03:04:05");
        assert_eq!(read("2026-01-02 03:04:05"), Some(at));
        for text in ["", "2026-01-02", "2026-13-02 03:04:05", "2026-01-02T03:04:05"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
