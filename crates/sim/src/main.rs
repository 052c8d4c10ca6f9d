//! placeholder
fn main() {
    let town = std::sync::Arc::new(sim::Town::build("").unwrap());
    let from: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let count: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let begin = std::time::Instant::now();
    let mut ops = 0; let mut steps = 0; let mut bad = std::collections::BTreeMap::new();
    for seed in from..from + count {
        let out = sim::Life::of(seed).live(&town, count == 1);
        ops += out.operations; steps += out.steps;
        for line in &out.trace { println!("{line}"); }
        for v in out.violations { if count == 1 { println!("{v:?}"); } let e = bad.entry(v.rule.clone()).or_insert((0, seed, v.words.clone())); e.0 += 1; }
    }
    let s = begin.elapsed().as_secs_f64();
    println!("{} lives {:.1}/s ops {} steps {}", count, count as f64 / s, ops / count, steps / count);
    for (k, v) in bad { println!("{k}: {v:?}"); }
}
