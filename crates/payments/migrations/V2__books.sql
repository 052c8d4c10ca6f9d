-- What a notice names, so that one whose payment is not known yet can be matched later.
alter table notices add column kind text not null default 'payment';
-- The gateway's id of the payment, the one or the other of two.
alter table notices add column payment text;
alter table notices add column refund_id uuid;

-- Since when a gateway has had money for something that we do not know.
alter table statements add column unmatched_since timestamptz;
create index statements_unmatched on statements (unmatched_since)
    where unmatched_since is not null;

-- Some gateways list payments by the other one of their two ids.
create index attempts_by_secondary on attempts (gateway, secondary) where secondary is not null;
create index attempts_in_review on attempts (id) where review is not null;
create index refunds_by_time on refunds (updated_at);

-- Payers who want their money back by way of their bank.
create table disputes (
    gateway text not null,
    reference text not null,
    attempt_id uuid not null references attempts (id),
    order_id uuid not null,
    state text not null check (state in ('open', 'won', 'lost')),
    amount bigint not null check (amount > 0),
    currency text not null,
    reason text not null,
    opened_at timestamptz not null,
    updated_at timestamptz not null,
    due_at timestamptz,
    primary key (gateway, reference),
    check (state = 'open' or due_at is null)
) /* key first */;

create index disputes_of_attempt on disputes (attempt_id);
create index disputes_due on disputes (due_at) where due_at is not null;

-- Days whose books were compared with a gateway's, and in how many places they differed.
create table days_compared (
    gateway text not null,
    day text not null,
    differences bigint not null check (differences >= 0),
    compared_at timestamptz not null,
    primary key (gateway, day)
) /* key first */;

-- What waited for a person, and has been seen to.
create table attended (
    subject text not null primary key,
    actor uuid not null,
    note text not null,
    at timestamptz not null
) /* key first */;
