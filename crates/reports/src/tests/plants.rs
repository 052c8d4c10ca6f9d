//! What must never be, planted, and found.

use std::collections::BTreeSet;

use super::*;

const NOBODY: &str = "uuid '01900000-0000-7000-8000-00000000000a'";

/// An order in a state, as a statement that finds one.
macro_rules! one {
    ($state:literal) => {
        concat!("(select id from orders where state = '", $state, "' order by id limit 1)")
    };
}

/// An order whose payment stands in a gateway's list.
macro_rules! listed {
    () => {
        "(select a.order_id from attempts a
        join statements s on s.reference = a.reference where s.status = 'captured'
        order by a.order_id limit 1)"
    };
}

/// Makes a table what it is without its keys and checks, so that rows may come twice.
macro_rules! unkeyed {
    ($table:literal, $rest:literal) => {
        concat!(
            "create table bare as select * from ",
            $table,
            "; drop table ",
            $table,
            "; alter table bare rename to ",
            $table,
            "; ",
            $rest
        )
    };
}

/// The invariant that must be found broken, and how it is broken. `NOBODY` is an id of nothing.
static PLANTS: &[(&str, &str)] = &[
    ("I01", "update stock set on_hand = -1"),
    ("I01", "update stock set held = on_hand + 1"),
    ("I01", "update stock set sold = -1"),
    ("I02", "update stock set held = held + 1"),
    ("I02", "update holds set quantity = quantity + 1"),
    ("I02", "update holds set variant_id = NOBODY where owner_kind = 'cart'"),
    ("I03", "update stock set on_hand = on_hand + 1"),
    ("I03", "delete from movements where cause = 'received'"),
    ("I03", "update movements set variant_id = NOBODY where cause = 'adjusted'"),
    ("I04", "update stock set sold = sold + 1"),
    ("I04", "update movements set cause = 'received' where cause = 'returned'"),
    ("I04", "update orders set state = 'cancelled' where state = 'delivered'"),
    ("I05", concat!("delete from movements where order_id = ", one!("delivered"))),
    ("I05", concat!("update movements set delta = delta - 1 where order_id = ", one!("paid"))),
    ("I05", concat!("update movements set order_id = NOBODY where order_id = ", one!("paid"))),
    (
        "I05",
        concat!(
            "update order_lines set quantity = quantity + 1 where order_id = ",
            one!("cash_due")
        ),
    ),
    (
        "I06",
        "update holds set expires_at = (select min(placed_at) from orders)
        where owner_kind = 'cart'",
    ),
    ("I07", "update holds set owner_id = NOBODY where owner_kind = 'cart'"),
    ("I07", concat!("update holds set owner_id = NOBODY where owner_id = ", one!("pending"))),
    (
        "I07",
        concat!(
            "update holds set owner_id = ",
            one!("paid"),
            " where owner_id = ",
            one!("pending")
        ),
    ),
    ("I07", "update holds set quantity = quantity + 1 where owner_kind = 'order'"),
    ("I07", "update cart_lines set quantity = quantity - 1"),
    ("I07", "delete from holds where owner_kind = 'order'"),
    ("I07", "update holds set quantity = 0 where owner_kind = 'cart'"),
    ("I08", "update order_lines set quantity = 0 where position = 2"),
    ("I08", "update order_lines set unit_price = -1, line_total = -quantity where position = 2"),
    ("I08", "update order_lines set line_total = line_total + 1 where position = 2"),
    ("I08", "update order_lines set unit_price = 9000000000000000000, quantity = 9"),
    ("I08", "update order_lines set order_id = NOBODY where position = 2"),
    ("I08", "update cart_lines set quantity = 0"),
    ("I08", "update cart_lines set cart_id = NOBODY"),
    ("I09", "update orders set total = total + 1 where state = 'expired'"),
    ("I09", "update orders set merchandise = merchandise + 1, total = total + 1"),
    ("I09", "update orders set item_count = item_count + 1 where state = 'paid'"),
    ("I09", "update orders set discount = merchandise + 1, total = shipping - 1"),
    ("I09", "update orders set discount = -1, total = total + 1 where state = 'paid'"),
    ("I09", "update orders set shipping = -1, total = total - shipping - 1"),
    ("I09", "update orders set tax = -1, total = total - 1 where state = 'paid'"),
    ("I09", "delete from order_lines where position = 1"),
    ("I10", "drop index order_number; update orders set number = 'AAA-AAA-AAA'"),
    (
        "I11",
        "drop index order_of_cart_version; update orders set cart_version = 1, cart_id =
        (select cart_id from orders where cart_id is not null order by id limit 1)",
    ),
    ("I12", "update orders set settled_by = null where state = 'delivered'"),
    ("I12", "update orders set settled_by = null where state = 'refunded'"),
    ("I12", concat!("update orders set settled_by = NOBODY where id = ", one!("paid"))),
    ("I12", "update attempts set amount = amount + 1 where state = 'captured'"),
    ("I12", "update attempts set pays = pays + 1 where state = 'captured'"),
    ("I12", "update attempts set pays_currency = 'USD' where state = 'captured'"),
    ("I12", "update attempts set state = 'canceled' where state = 'captured' and not orphan"),
    ("I12", "update attempts set orphan = true where state = 'captured'"),
    ("I12", "update attempts set review = 'odd' where state = 'captured'"),
    (
        "I12",
        "update attempts set order_id = NOBODY where id in
        (select settled_by from orders where state = 'packed')",
    ),
    (
        "I12",
        "insert into refunds (id, attempt_id, order_id, amount, currency, worth, reason, state,
        origin, created_at, updated_at) select NOBODY, a.id, o.id, o.total, o.currency, o.total,
        'by mistake', 'succeeded', 'staff', o.placed_at, o.placed_at from orders o
        join attempts a on a.id = o.settled_by where o.state = 'delivered' limit 1",
    ),
    ("I12", "update refunds set state = 'sent' where state = 'succeeded'"),
    ("I12", "update refunds set amount = amount + 1 where state = 'succeeded'"),
    ("I12", "update attempts set captured = captured - 1 where state = 'captured'"),
    ("I12", "drop index if exists attempt_settling; update attempts set state = 'capturing'"),
    ("I12", concat!("update orders set settled_by = NOBODY where id = ", one!("pending"))),
    (
        "I12",
        "drop index if exists attempt_settling; update attempts set orphan = false where orphan",
    ),
    ("I13", "delete from refunds where attempt_id in (select id from attempts where orphan)"),
    (
        "I13",
        "delete from refunds where order_id in
        (select id from orders where state = 'cancelled')",
    ),
    ("I13", "update refunds set state = 'failed'"),
    ("I13", "update refunds set amount = amount - 1"),
    ("I13", concat!("update attempts set order_id = NOBODY where order_id = ", one!("paid"))),
    ("I13", concat!("update orders set state = 'expired' where id = ", one!("paid"))),
    ("I13", "update orders set settled_by = null where state = 'shipped'"),
    ("I14", "update refunds set amount = amount + 1"),
    ("I14", "update refunds set amount = 0"),
    ("I14", "update refunds set worth = worth + 1"),
    ("I14", "update refunds set worth = -1"),
    ("I14", "update attempts set worth_back = worth_back + 1 where captured > 0"),
    ("I14", "update refunds set currency = 'USD'"),
    ("I14", "update refunds set attempt_id = NOBODY"),
    ("I14", "update refunds set order_id = NOBODY"),
    ("I14", "update attempts set state = 'canceled', orphan = false where orphan"),
    ("I14", "update attempts set reserved = reserved + 1 where reserved > 0"),
    ("I14", "update attempts set refunded = refunded - 1 where refunded > 0"),
    ("I14", "update refund_lines set quantity = 99"),
    ("I15", "update ledger set amount = amount + 1 where line = 1"),
    ("I15", "delete from ledger where line = 2"),
    ("I15", "update ledger set currency = 'USD' where line = 1"),
    ("I16", "delete from ledger where kind = 'captured'"),
    ("I16", "delete from ledger where kind = 'refunded'"),
    ("I16", "delete from ledger where kind = 'refund_reserved'"),
    ("I16", "update ledger set account = 'gateway:other' where account like 'gateway:%'"),
    ("I16", "update ledger set currency = 'USD' where account = 'exchange' and currency = 'RUB'"),
    ("I16", "update ledger set currency = 'USD' where account = 'exchange' and currency = 'EUR'"),
    ("I16", "delete from ledger where account in ('exchange', 'sales')"),
    ("I16", "update attempts set captured = captured + 1 where state = 'captured'"),
    ("I17", "update notices set due_at = received_at where handled_at is null"),
    ("I17", "update notices set due_at = null where handled_at is null"),
    ("I17", "update notices set effect = null"),
    ("I17", "update notices set due_at = received_at where handled_at is not null"),
    ("I17", "drop index notice_once; update notices set dedupe_key = 'twice'"),
    (
        "I18",
        "drop index attempt_by_reference;
        update attempts set reference = 'twice' where reference is not null",
    ),
    (
        "I20",
        concat!(
            "update holds set owner_id = ",
            one!("cancelled"),
            " where owner_id = ",
            one!("pending")
        ),
    ),
    ("I20", "delete from movements where cause = 'returned'"),
    ("I20", concat!("update orders set state = 'expired' where id = ", one!("cash_due"))),
    ("I21", "update order_history set to_state = 'shipped' where seq = 1"),
    ("I21", "update order_history set from_state = 'delivered' where seq = 2"),
    ("I21", concat!("update orders set state = 'packed' where id = ", one!("paid"))),
    ("I21", concat!("update orders set steps = steps - 1 where id = ", one!("delivered"))),
    ("I21", "update order_history set from_state = 'new' where seq = 2 and to_state = 'paid'"),
    (
        "I21",
        "update order_history set from_state = 'cash_due'
        where from_state = 'paid' and to_state = 'packed'",
    ),
    ("I22", "delete from outbox where seq = 2"),
    (
        "I22",
        concat!(
            "update outbox set aggregate = NOBODY where kind = 'order.delivered' and aggregate = ",
            one!("delivered")
        ),
    ),
    (
        "I22",
        concat!(
            "insert into outbox (aggregate, seq, kind, payload, created_at, due_at, delivered_at)
        select id, steps + 1, 'order.lost', '{}', placed_at, placed_at, placed_at from orders
        where id = ",
            one!("paid")
        ),
    ),
    ("I22", "delete from order_history where seq = 2"),
    ("I23", "update outbox set delivered_at = null where dead_reason is null"),
    ("I24", "update handled set aggregate = NOBODY"),
    ("I24", "update handled set seq = 99"),
    ("I24", "update outbox set dead_reason = 'both' where delivered_at is not null"),
    ("I24", unkeyed!("handled", "update handled set consumer = 'mail'")),
    ("I25", "update idempotency set fingerprint = ''"),
    ("I25", "update idempotency set body = ''"),
    ("I25", "update orders set fingerprint = ''"),
    ("I25", unkeyed!("idempotency", "update idempotency set key = 'k', route = 'r'")),
    ("I30", "delete from order_history where seq = 1"),
    ("I30", "delete from order_history"),
    ("I30", "update orders set steps = steps + 1"),
    ("I30", concat!("update order_history set order_id = NOBODY where order_id = ", one!("paid"))),
    ("I31", "delete from attempt_history where seq = 1"),
    ("I31", "update attempts set observations = observations + 1"),
    (
        "I31",
        "update attempt_history set attempt_id = NOBODY where attempt_id =
        (select attempt_id from attempt_history where seq = 2 order by attempt_id limit 1)",
    ),
    ("I32", "update orders set pay_by = null where state = 'pending'"),
    (
        "I32",
        "update orders set pay_by = (select min(placed_at) from orders) where state = 'pending'",
    ),
    ("I33", "update order_lines set product_id = NOBODY"),
    ("I33", "update stock set product_id = NOBODY where sold > 0"),
    ("I33", "update stock set sold = sold + 1"),
    ("I34", "update orders set claimed_by = null"),
    ("I34", concat!("update orders set claimed_by = NOBODY where id = ", one!("pending"))),
    ("I34", "update attempts set state = 'voiding' where state = 'capturing'"),
    ("I35", "update attempts set poll_at = null"),
    ("I35", "update refunds set due_at = null"),
    ("I36", "update attempts set amount = amount + 1 where rate is not null"),
    ("I36", "update attempts set pays = pays - 1 where rate is not null"),
    ("I36", "update attempts set rate = rate + 10000000 where rate is not null"),
    ("I36", "update attempts set rate = null where rate is not null"),
    ("I36", "update attempts set rate = 100000000 where rate is null"),
    ("I36", "update attempts set currency = 'JPY' where rate is not null"),
    ("I36", "update attempts set pays = pays + 1 where rate is null"),
    ("I37", "update audit set outcome = 'failed' where seq = 2"),
    ("I37", "update audit set actor = NOBODY where seq = 2"),
    ("I37", "update audit set facts = '{}' where seq = 2"),
    ("I37", "update audit set at = (select min(placed_at) from orders) where seq = 3"),
    ("I37", "delete from audit where seq = 1"),
    ("I37", "delete from audit where seq = 2"),
    ("I37", "delete from audit where seq = (select max(seq) from audit)"),
    ("I37", "delete from audit"),
    ("I37", "update audit_head set hash = ''"),
    ("I37", "delete from audit_head"),
    (
        "I37",
        "insert into audit select seq + 1, at, operation, stage, actor, api_key, action, object,
        outcome, facts, hash, 'made up' from audit where seq = (select max(seq) from audit)",
    ),
    ("X2", "update statements set reference = 'not-' || reference"),
    ("X2", "update statements set captured = captured + 1 where status = 'captured'"),
    ("X2", concat!("update orders set settled_by = null where id = ", listed!())),
    ("X3", "update statements set status = 'canceled' where status = 'captured'"),
    ("X3", "update statements set refunded = refunded + 1 where status = 'captured'"),
    ("X3", "update statements set currency = 'USD' where status = 'captured'"),
    (
        "X4",
        "update attempts set order_id = (select b.order_id from attempts b
        join statements s on s.reference = b.reference order by b.order_id limit 1)
        where exists (select 1 from statements s where s.reference = attempts.reference)",
    ),
];

#[test]
fn every_invariant_is_planted_against() {
    let planted: BTreeSet<&str> = PLANTS.iter().map(|(invariant, _)| *invariant).collect();
    let all: BTreeSet<&str> =
        crate::invariants::ALL.iter().filter_map(|it| it.name.split('_').next()).collect();
    assert_eq!(planted, all);
}

store::on_both_engines! { SCHEMAS;
    async fn what_is_planted_is_found(t: TestDb) {
        let life = Life::of(&t.db).await;
        t.keep().await.unwrap();
        let mut missed = Vec::new();
        for (invariant, plant) in PLANTS {
            if let Err(fault) = t.raw(&plant.replace("NOBODY", NOBODY)).await {
                missed.push(format!("{invariant}: {plant}: {fault}"));
                t.restore().await.unwrap();
                continue;
            }
            let report = verify(&t.db, life.now, GRACE).await.expect(plant);
            let found = report.invariants.iter().find(|it| it.name.starts_with(invariant)).unwrap();
            if found.violations == 0 || found.rows.is_empty() {
                missed.push(format!("{invariant}: {plant}"));
            }
            t.restore().await.unwrap();
        }
        assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
        let report = verify(&t.db, life.now, GRACE).await.unwrap();
        assert_eq!(report.violations, 0, "everything was put back: {report}");
    }
}
