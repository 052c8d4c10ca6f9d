//! The executor and the doors, without a life on top.

use std::sync::{Arc, Mutex};

use flows::lane::Shape;
use flows::testing::GATEWAY;
use flows::{SCHEMAS, Settings};
use kernel::{Env, Fault, SignedDuration, Timestamp};
use store::testing::Memory;

use super::*;

fn executor(chooser: impl Chooser + 'static) -> Executor {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    Executor::new(Arc::new(WorldClock::new(start)), Box::new(chooser))
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Two tasks of two steps each, in the order that `chooser` says.
fn two_by_two(chooser: impl Chooser + 'static) -> String {
    let (executor, notes) = (executor(chooser), Notes::default());
    for name in ["a", "b"] {
        let (executor_, notes) = (executor.clone(), notes.clone());
        executor.spawn(Group::World, async move {
            notes.note(name);
            executor_.turn().await;
            notes.note(name);
        });
    }
    executor.settle();
    notes.read().concat()
}

#[test]
fn a_script_goes_through_every_order() {
    let mut all = Vec::new();
    let mut script = Script::default();
    loop {
        all.push(two_by_two(script.clone()));
        let Some(next) = script.next() else { break };
        script = next;
    }
    all.sort_unstable();
    assert_eq!(all, ["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
}

#[test]
fn the_same_dice_give_the_same_order() {
    let of = |seed: u64| (0..20).map(|n| two_by_two(Dice::new(seed + n, 0))).collect::<Vec<_>>();
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(700), "and others another");
}

#[test]
fn time_moves_when_nothing_else_can() {
    let (executor, notes) = (executor(InTurn), Notes::default());
    for seconds in [3, 1, 2] {
        let (executor_, notes) = (executor.clone(), notes.clone());
        executor.spawn(Group::World, async move {
            executor_.sleep(SignedDuration::from_secs(seconds)).await;
            notes.note(seconds.to_string());
        });
    }
    let before = executor.clock().true_micros();
    executor.settle();
    assert_eq!(notes.read(), ["1", "2", "3"]);
    assert_eq!(executor.clock().true_micros() - before, 3_000_000);
}

#[test]
fn a_crash_takes_the_process_and_nothing_else() {
    let (executor, notes) = (executor(InTurn), Notes::default());
    let fates: Arc<Mutex<dyn Fates>> = Arc::new(Mutex::new(CrashAt(1)));
    let told = notes.clone();
    let doors = Doors::new(executor.clone(), fates, Arc::new(move || told.note("crash")));
    let (inside, said) = (doors.clone(), notes.clone());
    let answer = executor.run(Group::Process, async move {
        inside.pass(Port::Write, Side::Before).await.unwrap();
        said.note("before");
        inside.pass(Port::Write, Side::After).await.unwrap();
        said.note("never");
    });
    let said = notes.clone();
    executor.spawn(Group::World, async move {
        said.note(if answer.await.is_ok() { "answered" } else { "no answer" });
    });
    executor.settle();
    assert_eq!(notes.read(), ["before", "crash", "no answer"]);
    assert_eq!(crate::panics::heard(), [""; 0]);
}

#[test]
fn a_panic_is_told() {
    let executor = executor(InTurn);
    executor.spawn(Group::World, async { assert_eq!(1, 2, "not so") });
    executor.settle();
    assert!(crate::panics::heard().concat().contains("not so"));
}

#[test]
fn a_panic_that_somebody_catches_is_told_too() {
    let executor = executor(InTurn);
    executor.spawn(Group::World, async {
        // As the lane does: whoever asked hears of a fault.
        assert!(std::panic::catch_unwind(|| assert_eq!(1, 2, "not so")).is_err());
    });
    executor.settle();
    assert!(crate::panics::heard().concat().contains("not so"));
}

/// Crashes at the nth door from 0, once.
struct CrashAt(usize);

impl Fates for CrashAt {
    fn decide(&mut self, _: Port, _: Side) -> Fate {
        let crash = self.0 == 0;
        self.0 = self.0.wrapping_sub(1);
        if crash { Fate::Crash } else { Fate::Pass }
    }
}

/// A shop on a database of its own, with these fates.
fn site(executor: &Executor, fates: impl Fates + 'static) -> Site {
    let env = Env { clock: executor.clock().clone(), rng: Arc::new(kernel::SeededRng::new(5)) };
    let fates: Arc<Mutex<dyn Fates>> = Arc::new(Mutex::new(fates));
    Site {
        executor: executor.clone(),
        memory: Memory::new(SCHEMAS).unwrap(),
        doors: Doors::new(executor.clone(), fates, Arc::new(|| {})),
        env,
        settings: Settings { methods: vec![GATEWAY.into()], ..Settings::default() },
        shape: Shape::default(),
        gateways: Vec::new(),
        consumers: Vec::new(),
    }
}

#[test]
fn a_shop_starts_on_what_the_last_one_left() {
    let executor = executor(Dice::new(1, 0));
    let site = site(&executor, ());
    let mut keys = Vec::new();
    for _ in 0..2 {
        let again = site.clone();
        let started = executor.run(Group::Process, async move {
            let process = again.start().await?;
            store::secrets::get_or_make(&process.shop.db, &process.shop.env, "quote").await
        });
        keys.push(executor.until(started).unwrap().unwrap());
        executor.kill(Group::Process);
    }
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn what_breaks_at_a_door_is_heard() {
    struct Broken;
    impl Fates for Broken {
        fn decide(&mut self, _: Port, side: Side) -> Fate {
            match side {
                Side::Before => Fate::Pass,
                Side::After => Fate::Break(Fault::StorageFull),
            }
        }
    }
    let executor = executor(InTurn);
    let site = site(&executor, Broken);
    let answer = executor.run(Group::Process, async move { site.start().await.err() });
    assert!(matches!(executor.until(answer), Some(Some(Fault::StorageFull))));
}
