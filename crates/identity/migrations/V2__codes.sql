-- One-time codes. A row is one attempt: to register, to sign in, to set a new password, or to sign
-- in by another address or number from now on. What was sent for one attempt opens no other.
create table codes (
    id uuid not null primary key,
    purpose text not null check (purpose in ('register', 'sign_in', 'reset', 'change_login')),
    login_key text not null,
    login_kind text not null check (login_kind in ('email', 'phone')),
    login_text text not null,
    -- Whose login it is to become; with change_login only.
    account_id uuid references accounts (id),
    -- HMAC-SHA256 over id, purpose and digits. The digits themselves are nowhere.
    hash bytea not null,
    -- What is sent, sealed, so that it can be sent once more; empty when the code was used.
    letter text not null,
    -- Whether the digits were sent at all: to nobody's login something else goes out, or nothing.
    opens boolean not null,
    tries bigint not null default 0 check (tries between 0 and 5),
    sends bigint not null default 1 check (sends between 1 and 5),
    created_at timestamptz not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
) /* key first */;

create index codes_by_expiry on codes (expires_at);

-- How often something was done since a moment, by whom: a keyed hash of a login or of an address,
-- because a list of who asked from where is nobody's to read.
create table budgets (
    key text not null primary key,
    since timestamptz not null,
    used bigint not null check (used > 0)
) /* key first */;

create index budgets_by_age on budgets (since);
