-- The tree of categories. A category is only ever made below one that is there, so no circle can
-- close.
create table categories (
    id uuid not null primary key,
    parent_id uuid references categories (id),
    slug text not null unique,
    title text not null,
    position bigint not null
) /* key first */;

-- `price_minor`, `currency`, `variant_count` and `cover` repeat what the variants and images say,
-- so that a list needs one row of this table for each product. They are written in the same
-- transaction as the change they follow. The description stands last: a list never reads that far.
create table products (
    id uuid not null primary key,
    slug text not null unique,
    title text not null,
    category_id uuid references categories (id),
    status text not null check (status in ('draft', 'active', 'archived')),
    created_at timestamptz not null,
    price_minor bigint check (price_minor >= 0),
    currency text,
    variant_count bigint not null check (variant_count >= 0),
    cover jsonb,
    description text not null,
    check ((price_minor is null) = (currency is null)),
    check ((price_minor is null) = (variant_count = 0))
);

-- `title` is the whole name of the thing bought, `offered` says that it and its product may be
-- bought: a quote reads this row and no other.
create table variants (
    id uuid not null primary key,
    product_id uuid not null references products (id),
    sku text not null unique,
    title text not null,
    price_minor bigint not null check (price_minor >= 0),
    currency text not null check (length(currency) = 3),
    offered boolean not null,
    active boolean not null,
    position bigint not null,
    list_price_minor bigint check (list_price_minor >= price_minor),
    options jsonb not null,
    unique (product_id, position)
) /* key first */;

create table images (
    product_id uuid not null references products (id),
    position bigint not null,
    id uuid not null unique,
    path text not null,
    alt text not null,
    width bigint not null check (width > 0),
    height bigint not null check (height > 0),
    primary key (product_id, position)
) /* key first */;

-- A product that can be bought stands on the shelf of its category, on those of every category
-- above it, and on the shelf of the whole shop, whose id is nil. Every list is one walk along one
-- shelf in the order of one index.
create table shelves (
    category_id uuid not null,
    product_id uuid not null references products (id),
    price_minor bigint not null,
    title_key text not null,
    primary key (category_id, product_id)
) /* key first */;

create index shelves_by_price on shelves (category_id, price_minor, product_id);
create index shelves_by_title on shelves (category_id, title_key, product_id, price_minor);
create index shelves_of_product on shelves (product_id);
