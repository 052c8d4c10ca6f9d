//! The report as programs read it: one line of JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::{Kills, Report};
use crate::stats::Figures;
use crate::usage::machine;

/// Rates are a second, `_ms` milliseconds, CPU shares are of one core.
#[derive(Serialize)]
struct Line<'a> {
    scenario: &'a str,
    engine: &'a str,
    placed: u64,
    refused: u64,
    overloaded: u64,
    errors: u64,
    /// Null when there was no database to verify.
    violations: Option<u64>,
    /// Invariants that were checked.
    checked: Option<u64>,
    /// Acknowledged orders that were not there when asked for again.
    missing: usize,
    orders_per_s: f64,
    requests_per_s: f64,
    /// Which request the percentiles after it are of.
    operation: Option<&'a str>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    generator_cpu: f64,
    generator_us_per_request: f64,
    server_cpu: Option<f64>,
    server_us_per_request: Option<f64>,
    server_rss_peak_bytes: Option<u64>,
    server_start_ms: Option<f64>,
    requests: u64,
    seconds: f64,
    warmup_s: f64,
    r#loop: &'a str,
    offered_per_s: Option<f64>,
    /// Arrivals given up because the shop was too far behind.
    unsent: u64,
    connections: u32,
    misbehaved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pages: BTreeMap<&'a str, Page>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kill: Option<KillLine>,
    /// Why the run ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<&'a str>,
    /// How often each crash point was struck.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    points: BTreeMap<&'a str, u32>,
    operations: BTreeMap<&'a str, Figures>,
    disk: Option<&'a str>,
    machine: String,
    seed: u64,
}

#[derive(Serialize)]
struct Page {
    per_s: f64,
    of_baseline: Option<f64>,
    server_us_per_request: Option<f64>,
}

#[derive(Serialize)]
struct KillLine {
    rounds: u32,
    kills: u32,
    acknowledged: u64,
    in_doubt: u64,
    resolved: u64,
    cut_off: u64,
    slowest_restart_ms: f64,
}

impl Report {
    /// Everything in one line of JSON, without a line break.
    pub fn json_line(&self) -> anyhow::Result<String> {
        let headline = self.headline();
        let line = Line {
            scenario: self.scenario,
            engine: self.engine,
            placed: self.book.placed,
            refused: self.book.refused,
            overloaded: self.book.overloaded,
            errors: self.book.errors,
            violations: self.violations,
            checked: self.checked,
            missing: self.missing.len(),
            orders_per_s: rounded(self.per_second(self.book.placed)),
            requests_per_s: rounded(self.per_second(self.book.requests)),
            operation: headline.map(|(op, _)| op.name()),
            p50_ms: headline.map(|(_, figures)| figures.p50_ms),
            p99_ms: headline.map(|(_, figures)| figures.p99_ms),
            generator_cpu: rounded(self.generator.share()),
            generator_us_per_request: rounded(self.generator_us_per_request()),
            server_cpu: self.server.map(|used| rounded(used.share())),
            server_us_per_request: self.server_us_per_request().map(rounded),
            server_rss_peak_bytes: self.rss_peak_bytes,
            server_start_ms: self.start.map(|start| rounded(start.as_secs_f64() * 1e3)),
            requests: self.book.requests,
            seconds: rounded(self.elapsed.as_secs_f64()),
            warmup_s: rounded(self.warmup.as_secs_f64()),
            r#loop: self.pace,
            offered_per_s: self.offered_per_s,
            unsent: self.unsent,
            connections: self.connections,
            misbehaved: self.book.misbehaved,
            left: self.left,
            pages: self.page_rates(),
            kill: self.kills.as_ref().map(|kills| self.kill_line(kills)),
            broken: self.broken.as_deref(),
            points: self
                .points
                .iter()
                .map(|share| (share.point.name.as_str(), share.struck))
                .collect(),
            operations: self.figures().into_iter().map(|(op, of)| (op.name(), of)).collect(),
            disk: self.disk.as_deref(),
            machine: machine(),
            seed: self.seed,
        };
        Ok(serde_json::to_string(&line)?)
    }

    fn page_rates(&self) -> BTreeMap<&str, Page> {
        let baseline = self.baseline_per_s();
        let pages = self.pages.iter().map(|rate| {
            let of_baseline = baseline.map(|baseline| rounded(rate.per_s / baseline));
            let server_us_per_request = rate.server_us.map(rounded);
            (rate.page, Page { per_s: rounded(rate.per_s), of_baseline, server_us_per_request })
        });
        pages.collect()
    }

    fn kill_line(&self, kills: &Kills) -> KillLine {
        KillLine {
            rounds: kills.rounds,
            kills: kills.done,
            acknowledged: kills.acknowledged,
            in_doubt: kills.in_doubt,
            resolved: kills.resolved,
            cut_off: self.book.cut_off,
            slowest_restart_ms: rounded(kills.slowest_restart_ms),
        }
    }
}

/// Three decimals are more than any of these figures is worth.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
