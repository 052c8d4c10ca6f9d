//! Order numbers: unique, short enough to read out, not guessable, silent about volume.

use kernel::{OrderId, Timestamp};
use sha2::{Digest, Sha256};

/// Crockford's base 32: no I, L, O or U, so that nothing is misread or misheard.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number of the order with this id: `7QK-2M9-XRT`.
///
/// The first three letters count hundredths of a second, so that numbers made together lie
/// together in the index (a random place for each would dirty a page for each); they come round
/// every five and a half minutes and tell nobody how many orders there are. The other six are 30
/// bits of a hash of the id, which holds 74 random bits. Two orders of one moment may meet; then
/// the unique index refuses the second, and `again` (0, 1, …) gives it another.
pub fn number(id: OrderId, placed_at: Timestamp, again: u8) -> String {
    let moment = placed_at.as_millisecond().div_euclid(10).rem_euclid(1 << 15);
    let hash = Sha256::new().chain_update(id.0).chain_update([again]).finalize();
    let random = hash.iter().take(4).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let bits = (u64::try_from(moment).unwrap_or(0) << 30) | (random & ((1 << 30) - 1));
    let mut text = String::with_capacity(11);
    for place in (0..9).rev() {
        text.push(char::from(LETTERS[usize::try_from(bits >> (place * 5) & 31).unwrap_or(0)]));
        if place == 6 || place == 3 {
            text.push('-');
        }
    }
    text
}

/// Whether a text has the form of a number.
pub fn is_number(text: &str) -> bool {
    text.len() == 11
        && text.bytes().enumerate().all(|(index, byte)| match index {
            3 | 7 => byte == b'-',
            _ => LETTERS.contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Env;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_short_distinct_and_silent() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (env, _) = Env::manual(start, 1);
        let numbers: HashSet<String> =
            (0..10_000).map(|_| number(env.id(), env.now(), 0)).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(numbers.iter().all(|number| is_number(number)));
        let id = env.id();
        assert_ne!(number(id, start, 0), number(id, start, 1));
        assert!(!is_number("7QK-2M9-XRO") && !is_number("7QK2M9XRT"));
    }
}
