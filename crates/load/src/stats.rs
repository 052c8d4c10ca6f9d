//! Latencies of each kind of request.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer answers are counted as this long.
const LATENCY_MAX_US: u64 = 600_000_000;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A quote and the order, from the moment the buyer wanted to start.
    Buy,
    Quote,
    Place,
    List,
    Product,
    Cart,
    Cancel,
    Pay,
    Order,
    Staff,
    Notice,
    Baseline,
}

impl Op {
    /// All, in the order they are reported.
    pub const ALL: [Self; 12] = [
        Self::Buy,
        Self::Quote,
        Self::Place,
        Self::List,
        Self::Product,
        Self::Cart,
        Self::Cancel,
        Self::Pay,
        Self::Order,
        Self::Staff,
        Self::Notice,
        Self::Baseline,
    ];

    /// As it is written in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Quote => "quote",
            Self::Place => "place",
            Self::List => "list",
            Self::Product => "product",
            Self::Cart => "cart",
            Self::Cancel => "cancel",
            Self::Pay => "pay",
            Self::Order => "order",
            Self::Staff => "staff",
            Self::Notice => "notice",
            Self::Baseline => "baseline",
        }
    }
}

/// One histogram for each kind that occurred; microseconds, three significant digits.
#[derive(Debug, Default)]
pub struct Latencies {
    by_op: [Option<Histogram<u64>>; Op::ALL.len()],
}

impl Latencies {
    /// Adds what another stretch recorded.
    pub fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in self.by_op.iter_mut().zip(&other.by_op) {
            match (mine, theirs) {
                (_, None) => {}
                // All have the same bounds, so adding one to another cannot fail.
                (Some(mine), Some(theirs)) => mine.add(theirs).unwrap_or_default(),
                (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
            }
        }
    }

    /// Counts one, from when it was wanted to when it was answered.
    pub fn record(&mut self, op: Op, wanted: Instant, answered: Instant) {
        let latency = answered.saturating_duration_since(wanted);
        let slot = &mut self.by_op[op as usize];
        if slot.is_none() {
            *slot = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).ok();
        }
        if let Some(histogram) = slot {
            histogram.saturating_record(micros(latency));
        }
    }

    /// The figures of one kind; none when it did not occur.
    pub fn figures(&self, op: Op) -> Option<Figures> {
        self.by_op[op as usize].as_ref().map(Figures::of)
    }
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).clamp(1, LATENCY_MAX_US)
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

impl Figures {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: milliseconds(histogram.max()),
        }
    }
}

fn milliseconds(micros: u64) -> f64 {
    // Rounded to what was measured, so that no digits are printed that nobody knows.
    (Duration::from_micros(micros).as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::clock::now;
    use crate::pace::{Arrivals, Limit, Schedule};

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let start = now();
        let mut latencies = Latencies::default();
        for step in 1..=1000_u32 {
            latencies.record(Op::Place, start, start + MS * step);
        }
        let figures = latencies.figures(Op::Place).unwrap();
        assert_eq!(figures.count, 1000);
        for (got, wanted) in [
            (figures.p50_ms, 500.0),
            (figures.p90_ms, 900.0),
            (figures.p99_ms, 990.0),
            (figures.p999_ms, 999.0),
            (figures.max_ms, 1000.0),
        ] {
            assert!((got - wanted).abs() / wanted < 0.002, "{got} instead of {wanted}");
        }
        assert_eq!(latencies.figures(Op::Quote), None);
    }

    #[test]
    fn latencies_out_of_range_are_counted_at_the_edge() {
        let start = now();
        let mut latencies = Latencies::default();
        latencies.record(Op::List, start + MS, start);
        latencies.record(Op::List, start, start + Duration::from_secs(100_000));
        let figures = latencies.figures(Op::List).unwrap();
        assert_eq!(figures.count, 2);
        assert!(figures.p50_ms < 0.01 && figures.max_ms >= 600_000.0);
    }

    /// A shop that answers in a millisecond but stands still for one second: arrivals every
    /// 10 ms for two seconds, one connection. A closed loop would see one slow answer in a
    /// hundred; counted from the intended time, half of the buyers waited.
    #[test]
    fn a_stall_is_not_hidden_by_the_requests_it_held_back() {
        let start = now();
        let limit = Limit { turns: None, duration: Some(MS * 2000) };
        let rng = ChaCha8Rng::seed_from_u64(1);
        let schedule = Schedule::new(100.0, Arrivals::Even, limit, (start, start), rng);
        let (mut honest, mut omitting) = (Latencies::default(), Latencies::default());
        let mut free = start;
        for turn in schedule {
            let sent = turn.intended.max(free);
            let service = if turn.number == 10 { MS * 1000 } else { MS };
            free = sent + service;
            honest.record(Op::Place, turn.intended, free);
            omitting.record(Op::Place, sent, free);
        }
        let (honest, omitting) =
            (honest.figures(Op::Place).unwrap(), omitting.figures(Op::Place).unwrap());
        assert_eq!(honest.count, 200);
        assert!(honest.p90_ms > 700.0, "{honest:?}");
        assert!(honest.p50_ms > 10.0, "{honest:?}");
        assert!(omitting.p90_ms < 2.0, "{omitting:?}");
    }
}
