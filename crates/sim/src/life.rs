//! One life of a shop: a plan is carried out while things break; then nothing breaks any more,
//! time goes by, and everything has to come to rest.

mod buyer;
mod check;
mod fates;
mod plan;
mod scene;
mod staff;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use flows::lane::Shape;
use gateways::{CashOnDelivery, Gateway};
use jobs::Consumer;
use kernel::{Env, SeededRng, SignedDuration};
use tokio::sync::mpsc;

use crate::bank::{Bank, GATEWAYS, Stands, Teller};
use crate::doors::{Doors, Fates};
use crate::executor::{Executor, Group, Step};
use crate::process::{Door, Site};
use crate::time::WorldClock;
use crate::town::{Town, rates, settings, start};
use crate::trace::Trace;
use crate::trouble::{Trouble, Troubles};
use crate::witness::{Violation, Witness};
use buyer::Buyer;
use fates::LifeFates;
use scene::Scene;

pub use plan::{Act, Life, What};

/// Steps of the executor between two looks at everything that must hold.
const LOOK_EVERY: u64 = 700;
/// Steps after which a life is taken for one that does not end.
const STEPS_MAX: u64 = 2_000_000;
/// How far time moves between two rounds at the end: longer than any pause between two tries.
const ROUND: SignedDuration = SignedDuration::from_hours(3);
/// Rounds after which everything should have come to rest.
const ROUNDS_MAX: usize = 24;
/// The last rounds in which nothing happened.
const QUIET: usize = 2;

/// What came of a life.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What must not be, and was.
    pub violations: Vec<Violation>,
    /// Requests of people and rounds of jobs.
    pub operations: u64,
    /// Steps of the executor.
    pub steps: u64,
    /// What happened, if it was to be kept.
    pub trace: Vec<String>,
}

impl Life {
    /// Lives it. The same life comes out the same.
    pub fn live(&self, town: &Arc<Town>, keep_trace: bool) -> Outcome {
        match Stage::set(self, town, keep_trace) {
            Ok(stage) => stage.play(self),
            Err(words) => Outcome {
                violations: vec![Violation { rule: "a life begins".into(), words }],
                operations: 0,
                steps: 0,
                trace: Vec::new(),
            },
        }
    }
}

/// Everything that a life needs.
struct Stage {
    scene: Scene,
    site: Site,
    steps: u64,
}

impl Stage {
    fn set(life: &Life, town: &Arc<Town>, keep_trace: bool) -> Result<Self, String> {
        let clock = Arc::new(WorldClock::new(start()));
        let trace = Trace::new(clock.clone(), keep_trace);
        let executor = Executor::new(clock.clone(), Box::new(life.dice(2)));
        let off: Vec<Trouble> = life.off.iter().copied().collect();
        let troubles = Troubles::without(&off);
        let fates = LifeFates::new(life.dice(3), troubles.clone(), trace.clone());
        let fates: Arc<Mutex<dyn Fates>> = Arc::new(Mutex::new(fates));
        let (door, witness) = (Door::default(), Witness::default());
        let (fell, falls) = mpsc::unbounded_channel();
        let (gone, first) = (door.clone(), fell.clone());
        let crashed = Arc::new(move || {
            gone.close();
            // Nobody to hear it: the life is over.
            let _ = fell.send(());
        });
        let doors = Doors::new(executor.clone(), fates, crashed);
        let dice = (troubles.clone(), life.dice(4));
        let bank = Bank::new(executor.clone(), doors.clone(), door.clone(), trace.clone(), dice);
        let tellers =
            GATEWAYS.map(|name| -> Arc<dyn Gateway> { Arc::new(Teller::new(name, bank.clone())) });
        let env = Env { clock, rng: Arc::new(SeededRng::new(life.seed)) };
        let cash: Arc<dyn Gateway> = Arc::new(CashOnDelivery::new(env.clone()));
        let consumer: Arc<dyn Consumer> = Arc::new(witness.clone());
        let site = Site {
            executor: executor.clone(),
            memory: town.move_in()?,
            doors: doors.clone(),
            env,
            settings: settings(),
            shape: Shape::default(),
            gateways: tellers.into_iter().chain([cash]).collect(),
            consumers: vec![consumer],
        };
        let scene = Scene {
            executor,
            door,
            doors,
            bank,
            witness,
            trace,
            troubles,
            town: town.clone(),
            prices: Arc::default(),
            busy: Arc::default(),
            counters: Arc::default(),
        };
        for good in &town.goods {
            scene.witness.price_asked(good.variant, good.price);
            scene.witness.price_set(good.variant);
        }
        let _ = first.send(());
        let keeper = keep_open(scene.clone(), site.clone(), falls, life.dice(5));
        scene.executor.spawn(Group::World, keeper);
        Ok(Self { scene, site, steps: 0 })
    }

    fn play(mut self, life: &Life) -> Outcome {
        for act in life.plan() {
            let scene = self.scene.clone();
            self.scene.executor.spawn(Group::World, async move {
                scene.executor.sleep(act.at).await;
                scene.trace.say(|| format!("#{} {}", act.number, act.words()));
                perform(scene, act).await;
            });
        }
        self.settle();
        self.come_to_rest();
        check::at_the_end(&self.scene, &self.site.memory);
        for panic in crate::panics::heard() {
            self.scene.witness.accuse("nothing panics", panic);
        }
        for wrong in self.scene.bank.wrongs() {
            self.scene.witness.accuse("a bank is not asked for the impossible", wrong);
        }
        // The tasks hold the executor, which holds the tasks.
        self.scene.executor.kill(Group::Process);
        self.scene.door.close();
        self.scene.executor.kill(Group::World);
        self.scene.town.move_out(self.site.memory.clone());
        Outcome {
            violations: self.scene.witness.violations(),
            operations: self.scene.counters.operations.load(Ordering::Relaxed),
            steps: self.steps,
            trace: self.scene.trace.take(),
        }
    }

    /// Until nobody has anything left to do.
    fn settle(&mut self) {
        while self.scene.executor.step() != Step::Idle {
            self.steps += 1;
            if self.steps.is_multiple_of(LOOK_EVERY) {
                check::on_the_way(&self.scene, &self.site.memory);
            }
            if self.steps > STEPS_MAX {
                self.scene.witness.accuse("a life ends", "it goes on and on");
                return;
            }
        }
    }

    /// Nothing breaks any more; time goes by until nothing happens.
    fn come_to_rest(&mut self) {
        self.scene.trace.say(|| "-- from here on nothing breaks any more".into());
        self.scene.troubles.end();
        self.scene.executor.clock().set_right();
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            self.scene.bank.lapse();
            let scene = self.scene.clone();
            let found = self.scene.executor.run(Group::World, async move {
                let mut found = 0;
                for what in [What::Sweep, What::Notices, What::Poll, What::Refund, What::Relay] {
                    match scene.round(what).await {
                        Some(some) => found += some,
                        None => scene.witness.accuse("jobs end well", format!("{what:?}")),
                    }
                }
                scene.executor.sleep(ROUND).await;
                found
            });
            self.settle();
            let mut found = found;
            match found.try_recv() {
                Ok(0) => quiet += 1,
                _ => quiet = 0,
            }
            if quiet == QUIET {
                return;
            }
        }
        self.scene.witness.accuse("everything comes to rest", "jobs find something for ever");
    }
}

/// Starts the process, and again whenever it has died.
async fn keep_open(
    scene: Scene,
    mut site: Site,
    mut falls: mpsc::UnboundedReceiver<()>,
    mut dice: crate::dice::Dice,
) {
    let mut first = true;
    while falls.recv().await.is_some() {
        // The crash that comes while it is being started has its own word in the queue.
        while falls.is_empty() {
            if !std::mem::replace(&mut first, false) {
                let by = dice.seconds(0..=20);
                scene.executor.sleep(by).await;
                site.settings.rates = rates(dice.below(3));
            }
            let again = site.clone();
            let started = scene.executor.run(Group::Process, async move { again.start().await });
            match started.await {
                Ok(Ok(process)) => {
                    scene.trace.say(|| "the process is up".into());
                    scene.door.open(process);
                    break;
                }
                Ok(Err(fault)) => {
                    scene.heard_of(&fault);
                    scene.trace.say(|| format!("the process cannot start: {fault}"));
                }
                Err(_) => {}
            }
        }
    }
}

async fn perform(scene: Scene, act: Act) {
    let Act { who, what, mut dice, .. } = act;
    match what {
        What::Price
        | What::Adjust
        | What::CancelForShop
        | What::Advance
        | What::GiveBack
        | What::Cash => {
            staff::act(scene, what, dice).await;
        }
        What::Sweep | What::Notices | What::Poll | What::Refund | What::Relay => {
            scene.round(what).await;
        }
        What::Clock if scene.troubles.are_on(Trouble::Clock) => {
            let range =
                dice.weigh(&[(2, (-5, -1)), (2, (1, 30)), (1, (-3600, -60)), (2, (60, 3600))]);
            let by = dice.seconds(range.0..=range.1);
            scene.trace.say(|| format!("the shop's clock jumps by {by:#}"));
            scene.executor.clock().jump(by);
        }
        What::Forge => {
            let payments = scene.bank.payments();
            if payments.is_empty() {
                return;
            }
            let attempt = dice.pick(&payments).attempt;
            if scene.bank.forge(attempt).await.is_some_and(|status| status < 400) {
                scene.witness.accuse("a forged notice is refused", attempt.to_string());
            }
        }
        What::Forgo => {
            let payments = scene.bank.payments();
            let reserved = payments.iter().filter(|it| it.stands == Stands::Authorized);
            let reserved: Vec<_> = reserved.map(|it| it.attempt).collect();
            if !reserved.is_empty() {
                scene.bank.forgo(*dice.pick(&reserved));
            }
        }
        What::Crash if scene.troubles.are_on(Trouble::Crash) => scene.doors.crash(),
        What::Clock | What::Crash => {}
        _ => Buyer::new(&scene, who, dice).act(what).await,
    }
}
