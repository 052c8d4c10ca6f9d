//! The tables of the book.

/// Bumped with every change of [`TABLES`].
pub(super) const VERSION: i64 = 2;

pub(super) const TABLES: &str = "
create table meta (seed text not null, drawn integer not null) strict;
create table payments (
    seq integer primary key,
    id text not null unique,
    second_id text unique,
    gateway text not null check (gateway in ('plain', 'yookassa', 'alipay', 'stripe')),
    reference text not null,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    manual integer not null,
    status text not null
        check (status in ('pending', 'processing', 'authorized', 'succeeded', 'canceled')),
    canceled_reason text check ((canceled_reason is null) = (status <> 'canceled')),
    captured_minor integer not null default 0
        check (captured_minor between 0 and amount_minor
            and (captured_minor > 0) = (status = 'succeeded')),
    refunded_minor integer not null default 0
        check (refunded_minor between 0 and captured_minor),
    description text not null,
    return_url text not null,
    notify_url text not null,
    created_at integer not null,
    expires_at integer not null,
    paid_at integer,
    captured_at integer,
    hold_until integer,
    canceled_at integer,
    extra text not null
) strict;
create unique index payments_once on payments (gateway, reference)
    where gateway in ('plain', 'alipay');
create index payments_reference on payments (reference);
create index payments_open on payments (expires_at) where status = 'pending';
create index payments_held on payments (hold_until) where status = 'authorized';
create table refunds (
    seq integer primary key,
    id text not null unique,
    payment text not null references payments (id),
    reference text not null,
    amount_minor integer not null check (amount_minor > 0),
    currency text not null,
    status text not null check (status in ('pending', 'succeeded', 'failed')),
    failure text check ((failure is null) = (status <> 'failed')),
    created_at integer not null,
    extra text not null
) strict;
create index refunds_payment on refunds (payment);
create index refunds_reference on refunds (reference);
create table answers (
    scope text not null,
    key text not null,
    request blob not null,
    status integer not null,
    body text not null,
    at integer not null,
    primary key (scope, key)
) strict, without rowid;
create table endpoints (
    id text primary key,
    gateway text not null,
    url text not null,
    secret text not null,
    old_secret text,
    old_until integer,
    enabled integer not null,
    kinds text not null,
    created_at integer not null
) strict;
create table stripe_events (
    seq integer primary key,
    id text not null unique,
    kind text not null,
    created_at integer not null,
    body text not null
) strict;
create table deliveries (
    seq integer primary key,
    id text not null,
    gateway text not null,
    kind text not null,
    subject text not null,
    url text not null,
    endpoint text,
    body text not null,
    tries integer not null default 0,
    next_at integer not null,
    state text not null default 'pending'
        check (state in ('pending', 'delivered', 'lost', 'given_up'))
) strict;
create index deliveries_due on deliveries (next_at) where state = 'pending';
create index deliveries_subject on deliveries (subject);
";
