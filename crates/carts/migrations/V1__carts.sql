-- A cart belongs to an account, or to whoever holds its token. `version` counts its changes: an
-- order is made from one version of a cart, and a quote says which.
create table carts (
    id uuid not null primary key,
    account_id uuid,
    token_hash bytea,
    version bigint not null default 0 check (version >= 0),
    created_at timestamptz not null,
    check ((account_id is null) <> (token_hash is null))
) /* key first */;

create unique index cart_of_account on carts (account_id) where account_id is not null;
create unique index cart_of_token on carts (token_hash) where token_hash is not null;

create table cart_lines (
    cart_id uuid not null,
    variant_id uuid not null,
    quantity bigint not null check (quantity between 1 and 10000),
    selected boolean not null default true,
    added_at timestamptz not null,
    primary key (cart_id, variant_id)
) /* key first */;
