//! Dice that a seed decides.

use std::ops::RangeInclusive;

use kernel::SignedDuration;
use rand::{Rng as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The same throws for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Dice for `purpose` in the life of `seed`: what one purpose throws does not change what
    /// another one does.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(purpose);
        Self(dice)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 up to `end`, without it; 0 when `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        // A remainder is uneven by less than 2^-40 for the small ends of a life.
        usize::try_from(self.number() % end).unwrap_or(0)
    }

    /// A number of the range.
    pub fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (start, end) = range.into_inner();
        let width = usize::try_from(end - start + 1).unwrap_or(1);
        start + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True this many times in a thousand.
    pub fn chance(&mut self, in_a_thousand: usize) -> bool {
        self.below(1000) < in_a_thousand
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of these, each as often as its weight says.
    pub fn weigh<T: Copy>(&mut self, of: &[(usize, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, it) in of {
            if left < *weight {
                return *it;
            }
            left -= weight;
        }
        of[0].1
    }

    /// A time of the range, to the millisecond.
    pub fn seconds(&mut self, range: RangeInclusive<i64>) -> SignedDuration {
        let (start, end) = range.into_inner();
        SignedDuration::from_millis(self.between(start * 1000..=end * 1000))
    }
}
