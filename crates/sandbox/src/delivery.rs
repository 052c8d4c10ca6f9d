//! Telling the shop: notifications go out in the background, at least once each, until the shop
//! takes them or the schedule ends. What is due stands in the book, so a restart goes on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::book::BookError;
use crate::book::events::{self, Event, Outcome};
use crate::faults::{Fault, Op, Struck};
use crate::journal::Entry;
use crate::signature;
use crate::world::World;

/// Deliveries under way at one time.
const AT_ONCE: usize = 32;
/// How long the shop may take to answer one.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often to look at the clock when nothing rings: it may be one that is set by hand.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How far back a stale signature is dated, in seconds.
const STALE_BY: i64 = 600;

type Post = Client<HttpConnector, Body>;

/// Delivers until told to stop. A delivery that is cut off stays in the book.
pub(crate) async fn run(world: Arc<World>, mut stopped: watch::Receiver<bool>) {
    let post: Post = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let mut running = HashSet::new();
    let mut tasks = JoinSet::new();
    loop {
        let wait = match take_due(&world, &running).await {
            Ok((due, wait)) => {
                for event in due {
                    running.insert(event.seq);
                    tasks.spawn(deliver(world.clone(), post.clone(), event));
                }
                wait
            }
            Err(error) => {
                tracing::error!(%error, "the payment sandbox cannot read what to deliver");
                LOOK_EVERY
            }
        };
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(done) = tasks.join_next() => match done {
                Ok(seq) => { running.remove(&seq); }
                Err(error) => {
                    // Its number is not known any more, so all may be taken again: twice at worst.
                    tracing::error!(%error, "a delivery of the payment sandbox broke");
                    running.clear();
                }
            },
            () = world.bell.notified() => {}
            () = sleep(wait) => {}
        }
    }
    tasks.shutdown().await;
}

/// What to begin now, and how long to wait before looking again.
async fn take_due(
    world: &World,
    running: &HashSet<i64>,
) -> Result<(Vec<Event>, Duration), BookError> {
    let room = AT_ONCE.saturating_sub(running.len());
    if room == 0 {
        return Ok((Vec::new(), LOOK_EVERY));
    }
    let busy = running.len();
    let (mut due, next, now) = world
        .book
        .write(&world.env, move |page| {
            Ok((events::due(page, room + busy)?, events::next_due(page)?, page.now))
        })
        .await?;
    due.retain(|event| !running.contains(&event.seq));
    due.truncate(room);
    let wait = match next {
        // Due, but on its way already: its end will wake us.
        Some(at) if at <= now => LOOK_EVERY,
        Some(at) => at.duration_since(now).unsigned_abs().min(LOOK_EVERY),
        None => LOOK_EVERY,
    };
    Ok((due, wait))
}

/// One try, from the faults that strike it to the note in the book.
async fn deliver(world: Arc<World>, post: Post, event: Event) -> i64 {
    let struck = world.faults.strike(Op::Notify);
    sleep(struck.delay).await;
    let copies = match (struck.by(Fault::NotifyNever), struck.by(Fault::NotifyTwice)) {
        (true, _) => 0,
        (false, true) => 2,
        (false, false) => 1,
    };
    let mut outcome = Outcome::Lost;
    let mut answers = Vec::new();
    for _ in 0..copies {
        let answer = send(&world, &post, &event, &struck).await;
        outcome = match &answer {
            Ok(200..=299) => Outcome::Delivered,
            Ok(_) | Err(_) => match world.redelivery.get(event.tries as usize) {
                Some(wait) => Outcome::Again(*wait),
                None => Outcome::GivenUp,
            },
        };
        answers.push(answer);
    }
    if outcome == Outcome::Lost {
        answers.push(Err("lost on purpose".to_owned()));
    }
    let seq = event.seq;
    let noted = world.book.write(&world.env, move |page| events::tried(page, seq, outcome));
    if let Err(error) = noted.await {
        tracing::error!(%error, "the payment sandbox cannot note a delivery");
        // Left as it was, it would be due again at once and for ever.
        sleep(LOOK_EVERY).await;
    }
    for answer in answers {
        journal(&world, &event, &struck, answer);
    }
    world.tries.send_modify(|tries| *tries += 1);
    seq
}

fn journal(world: &World, event: &Event, struck: &Struck, answer: Result<u16, String>) {
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    let entry = Entry::Delivery {
        event: &event.id,
        event_type: &event.kind,
        url: &event.url,
        attempt: event.tries + 1,
        faults: &struck.faults,
        status,
        error,
    };
    world.journal.write(world.env.now(), &entry);
}

async fn send(world: &World, post: &Post, event: &Event, struck: &Struck) -> Result<u16, String> {
    let mut at = world.env.now().as_second();
    if struck.by(Fault::StaleSignature) {
        at -= STALE_BY;
    }
    let secret =
        if struck.by(Fault::BadSignature) { "not-the-secret" } else { world.secret.as_str() };
    let request = Request::builder()
        .method(Method::POST)
        .uri(&event.url)
        .header("Content-Type", "application/json")
        .header("User-Agent", "holdfast-sandbox")
        .header(signature::HEADER, signature::sign(secret, at, &event.body))
        .body(Body::from(event.body.clone()))
        .map_err(|error| error.to_string())?;
    match timeout(ANSWER_WITHIN, post.request(request)).await {
        Ok(Ok(answer)) => Ok(answer.status().as_u16()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

impl World {
    /// Waits until every event of `subject` has been tried once, but not for ever.
    pub async fn all_tried(&self, subject: &str) {
        let mut tries = self.tries.subscribe();
        let waiting = async {
            loop {
                tries.mark_unchanged();
                let about = subject.to_owned();
                let done = self.book.write(&self.env, move |page| events::all_tried(page, &about));
                if done.await.unwrap_or(true) || tries.changed().await.is_err() {
                    return;
                }
            }
        };
        if timeout(ANSWER_WITHIN, waiting).await.is_err() {
            tracing::warn!(subject, "no notification was tried in time");
        }
    }
}
