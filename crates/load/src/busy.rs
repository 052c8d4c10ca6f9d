//! A busy day: the mixed one, and with it people who pay, pay late, change their mind, and staff
//! at work. Everything that moves money or stock happens often.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::api::{self, Order, QuoteFor, Token};
use crate::cli::{Common, Payment};
use crate::client::Connection;
use crate::clock::now;
use crate::counted::Counted;
use crate::drive::{Visit, Worker};
use crate::journal::{Fate, InDoubt};
use crate::ledger::Verdict;
use crate::mixed::{Day, percent};
use crate::pace::Turn;
use crate::purchase::{Purchase, buy};
use crate::scene::{Buyer, Draw};
use crate::shop::Shop;
use crate::stats::Op;
use crate::witness::World;

/// In a hundred visits.
const ORDINARY: u32 = 40;
const STAFF: u32 = 15;
/// In a hundred visits of staff.
const COUNT: u32 = 60;
const NEW_PRODUCT: u32 = 5;
/// In a hundred orders that are given back.
const BY_STAFF: u32 = 40;

/// What staff say of an order.
const PACKED: &str = r#"{"to":"packed"}"#;
const BROUGHT: &str = r#"{"received":true}"#;
const REFUSED: &str = r#"{"received":false}"#;
const ALL: &str = r#"{"restock":true,"reason":"arrived torn"}"#;

/// How often a buyer looks whether the payment has arrived.
const LOOKS_MAX: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What the people of the day find.
pub struct Busy {
    pub day: Arc<Day>,
    pub counted: Counted,
    /// Where the payment page is.
    pub world: SocketAddr,
    pub admin: Token,
}

/// An order just placed, and whose.
struct Bought<'b> {
    place: usize,
    order: Order,
    buyer: &'b Buyer,
}

#[derive(Deserialize)]
struct Started {
    redirect_url: Option<String>,
}

impl Visit for Busy {
    async fn visit(&self, worker: &mut Worker, turn: Turn) {
        match percent(worker) {
            roll if roll < ORDINARY => self.day.visit(worker, turn).await,
            roll if roll < ORDINARY + STAFF => self.staff(worker, &turn).await,
            _ => self.by_sandbox(worker, &turn).await,
        }
    }
}

impl Busy {
    /// Products, buyers, and something for staff to count.
    pub async fn prepare(
        shop: &Shop,
        world: &World,
        common: &Common,
        (draw, products): (Draw, u32),
    ) -> anyhow::Result<Self> {
        Ok(Self {
            day: Arc::new(Day::prepare(shop, common, draw, products).await?),
            counted: Counted::prepare(shop, draw).await?,
            world: world.address(),
            admin: shop.admin.clone(),
        })
    }

    /// Count, make a product, or pack an order.
    async fn staff(&self, worker: &mut Worker, turn: &Turn) {
        match percent(worker) {
            roll if roll < COUNT => self.counted.adjust(worker, turn, &self.day).await,
            roll if roll < COUNT + NEW_PRODUCT => {
                let key = self.day.key(worker);
                let body = json!({
                    "slug": format!("new-{key:x}"), "title": "New in",
                    "variants": [{
                        "sku": format!("NEW-{key:X}"), "title": "Standard",
                        "price": { "minor": 1200, "currency": "EUR" }, "units": 10,
                    }],
                });
                let call = api::post("/api/v1/admin/products", &self.admin, &body);
                let call = api::with_key(call, key);
                worker.ask(Op::Staff, turn, now(), &[StatusCode::CREATED], call).await;
            }
            _ => {
                let Some(bought) = self.buy(worker, turn, Payment::CashOnDelivery).await else {
                    return;
                };
                match percent(worker) {
                    0..50 => self.order_desk(worker, turn, &bought, "advance", PACKED).await,
                    50..80 => self.order_desk(worker, turn, &bought, "cash", BROUGHT).await,
                    _ => {
                        self.day.journal.fate(bought.place, Fate::CancelInDoubt);
                        self.order_desk(worker, turn, &bought, "cash", REFUSED).await;
                    }
                }
            }
        }
    }

    /// Staff do something with an order.
    async fn order_desk(
        &self,
        worker: &mut Worker,
        turn: &Turn,
        bought: &Bought<'_>,
        what: &str,
        body: &'static str,
    ) {
        let path = format!("/api/v1/admin/orders/{}/{what}", bought.order.id);
        let body = bytes::Bytes::from_static(body.as_bytes());
        let call = api::call(Method::POST, &path, Some(&self.admin), body);
        let call = api::with_key(call, self.day.key(worker));
        let done = [StatusCode::OK, StatusCode::CREATED];
        worker.ask(Op::Staff, turn, now(), &done, call).await;
    }

    /// Buys through the payment world, and then does what people do.
    async fn by_sandbox(&self, worker: &mut Worker, turn: &Turn) {
        let Some(bought) = self.buy(worker, turn, Payment::Sandbox).await else { return };
        let Some(page) = self.start_payment(worker, turn, &bought).await else { return };
        match percent(worker) {
            // Pays, and that is all.
            0..40 => self.press(worker, &page, "pay").await,
            // Pays, and gives everything back.
            40..60 => {
                self.press(worker, &page, "pay").await;
                if self.becomes_paid(worker, &bought).await {
                    if percent(worker) < BY_STAFF {
                        // What was given back ends the order, once the gateway has confirmed it.
                        self.day.journal.fate(bought.place, Fate::CancelInDoubt);
                        self.order_desk(worker, turn, &bought, "refunds", ALL).await;
                    } else {
                        self.cancel(worker, turn, &bought).await;
                    }
                }
            }
            // Gives up, and pays all the same: the money has to go back.
            60..80 => {
                self.cancel(worker, turn, &bought).await;
                self.press(worker, &page, "pay").await;
            }
            80..90 => self.press(worker, &page, "decline").await,
            // Never comes back: the order expires.
            _ => {}
        }
    }

    async fn buy(&self, worker: &mut Worker, turn: &Turn, payment: Payment) -> Option<Bought<'_>> {
        let (index, buyer) = self.day.buyer(worker);
        let variant_id = self.day.variant(worker);
        let of = QuoteFor::BuyNow { variant_id, quantity: 1, address_id: buyer.address };
        match buy(worker, turn, turn.intended, buyer, (of, payment)).await {
            Purchase::Placed(order, _) => {
                let place = self.day.journal.acknowledge(index, &order);
                Some(Bought { place, order, buyer })
            }
            Purchase::InDoubt(quote) => {
                let (quote, total_minor) = (quote.token, quote.total.minor);
                self.day.journal.doubt(InDoubt { buyer: index, quote, payment, total_minor });
                None
            }
            Purchase::Refused | Purchase::NotServed => None,
        }
    }

    /// Where the payer goes.
    async fn start_payment(
        &self,
        worker: &mut Worker,
        turn: &Turn,
        bought: &Bought<'_>,
    ) -> Option<Url> {
        let path = format!("{}/payments", api::order_path(bought.order.id));
        let call = api::post(&path, &bought.buyer.token, &json!({}));
        let call = api::with_key(call, self.day.key(worker));
        let verdict = worker.ask(Op::Pay, turn, now(), &[StatusCode::CREATED], call).await;
        let Verdict::Served(answer) = verdict else { return None };
        let url = serde_json::from_slice::<Started>(&answer.body).ok()?.redirect_url;
        let url = url.and_then(|url| Url::parse(&url).ok());
        if url.is_none() {
            worker.ledger.wrong(|| api::in_full("a payment without a page", &answer));
        }
        url
    }

    /// A button of the payment page. The world there lives on when the shop does not.
    async fn press(&self, worker: &Worker, page: &Url, button: &str) {
        let path = format!("{}/{button}", page.path());
        let call = api::call(Method::POST, &path, None, bytes::Bytes::new());
        match Connection::to(self.world).send(call).await {
            // Called off by the shop meanwhile.
            Ok(answer) if answer.status == StatusCode::CONFLICT => {}
            Ok(answer) if answer.status.is_server_error() || answer.status.is_client_error() => {
                worker.ledger.wrong(|| api::in_full("the payment page", &answer));
            }
            Ok(_) => {}
            Err(error) => worker.ledger.wrong(|| format!("the payment page: {error}")),
        }
    }

    async fn becomes_paid(&self, worker: &mut Worker, bought: &Bought<'_>) -> bool {
        let path = api::order_path(bought.order.id);
        for _ in 0..LOOKS_MAX {
            let call = api::get(&path, Some(&bought.buyer.token));
            let Ok(answer) = worker.connection.send(call).await else { return false };
            let order = serde_json::from_slice::<Order>(&answer.body);
            if order.is_ok_and(|order| order.state == "paid") {
                return true;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        false
    }

    async fn cancel(&self, worker: &mut Worker, turn: &Turn, bought: &Bought<'_>) {
        let path = format!("{}/cancel", api::order_path(bought.order.id));
        let call = api::call(Method::POST, &path, Some(&bought.buyer.token), bytes::Bytes::new());
        let call = api::with_key(call, self.day.key(worker));
        // Entered before it is sent: the end may come between the two.
        self.day.journal.fate(bought.place, Fate::CancelInDoubt);
        let verdict = worker.ask(Op::Cancel, turn, now(), &[StatusCode::OK], call).await;
        if let Verdict::Served(_) = verdict {
            self.day.journal.fate(bought.place, Fate::Cancelled);
        }
    }
}
