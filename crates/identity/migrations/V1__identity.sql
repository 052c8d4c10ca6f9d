-- `email_key` is the address as it is compared: trimmed and in lower case.
create table accounts (
    id uuid not null primary key,
    email text not null,
    email_key text not null unique,
    name text not null,
    role text not null check (role in ('customer', 'owner')),
    password_hash text not null,
    created_at timestamptz not null
) /* key first */;

-- Only the SHA-256 of a token is kept: who reads this table cannot sign in with it.
create table sessions (
    id uuid not null primary key,
    token_hash text not null unique,
    account_id uuid not null references accounts (id),
    created_at timestamptz not null,
    expires_at timestamptz not null
) /* key first */;

create index sessions_by_expiry on sessions (expires_at);

create table addresses (
    account_id uuid not null references accounts (id),
    id uuid not null unique,
    name text not null,
    line1 text not null,
    line2 text,
    city text not null,
    postcode text not null,
    country text not null check (length(country) = 2),
    phone text,
    is_default boolean not null,
    primary key (account_id, id)
) /* key first */;

create unique index addresses_default on addresses (account_id) where is_default;
