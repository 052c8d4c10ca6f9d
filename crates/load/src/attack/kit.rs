//! What every attack works with: the shop, people in it, goods, and its books.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{Answer, Ask, Tally};
use super::bank::Bank;
use super::case::Sheet;
use super::wire;
use crate::api::{self, COMEBACKS_MAX};
use crate::client::Connection;
use crate::scene::{self, Buyer, Draw};
use crate::shop::Shop;

/// How long everything is tried.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds of each race.
    pub rounds: u32,
    /// Little of what takes long.
    pub quick: bool,
    /// How late every word between shop and database is while a race runs.
    pub db_delay: Duration,
}

/// See the module's words.
pub struct Kit {
    pub shop: Shop,
    pub draw: Draw,
    pub effort: Effort,
    /// People with an address; races take as many as they need.
    pub buyers: Vec<Buyer>,
    /// The payment world, where it is ours to play.
    pub bank: Option<Bank>,
    host: String,
    counted: Cell<u64>,
}

/// Something that can be bought.
#[derive(Clone, Debug)]
pub struct Goods {
    pub variant: Uuid,
    pub slug: String,
}

/// What came of one round of a race.
pub struct Round {
    pub held: bool,
    pub seen: String,
}

impl Round {
    pub fn of(held: bool, tally: &Tally) -> Self {
        Self { held, seen: tally.in_words() }
    }
}

impl Kit {
    pub async fn open(
        shop: Shop,
        draw: Draw,
        effort: Effort,
        people: usize,
        secret: Option<String>,
    ) -> anyhow::Result<Self> {
        let buyers = scene::buyers(shop.address, draw, people).await?;
        let mut kit = Self::with(shop, draw, effort, buyers);
        if let Some(secret) = secret {
            kit.bank = Some(Bank::find(&kit, secret).await?);
        }
        Ok(kit)
    }

    /// With these people, and no payment world.
    pub fn with(shop: Shop, draw: Draw, effort: Effort, buyers: Vec<Buyer>) -> Self {
        let host = shop.address.to_string();
        Self { shop, draw, effort, buyers, bank: None, host, counted: Cell::new(0) }
    }

    pub fn address(&self) -> SocketAddr {
        self.shop.address
    }

    /// A number nobody has had yet.
    pub fn number(&self) -> u64 {
        self.counted.set(self.counted.get() + 1);
        self.counted.get()
    }

    /// A key nobody has used yet.
    pub fn fresh_key(&self) -> String {
        format!("attack-{}-{}", self.draw.name(), self.number())
    }

    /// Somebody new, with an address.
    pub async fn buyer(&self) -> anyhow::Result<Buyer> {
        let (tag, number) = (self.draw.name(), self.number());
        let email = format!("attacker-{tag}-{number}@load.example");
        let mut connection = Connection::to(self.address());
        let password = format!("a long phrase of {tag} {number}");
        let (token, address) = api::register(&mut connection, &email, &password).await?;
        Ok(Buyer { token, address })
    }

    pub fn bytes(&self, ask: &Ask) -> Vec<u8> {
        ask.on_the_wire(&self.host)
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whoever is told at the door to come back later does.
    pub async fn ask(&self, ask: &Ask) -> Answer {
        let request = self.bytes(ask);
        let mut answer = wire::exchange(self.address(), &request).await;
        for _ in 0..COMEBACKS_MAX {
            if !answer.is_turned_away() {
                break;
            }
            let seconds = answer.header("retry-after").and_then(|text| text.parse().ok());
            api::until_told(seconds).await;
            answer = wire::exchange(self.address(), &request).await;
        }
        answer
    }

    /// Asks for what has to work, or nothing can be tried.
    pub async fn need(&self, ask: &Ask, status: u16) -> anyhow::Result<Answer> {
        let answer = self.ask(ask).await;
        ensure!(answer.status == status, "{ask:?}: {} {}", answer.in_short(), answer.text());
        Ok(answer)
    }

    /// All at the same moment; those that a busy shop turns away come back one after the other.
    pub async fn race(&self, asks: &[Ask]) -> anyhow::Result<Vec<Answer>> {
        let requests: Vec<Vec<u8>> = asks.iter().map(|ask| self.bytes(ask)).collect();
        self.shop.carry_late(self.effort.db_delay);
        let answers = wire::race(self.address(), &requests).await;
        self.shop.carry_late(Duration::ZERO);
        let mut answers = answers?;
        for (answer, ask) in answers.iter_mut().zip(asks) {
            if answer.is_turned_away() {
                *answer = self.ask(ask).await;
            }
        }
        Ok(answers)
    }

    /// A product with one variant.
    pub async fn goods(&self, units: u64, price: i64) -> anyhow::Result<Goods> {
        let name = format!("{}-{}", self.draw.name(), self.number());
        let body = json!({
            "slug": format!("attacked-{name}"),
            "title": format!("Attacked {name}"),
            "variants": [{
                "sku": format!("ATTACK-{name}").to_uppercase(),
                "price": { "minor": price, "currency": "EUR" },
                "units": units,
            }],
        });
        let ask = Ask::post("/api/v1/admin/products", &body).by(&self.shop.admin);
        let made = self.need(&ask, 201).await?;
        let variant = made.at("/variants/0/id").parse().context("a product without a variant")?;
        Ok(Goods { variant, slug: made.at("/slug") })
    }

    /// Units of goods that anybody could still have.
    pub async fn available(&self, goods: &Goods) -> anyhow::Result<i64> {
        let page = self.need(&Ask::get(api::product_path(&goods.slug)), 200).await?;
        page.at("/variants/0/available").parse().context("a variant without a count")
    }

    /// What buying so many directly would cost.
    pub async fn quote(
        &self,
        buyer: &Buyer,
        goods: &Goods,
        quantity: u32,
    ) -> anyhow::Result<Answer> {
        self.need(&Self::quote_ask(buyer, goods, quantity), 200).await
    }

    pub fn quote_ask(buyer: &Buyer, goods: &Goods, quantity: u32) -> Ask {
        let body = json!({
            "source": "buy_now", "variant_id": goods.variant, "quantity": quantity,
            "address_id": buyer.address,
        });
        Ask::post("/api/v1/checkout/quote", &body).by(&buyer.token)
    }

    /// What the cart would cost.
    pub async fn quote_cart(&self, buyer: &Buyer) -> anyhow::Result<Answer> {
        let body = json!({ "source": "cart", "address_id": buyer.address });
        self.need(&Ask::post("/api/v1/checkout/quote", &body).by(&buyer.token), 200).await
    }

    /// Orders what a quote promises.
    pub fn place(buyer: &Buyer, quote: &Answer, method: &str) -> Ask {
        let body = json!({ "quote": quote.at("/token"), "payment_method": method });
        Ask::post("/api/v1/orders", &body).by(&buyer.token)
    }

    pub fn add_to_cart(buyer: &Buyer, goods: &Goods, quantity: &Value) -> Ask {
        let body = json!({ "variant_id": goods.variant, "quantity": quantity });
        Ask::post("/api/v1/cart/lines", &body).by(&buyer.token)
    }

    pub fn clear_cart(buyer: &Buyer) -> Ask {
        Ask::new("DELETE", "/api/v1/cart").by(&buyer.token)
    }

    /// An order of one thing.
    pub async fn order(
        &self,
        buyer: &Buyer,
        goods: &Goods,
        method: &str,
    ) -> anyhow::Result<Answer> {
        let quote = self.quote(buyer, goods, 1).await?;
        self.need(&Self::place(buyer, &quote, method), 201).await
    }

    /// What is wrong in the shop's books; none when nothing is, or when they cannot be seen.
    pub async fn broken_books(&self) -> anyhow::Result<Option<String>> {
        let verified = self.shop.verify().await?;
        let broken = verified.filter(|verified| verified.violations > 0);
        Ok(broken.map(|verified| verified.details.join("; ")))
    }

    /// Tries a race again and again, with a look into the books after each round; enters one case.
    pub async fn rounds(
        &self,
        sheet: &mut Sheet,
        did: &str,
        expected: &str,
        mut round: impl AsyncFnMut() -> anyhow::Result<Round>,
    ) -> anyhow::Result<()> {
        let mut last = String::new();
        for number in 1..=self.effort.rounds {
            let Round { held, seen } = round().await?;
            let broken = self.broken_books().await?;
            if !held || broken.is_some() {
                let books = broken.map(|broken| format!("; books: {broken}")).unwrap_or_default();
                sheet.note(did, expected, format!("round {number}: {seen}{books}"), false);
                return Ok(());
            }
            last = seen;
        }
        let books = if self.shop.has_books() { "books in order" } else { "books not seen" };
        let rounds = self.effort.rounds;
        sheet.note(did, expected, format!("{rounds} rounds, {books}; last: {last}"), true);
        Ok(())
    }
}
