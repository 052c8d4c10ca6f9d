//! The statements of orders.

/// The columns of an order, in the order of its struct.
macro_rules! select_order {
    ($rest:literal) => {
        concat!(
            "select id, number, customer_id, cart_id, cart_version, state, payment_method, \
             currency, item_count, merchandise, discount, shipping, tax, total, address, \
             fingerprint, settled_by, claimed_by, pay_by, placed_at, steps from orders ",
            $rest
        )
    };
}

store::sql! {
    query ORDERS {
        select_order!("where id = any($1)")
    }

    query ORDERS_LOCKED {
        select_order!("where id = any($1) order by id for update")
    }

    query ORDER_BY_NUMBER {
        select_order!("where number = $1")
    }

    query ORDER_OF_CART_VERSION {
        select_order!("where cart_id = $1 and cart_version = $2")
    }

    query ORDERS_OF_CUSTOMER {
        select_order!("where customer_id = $1 and id < $2 order by id desc limit $3")
    }

    query ORDERS_OF_ALL {
        select_order!("where id < $1 order by id desc limit $2")
    }

    query ORDERS_UNPAID_AFTER {
        "select id from orders where state = 'pending' and claimed_by is null and pay_by <= $1
         order by pay_by limit $2"
    }

    insert ORDERS_ADD {
        "orders" (
            id uuid, number text, customer_id uuid, cart_id uuid, cart_version bigint, state text,
            payment_method text, currency text, item_count bigint, merchandise bigint,
            discount bigint, shipping bigint, tax bigint, total bigint, address text,
            fingerprint text, settled_by uuid, pay_by timestamptz, placed_at timestamptz,
            steps bigint
        )
    }

    update ORDERS_SET {
        "orders" by (id uuid) set (
            state text, settled_by uuid, claimed_by uuid, pay_by timestamptz, steps bigint
        )
    }

    query LINES {
        "select order_id, position, variant_id, product_id, sku, title, unit_price, quantity,
         line_total, restocked from order_lines where order_id = any($1) order by order_id, position"
    }

    insert LINES_ADD {
        "order_lines" (
            order_id uuid, position bigint, variant_id uuid, product_id uuid, sku text, title text,
            unit_price bigint, quantity bigint, line_total bigint
        )
    }

    update LINES_RESTOCKED {
        "order_lines" by (order_id uuid, position bigint) set (restocked bigint)
    }

    query HISTORY {
        "select order_id, seq, from_state, to_state, actor, note, at from order_history
         where order_id = $1 order by seq"
    }

    insert HISTORY_ADD {
        "order_history" (
            order_id uuid, seq bigint, from_state text, to_state text, actor text, note text,
            at timestamptz
        )
    }

    update ADDRESSES_SET {
        "orders" by (id uuid) set (address text)
    }

    query NOTES_ERASE {
        "update order_history set note = null where order_id = $1 and note is not null"
    }
}
