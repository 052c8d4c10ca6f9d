//! Counters, holds and movements as they lie in the database.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{
    AccountId, CartId, Env, Fault, OrderId, ProductId, SignedDuration, Timestamp, Uuid, VariantId,
};
use proptest::prelude::*;
use store::{Db, Tx};

use crate::{Cause, Hold, Holder, Shelf, Short, Stock, expired_cart_holds, levels, movements_of};

static SCHEMAS: &[&store::Schema] = &[&store::SCHEMA, &crate::SCHEMA];

const SHIRT: VariantId = VariantId(Uuid::from_u128(11));
const SOCKS: VariantId = VariantId(Uuid::from_u128(12));
const PRODUCT: ProductId = ProductId(Uuid::from_u128(1));
const CART: Holder = Holder::Cart(CartId(Uuid::from_u128(21)));
const ORDER: OrderId = OrderId(Uuid::from_u128(31));
const STAFF: AccountId = AccountId(Uuid::from_u128(41));

/// The time stands still, and no two have the same dice.
fn env() -> Env {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), seed).0
}

/// Opens the shelf, lets `work` change it, and writes what has become of it.
async fn on_shelf(db: &Db, work: impl Fn(&mut Shelf, &Env) + Send + 'static) -> Result<(), Fault> {
    let env = env();
    db.write_lane(move |tx| {
        let mut shelf = Shelf::default();
        shelf.load_holds(tx, [CART.id(), ORDER.0])?;
        let stock = shelf.ask_stock(tx, [SHIRT, SOCKS])?;
        shelf.take_stock(stock.answer(tx)?);
        work(&mut shelf, &env);
        shelf.write(tx)
    })
    .await
}

async fn stocked(db: &Db, shirts: i64, socks: i64) {
    let env = env();
    let counted = db.write(move |tx| {
        crate::receive(tx, &env, (SHIRT, PRODUCT), shirts, Some(STAFF))?;
        crate::receive(tx, &env, (SOCKS, PRODUCT), socks, None)
    });
    counted.await.unwrap();
}

/// `on_hand`, `held` and `sold`.
async fn counters(db: &Db, variant: VariantId) -> (i64, i64, i64) {
    let found = db.read(move |read| levels(read, [variant])?.answer(read)).await.unwrap();
    (found[0].on_hand, found[0].held, found[0].sold)
}

async fn execute(db: &Db, work: fn(&mut Tx<'_>) -> Result<u64, Fault>) -> Result<u64, Fault> {
    db.write(work).await
}

store::sql! {
    query BELOW_ZERO { "update stock set on_hand = -1" }
    query TOO_MUCH_HELD { "update stock set held = on_hand + 1" }
    query HELD_BELOW_ZERO { "update stock set held = -1" }
    query SOLD_BELOW_ZERO { "update stock set sold = -1" }
    query EMPTY_HOLD { "update holds set quantity = 0" }
    query STRANGE_HOLD { "update holds set owner_kind = 'friend'" }
    query EMPTY_MOVEMENT { "update movements set delta = 0" }
    query SALE_OF_NOBODY { "update movements set cause = 'sold'" }
}

store::on_both_engines! { SCHEMAS;
    async fn every_move_is_written_as_it_was_decided(t: TestDb) {
        stocked(&t.db, 10, 0).await;
        let until = env().now() + SignedDuration::from_mins(15);
        on_shelf(&t.db, move |shelf, _| {
            assert_eq!(shelf.promise(CART, SHIRT, 4, until), Ok(()));
            let no = Short { variant_id: SHIRT, wanted: 11, available: 10 };
            assert_eq!(shelf.promise(CART, SHIRT, 11, until), Err(no), "its own units count");
            assert!(shelf.promise(CART, SOCKS, 1, until).is_err(), "none are there");
        })
        .await
        .unwrap();
        assert_eq!(counters(&t.db, SHIRT).await, (10, 4, 0));
        on_shelf(&t.db, move |shelf, env| {
            let hold = shelf.hold(CART, SHIRT).copied();
            let expected = Hold {
                holder: CART, variant_id: SHIRT, quantity: 4, expires_at: until, extensions: 0,
            };
            assert_eq!(hold, Some(expected));
            assert!(shelf.extend(CART, SHIRT, until + SignedDuration::from_secs(1), 1));
            assert!(!shelf.extend(CART, SHIRT, until, 1), "as often as it may");
            assert!(!shelf.extend(CART, SOCKS, until, 1), "there is no promise");
            assert!(shelf.sell(env, ORDER, SHIRT, 7).is_err(), "six are free");
            shelf.sell(env, ORDER, SHIRT, 6).unwrap();
        })
        .await
        .unwrap();
        assert_eq!(counters(&t.db, SHIRT).await, (4, 4, 6));
        on_shelf(&t.db, move |shelf, env| {
            assert_eq!(shelf.holds(CART)[0].extensions, 1);
            shelf.promise(CART, SHIRT, 0, until).unwrap();
            shelf.take_back(env, ORDER, SHIRT, 6);
            assert!(shelf.adjust(env, SHIRT, -11, (STAFF, "lost")).is_err());
            shelf.adjust(env, SHIRT, -3, (STAFF, "lost")).unwrap();
        })
        .await
        .unwrap();
        assert_eq!(counters(&t.db, SHIRT).await, (7, 0, 0));
        let moves = t.db.read(|read| movements_of(read, SHIRT, 10)).await.unwrap();
        let mut deltas: Vec<_> =
            moves.iter().map(|m| (m.cause.as_str(), m.delta, m.order_id, m.actor)).collect();
        deltas.sort_unstable();
        assert_eq!(deltas, [
            (Cause::Adjusted.as_str(), -3, None, Some(STAFF)),
            (Cause::Received.as_str(), 10, None, Some(STAFF)),
            (Cause::Returned.as_str(), 6, Some(ORDER), None),
            (Cause::Sold.as_str(), -6, Some(ORDER), None),
        ]);
    }

    async fn only_cart_holds_end_by_themselves(t: TestDb) {
        stocked(&t.db, 10, 10).await;
        let now = env().now();
        on_shelf(&t.db, move |shelf, _| {
            shelf.promise(CART, SHIRT, 1, now + SignedDuration::from_secs(1)).unwrap();
            shelf.promise(CART, SOCKS, 1, now).unwrap();
            shelf.promise(Holder::Order(ORDER), SHIRT, 1, now).unwrap();
        })
        .await
        .unwrap();
        let ended = |at| t.db.read(move |read| expired_cart_holds(read, at, 10));
        let Holder::Cart(cart) = CART else { unreachable!("a cart") };
        assert!(ended(now - SignedDuration::from_micros(1)).await.unwrap().is_empty());
        assert_eq!(ended(now).await.unwrap(), [(cart, SOCKS)]);
        let later = ended(now + SignedDuration::from_hours(1)).await.unwrap();
        assert_eq!(later, [(cart, SOCKS), (cart, SHIRT)], "the oldest first");
    }

    async fn the_database_refuses_what_must_not_be(t: TestDb) {
        stocked(&t.db, 10, 10).await;
        let until = env().now();
        on_shelf(&t.db, move |shelf, _| shelf.promise(CART, SHIRT, 1, until).unwrap()).await.unwrap();
        for bad in [
            |tx: &mut Tx<'_>| tx.execute(&BELOW_ZERO, &[]),
            |tx: &mut Tx<'_>| tx.execute(&TOO_MUCH_HELD, &[]),
            |tx: &mut Tx<'_>| tx.execute(&HELD_BELOW_ZERO, &[]),
            |tx: &mut Tx<'_>| tx.execute(&SOLD_BELOW_ZERO, &[]),
            |tx: &mut Tx<'_>| tx.execute(&EMPTY_HOLD, &[]),
            |tx: &mut Tx<'_>| tx.execute(&STRANGE_HOLD, &[]),
            |tx: &mut Tx<'_>| tx.execute(&EMPTY_MOVEMENT, &[]),
            |tx: &mut Tx<'_>| tx.execute(&SALE_OF_NOBODY, &[]),
        ] {
            let answer = execute(&t.db, bad).await;
            assert!(matches!(answer, Err(Fault::Constraint(_))), "{answer:?}");
        }
        let again = t.db.write(|tx| crate::receive(tx, &env(), (SHIRT, PRODUCT), 1, None)).await;
        assert!(matches!(again, Err(Fault::Constraint(_))), "counted once");
        assert_eq!(counters(&t.db, SHIRT).await, (10, 1, 0));
    }

    async fn levels_are_found_by_product(t: TestDb) {
        stocked(&t.db, 3, 4).await;
        let of_product = t.db.read(|read| crate::levels_of_products(read, [PRODUCT, PRODUCT]));
        let mut units: Vec<i64> = of_product.await.unwrap().iter().map(Stock::available).collect();
        units.sort_unstable();
        assert_eq!(units, [3, 4]);
    }

    async fn every_statement_is_taken(t: TestDb) {
        let all = store::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert!(all > crate::sql::ALL.len());
        assert_eq!(ALL.len(), 8);
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Promise(u128, i64),
    Sell(i64),
    TakeBack(i64),
    Adjust(i64),
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        (0..3_u128, 0..8_i64).prop_map(|(cart, quantity)| Move::Promise(cart, quantity)),
        (1..8_i64).prop_map(Move::Sell),
        (1..8_i64).prop_map(Move::TakeBack),
        (-8..8_i64).prop_map(Move::Adjust),
    ]
}

proptest! {
    /// Whatever is asked of the shelf, `0 <= held <= on_hand` and `sold >= 0` stay true, held is
    /// the sum of the promises, and nothing appears or is lost.
    #[test]
    fn the_shelf_keeps_its_counters(moves in prop::collection::vec(a_move(), 0..60)) {
        let env = env();
        let mut shelf = Shelf::with(Stock {
            variant_id: SHIRT, product_id: PRODUCT, on_hand: 10, held: 0, sold: 0,
        });
        let (mut adjusted, mut sold) = (0, 0);
        for one in moves {
            match one {
                Move::Promise(cart, quantity) => {
                    let holder = Holder::Cart(CartId(Uuid::from_u128(cart)));
                    let _ = shelf.promise(holder, SHIRT, quantity, env.now());
                }
                Move::Sell(quantity) => {
                    sold += shelf.sell(&env, ORDER, SHIRT, quantity).map_or(0, |()| quantity);
                }
                Move::TakeBack(quantity) => {
                    let quantity = quantity.min(sold);
                    shelf.take_back(&env, ORDER, SHIRT, quantity);
                    sold -= quantity;
                }
                Move::Adjust(delta) => {
                    let done = shelf.adjust(&env, SHIRT, delta, (STAFF, "counted"));
                    adjusted += done.map_or(0, |_| delta);
                }
            }
            let stock = shelf.stock(SHIRT).unwrap();
            let promised: i64 = (0..3)
                .flat_map(|cart| shelf.holds(Holder::Cart(CartId(Uuid::from_u128(cart)))))
                .map(|hold| hold.quantity)
                .sum();
            prop_assert_eq!(stock.held, promised);
            prop_assert!(0 <= stock.held && stock.held <= stock.on_hand);
            prop_assert_eq!(stock.sold, sold);
            prop_assert_eq!(stock.on_hand + stock.sold, 10 + adjusted);
        }
    }
}
