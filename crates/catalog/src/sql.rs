//! Every statement on the catalogue's tables, but for the lists that `list` builds.

store::sql! {
    query CATEGORY_ADD {
        "insert into categories (id, parent_id, slug, title, position) values ($1, $2, $3, $4, $5)
         on conflict (slug) do nothing"
    }

    query CATEGORY_BY_ID {
        "select id, parent_id, slug, title, position from categories where id = $1"
    }

    query CATEGORY_BY_SLUG {
        "select id, parent_id, slug, title, position from categories where slug = $1"
    }

    query CATEGORIES {
        "select id, parent_id, slug, title, position from categories order by position, title, id"
    }

    /// The category and all above it.
    query CATEGORY_PATH {
        "with recursive path (id, parent_id) as (
            select id, parent_id from categories where id = $1
            union all
            select c.id, c.parent_id from categories c join path on c.id = path.parent_id
         )
         select id from path"
    }

    query PRODUCT_ADD {
        "insert into products
            (id, slug, title, category_id, status, created_at, variant_count, cover, description)
         values ($1, $2, $3, $4, $5, $6, 0, $7, $8)
         on conflict (slug) do nothing"
    }

    query PRODUCT_BY_ID {
        "select id, slug, title, category_id, status, created_at, price_minor, currency,
            variant_count, cover, description
         from products where id = $1"
    }

    query PRODUCT_BY_SLUG {
        "select id, slug, title, category_id, status, created_at, price_minor, currency,
            variant_count, cover, description
         from products where slug = $1"
    }

    query PRODUCT_TO_SHELVE {
        "select title, category_id, status from products where id = $1 for update"
    }

    query PRODUCT_SHELVED {
        "update products set price_minor = $2, currency = $3, variant_count = $4 where id = $1"
    }

    query PRODUCT_STATUS {
        "update products set status = $2 where id = $1"
    }

    query PRODUCT_COVER {
        "update products set cover = $2 where id = $1"
    }

    query VARIANT_ADD {
        "insert into variants
            (id, product_id, sku, title, price_minor, currency, offered, active, position,
             list_price_minor, options)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (sku) do nothing"
    }

    query VARIANT {
        "select id, product_id, sku, title, options, price_minor, list_price_minor, currency,
            active, offered, position
         from variants where id = $1"
    }

    query VARIANTS_OF_PRODUCT {
        "select id, product_id, sku, title, options, price_minor, list_price_minor, currency,
            active, offered, position
         from variants where product_id = $1 order by position"
    }

    query VARIANT_IDS {
        "select product_id, id from variants where product_id = any($1) and offered"
    }

    query VARIANT_PRICE {
        "update variants set price_minor = $2, list_price_minor = $3 where id = $1"
    }

    query VARIANT_ACTIVE {
        "update variants set active = $2 where id = $1"
    }

    query VARIANTS_OFFERED {
        "update variants set offered = (active and $2) where product_id = $1"
    }

    query OFFERS {
        "select id, product_id, sku, title, price_minor, currency, offered
         from variants where id = any($1)"
    }

    insert IMAGES_ADD {
        "images" (
            product_id uuid, position bigint, id uuid, path text, alt text, width bigint,
            height bigint
        )
    }

    query IMAGES {
        "select id, path, alt, width, height, position from images
         where product_id = $1 order by position"
    }

    query SHELVES_CLEAR {
        "delete from shelves where product_id = $1"
    }

    insert SHELVES_ADD {
        "shelves" (category_id uuid, product_id uuid, price_minor bigint, title_key text)
    }
}
