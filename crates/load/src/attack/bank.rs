//! The payer's bank: plays the payment world from its other side, and forges what it sends.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use super::ask::{Answer, Ask};
use super::kit::Kit;
use super::wire;
use crate::scene::Buyer;
use crate::target;

/// The shop looks at what is under way every second.
const NEWS_MAX: Duration = Duration::from_mins(1);
/// Between two looks whether something has come.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The payment sandbox of a shop.
pub struct Bank {
    address: SocketAddr,
    secret: String,
}

/// A payment that was begun.
pub struct Begun {
    /// The sandbox's name for it.
    pub payment: String,
    /// The shop's.
    pub attempt: String,
    pub order: String,
}

impl Bank {
    /// Finds it by beginning to pay: only the shop knows where it is.
    pub async fn find(kit: &Kit, secret: String) -> anyhow::Result<Self> {
        let goods = kit.goods(1, 500).await?;
        let order = kit.order(&kit.buyers[0], &goods, "sandbox").await?;
        let body = kit.need(&pay_ask(kit, &kit.buyers[0], &order.at("/id")), 201).await?;
        let url = Url::parse(&body.at("/redirect_url")).context("no page for the payer")?;
        let base = format!("http://{}", &url[url::Position::BeforeHost..url::Position::AfterPort]);
        Ok(Self { address: target::loopback(&base)?, secret })
    }

    /// Orders one thing and begins to pay for it.
    pub async fn begin(&self, kit: &Kit, buyer: &Buyer) -> anyhow::Result<Begun> {
        let goods = kit.goods(5, 1500).await?;
        let order = kit.order(buyer, &goods, "sandbox").await?.at("/id");
        let begun = kit.need(&pay_ask(kit, buyer, &order), 201).await?;
        let url = begun.at("/redirect_url");
        let payment = url.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Begun { payment, attempt: begun.at("/id"), order })
    }

    pub async fn control(&self, method: &'static str, path: &str, body: Option<Value>) -> Answer {
        let mut ask = Ask::new(method, format!("/__ctl/{path}"))
            .with("authorization", format!("Bearer {}", self.secret));
        if let Some(body) = body {
            ask = ask.json(&body);
        }
        wire::exchange(self.address, &ask.on_the_wire("sandbox")).await
    }

    /// The payer pays, declines or lets it expire, now or late.
    pub async fn force(&self, payment: &str, end: &str) -> anyhow::Result<()> {
        let answer = self.control("POST", &format!("payments/{payment}/{end}"), None).await;
        ensure!(answer.status == 200, "the payment world: {} {}", answer.status, answer.text());
        Ok(())
    }

    pub async fn fault(&self, rule: Value) -> anyhow::Result<()> {
        let answer = self.control("POST", "faults", Some(rule)).await;
        ensure!(answer.status == 201, "the payment world: {} {}", answer.status, answer.text());
        Ok(())
    }

    /// Waits until the shop has been told this lie.
    pub async fn until_struck(&self, fault: &str) -> anyhow::Result<()> {
        let word = format!("\"{fault}\"");
        let told = until(async || {
            let log = self.control("GET", "log", None).await.text();
            Ok(log.contains(&word).then_some(()))
        });
        told.await?.context("the shop has not asked the gateway")
    }

    pub async fn calm(&self) {
        self.control("DELETE", "faults", None).await;
    }

    /// What the book says of a payment: captured and given back.
    pub async fn book(&self, payment: &str) -> anyhow::Result<(i64, i64)> {
        let book = self.control("GET", "payments", None).await.json();
        let all = book["payments"].as_array().context("a payment world without a book")?;
        let found = all.iter().find(|found| found["id"] == payment).context("no such payment")?;
        let minor = |name: &str| found[name].as_i64().unwrap_or(-1);
        Ok((minor("captured_minor"), minor("refunded_minor")))
    }

    /// Waits until the money that came has gone back; gives what came and what went.
    pub async fn given_back(&self, payment: &str, came: bool) -> anyhow::Result<(i64, i64)> {
        let even = until(async || {
            let (captured, refunded) = self.book(payment).await?;
            let even = captured == refunded && (captured > 0 || !came);
            Ok(even.then_some((captured, refunded)))
        });
        match even.await? {
            Some(sums) => Ok(sums),
            None => self.book(payment).await,
        }
    }

    /// Payments in the book that were opened for this attempt.
    pub async fn opened(&self, attempt: &str) -> anyhow::Result<usize> {
        let book = self.control("GET", "payments", None).await.json();
        let all = book["payments"].as_array().context("a payment world without a book")?;
        Ok(all.iter().filter(|found| found["reference"] == attempt).count())
    }

    /// A notice as the sandbox would send it, signed with this secret at this time.
    pub fn notice(&self, body: &Value, secret: Option<&str>, at: i64) -> Ask {
        let body = body.to_string();
        let signature = sandbox::sign(secret.unwrap_or(&self.secret), at, &body);
        Ask::new("POST", "/hooks/sandbox")
            .with("content-type", "application/json")
            .with("sandbox-signature", signature)
            .body(body)
    }

    /// The body of a notice about a payment.
    pub fn event(kit: &Kit, kind: &str, begun: &Begun) -> Value {
        json!({
            "id": format!("evt_{}_{}", kit.draw.name(), kit.number()), "type": kind,
            "payment_id": begun.payment, "reference": begun.attempt,
            "created_at": "2027-01-15T08:00:00Z",
        })
    }
}

pub fn pay_ask(kit: &Kit, buyer: &Buyer, order: &str) -> Ask {
    let path = format!("/api/v1/orders/{order}/payments");
    Ask::post(path, &json!({})).by(&buyer.token).key(&kit.fresh_key())
}

/// The order as its buyer sees it.
pub async fn seen(kit: &Kit, buyer: &Buyer, order: &str) -> anyhow::Result<Answer> {
    kit.need(&Ask::get(format!("/api/v1/orders/{order}")).by(&buyer.token), 200).await
}

/// Waits until an order is in one of these states; gives the last one seen.
pub async fn until_state(
    kit: &Kit,
    buyer: &Buyer,
    order: &str,
    wanted: &[&str],
) -> anyhow::Result<String> {
    let reached = until(async || {
        let state = seen(kit, buyer, order).await?.at("/state");
        Ok(wanted.contains(&state.as_str()).then_some(state))
    });
    match reached.await? {
        Some(state) => Ok(state),
        None => Ok(seen(kit, buyer, order).await?.at("/state")),
    }
}

/// Looks again and again until there is something to see; `None` when it has taken too long.
async fn until<T>(
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let mut pace = tokio::time::interval(BETWEEN_LOOKS);
    let seen = async {
        loop {
            pace.tick().await;
            if let Some(seen) = look().await? {
                return anyhow::Ok(Some(seen));
            }
        }
    };
    timeout(NEWS_MAX, seen).await.unwrap_or(Ok(None))
}
