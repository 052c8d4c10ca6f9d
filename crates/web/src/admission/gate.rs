//! How many of a class may come in: a pure function of how long things wait.
//!
//! The sign of too much work is a *standing* queue: the least delay within a window. A burst that
//! drains within the window is none (`CoDel`: Nichols and Jacobson, "Controlling Queue Delay",
//! ACM Queue 2012; RFC 8289). While the delay stands above a target, a gate lets in
//!
//! ```text
//! rate = mean · (3/2 − delay / (2 · target)),  between 0 and 3/2 · mean
//! ```
//!
//! a second, where `mean` is the rate at which it let people in lately. A shop cannot let in more
//! than it serves for long, so `mean` tends to what the shop can serve, on any machine and for any
//! mix of requests: above the target less is let in than lately, below it more. It is a
//! proportional-integral controller (as PIE, RFC 8033) whose integral part is that mean: it cannot
//! wind up, because what it adds up is what really happened.
//!
//! At three targets of delay a gate is shut, and there the gate of the next class begins: the
//! lowest class is refused first, the next only when refusing the lower one does not help.

use std::time::Duration;

/// Delay at which newcomers begin to be refused: `CoDel`'s 5 ms, and one more because the runtime's
/// own timers come in whole milliseconds. Lower, and a storm leaves too little to be done at one
/// time for the commits it shares; higher, and a refusal takes longer than 50 ms.
pub(super) const TARGET: Duration = Duration::from_millis(6);
/// The next class begins where the one before is shut.
const NEXT_CLASS: u32 = 3;
/// Targets of delay in a row that are no burst any more, whatever the window says.
const STALL: u32 = 5;
/// Over which time the mean forgets. Longer than a visit's own requests take to come, so that
/// what was let in is felt before the mean has followed it.
const MEMORY_S: f64 = 2.0;
/// So long without a queue worth half the target, and nobody needs to be counted any more.
const CALM_S: f64 = 1.0;
/// Somebody comes in every second, or a mean of nothing would stay one.
const RATE_MIN: f64 = 1.0;

/// Whether nobody of a class comes in because somebody waits so long *now* and has not come
/// through: the gate hears of a delay only when it is over, and a storm fills the queues faster
/// than that. While everybody comes in it has to be a longer stall.
pub(super) fn is_shut(place: usize, limited: bool, waits: Duration) -> bool {
    waits > if limited { target(place) * NEXT_CLASS } else { longest_stall(place) }
}

/// What a delay may come to in one go while everybody comes in.
pub(super) fn longest_stall(place: usize) -> Duration {
    target(place) * STALL
}

fn target(place: usize) -> Duration {
    TARGET * NEXT_CLASS.pow(u32::try_from(place).unwrap_or(u32::MAX))
}

/// What happened in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The delay that stood throughout.
    pub standing: Duration,
    /// How many of the class were let in.
    pub let_in: u64,
    /// How long the window was.
    pub over: Duration,
}

/// The gate of one class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    target_s: f64,
    /// Let in a second, lately.
    mean: f64,
    /// None while everybody comes in; else seconds without a queue.
    calm_s: Option<f64>,
}

impl Gate {
    /// Of the class in this place: 0 is refused first.
    pub(super) fn of(place: usize) -> Self {
        Self { target_s: target(place).as_secs_f64(), mean: 0.0, calm_s: None }
    }

    /// What is let in a second from now on; none for everybody.
    pub(super) fn observe(&mut self, seen: &Seen) -> Option<f64> {
        let over_s = seen.over.as_secs_f64().max(1e-3);
        self.remember(seen.let_in, over_s);
        let queue = seen.standing.as_secs_f64() / self.target_s;
        let calm_s = match self.calm_s {
            None if queue <= 1.0 => return None,
            Some(calm_s) if queue < 0.5 => calm_s + over_s,
            _ => 0.0,
        };
        if calm_s >= CALM_S {
            self.calm_s = None;
            return None;
        }
        self.calm_s = Some(calm_s);
        Some(self.mean.max(RATE_MIN) * (1.5 - queue / 2.0).clamp(0.0, 1.5))
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody lets in 2^52 requests in a window")]
    fn remember(&mut self, let_in: u64, over_s: f64) {
        let weight = 1.0 - (-over_s / MEMORY_S).exp();
        self.mean += (let_in as f64 / over_s - self.mean) * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(50);

    /// A delay in hundredths of the target of newcomers.
    fn seen(standing: u32, let_in: u64) -> Seen {
        Seen { standing: TARGET * standing / 100, let_in, over: WINDOW }
    }

    /// A gate of the first class that has let in 100 a second for long.
    fn settled() -> Gate {
        let mut gate = Gate::of(0);
        for _ in 0..400 {
            assert_eq!(gate.observe(&seen(90, 5)), None);
        }
        gate
    }

    #[test]
    fn what_is_let_in_follows_the_delay() {
        for (delay, wanted) in [(110, 95.0), (150, 75.0), (200, 50.0), (300, 0.0), (50_000, 0.0)] {
            let rate = settled().observe(&seen(delay, 5)).unwrap();
            assert!((rate - wanted).abs() < 1.0, "{delay}: {rate}");
        }
    }

    #[test]
    fn a_limited_gate_lets_in_more_when_the_delay_falls_and_opens_when_it_is_gone() {
        let mut gate = settled();
        gate.observe(&seen(200, 5));
        let more = gate.observe(&seen(20, 5)).unwrap();
        assert!(more > 130.0, "{more}");
        let calm = (0..100).position(|_| gate.observe(&seen(20, 5)).is_none());
        assert!(calm.is_some_and(|windows| windows <= 20), "{calm:?}");
    }

    #[test]
    fn each_gate_begins_where_the_one_below_is_shut() {
        let [mut newcomers, mut guests, mut buyers] = [0, 1, 2].map(Gate::of);
        for (delay, wanted) in [
            (100, [false, false, false]),
            (290, [true, false, false]),
            (310, [true, true, false]),
            (910, [true, true, true]),
        ] {
            let gates = [&mut newcomers, &mut guests, &mut buyers];
            let limited = gates.map(|gate| gate.observe(&seen(delay, 5)).is_some());
            assert_eq!(limited, wanted, "{delay}");
            if limited[1] {
                assert_eq!(newcomers.observe(&seen(delay, 5)), Some(0.0));
            }
        }
    }

    /// However long nothing could be let in, it does not take long to come back.
    #[test]
    fn it_does_not_wind_up() {
        let mut gate = settled();
        for _ in 0..1200 {
            assert_eq!(gate.observe(&seen(100_000, 0)), Some(0.0));
        }
        let windows = (0..100).position(|_| gate.observe(&seen(0, 0)).is_none());
        assert!(windows.is_some_and(|windows| windows <= 20), "{windows:?}");
    }
}
