-- A try to pay an order at one gateway. The row is committed before the gateway is called, and
-- holds all that the call is made of, so that it is the same call when it is made again.
create table attempts (
    id uuid not null primary key,
    order_id uuid not null,
    gateway text not null,
    state text not null check (state in ('submitting', 'awaiting_payer', 'processing',
        'authorized', 'capturing', 'captured', 'closing', 'voiding', 'canceled')),
    amount bigint not null check (amount > 0),
    currency text not null,
    -- What of the order it pays, in the order's currency: the same, unless the gateway takes
    -- another one. Then the rate says how many units of the attempt's currency one of the order's
    -- costs, in hundred-millionths. All of it is fixed when the attempt is made.
    pays bigint not null check (pays > 0),
    pays_currency text not null,
    rate bigint check (rate > 0),
    -- The tax in that.
    tax bigint not null default 0 check (tax between 0 and pays),
    -- Whether money is first reserved at the gateway, and taken by a second call.
    two_stage boolean not null default false,
    -- What the gateway is told beside the amount: addresses, language. JSON, never changed.
    details text not null default '{}',
    -- Until when the payer may pay, as the gateway is told.
    deadline timestamptz not null,
    -- And as the gateway says, which need not be the same.
    payable_until timestamptz not null,
    -- The gateway's ids of the payment.
    reference text,
    secondary text,
    redirect_url text,
    -- What it was paid with, as far as may be kept: kind, brand, last four, the gateway's mark.
    method text,
    -- Why a person has to look: nothing happens by itself while this is set.
    review text,
    -- Why it was canceled, in a word.
    reason text,
    -- Captured, but the order does not want the money: it goes back.
    orphan boolean not null default false,
    -- Nobody wants it paid any more, and whether its gateway has heard of it is not known yet.
    unwanted boolean not null default false,
    -- What came, what of it is on its way back, and what has gone back.
    captured bigint not null default 0 check (captured >= 0),
    reserved bigint not null default 0 check (reserved >= 0),
    refunded bigint not null default 0 check (refunded >= 0),
    -- What of the order is on its way back or has gone back with it, in the order's currency.
    worth_back bigint not null default 0 check (worth_back between 0 and pays),
    -- What the gateway kept of it, as booked.
    fee bigint,
    observations bigint not null default 0,
    -- The newest of them, so that a gateway that repeats itself fills no history.
    last_saw text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- When it came to where it stands.
    since timestamptz not null,
    poll_at timestamptz,
    polls bigint not null default 0,
    check (not orphan or state = 'captured'),
    check (captured > 0 or state <> 'captured'),
    check (captured = 0 or state = 'captured'),
    -- Nobody promises back more than came, whoever asks at once.
    check (reserved + refunded <= captured),
    check (captured > 0 or worth_back = 0),
    check ((rate is null) = (currency = pays_currency)),
    check (rate is not null or amount = pays)
) /* key first */;

create index attempts_of_order on attempts (order_id, id);
create unique index attempt_by_reference on attempts (gateway, reference)
    where reference is not null;
-- One attempt takes an order's money or has taken it, whatever the gateways say.
create unique index attempt_settling on attempts (order_id)
    where state in ('capturing', 'captured') and not orphan and review is null;
create index attempts_to_poll on attempts (poll_at) where poll_at is not null;
create index attempts_by_time on attempts (gateway, created_at);

-- Everything a gateway ever said of an attempt, good or bad.
create table attempt_history (
    attempt_id uuid not null references attempts (id),
    seq bigint not null check (seq > 0),
    source text not null,
    saw text not null,
    amount bigint not null,
    currency text not null,
    refunded bigint not null,
    reference text,
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
    -- What of the order that gives back, in the order's currency. The least coin of the one may be
    -- worth nothing in the other, when somebody else gives it back.
    worth bigint not null check (worth > 0 or worth = 0 and origin = 'external'),
    reason text not null,
    -- Who wanted it: an order that did not want the money, a cancelled one, staff, or somebody
    -- in the gateway's own books.
    origin text not null check (origin in ('orphan', 'cancelled', 'staff', 'external')),
    state text not null check (state in ('reserved', 'sent', 'pending', 'succeeded', 'failed')),
    reference text,
    -- Why it failed, in the gateway's word.
    failure text,
    actor uuid,
    tries bigint not null default 0,
    -- When the gateway was first asked. Keys are forgotten after a day.
    sent_at timestamptz,
    due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check ((state = 'failed') = (failure is not null))
) /* key first */;

create index refunds_of_order on refunds (order_id, id);
create index refunds_of_attempt on refunds (attempt_id, id);
create index refunds_due on refunds (due_at) where due_at is not null;

-- What of the order a refund is for, where it is for lines.
create table refund_lines (
    refund_id uuid not null references refunds (id),
    position bigint not null,
    quantity bigint not null check (quantity > 0),
    -- In the order's currency.
    amount bigint not null check (amount >= 0),
    -- Whether the units went back on the shelf.
    restocked boolean not null,
    primary key (refund_id, position)
) /* key first */;

-- Double entry: the lines of a transaction add up to nothing in each currency. Debit is above
-- zero.
create table ledger (
    txn uuid not null,
    line bigint not null,
    account text not null,
    currency text not null,
    amount bigint not null check (amount <> 0),
    kind text not null,
    order_id uuid not null,
    attempt_id uuid,
    refund_id uuid,
    at timestamptz not null,
    primary key (txn, line)
) /* key first */;
/* append only: ledger */

create index ledger_of_account on ledger (account, currency);
create index ledger_of_order on ledger (order_id);

-- What gateways sent us, kept before they hear that we have it.
create table notices (
    id uuid not null primary key,
    gateway text not null,
    dedupe_key text not null,
    reference text,
    attempt_id uuid,
    body text not null,
    headers jsonb not null,
    source text,
    received_at timestamptz not null,
    due_at timestamptz,
    tries bigint not null default 0,
    handled_at timestamptz,
    effect text,
    check ((handled_at is null) = (effect is null))
) /* key first */;

create unique index notice_once on notices (gateway, dedupe_key);
create index notices_due on notices (due_at) where due_at is not null;

-- What gateways say in their lists and bills: their books, to be compared with ours.
create table statements (
    gateway text not null,
    reference text not null,
    attempt_id uuid,
    status text not null,
    amount bigint not null,
    currency text not null,
    captured bigint not null,
    refunded bigint not null,
    fee bigint,
    made_at timestamptz,
    seen_at timestamptz not null,
    primary key (gateway, reference)
) /* key first */;

-- How far each gateway's list was read.
create table list_marks (
    gateway text not null primary key,
    read_until timestamptz not null
) /* key first */;
