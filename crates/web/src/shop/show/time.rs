//! Times, in UTC until a shop or a buyer can say where they are.

use std::fmt;

use askama::filters::HtmlSafe;
use kernel::{SignedDuration, Timestamp};

/// A time on a page.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    at: Timestamp,
    form: &'static str,
}

/// Day and time: `20 Nov 2026, 10:42`.
pub(crate) fn moment(at: Timestamp) -> Time {
    Time { at, form: "%-d %b %Y, %H:%M" }
}

/// The time of a day: `12:20 UTC`. It names its zone, because somebody will look at a clock.
pub(crate) fn clock(at: Timestamp) -> Time {
    Time { at, form: "%H:%M UTC" }
}

impl HtmlSafe for Time {}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.at.strftime("%Y-%m-%dT%H:%M:%SZ");
        write!(f, r#"<time datetime="{exact}">{}</time>"#, self.at.strftime(self.form))
    }
}

/// How long something goes on, in whole minutes, never less than one: `14 minutes`.
pub(crate) fn span(by: SignedDuration) -> String {
    let minutes = by.as_mins().max(1);
    super::count(minutes, "minute", "minutes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people_and_for_machines() {
        let at: Timestamp = "2026-11-20T10:42:07.5Z".parse().unwrap();
        assert_eq!(
            moment(at).to_string(),
            r#"<time datetime="2026-11-20T10:42:07Z">20 Nov 2026, 10:42</time>"#
        );
        let early: Timestamp = "2026-03-05T04:05:00Z".parse().unwrap();
        assert_eq!(
            moment(early).to_string(),
            r#"<time datetime="2026-03-05T04:05:00Z">5 Mar 2026, 04:05</time>"#
        );
        assert!(clock(at).to_string().ends_with(">10:42 UTC</time>"));
    }

    #[test]
    fn spans_are_whole_minutes() {
        let cases = [
            (0, "1 minute"),
            (-90, "1 minute"),
            (119, "1 minute"),
            (120, "2 minutes"),
            (900, "15 minutes"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
        }
    }
}
