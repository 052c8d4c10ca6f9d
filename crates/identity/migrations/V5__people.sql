-- Somebody who buys without wanting an account: nobody signs in with it. What is told of the order
-- goes to the contact, which may be somebody's login and proves nothing.
alter table accounts add column guest boolean not null default false;
alter table accounts add column contact text;
-- A person who wanted to be forgotten: the row stays, because orders name it.
alter table accounts add column erased_at timestamptz;

-- What somebody agreed to and took back, with the words they saw. The newest of a purpose counts.
create table consents (
    account_id uuid not null references accounts (id),
    id uuid not null,
    purpose text not null,
    given boolean not null,
    wording text not null,
    at timestamptz not null,
    primary key (account_id, id)
) /* key first */;

-- What people asked of the data about them. One of a kind at a time.
create table personal_requests (
    id uuid not null primary key,
    account_id uuid not null references accounts (id),
    kind text not null check (kind in ('export', 'erasure')),
    state text not null check (state in ('waiting', 'done', 'over')),
    -- Why it still waits, in words.
    waits_for text,
    -- What was asked for.
    result text,
    made_at timestamptz not null,
    done_at timestamptz,
    due_at timestamptz,
    check ((state = 'waiting') = (done_at is null)),
    check ((state = 'over') = (due_at is null)),
    check (result is null or state = 'done')
) /* key first */;

create unique index personal_request_under_way on personal_requests (account_id, kind)
    where state <> 'over';
create index personal_requests_due on personal_requests (due_at) where due_at is not null;
