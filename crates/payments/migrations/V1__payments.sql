-- A try to pay an order at one gateway. The row is committed before the gateway is called.
create table attempts (
    id uuid not null primary key,
    order_id uuid not null,
    gateway text not null,
    state text not null check (state in ('submitting', 'awaiting_payer', 'captured', 'canceled')),
    amount bigint not null check (amount > 0),
    currency text not null,
    reference text,
    redirect_url text,
    -- Why a person has to look: nothing happens by itself while this is set.
    review text,
    -- Captured, but the order does not want the money: it goes back.
    orphan boolean not null default false,
    observations bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    poll_at timestamptz,
    polls bigint not null default 0,
    check (not orphan or state = 'captured')
) /* key first */;

create index attempts_of_order on attempts (order_id, id);
create unique index attempt_by_reference on attempts (gateway, reference)
    where reference is not null;
-- One attempt settles an order, whatever the gateways say.
create unique index attempt_settling on attempts (order_id)
    where state = 'captured' and not orphan and review is null;
create index attempts_to_poll on attempts (poll_at) where poll_at is not null;

-- Everything a gateway ever said of an attempt, good or bad.
create table attempt_history (
    attempt_id uuid not null references attempts (id),
    seq bigint not null check (seq > 0),
    source text not null,
    saw text not null,
    effect text not null,
    at timestamptz not null,
    primary key (attempt_id, seq)
) /* key first */;

create table refunds (
    id uuid not null primary key,
    attempt_id uuid not null references attempts (id),
    order_id uuid not null,
    amount bigint not null check (amount > 0),
    currency text not null,
    reason text not null,
    state text not null check (state in ('requested', 'succeeded', 'failed')),
    reference text,
    tries bigint not null default 0,
    due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
) /* key first */;

create index refunds_of_order on refunds (order_id, id);
create index refunds_of_attempt on refunds (attempt_id, id);
create index refunds_due on refunds (due_at) where due_at is not null;

-- What gateways sent us, kept before they hear that we have it.
create table notices (
    id uuid not null primary key,
    gateway text not null,
    dedupe_key text not null,
    reference text,
    attempt_id uuid,
    body text not null,
    headers jsonb not null,
    received_at timestamptz not null,
    due_at timestamptz,
    tries bigint not null default 0,
    handled_at timestamptz,
    effect text,
    check ((handled_at is null) = (effect is null))
) /* key first */;

create unique index notice_once on notices (gateway, dedupe_key);
create index notices_due on notices (due_at) where due_at is not null;
