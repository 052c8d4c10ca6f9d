//! Clients that die in the middle, send twice, or ask again for what they have: each must end
//! with exactly one order.

use hyper::StatusCode;
use rand::RngExt as _;
use uuid::Uuid;

use crate::api::{self, Order, Quote, QuoteFor};
use crate::cli::Payment;
use crate::client::{Call, Connection, on_the_wire, send_and_hang_up};
use crate::clock::now;
use crate::drive::Worker;
use crate::journal::{InDoubt, Journal};
use crate::ledger::Verdict;
use crate::pace::Turn;
use crate::purchase::{PLACED_OR_KNOWN, Purchase, conclude, quote};
use crate::scene::Buyer;
use crate::stats::Op;

/// Who misbehaves, and where promises to them are kept.
pub struct Customer<'a> {
    pub index: u32,
    pub buyer: &'a Buyer,
    pub variant: Uuid,
    pub journal: &'a Journal,
}

const PAYMENT: Payment = Payment::CashOnDelivery;
const KNOWN: &[StatusCode] = &[StatusCode::OK];

/// Buys one unit in a bad way, drawn by lot.
pub async fn misbehave(worker: &mut Worker, turn: &Turn, customer: &Customer<'_>) {
    let of = QuoteFor::BuyNow {
        variant_id: customer.variant,
        quantity: 1,
        address_id: customer.buyer.address,
    };
    let Ok(quote) = quote(worker, turn, turn.intended, customer.buyer, of).await else { return };
    worker.ledger.misbehaved();
    let call = || api::place(&customer.buyer.token, &quote.token, PAYMENT);
    let outcome = match worker.rng.random_range(0..4) {
        // Dies while sending.
        0 => {
            let whole = on_the_wire(call()).await;
            die(worker, &whole[..whole.len() / 2]).await;
            order(worker, turn, call(), PLACED_OR_KNOWN).await
        }
        // Dies before the answer comes.
        1 => {
            let whole = on_the_wire(call()).await;
            die(worker, &whole).await;
            order(worker, turn, call(), PLACED_OR_KNOWN).await
        }
        // Has its order and asks for it again.
        2 => again(worker, turn, call).await,
        _ => twice_at_once(worker, turn, call).await,
    };
    settle(worker, turn, customer, quote, outcome);
}

/// How sending an order ended.
enum Sent {
    Order(Order),
    Refused,
    NotServed,
    Unknown,
}

async fn die(worker: &Worker, bytes: &[u8]) {
    let outcome = send_and_hang_up(worker.address, bytes).await;
    if let Err(error) = outcome
        && !worker.ledger.excuses_breaks()
    {
        worker.ledger.wrong(|| format!("a client that hangs up: {error}"));
    }
}

async fn order(worker: &mut Worker, turn: &Turn, call: Call, expected: &[StatusCode]) -> Sent {
    let verdict = worker.ask(Op::Place, turn, now(), expected, call).await;
    understood(worker, verdict)
}

fn understood(worker: &Worker, verdict: Verdict) -> Sent {
    match verdict {
        Verdict::Served(answer) => match serde_json::from_slice(&answer.body) {
            Ok(order) => Sent::Order(order),
            Err(error) => {
                worker.ledger.wrong(|| api::in_full(&format!("place: {error}"), &answer));
                Sent::NotServed
            }
        },
        Verdict::Refused => Sent::Refused,
        Verdict::Overloaded(_) | Verdict::Failed => Sent::NotServed,
        Verdict::Unknown => Sent::Unknown,
    }
}

async fn again(worker: &mut Worker, turn: &Turn, call: impl Fn() -> Call) -> Sent {
    let first = order(worker, turn, call(), &[StatusCode::CREATED]).await;
    let Sent::Order(first) = first else { return first };
    if let Sent::Order(second) = order(worker, turn, call(), KNOWN).await {
        same(worker, &first, &second);
    }
    Sent::Order(first)
}

async fn twice_at_once(worker: &mut Worker, turn: &Turn, call: impl Fn() -> Call) -> Sent {
    let mut other = Connection::to(worker.address);
    let since = now();
    let (mine, theirs) = tokio::join!(worker.connection.send(call()), other.send(call()));
    let statuses = (mine.as_ref().ok().map(|a| a.status), theirs.as_ref().ok().map(|a| a.status));
    let judge = |outcome| worker.ledger.judge(Op::Place, turn, since, PLACED_OR_KNOWN, outcome);
    let (mine, theirs) = (judge(mine), judge(theirs));
    let (mine, theirs) = (understood(worker, mine), understood(worker, theirs));
    if statuses == (Some(StatusCode::CREATED), Some(StatusCode::CREATED)) {
        worker.ledger.wrong(|| "one quote sent twice at once was answered 201 twice".to_owned());
    }
    match (mine, theirs) {
        (Sent::Order(mine), Sent::Order(theirs)) => {
            same(worker, &mine, &theirs);
            Sent::Order(mine)
        }
        (Sent::Order(order), _) | (_, Sent::Order(order)) => Sent::Order(order),
        (Sent::Unknown, _) | (_, Sent::Unknown) => Sent::Unknown,
        (mine, _) => mine,
    }
}

/// One quote, one order.
fn same(worker: &Worker, one: &Order, other: &Order) {
    if (one.id, &one.number, &one.total) != (other.id, &other.number, &other.total) {
        worker.ledger.wrong(|| format!("one quote made two orders: {one:?} and {other:?}"));
    }
}

fn settle(worker: &Worker, turn: &Turn, customer: &Customer<'_>, quote: Quote, sent: Sent) {
    let purchase = match sent {
        Sent::Order(order) => {
            customer.journal.acknowledge(customer.index, &order);
            Purchase::Placed(order, quote)
        }
        Sent::Refused => Purchase::Refused,
        Sent::NotServed => Purchase::NotServed,
        Sent::Unknown => {
            customer.journal.doubt(InDoubt {
                buyer: customer.index,
                quote: quote.token,
                payment: PAYMENT,
                total_minor: quote.total.minor,
            });
            Purchase::NotServed
        }
    };
    conclude(worker, turn, &purchase);
}
