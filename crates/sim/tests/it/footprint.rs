//! Which tables a step touches, read from the text of its statement: enough to tell that two
//! steps cannot get in each other's way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use store::Step;

/// Tables, and whether they are written or locked.
#[derive(Clone, Default, Debug)]
pub struct Footprint {
    reads: BTreeSet<String>,
    writes: BTreeSet<String>,
    /// It has the gateway do something.
    calls: bool,
    /// It asks the gateway how something stands.
    fetches: bool,
    /// It does something that is in no text: it may meet anything.
    unknown: bool,
}

impl Footprint {
    /// What a step touches.
    pub fn of(step: Step) -> Self {
        let (name, writes) = match step {
            // What comes later in a snapshot sees what its beginning saw.
            Step::Looks(_) => return Self { unknown: true, ..Self::default() },
            Step::LooksOn(name) | Step::Asks(name) => (name, false),
            Step::Writes(name) => (name, true),
            Step::Commits => return Self::default(),
            Step::Calls("fetch") => return Self { fetches: true, ..Self::default() },
            Step::Calls(_) => return Self { calls: true, ..Self::default() },
        };
        let Some(texts) = texts().get(name) else {
            return Self { unknown: true, ..Self::default() };
        };
        let mut all = Self::default();
        for text in texts {
            let tables = tables(text);
            if writes || text.contains("for update") {
                all.writes.extend(tables);
            } else {
                all.reads.extend(tables);
            }
        }
        all
    }

    /// Both.
    pub fn add(&mut self, other: &Self) {
        self.reads.extend(other.reads.iter().cloned());
        self.writes.extend(other.writes.iter().cloned());
        self.calls |= other.calls;
        self.fetches |= other.fetches;
    }

    /// Whether the order of the two can be told.
    pub fn meets(&self, other: &Self) -> bool {
        self.unknown
            || self.at_the_gateway(other)
            || self.changes_for(other)
            || other.changes_for(self)
    }

    /// Whether two steps that stand side by side could be told in the other order. What is only
    /// read is another's only from its commit on.
    pub fn depend(one: Step, other: Step) -> bool {
        let (a, b) = (Self::of(one), Self::of(other));
        let writes = |step| matches!(step, Step::Writes(_));
        one == Step::Commits
            || other == Step::Commits
            || a.at_the_gateway(&b)
            || !a.writes.is_disjoint(&b.writes)
            // Behind a write stand others.
            || writes(one) && !b.writes.is_empty()
            || writes(other) && !a.writes.is_empty()
    }

    /// Whether the order of their calls can be told: that of two questions cannot.
    fn at_the_gateway(&self, other: &Self) -> bool {
        self.calls && (other.calls || other.fetches) || self.fetches && other.calls
    }

    /// Whether it writes or locks what the other touches: its commit can be told, too.
    pub fn changes_for(&self, other: &Self) -> bool {
        !self.writes.is_disjoint(&other.writes) || !self.writes.is_disjoint(&other.reads)
    }
}

/// Every text of every statement, by name. Two features may use the same name.
fn texts() -> &'static BTreeMap<&'static str, Vec<&'static str>> {
    static TEXTS: OnceLock<BTreeMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for text in flows::SCHEMAS.iter().flat_map(|schema| schema.statements) {
            all.entry(text.name()).or_default().push(text.postgres());
        }
        all
    })
}

fn tables(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let named = words
        .windows(2)
        .filter(|pair| ["from", "join", "update", "into"].contains(&pair[0]) && pair[1] != "set");
    named.map(|pair| pair[1].to_owned()).collect::<Vec<_>>().into_iter()
}
