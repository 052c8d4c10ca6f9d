//! The statements of stock, holds and movements.

store::sql! {
    query STOCK_LOCKED {
        "select variant_id, product_id, on_hand, held, sold from stock
         where variant_id = any($1) order by variant_id for update"
    }

    query STOCK {
        "select variant_id, product_id, on_hand, held, sold from stock where variant_id = any($1)"
    }

    query STOCK_OF_PRODUCTS {
        "select variant_id, product_id, on_hand, held, sold from stock where product_id = any($1)"
    }

    query STOCK_ADD {
        "insert into stock (variant_id, product_id, on_hand) values ($1, $2, $3)"
    }

    update STOCK_SET {
        "stock" by (variant_id uuid) set (on_hand bigint, held bigint, sold bigint)
    }

    query HOLDS {
        "select owner_id, variant_id, owner_kind, quantity, expires_at, extensions from holds
         where owner_id = any($1) order by owner_id, variant_id"
    }

    query HOLDS_ENDED {
        "select owner_id, variant_id from holds
         where owner_kind = 'cart' and expires_at <= $1 order by expires_at limit $2"
    }

    insert HOLDS_ADD {
        "holds" (
            owner_id uuid, variant_id uuid, owner_kind text, quantity bigint,
            expires_at timestamptz, extensions bigint
        )
    }

    delete HOLDS_REMOVE {
        "holds" by (owner_id uuid, variant_id uuid)
    }

    insert MOVEMENTS_ADD {
        "movements" (
            variant_id uuid, id uuid, delta bigint, cause text, order_id uuid, reason text,
            actor uuid, created_at timestamptz
        )
    }

    query MOVEMENTS_OF {
        "select variant_id, id, delta, cause, order_id, reason, actor, created_at from movements
         where variant_id = $1 order by id desc limit $2"
    }
}
