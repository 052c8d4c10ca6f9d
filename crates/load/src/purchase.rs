//! One purchase: a quote, then the order. Two requests.

use std::time::Instant;

use hyper::StatusCode;

use crate::api::{self, COMEBACKS_MAX, Order, Quote, QuoteFor};
use crate::cli::Payment;
use crate::clock::now;
use crate::drive::Worker;
use crate::ledger::Verdict;
use crate::pace::Turn;
use crate::scene::Buyer;
use crate::stats::Op;

/// The first time an order is placed.
pub const PLACED: &[StatusCode] = &[StatusCode::CREATED];
/// It may have been placed before.
pub const PLACED_OR_KNOWN: &[StatusCode] = &[StatusCode::CREATED, StatusCode::OK];
const QUOTED: &[StatusCode] = &[StatusCode::OK];

/// How a purchase ended.
#[derive(Debug)]
pub enum Purchase {
    /// With an order, and the total that was promised.
    Placed(Order, Quote),
    /// Nothing left.
    Refused,
    /// Turned away, or an error that has been counted.
    NotServed,
    /// The order was sent and nothing came back.
    InDoubt(Quote),
}

/// Does it for a buyer; the quote counts from `since`, the order from the moment its quote was
/// there, the whole from the turn's intended time.
pub async fn buy(
    worker: &mut Worker,
    turn: &Turn,
    since: Instant,
    buyer: &Buyer,
    (of, payment): (QuoteFor, Payment),
) -> Purchase {
    let quote = match quote(worker, turn, since, buyer, of).await {
        Ok(quote) => quote,
        Err(purchase) => return purchase,
    };
    let purchase = place(worker, turn, buyer, quote, payment).await;
    conclude(worker, turn, &purchase);
    purchase
}

/// Asks for a quote.
pub async fn quote(
    worker: &mut Worker,
    turn: &Turn,
    since: Instant,
    buyer: &Buyer,
    of: QuoteFor,
) -> Result<Quote, Purchase> {
    let mut since = since;
    for _ in 0..=COMEBACKS_MAX {
        let call = api::quote(&buyer.token, of);
        match worker.ask(Op::Quote, turn, since, QUOTED, call).await {
            Verdict::Served(answer) => {
                return serde_json::from_slice(&answer.body).map_err(|error| {
                    worker.ledger.wrong(|| api::in_full(&format!("quote: {error}"), &answer));
                    Purchase::NotServed
                });
            }
            Verdict::Refused => {
                worker.ledger.refused(turn);
                return Err(Purchase::Refused);
            }
            Verdict::Overloaded(seconds) => since = come_back(seconds).await,
            Verdict::Failed | Verdict::Unknown => return Err(Purchase::NotServed),
        }
    }
    Err(Purchase::NotServed)
}

/// Orders what was quoted.
async fn place(
    worker: &mut Worker,
    turn: &Turn,
    buyer: &Buyer,
    quote: Quote,
    payment: Payment,
) -> Purchase {
    let mut since = now();
    for _ in 0..=COMEBACKS_MAX {
        let call = api::place(&buyer.token, &quote.token, payment);
        match worker.ask(Op::Place, turn, since, PLACED, call).await {
            Verdict::Served(answer) => {
                return match serde_json::from_slice::<Order>(&answer.body) {
                    Ok(order) => Purchase::Placed(order, quote),
                    Err(error) => {
                        worker.ledger.wrong(|| api::in_full(&format!("place: {error}"), &answer));
                        Purchase::NotServed
                    }
                };
            }
            Verdict::Refused => return Purchase::Refused,
            Verdict::Overloaded(seconds) => since = come_back(seconds).await,
            Verdict::Failed => return Purchase::NotServed,
            Verdict::Unknown => return Purchase::InDoubt(quote),
        }
    }
    Purchase::NotServed
}

/// Counts the end of a purchase, and that the order costs what the quote said.
pub fn conclude(worker: &Worker, turn: &Turn, purchase: &Purchase) {
    match purchase {
        Purchase::Placed(order, quote) => {
            worker.ledger.placed(turn);
            if order.total != quote.total {
                worker.ledger.wrong(|| {
                    let (got, promised) = (order.total.minor, quote.total.minor);
                    format!("order {} costs {got}, its quote said {promised}", order.number)
                });
            }
        }
        Purchase::Refused => worker.ledger.refused(turn),
        Purchase::NotServed | Purchase::InDoubt(_) => {}
    }
}

async fn come_back(seconds: Option<u64>) -> Instant {
    api::until_told(seconds).await;
    now()
}
