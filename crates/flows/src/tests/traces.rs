//! Random lives of a small shop beside a model of its stock that fits on a page: after every
//! step both say the same, and in the end nothing that must hold is broken.

use kernel::{AccountId, SignedDuration, VariantId};
use payments::RefundState;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::EngineKind;

use super::*;
use crate::{Change, Owner, Paying, Settings};

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Set {
        buyer: usize,
        variant: usize,
        quantity: i64,
    },
    Place {
        buyer: usize,
        cash: bool,
    },
    BuyNow {
        buyer: usize,
        variant: usize,
        quantity: i64,
        cash: bool,
    },
    Cancel {
        order: usize,
    },
    Captured {
        order: usize,
    },
    Refunded {
        order: usize,
    },
    Adjust {
        variant: usize,
        delta: i64,
    },
    /// A day goes by: every hold and every unpaid order ends.
    Day,
}

fn act() -> impl Strategy<Value = Act> {
    let (buyer, variant, order) = (0..2_usize, 0..2_usize, 0..8_usize);
    prop_oneof![
        6 => (buyer.clone(), variant.clone(), 0..5_i64)
            .prop_map(|(buyer, variant, quantity)| Act::Set { buyer, variant, quantity }),
        4 => (buyer.clone(), any::<bool>()).prop_map(|(buyer, cash)| Act::Place { buyer, cash }),
        3 => (buyer, variant.clone(), 1..5_i64, any::<bool>()).prop_map(
            |(buyer, variant, quantity, cash)| Act::BuyNow { buyer, variant, quantity, cash }
        ),
        2 => order.clone().prop_map(|order| Act::Cancel { order }),
        4 => order.clone().prop_map(|order| Act::Captured { order }),
        1 => order.prop_map(|order| Act::Refunded { order }),
        1 => (variant, -4..5_i64).prop_map(|(variant, delta)| Act::Adjust { variant, delta }),
        1 => Just(Act::Day),
    ]
}

/// An order as the model knows it.
#[derive(Clone, Debug)]
struct Order {
    state: State,
    units: [i64; 2],
    captured: bool,
    settled: bool,
}

/// What should be there.
#[derive(Clone, Debug, Default)]
struct Model {
    on_hand: [i64; 2],
    sold: [i64; 2],
    cart: [[i64; 2]; 2],
    held: [[i64; 2]; 2],
    orders: Vec<Order>,
}

impl Model {
    fn held(&self, variant: usize) -> i64 {
        let pending = self.orders.iter().filter(|order| order.state == State::Pending);
        let of_carts = self.held[0][variant] + self.held[1][variant];
        of_carts + pending.map(|order| order.units[variant]).sum::<i64>()
    }

    fn free(&self, variant: usize) -> i64 {
        self.on_hand[variant] - self.held(variant)
    }

    fn set(&mut self, buyer: usize, variant: usize, quantity: i64) -> bool {
        let (has, held) = (self.cart[buyer][variant], self.held[buyer][variant]);
        if has == 0 && quantity == 0 {
            return false;
        }
        if quantity <= self.free(variant) + held {
            self.held[buyer][variant] = quantity;
        } else if quantity < has {
            self.held[buyer][variant] = 0;
        } else {
            return false;
        }
        self.cart[buyer][variant] = quantity;
        true
    }

    fn place(&mut self, units: [i64; 2], of: Option<usize>, cash: bool) -> bool {
        let own = |variant: usize| of.map_or(0, |buyer| self.held[buyer][variant]);
        let there = |variant: usize| units[variant] <= self.free(variant) + own(variant);
        if units == [0, 0] || !(0..2).all(|v| units[v] == 0 || there(v)) {
            return false;
        }
        if let Some(buyer) = of {
            (self.cart[buyer], self.held[buyer]) = ([0; 2], [0; 2]);
        }
        let state = if cash { State::CashDue } else { State::Pending };
        if cash {
            self.sell(units);
        }
        self.orders.push(Order { state, units, captured: false, settled: false });
        true
    }

    fn sell(&mut self, units: [i64; 2]) {
        for (variant, quantity) in units.into_iter().enumerate() {
            self.on_hand[variant] -= quantity;
            self.sold[variant] += quantity;
        }
    }

    fn cancel(&mut self, order: usize) -> bool {
        let Order { state, units, .. } = self.orders[order];
        if state.has_sold() {
            self.sell(units.map(|quantity| -quantity));
        } else if state != State::Pending {
            return false;
        }
        self.orders[order].state = State::Cancelled;
        true
    }

    fn captured(&mut self, order: usize) {
        let Order { state, units, captured, .. } = self.orders[order];
        let there = (0..2).all(|variant| units[variant] <= self.free(variant));
        let settles = state == State::Pending || state == State::Expired && there;
        self.orders[order].captured = true;
        if !captured && settles {
            self.orders[order].state = State::Paid;
            self.orders[order].settled = true;
            self.sell(units);
        }
    }

    fn refunded(&mut self, order: usize) {
        let order = &mut self.orders[order];
        if order.state == State::Cancelled && order.settled {
            order.state = State::Refunded;
        }
    }

    fn adjust(&mut self, variant: usize, delta: i64) -> bool {
        let fits = delta >= -self.free(variant);
        if fits {
            self.on_hand[variant] += delta;
        }
        fits
    }

    fn day(&mut self) {
        self.held = Default::default();
        for order in &mut self.orders {
            if order.state == State::Pending {
                order.state = State::Expired;
            }
        }
    }
}

/// The shop beside its model.
struct Life {
    town: Town,
    model: Model,
    buyers: [AccountId; 2],
    goods: Vec<VariantId>,
    orders: Vec<(AccountId, kernel::OrderId, Option<Paying>)>,
}

impl Life {
    async fn begin(t: &TestDb) -> Self {
        let hours = SignedDuration::from_hours;
        let settings = Settings { hold: hours(20), payment: hours(20), ..Settings::default() };
        let town = Town::with_settings(&t.db, 91, settings).await;
        let buyers = [town.customer().await, town.customer().await];
        let goods = town.product(1000, &[6, 4]).await;
        let model = Model { on_hand: [6, 4], ..Model::default() };
        Self { town, model, buyers, goods, orders: Vec::new() }
    }

    async fn note(&mut self, buyer: usize, placed: Answer<crate::Placed>) -> bool {
        let Ok(placed) = placed else { return false };
        let buyer = self.buyers[buyer];
        let paying = if placed.state == State::Pending {
            Some(self.town.intend(buyer, placed.id).await.unwrap())
        } else {
            None
        };
        self.orders.push((buyer, placed.id, paying));
        true
    }

    /// Lets the shop and the model act; says whether each did it.
    async fn act(&mut self, act: Act) -> (bool, bool) {
        let town = self.town.clone();
        let method = |cash: bool| if cash { CASH_ON_DELIVERY } else { "sandbox" };
        match act {
            Act::Set { buyer, variant, quantity } => {
                let owner = Owner::Account(self.buyers[buyer]);
                let set = town.shop.set_line(owner, self.goods[variant], Change::Set(quantity));
                (set.await.is_ok(), self.model.set(buyer, variant, quantity))
            }
            Act::Place { buyer, cash } => {
                let placed = town.order_cart(self.buyers[buyer], method(cash)).await;
                let did = self.note(buyer, placed).await;
                (did, self.model.place(self.model.cart[buyer], Some(buyer), cash))
            }
            Act::BuyNow { buyer, variant, quantity, cash } => {
                let (who, what) = (self.buyers[buyer], self.goods[variant]);
                let placed = town.buy(who, what, quantity, method(cash)).await;
                let did = self.note(buyer, placed).await;
                let mut units = [0, 0];
                units[variant] = quantity;
                (did, self.model.place(units, None, cash))
            }
            Act::Adjust { variant, delta } => {
                let key = town.key(town.staff, "adjust");
                let shop = &town.shop;
                let variant_id = self.goods[variant];
                let did = shop.adjust_stock(town.staff, variant_id, delta, "count".into(), key);
                (did.await.is_ok(), self.model.adjust(variant, delta))
            }
            Act::Day => {
                town.wait(SignedDuration::from_hours(21));
                town.sweep().await.unwrap();
                self.model.day();
                (true, true)
            }
            Act::Cancel { order } | Act::Captured { order } | Act::Refunded { order } => {
                self.act_on_order(act, order).await
            }
        }
    }

    async fn act_on_order(&mut self, act: Act, order: usize) -> (bool, bool) {
        let Some((buyer, id, paying)) = self.orders.get(order).cloned() else {
            return (true, true);
        };
        match act {
            Act::Cancel { .. } => {
                (self.town.cancel(buyer, id).await.is_ok(), self.model.cancel(order))
            }
            Act::Captured { .. } => {
                if let Some(paying) = paying {
                    self.town.captured(&paying).await.unwrap();
                    self.model.captured(order);
                }
                (true, true)
            }
            _ => {
                self.town.end_refunds(id, RefundState::Succeeded).await.unwrap();
                self.model.refunded(order);
                (true, true)
            }
        }
    }

    async fn live(mut self, acts: &[Act]) {
        for (at, act) in acts.iter().enumerate() {
            let (did, should) = self.act(*act).await;
            assert_eq!(did, should, "step {at}, {act:?}, {:?}", self.model);
            for variant in 0..2 {
                let model = &self.model;
                let wanted = (model.on_hand[variant], model.held(variant), model.sold[variant]);
                let found = levels(&self.town, self.goods[variant]).await;
                assert_eq!(found, wanted, "step {at}, {act:?}, variant {variant}, {model:?}");
            }
            for (index, (_, id, _)) in self.orders.iter().enumerate() {
                let (found, wanted) =
                    (state(&self.town, *id).await, self.model.orders[index].state);
                assert_eq!(found, wanted, "step {at}, {act:?}, order {index}");
            }
        }
        sound(&self.town).await;
    }
}

#[test]
fn the_shop_does_what_its_model_does() {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let acts = proptest::collection::vec(act(), 1..40);
    TestRunner::new(config)
        .run(&acts, |acts| {
            runtime.block_on(async {
                let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
                Life::begin(&t).await.live(&acts).await;
            });
            Ok(())
        })
        .unwrap();
}
