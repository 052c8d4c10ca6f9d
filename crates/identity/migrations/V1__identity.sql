-- Somebody who can sign in: a customer, or one of the shop's own people. Without a password they
-- sign in with a code that is sent to them.
create table accounts (
    id uuid not null primary key,
    name text not null,
    role text not null
        check (role in ('customer', 'support', 'warehouse', 'manager', 'owner')),
    password_hash text,
    created_at timestamptz not null,
    disabled_at timestamptz
) /* key first */;

-- What accounts sign in with, by what is compared: an e-mail address in lower case, a telephone
-- number in E.164, or a name. The three cannot be mixed up, so one key belongs to one account
-- whatever its kind.
create table logins (
    key text not null primary key,
    kind text not null check (kind in ('email', 'phone', 'username')),
    -- As its owner wrote it.
    text text not null,
    account_id uuid not null references accounts (id),
    -- When its owner proved that it is theirs.
    verified_at timestamptz,
    created_at timestamptz not null
) /* key first */;

create unique index login_of_kind on logins (account_id, kind);

-- Only the SHA-256 of a token is kept: who reads this table cannot sign in with it.
create table sessions (
    id uuid not null primary key,
    token_hash text not null unique,
    account_id uuid not null references accounts (id),
    created_at timestamptz not null,
    expires_at timestamptz not null
) /* key first */;

create index sessions_by_expiry on sessions (expires_at);
create index sessions_of_account on sessions (account_id);

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
