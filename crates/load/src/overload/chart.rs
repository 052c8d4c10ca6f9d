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

fn write(outcome: &Outcome, out: &mut String) -> std::fmt::Result {
    let peak = outcome.peak();
    let step = tick(peak * 1.15 / 5.0);
    let top = (peak * 1.1 / step).ceil() * step;
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * (value / top).min(1.0);
    let times: Vec<f64> = outcome.steps.iter().map(|step| step.times).collect();
    let least = times.iter().copied().fold(f64::MAX, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max).max(least * 1.01);
    let x = |times: f64| {
        LEFT + 24.0 + (RIGHT - LEFT - 48.0) * (times / least).ln() / (most / least).ln()
    };
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" fill=\"#1f2933\" role=\"img\">"
    )?;
    writeln!(
        out,
        "<title>Goodput of a shop that is offered more visitors than it can serve</title>"
    )?;
    writeln!(out, "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>")?;
    writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"28\" font-size=\"16\" font-weight=\"600\">Visits that end paid \
         within 5 s, by what is offered</text>"
    )?;
    let engine = if outcome.engine == "sqlite" { "SQLite" } else { "PostgreSQL" };
    writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"48\" fill=\"#616e7c\">{engine}, shop held to {} % of a core; \
         capacity {:.0} visits/s</text>",
        outcome.cpu, outcome.capacity
    )?;
    let mut value = 0.0;
    while value <= top + step / 2.0 {
        let at = y(value);
        writeln!(out, "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"#e4e7eb\"/>")?;
        let (label_x, label_y) = (LEFT - 8.0, at + 4.5);
        writeln!(
            out,
            "<text x=\"{label_x}\" y=\"{label_y:.1}\" text-anchor=\"end\">{value:.0}</text>"
        )?;
        value += step;
    }
    for times in &times {
        let (at, label_y) = (x(*times), BOTTOM + 20.0);
        writeln!(out, "<path d=\"M{at:.1} {BOTTOM}v5\" stroke=\"#1f2933\"/>")?;
        writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{label_y}\" text-anchor=\"middle\">{times} ×</text>"
        )?;
    }
    writeln!(out, "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#1f2933\"/>")?;
    let bar = y(peak * 0.9);
    writeln!(
        out,
        "<path d=\"M{LEFT} {bar:.1}H{RIGHT}\" stroke=\"#cf6f12\" stroke-dasharray=\"6 5\"/>\n\
         <text x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#a3560b\">90 % of the peak</text>",
        bar + 18.0
    )?;
    let points: Vec<(f64, f64)> =
        outcome.steps.iter().map(|step| (x(step.times), y(step.goodput()))).collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1d6fb8\" stroke-width=\"2.5\"/>",
        line.join(" ")
    )?;
    for ((x, y), step) in points.iter().zip(&outcome.steps) {
        writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1d6fb8\"/>")?;
        let label_y = y - 10.0;
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{label_y:.1}\" text-anchor=\"middle\" font-weight=\"600\" \
             fill=\"#14507f\">{:.0}</text>",
            step.goodput()
        )?;
    }
    let (middle_x, middle_y) = (f64::midpoint(LEFT, RIGHT), f64::midpoint(TOP, BOTTOM));
    writeln!(
        out,
        "<text x=\"{middle_x}\" y=\"418\" text-anchor=\"middle\">visitors offered, in times of \
         the capacity (logarithmic)</text>\n\
         <text transform=\"translate(20 {middle_y}) rotate(-90)\" text-anchor=\"middle\">paid \
         visits a second</text>\n</svg>"
    )
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
