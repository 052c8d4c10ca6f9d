-- on_hand: units owned and not sold. held: those of them promised to carts and unpaid orders.
-- available = on_hand - held. sold: units in orders that are paid or to be paid in cash.
create table stock (
    variant_id uuid not null primary key,
    product_id uuid not null,
    on_hand bigint not null check (on_hand >= 0),
    held bigint not null default 0 check (held >= 0),
    sold bigint not null default 0 check (sold >= 0),
    check (held <= on_hand)
) /* key first */;

create index stock_by_product on stock (product_id);

-- A row is a live promise; when it ends it is deleted.
create table holds (
    owner_id uuid not null,
    variant_id uuid not null,
    owner_kind text not null check (owner_kind in ('cart', 'order')),
    quantity bigint not null check (quantity > 0),
    expires_at timestamptz not null,
    extensions bigint not null default 0 check (extensions >= 0),
    primary key (owner_id, variant_id)
) /* key first */;

-- An order's holds end with the order; only a cart's end by themselves.
create index holds_of_carts_by_end on holds (expires_at, owner_id) where owner_kind = 'cart';

-- Every change of on_hand and its cause. The sum over a variant is its on_hand.
create table movements (
    variant_id uuid not null,
    id uuid not null,
    delta bigint not null check (delta <> 0),
    cause text not null check (cause in ('received', 'adjusted', 'sold', 'returned')),
    order_id uuid,
    reason text,
    actor uuid,
    created_at timestamptz not null,
    primary key (variant_id, id),
    check ((cause in ('sold', 'returned')) = (order_id is not null))
) /* key first */;
