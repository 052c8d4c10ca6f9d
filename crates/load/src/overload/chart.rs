//! The goodput curve as a picture.

use std::fmt::Write as _;

use super::outcome::Outcome;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 440.0;
/// Where the axes meet, and where they end.
const LEFT: f64 = 72.0;
const RIGHT: f64 = 770.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 372.0;

/// An SVG that needs nothing else.
pub fn draw(outcome: &Outcome) -> String {
    let mut picture = String::new();
    // Writing to a string does not fail.
    let _ = write(outcome, &mut picture);
    picture
}

/// Where a figure stands in the picture.
struct Scale {
    /// The fewest and the most times of the capacity.
    times: (f64, f64),
    /// Visits a second at the top.
    top: f64,
}

impl Scale {
    /// Logarithmic.
    fn x(&self, times: f64) -> f64 {
        let (least, most) = self.times;
        LEFT + 24.0 + (RIGHT - LEFT - 48.0) * (times / least).ln() / (most / least).ln()
    }

    fn y(&self, goodput: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (goodput / self.top).min(1.0)
    }
}

fn write(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    let peak = outcome.peak();
    let step = tick(peak * 1.15 / 5.0);
    let times = || outcome.steps.iter().map(|step| step.times);
    let least = times().fold(f64::MAX, f64::min);
    let most = times().fold(0.0, f64::max).max(least * 1.01);
    let scale = Scale { times: (least, most), top: (peak * 1.1 / step).ceil() * step };
    head(outcome, out)?;
    axes(outcome, &scale, step, out)?;
    let bar = scale.y(peak * 0.9);
    writeln!(
        out,
        "<path d=\"M{LEFT} {bar:.1}H{RIGHT}\" stroke=\"#cf6f12\" stroke-dasharray=\"6 5\"/>\n\
         <text x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#a3560b\">90 % of the peak</text>",
        bar + 18.0
    )?;
    curve(outcome, &scale, out)?;
    writeln!(out, "</svg>")
}

fn head(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" fill=\"#1f2933\" role=\"img\">\n\
         <title>Goodput of a shop that is offered more visitors than it can serve</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\" font-weight=\"600\">Visits that end paid \
         within 5 s, by what is offered</text>"
    )?;
    let engine = if outcome.engine == "sqlite" { "SQLite" } else { "PostgreSQL" };
    writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"48\" fill=\"#616e7c\">{engine}, shop held to {} % of a core; \
         capacity {:.0} visits/s</text>",
        outcome.cpu, outcome.capacity
    )
}

fn axes(outcome: &Outcome, scale: &Scale, step: f64, out: &mut String) -> std::fmt::Result {
    let mut value = 0.0;
    while value <= scale.top + step / 2.0 {
        let at = scale.y(value);
        let (label_x, label_y) = (LEFT - 8.0, at + 4.5);
        writeln!(
            out,
            "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#e4e7eb\"/>\n\
             <text x=\"{label_x}\" y=\"{label_y:.1}\" text-anchor=\"end\">{value:.0}</text>"
        )?;
        value += step;
    }
    for times in outcome.steps.iter().map(|step| step.times) {
        let (at, label_y) = (scale.x(times), BOTTOM + 20.0);
        writeln!(
            out,
            "<path d=\"M{at:.1} {BOTTOM}v5\" stroke=\"#1f2933\"/>\n\
             <text x=\"{at:.1}\" y=\"{label_y}\" text-anchor=\"middle\">{times} ×</text>"
        )?;
    }
    let (middle_x, middle_y) = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
    writeln!(
        out,
        "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#1f2933\"/>\n\
         <text x=\"{middle_x}\" y=\"418\" text-anchor=\"middle\">visitors offered, in times of \
         the capacity (logarithmic)</text>\n\
         <text transform=\"translate(20 {middle_y}) rotate(-90)\" text-anchor=\"middle\">paid \
         visits a second</text>"
    )
}

fn curve(outcome: &Outcome, scale: &Scale, out: &mut String) -> std::fmt::Result {
    let points = || outcome.steps.iter().map(|s| (scale.x(s.times), scale.y(s.goodput()), s));
    let line: Vec<String> = points().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
    writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1d6fb8\" stroke-width=\"2.5\"/>",
        line.join(" ")
    )?;
    for (x, y, step) in points() {
        writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1d6fb8\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-weight=\"600\" \
             fill=\"#14507f\">{:.0}</text>",
            y - 10.0,
            step.goodput()
        )?;
    }
    Ok(())
}

/// The next round step: 1, 2 or 5 times a power of ten.
fn tick(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= wanted).unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::tick;

    #[test]
    fn steps_are_round() {
        for (wanted, step) in [(1.0, 1.0), (3.0, 5.0), (41.0, 50.0), (0.13, 0.2), (700.0, 1000.0)] {
            assert!((tick(wanted) - step).abs() < 1e-9, "{wanted}: {}", tick(wanted));
        }
    }
}
