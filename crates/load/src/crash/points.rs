//! The crash points of a shop, as its binary lists them, and in which order they are struck.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::cli::Engine;

/// How to get a shop that has some.
const HOW: &str = "build one that has: cargo build --profile crash -p server --features failpoints";

/// When a point is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Load,
    /// Under load, at a gateway that holds money before it is taken.
    TwoStages,
    Start,
    Stop,
}

/// A place where the process can be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub name: String,
    /// It is struck at the first to this passage.
    pub nth_max: u32,
    pub when: When,
    engine: Option<Engine>,
}

/// What the binary lists.
pub async fn of(binary: &Path) -> anyhow::Result<Vec<Point>> {
    let output = tokio::process::Command::new(binary)
        .arg("points")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("`{}` could not be run", binary.display()))?;
    ensure!(output.status.success(), "`{}` has no crash points; {HOW}", binary.display());
    let listed = String::from_utf8(output.stdout).context("the list of crash points")?;
    let points: Vec<Point> = listed.lines().filter_map(row).collect();
    ensure!(!points.is_empty(), "`{} points` lists none", binary.display());
    Ok(points)
}

/// The shop's binary: the one that was named, or the one that `HOW` makes.
pub fn binary(named: Option<&Path>) -> anyhow::Result<std::path::PathBuf> {
    if let Some(named) = named {
        ensure!(named.is_file(), "there is no `{}`", named.display());
        return Ok(named.to_owned());
    }
    let own = std::env::current_exe().context("where this program is")?;
    let target = own.parent().and_then(Path::parent).context("where this program is")?;
    let usual = target.join("crash/holdfast");
    ensure!(usual.is_file(), "there is no shop at {}; {HOW}", usual.display());
    Ok(usual)
}

/// A row of the table: `` | `name` | words | nth | when, engine | ``.
fn row(line: &str) -> Option<Point> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    let [name, _, nth, when] = cells[..] else { return None };
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    let (when, engine) = when.split_once(", ").map_or((when, None), |(w, e)| (w, Some(e)));
    let when = match when {
        "load" => When::Load,
        "two stages" => When::TwoStages,
        "start" => When::Start,
        "stop" => When::Stop,
        _ => return None,
    };
    let engine = engine.map(|name| match name {
        "sqlite" => Engine::Sqlite,
        _ => Engine::Postgres,
    });
    Some(Point { name: name.to_owned(), nth_max: nth.parse().ok()?, when, engine })
}

/// Those of this engine, or of them the ones that were asked for.
pub fn choose(all: Vec<Point>, engine: Engine, wanted: &[String]) -> anyhow::Result<Vec<Point>> {
    let (here, elsewhere): (Vec<Point>, Vec<Point>) =
        all.into_iter().partition(|point| point.engine.is_none_or(|of| of == engine));
    for name in wanted {
        if elsewhere.iter().any(|point| point.name == *name) {
            bail!("`{name}` is not come by on {}", engine.name());
        }
        if !here.iter().any(|point| point.name == *name) {
            bail!("there is no crash point `{name}` (see docs/crash-points.md)");
        }
    }
    Ok(here.into_iter().filter(|point| wanted.is_empty() || wanted.contains(&point.name)).collect())
}

/// A point's share of the run.
#[derive(Clone, Debug)]
pub struct Share {
    pub point: Point,
    pub struck: u32,
    /// Times in a row that it was not come by in time.
    missed: u32,
}

/// Points in turn; one that was missed comes again after the others.
pub struct Turns {
    waiting: VecDeque<Share>,
    given_up: Vec<Share>,
}

/// A point that is never come by in so many tries is given up.
const MISSED_MAX: u32 = 30;

impl Turns {
    /// Every point once, in a drawn order, before any comes again.
    pub fn new(mut points: Vec<Point>, rng: &mut ChaCha8Rng) -> Self {
        points.shuffle(rng);
        let share = |point| Share { point, struck: 0, missed: 0 };
        Self { waiting: points.into_iter().map(share).collect(), given_up: Vec::new() }
    }

    /// The next point and the passage at which it is struck.
    pub fn next(&mut self, rng: &mut ChaCha8Rng) -> Option<(Share, u32)> {
        let share = self.waiting.pop_front()?;
        // What was too far away is looked for nearer.
        let nth_max = (share.point.nth_max >> share.missed.min(31)).max(1);
        let nth = rng.random_range(1..=nth_max);
        Some((share, nth))
    }

    /// The process ended there.
    pub fn struck(&mut self, mut share: Share) {
        share.struck += 1;
        share.missed = 0;
        self.waiting.push_back(share);
    }

    /// It was not come by in time.
    pub fn missed(&mut self, mut share: Share) {
        share.missed += 1;
        if share.missed == MISSED_MAX {
            self.given_up.push(share);
        } else {
            // Before those that have been struck once more than it, or it would fall behind.
            let at = self.waiting.iter().position(|other| other.struck > share.struck);
            let at = at.unwrap_or(self.waiting.len());
            self.waiting.insert(at, share);
        }
    }

    /// All shares, by name.
    pub fn shares(self) -> Vec<Share> {
        let mut all: Vec<Share> = self.waiting.into_iter().chain(self.given_up).collect();
        all.sort_unstable_by(|one, other| one.point.name.cmp(&other.point.name));
        all
    }
}

impl Share {
    /// It was tried again and again, and never come by.
    pub fn is_given_up(&self) -> bool {
        self.missed == MISSED_MAX
    }
}

/// What arms it for the nth passage.
pub fn arming(name: &str, nth: u32) -> String {
    match nth {
        0 | 1 => format!("{name}=return"),
        nth => format!("{name}={}*off->return", nth - 1),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    const LIST: &str = "\
# Title

| point | the process ends | nth | when |
|---|---|---|---|
| `a.b` | when it does | 3 | load |
| `c.d` | before it does | 1 | start, sqlite |
| `e.f` | and after | 1 | stop, postgres |
| `word` | is none | – | word |
";

    fn listed() -> Vec<Point> {
        LIST.lines().filter_map(row).collect()
    }

    fn names(points: &[Point]) -> Vec<&str> {
        points.iter().map(|point| point.name.as_str()).collect()
    }

    #[test]
    fn the_list_is_read_as_the_binary_prints_it() {
        let points = listed();
        assert_eq!(names(&points), ["a.b", "c.d", "e.f"]);
        assert_eq!((points[0].nth_max, points[0].when), (3, When::Load));
        assert_eq!((points[1].when, points[1].engine), (When::Start, Some(Engine::Sqlite)));
        let own = include_str!("../../../../docs/crash-points.md");
        assert!(own.lines().filter_map(row).count() > 70);
    }

    #[test]
    fn an_engine_has_its_points_and_no_others() {
        let of = |engine, wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
            choose(listed(), engine, &wanted)
        };
        assert_eq!(names(&of(Engine::Sqlite, &[]).unwrap()), ["a.b", "c.d"]);
        assert_eq!(names(&of(Engine::Postgres, &["e.f"]).unwrap()), ["e.f"]);
        assert!(of(Engine::Postgres, &["c.d"]).is_err());
        assert!(of(Engine::Sqlite, &["x.y"]).is_err());
    }

    #[test]
    fn each_point_has_its_turn_and_a_missed_one_another() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut turns = Turns::new(listed(), &mut rng);
        for _ in 0..MISSED_MAX + 3 * 4 {
            let Some((share, nth)) = turns.next(&mut rng) else { break };
            assert!((1..=share.point.nth_max).contains(&nth));
            if share.point.name == "c.d" { turns.missed(share) } else { turns.struck(share) }
        }
        let shares = turns.shares();
        let of = |name| shares.iter().find(|share| share.point.name == name).unwrap();
        assert!(of("c.d").is_given_up() && of("c.d").struck == 0);
        let (one, other) = (of("a.b").struck, of("e.f").struck);
        assert!(one + other == 12 && one.abs_diff(other) <= 1, "{one} {other}");
    }

    #[test]
    fn a_point_is_armed_for_its_passage() {
        assert_eq!(arming("a.b", 1), "a.b=return");
        assert_eq!(arming("a.b", 4), "a.b=3*off->return");
    }
}
