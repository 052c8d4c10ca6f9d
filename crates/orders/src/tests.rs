//! Orders, lines and history as they lie in the database.

use kernel::{
    AccountId, AttemptId, CartId, Currency, Env, Fault, OrderId, ProductId, SignedDuration,
    Timestamp, Uuid, VariantId,
};
use store::{Db, Tx};

use crate::{Actor, Book, Line, NotAllowed, Order, State, Totals};

static SCHEMAS: &[&store::Schema] = &[&store::SCHEMA, &crate::SCHEMA];

const ADA: AccountId = AccountId(Uuid::from_u128(1));
const CART: CartId = CartId(Uuid::from_u128(2));

store::sql! {
    query STRANGE_STATE { "update orders set state = 'lost'" }
    query WRONG_TOTAL { "update orders set total = total + 1" }
    query LARGE_DISCOUNT {
        "update orders set discount = merchandise + 1, total = shipping + tax - 1"
    }
    query NO_DEADLINE { "update orders set pay_by = null" }
    query HALF_A_CART { "update orders set cart_version = null" }
    query NO_STEPS { "update orders set steps = 0" }
    query EMPTY_LINE { "update order_lines set quantity = 0, line_total = 0" }
    query WRONG_LINE { "update order_lines set line_total = line_total + 1" }
    query LOST_LINE { "update order_lines set order_id = $1" }
}

fn env() -> Env {
    Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), 1).0
}

fn id(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

fn order(number: u128) -> Order {
    let now = env().now();
    Order {
        id: id(number),
        number: format!("AAA-AAA-{number:03}"),
        customer_id: ADA,
        cart: None,
        state: State::Pending,
        payment_method: "sandbox".into(),
        totals: Totals {
            currency: Currency::EUR,
            item_count: 2,
            merchandise: 2000,
            discount: 100,
            shipping: 490,
            tax: 0,
            total: 2390,
        },
        address: r#"{"city": "Łódź"}"#.into(),
        fingerprint: "f".into(),
        settled_by: None,
        claimed_by: None,
        pay_by: Some(now + SignedDuration::from_mins(30)),
        placed_at: now,
        steps: 0,
    }
}

fn line(order: OrderId) -> Line {
    Line {
        order_id: order,
        position: 1,
        variant_id: VariantId(Uuid::from_u128(11)),
        product_id: ProductId(Uuid::from_u128(10)),
        sku: "SHIRT-M".into(),
        title: "Linen shirt, M".into(),
        unit_price: 1000,
        quantity: 2,
        line_total: 2000,
        restocked: 0,
    }
}

async fn place(db: &Db, order: Order) -> Result<(), Fault> {
    db.write_lane(move |tx| {
        let mut book = Book::default();
        book.place(order.clone(), vec![line(order.id)], Actor::Customer);
        book.write(tx)
    })
    .await
}

async fn step(db: &Db, order: OrderId, to: State) -> Result<Result<(), NotAllowed>, Fault> {
    db.write_lane(move |tx| {
        let mut book = Book::default();
        let orders = book.ask(tx, [order])?;
        book.take(orders.answer(tx)?);
        let taken = book.step(order, to, Actor::Clock, Some("why".into()), env().now());
        if taken.is_ok() && to == State::Paid {
            book.settled_by(order, AttemptId(order.0));
        }
        book.write(tx)?;
        Ok(taken)
    })
    .await
}

store::on_both_engines! { SCHEMAS;
    async fn an_order_comes_back_as_it_was_placed(t: TestDb) {
        let placed = Order { cart: Some((CART, 3)), ..order(1) };
        place(&t.db, placed.clone()).await.unwrap();
        let (found, lines, history) = t
            .db
            .read(|read| {
                let found = crate::find(read, id(1))?;
                Ok::<_, Fault>((found, crate::lines(read, id(1))?, crate::history(read, id(1))?))
            })
            .await
            .unwrap();
        let mut found = found.unwrap();
        let address: serde_json::Value = serde_json::from_str(&found.address).unwrap();
        assert_eq!(address["city"], "Łódź");
        found.address.clone_from(&placed.address);
        assert_eq!(found, Order { steps: 1, ..placed });
        assert_eq!(lines, [line(id(1))]);
        assert_eq!((history[0].seq, history[0].from_state.as_str()), (1, "new"));
        let same = t.db.read(|read| {
            let by_number = crate::by_number(read, "AAA-AAA-001")?.map(|order| order.id);
            let of_cart = crate::of_cart_version(read, CART, 3)?.map(|order| order.id);
            let other = crate::of_cart_version(read, CART, 4)?;
            Ok::<_, Fault>((by_number, of_cart, other, crate::find(read, id(2))?))
        });
        assert_eq!(same.await.unwrap(), (Some(id(1)), Some(id(1)), None, None));
    }

    async fn each_step_has_its_history_and_its_event(t: TestDb) {
        place(&t.db, order(1)).await.unwrap();
        let no = NotAllowed { from: State::Pending, to: State::Shipped };
        assert_eq!(step(&t.db, id(1), State::Shipped).await.unwrap(), Err(no));
        for to in [State::Expired, State::Paid, State::Packed] {
            step(&t.db, id(1), to).await.unwrap().unwrap();
        }
        let history = t.db.read(|read| crate::history(read, id(1))).await.unwrap();
        let steps: Vec<_> =
            history.iter().map(|s| (s.seq, s.from_state.as_str(), s.to_state.as_str())).collect();
        assert_eq!(steps, [
            (1, "new", "pending"), (2, "pending", "expired"), (3, "expired", "paid"),
            (4, "paid", "packed"),
        ]);
        assert_eq!((history[1].actor.as_str(), history[1].note.as_deref()), ("clock", Some("why")));
        let now = env().now();
        let due = t.db.read(move |read| store::outbox::due(read, now, 10)).await.unwrap();
        let kinds: Vec<_> = due.iter().map(|event| (event.seq, event.kind.as_str())).collect();
        assert_eq!(kinds, [
            (1, "order.placed"), (2, "order.expired"), (3, "order.paid"), (4, "order.packed"),
        ]);
        let facts: serde_json::Value = serde_json::from_str(&due[2].payload).unwrap();
        assert_eq!(facts, serde_json::json!({
            "order_id": id(1), "number": "AAA-AAA-001", "from": "expired", "state": "paid",
            "total": {"minor": 2390, "currency": "EUR"},
        }));
        let found = t.db.read(|read| crate::find(read, id(1))).await.unwrap().unwrap();
        assert_eq!((found.state, found.steps), (State::Packed, 4));
        assert_eq!(found.settled_by, Some(AttemptId(id(1).0)));
    }

    async fn orders_are_listed_newest_first(t: TestDb) {
        for number in 1..=5 {
            let customer_id = if number == 3 { AccountId(Uuid::from_u128(9)) } else { ADA };
            place(&t.db, Order { customer_id, ..order(number) }).await.unwrap();
        }
        let page = |before, limit| {
            t.db.read(move |read| crate::page_of_customer(read, ADA, before, limit))
        };
        let first = page(None, 3).await.unwrap();
        let ids = |orders: &[Order]| orders.iter().map(|o| o.id.0.as_u128()).collect::<Vec<_>>();
        assert_eq!((ids(&first.orders), first.next), (vec![5, 4, 2], Some(id(2))));
        let second = page(first.next, 3).await.unwrap();
        assert_eq!((ids(&second.orders), second.next), (vec![1], None));
        let all = t.db.read(|read| crate::page_of_all(read, None, 5)).await.unwrap();
        assert_eq!((ids(&all.orders), all.next), (vec![5, 4, 3, 2, 1], None));
    }

    async fn unpaid_orders_are_found_when_their_time_is_over(t: TestDb) {
        let now = env().now();
        place(&t.db, order(1)).await.unwrap();
        place(&t.db, Order { pay_by: Some(now), ..order(2) }).await.unwrap();
        place(&t.db, Order { state: State::CashDue, ..order(3) }).await.unwrap();
        let over = |at| t.db.read(move |read| crate::unpaid_after(read, at, 10));
        assert_eq!(over(now).await.unwrap(), [id(2)]);
        step(&t.db, id(2), State::Paid).await.unwrap().unwrap();
        let later = now + SignedDuration::from_hours(1);
        assert_eq!(over(later).await.unwrap(), [id(1)]);
    }

    async fn the_database_refuses_what_must_not_be(t: TestDb) {
        place(&t.db, Order { cart: Some((CART, 3)), ..order(1) }).await.unwrap();
        let refused = |answer: Result<_, Fault>| match answer {
            Err(Fault::Constraint(name)) => name,
            other => panic!("{other:?}"),
        };
        refused(place(&t.db, order(1)).await.map(|()| 0));
        let number = Order { number: order(1).number, ..order(2) };
        let name = refused(place(&t.db, number).await.map(|()| 0));
        assert!(name.contains("number"), "the lane gives another one then: {name}");
        refused(place(&t.db, Order { cart: Some((CART, 3)), ..order(2) }).await.map(|()| 0));
        let bad = [
            |tx: &mut Tx<'_>| tx.execute(&STRANGE_STATE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&WRONG_TOTAL, &[]),
            |tx: &mut Tx<'_>| tx.execute(&LARGE_DISCOUNT, &[]),
            |tx: &mut Tx<'_>| tx.execute(&NO_DEADLINE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&HALF_A_CART, &[]),
            |tx: &mut Tx<'_>| tx.execute(&NO_STEPS, &[]),
            |tx: &mut Tx<'_>| tx.execute(&EMPTY_LINE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&WRONG_LINE, &[]),
            |tx: &mut Tx<'_>| tx.execute(&LOST_LINE, &[&id(77)]),
        ];
        for (index, bad) in bad.into_iter().enumerate() {
            let answer = t.db.write(bad).await;
            assert!(matches!(answer, Err(Fault::Constraint(_))), "{index}: {answer:?}");
        }
    }

    async fn every_statement_is_taken(t: TestDb) {
        let all = store::testing::prepare_all(&t.db, SCHEMAS).await.unwrap();
        assert!(all > crate::sql::ALL.len());
        assert_eq!(ALL.len(), 9);
    }
}

#[test]
fn the_table_of_steps_is_closed() {
    let words: Vec<&str> = [
        "pending",
        "cash_due",
        "paid",
        "packed",
        "shipped",
        "delivered",
        "expired",
        "cancelled",
        "refunded",
    ]
    .to_vec();
    let states: Vec<State> = words.iter().map(|word| word.parse().unwrap()).collect();
    for (state, word) in states.iter().zip(&words) {
        assert_eq!(state.as_str(), *word);
        for to in &states {
            let allowed = State::steps().contains(&(*state, *to));
            assert_eq!(state.check(*to).is_ok(), allowed, "{state} to {to}");
        }
        assert!(state.check(*state).is_err(), "{state} is no step");
    }
    assert!("lost".parse::<State>().is_err());
    let ends = [State::Refunded];
    assert!(State::steps().iter().all(|(from, _)| !ends.contains(from)));
    let back = |(from, to): &(State, State)| !from.has_sold() && to.has_sold();
    let sells: Vec<_> = State::steps().iter().filter(|step| back(step)).collect();
    assert_eq!(sells, [&(State::Pending, State::Paid), &(State::Expired, State::Paid)]);
}
