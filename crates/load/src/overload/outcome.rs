//! What a storm came to, and whether that is good.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::crowd::Tally;
use crate::report::decimal;
use crate::usage::machine;

/// Goodput in the worst storm, in parts of the best there was.
const GOODPUT_MIN: f64 = 0.9;
const REFUSAL_P99_MAX_MS: f64 = 50.0;
const RECOVERY_MAX_S: usize = 5;
/// A second after the storm is as it should be when so many of its visitors are served.
const RECOVERED: f64 = 0.95;
const RSS_MAX: u64 = 512 << 20;
/// Memory in the worst storm, in parts of what it is at capacity.
const RSS_GROWTH_MAX: f64 = 1.5;
/// Above this share of a core the generator itself may be what was measured.
const GENERATOR_MAX: f64 = 0.9;

/// One rate of arrivals.
#[derive(Debug)]
pub struct Step {
    pub times: f64,
    /// Visitors a second.
    pub offered: f64,
    pub begun: Instant,
    pub lasts: Duration,
    pub tally: Tally,
    /// The longest that anybody waited for a refusal before the figures begin.
    pub onset_refusal_ms: f64,
    pub rss: u64,
    pub shop_cpu: Option<f64>,
    pub generator_cpu: Option<f64>,
}

impl Step {
    /// Visits a second that ended well.
    pub fn goodput(&self) -> f64 {
        self.tally.per_second(self.lasts)
    }
}

/// Everything.
#[derive(Debug)]
pub struct Outcome {
    pub engine: &'static str,
    pub cpu: u32,
    pub quota: String,
    pub retry: bool,
    pub seed: u64,
    /// Visits a second, closed loop.
    pub capacity: f64,
    pub steps: Vec<Step>,
    /// After another storm, without a pause.
    pub calm: Step,
    /// Forged notices brought, and refused as too many.
    pub knocks: (u64, u64),
    /// The payment service's own notices, and those refused as too many.
    pub deliveries: (u64, u64),
    pub rss_peak: Option<u64>,
    /// Violations, and invariants checked.
    pub violations: Option<(u64, u64)>,
    pub disk: Option<String>,
    pub samples: Vec<String>,
}

impl Outcome {
    /// The best there was.
    pub fn peak(&self) -> f64 {
        self.steps.iter().map(Step::goodput).fold(self.capacity, f64::max)
    }

    fn worst(&self) -> Option<&Step> {
        self.steps.iter().max_by(|a, b| a.times.total_cmp(&b.times))
    }

    /// Seconds after the storm until a second was as it should be; none when there was none.
    pub fn recovery_s(&self) -> Option<usize> {
        let Step { begun, lasts, tally, .. } = &self.calm;
        let seconds = usize::try_from(lasts.as_secs()).unwrap_or_default();
        let mut served = vec![0_u64; seconds + 1];
        for end in &tally.ends {
            let second = end.saturating_duration_since(*begun).as_secs();
            served[usize::try_from(second).unwrap_or_default().min(seconds)] += 1;
        }
        let wanted = self.calm.offered * RECOVERED;
        served.iter().position(|served| decimal(*served) >= wanted).map(|second| second + 1)
    }

    /// Why it is not good. Where refused visitors come back, the storm is many times what was
    /// offered and lasts as long as they do: how much is served then, and how soon it is over, is
    /// shown and not judged.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut demand = |good: bool, otherwise: String| {
            if !good {
                failures.push(otherwise);
            }
        };
        if let Some(worst) = self.worst().filter(|_| !self.retry) {
            let share = worst.goodput() / self.peak();
            demand(
                share >= GOODPUT_MIN,
                format!("goodput at {} x capacity is {share:.2} of the peak", worst.times),
            );
            let from_one = |step: &&Step| (step.times - 1.0).abs();
            let full = self.steps.iter().min_by(|a, b| from_one(a).total_cmp(&from_one(b)));
            let growth =
                decimal(worst.rss) / decimal(full.map_or(worst.rss, |step| step.rss).max(1));
            demand(growth <= RSS_GROWTH_MAX, format!("memory grew {growth:.2} times"));
        }
        for step in &self.steps {
            let p99 = millis(&step.tally.refusals, 0.99);
            let times = step.times;
            demand(
                p99 <= REFUSAL_P99_MAX_MS,
                format!("refusals at {times} x capacity took {p99:.0} ms (p99)"),
            );
            demand(step.tally.errors == 0, format!("{} errors at {times}", step.tally.errors));
        }
        demand(self.knocks.1 + self.deliveries.1 == 0, "notices were refused".to_owned());
        let recovery = self.recovery_s();
        demand(
            self.retry || recovery.is_some_and(|seconds| seconds <= RECOVERY_MAX_S),
            format!("not as before the storm after {RECOVERY_MAX_S} s: {recovery:?}"),
        );
        demand(self.rss_peak.is_none_or(|peak| peak <= RSS_MAX), "too much memory".to_owned());
        demand(self.violations.is_none_or(|(found, _)| found == 0), "violations".to_owned());
        failures
    }

    /// As people read it.
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        self.write_head(out)?;
        for step in self.steps.iter().chain([&self.calm]) {
            let (tally, seconds) = (&step.tally, step.lasts.as_secs_f64());
            write!(out, "  {:>5}{:>10.0}{:>10.1}", step.times, step.offered, step.goodput())?;
            write!(out, "{:>9.2}", step.goodput() / self.peak())?;
            write!(out, "{:>10.0}", decimal(tally.refused) / seconds)?;
            write!(out, "{:>8}{:>8}", tally.broken_off, tally.late)?;
            write!(out, "{:>11.1}", millis(&tally.refusals, 0.99))?;
            write!(out, "{:>9.1}", step.onset_refusal_ms)?;
            let yes = |quantile| millis(&tally.visits, quantile);
            write!(out, "{:>11.1}{:>11.1}", yes(0.5), yes(0.99))?;
            write!(out, "{:>8}", step.rss / 1_000_000)?;
            let share = |cpu: Option<f64>| cpu.map_or("-".into(), |cpu| format!("{cpu:.2}"));
            writeln!(out, "{:>6}{:>6}", share(step.shop_cpu), share(step.generator_cpu))?;
            if step.generator_cpu.is_some_and(|share| share > GENERATOR_MAX) {
                writeln!(out, "  WARNING: the generator was busy; the figures may be its own")?;
            }
        }
        writeln!(
            out,
            "  (the last line is the {} s right after another storm)",
            self.calm.lasts.as_secs()
        )?;
        writeln!(out)?;
        match self.recovery_s() {
            Some(seconds) => writeln!(out, "  as before the storm within {seconds} s")?,
            None => writeln!(out, "  not as before the storm")?,
        }
        let (knocks, knocked_off) = self.knocks;
        let (deliveries, undelivered) = self.deliveries;
        writeln!(
            out,
            "  notices refused: {undelivered} of {deliveries} from the payment service, \
             {knocked_off} of {knocks} forged ones"
        )?;
        if let Some((violations, checked)) = self.violations {
            writeln!(out, "  violations {violations} of {checked} invariants")?;
        }
        if let Some(peak) = self.rss_peak {
            writeln!(out, "  {} MB resident at its peak", peak / 1_000_000)?;
        }
        let disk = self.disk.as_deref().unwrap_or("unknown");
        writeln!(out, "  {}; database on {disk}, full durability", machine())
    }

    fn write_head(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "overload on {}", self.engine)?;
        writeln!(out, "  the shop has {} ({} %)", self.quota, self.cpu)?;
        if self.engine == "postgres" {
            writeln!(out, "  PostgreSQL is outside of that")?;
        }
        let what = if self.retry { "come back after Retry-After" } else { "go away" };
        writeln!(out, "  open loop, Poisson; refused newcomers {what}; seed {}", self.seed)?;
        writeln!(out, "  {:.0} visits/s with 16 visitors at once: the capacity", self.capacity)?;
        writeln!(out)?;
        writeln!(
            out,
            "  {:>5}{:>10}{:>10}{:>9}{:>10}{:>8}{:>8}{:>11}{:>9}{:>11}{:>11}{:>8}{:>6}{:>6}",
            "x",
            "offered/s",
            "goodput/s",
            "of peak",
            "refused/s",
            "inside",
            "late",
            "no p99 ms",
            "(onset)",
            "yes p50 ms",
            "yes p99 ms",
            "RSS MB",
            "shop",
            "load"
        )
    }

    /// As programs read it.
    pub fn json(&self) -> Value {
        let step = |step: &Step| {
            let tally = &step.tally;
            json!({
                "times": step.times, "offered_per_s": step.offered, "seconds": step.lasts.as_secs_f64(),
                "goodput_per_s": step.goodput(), "of_peak": step.goodput() / self.peak(),
                "came": tally.came, "served": tally.served, "refused": tally.refused,
                "broken_off": tally.broken_off, "late": tally.late, "errors": tally.errors,
                "refusal_p99_ms": millis(&tally.refusals, 0.99),
                "onset_refusal_max_ms": step.onset_refusal_ms,
                "visit_p50_ms": millis(&tally.visits, 0.5),
                "visit_p99_ms": millis(&tally.visits, 0.99),
                "rss_bytes": step.rss, "shop_cpu": step.shop_cpu, "generator_cpu": step.generator_cpu,
            })
        };
        json!({
            "scenario": "overload", "engine": self.engine, "cpu_percent": self.cpu,
            "postgres_in_quota": (self.engine == "postgres").then_some(false),
            "retry": self.retry, "seed": self.seed, "capacity_per_s": self.capacity,
            "peak_per_s": self.peak(), "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "afterwards": step(&self.calm), "recovery_s": self.recovery_s(),
            "notices": { "sent": self.deliveries.0, "refused": self.deliveries.1,
                "forged": self.knocks.0, "forged_refused": self.knocks.1 },
            "violations": self.violations.map(|(found, _)| found),
            "checked": self.violations.map(|(_, checked)| checked),
            "rss_peak_bytes": self.rss_peak, "disk": self.disk, "machine": machine(),
            "failures": self.failures(),
        })
    }
}

/// Of microseconds.
pub fn millis(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    decimal(histogram.value_at_quantile(quantile)) / 1e3
}
