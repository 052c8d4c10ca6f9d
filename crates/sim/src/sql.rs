//! What the witnesses look up in the shop's tables at the end of a life. Read only.

store::sql! {
    query ORDERS {
        "select id, state, total, currency, settled_by, number, payment_method from orders order by id"
    }

    query ATTEMPTS {
        "select id, order_id, state, review, orphan, reference, refunded from attempts order by id"
    }

    query REFUNDS_OPEN {
        "select id from refunds where state <> 'succeeded' order by id"
    }

    query NOTICES {
        "select dedupe_key, body from notices order by dedupe_key"
    }

    query NOTICES_WAITING {
        "select id from notices where handled_at is null order by id"
    }

    query HOLDS {
        "select owner_id, variant_id, quantity, extensions from holds order by owner_id, variant_id"
    }

    query STOCK {
        "select variant_id, on_hand, sold from stock order by variant_id"
    }

    query EVENTS {
        "select aggregate, seq from outbox order by aggregate, seq"
    }

    query PAID_FOR {
        "select o.id, count(*) from orders o join order_history h on h.order_id = o.id
         where h.to_state = 'paid' group by o.id having count(*) > 1"
    }
}
