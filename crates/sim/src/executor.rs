//! Runs tasks one at a time on one thread; somebody else says which. Time is a number that moves
//! when nothing can go on before it has.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use kernel::SignedDuration;

use crate::chooser::Chooser;
use crate::panics;
use crate::time::WorldClock;

/// What a task does.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tasks that die together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// The shop's process: gone in a crash.
    Process,
    /// Everything else: customers, gateways, the one who starts the process again.
    World,
}

/// What one step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A task went on.
    Went,
    /// Nothing could go on; time has moved to the next who waits for it.
    Waited,
    /// Nothing can go on and nobody waits for the time.
    Idle,
}

/// The tasks and who decides between them. Cheap to clone; hand it to tasks, so that they can
/// wait and begin others.
#[derive(Clone)]
pub struct Executor {
    inner: Arc<Inner>,
}

struct Inner {
    tasks: Mutex<Tasks>,
    ready: Arc<Mutex<Vec<u64>>>,
    timers: Mutex<Timers>,
    clock: Arc<WorldClock>,
    chooser: Mutex<Box<dyn Chooser>>,
}

#[derive(Default)]
struct Tasks {
    next: u64,
    slots: BTreeMap<u64, Slot>,
}

struct Slot {
    group: Group,
    bell: Arc<Bell>,
    /// None while it is being polled.
    work: Option<Work>,
}

#[derive(Default)]
struct Timers {
    next: u64,
    waiting: BTreeMap<(i64, u64), Option<Waker>>,
}

/// Waits for its entry to be taken away; takes it away itself when nobody waits for it any more.
struct Sleep {
    inner: Arc<Inner>,
    key: (i64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match lock(&self.inner.timers).waiting.get_mut(&self.key) {
            None => Poll::Ready(()),
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        lock(&self.inner.timers).waiting.remove(&self.key);
    }
}

/// Says that a task can go on, once until it does. That of a dead task stays rung.
struct Bell {
    id: u64,
    rung: AtomicBool,
    ready: Weak<Mutex<Vec<u64>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed)
            && let Some(ready) = self.ready.upgrade()
        {
            lock(&ready).push(self.id);
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor {
    /// Nobody there yet. `clock` is moved by the executor alone.
    pub fn new(clock: Arc<WorldClock>, chooser: Box<dyn Chooser>) -> Self {
        // What an earlier one left unheard on this thread is not this one's.
        panics::listen();
        drop(panics::heard());
        let inner = Inner {
            tasks: Mutex::default(),
            ready: Arc::default(),
            timers: Mutex::default(),
            clock,
            chooser: Mutex::new(chooser),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Begins a task; gives its number.
    pub fn spawn(&self, group: Group, work: impl Future<Output = ()> + Send + 'static) -> u64 {
        self.spawn_boxed(group, Box::pin(work))
    }

    /// As [`Executor::spawn`].
    pub fn spawn_boxed(&self, group: Group, work: Work) -> u64 {
        let mut tasks = lock(&self.inner.tasks);
        let id = tasks.next;
        tasks.next += 1;
        let ready = Arc::downgrade(&self.inner.ready);
        let bell = Arc::new(Bell { id, rung: AtomicBool::new(true), ready });
        tasks.slots.insert(id, Slot { group, bell, work: Some(work) });
        lock(&self.inner.ready).push(id);
        id
    }

    /// Begins a task whose answer can be waited for; the answer is `Err` when the task was killed.
    pub fn run<T: Send + 'static>(
        &self,
        group: Group,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::sync::oneshot::Receiver<T> {
        let (to, answer) = tokio::sync::oneshot::channel();
        self.spawn(group, async move {
            let _ = to.send(work.await);
        });
        answer
    }

    /// Drops every task of a group where it stands. The task that calls this, when it is one of
    /// them, ends at its next `await` that waits.
    pub fn kill(&self, group: Group) {
        self.drop_all(|_, slot| slot.group == group);
    }

    /// Drops one task where it stands, if it is there still.
    pub fn end(&self, task: u64) {
        self.drop_all(|id, _| id == task);
    }

    fn drop_all(&self, which: impl Fn(u64, &Slot) -> bool) {
        let dead: Vec<Slot> = lock(&self.inner.tasks)
            .slots
            .extract_if(.., |id, slot| which(*id, slot))
            .map(|(_, slot)| slot)
            .collect();
        for slot in &dead {
            slot.bell.rung.store(true, Ordering::Relaxed);
            lock(&self.inner.ready).retain(|id| *id != slot.bell.id);
        }
        // Not under the lock: what they held wakes others.
        drop(dead);
    }

    /// Lets every other task that can go on do so first, if the chooser says so.
    pub async fn turn(&self) {
        let mut asked = false;
        poll_fn(|context| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Waits until time has moved on.
    pub fn sleep(&self, by: SignedDuration) -> impl Future<Output = ()> + Send + use<> {
        let until = self.inner.clock.true_micros().saturating_add(micros(by));
        let mut timers = lock(&self.inner.timers);
        let key = (until, timers.next);
        timers.next += 1;
        timers.waiting.insert(key, None);
        Sleep { inner: self.inner.clone(), key }
    }

    /// One task goes on, or time does.
    pub fn step(&self) -> Step {
        let chosen = {
            let mut ready = lock(&self.inner.ready);
            match ready.len() {
                0 => None,
                1 => ready.pop(),
                among => {
                    let index = lock(&self.inner.chooser).choose(among);
                    Some(ready.remove(index.min(among - 1)))
                }
            }
        };
        match chosen {
            Some(id) => {
                self.poll(id);
                Step::Went
            }
            None => self.wait(),
        }
    }

    /// Steps until nothing can go on, however long that takes in the world's time.
    pub fn settle(&self) {
        while self.step() != Step::Idle {}
    }

    /// Steps until `answer` is there; none when nothing can go on before.
    pub fn until<T>(&self, mut answer: tokio::sync::oneshot::Receiver<T>) -> Option<T> {
        loop {
            if let Ok(answer) = answer.try_recv() {
                return Some(answer);
            }
            if self.step() == Step::Idle {
                return answer.try_recv().ok();
            }
        }
    }

    /// The world's clock.
    pub fn clock(&self) -> &Arc<WorldClock> {
        &self.inner.clock
    }

    fn poll(&self, id: u64) {
        let (mut work, bell) = {
            let mut tasks = lock(&self.inner.tasks);
            let Some(slot) = tasks.slots.get_mut(&id) else { return };
            let Some(work) = slot.work.take() else { return };
            (work, slot.bell.clone())
        };
        bell.rung.store(false, Ordering::Relaxed);
        let waker = Waker::from(bell.clone());
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            work.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        let mut tasks = lock(&self.inner.tasks);
        if matches!(polled, Ok(Poll::Pending))
            && let Some(slot) = tasks.slots.get_mut(&id)
        {
            slot.work = Some(work);
            return;
        }
        tasks.slots.remove(&id);
        drop(tasks);
        bell.rung.store(true, Ordering::Relaxed);
        lock(&self.inner.ready).retain(|other| *other != id);
        // Not under the lock: what it held wakes others.
        drop(work);
    }

    fn wait(&self) -> Step {
        let next = lock(&self.inner.timers).waiting.pop_first();
        let Some(((until, _), waker)) = next else { return Step::Idle };
        self.inner.clock.move_to(until);
        if let Some(waker) = waker {
            waker.wake();
        }
        Step::Waited
    }
}

fn micros(by: SignedDuration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(i64::MAX).max(0)
}
