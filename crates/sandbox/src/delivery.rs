//! Telling the shop: notifications go out in the background, at least once each, until the shop
//! takes them or the schedule ends. What is due stands in the book, so a restart goes on.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::book::BookError;
use crate::book::deliveries::{self, Delivery, Outcome};
use crate::faults::{Fault, Op, Struck};
use crate::gateway::Letter;
use crate::journal::Entry;
use crate::loopback::is_loopback;
use crate::world::World;

/// Deliveries under way at one time.
const AT_ONCE: usize = 32;
/// How long the shop may take to answer one.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often to look at the clock when nothing rings: it may be one that is set by hand.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// As much of the shop's answer as is looked at.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Another address of this machine, where no provider lives.
const ELSEWHERE: [u8; 4] = [127, 0, 0, 66];

type Post = Client<HttpConnector, Body>;

/// Two ways to the shop.
#[derive(Clone)]
struct Posts {
    usual: Post,
    elsewhere: Post,
}

/// Delivers until told to stop. A delivery that is cut off stays in the book.
pub(crate) async fn run(world: Arc<World>, mut stopped: watch::Receiver<bool>) {
    let posts = Posts::new();
    let mut running = HashSet::new();
    let mut tasks = JoinSet::new();
    loop {
        let wait = match take_due(&world, &running).await {
            Ok((due, wait)) => {
                for delivery in due {
                    running.insert(delivery.seq);
                    tasks.spawn(deliver(world.clone(), posts.clone(), delivery));
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
) -> Result<(Vec<Delivery>, Duration), BookError> {
    let room = AT_ONCE.saturating_sub(running.len());
    if room == 0 {
        return Ok((Vec::new(), LOOK_EVERY));
    }
    let busy = running.len();
    let (mut due, next, now) = world
        .book
        .write(move |page| {
            Ok((deliveries::due(page, room + busy)?, deliveries::next_due(page)?, page.now))
        })
        .await?;
    due.retain(|delivery| !running.contains(&delivery.seq));
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
async fn deliver(world: Arc<World>, posts: Posts, delivery: Delivery) -> i64 {
    let struck = world.faults.strike(delivery.gateway, Op::Notify);
    sleep(struck.delay).await;
    if struck.by(Fault::NotifyReversed) && !struck.last {
        let (release, released) = oneshot::channel();
        world.held.lock().unwrap_or_else(PoisonError::into_inner).push(release);
        // Whoever holds the other end gone means: no reason to wait any more.
        let _ = released.await;
    }
    let copies = if struck.by(Fault::NotifyNever) { 0 } else { struck.copies };
    let mut outcome = Outcome::Lost;
    let mut answers = Vec::new();
    let mut sent = delivery.body.clone();
    for _ in 0..copies {
        let letter = delivery.gateway.letter(&world, &delivery, &struck);
        sent.clone_from(&letter.body);
        let answer = posts.send(&delivery, letter, &struck).await;
        outcome = match &answer {
            Ok((status, body)) if delivery.gateway.is_taken(*status, body) => Outcome::Delivered,
            Ok(_) | Err(_) => match world.wait_after(delivery.gateway, delivery.tries) {
                Some(wait) => Outcome::Again(wait),
                None => Outcome::GivenUp,
            },
        };
        answers.push(answer.map(|(status, _)| status));
    }
    if outcome == Outcome::Lost {
        answers.push(Err("lost on purpose".to_owned()));
    }
    let (seq, reversed) = (delivery.seq, struck.by(Fault::NotifyReversed));
    let witness = world.clone();
    let noted = world.book.write(move |page| {
        deliveries::tried(page, seq, outcome)?;
        // While the book is held: whoever finds the try in the one finds it in the other.
        for answer in answers {
            journal(&witness, &delivery, &sent, &struck, answer);
        }
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::error!(%error, "the payment sandbox cannot note a delivery");
        // Left as it was, it would be due again at once and for ever.
        sleep(LOOK_EVERY).await;
    }
    world.tries.send_modify(|tries| *tries += 1);
    if reversed {
        world.release_one();
    }
    seq
}

fn journal(
    world: &World,
    delivery: &Delivery,
    sent: &str,
    struck: &Struck,
    answer: Result<u16, String>,
) {
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error)),
    };
    let entry = Entry::Delivery {
        gateway: delivery.gateway,
        event: &delivery.id,
        event_type: &delivery.kind,
        url: &delivery.url,
        attempt: delivery.tries + 1,
        faults: &struck.faults,
        body: sent,
        status,
        error,
    };
    world.journal.write(world.fixed().env.now(), &entry);
}

impl Posts {
    fn new() -> Self {
        let client = |connector| {
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
        };
        let mut elsewhere = HttpConnector::new();
        elsewhere.set_local_address(Some(IpAddr::from(ELSEWHERE)));
        Self { usual: client(HttpConnector::new()), elsewhere: client(elsewhere) }
    }

    /// Sends one letter; the status and as much of the answer as matters.
    async fn send(
        &self,
        delivery: &Delivery,
        letter: Letter,
        struck: &Struck,
    ) -> Result<(u16, Vec<u8>), String> {
        if !is_loopback(&delivery.url) {
            return Err("not an http:// loopback address: nothing leaves this machine".to_owned());
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&delivery.url)
            .header("user-agent", "holdfast-sandbox");
        for (name, value) in letter.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(letter.body)).map_err(|error| error.to_string())?;
        let post = if struck.by(Fault::WrongSource) { &self.elsewhere } else { &self.usual };
        let exchange = async {
            let answer = post.request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await;
            Ok((status, body.map(|bytes| bytes.to_vec()).unwrap_or_default()))
        };
        match timeout(ANSWER_WITHIN, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

impl World {
    /// Lets the last of the deliveries go that wait for one another.
    fn release_one(&self) {
        if let Some(last) = self.held.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            // A delivery that was cut off does not wait any more.
            let _ = last.send(());
        }
    }

    /// Lets all of them go.
    pub fn release_all(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until every event of `subject` has been tried once, but not for ever.
    pub async fn all_tried(&self, subject: &str) {
        let mut tries = self.tries.subscribe();
        let waiting = async {
            loop {
                tries.mark_unchanged();
                let about = subject.to_owned();
                let done = self.book.write(move |page| deliveries::all_tried(page, &about));
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
