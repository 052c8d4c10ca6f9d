//! The real shop, told in the words of the model: what to do comes in small numbers, and what
//! came of it goes out in them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use flows::testing::Town;
use flows::{
    CASH_ON_DELIVERY, Change, Opening, Owner, RefundNews, RefundOf, RefundOfLine, RefundWish,
    Refusal, Settings, Source,
};
use kernel::{
    AccountId, AttemptId, Currency, Error, Fault, Money, OrderId, Rate, SignedDuration, Timestamp,
    VariantId,
};
use payments::{News, RefundState, Saw};
use store::Db;
use store::idempotency::Key;

use crate::model::{
    Act, Answer, Attempt, Buyer, Done, Fit, GiveBack, No, Number, Order, Picture, RATES, Says,
    Shown, Units, Who,
};

/// Two ways to pay that lead to a gateway; nobody is behind either.
const GATEWAYS: [&str; 2] = ["sandbox", "other"];

/// A town whose people and things have numbers.
pub struct Real {
    /// The town.
    pub town: Town,
    opened: Timestamp,
    buyers: Vec<AccountId>,
    goods: Vec<VariantId>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Default)]
struct Seen {
    quotes: Vec<(OrderId, String)>,
    attempts: Vec<(AttemptId, OrderId, Money)>,
}

impl Real {
    /// A shop with `buyers` on its list that has just received `goods`: units and price of one.
    pub async fn open(
        db: &Db,
        seed: u64,
        settings: Settings,
        buyers: usize,
        goods: &[(i64, i64)],
    ) -> Self {
        let town = Town::with_settings(db, seed, settings).await;
        let mut people = Vec::with_capacity(buyers);
        for _ in 0..buyers {
            people.push(town.customer().await);
        }
        let mut things = Vec::with_capacity(goods.len());
        for (units, price) in goods {
            things.extend(town.product(*price, &[*units]).await);
        }
        let opened = town.shop.env.now();
        Self { town, opened, buyers: people, goods: things, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, number: Number) -> OrderId {
        let id = self.seen().quotes.get(number).map(|(id, _)| *id);
        id.unwrap_or_else(|| self.town.shop.env.id())
    }

    /// Does it. A fault is no answer of a shop: the model has none.
    pub async fn act(&self, act: &Act) -> Result<Answer, Fault> {
        match self.really(act).await {
            Ok(done) => Ok(Ok(done)),
            Err(Error::Refused(refusal)) => Ok(Err(self.no(refusal))),
            Err(Error::Fault(fault)) => Err(fault),
        }
    }

    async fn really(&self, act: &Act) -> flows::Answer<Done> {
        let shop = &self.town.shop;
        let cart = |buyer: Buyer| Owner::Account(self.buyers[buyer]);
        match *act {
            Act::Put { buyer, variant, more } => {
                shop.set_line(cart(buyer), self.goods[variant], Change::By(more)).await?;
            }
            Act::Set { buyer, variant, quantity } => {
                shop.set_line(cart(buyer), self.goods[variant], Change::Set(quantity)).await?;
            }
            Act::Select { buyer, variant, selected } => {
                let only = variant.map(|variant| vec![self.goods[variant]]);
                shop.select_lines(cart(buyer), only, selected).await?;
            }
            Act::Clear { buyer } => drop(shop.clear_cart(cart(buyer)).await?),
            Act::Extend { buyer } => drop(shop.extend_cart(cart(buyer)).await?),
            Act::Quote { buyer } => return self.quote(buyer, Source::Cart).await,
            Act::QuoteOne { buyer, variant, quantity } => {
                let variant_id = self.goods[variant];
                return self.quote(buyer, Source::BuyNow { variant_id, quantity }).await;
            }
            Act::Place { buyer, quote, cash } => return self.place(buyer, quote, cash).await,
            Act::Pay { buyer, order, gateway, .. } => {
                return self.pay(act, buyer, order, gateway).await;
            }
            Act::News { attempt, says, fit } => return self.news(attempt, says, fit).await,
            Act::RefundsEnd { order, succeeded } => {
                self.end_refunds(self.order(order), succeeded).await?;
            }
            Act::GiveBack { order, of, .. } => self.give_back(act, order, of).await?,
            Act::Cash { order, received, .. } => {
                let (staff, order) = (self.town.staff, self.order(order));
                shop.cash(staff, order, received, self.key(act)).await?;
                self.see_cash(order).await?;
            }
            Act::Cancel { who: Who::Buyer(buyer), order, .. } => {
                shop.cancel(self.buyers[buyer], self.order(order), self.key(act)).await?;
            }
            Act::Cancel { who: Who::Staff, order, .. } => {
                let (staff, order) = (self.town.staff, self.order(order));
                shop.cancel_for_shop(staff, order, None, self.key(act)).await?;
            }
            Act::Advance { order, to, .. } => {
                let (staff, order) = (self.town.staff, self.order(order));
                shop.advance(staff, order, to, self.key(act)).await?;
            }
            Act::Adjust { variant, delta, .. } => {
                let (staff, variant) = (self.town.staff, self.goods[variant]);
                let key = self.key(act);
                let stock = shop.adjust_stock(staff, variant, delta, "counted".into(), key).await?;
                return Ok(Done::Counted(units(&stock)));
            }
            Act::Price { variant, price } => self.price(variant, price).await?,
            Act::Wait { seconds } => self.town.wait(SignedDuration::from_secs(seconds)),
            Act::Sweep => self.town.sweep().await?,
        }
        Ok(Done::Nothing)
    }

    async fn pay(
        &self,
        act: &Act,
        buyer: Buyer,
        order: Number,
        gateway: usize,
    ) -> flows::Answer<Done> {
        let (who, order) = (self.buyers[buyer], self.order(order));
        // The second gateway reserves money first, and takes nothing but roubles.
        let today = act.key().map_or(0, |(_, _, key)| key);
        let rate = (gateway == 1).then(|| (Currency::RUB, rate(today)));
        let two_stage = gateway == 1;
        let opening = Opening { two_stage, rate, ..Opening::at(GATEWAYS[gateway]) };
        let paying = self.town.shop.intend_payment(who, order, opening, self.key(act)).await?;
        let known = (paying.attempt_id, order, paying.amount);
        let seen = &mut self.seen().attempts;
        let attempt = seen.iter().position(|attempt| *attempt == known);
        let attempt = attempt.unwrap_or(seen.len());
        if attempt == seen.len() {
            seen.push(known);
        }
        Ok(Done::Paying { attempt, amount: paying.amount.minor })
    }

    async fn give_back(&self, act: &Act, order: Number, of: GiveBack) -> flows::Answer<()> {
        let of = match of {
            GiveBack::Lines { variant, units, restock } => {
                let position = self.position(self.order(order), variant).await?;
                RefundOf::Lines(vec![RefundOfLine { position, quantity: units, restock }])
            }
            GiveBack::Amount(minor) => RefundOf::Amount(minor),
            GiveBack::Rest { restock } => RefundOf::Rest { restock },
        };
        let wish = RefundWish { of, reason: "torn".into() };
        let (staff, order) = (self.town.staff, self.order(order));
        self.town.shop.refund(staff, order, wish, self.key(act)).await?;
        Ok(())
    }

    /// The position of a thing among an order's lines; one that is nobody's when it is not there.
    async fn position(&self, order: OrderId, variant: usize) -> Result<i64, Fault> {
        let lines = self.town.shop.db.read(move |read| orders::lines(read, order)).await?;
        let of = lines.iter().find(|line| line.variant_id == self.goods[variant]);
        Ok(of.map_or(99, |line| line.position))
    }

    /// Takes note of the attempt that cash has made.
    async fn see_cash(&self, order: OrderId) -> Result<(), Fault> {
        let attempts = self.town.shop.db.read(move |read| payments::of_order(read, order)).await?;
        for attempt in attempts.iter().filter(|attempt| attempt.gateway == CASH_ON_DELIVERY) {
            let known = (attempt.id, order, attempt.amount);
            let seen = &mut self.seen().attempts;
            if !seen.contains(&known) {
                seen.push(known);
            }
        }
        Ok(())
    }

    async fn end_refunds(&self, order: OrderId, succeeded: bool) -> flows::Answer<()> {
        let shop = &self.town.shop;
        let refunds = shop.db.read(move |read| payments::refunds_of_order(read, order)).await?;
        for refund in refunds.iter().filter(|refund| refund.state.is_under_way()) {
            let says = if succeeded { RefundState::Succeeded } else { RefundState::Failed };
            let reference = Some(format!("back_{}", refund.id));
            let failure = (!succeeded).then(|| "refused".to_owned());
            let refund_id = refund.id;
            let news = RefundNews { refund_id, order_id: order, says, reference, failure };
            shop.refund_news(news).await?;
        }
        Ok(())
    }

    /// The key of a wish; what was wished is its fingerprint.
    fn key(&self, act: &Act) -> Key {
        let (who, route, key) = act.key().unwrap_or((Who::Staff, "none", 0));
        let who = match who {
            Who::Buyer(buyer) => self.buyers[buyer],
            Who::Staff => self.town.staff,
        };
        Key::new(who.0, route, format!("key {key}"), format!("{act:?}").as_bytes())
    }

    async fn quote(&self, buyer: Buyer, source: Source) -> flows::Answer<Done> {
        let made = self.town.shop.quote(self.buyers[buyer], source, None).await?;
        self.seen().quotes.push((made.quote.id, made.token));
        let totals = made.quote.totals;
        let short = made.short.iter().map(|short| self.short(short)).collect();
        Ok(Done::Quoted { total: totals.total, items: totals.item_count, short: sorted(short) })
    }

    async fn place(&self, buyer: Buyer, quote: Number, cash: bool) -> flows::Answer<Done> {
        let token = self.seen().quotes[quote].1.clone();
        let method = if cash { CASH_ON_DELIVERY } else { GATEWAYS[0] };
        let placed = self.town.shop.place(self.buyers[buyer], &token, method).await?;
        Ok(Done::Placed {
            order: self.number(placed.id),
            state: placed.state,
            total: placed.total.minor,
            replayed: placed.replayed,
        })
    }

    async fn news(&self, attempt: usize, says: Says, fit: Fit) -> flows::Answer<Done> {
        let (id, order, amount) = self.seen().attempts[attempt];
        let order = if fit == Fit::OtherOrder { self.town.shop.env.id() } else { order };
        let amount = match fit {
            Fit::OtherAmount => Money::new(amount.minor - 1, amount.currency),
            Fit::OtherCurrency => Money::new(amount.minor, Currency::USD),
            _ => amount,
        };
        let reference = match (says, fit) {
            (Says::Absent, _) => String::new(),
            (_, Fit::OtherReference) => format!("other_{id}"),
            _ => format!("pay_{id}"),
        };
        let saw = match says {
            Says::Waiting => Saw::Waiting,
            Says::Absent => Saw::Absent,
            Says::Processing => Saw::Processing,
            Says::Authorized => Saw::Authorized(None),
            Says::Captured | Says::GivenBack { .. } => Saw::Captured,
            Says::Declined => Saw::Canceled("declined".into()),
        };
        let refunded = if let Says::GivenBack { minor } = says { minor } else { 0 };
        let news = News { refunded, ..News::of(saw, amount, reference, "notice") };
        Ok(Done::News(self.town.shop.payment_news(order, id, news).await?))
    }

    async fn price(&self, variant: usize, price: Option<i64>) -> Result<(), Fault> {
        let (id, currency) = (self.goods[variant], self.town.currency());
        let edited = self.town.shop.db.write(move |tx| {
            catalog::set_active(tx, id, price.is_some())?;
            if let Some(minor) = price {
                catalog::set_price(tx, id, Money::new(minor, currency))?;
            }
            Ok::<_, Error<catalog::CatalogRefusal>>(())
        });
        edited.await.map_err(|error| match error {
            Error::Fault(fault) => fault,
            Error::Refused(refusal) => Fault::Broken(refusal.to_string()),
        })
    }

    fn variant(&self, id: VariantId) -> usize {
        self.goods.iter().position(|known| *known == id).unwrap_or(usize::MAX)
    }

    fn number(&self, id: OrderId) -> Number {
        self.seen().quotes.iter().position(|(known, _)| *known == id).unwrap_or(usize::MAX)
    }

    fn short(&self, short: &inventory::Short) -> (usize, i64, i64) {
        (self.variant(short.variant_id), short.wanted, short.available)
    }

    fn no(&self, refusal: Refusal) -> No {
        match refusal {
            Refusal::OutOfStock { short } => {
                No::OutOfStock(sorted(short.iter().map(|short| self.short(short)).collect()))
            }
            Refusal::QuoteExpired => No::QuoteExpired,
            Refusal::QuoteChanged { changes } => {
                let change = |c: &flows::PriceChange| (self.variant(c.variant_id), c.was, c.now);
                No::QuoteChanged(sorted(changes.iter().map(change).collect()))
            }
            Refusal::CartChanged => No::CartChanged,
            Refusal::CartAlreadyOrdered { order_id, .. } => {
                No::CartAlreadyOrdered(self.number(order_id))
            }
            Refusal::KeyReused => No::KeyReused,
            Refusal::NotFound(what) => No::NotFound(what),
            Refusal::QuantityInvalid { min, .. } => No::QuantityInvalid { min },
            Refusal::NothingSelected => No::NothingSelected,
            Refusal::OrderState { state, wanted } => No::OrderState { state, wanted },
            Refusal::NothingToPay { state } => No::NothingToPay { state },
            Refusal::HoldUsedUp => No::HoldUsedUp,
            Refusal::PaymentUnderWay => No::PaymentUnderWay,
            Refusal::NothingToRefund { state } => No::NothingToRefund { state },
            Refusal::RefundTooMuch { wanted, left } => No::RefundTooMuch { wanted, left },
            other => No::Other(other.to_string()),
        }
    }
}

/// What one unit of the shop's currency costs in roubles, as the model has it.
fn rate(key: u8) -> Rate {
    let parts = RATES[usize::from(key % 2)] * 10_000;
    #[expect(clippy::expect_used, reason = "a constant")]
    Rate::from_parts(parts).expect("a rate")
}

fn gateway_of(name: &str) -> usize {
    GATEWAYS.iter().position(|gateway| *gateway == name).unwrap_or(GATEWAYS.len())
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list
}

fn units(stock: &inventory::Stock) -> Units {
    Units { on_hand: stock.on_hand, held: stock.held, sold: stock.sold }
}

/// What can be seen of it all.
impl Real {
    /// A picture of the shop, read from its tables and its faces.
    pub async fn picture(&self) -> Result<Picture, Fault> {
        let mut carts = Vec::with_capacity(self.buyers.len());
        for buyer in &self.buyers {
            carts.push(self.cart(*buyer).await?);
        }
        let Seen { quotes, attempts } = self.seen().clone();
        let (goods, orders) = (self.goods.clone(), quotes.clone());
        let (levels, orders, tries) = self
            .town
            .shop
            .db
            .read(move |read| {
                let levels = inventory::levels(read, goods)?.answer(read)?;
                let (mut there, mut tries) = (Vec::new(), Vec::new());
                for (id, _) in &orders {
                    let Some(order) = orders::find(read, *id)? else { continue };
                    there.push(order);
                    let refunds = payments::refunds_of_order(read, *id)?;
                    tries.extend(payments::of_order(read, *id)?.into_iter().map(|attempt| {
                        let of = refunds.iter().filter(|r| r.attempt_id == attempt.id);
                        let back: Vec<_> =
                            of.map(|r| (r.amount.minor, r.worth, r.state.as_str())).collect();
                        (attempt, back)
                    }));
                }
                Ok::<_, Fault>((levels, there, tries))
            })
            .await?;
        let level = |id: &VariantId| levels.iter().find(|level| level.variant_id == *id);
        let attempt = |id: AttemptId| attempts.iter().position(|(known, ..)| *known == id);
        let mut tries: Vec<_> = tries
            .iter()
            .map(|(seen, back)| {
                let named = seen.reference.as_ref().map(|name| name.starts_with("pay_"));
                let shown = Attempt {
                    order: self.number(seen.order_id),
                    gateway: gateway_of(&seen.gateway),
                    state: seen.state,
                    named,
                    review: seen.review.is_some(),
                    unwanted: seen.unwanted,
                    captured: seen.captured,
                    refunds: sorted(back.clone()),
                };
                (attempt(seen.id), shown)
            })
            .collect();
        tries.sort_unstable_by_key(|(number, _)| *number);
        Ok(Picture {
            units: self.goods.iter().filter_map(level).map(units).collect(),
            carts,
            orders: orders.iter().map(|order| self.shown(order, &attempt)).collect(),
            attempts: tries.into_iter().map(|(_, shown)| shown).collect(),
        })
    }

    fn shown(&self, order: &orders::Order, attempt: &dyn Fn(AttemptId) -> Option<usize>) -> Order {
        Order {
            number: self.number(order.id),
            buyer: self.buyers.iter().position(|b| *b == order.customer_id).unwrap_or(usize::MAX),
            cash: order.payment_method == CASH_ON_DELIVERY,
            state: order.state,
            total: order.totals.total,
            settled_by: order.settled_by.and_then(attempt),
            claimed_by: order.claimed_by.and_then(attempt),
            pay_by: order.pay_by.map(|at| self.seconds(at)),
        }
    }

    async fn cart(&self, buyer: AccountId) -> Result<Vec<Shown>, Fault> {
        let view = self.town.shop.cart(Owner::Account(buyer)).await;
        let view = view.map_err(|error| Fault::Broken(error.to_string()))?;
        let shown = view.lines.iter().map(|line| Shown {
            variant: self.variant(line.variant_id),
            quantity: line.quantity,
            selected: line.selected,
            held_until: line.held_until.map(|until| self.seconds(until)),
            available: line.available,
            sold_here: line.sold_here,
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_unstable_by_key(|line| line.variant);
        Ok(shown)
    }

    fn seconds(&self, at: Timestamp) -> i64 {
        at.duration_since(self.opened).as_secs()
    }
}
