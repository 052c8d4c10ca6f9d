//! A shop made of one queue, to see that the gate holds it at its best whatever it can do: fast or
//! slow, short visits or long ones, twice too many visitors or thirty times.

use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use super::gate::{self, Gate, Seen};

const PROBE_EVERY: f64 = 0.005;
const WINDOW: f64 = 0.05;

/// What a shop is like.
#[derive(Clone, Copy, Debug)]
struct Shop {
    /// Visits it can serve in a second.
    capacity: f64,
    /// Requests of a visit.
    steps: u32,
    /// Between an answer and the next request of the same visitor, seconds.
    pause: f64,
    /// What refusing costs, of what a visit costs.
    refusal: f64,
}

#[derive(Clone, Copy)]
enum Job {
    /// Somebody new, since when.
    New(f64),
    /// A visit with so many requests left, begun when.
    Step(u32, f64),
    /// Sent out when.
    Probe(f64),
}

/// Requests that are still to be sent, the next one first.
#[derive(PartialEq)]
struct Later(f64, u32, f64);

impl Eq for Later {}
impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Later {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0)
    }
}

/// One queue and one gate.
struct Model {
    shop: Shop,
    now: f64,
    queue: VecDeque<Job>,
    later: BinaryHeap<Later>,
    next_arrival: f64,
    next_probe: f64,
    dice: u64,
    gate: Gate,
    rate: Option<f64>,
    places: f64,
    let_in: u64,
    least: f64,
    sent: Option<f64>,
    window_from: f64,
    given_at: f64,
    /// Visits that ended within five seconds, refusals, and the slowest hundredth of those.
    served: u64,
    refused: Vec<f64>,
}

impl Model {
    fn new(shop: Shop) -> Self {
        Self {
            shop,
            now: 0.0,
            queue: VecDeque::new(),
            later: BinaryHeap::new(),
            next_arrival: 0.0,
            next_probe: 0.0,
            dice: 88_172_645_463_325_252,
            gate: Gate::of(0),
            rate: None,
            places: 0.0,
            let_in: 0,
            least: f64::MAX,
            sent: None,
            window_from: 0.0,
            given_at: 0.0,
            served: 0,
            refused: Vec::new(),
        }
    }

    /// Uniform in (0, 1]; xorshift.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are taken")]
    fn roll(&mut self) -> f64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        ((self.dice >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
    }

    /// Goes on for `seconds` with `times` as many visitors as the shop can serve; gives the visits
    /// served in a second, as a share of those it can serve.
    fn run(&mut self, times: f64, seconds: f64) -> f64 {
        let (end, before) = (self.now + seconds, self.served);
        self.refused.clear();
        self.next_arrival = self.now;
        while self.now < end {
            self.gather(times);
            match self.queue.pop_front() {
                Some(job) => self.serve(job),
                None => self.now = self.next(),
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let served = (self.served - before) as f64;
        served / seconds / self.shop.capacity
    }

    fn next(&self) -> f64 {
        let later = self.later.peek().map_or(f64::MAX, |later| later.0);
        self.next_arrival.min(self.next_probe).min(later).max(self.now)
    }

    /// Everything that has come by now, in its order.
    fn gather(&mut self, times: f64) {
        while self.next() <= self.now {
            let at = self.later.peek().map_or(f64::MAX, |later| later.0);
            if at <= self.next_arrival.min(self.next_probe) {
                let Some(Later(_, left, begun)) = self.later.pop() else { return };
                self.queue.push_back(Job::Step(left, begun));
            } else if self.next_arrival <= self.next_probe {
                self.queue.push_back(Job::New(self.next_arrival));
                self.next_arrival -= self.roll().ln() / (times * self.shop.capacity);
            } else {
                self.queue.push_back(Job::Probe(self.next_probe));
                self.sent = Some(self.next_probe);
                // The next one only when this one is back.
                self.next_probe = f64::MAX;
            }
        }
    }

    fn serve(&mut self, job: Job) {
        let visit = 1.0 / self.shop.capacity;
        let step = visit / f64::from(self.shop.steps);
        match job {
            Job::Probe(sent) => self.probed(self.now - sent),
            Job::New(since) if self.refuses() => {
                self.now += visit * self.shop.refusal;
                self.refused.push(self.now - since);
            }
            Job::New(since) => {
                self.places -= 1.0;
                self.let_in += 1;
                self.step(self.shop.steps, since, step);
            }
            Job::Step(left, begun) => self.step(left, begun, step),
        }
    }

    fn refuses(&self) -> bool {
        let waits = self.sent.map_or(0.0, |sent| self.now - sent);
        let limited = self.rate.is_some();
        gate::is_shut(0, limited, Duration::from_secs_f64(waits)) || (limited && self.places < 1.0)
    }

    fn step(&mut self, left: u32, begun: f64, takes: f64) {
        self.now += takes;
        if left > 1 {
            self.later.push(Later(self.now + self.shop.pause, left - 1, begun));
        } else if self.now - begun <= 5.0 {
            self.served += 1;
        }
    }

    /// What the watch does.
    fn probed(&mut self, waited: f64) {
        self.next_probe = self.now + PROBE_EVERY;
        self.sent = None;
        self.least = self.least.min(waited);
        if self.now - self.window_from >= WINDOW {
            let seen = Seen {
                standing: Duration::from_secs_f64(self.least),
                let_in: self.let_in,
                over: Duration::from_secs_f64(self.now - self.window_from),
            };
            self.rate = self.gate.observe(&seen);
            (self.least, self.let_in) = (f64::MAX, 0);
            self.window_from = self.now;
        }
        let due = self.rate.unwrap_or_default() * (self.now - self.given_at);
        self.places = self.places.clamp(0.0, due + 1.0) + due;
        self.given_at = self.now;
    }

    fn refused_p99(&mut self) -> f64 {
        self.refused.sort_by(f64::total_cmp);
        self.refused.get(self.refused.len() * 99 / 100).copied().unwrap_or_default()
    }
}

fn shops() -> impl Iterator<Item = Shop> {
    let capacities = [200.0, 1_000.0, 5_000.0];
    let visits = [(4, 0.0), (7, 0.001), (7, 0.02), (25, 0.005)];
    capacities.into_iter().flat_map(move |capacity| {
        visits.map(|(steps, pause)| Shop { capacity, steps, pause, refusal: 0.008 })
    })
}

/// What is left of a shop's best when it has to refuse everybody else as well.
fn best(shop: Shop, times: f64) -> f64 {
    (1.0 - (times - 1.0) * shop.refusal).min(1.0)
}

#[test]
fn the_gate_holds_any_shop_at_its_best() {
    for shop in shops() {
        for times in [2.0, 5.0, 10.0] {
            let mut model = Model::new(shop);
            model.run(0.5, 5.0);
            // What comes in the first moment of the storm, before anybody can know, waits longer.
            let begin = model.run(times, 2.0);
            assert!(begin >= 0.5, "{shop:?} at {times}: {begin:.3} at first");
            let goodput = model.run(times, 15.0);
            let (p99, best) = (model.refused_p99(), best(shop, times));
            assert!(goodput >= 0.9 * best, "{shop:?} at {times}: {goodput:.3} of {best:.3}");
            assert!(p99 <= 0.05, "{shop:?} at {times}: refused after {p99:.3} s");
        }
    }
}

#[test]
fn hardly_anybody_is_refused_where_everybody_can_be_served() {
    for shop in shops() {
        let mut model = Model::new(shop);
        let goodput = model.run(0.6, 30.0);
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let refused = model.refused.len() as f64 / (0.6 * 30.0 * shop.capacity);
        // A shop whose requests take milliseconds each cannot tell a burst from a storm at once.
        assert!(goodput > 0.5 && refused < 0.005, "{shop:?}: {goodput:.3}, {refused:.4} refused");
    }
}

#[test]
fn after_the_storm_everybody_is_let_in_again() {
    for shop in shops() {
        let mut model = Model::new(shop);
        model.run(10.0, 10.0);
        model.run(0.6, 3.0);
        let goodput = model.run(0.6, 10.0);
        let refused = model.refused.len();
        assert!(goodput > 0.5 && refused == 0, "{shop:?}: {goodput:.3}, {refused} refused");
    }
}
