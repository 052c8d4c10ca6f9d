//! Every two flows in every order of their steps. A step is a call of the database or of a
//! gateway, or the lane's look into its queue; between two steps everything runs that can. There
//! is no chance in it, and nothing is left out.
//!
//! Whatever the order, what comes of it is what comes of one flow after the other, and everything
//! that must hold does.

use std::collections::{BTreeMap, HashSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use flows::Shop;
use flows::lane::{Shape, Spawn};
use kernel::{Env, Fault, SeededRng};
use sim::{Chooser, Executor, Group, InTurn, Process, Script, Step, WorldClock};
use store::EngineKind;
use store::testing::{Call, Gate, Turn};
use tokio::sync::oneshot;

use crate::plays::Play;
use crate::provider::{Provider, Way};
use crate::scene::{self, Stage, process, settle, sound};

/// More steps than any two plays take.
const STEPS_MAX: usize = 2_000;
/// More than this, and a pair is none that every order of can be gone through.
const SCHEDULES_MAX: usize = 20_000;
/// Wrong schedules of a pair that are told of.
const SHOWN_MAX: usize = 3;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where steps wait for their turn. Clones are the same.
#[derive(Clone, Default)]
pub struct Gates(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// Steps have to wait at all.
    shut: bool,
    steps: Vec<(String, oneshot::Sender<()>)>,
}

impl Gates {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back when it is this step's turn.
    pub async fn turn(&self, step: &str) {
        let turn = {
            let mut waiting = self.lock();
            if !waiting.shut {
                return;
            }
            let (open, turn) = oneshot::channel();
            waiting.steps.push((step.to_owned(), open));
            turn
        };
        let _ = turn.await;
    }
}

impl Gate for Gates {
    fn enter(&self, call: Call) -> Turn<Result<(), Fault>> {
        let gates = self.clone();
        Box::pin(async move {
            gates.turn(&format!("{call:?}")).await;
            Ok(())
        })
    }

    fn leave(&self, _: Call) -> Turn<Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Waits for a turn each time it is woken, before it goes on.
struct InTurns {
    work: Work,
    gates: Gates,
    turn: Option<Work>,
}

impl Future for InTurns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let gates = self.gates.clone();
        let turn = self
            .turn
            .get_or_insert_with(|| Box::pin(async move { gates.turn("the lane looks").await }));
        if turn.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.turn = None;
        self.work.as_mut().poll(context)
    }
}

/// A process in the middle of the scene, on a thread of its own making.
struct Run {
    executor: Executor,
    gates: Gates,
    process: Process,
    provider: Provider,
}

/// The lane's tasks hold the executor that holds them: let go of here, or each run would stay.
impl Drop for Run {
    fn drop(&mut self) {
        self.executor.kill(Group::Process);
    }
}

/// What two flows come to: what their callers learn, and the shop afterwards.
type End = (String, String);

impl Run {
    fn start(stage: &Stage, seed: u64) -> Self {
        let clock = Arc::new(WorldClock::new(stage.scene.now));
        let executor = Executor::new(clock.clone(), Box::new(InTurn));
        let gates = Gates::default();
        let provider = Provider::new(Way::Gates(gates.clone()), stage.scene.book.clone());
        let env = Env { clock, rng: Arc::new(SeededRng::new(seed)) };
        let db = stage.memory().unwrap().open(Arc::new(gates.clone()), None);
        let spawn = Self::spawn(&executor, &gates);
        let (to, started) = oneshot::channel();
        let teller = provider.clone();
        executor.spawn(Group::Process, async move {
            // Never more batches than that are under way: the lane waits for its queue alone.
            let shape = Shape { under_way: 8, ..Shape::default() };
            let shop = Shop::open_on(db, env, scene::settings(), shape, spawn).await.unwrap();
            let _ = to.send(process(shop, &teller));
        });
        let process = executor.until(started).unwrap();
        executor.settle();
        Self { executor, gates, process, provider }
    }

    /// The first task that the lane begins is the one that looks into its queue.
    fn spawn(executor: &Executor, gates: &Gates) -> Spawn {
        let (executor, gates) = (executor.clone(), gates.clone());
        let begun = Mutex::new(false);
        Arc::new(move |work| {
            let begun = std::mem::replace(&mut *begun.lock().unwrap(), true);
            let gated = InTurns { work, gates: gates.clone(), turn: None };
            let work = if begun { gated.work } else { Box::pin(gated) };
            executor.spawn_boxed(Group::Process, work);
        })
    }

    fn begin(&self, stage: &Stage, play: Play) -> oneshot::Receiver<Result<String, Fault>> {
        let (process, scene) = (self.process.clone(), stage.scene.clone());
        self.executor.run(Group::Process, async move { play.act(&process, &scene).await })
    }

    /// One step after the other until both are done; `script` says which.
    fn both(&self, stage: &Stage, plays: [Play; 2], script: &mut Script) -> (String, Vec<String>) {
        self.gates.lock().shut = true;
        let answers = plays.map(|play| self.begin(stage, play));
        let mut steps = Vec::new();
        loop {
            while self.executor.step() == Step::Went {}
            let mut waiting = self.gates.lock();
            let among = waiting.steps.len();
            let chosen = match among {
                0 => break,
                1 => 0,
                _ => script.choose(among),
            };
            let (step, open) = waiting.steps.remove(chosen);
            drop(waiting);
            steps.push(step);
            let last = &steps[steps.len().saturating_sub(8)..];
            assert!(steps.len() < STEPS_MAX, "{plays:?} never end: … {last:?}");
            let _ = open.send(());
        }
        self.gates.lock().shut = false;
        (said(answers), steps)
    }

    /// One after the other.
    fn serially(&self, stage: &Stage, plays: [Play; 2]) -> String {
        said(plays.map(|play| {
            let answer = self.begin(stage, play);
            self.executor.settle();
            answer
        }))
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        // Every gate is open and no timer is set: nothing has to be waited for but the lane.
        let mut work = std::pin::pin!(work);
        let mut context = Context::from_waker(std::task::Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return done;
            }
            assert_eq!(self.executor.step(), Step::Went, "it waits for nothing");
        }
    }

    fn picture(&self, stage: &Stage) -> String {
        self.wait(stage.picture(&self.process.shop.db, &self.provider))
    }

    /// What must hold does, now and when all is settled.
    fn end(&self, stage: &Stage) -> Result<(), String> {
        let panics = sim::panics::heard();
        if !panics.is_empty() {
            return Err(panics.concat());
        }
        let clock = self.executor.clock();
        self.wait(settle(&self.process, &|by| clock.jump(by), &stage.scene));
        self.wait(sound(&self.process))
    }
}

fn said(answers: [oneshot::Receiver<Result<String, Fault>>; 2]) -> String {
    let said = answers.map(|mut answer| match answer.try_recv() {
        Ok(Ok(said)) => said,
        Ok(Err(fault)) => format!("fault: {fault}"),
        Err(_) => "no answer".to_owned(),
    });
    format!("{} | {}", said[0], said[1])
}

/// What a pair came to.
#[derive(Default)]
struct Tried {
    schedules: usize,
    /// The first of those that went wrong.
    wrong: Vec<String>,
}

impl Tried {
    fn note(&mut self, wrong: String) {
        if self.wrong.len() < SHOWN_MAX {
            self.wrong.push(wrong);
        }
    }
}

/// A stage that is set again and again, with a runtime for that.
struct Theatre {
    stage: Stage,
    runtime: tokio::runtime::Runtime,
    seed: u64,
}

impl Theatre {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::new(EngineKind::Sqlite));
        Self { stage, runtime, seed: 0 }
    }

    fn run(&mut self) -> Run {
        self.runtime.block_on(self.stage.set());
        self.seed += 1;
        Run::start(&self.stage, self.seed)
    }

    fn serial(&mut self, plays: [Play; 2]) -> End {
        let run = self.run();
        let said = run.serially(&self.stage, plays);
        (said, run.picture(&self.stage))
    }

    /// Every order of the steps of two plays.
    fn every_order(&mut self, [a, b]: [Play; 2]) -> Tried {
        let first = self.serial([a, b]);
        let (said, picture) = self.serial([b, a]);
        let (of_b, of_a) = said.split_once(" | ").unwrap();
        let second = (format!("{of_a} | {of_b}"), picture);
        let mut tried = Tried::default();
        let mut sound = HashSet::new();
        let mut script = Script::default();
        loop {
            let run = self.run();
            let (said, steps) = run.both(&self.stage, [a, b], &mut script.clone());
            let end = (said, run.picture(&self.stage));
            tried.schedules += 1;
            assert!(tried.schedules < SCHEDULES_MAX, "{a:?} and {b:?} have too many steps");
            if end != first && end != second {
                let differs = crate::nth_call::difference(&first, &end);
                let other = crate::nth_call::difference(&second, &end);
                tried.note(format!("{a:?} and {b:?}, {steps:?}:{differs}\n or{other}"));
            }
            // What looks the same at the end is looked into once.
            if sound.insert(end)
                && let Err(report) = run.end(&self.stage)
            {
                tried.note(format!("{a:?} and {b:?}, {steps:?}: {report}"));
            }
            let Some(next) = script.next() else { return tried };
            script = next;
        }
    }
}

/// Each two plays, and each with its twin.
pub fn every_pair() -> Vec<[Play; 2]> {
    let short: Vec<Play> = Play::ALL.into_iter().filter(|play| play.is_short()).collect();
    let pairs = (0..short.len()).flat_map(|a| (a..short.len()).map(move |b| (a, b)));
    let pairs = pairs.map(|(a, b)| [short[a], short[b]]);
    // A round of polls asks about all that is due: two of them have more orders than can be tried.
    pairs.filter(|pair| *pair != [Play::Poll, Play::Poll]).collect()
}

#[cfg_attr(not(feature = "planted"), test)]
fn every_order_of_two_flows_is_one_after_the_other() {
    let pairs = every_pair();
    let count = pairs.len();
    let left = Mutex::new(pairs);
    let all = Mutex::new(BTreeMap::new());
    let work = || {
        let mut theatre = Theatre::open();
        loop {
            let Some(pair) = left.lock().unwrap().pop() else { return };
            let tried = theatre.every_order(pair);
            all.lock().unwrap().insert(format!("{pair:?}"), tried);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let all = all.into_inner().unwrap();
    let schedules: usize = all.values().map(|tried| tried.schedules).sum();
    println!("{count} pairs, {schedules} schedules");
    let wrong: Vec<_> = all.values().flat_map(|tried| tried.wrong.iter().take(2)).collect();
    let report: Vec<String> = wrong.iter().map(|wrong| (*wrong).clone()).collect();
    assert!(report.is_empty(), "{} schedules went wrong\n{}", report.len(), report.join("\n"));
}

/// The first two plays whose order can be told by more than who went first.
#[cfg(feature = "planted")]
pub fn first_wrong() -> Option<[Play; 2]> {
    let mut theatre = Theatre::open();
    every_pair().into_iter().find(|pair| !theatre.every_order(*pair).wrong.is_empty())
}

#[cfg_attr(not(feature = "planted"), test)]
fn a_flow_that_believes_an_old_look_is_found_out() {
    let tried = Theatre::open().every_order([Play::TakeAll, Play::BuyNow]);
    println!("{} of {} schedules went wrong, as they should", tried.wrong.len(), tried.schedules);
    assert!(!tried.wrong.is_empty());
}
