//! What the people of the shop do.

use catalog::CatalogRefusal;
use flows::{RefundOf, RefundOfLine, RefundWish, Refusal};
use kernel::Money;
use orders::State;

use super::plan::What;
use super::scene::{Heard, Scene};
use crate::dice::Dice;
use crate::trace::short;

/// Tries after which even staff give up.
const TRIES_MAX: usize = 40;

pub(super) async fn act(scene: Scene, what: What, mut dice: Dice) {
    match what {
        What::Price => price(&scene, &mut dice).await,
        What::Adjust => adjust(&scene, &mut dice).await,
        What::GiveBack => give_back(&scene, &mut dice).await,
        What::Cash => cash(&scene, &mut dice).await,
        _ => on_order(&scene, what, &mut dice).await,
    }
}

/// One person sets prices, so that what they ask is in order.
async fn price(scene: &Scene, dice: &mut Dice) {
    let _one_at_a_time = scene.prices.lock().await;
    let good = *dice.pick(&scene.town.goods);
    let price = good.price + dice.between(1..=400);
    let money = Money::new(price, crate::town::settings().currency);
    scene.witness.price_asked(good.variant, price);
    for _ in 0..TRIES_MAX {
        let heard: Heard<(), CatalogRefusal> = scene
            .once(dice, |process| async move {
                let set = process
                    .shop
                    .db
                    .write(move |tx| catalog::set_price(tx, good.variant, money).map(|_| ()));
                set.await
            })
            .await;
        scene.trace.say(|| format!("staff set {} to {price}: {heard:?}", short(good.variant)));
        if matches!(heard, Heard::Done(())) {
            scene.witness.price_set(good.variant);
            return;
        }
        scene.pause(dice).await;
    }
}

async fn adjust(scene: &Scene, dice: &mut Dice) {
    let good = *dice.pick(&scene.town.goods);
    let delta = dice.between(-3..=4);
    let staff = scene.town.staff;
    let key = scene.key(staff, "adjust", &format!("{}{delta}", good.variant));
    let mut done = None;
    let mut under_way = false;
    for _ in 0..TRIES_MAX {
        let key = key.clone();
        let heard: Heard<_, Refusal> = scene
            .once(dice, |process| async move {
                let reason = "counted".to_owned();
                process.shop.adjust_stock(staff, good.variant, delta, reason, key).await
            })
            .await;
        let variant = short(good.variant);
        scene.trace.say(|| match &heard {
            Heard::Done(stock) => format!("staff add {delta} of {variant}: {}", stock.on_hand),
            Heard::Refused(refusal) => format!("staff add {delta} of {variant}: {refusal}"),
            Heard::Nothing => format!("staff add {delta} of {variant}: no answer"),
        });
        done = match heard {
            Heard::Done(_) => Some(true),
            // What was asked before may be under way still.
            Heard::Refused(_) if under_way => break,
            Heard::Refused(_) => Some(false),
            Heard::Nothing => None,
        };
        if done.is_some() {
            break;
        }
        under_way = true;
        scene.pause(dice).await;
    }
    scene.witness.adjusted(good.variant, delta, done);
}

async fn give_back(scene: &Scene, dice: &mut Dice) {
    let orders: Vec<_> = scene.witness.confirmed().into_keys().collect();
    if orders.is_empty() {
        return;
    }
    let order = *dice.pick(&orders);
    let restock = dice.chance(500);
    let of = match dice.below(3) {
        0 => RefundOf::Amount(dice.between(1..=900)),
        1 => RefundOf::Lines(vec![RefundOfLine { position: 1, quantity: 1, restock }]),
        _ => RefundOf::Rest { restock },
    };
    let staff = scene.town.staff;
    let key = scene.key(staff, "refund", &format!("{order}{of:?}"));
    scene.witness.refund_asked(order);
    let answer: Option<Result<(), Refusal>> = scene
        .patiently(dice, |process| {
            let key = key.clone();
            let wish = RefundWish { of: of.clone(), reason: "torn".to_owned() };
            async move { process.shop.refund(staff, order, wish, key).await.map(|_| ()) }
        })
        .await;
    scene.say(&format!("staff give back {of:?} of {}", short(order)), answer.as_ref());
}

async fn cash(scene: &Scene, dice: &mut Dice) {
    let orders: Vec<_> = scene.witness.confirmed().into_keys().collect();
    if orders.is_empty() {
        return;
    }
    let (order, received) = (*dice.pick(&orders), dice.chance(700));
    let staff = scene.town.staff;
    let key = scene.key(staff, "cash", &format!("{order}{received}"));
    let answer: Option<Result<(), Refusal>> = scene
        .patiently(dice, |process| {
            let key = key.clone();
            async move { process.shop.cash(staff, order, received, key).await }
        })
        .await;
    let words = if received { "have the cash of" } else { "hear that nobody pays for" };
    scene.say(&format!("staff {words} {}", short(order)), answer.as_ref());
}

async fn on_order(scene: &Scene, what: What, dice: &mut Dice) {
    let orders: Vec<_> = scene.witness.confirmed().into_keys().collect();
    if orders.is_empty() {
        return;
    }
    let order = *dice.pick(&orders);
    let staff = scene.town.staff;
    let to = *dice.pick(&[State::Packed, State::Packed, State::Shipped, State::Delivered]);
    let key = scene.key(staff, "order", &format!("{order}{what:?}{to}"));
    let answer: Option<Result<(), Refusal>> = scene
        .patiently(dice, |process| {
            let key = key.clone();
            async move {
                match what {
                    What::Advance => process.shop.advance(staff, order, to, key).await,
                    _ => process.shop.cancel_for_shop(staff, order, None, key).await,
                }
            }
        })
        .await;
    scene.say(&format!("staff {what:?} {} to {to}", short(order)), answer.as_ref());
    if let (What::CancelForShop, Some(Ok(()))) = (what, answer) {
        scene.witness.cancelled(order);
    }
}
