//! Stories of the shop, told through its public face on both engines. Each ends with
//! [`sound`]: nothing that must hold is broken.

mod back;
mod breaks;
mod carts;
mod course;
mod crowds;
mod line;
mod money;
mod news;
mod personal;
mod placing;
mod quotes;
mod rates;
mod stages;

use kernel::{Error, Fault, SignedDuration};
use orders::State;
use store::testing::TestDb;

use crate::testing::Town;
use crate::{Answer, CASH_ON_DELIVERY, Refusal, SCHEMAS};

/// What the use case refused; a story that expected a refusal cannot go on without.
fn refused<T: std::fmt::Debug>(answer: Answer<T>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

/// What broke; a story that expected a fault cannot go on without.
fn fault<T: std::fmt::Debug>(answer: Answer<T>) -> Fault {
    match answer {
        Err(Error::Fault(fault)) => fault,
        other => panic!("expected a fault, not {other:?}"),
    }
}

/// The short facts of an out-of-stock refusal: wanted and available of the first.
fn short<T: std::fmt::Debug>(answer: Answer<T>) -> (i64, i64) {
    match refused(answer) {
        Refusal::OutOfStock { short } => (short[0].wanted, short[0].available),
        other => panic!("expected out of stock, not {other:?}"),
    }
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// Lets time's work be done, then looks whether everything that must hold does.
async fn sound(town: &Town) {
    town.sweep().await.unwrap();
    town.drain().await.unwrap();
    let grace = SignedDuration::from_secs(1);
    let report = reports::verify(&town.shop.db, town.shop.env.now(), grace).await.unwrap();
    assert_eq!(report.violations, 0, "{report}");
}

/// `on_hand`, `held` and `sold` of a variant.
async fn levels(town: &Town, variant: kernel::VariantId) -> (i64, i64, i64) {
    let stock = town.stock(variant).await;
    (stock.on_hand, stock.held, stock.sold)
}

async fn state(town: &Town, order: kernel::OrderId) -> State {
    town.order(order).await.state
}
