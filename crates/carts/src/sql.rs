//! The statements of carts and their lines.

store::sql! {
    query CART_OF_ACCOUNT {
        "select id, account_id, version from carts where account_id = $1"
    }

    query CART_OF_TOKEN {
        "select id, account_id, version from carts where token_hash = $1"
    }

    query CART_ADD {
        "insert into carts (id, account_id, token_hash, created_at) values ($1, $2, $3, $4)
         on conflict do nothing"
    }

    query CARTS {
        "select id, account_id, version from carts where id = any($1)"
    }

    query CARTS_LOCKED {
        "select id, account_id, version from carts where id = any($1) order by id for update"
    }

    query LINES {
        "select cart_id, variant_id, quantity, selected, added_at from cart_lines
         where cart_id = any($1) order by cart_id, added_at, variant_id"
    }

    update CARTS_SET {
        "carts" by (id uuid) set (version bigint)
    }

    insert LINES_ADD {
        "cart_lines" (
            cart_id uuid, variant_id uuid, quantity bigint, selected boolean, added_at timestamptz
        )
    }

    delete LINES_REMOVE {
        "cart_lines" by (cart_id uuid, variant_id uuid)
    }
}
