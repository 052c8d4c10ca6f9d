-- An order carries the id of the quote it was made from, which is its idempotency key, and lies
-- in the order of that id, which is the order of time.
create table orders (
    id uuid not null primary key,
    number text not null,
    customer_id uuid not null,
    cart_id uuid,
    cart_version bigint,
    state text not null check (state in ('pending', 'cash_due', 'paid', 'packed', 'shipped',
        'delivered', 'expired', 'cancelled', 'refunded')),
    payment_method text not null,
    currency text not null,
    item_count bigint not null check (item_count > 0),
    merchandise bigint not null check (merchandise >= 0),
    discount bigint not null check (discount between 0 and merchandise),
    shipping bigint not null check (shipping >= 0),
    tax bigint not null check (tax >= 0),
    total bigint not null check (total >= 0 and total = merchandise - discount + shipping + tax),
    address text not null,
    fingerprint text not null,
    -- The attempt whose money made it paid. One at most, and never another's.
    settled_by uuid,
    -- The attempt whose money is being taken just now. Until that is over the order keeps its
    -- units, and neither time nor anybody else ends it.
    claimed_by uuid,
    pay_by timestamptz,
    placed_at timestamptz not null,
    -- Steps taken so far: the last `seq` of its history and of its events.
    steps bigint not null check (steps > 0),
    check ((cart_id is null) = (cart_version is null)),
    check (state <> 'pending' or pay_by is not null),
    check (claimed_by is null or (state = 'pending' and settled_by is null))
) /* key first */;

create unique index order_number on orders (number);
-- One order is made from one version of a cart, whatever two tabs do.
create unique index order_of_cart_version on orders (cart_id, cart_version)
    where cart_id is not null;
create unique index order_settled_by on orders (settled_by) where settled_by is not null;
create unique index order_claimed_by on orders (claimed_by) where claimed_by is not null;
create index orders_of_customer on orders (customer_id, id);
create index orders_unpaid_by_end on orders (pay_by)
    where state = 'pending' and claimed_by is null;

create table order_lines (
    order_id uuid not null references orders (id),
    position bigint not null,
    variant_id uuid not null,
    product_id uuid not null,
    sku text not null,
    title text not null,
    unit_price bigint not null check (unit_price >= 0),
    quantity bigint not null check (quantity > 0),
    line_total bigint not null check (line_total = unit_price * quantity),
    -- Units that came back onto the shelf.
    restocked bigint not null default 0 check (restocked between 0 and quantity),
    primary key (order_id, position)
) /* key first */;

-- Written by the same hand as the order, in the same transaction; no reference is checked for
-- each row, which would cost as much as writing it.
create table order_history (
    order_id uuid not null,
    seq bigint not null check (seq > 0),
    from_state text not null,
    to_state text not null,
    actor text not null,
    note text,
    at timestamptz not null,
    primary key (order_id, seq)
) /* key first */;
