//! The payment world, kept by this program: it does not die with the shop, and its book says
//! what was really paid and what was really given back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use hyper::StatusCode;
use kernel::Env;
use sandbox::{Sandbox, SandboxConfig};
use serde::Deserialize;

use crate::api::{self, Order, Token};
use crate::client::Connection;
use crate::clock::now;
use crate::mixed::Day;
use crate::shop::Shop;

/// A payment nobody told the shop of is polled after 20 s, and a call that failed is made again
/// after a while: this is more than both.
const SETTLED_MAX: Duration = Duration::from_secs(100);
const PAGE: usize = 10_000;

/// A payment sandbox beside the shop.
pub struct World {
    sandbox: Sandbox,
    secret: String,
    token: Token,
}

/// A payment as its book has it.
#[derive(Clone, Debug, Deserialize)]
struct Payment {
    status: String,
    captured_minor: i64,
    refunded_minor: i64,
    description: String,
}

#[derive(Deserialize)]
struct Page {
    payments: Vec<Payment>,
    next: Option<String>,
}

/// What the book and the shop say about money.
#[derive(Debug, Default)]
pub struct Settled {
    /// Payments that brought money.
    pub paid: usize,
    /// Of these, those that went back.
    pub given_back: usize,
    /// What does not fit, a line each.
    pub wrong: Vec<String>,
}

impl World {
    /// Opens one on a free port.
    pub async fn open(name: &str) -> anyhow::Result<Self> {
        let secret = format!("witness-{name}");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = SandboxConfig::new(listen, secret.clone(), Env::system());
        let sandbox = Sandbox::start(config).await.context("the payment world")?;
        let token = Token::new(&secret)?;
        Ok(Self { sandbox, secret, token })
    }

    /// Where it is reached.
    pub fn address(&self) -> SocketAddr {
        self.sandbox.address()
    }

    /// How a shop is told of it.
    pub fn settings(&self) -> [String; 3] {
        [
            "sandbox.listen=".to_owned(),
            format!("sandbox.url={}", self.sandbox.base_url()),
            format!("sandbox.secret={}", self.secret),
        ]
    }

    /// Notices it brought to the shop, and those of them that the shop refused as too many.
    pub async fn deliveries(&self) -> anyhow::Result<(u64, u64)> {
        #[derive(Deserialize)]
        struct Log {
            deliveries: u64,
            unserved: u64,
        }
        let call = api::get("/__ctl/log", Some(&self.token));
        let what = "the payment world's log";
        let log: Log =
            api::expect(&mut Connection::to(self.address()), what, call, StatusCode::OK).await?;
        Ok((log.deliveries, log.unserved))
    }

    async fn book(&self) -> anyhow::Result<Vec<Payment>> {
        let mut connection = Connection::to(self.address());
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/__ctl/payments?limit={PAGE}&after={after}");
            let call = api::get(&path, Some(&self.token));
            let page: Page =
                api::expect(&mut connection, "the payments' book", call, StatusCode::OK).await?;
            all.extend(page.payments);
            match page.next {
                Some(next) => after = next,
                None => return Ok(all),
            }
        }
    }

    /// Waits until money and orders agree, as long as they may take, and says what does not.
    pub async fn settled(&self, shop: &Shop, day: &Day) -> anyhow::Result<Settled> {
        let begun = now();
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tick.tick().await;
            let settled = self.compare(shop, day).await?;
            if settled.wrong.is_empty() || begun.elapsed() > SETTLED_MAX {
                return Ok(settled);
            }
        }
    }

    async fn compare(&self, shop: &Shop, day: &Day) -> anyhow::Result<Settled> {
        let known: BTreeMap<Box<str>, _> = day
            .journal
            .since(0)
            .into_iter()
            .map(|order| (order.number.clone(), (order.buyer, order.id)))
            .collect();
        let mut by_order: BTreeMap<String, Vec<Payment>> = BTreeMap::new();
        for payment in self.book().await? {
            let number = payment.description.trim_start_matches("Order ").to_owned();
            by_order.entry(number).or_default().push(payment);
        }
        let mut settled = Settled::default();
        let mut connection = Connection::to(shop.address);
        for (number, payments) in by_order {
            if payments.iter().all(|payment| payment.captured_minor == 0) {
                continue;
            }
            let Some((buyer, id)) = known.get(number.as_str()) else {
                settled.wrong.push(format!("order {number} was paid for and is nobody's"));
                continue;
            };
            let call = api::get(&api::order_path(*id), Some(&day.buyers[*buyer as usize].token));
            let what = format!("order {number}");
            let order: Order = api::expect(&mut connection, &what, call, StatusCode::OK).await?;
            settled.enter(&order, &payments);
        }
        Ok(settled)
    }
}

impl Settled {
    /// Enters an order and all its payments.
    fn enter(&mut self, order: &Order, payments: &[Payment]) {
        let (number, state) = (&order.number, order.state.as_str());
        let brought = payments.iter().filter(|payment| payment.status == "succeeded");
        let mut kept = 0;
        for payment in brought {
            self.paid += 1;
            match payment.refunded_minor {
                0 => kept += 1,
                back if back == payment.captured_minor => self.given_back += 1,
                back => {
                    let of = payment.captured_minor;
                    self.wrong.push(format!("order {number}: {back} of {of} were given back"));
                }
            }
        }
        let wants = matches!(state, "paid" | "packed" | "shipped" | "delivered");
        match (wants, kept) {
            (true, 1) | (false, 0) => {}
            (true, 0) => self.wrong.push(format!("order {number} is {state} without money")),
            (false, _) => self.wrong.push(format!("order {number} is {state} and its money kept")),
            (true, times) => self.wrong.push(format!("order {number} was charged {times} times")),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::api::Money;

    fn entered(state: &str, payments: &[(&str, i64, i64)]) -> Settled {
        let order = Order {
            id: Uuid::nil(),
            number: "A-1".to_owned(),
            state: state.to_owned(),
            total: Money { minor: 500 },
        };
        let payment = |&(status, captured_minor, refunded_minor): &(&str, i64, i64)| Payment {
            status: status.to_owned(),
            captured_minor,
            refunded_minor,
            description: "Order A-1".to_owned(),
        };
        let mut settled = Settled::default();
        settled.enter(&order, &payments.iter().map(payment).collect::<Vec<_>>());
        settled
    }

    #[test]
    fn money_and_goods_belong_together() {
        let (paid, back) = (("succeeded", 500, 0), ("succeeded", 500, 500));
        for (state, payments) in [
            ("paid", vec![paid]),
            ("packed", vec![paid, back]),
            ("cancelled", vec![back]),
            ("refunded", vec![back]),
            ("expired", vec![("canceled", 0, 0)]),
        ] {
            let settled = entered(state, &payments);
            assert_eq!(settled.wrong, [""; 0], "{state} {payments:?}");
        }
        for (state, payments) in [
            ("paid", vec![paid, paid]),
            ("paid", vec![back]),
            ("cancelled", vec![paid]),
            ("pending", vec![paid]),
            ("expired", vec![("succeeded", 500, 200)]),
        ] {
            assert!(!entered(state, &payments).wrong.is_empty(), "{state} {payments:?}");
        }
        let settled = entered("paid", &[paid, back]);
        assert_eq!((settled.paid, settled.given_back), (2, 1));
    }
}
