//! The invariants as statements: each finds the rows that break one, and nothing else.
//!
//! A statement answers the first few places that are wrong and how many there are in all; one that
//! looks at time takes the instant before which something should have happened. Each walks its
//! tables once, by a key or an index, or groups them once: O(n log n) in the rows.

store::sql! {
    query NO_NEGATIVE_STOCK {
        places!(
            "select variant_id as place from stock
             where on_hand < 0 or held < 0 or sold < 0 or held > on_hand"
        )
    }

    query HELD_EQUALS_LIVE_HOLDS {
        places!(
            "select s.variant_id as place from stock s
             left join (select variant_id, sum(quantity) as units from holds group by variant_id) h
                 on h.variant_id = s.variant_id
             where s.held <> coalesce(h.units, 0)
             union
             select h.variant_id from holds h
             where not exists (select 1 from stock s where s.variant_id = h.variant_id)"
        )
    }

    query ON_HAND_EQUALS_MOVEMENTS {
        places!(
            "select s.variant_id as place from stock s
             left join (select variant_id, sum(delta) as units from movements group by variant_id) m
                 on m.variant_id = s.variant_id
             where s.on_hand <> coalesce(m.units, 0)
             union
             select m.variant_id from movements m
             where not exists (select 1 from stock s where s.variant_id = m.variant_id)"
        )
    }

    query SOLD_EQUALS_COMMITTED_LINES {
        places!(
            "select s.variant_id as place from stock s
             left join (
                 select l.variant_id, sum(l.quantity - l.restocked) as units from order_lines l
                 join orders o on o.id = l.order_id and o.state in ", sold!(),
            "    group by l.variant_id
             ) l on l.variant_id = s.variant_id
             where s.sold <> coalesce(l.units, 0)
             union
             select s.variant_id from stock s
             left join (
                 select variant_id, sum(delta) as units from movements
                 where cause in ('received', 'adjusted') group by variant_id
             ) m on m.variant_id = s.variant_id
             where s.on_hand + s.sold <> coalesce(m.units, 0)"
        )
    }

    query PRODUCT_SOLD_EQUALS_COMMITTED_LINES {
        places!(
            "select s.product_id as place from (
                 select product_id, sum(sold) as units from stock group by product_id
             ) s
             left join (
                 select l.product_id, sum(l.quantity - l.restocked) as units from order_lines l
                 join orders o on o.id = l.order_id and o.state in ", sold!(),
            "    group by l.product_id
             ) l on l.product_id = s.product_id
             where s.units <> coalesce(l.units, 0)"
        )
    }

    query SALE_MOVEMENTS_EQUAL_LINES {
        places!(
            "select l.order_id as place from (
                 select order_id, variant_id, sum(quantity - restocked) as units from order_lines
                 group by order_id, variant_id
             ) l
             join orders o on o.id = l.order_id and o.state in ", sold!(),
            "left join (
                 select order_id, variant_id, -sum(delta) as units from movements
                 where order_id is not null group by order_id, variant_id
             ) m on m.order_id = l.order_id and m.variant_id = l.variant_id
             where l.units <> coalesce(m.units, 0)
             union
             select m.order_id from movements m
             where m.order_id is not null and not exists (
                 select 1 from order_lines l
                 where l.order_id = m.order_id and l.variant_id = m.variant_id
             )"
        )
    }

    query NO_STALE_CART_HOLD {
        places!(
            "select owner_id as place from holds where owner_kind = 'cart' and expires_at < $1"
        )
    }

    query HOLD_BELONGS {
        places!(
            "select h.owner_id as place from holds h
             where h.owner_kind = 'order' and not exists (
                 select 1 from orders o where o.id = h.owner_id and o.state = 'pending'
             )
             union
             select h.owner_id from holds h
             where h.owner_kind = 'order' and h.quantity <> (
                 select coalesce(sum(l.quantity), 0) from order_lines l
                 where l.order_id = h.owner_id and l.variant_id = h.variant_id
             )
             union
             select o.id from orders o
             join order_lines l on l.order_id = o.id
             where o.state = 'pending' and not exists (
                 select 1 from holds h
                 where h.owner_id = o.id and h.variant_id = l.variant_id
                     and h.owner_kind = 'order'
             )
             union
             select h.owner_id from holds h
             where h.owner_kind = 'cart' and not exists (
                 select 1 from cart_lines c
                 where c.cart_id = h.owner_id and c.variant_id = h.variant_id
                     and c.quantity >= h.quantity
             )
             union
             select owner_id from holds where quantity <= 0"
        )
    }

    query NO_BAD_LINE {
        places!(
            "select order_id as place from order_lines
             where quantity <= 0 or unit_price < 0
                 or line_total <> cast(unit_price as numeric) * quantity
             union
             select l.order_id from order_lines l
             where not exists (select 1 from orders o where o.id = l.order_id)
             union
             select cart_id from cart_lines where quantity <= 0
             union
             select l.cart_id from cart_lines l
             where not exists (select 1 from carts c where c.id = l.cart_id)"
        )
    }

    query ORDER_ARITHMETIC {
        places!(
            "select o.id as place from orders o
             left join (
                 select order_id, sum(line_total) as money, sum(quantity) as units
                 from order_lines group by order_id
             ) l on l.order_id = o.id
             where l.order_id is null or o.merchandise <> l.money or o.item_count <> l.units
                 or o.total <> cast(o.merchandise as numeric) - o.discount + o.shipping + o.tax
                 or o.total < 0 or o.discount < 0 or o.discount > o.merchandise
                 or o.shipping < 0 or o.tax < 0"
        )
    }

    query ORDER_NUMBER_UNIQUE {
        places!(
            "select coalesce(number, 'none') as place from orders
             group by number having count(*) > 1 or number is null"
        )
    }

    query ONE_ORDER_PER_CART_VERSION {
        places!(
            "select cart_id as place from orders where cart_id is not null
             group by cart_id, cart_version having count(*) > 1"
        )
    }

    query PAID_ORDER_HAS_EXACTLY_ONE_EXACT_PAYMENT {
        places!(
            "select o.id as place from orders o
             left join attempts a on a.id = o.settled_by
             where o.payment_method <> 'cash_on_delivery' and o.total > 0
                 and o.state in ('paid', 'packed', 'shipped', 'delivered', 'refunded')
                 and (a.id is null or a.order_id <> o.id or a.state <> 'captured' or a.orphan
                     or a.review is not null or a.pays <> o.total
                     or a.pays_currency <> o.currency or a.captured <> a.amount)
             union
             select o.id from orders o
             join attempts a on a.id = o.settled_by
             join refunds r on r.attempt_id = a.id and r.state = 'succeeded'
             where o.state in ('paid', 'packed', 'shipped', 'delivered')
             group by o.id, o.total, a.captured
             having sum(r.worth) >= o.total or sum(r.amount) >= a.captured
             union
             select o.id from orders o
             left join attempts a on a.id = o.settled_by
             left join refunds r on r.attempt_id = a.id and r.state = 'succeeded'
             where o.state = 'refunded'
             group by o.id, o.total, a.captured
             having coalesce(sum(r.worth), 0) <> o.total
                 or coalesce(sum(r.amount), 0) is distinct from a.captured and o.total > 0
             union
             select id from orders
             where settled_by is not null and state in ('pending', 'expired', 'cash_due')
             union
             select order_id from attempts
             where state in ('capturing', 'captured') and not orphan and review is null
             group by order_id having count(*) > 1"
        )
    }

    query NO_ORPHAN_MONEY {
        places!(
            "select a.id as place from attempts a
             left join orders o on o.id = a.order_id
             where a.state = 'captured'
                 and (a.orphan or o.id is null or o.settled_by is distinct from a.id
                     or o.state in ('pending', 'expired', 'cancelled', 'refunded'))
                 and a.captured > (select coalesce(sum(r.amount), 0) from refunds r
                     where r.attempt_id = a.id and r.state <> 'failed')"
        )
    }

    query REFUNDS_WITHIN_CAPTURED {
        places!(
            "select r.attempt_id as place from refunds r
             left join attempts a on a.id = r.attempt_id
             where r.state <> 'failed'
             group by r.attempt_id, a.captured, a.pays, a.currency, a.state
             having sum(r.amount) > coalesce(a.captured, 0) or min(r.amount) <= 0
                 or sum(r.worth) > coalesce(a.pays, 0) or min(r.worth) < 0
                 or (sum(r.amount) = a.captured) <> (sum(r.worth) = a.pays)
                 or a.state is distinct from 'captured'
                 or min(r.currency) <> a.currency or max(r.currency) <> a.currency
             union
             select r.attempt_id from refunds r
             join attempts a on a.id = r.attempt_id where a.order_id <> r.order_id
             union
             select a.id from attempts a
             left join (
                 select attempt_id, sum(amount) filter (where state = 'succeeded') as refunded,
                     sum(amount) filter (where state in ('reserved', 'sent', 'pending')) as reserved,
                     sum(worth) filter (where state <> 'failed') as worth
                 from refunds group by attempt_id
             ) r on r.attempt_id = a.id
             where a.reserved <> coalesce(r.reserved, 0) or a.refunded <> coalesce(r.refunded, 0)
                 or a.worth_back <> coalesce(r.worth, 0)
             union
             select o.order_id from order_lines o
             join (
                 select r.order_id, l.position, sum(l.quantity) as units from refund_lines l
                 join refunds r on r.id = l.refund_id and r.state <> 'failed'
                 group by r.order_id, l.position
             ) back on back.order_id = o.order_id and back.position = o.position
             where back.units > o.quantity"
        )
    }

    query LEDGER_BALANCES {
        places!(
            "select txn as place from ledger
             group by txn, currency having sum(amount) <> 0 or count(*) < 2
             union
             select txn from ledger group by txn having max(line) <> count(*)"
        )
    }

    query LEDGER_EQUALS_CAPTURED_MINUS_REFUNDED {
        places!(
            "select t.account || ' ' || t.currency as place from (
                 select 'gateway:' || gateway as account, currency, captured - refunded as amount
                 from attempts
                 union all
                 select 'customer', currency,
                     case when orphan then captured - refunded else reserved end from attempts
                 union all
                 select 'exchange', currency, reserved + refunded - captured from attempts
                 where rate is not null and not orphan
                 union all
                 select 'exchange', pays_currency, pays - worth_back from attempts
                 where rate is not null and not orphan and captured > 0
                 union all
                 select account, currency, case account when 'customer' then amount else -amount end
                 from ledger where account in ('customer', 'exchange')
                     or account like 'gateway:%' and kind <> 'fee'
             ) t
             group by t.account, t.currency having sum(t.amount) <> 0"
        )
    }

    query A_RATE_IS_KEPT {
        // Half a coin is what rounding takes or gives; a little more, as SQLite counts large
        // numbers in floats.
        places!(
            "select id as place from attempts
             where (rate is null) <> (currency = pays_currency) or rate is null and amount <> pays
                 or rate is not null and abs(
                     cast(amount as numeric) * 100000000 * (", coins!("pays_currency"), ")
                     - cast(pays as numeric) * rate * (", coins!("currency"), ")
                 ) * 1000 > cast(501 as numeric) * 100000000 * (", coins!("pays_currency"), ")"
        )
    }

    query INBOX_UNIQUE_AND_HANDLED {
        places!(
            "select n.id as place from notices n
             join (
                 select gateway, dedupe_key from notices
                 group by gateway, dedupe_key having count(*) > 1
             ) twice on twice.gateway = n.gateway and twice.dedupe_key = n.dedupe_key
             union
             select id from notices
             where handled_at is null and (due_at is null or due_at < $1)
             union
             select id from notices
             where handled_at is not null and (effect is null or due_at is not null)"
        )
    }

    query PROVIDER_REF_UNIQUE {
        places!(
            "select a.id as place from attempts a
             join (
                 select gateway, reference from attempts where reference is not null
                 group by gateway, reference having count(*) > 1
             ) twice on twice.gateway = a.gateway and twice.reference = a.reference"
        )
    }

    query ATTEMPT_HISTORY_GAPLESS {
        places!(
            "select a.id as place from attempts a
             left join (select attempt_id, count(*) as n, min(seq) as first, max(seq) as last
                 from attempt_history group by attempt_id) h on h.attempt_id = a.id
             where a.observations <> coalesce(h.n, 0) or h.first <> 1 or h.last <> h.n
             union
             select h.attempt_id from attempt_history h
             where not exists (select 1 from attempts a where a.id = h.attempt_id)"
        )
    }

    query DEAD_ORDER_KEEPS_NOTHING {
        places!(
            "select o.id as place from holds h
             join orders o on o.id = h.owner_id
             where o.state in ('expired', 'cancelled', 'refunded')
             union
             select o.id from (
                 select order_id, variant_id from movements where order_id is not null
                 group by order_id, variant_id having sum(delta) <> 0
             ) m
             join orders o on o.id = m.order_id
             where o.state not in ", sold!()
        )
    }

    query EVERY_TRANSITION_LEGAL_AND_LAST_MATCHES {
        places!(
            "select order_id as place from order_history
             where from_state || '>' || to_state not in (", legal!(), ")
                 or (from_state = 'new') <> (seq = 1)
             union
             select o.id from orders o
             left join order_history h on h.order_id = o.id and h.seq = o.steps
             where h.order_id is null or h.to_state <> o.state
             union
             select a.order_id from order_history a
             join order_history b on b.order_id = a.order_id and b.seq = a.seq + 1
             where a.to_state <> b.from_state"
        )
    }

    query HISTORY_GAPLESS_AND_COUNTED {
        places!(
            "select o.id as place from orders o
             left join (select order_id, count(*) as n, min(seq) as first, max(seq) as last
                 from order_history group by order_id) h on h.order_id = o.id
             where h.order_id is null or h.n <> o.steps or h.first <> 1 or h.last <> h.n
             union
             select h.order_id from order_history h
             where not exists (select 1 from orders o where o.id = h.order_id)"
        )
    }

    query ONE_EVENT_PER_STEP_GAPLESS {
        places!(
            "select h.order_id as place from order_history h
             where not exists (
                 select 1 from outbox e where e.aggregate = h.order_id and e.seq = h.seq
             )
             union
             select e.aggregate from outbox e
             where e.kind like 'order.%' and not exists (
                 select 1 from order_history h where h.order_id = e.aggregate and h.seq = e.seq
             )
             union
             select aggregate from outbox
             group by aggregate having min(seq) <> 1 or max(seq) <> count(*)"
        )
    }

    query OUTBOX_DRAINED {
        places!(
            "select aggregate as place from outbox
             where delivered_at is null and dead_reason is null and due_at < $1"
        )
    }

    query HANDLED_CONSISTENT {
        places!(
            "select h.aggregate as place from handled h
             where not exists (
                 select 1 from outbox e where e.aggregate = h.aggregate and e.seq = h.seq
             )
             union
             select aggregate from handled
             group by aggregate, seq, consumer having count(*) > 1
             union
             select aggregate from outbox where delivered_at is not null and dead_reason is not null"
        )
    }

    query IDEMPOTENCY_SOUND {
        places!(
            "select key as place from idempotency
             group by scope, route, key having count(*) > 1
             union
             select key from idempotency where fingerprint = '' or body = ''
             union
             select number from orders where fingerprint = ''"
        )
    }

    query NO_UNPAID_ORDER_PAST_ITS_TIME {
        places!(
            "select id as place from orders
             where state = 'pending' and claimed_by is null and (pay_by is null or pay_by < $1)"
        )
    }

    query A_CLAIM_IS_BEING_CAPTURED {
        places!(
            "select o.id as place from orders o
             left join attempts a on a.id = o.claimed_by
             where o.claimed_by is not null
                 and (a.id is null or a.order_id <> o.id or a.state <> 'capturing')
             union
             select a.order_id from attempts a
             where a.state = 'capturing' and not exists (
                 select 1 from orders o where o.id = a.order_id and o.claimed_by = a.id
             )"
        )
    }

    query NO_PAYMENT_IS_FORGOTTEN {
        places!(
            "select id as place from attempts
             where state not in ('captured', 'canceled') and review is null and poll_at is null
             union
             select id from refunds where state in ('reserved', 'sent', 'pending') and due_at is null"
        )
    }

    query GATEWAY_SUCCESS_HAS_PAID_ORDER_OR_REFUND {
        places!(
            "select s.reference as place from statements s
             left join attempts a on a.gateway = s.gateway and a.reference = s.reference
             left join orders o on o.settled_by = a.id
                 and o.state in ('paid', 'packed', 'shipped', 'delivered')
             where s.status = 'captured' and s.captured > s.refunded and s.seen_at < $1
                 and (a.id is null or a.captured <> s.captured or a.currency <> s.currency
                     or o.id is null and a.captured > a.refunded + a.reserved)"
        )
    }

    query OUR_SETTLED_IS_GATEWAY_SUCCEEDED {
        places!(
            "select a.id as place from attempts a join statements s
                 on s.gateway = a.gateway and s.reference = a.reference
             where a.state = 'captured' and s.seen_at >= a.updated_at and (s.status <> 'captured'
                 or s.captured <> a.captured or s.currency <> a.currency
                 or s.refunded + (select coalesce(sum(r.amount), 0) from refunds r, disputes d
                     where r.attempt_id = a.id and d.attempt_id = a.id and d.reference = r.reference
                         and d.state = 'lost') not between a.refunded and a.refunded + a.reserved)"
        )
    }

    query ONE_GATEWAY_CHARGE_PER_ORDER {
        places!(
            "select a.order_id as place from statements s
             join attempts a on a.gateway = s.gateway and a.reference = s.reference
             where s.status = 'captured' and s.captured > s.refunded and s.seen_at < $1
                 and (a.captured = 0 or a.captured > a.refunded + a.reserved)
             group by a.order_id having count(*) > 1"
        )
    }

    query AUDIT_LINES {
        "select a.seq, a.at, a.operation, a.stage, a.actor, a.api_key, a.action, a.object,
         a.outcome, a.facts, a.previous, a.hash, h.seq, h.hash from audit_head h
         left join audit a on a.seq > $1 order by a.seq limit 1000"
    }
}
