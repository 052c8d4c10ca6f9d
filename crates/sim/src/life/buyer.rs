//! What customers do.

use flows::{Answer, CASH_ON_DELIVERY, Change, Owner, Placed, QuoteView, Refusal, Source};
use gateways::Payer;
use jobs::Started;
use kernel::{AccountId, Error, OrderId, VariantId};
use orders::State;

use super::plan::What;
use super::scene::{Heard, Scene};
use crate::bank::GATEWAYS;
use crate::dice::Dice;
use crate::executor::Group;
use crate::town::CUSTOMERS;
use crate::trace::short;

/// A customer at one act.
#[derive(Clone)]
pub(super) struct Buyer {
    pub scene: Scene,
    pub name: &'static str,
    pub id: AccountId,
    pub dice: Dice,
}

impl Buyer {
    pub(super) fn new(scene: &Scene, who: usize, dice: Dice) -> Self {
        let id = scene.town.customers[who];
        Self { scene: scene.clone(), name: CUSTOMERS[who], id, dice }
    }

    pub(super) async fn act(mut self, what: What) {
        match what {
            What::Checkout => self.checkout(Source::Cart).await,
            What::BuyNow => {
                let (variant_id, quantity) = self.something();
                self.checkout(Source::BuyNow { variant_id, quantity }).await;
            }
            What::TwoTabs => self.two_tabs().await,
            What::SignIn => self.sign_in().await,
            What::Pay | What::Return | What::Cancel => {
                let mine = self.scene.witness.orders_of(self.id);
                if mine.is_empty() {
                    return;
                }
                let order = *self.dice.pick(&mine);
                match what {
                    What::Pay => self.pay(order, 1).await,
                    What::Return => self.come_back(order).await,
                    _ => self.cancel(order).await,
                }
            }
            // Some press the button again and again.
            What::Extend => {
                for _ in 0..self.dice.between(1..=5) {
                    self.change_cart(what).await;
                    self.scene.pause(&mut self.dice).await;
                }
            }
            _ => self.change_cart(what).await,
        }
    }

    fn something(&mut self) -> (VariantId, i64) {
        let good = *self.dice.pick(&self.scene.town.goods);
        (good.variant, self.dice.weigh(&[(5, 1), (3, 2), (1, 3), (1, 7)]))
    }

    async fn change_cart(&mut self, what: What) {
        let (variant, quantity) = self.something();
        let change = match self.dice.below(3) {
            0 => Change::Set(quantity),
            1 => Change::By(quantity),
            _ => Change::Set(self.dice.between(0..=2)),
        };
        let selected = self.dice.chance(500);
        let owner = Owner::Account(self.id);
        let (name, scene) = (self.name, self.scene.clone());
        let answer = scene
            .patiently(&mut self.dice, |process| {
                let (shop, owner) = (process.shop, owner.clone());
                async move {
                    match what {
                        What::Put => shop.set_line(owner, variant, change).await,
                        What::Select => shop.select_lines(owner, None, selected).await,
                        What::Extend => shop.extend_cart(owner).await,
                        What::Clear => shop.clear_cart(owner).await,
                        _ => shop.cart(owner).await,
                    }
                }
            })
            .await;
        let seen = answer.map(|answer| {
            answer.map(|cart| {
                let units = |line: &flows::CartLine| (short(line.variant_id), line.quantity);
                cart.lines.iter().map(units).collect::<Vec<_>>()
            })
        });
        scene.say(&format!("{name} {what:?} {change:?} of {}", short(variant)), seen.as_ref());
    }

    async fn sign_in(&mut self) {
        let (variant, quantity) = self.something();
        let token: Vec<u8> = self.dice.number().to_le_bytes().repeat(4);
        let visitor = Owner::Visitor(token.clone());
        let (name, id, scene) = (self.name, self.id, self.scene.clone());
        let put = scene
            .patiently(&mut self.dice, |process| {
                let visitor = visitor.clone();
                async move {
                    process.shop.set_line(visitor, variant, Change::Set(quantity)).await.map(|_| ())
                }
            })
            .await;
        scene.say(&format!("a visitor puts {quantity} of {}", short(variant)), put.as_ref());
        scene.pause(&mut self.dice).await;
        let moved = scene
            .patiently(&mut self.dice, |process| {
                let token = token.clone();
                async move { process.shop.merge_carts(token, id).await }
            })
            .await;
        scene.say(&format!("{name} was the visitor, units"), moved.as_ref());
    }

    /// A quote; one who finds too little of a thing takes what there is.
    async fn quote(&mut self, source: Source) -> Option<QuoteView> {
        let refusal = match self.ask_for_quote(source).await? {
            Ok(view) => return Some(view),
            Err(refusal) => refusal,
        };
        let (Source::BuyNow { variant_id, .. }, Refusal::OutOfStock { short }) = (source, refusal)
        else {
            return None;
        };
        let quantity = short.first().map(|short| short.available).filter(|left| *left > 0)?;
        self.ask_for_quote(Source::BuyNow { variant_id, quantity }).await?.ok()
    }

    async fn ask_for_quote(&mut self, source: Source) -> Option<Result<QuoteView, Refusal>> {
        let (id, scene) = (self.id, self.scene.clone());
        let answer = scene
            .patiently(&mut self.dice, |process| async move {
                process.shop.quote(id, source, None).await
            })
            .await;
        let seen = answer.as_ref().map(|answer| {
            let of = |view: &QuoteView| (short(view.quote.id), view.quote.totals.total);
            answer.as_ref().map(of).map_err(Refusal::to_string)
        });
        scene.say(&format!("{} asks for a quote of {source:?}", self.name), seen.as_ref());
        answer
    }

    async fn checkout(&mut self, source: Source) {
        let Some(view) = self.quote(source).await else { return };
        self.think().await;
        self.place(view).await;
    }

    async fn two_tabs(&mut self) {
        let Some(first) = self.quote(Source::Cart).await else { return };
        let Some(second) = self.quote(Source::Cart).await else { return };
        let mut other = Self { dice: Dice::new(self.dice.number(), 2), ..self.clone() };
        self.scene.executor.spawn(Group::World, async move { other.place(second).await });
        self.place(first).await;
    }

    async fn think(&mut self) {
        let range = self.dice.weigh(&[(12, (0, 20)), (2, (60, 600)), (1, (600, 1500))]);
        let by = self.dice.seconds(range.0..=range.1);
        self.scene.executor.sleep(by).await;
    }

    async fn place(&mut self, view: QuoteView) {
        let method = *self.dice.pick(&[GATEWAYS[0], GATEWAYS[1], GATEWAYS[0], CASH_ON_DELIVERY]);
        if self.dice.chance(150) {
            let mut twin = Self { dice: Dice::new(self.dice.number(), 2), ..self.clone() };
            let view = view.clone();
            self.scene.executor.spawn(Group::World, async move {
                twin.press(&view, method).await;
            });
        }
        let Some(placed) = self.press(&view, method).await else { return };
        if placed.state == State::Pending {
            self.pay(placed.id, 2).await;
        }
    }

    /// Presses the button until there is an answer.
    async fn press(&mut self, view: &QuoteView, method: &'static str) -> Option<Placed> {
        let (id, scene) = (self.id, self.scene.clone());
        for _ in 0..6 {
            let span = scene.span();
            let confirmed = scene.witness.has_confirmed(view.quote.id);
            let token = view.token.clone();
            let heard = scene
                .once(&mut self.dice, |process| async move {
                    process.shop.place(id, &token, method).await
                })
                .await;
            self.say_placed(view, method, &heard);
            match heard {
                Heard::Done(placed) => {
                    scene.witness.placed(&view.quote, &placed, span, scene.shop_clock());
                    // Some press it again all the same.
                    if self.dice.chance(950) {
                        return Some(placed);
                    }
                }
                Heard::Refused(refusal) => {
                    scene.witness.not_placed(&view.quote, &refusal, confirmed);
                    return None;
                }
                Heard::Nothing if self.dice.chance(150) => return None,
                Heard::Nothing => {}
            }
            scene.pause(&mut self.dice).await;
        }
        None
    }

    fn say_placed(&self, view: &QuoteView, method: &str, heard: &Heard<Placed, Refusal>) {
        let quote = short(view.quote.id);
        self.scene.trace.say(|| match heard {
            Heard::Done(placed) => format!(
                "{} orders {quote} by {method}: {} {} for {}{}",
                self.name,
                placed.number,
                placed.state,
                placed.total,
                if placed.replayed { ", again" } else { "" }
            ),
            Heard::Refused(refusal) => {
                format!("{} orders {quote} by {method}: refused, {refusal}", self.name)
            }
            Heard::Nothing => format!("{} orders {quote} by {method}: no answer", self.name),
        });
    }

    /// Begins to pay, and does what payers do; `tries` times at most.
    async fn pay(&mut self, order: OrderId, tries: usize) {
        for _ in 0..tries {
            let gateway = *self.dice.pick(&GATEWAYS);
            let Some(started) = self.start(order, gateway).await else { return };
            self.scene.witness.paying(started.attempt_id, order);
            let how = self.dice.weigh(&[(10, 0), (2, 1), (2, 2), (3, 3)]);
            match how {
                0 => {
                    let by = self.dice.seconds(1..=60);
                    self.scene.executor.sleep(by).await;
                    self.scene.bank.pay(started.attempt_id);
                }
                1 => self.scene.bank.decline(started.attempt_id),
                2 => {}
                _ => {
                    let by = self.dice.seconds(1200..=3000);
                    self.scene.executor.sleep(by).await;
                    if self.dice.chance(300) {
                        self.be_outrun().await;
                    }
                    self.scene.bank.pay(started.attempt_id);
                }
            }
            if self.dice.chance(500) {
                self.come_back(order).await;
            }
            if how == 0 && self.dice.chance(900) {
                return;
            }
        }
    }

    /// While one is late, somebody else buys all that is left of a scarce thing.
    async fn be_outrun(&mut self) {
        let who = self.dice.below(CUSTOMERS.len());
        let mut rival = Self::new(&self.scene, who, Dice::new(self.dice.number(), 2));
        let scarce = &self.scene.town.goods[..2];
        let variant_id = self.dice.pick(scarce).variant;
        if let Some(view) = rival.quote(Source::BuyNow { variant_id, quantity: 7 }).await {
            rival.press(&view, CASH_ON_DELIVERY).await;
        }
    }

    async fn start(&mut self, order: OrderId, gateway: &'static str) -> Option<Started> {
        let (id, scene) = (self.id, self.scene.clone());
        let key = scene.key(id, "pay", &format!("{order}{gateway}"));
        for _ in 0..3 {
            let answer =
                scene
                    .patiently(&mut self.dice, |process| {
                        let key = key.clone();
                        async move {
                            process.cashier.start(id, order, gateway, Payer::default(), key).await
                        }
                    })
                    .await;
            let seen = answer.as_ref().map(|answer| {
                let of = |it: &Started| (short(it.attempt_id), it.state);
                answer.as_ref().map(of).map_err(Refusal::to_string)
            });
            let who = format!("{} pays {} at {gateway}", self.name, short(order));
            scene.say(&who, seen.as_ref());
            match answer? {
                Ok(started) => return Some(started),
                Err(Refusal::GatewayBusy) => scene.pause(&mut self.dice).await,
                Err(_) => return None,
            }
        }
        None
    }

    async fn come_back(&mut self, order: OrderId) {
        let scene = self.scene.clone();
        let answer: Option<Answer<()>> = scene
            .patiently(&mut self.dice, |process| async move {
                process.cashier.look(order).await.map_err(Error::<Refusal>::Fault)
            })
            .await
            .map(|answer| answer.map_err(Error::Refused));
        scene.say(&format!("{} comes back to {}", self.name, short(order)), answer.as_ref());
    }

    async fn cancel(&mut self, order: OrderId) {
        let (id, scene) = (self.id, self.scene.clone());
        let key = scene.key(id, "cancel", &order.to_string());
        let answer = scene
            .patiently(&mut self.dice, |process| {
                let key = key.clone();
                async move { process.shop.cancel(id, order, key).await }
            })
            .await;
        scene.say(&format!("{} cancels {}", self.name, short(order)), answer.as_ref());
        if let Some(Ok(())) = answer {
            scene.witness.cancelled(order);
        }
    }
}
