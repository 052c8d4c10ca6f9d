//! Sees the request that a plan waits for.

use crate::postgres::Reader;
use crate::{Fate, Plan, Shared, What, lock};

/// Bytes of the text before that are kept, so that what is cut in two is seen.
const TAIL: usize = 256;

/// The eyes on one connection's way up.
#[derive(Default)]
pub(crate) struct Spot {
    reader: Reader,
    tail: Vec<u8>,
}

/// A plan that has struck.
pub(crate) struct Struck {
    pub(crate) fate: Fate,
    pub(crate) what: What,
}

impl Spot {
    /// Looks at what goes by; gives the plan when it strikes here, and it is used up.
    pub(crate) fn look(&mut self, shared: &Shared, bytes: &[u8]) -> Option<Struck> {
        // Always, or the reader would lose its place among the messages.
        let commits = self.reader.feed(bytes);
        let mut planned = lock(&shared.plan);
        let plan = planned.as_mut()?;
        let seen = match &plan.what {
            What::Commit => commits,
            What::Text(text) => self.occurrences(text, bytes),
        };
        if seen < plan.left {
            plan.left -= seen;
            return None;
        }
        planned.take().map(|Plan { what, fate, .. }| Struck { fate, what })
    }

    /// How often the text ends in these bytes; it may have begun in those before.
    fn occurrences(&mut self, text: &[u8], bytes: &[u8]) -> u64 {
        let old = self.tail.len();
        self.tail.extend_from_slice(bytes);
        let ends = |start: usize| start + text.len() > old;
        let windows = self.tail.windows(text.len().max(1)).enumerate();
        let seen = windows.filter(|(start, window)| *window == text && ends(*start)).count();
        let kept = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..kept);
        seen as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_text_is_seen_also_in_two_pieces() {
        let shared = Shared::default();
        let text = What::Text(b"POST /refunds".to_vec());
        *lock(&shared.plan) = Some(Plan { what: text, left: 3, fate: Fate::NeverDelivered });
        let mut spot = Spot::default();
        assert!(spot.look(&shared, b"POST /refunds\r\n\r\nPOST /ref").is_none());
        assert!(spot.look(&shared, b"unds\r\n").is_none());
        assert!(spot.look(&shared, b"POST /payments").is_none());
        assert!(spot.look(&shared, b"POST /refunds").is_some());
        assert!(spot.look(&shared, b"POST /refunds").is_none(), "once");
    }
}
