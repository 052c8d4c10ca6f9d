//! How often a gateway is asked about what is under way.

use kernel::planted::{self, Bug};
use kernel::{SignedDuration, Timestamp};

use crate::attempt::Attempt;
use crate::state::AttemptState;

/// A gateway that said an attempt is over is asked once more after so long: longer than the term
/// any gateway gives a payer. Somebody may have paid all the same, and the notice be lost.
const LAST_LOOK: SignedDuration = SignedDuration::from_hours(2);
/// After so long without an end, a person has to look.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Gateways forget idempotency keys after a day. A call whose outcome is not known is made again
/// with its key until shortly before; later only what the gateway says of it counts.
pub const KEY_LIFE: SignedDuration = SignedDuration::from_hours(23);

/// How long to wait after having asked `asked` times while the attempt stands here.
pub fn pause(state: AttemptState, asked: i64) -> SignedDuration {
    match state {
        AttemptState::Submitting if asked < 4 => SignedDuration::from_secs(5_i64 << asked.max(0)),
        // Somebody may be paying this very moment, or have left.
        AttemptState::AwaitingPayer => match asked {
            ..=0 => SignedDuration::from_secs(30),
            1..=3 => SignedDuration::from_mins(asked),
            4..=64 => SignedDuration::from_mins(5),
            _ => SignedDuration::from_hours(1),
        },
        _ => settled(asked),
    }
}

/// A minute for the first hour, then in Fibonacci's steps to an hour.
pub fn settled(asked: i64) -> SignedDuration {
    let (mut now, mut next) = (1_i64, 2_i64);
    for _ in 60..asked.clamp(60, 80) {
        (now, next) = (next, now + next);
    }
    SignedDuration::from_mins(now.min(60))
}

/// How long to wait before a refund is asked about again that was promised at `made` and has been
/// asked about so often. After a week a person looks, and the gateway is asked daily.
pub fn refund(made: Timestamp, asked: i64, now: Timestamp) -> SignedDuration {
    match made.checked_add(PATIENCE) {
        Ok(end) if now < end => settled(asked),
        _ => SignedDuration::from_hours(24),
    }
}

/// How long to wait before a notice about something that we do not know is tried again: in
/// Fibonacci's steps, twenty of which take a little more than a day.
pub fn unmatched(tried: i64) -> SignedDuration {
    let (mut now, mut next) = (1_i64, 1_i64);
    for _ in 0..tried.clamp(0, 11) {
        (now, next) = (next, now + next);
    }
    SignedDuration::from_mins(now)
}

/// When an attempt is looked at that has just come to where it stands.
pub(crate) fn next_of(attempt: &Attempt, now: Timestamp) -> Option<Timestamp> {
    if attempt.review.is_some() {
        return None;
    }
    let after = match attempt.state {
        AttemptState::Captured => return None,
        AttemptState::Canceled if planted::is(Bug::NoLastLook) => return None,
        AttemptState::Canceled => LAST_LOOK,
        // Something is to be done, and at once.
        AttemptState::Authorized
        | AttemptState::Capturing
        | AttemptState::Closing
        | AttemptState::Voiding => SignedDuration::ZERO,
        state => pause(state, 0),
    };
    now.checked_add(after).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_a_refund_is_asked_about_daily_once_it_has_waited_a_week() {
        let made = Timestamp::from_second(1_800_000_000).unwrap();
        let hours = |days: i64| {
            let now = made.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
            refund(made, 500, now).as_secs() / 3600
        };
        assert_eq!([0, 6, 7, 8, 100].map(hours), [1, 1, 24, 24, 24]);
    }

    #[test]
    fn a_payer_is_looked_after_more_often_than_a_bank() {
        let seconds = |state, asked| pause(state, asked).as_secs();
        let payer: Vec<_> = (0..6).map(|n| seconds(AttemptState::AwaitingPayer, n)).collect();
        assert_eq!(payer, [30, 60, 120, 180, 300, 300]);
        let bank: Vec<_> = [0, 1, 59, 60, 61, 62, 63, 64, 68, 80, 9999]
            .map(|n| seconds(AttemptState::Closing, n) / 60)
            .to_vec();
        assert_eq!(bank, [1, 1, 1, 1, 2, 3, 5, 8, 55, 60, 60]);
        let notice: Vec<_> = (0..20).map(|n| unmatched(n).as_secs() / 60).collect();
        assert_eq!(notice[..7], [1, 1, 2, 3, 5, 8, 13]);
        assert_eq!((notice[11], notice[19]), (144, 144));
        assert_eq!(notice.iter().sum::<i64>() / 60, 25, "twenty tries take a day and an hour");
        let asking: Vec<_> = (0..6).map(|n| seconds(AttemptState::Submitting, n)).collect();
        assert_eq!(asking, [5, 10, 20, 40, 60, 60]);
    }
}
