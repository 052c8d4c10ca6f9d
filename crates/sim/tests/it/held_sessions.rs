//! Two nodes on one PostgreSQL, step by step: each is held before a statement and let go when it
//! is its turn, and every order of the steps is tried. A node whose statement waits for a lock of
//! the other is seen in the server's own list, and the other goes on. There is no chance in it.
//!
//! `HOLDFAST_TEST_EVERYTHING=1` tries every pair of flows, and not only those that meet.
//!
//! A step is a statement on a table that the other node's flow touches too, where one of them
//! writes or locks; what goes before it on other tables goes with it, for no order of those could
//! be told from another. So does a write behind another write. A commit is a step, and so is the
//! call of a gateway.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flows::Shop;
use kernel::{Fault, ManualClock};
use sim::{Chooser, Process, Script};
use store::testing::Beside;
use store::{Db, EngineKind, Hold, Injector, Step};
use tokio::runtime::Runtime;

use crate::everything;
use crate::footprint::Footprint;
use crate::nth_call::difference;
use crate::plays::Play;
use crate::provider::{Provider, Way};
use crate::scene::{self, Stage, process, settle, sound};

/// Different flows that meet on the same rows. Each flow that somebody may ask for twice also
/// meets its own twin: the same wish, with the same key, at both nodes.
const PAIRS: [[Play; 2]; 17] = [
    [Play::PlaceCash, Play::PlaceGateway],
    [Play::PlaceCash, Play::Clear],
    [Play::PlaceCash, Play::Price],
    [Play::PlaceCash, Play::Sweep],
    [Play::BuyNow, Play::Put],
    [Play::BuyNow, Play::Adjust],
    [Play::BuyNow, Play::LateSuccess],
    [Play::Put, Play::Adjust],
    [Play::Put, Play::Merge],
    [Play::Extend, Play::Sweep],
    [Play::Notice, Play::CancelOverdue],
    [Play::Notice, Play::Poll],
    [Play::Notice, Play::Sweep],
    [Play::NoticeAgain, Play::Notice],
    [Play::CancelOverdue, Play::Sweep],
    [Play::CancelPaid, Play::Pack],
    [Play::Select, Play::Merge],
];

/// How long a server may take over a statement before the test gives up.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where a node stands.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum At {
    /// It is doing something, or waits for a lock.
    Work,
    /// It waits for its turn before this step.
    Step(Step),
    /// Its flow has ended.
    #[default]
    End,
}

/// Holds the steps of the nodes; one of them is let go at a time.
#[derive(Default)]
struct Turns {
    nodes: Mutex<Vec<Node>>,
    changed: Condvar,
}

#[derive(Default)]
struct Node {
    at: At,
    /// What it is held before; nothing when it is not held at all.
    held_before: Option<Footprint>,
    let_go: bool,
    writing: bool,
    /// Its transaction has written or locked what the other's flow touches.
    changes: bool,
    /// What it has touched since somebody last asked.
    touched: Footprint,
}

impl Turns {
    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, node: usize, at: At) {
        self.nodes()[node].at = at;
        self.changed.notify_all();
    }
}

/// One node's steps.
struct Held {
    turns: Arc<Turns>,
    node: usize,
}

impl Hold for Held {
    fn before(&self, step: Step) {
        let touches = Footprint::of(step);
        let mut nodes = self.turns.nodes();
        let node = &mut nodes[self.node];
        node.touched.add(&touches);
        let Some(others) = &node.held_before else { return };
        let commits = step == Step::Commits;
        let meets = touches.meets(others) || commits && node.changes;
        let writes = matches!(step, Step::Writes(_));
        let goes_on = !meets || node.writing && writes || matches!(step, Step::LooksOn(_));
        node.writing = writes && (meets || node.writing);
        node.changes = !commits && (touches.changes_for(others) || node.changes);
        if goes_on {
            return;
        }
        node.at = At::Step(step);
        self.turns.changed.notify_all();
        while !nodes[self.node].let_go {
            nodes = self.turns.changed.wait(nodes).unwrap_or_else(PoisonError::into_inner);
        }
        nodes[self.node].let_go = false;
        nodes[self.node].at = At::Work;
    }
}

/// Two nodes, and a look at the server from beside.
struct Nodes {
    /// The nodes run on this one. A call of the gateway that is held holds one of its threads.
    runtime: Runtime,
    /// What looks from beside runs on this one.
    quiet: Runtime,
    stage: Stage,
    turns: Arc<Turns>,
    pair: [(Db, Arc<Injector>); 2],
    beside: Beside,
    seed: u64,
}

/// A scene that has begun.
struct Setting {
    provider: Provider,
    processes: [Process; 2],
    /// The first node's.
    clock: Arc<ManualClock>,
}

/// What two flows come to: what their callers learn, and the shop afterwards.
type End = (String, String);

impl Nodes {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .unwrap();
        let quiet = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stage = quiet.block_on(Stage::new(EngineKind::Postgres));
        let beside = quiet.block_on(stage.server().unwrap().beside()).unwrap();
        let turns = Arc::new(Turns::default());
        let pair = [0, 1].map(|node| {
            turns.nodes().push(Node::default());
            let injector = Arc::new(Injector::default());
            injector.hold(Some(Arc::new(Held { turns: turns.clone(), node })));
            (stage.open(&injector), injector)
        });
        Self { runtime, quiet, stage, turns, pair, beside, seed: 0 }
    }

    /// The scene begins; both nodes are there, and nobody is held.
    fn begin(&mut self) -> Setting {
        self.seed += 2;
        self.quiet.block_on(self.stage.set());
        let provider = |node: usize| {
            Provider::new(Way::Injector(self.pair[node].1.clone()), self.stage.scene.book.clone())
        };
        let first = provider(0);
        let second = first.reached_by(Way::Injector(self.pair[1].1.clone()));
        let start = |node: usize, provider: &Provider| {
            let (env, clock) = self.stage.scene.env(self.seed + node as u64);
            let db = self.pair[node].0.clone();
            let shop = self.runtime.block_on(Shop::open(db, env, scene::settings())).unwrap();
            (process(shop, provider), clock)
        };
        let [(a, clock), (b, _)] = [start(0, &first), start(1, &second)];
        Setting { provider: first, processes: [a, b], clock }
    }

    fn act(&self, node: usize, play: Play, process: &Process) -> Answer {
        let (process, scene) = (process.clone(), self.stage.scene.clone());
        let turns = self.turns.clone();
        self.turns.set(node, At::Work);
        self.runtime.spawn(async move {
            let said = play.act(&process, &scene).await;
            turns.set(node, At::End);
            said
        })
    }

    /// One after the other. Gives what they touched, too.
    fn serial(&mut self, plays: [Play; 2], order: [usize; 2]) -> (End, [Footprint; 2]) {
        let Setting { provider, processes, .. } = self.begin();
        self.turns.nodes().iter_mut().for_each(|node| node.touched = Footprint::default());
        let mut said = [const { String::new() }; 2];
        for node in order {
            let answer = self.act(node, plays[node], &processes[node]);
            said[node] = told(self.runtime.block_on(answer));
        }
        let touched = [0, 1].map(|node| self.turns.nodes()[node].touched.clone());
        ((said.join(" | "), self.picture(&provider)), touched)
    }

    fn picture(&self, provider: &Provider) -> String {
        self.quiet.block_on(self.stage.picture(&self.pair[0].0, provider))
    }

    /// Waits until every node is held, at its end, or waits for a lock.
    fn stand_still(&self) -> [At; 2] {
        let begun = now();
        let mut nodes = self.turns.nodes();
        loop {
            let at = [nodes[0].at, nodes[1].at];
            let at_work = at.iter().filter(|at| **at == At::Work).count();
            if at_work == 0 {
                return at;
            }
            assert!(now() - begun < DEADLINE, "{at:?}: nothing moves");
            let patience = Duration::from_millis(1);
            let (again, waited) = self
                .turns
                .changed
                .wait_timeout(nodes, patience)
                .unwrap_or_else(PoisonError::into_inner);
            nodes = again;
            // Both at work is a deadlock at worst, and the server ends that by itself.
            if waited.timed_out() && at_work == 1 {
                drop(nodes);
                let locked = self.quiet.block_on(self.beside.waiting_for_locks()).unwrap();
                nodes = self.turns.nodes();
                if locked == 1 && at == [nodes[0].at, nodes[1].at] {
                    return at;
                }
            }
        }
    }

    /// One order of the steps of both; `script` says which. None when it could not be told from
    /// one that was tried before: where one node has gone before the other, and then the other
    /// goes first, the one that waits has its turn again only behind a step that its own depends
    /// on.
    fn held(
        &mut self,
        plays: [Play; 2],
        touched: &[Footprint; 2],
        script: &mut Script,
    ) -> Option<(End, Vec<String>, Setting)> {
        let setting = self.begin();
        let Setting { provider, processes, .. } = &setting;
        for (node, others) in self.turns.nodes().iter_mut().zip([&touched[1], &touched[0]]) {
            node.held_before = Some(others.clone());
            (node.writing, node.changes) = (false, false);
        }
        let answers = [0, 1].map(|node| self.act(node, plays[node], &processes[node]));
        let mut steps = Vec::new();
        let (mut asleep, mut told_before) = (None, false);
        loop {
            let at = self.stand_still();
            let held: Vec<(usize, Step)> = at
                .iter()
                .enumerate()
                .filter_map(|(node, at)| match at {
                    At::Step(step) => Some((node, *step)),
                    At::Work | At::End => None,
                })
                .collect();
            let (node, step) = match held[..] {
                [] => break assert_eq!(at, [At::End; 2], "after {steps:#?}"),
                [only] => {
                    told_before |= asleep == Some(only.0);
                    only
                }
                [a, b] => match asleep {
                    Some(0) => b,
                    Some(_) => a,
                    None if told_before => a,
                    None => {
                        let chosen = script.choose(2);
                        asleep = (chosen == 1).then_some(a.0);
                        [a, b][chosen]
                    }
                },
                _ => unreachable!("there are two nodes"),
            };
            let wakes = held
                .iter()
                .any(|(other, theirs)| Some(*other) == asleep && Footprint::depend(step, *theirs));
            asleep = asleep.filter(|sleeper| !wakes && *sleeper != node);
            steps.push(format!("{} {step:?}", ["a", "b"][node]));
            let mut nodes = self.turns.nodes();
            (nodes[node].let_go, nodes[node].at) = (true, At::Work);
            self.turns.changed.notify_all();
        }
        for node in &mut *self.turns.nodes() {
            node.held_before = None;
        }
        let said = answers.map(|answer| told(self.runtime.block_on(answer)));
        let end = (said.join(" | "), self.picture(provider));
        (!told_before).then_some((end, steps, setting))
    }

    /// Every order of the steps of two plays. Gives how many there were, and what went wrong.
    fn every_order(&mut self, plays: [Play; 2]) -> (usize, Vec<String>) {
        let (first, mut touched) = self.serial(plays, [0, 1]);
        let (second, more) = self.serial(plays, [1, 0]);
        touched.iter_mut().zip(&more).for_each(|(touched, more)| touched.add(more));
        let serial = [first, second];
        let (mut schedules, mut wrong, mut sound_ends) = (0, Vec::new(), HashSet::new());
        let mut script = Script::default();
        loop {
            if let Some((end, steps, setting)) = self.held(plays, &touched, &mut script.clone()) {
                schedules += 1;
                if !serial.contains(&end) {
                    let [first, second] = serial.each_ref().map(|one| difference(one, &end));
                    wrong.push(format!("{plays:?}, {steps:#?}:{first}\n or{second}"));
                }
                // What looks the same at the end is looked into once.
                if sound_ends.insert(end)
                    && let Err(report) = self.settled(&setting)
                {
                    wrong.push(format!("{plays:?}, {steps:#?}: {report}"));
                }
            }
            let Some(next) = script.next() else { return (schedules, wrong) };
            script = next;
        }
    }

    fn settled(&self, setting: &Setting) -> Result<(), String> {
        let Setting { processes: [process, _], clock, .. } = setting;
        self.runtime.block_on(async {
            settle(process, &|by| clock.advance(by), &self.stage.scene).await;
            sound(process).await
        })
    }
}

type Answer = tokio::task::JoinHandle<Result<String, Fault>>;

fn told(answer: Result<Result<String, Fault>, tokio::task::JoinError>) -> String {
    answer.unwrap().unwrap_or_else(|fault| format!("fault: {fault}"))
}

#[expect(clippy::disallowed_methods, reason = "a deadline for a server, not a time of the shop")]
fn now() -> Instant {
    Instant::now()
}

#[cfg_attr(not(feature = "planted"), test)]
fn every_order_of_two_nodes_steps_is_one_after_the_other() {
    // Nobody asks for the first three, and the last has hundreds of orders: for a long night.
    let without = [Play::Notice, Play::Poll, Play::HandOn, Play::FirstPut];
    let twins = Play::ALL.iter().filter(|play| !without.contains(play) && play.is_short());
    let pairs: Vec<_> = if everything() {
        crate::interleavings::every_pair()
    } else {
        PAIRS.into_iter().chain(twins.map(|play| [*play; 2])).collect()
    };
    let count = pairs.len();
    let left = Mutex::new(pairs);
    let all = Mutex::new(BTreeMap::new());
    let work = || {
        let mut nodes = Nodes::open();
        loop {
            let Some(pair) = left.lock().unwrap().pop() else { return };
            let tried = nodes.every_order(pair);
            all.lock().unwrap().insert(format!("{pair:?}"), tried);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let all = all.into_inner().unwrap();
    let schedules: usize = all.values().map(|(schedules, _)| schedules).sum();
    let counted: Vec<_> = all.iter().map(|(pair, (count, _))| format!("{pair} {count}")).collect();
    println!("{count} pairs, {schedules} schedules: {counted:?}");
    let wrong: Vec<&str> =
        all.values().flat_map(|(_, wrong)| wrong.iter().take(1)).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} pairs went wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[cfg_attr(not(feature = "planted"), test)]
fn a_flow_that_believes_an_old_look_is_found_out() {
    let (schedules, wrong) = Nodes::open().every_order([Play::TakeAll, Play::BuyNow]);
    println!("{} of {schedules} schedules went wrong, as they should", wrong.len());
    assert!(!wrong.is_empty());
}
