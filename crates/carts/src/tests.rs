//! Carts and lines as they lie in the database.

use kernel::{AccountId, CartId, Env, Fault, SignedDuration, Timestamp, Uuid, VariantId};
use store::{Db, Tx};

use crate::{Baskets, Cart, find, find_by_token, get_or_make, lines, make_for_token};

static SCHEMAS: &[&store::Schema] = &[&store::SCHEMA, &crate::SCHEMA];

const ADA: AccountId = AccountId(Uuid::from_u128(1));
const SHIRT: VariantId = VariantId(Uuid::from_u128(12));
const SOCKS: VariantId = VariantId(Uuid::from_u128(11));

store::sql! {
    query EMPTY_LINE { "update cart_lines set quantity = 0" }
    query HUGE_LINE { "update cart_lines set quantity = 10001" }
    query NOBODYS_CART { "update carts set account_id = null" }
    query TWO_OWNERS { "update carts set token_hash = $1" }
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1).0
}

async fn cart_of_ada(db: &Db) -> Cart {
    let env = env();
    db.write(move |tx| get_or_make(tx, &env, ADA)).await.unwrap()
}

async fn change(
    db: &Db,
    cart: CartId,
    work: impl Fn(&mut Baskets) + Send + 'static,
) -> Result<(), Fault> {
    db.write_lane(move |tx| {
        let mut baskets = Baskets::default();
        baskets.load(tx, [cart])?;
        work(&mut baskets);
        baskets.write(tx)
    })
    .await
}

store::on_both_engines! { SCHEMAS;
    async fn an_owner_has_one_cart(t: TestDb) {
        let (first, again) = tokio::join!(cart_of_ada(&t.db), cart_of_ada(&t.db));
        assert_eq!(first, again);
        assert_eq!((first.account_id, first.version), (Some(ADA), 0));
        let env = env();
        env.id::<CartId>();
        let made = t.db.write(move |tx| {
            let made = make_for_token(tx, &env, &[7; 32])?;
            Ok::<_, Fault>((made, make_for_token(tx, &env, &[7; 32])?))
        });
        let (made, again) = made.await.unwrap();
        assert!(made == again && made.account_id.is_none() && made.id != first.id);
        let found = t.db.read(|read| {
            Ok::<_, Fault>((find(read, ADA)?, find_by_token(read, &[7; 32])?,
                find_by_token(read, &[8; 32])?))
        });
        assert_eq!(found.await.unwrap(), (Some(first), Some(made), None));
    }

    async fn lines_are_written_as_they_were_changed(t: TestDb) {
        let cart = cart_of_ada(&t.db).await.id;
        let now = env().now();
        change(&t.db, cart, move |baskets| {
            baskets.set_quantity(cart, SHIRT, 2, now);
            baskets.set_quantity(cart, SOCKS, 1, now + SignedDuration::from_secs(1));
        })
        .await
        .unwrap();
        let of_cart = || t.db.read(move |read| lines(read, cart)?.answer(read));
        let first = of_cart().await.unwrap();
        let seen: Vec<_> = first.iter().map(|l| (l.variant_id, l.quantity, l.selected)).collect();
        assert_eq!(seen, [(SHIRT, 2, true), (SOCKS, 1, true)], "as they were put in");
        change(&t.db, cart, move |baskets| {
            baskets.set_quantity(cart, SHIRT, 5, now + SignedDuration::from_secs(9));
            baskets.set_quantity(cart, SOCKS, 0, now);
            assert!(baskets.select(cart, SHIRT, false));
            assert!(!baskets.select(cart, SOCKS, false), "it is gone");
        })
        .await
        .unwrap();
        let second = of_cart().await.unwrap();
        assert_eq!(second.len(), 1);
        assert_eq!((second[0].quantity, second[0].selected, second[0].added_at), (5, false, now));
        let version = t.db.read(|read| find(read, ADA)).await.unwrap().unwrap().version;
        assert_eq!(version, 5, "every change counts");
        change(&t.db, cart, move |baskets| {
            baskets.select(cart, SHIRT, false);
        })
        .await
        .unwrap();
        let after = t.db.read(|read| find(read, ADA)).await.unwrap().unwrap().version;
        assert_eq!(after, version, "what changes nothing does not count");
    }

    async fn the_database_refuses_what_must_not_be(t: TestDb) {
        let cart = cart_of_ada(&t.db).await.id;
        let now = env().now();
        change(&t.db, cart, move |baskets| baskets.set_quantity(cart, SHIRT, 2, now)).await.unwrap();
        for bad in [
            |tx: &mut Tx<'_>| tx.execute(&EMPTY_LINE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&HUGE_LINE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&NOBODYS_CART, &[]),
            |tx: &mut Tx<'_>| tx.execute(&TWO_OWNERS, &[&[1_u8; 32].as_slice()]),
        ] {
            let answer = t.db.write(bad).await;
            assert!(matches!(answer, Err(Fault::Constraint(_))), "{answer:?}");
        }
        let huge = change(&t.db, cart, move |baskets| {
            baskets.set_quantity(cart, SHIRT, 10_001, now);
        });
        assert!(matches!(huge.await, Err(Fault::Constraint(_))));
    }

    async fn every_statement_is_taken(t: TestDb) {
        let all = store::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert!(all > crate::sql::ALL.len());
        assert_eq!(ALL.len(), 4);
    }
}
