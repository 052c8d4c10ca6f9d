//! Hands events on after their commit: at least once, each consumer noting what it has handled.

use std::sync::Arc;

use flows::Shop;
use kernel::planted::{self, Bug};
use kernel::{Fault, SignedDuration, Timestamp};
use store::outbox::{self, Waiting};

/// Events one round takes up.
const ROUND: i64 = 500;
/// Tries after which an event is put aside for a person.
pub(crate) const TRIES_MAX: i64 = 12;

/// Somebody who wants to hear of events. An event may come twice; then it is the same.
pub trait Consumer: Send + Sync + 'static {
    /// Stable name.
    fn name(&self) -> &'static str;
    /// Takes an event in, or says why not; then it comes again later.
    fn handle(&self, event: &Waiting) -> Result<(), String>;
}

/// Writes every event as one structured log line.
pub struct Journal;

impl Consumer for Journal {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn handle(&self, event: &Waiting) -> Result<(), String> {
        tracing::debug!(
            target: "events", kind = event.kind, aggregate = %event.aggregate, seq = event.seq,
            payload = event.payload, "event"
        );
        Ok(())
    }
}

/// Hands on what is due; gives how many events there were.
pub(crate) async fn round(shop: &Shop, consumers: &[Arc<dyn Consumer>]) -> Result<usize, Fault> {
    let now = shop.env.now();
    let due = shop.db.read(move |read| outbox::due(read, now, ROUND)).await?;
    if due.is_empty() {
        return Ok(0);
    }
    kernel::crash_point!("relay.found");
    let count = due.len();
    let mut done = Vec::with_capacity(count);
    let mut failed = Vec::new();
    for event in due {
        if planted::is(Bug::DoublePublish) {
            let _ = consumers.iter().try_for_each(|consumer| consumer.handle(&event));
        }
        let refused = consumers.iter().find_map(|consumer| {
            consumer.handle(&event).err().map(|why| format!("{}: {why}", consumer.name()))
        });
        match refused {
            None => done.push(event),
            Some(why) => failed.push((event, why)),
        }
    }
    kernel::crash_point!("relay.handed-on");
    shop.db
        .write(move |tx| {
            outbox::delivered(tx, &done, now)?;
            failed.iter().try_for_each(|(event, why)| {
                let dead = (event.tries + 1 >= TRIES_MAX).then_some(why.as_str());
                outbox::failed(tx, event, later(now, event.tries), dead)
            })
        })
        .await?;
    kernel::crash_point!("relay.marked");
    Ok(count)
}

pub(crate) fn later(now: Timestamp, tries: i64) -> Timestamp {
    let doublings = u32::try_from(tries.clamp(0, 12)).unwrap_or(12);
    now.checked_add(SignedDuration::from_secs(1_i64 << doublings)).unwrap_or(Timestamp::MAX)
}
