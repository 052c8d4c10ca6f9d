//! Who is let in when more come than can be served.
//!
//! What is turned away is a *visit*, not a request: whoever was let in goes on to the order and
//! its payment, and newcomers are told to come back. A refused newcomer costs a small part of
//! what a visit costs; a buyer refused half way has cost half of one and brings nothing.
//!
//! - [`class`] tells by method, path and credentials what a request is part of;
//! - [`gate`] decides for a class how many may come in, by how long things have to wait;
//! - [`watch`] measures that;
//! - [`refusal`] says no.
//!
//! Nothing here knows how fast the machine is: only how long things wait on it.

mod class;
mod gate;
#[cfg(test)]
mod model;
mod refusal;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::Response;
use flows::Shop;
use http::{HeaderMap, Method};
use kernel::{Env, limits};
use tokio::time::Instant;

use class::{Class, REFUSABLE};
use refusal::Refusals;

/// The door of the shop. Cheap to clone.
#[derive(Clone)]
pub struct Admission(Arc<Inner>);

struct Inner {
    env: Env,
    /// Whose queues are looked at; none where there is only a router.
    shop: Option<Shop>,
    /// Whether the doors stay as they are.
    closed: bool,
    /// One for each class that may be refused.
    doors: [Door; REFUSABLE],
    /// Requests under way.
    seats: AtomicUsize,
    /// When the watch is due to come through the next time, in microseconds since `begun`: once
    /// that has passed, everybody waits at least since then.
    due_us: AtomicU64,
    begun: Instant,
    refusals: Refusals,
}

/// What requests of one class meet, written by the watch and read by every request.
#[derive(Default)]
struct Door {
    limited: AtomicBool,
    /// How many may still come in, while it is limited.
    places: AtomicI64,
    let_in: AtomicU64,
    refused: AtomicU64,
}

impl Door {
    fn lets_in(&self, place: usize, waits: Duration) -> bool {
        let limited = self.limited.load(Ordering::Relaxed);
        let open = !gate::is_shut(place, limited, waits) && (!limited || self.takes_place());
        let count = if open { &self.let_in } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        open
    }

    fn takes_place(&self) -> bool {
        self.places.load(Ordering::Relaxed) > 0 && self.places.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

impl Inner {
    /// From now on the watch is due at `due`.
    fn expect(&self, due: Instant) {
        let micros = due.duration_since(self.begun).as_micros();
        self.due_us.store(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How late the watch is now.
    fn waits(&self) -> Duration {
        let due = Duration::from_micros(self.due_us.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(due)
    }
}

/// A request that was let in; gives its place back when it ends.
pub(crate) struct Seat(Arc<Inner>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// The door of a shop that is reached over HTTPS or not.
    pub fn of_shop(shop: &Shop, secure: bool) -> Self {
        Self::new(shop.env.clone(), Some(shop.clone()), secure)
    }

    /// A door before something that has no queues but the runtime's.
    pub fn bare(env: Env) -> Self {
        Self::new(env, None, false)
    }

    /// A door that stays as shut as it can be: it lets in only those who are never refused. What
    /// they meet then can be looked at without a storm.
    pub fn closed(env: Env, secure: bool) -> Self {
        let shut = || Door { limited: true.into(), ..Door::default() };
        Self::with(env, None, secure, Some([shut(), shut(), shut()]))
    }

    fn new(env: Env, shop: Option<Shop>, secure: bool) -> Self {
        Self::with(env, shop, secure, None)
    }

    fn with(env: Env, shop: Option<Shop>, secure: bool, doors: Option<[Door; REFUSABLE]>) -> Self {
        Self(Arc::new(Inner {
            env,
            shop,
            closed: doors.is_some(),
            doors: doors.unwrap_or_default(),
            seats: AtomicUsize::new(0),
            // Nobody waits for a watch that was never begun.
            due_us: AtomicU64::new(u64::MAX),
            begun: Instant::now(),
            refusals: Refusals::new(secure),
        }))
    }

    /// Lets a request in, or says why not. Looks at nothing that has to be read first.
    pub(crate) fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Seat, Box<Response>> {
        let class = Class::of(method, path, headers);
        let seat = self.seat();
        let open = self.0.seats.load(Ordering::Relaxed) <= class.seats_max()
            && class.door().is_none_or(|place| self.0.doors[place].lets_in(place, self.0.waits()));
        if open {
            return Ok(seat);
        }
        Err(Box::new(self.0.refusals.refuse(&self.0.env, method, path, headers)))
    }

    fn seat(&self) -> Seat {
        self.0.seats.fetch_add(1, Ordering::Relaxed);
        Seat(self.0.clone())
    }
}

impl Class {
    /// Requests under way before one of this class is refused whatever the gates say: the hard
    /// limit that keeps memory bounded. Each class leaves a quarter to those above it.
    fn seats_max(self) -> usize {
        limits::REQUESTS_MAX / (REFUSABLE + 1) * (self as usize + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests to `path` are let in when none of them ends.
    fn fit(admission: &Admission, path: &str) -> usize {
        let mut seats = Vec::new();
        while let Ok(seat) = admission.admit(&Method::GET, path, &HeaderMap::new()) {
            seats.push(seat);
        }
        seats.len()
    }

    #[test]
    fn each_class_leaves_room_for_those_above_it() {
        let admission = Admission::bare(Env::system());
        let quarter = limits::REQUESTS_MAX / 4;
        for (path, quarters) in [("/", 1), ("/login", 2), ("/cart", 3), ("/healthz", 4)] {
            assert_eq!(fit(&admission, path), quarter * quarters, "{path}");
        }
        let seats: Vec<Seat> = (0..quarter * 3).map(|_| admission.seat()).collect();
        assert_eq!([fit(&admission, "/cart"), fit(&admission, "/healthz")], [0, quarter]);
        drop(seats);
        assert_eq!(fit(&admission, "/"), quarter, "places are given back");
    }

    #[test]
    fn a_late_watch_shuts_the_door_to_newcomers_at_once() {
        let admission = Admission::bare(Env::system());
        let late = |admission: &Admission| admission.0.due_us.store(0, Ordering::Relaxed);
        assert!(fit(&admission, "/") > 0);
        late(&admission);
        let limit = gate::longest_stall(0);
        while admission.0.waits() <= limit {
            std::hint::spin_loop();
        }
        assert_eq!(fit(&admission, "/"), 0);
        assert!(fit(&admission, "/cart") > 0 && fit(&admission, "/healthz") > 0);
    }
}
