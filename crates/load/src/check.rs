//! Asks the shop for orders it has acknowledged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use uuid::Uuid;

use crate::api::{self, Order};
use crate::client::Connection;
use crate::errands::{Errand, run_all};
use crate::journal::{Acknowledged, Fate, InDoubt, Journal};
use crate::scene::Buyer;

/// A shop that turns a checker away is asked again so often.
const RETRIES_MAX: u32 = 20;

/// The orders that are missing or are not what was acknowledged, with a line about each.
pub async fn missing(
    label: &str,
    address: SocketAddr,
    buyers: &Arc<Vec<Buyer>>,
    orders: Vec<Acknowledged>,
) -> anyhow::Result<Vec<(Uuid, String)>> {
    let count = orders.len();
    let errand = Check { buyers: Arc::clone(buyers), orders };
    Ok(run_all(label, address, count, errand).await?.into_iter().flatten().collect())
}

struct Check {
    buyers: Arc<Vec<Buyer>>,
    orders: Vec<Acknowledged>,
}

impl Errand for Check {
    type Brings = Option<(Uuid, String)>;

    async fn run(
        &self,
        connection: &mut Connection,
        index: usize,
    ) -> anyhow::Result<Option<(Uuid, String)>> {
        let wanted = &self.orders[index];
        let about = |text| (wanted.id, text);
        let token = &self.buyers[wanted.buyer as usize].token;
        let path = api::order_path(wanted.id);
        for _ in 0..RETRIES_MAX {
            let answer = connection.send(api::get(&path, Some(token))).await?;
            if answer.status == StatusCode::SERVICE_UNAVAILABLE {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            let what = format!("order {}", wanted.number);
            if answer.status != StatusCode::OK {
                return Ok(Some(about(api::in_full(&what, &answer))));
            }
            return Ok(match serde_json::from_slice::<Order>(&answer.body) {
                Ok(found) => difference(wanted, &found),
                Err(error) => Some(api::in_full(&format!("{what}: {error}"), &answer)),
            }
            .map(about));
        }
        anyhow::bail!("the shop answers 503 to a single reader")
    }
}

/// What is not as acknowledged.
fn difference(wanted: &Acknowledged, found: &Order) -> Option<String> {
    let number = &wanted.number;
    if found.id != wanted.id || *found.number != **number {
        return Some(format!(
            "order {number} ({}) is now {} ({})",
            wanted.id, found.number, found.id
        ));
    }
    if found.total.minor != wanted.total_minor {
        let (then, now) = (wanted.total_minor, found.total.minor);
        return Some(format!("order {number} cost {then} and now costs {now}"));
    }
    let gone = matches!(found.state.as_str(), "cancelled" | "refunded");
    match wanted.fate {
        Fate::Standing if gone => {
            Some(format!("order {number} is {}, and nobody cancelled it", found.state))
        }
        Fate::Cancelled if !gone => {
            Some(format!("order {number} was cancelled and is {} again", found.state))
        }
        _ => None,
    }
}

/// Sends orders again for which no answer came; those the shop knows or takes now are
/// acknowledged from here on. The answer counts them.
pub async fn resolve(
    address: SocketAddr,
    buyers: &[Buyer],
    journal: &Journal,
    doubts: Vec<InDoubt>,
) -> anyhow::Result<usize> {
    let mut connection = Connection::to(address);
    let mut resolved = 0;
    for doubt in doubts {
        let token = &buyers[doubt.buyer as usize].token;
        let mut tries = 0;
        let answer = loop {
            let call = api::place(token, &doubt.quote, doubt.payment);
            let answer = connection.send(call).await?;
            tries += 1;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || tries == RETRIES_MAX {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        match answer.status {
            StatusCode::CREATED | StatusCode::OK => {
                let order: Order = serde_json::from_slice(&answer.body)?;
                anyhow::ensure!(
                    order.total.minor == doubt.total_minor,
                    "order {} costs {}, its quote said {}",
                    order.number,
                    order.total.minor,
                    doubt.total_minor
                );
                journal.acknowledge(doubt.buyer, &order);
                resolved += 1;
            }
            // Somebody was faster, or prices and carts moved on: it was not placed and is not now.
            StatusCode::CONFLICT => {}
            _ => anyhow::bail!("{}", api::in_full("sending an order again", &answer)),
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Money;

    #[test]
    fn an_order_is_compared_with_what_was_acknowledged() {
        let wanted = |fate| Acknowledged {
            buyer: 0,
            id: Uuid::from_u128(1),
            number: "A-1".into(),
            total_minor: 500,
            fate,
        };
        let found = |state: &str, minor| Order {
            id: Uuid::from_u128(1),
            number: "A-1".to_owned(),
            state: state.to_owned(),
            total: Money { minor },
        };
        let same = |fate, state| difference(&wanted(fate), &found(state, 500)).is_none();
        assert!(same(Fate::Standing, "cash_due"));
        assert!(same(Fate::Standing, "expired"));
        assert!(!same(Fate::Standing, "cancelled"));
        assert!(same(Fate::Cancelled, "cancelled"));
        assert!(same(Fate::Cancelled, "refunded"));
        assert!(!same(Fate::Cancelled, "cash_due"));
        assert!(same(Fate::CancelInDoubt, "cash_due"));
        assert!(same(Fate::CancelInDoubt, "cancelled"));
        assert!(difference(&wanted(Fate::Standing), &found("paid", 501)).is_some());
        let other = Order { number: "A-2".to_owned(), ..found("paid", 500) };
        assert!(difference(&wanted(Fate::Standing), &other).is_some());
    }
}
