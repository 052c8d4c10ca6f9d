//! Every flow, with its 1st, 2nd, … nth call broken: every statement, every commit and every call
//! of a gateway, before it is made, after it is made, and by a crash on either side of it. There
//! is no chance in it, and nothing is left out.
//!
//! The caller asks again with its key, the process is started again where it died, time goes on a
//! little, the jobs do their work; then everything is as if nothing had ever been broken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use flows::Shop;
use kernel::ManualClock;
use sim::Process;
use store::{Break, Db, EngineKind, Injector};

use crate::everything;
use crate::plays::Play;
use crate::provider::{Provider, Way};
use crate::scene::{self, Stage, process, settle, sound};

/// What a flow comes to: what its caller learns, and the shop afterwards.
type End = (String, String);

/// A stage with a process on it.
struct Set {
    stage: Stage,
    injector: Arc<Injector>,
    db: Db,
    seed: u64,
}

impl Set {
    fn on(stage: Stage) -> Self {
        let injector = Arc::new(Injector::default());
        let db = stage.open(&injector);
        Self { stage, injector, db, seed: 100 }
    }

    async fn begin(&mut self) {
        self.stage.set().await;
        if self.stage.memory().is_some() {
            self.db = self.stage.open(&self.injector);
        }
        self.seed += 1;
    }

    /// The process died: the next one opens what it left.
    fn restart(&mut self) {
        self.db.close();
        self.db = self.stage.open(&self.injector);
    }

    async fn start(&self, provider: &Provider) -> (Process, Arc<ManualClock>) {
        let (env, clock) = self.stage.scene.env(self.seed);
        let shop = Shop::open(self.db.clone(), env, scene::settings()).await.unwrap();
        (process(shop, provider), clock)
    }

    /// Plays it, with its `nth` call broken; `first` lets time do its work before.
    async fn broken(&mut self, play: Play, nth: i64, how: Break, first: bool) -> Case {
        self.begin().await;
        let way = Way::Injector(self.injector.clone());
        let provider = Provider::new(way, self.stage.scene.book.clone());
        let (mut process, mut clock) = self.start(&provider).await;
        if first {
            Play::Sweep.act(&process, &self.stage.scene).await.unwrap();
        }
        self.injector.break_call(nth, how);
        let mut said = play.act(&process, &self.stage.scene).await;
        let died = self.injector.is_down();
        let reached = !self.injector.calm();
        let put_off = reached && said.is_ok();
        if died {
            drop(process);
            self.restart();
            self.seed += 1;
            (process, clock) = self.start(&provider).await;
        }
        // Whoever heard nothing asks again, and so does one who has heard.
        for _ in 0..2 {
            if said.is_err() {
                said = play.act(&process, &self.stage.scene).await;
            }
        }
        let again = play.act(&process, &self.stage.scene).await;
        let said = format!("{said:?}, then {again:?}");
        settle(&process, &|by| clock.advance(by), &self.stage.scene).await;
        let unsound = sound(&process).await.err();
        let end = (said, self.stage.picture(&self.db, &provider).await);
        Case { reached, put_off, end, unsound }
    }

    /// Breaks every call of it, in every way. Gives how many cases there were.
    async fn break_each(&mut self, play: Play, wrong: &Mutex<Vec<String>>) -> usize {
        let note = |line| wrong.lock().unwrap().push(line);
        let Case { end: whole, unsound, .. } = self.broken(play, NEVER, Break::Before, false).await;
        if let Some(report) = unsound {
            note(format!("{play:?}, not broken at all: {report}"));
        }
        // What nobody waits for may be put off: when a gateway is mute, and when the poll has
        // noted its next turn and broken then. Time's work goes first in that case.
        let late = self.broken(play, NEVER, Break::Before, true).await.end;
        let mut cases = 0;
        for nth in 1.. {
            let mut reached = false;
            for how in Break::ALL {
                let case = self.broken(play, nth, how, false).await;
                if !case.reached {
                    continue;
                }
                reached = true;
                cases += 1;
                let put_off = case.put_off || play == Play::Poll;
                if case.end != whole && !(put_off && case.end == late) {
                    let differs = difference(&whole, &case.end);
                    note(format!("{play:?}, call {nth}, {how:?}: {differs}"));
                }
                if let Some(report) = case.unsound {
                    note(format!("{play:?}, call {nth}, {how:?}: {report}"));
                }
            }
            if !reached {
                break;
            }
        }
        cases
    }
}

/// How a play with a broken call went.
struct Case {
    /// It has so many calls.
    reached: bool,
    /// Its caller heard of nothing.
    put_off: bool,
    end: End,
    /// What does not hold that must.
    unsound: Option<String>,
}

/// The number of a call that is never made.
const NEVER: i64 = i64::MAX;

/// The lines of one that are not in the other.
pub fn difference(whole: &End, end: &End) -> String {
    let lines = |(said, after): &End| -> Vec<String> {
        std::iter::once(said.as_str()).chain(after.lines()).map(str::to_owned).collect()
    };
    let (whole, end) = (lines(whole), lines(end));
    let less = whole.iter().filter(|line| !end.contains(line)).map(|line| format!("\n  - {line}"));
    let more = end.iter().filter(|line| !whole.contains(line)).map(|line| format!("\n  + {line}"));
    less.chain(more).collect()
}

/// Where the flows are played.
#[derive(Clone, Copy, Debug)]
enum On {
    Memory,
    File,
    Postgres,
}

fn run(on: On, plays: &[Play]) {
    let left = Mutex::new(plays.to_vec());
    let (counted, wrong) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut set = Set::on(match on {
                On::Memory => Stage::new(EngineKind::Sqlite).await,
                On::File => Stage::in_a_file().await,
                On::Postgres => Stage::new(EngineKind::Postgres).await,
            });
            loop {
                let Some(play) = left.lock().unwrap().pop() else { return };
                let cases = set.break_each(play, &wrong).await;
                counted.lock().unwrap().insert(format!("{play:?}"), cases);
            }
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let (counted, wrong) = (counted.into_inner().unwrap(), wrong.into_inner().unwrap());
    let cases: usize = counted.values().sum();
    println!("{on:?}: {cases} cases: {counted:?}");
    assert!(wrong.is_empty(), "{} of {cases} went wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(counted.values().all(|cases| *cases >= 8), "a flow makes two calls at least");
}

#[cfg_attr(not(feature = "planted"), test)]
fn each_call_of_each_flow_breaks_on_sqlite() {
    run(On::Memory, &Play::ALL);
}

#[cfg_attr(not(feature = "planted"), test)]
fn each_call_of_a_flow_breaks_on_a_file() {
    // The writer of a file has its own way back from a break; the flows are the same.
    let some = [Play::PlaceCash, Play::Pay, Play::Notice, Play::CancelPaid, Play::Refund];
    run(On::File, if everything() { &Play::ALL } else { &some });
}

#[cfg_attr(not(feature = "planted"), test)]
fn each_call_of_each_flow_breaks_on_postgres() {
    run(On::Postgres, &Play::ALL);
}

/// The first play that a broken call brings out of step.
#[cfg(feature = "planted")]
pub fn first_wrong() -> Option<Play> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut set = Set::on(Stage::new(EngineKind::Sqlite).await);
        for play in Play::ALL {
            let wrong = Mutex::default();
            set.break_each(play, &wrong).await;
            if !wrong.into_inner().unwrap().is_empty() {
                return Some(play);
            }
        }
        None
    })
}

#[cfg_attr(not(feature = "planted"), test)]
fn a_flow_that_cannot_be_asked_again_is_found_out() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let wrong = Mutex::default();
        let cases =
            Set::on(Stage::new(EngineKind::Sqlite).await).break_each(Play::OneMore, &wrong).await;
        let wrong = wrong.into_inner().unwrap();
        println!("{} of {cases} cases went wrong, as they should", wrong.len());
        assert!(!wrong.is_empty());
    });
}
