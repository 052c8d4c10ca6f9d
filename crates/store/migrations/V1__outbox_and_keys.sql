-- Facts that must follow a commit, written in that commit. `seq` counts from 1 without a gap
-- within its aggregate (an order), so that whoever listens can tell that nothing is missing.
create table outbox (
    aggregate uuid not null,
    seq bigint not null check (seq > 0),
    kind text not null,
    payload text not null,
    created_at timestamptz not null,
    tries bigint not null default 0,
    due_at timestamptz not null,
    delivered_at timestamptz,
    dead_reason text,
    primary key (aggregate, seq)
) /* key first */;

create index outbox_due on outbox (due_at)
    where delivered_at is null and dead_reason is null;

-- What each consumer has already done with an event; the second delivery finds its row here.
create table handled (
    aggregate uuid not null,
    seq bigint not null,
    consumer text not null,
    handled_at timestamptz not null,
    primary key (aggregate, seq, consumer)
) /* key first */;

-- Answers already given, by the key the caller chose.
create table idempotency (
    scope uuid not null,
    route text not null,
    key text not null,
    fingerprint text not null,
    status bigint not null,
    body text not null,
    created_at timestamptz not null,
    primary key (scope, route, key)
) /* key first */;

-- Keys the shop made for itself on its first start; every node shares them.
create table secrets (
    name text not null primary key,
    value bytea not null,
    created_at timestamptz not null
);
