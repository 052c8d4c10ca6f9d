//! How long things have to wait before their turn: in the runtime, before the lane, and before a
//! connection that reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kernel::Fault;
use store::EngineKind;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::class::{Class, REFUSABLE};
use super::gate::{Gate, Seen};
use super::{Admission, Inner};

/// How often somebody is sent to wait.
const PROBE_EVERY: Duration = Duration::from_millis(5);
/// What the least of the probes of a window waited, everybody waited.
const WINDOW: Duration = Duration::from_millis(50);
/// How often the log says that the shop is too busy, while it is.
const SAY_EVERY: Duration = Duration::from_secs(10);

impl Admission {
    /// Watches for ever.
    pub(crate) async fn watch(self) {
        let inner = self.0;
        if inner.closed {
            return;
        }
        let mut watch = Watch::new();
        loop {
            let due = Instant::now() + PROBE_EVERY;
            inner.expect(due);
            tokio::time::sleep_until(due).await;
            watch.sample(&inner, due).await;
            watch.give_places(&inner);
        }
    }
}

/// The least wait of a window, among those that are over: one that has only begun to wait says
/// nothing yet, and would hide what all others waited.
#[derive(Default)]
struct Least(Option<Duration>);

impl Least {
    fn note(&mut self, waited: Duration) {
        self.0 = Some(self.0.map_or(waited, |least| least.min(waited)));
    }

    /// Begins the next window. When nothing came through in this one, `so_far` is what somebody
    /// has waited who is waiting still.
    fn take(&mut self, so_far: Option<Duration>) -> Duration {
        self.0.take().or(so_far).unwrap_or_default()
    }
}

struct Watch {
    gates: [Gate; REFUSABLE],
    /// A second; none: everybody.
    rates: [Option<f64>; REFUSABLE],
    /// Parts of a place, kept for the next time.
    rests: [f64; REFUSABLE],
    runtime: Least,
    readers: Least,
    window_from: Instant,
    given_at: Instant,
    /// A read that asks nothing, on its way since when.
    reading: Option<(Instant, JoinHandle<Result<Instant, Fault>>)>,
    said_at: Option<Instant>,
    refused: [u64; REFUSABLE],
}

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            gates: std::array::from_fn(Gate::of),
            rates: [None; REFUSABLE],
            rests: [0.0; REFUSABLE],
            runtime: Least::default(),
            readers: Least::default(),
            window_from: now,
            given_at: now,
            reading: None,
            said_at: None,
            refused: [0; REFUSABLE],
        }
    }

    /// One more probe; at the end of a window the gates hear of it.
    async fn sample(&mut self, inner: &Arc<Inner>, due: Instant) {
        self.runtime.note(in_the_runtime(due).await);
        self.look_at_the_readers(inner).await;
        let now = Instant::now();
        let over = now.duration_since(self.window_from);
        if over < WINDOW {
            return;
        }
        let lane = inner.shop.as_ref().and_then(flows::Shop::least_wait).unwrap_or_default();
        let so_far = self.reading.as_ref().map(|(since, _)| now.duration_since(*since));
        let standing = self.runtime.take(None).max(self.readers.take(so_far)).max(lane);
        for (index, (gate, door)) in self.gates.iter_mut().zip(&inner.doors).enumerate() {
            let let_in = door.let_in.swap(0, Ordering::Relaxed);
            self.refused[index] += door.refused.swap(0, Ordering::Relaxed);
            self.rates[index] = gate.observe(&Seen { standing, let_in, over });
        }
        self.window_from = now;
        self.say(standing, now);
    }

    /// Hands out the places that have come due; what nobody took is not saved up for long.
    fn give_places(&mut self, inner: &Inner) {
        let now = Instant::now();
        let over_s = now.duration_since(self.given_at).as_secs_f64();
        self.given_at = now;
        for (index, door) in inner.doors.iter().enumerate() {
            let Some(rate) = self.rates[index] else {
                door.limited.store(false, Ordering::Relaxed);
                continue;
            };
            let due = rate * over_s + self.rests[index];
            let whole = due.floor();
            self.rests[index] = due - whole;
            // Below zero when many asked for the last place at once.
            let left = door.places.load(Ordering::Relaxed).max(0);
            #[expect(clippy::cast_possible_truncation, reason = "a rate times some milliseconds")]
            let places = left.min(whole as i64 + 1) + whole as i64;
            door.places.store(places, Ordering::Relaxed);
            door.limited.store(true, Ordering::Relaxed);
        }
    }

    /// Notes how long a read that asks nothing has waited, and sends out the next: only where
    /// reads wait for a connection, and only while somebody is being served. One is under way at a
    /// time.
    async fn look_at_the_readers(&mut self, inner: &Arc<Inner>) {
        let Some(shop) = &inner.shop else { return };
        match self.reading.take() {
            Some((since, reading)) if reading.is_finished() => {
                if let Ok(Ok(ran)) = reading.await {
                    self.readers.note(ran.duration_since(since));
                }
            }
            Some(under_way) => {
                self.reading = Some(under_way);
                return;
            }
            None => {}
        }
        if shop.db.engine() == EngineKind::Postgres && inner.seats.load(Ordering::Relaxed) > 0 {
            let db = shop.db.clone();
            let read = async move { db.read(|_| Ok::<_, Fault>(Instant::now())).await };
            self.reading = Some((Instant::now(), tokio::spawn(read)));
        }
    }

    /// For the operator: that it begins, every ten seconds while it lasts, and that it is over.
    fn say(&mut self, standing: Duration, now: Instant) {
        let limited = self.rates.iter().any(Option::is_some);
        match self.said_at {
            None if limited => {}
            Some(at) if limited && now.duration_since(at) < SAY_EVERY => return,
            Some(_) => {}
            None => return,
        }
        let [newcomers, guests, buyers] = std::mem::take(&mut self.refused);
        let delay_ms = standing.as_millis();
        self.said_at = limited.then_some(now);
        if limited {
            let up_to = self.rates.iter().rposition(Option::is_some).unwrap_or_default();
            let limited = Class::name(up_to);
            tracing::warn!(delay_ms, limited, newcomers, guests, buyers, "too busy: refused");
        } else {
            tracing::info!(newcomers, guests, buyers, "no longer too busy; refused at the end");
        }
    }
}

/// How late the runtime's alarm rings, and then how long something that is ready waits for its
/// turn.
async fn in_the_runtime(due: Instant) -> Duration {
    let waits = tokio::spawn(async { Instant::now() });
    // A worker serves the task that was woken last before all others: this one takes that place,
    // and sends the probe to the end of the line, where everybody else waits.
    drop(tokio::spawn(async {}));
    match waits.await {
        Ok(ran) => ran.saturating_duration_since(due),
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_only_begun_to_wait_does_not_hide_what_others_waited() {
        let millis = Duration::from_millis;
        let mut least = Least::default();
        assert_eq!(least.take(None), Duration::ZERO, "nobody waits");
        // Somebody came through after 70 ms; the next has waited for 5.
        least.note(millis(70));
        assert_eq!(least.take(Some(millis(5))), millis(70));
        // Nobody comes through any more.
        assert_eq!(least.take(Some(millis(55))), millis(55));
        assert_eq!(least.take(Some(millis(105))), millis(105));
        // A burst that drains is none.
        for waited in [120, 80, 2, 30] {
            least.note(millis(waited));
        }
        assert_eq!(least.take(None), millis(2));
    }
}
