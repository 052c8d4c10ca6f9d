//! The report as people read it.

use std::fmt::{self, Write as _};

use crate::report::{GENERATOR_SHARE_MAX, Report};
use crate::stats::Op;
use crate::usage::machine;

impl Report {
    /// The table, with a line break at its end.
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let pace = match self.offered_per_s {
            Some(rate) => format!("{} loop, {rate:.0} arrivals/s offered", self.pace),
            None => format!("{} loop", self.pace),
        };
        writeln!(out, "{} on {}", self.scenario, self.engine)?;
        let (connections, seed) = (self.connections, self.seed);
        writeln!(out, "  {pace}, {connections} connections, seed {seed}")?;
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        if self.warmup.is_zero() {
            writeln!(out, "  no warm-up")?;
        } else {
            let (seconds, turns) = (self.warmup.as_secs_f64(), self.book.warmup_turns);
            writeln!(out, "  warm-up {seconds:.1} s ({turns} turns), not counted")?;
        }
        self.write_outcome(out)?;
        self.write_latencies(out)?;
        self.write_pages(out)?;
        self.write_machine(out)
    }

    fn write_outcome(&self, out: &mut String) -> fmt::Result {
        let book = &self.book;
        writeln!(out)?;
        write!(out, "  placed {}   refused {}   ", book.placed, book.refused)?;
        write!(out, "overloaded {}   errors {}   ", book.overloaded, book.errors)?;
        match (self.violations, self.checked) {
            (Some(violations), Some(checked)) => {
                writeln!(out, "violations {violations} of {checked} invariants")?;
            }
            _ => writeln!(out, "not verified (no --database)")?,
        }
        let (orders, requests) = (self.per_second(book.placed), self.per_second(book.requests));
        let seconds = self.elapsed.as_secs_f64();
        writeln!(out, "  {orders:.0} orders/s, {requests:.0} requests/s over {seconds:.2} s")?;
        if let Some(left) = self.left {
            writeln!(out, "  {left} left in stock")?;
        }
        if self.unsent > 0 {
            writeln!(out, "  {} arrivals given up: the shop was too far behind", self.unsent)?;
        }
        if book.misbehaved > 0 {
            writeln!(out, "  {} buyers misbehaved on purpose", book.misbehaved)?;
        }
        if let Some(kills) = &self.kills {
            let (rounds, count) = (kills.rounds, kills.done);
            let (acknowledged, missing) = (kills.acknowledged, self.missing.len());
            writeln!(
                out,
                "  {rounds} rounds, {count} kills, slowest restart {:.0} ms",
                kills.slowest_restart_ms
            )?;
            writeln!(out, "  {acknowledged} acknowledged orders, {missing} missing")?;
            let (cut_off, in_doubt, resolved) = (book.cut_off, kills.in_doubt, kills.resolved);
            writeln!(
                out,
                "  {cut_off} requests cut off, {in_doubt} of them orders; sent again, {resolved} \
                 of these became orders or were orders already"
            )?;
        } else if !self.missing.is_empty() {
            writeln!(out, "  {} acknowledged orders missing", self.missing.len())?;
        }
        self.write_points(out)
    }

    fn write_points(&self, out: &mut String) -> fmt::Result {
        if self.points.is_empty() {
            return Ok(());
        }
        let struck = self.points.iter().filter(|share| share.struck > 0).count();
        writeln!(out, "  {struck} of {} crash points struck", self.points.len())?;
        let not_yet = self.points.iter().filter(|share| share.struck == 0);
        let names: Vec<&str> = not_yet.map(|share| share.point.name.as_str()).collect();
        if !names.is_empty() {
            writeln!(out, "  not struck: {}", names.join(", "))?;
        }
        Ok(())
    }

    fn write_latencies(&self, out: &mut String) -> fmt::Result {
        writeln!(out)?;
        writeln!(
            out,
            "  {:<9}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "ms", "count", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for (op, figures) in self.figures() {
            write!(out, "  {:<9}{:>10}", op.name(), figures.count)?;
            for value in
                [figures.p50_ms, figures.p90_ms, figures.p99_ms, figures.p999_ms, figures.max_ms]
            {
                write!(out, "{value:>10.3}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_pages(&self, out: &mut String) -> fmt::Result {
        if self.pages.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        for rate in &self.pages {
            write!(out, "  {:<9}{:>10.0} requests/s", rate.page, rate.per_s)?;
            if let Some(micros) = rate.server_us {
                write!(out, ", {micros:.1} us CPU of the shop each")?;
            }
            match self.baseline_per_s() {
                Some(baseline) if rate.page != Op::Baseline.name() => {
                    writeln!(out, ", {:.2} of the baseline", rate.per_s / baseline)?;
                }
                _ => writeln!(out)?,
            }
        }
        Ok(())
    }

    fn write_machine(&self, out: &mut String) -> fmt::Result {
        writeln!(out)?;
        writeln!(out, "  {}, shared by generator and shop", machine())?;
        let (share, micros) = (self.generator.share(), self.generator_us_per_request());
        writeln!(out, "  generator {share:.2} of a core, {micros:.1} us CPU a request")?;
        if self.pace != "closed" && share > GENERATOR_SHARE_MAX {
            writeln!(out, "  WARNING: the generator was busy; latencies may be its own")?;
        }
        if let Some(server) = self.server {
            let whose = if self.engine == "postgres" { "shop without PostgreSQL" } else { "shop" };
            write!(out, "  {whose} {:.2} of a core", server.share())?;
            if let Some(micros) = self.server_us_per_request() {
                write!(out, ", {micros:.1} us CPU a request")?;
            }
            if let Some(bytes) = self.rss_peak_bytes {
                write!(out, ", {} MB resident at its peak", bytes / 1_000_000)?;
            }
            writeln!(out)?;
        }
        if let Some(start) = self.start {
            writeln!(out, "  first answer {:.0} ms after its start", start.as_secs_f64() * 1e3)?;
        }
        if let Some(disk) = &self.disk {
            writeln!(out, "  throw-away database on {disk}, full durability")?;
            if disk == "tmpfs" {
                writeln!(out, "  WARNING: on tmpfs durability costs nothing; see --dir")?;
            }
        }
        Ok(())
    }
}
