-- A session of a browser has its cookie, one of a program a refresh token. `token_hash` is of
-- whichever it is; a refresh token changes each time it is used, and the one before is kept so
-- that a lost answer can be asked for again.
alter table sessions add column kind text not null default 'page' check (kind in ('page', 'api'));
alter table sessions add column previous_hash text;
alter table sessions add column rotated_at timestamptz;
alter table sessions add column last_used_at timestamptz;
-- What its owner tells it apart by.
alter table sessions add column device text;
alter table sessions add column address text;

-- Sessions that were ended while an access token of theirs may still be alive. Every node asks for
-- the latest of them once a second.
create table revocations (
    session_id uuid not null primary key,
    revoked_at timestamptz not null
) /* key first */;

create index revocations_by_time on revocations (revoked_at);

-- Wrong passwords in a row, for each login that was tried, whether there is such an account or not.
-- Only the SHA-256 of the login is kept: people type passwords there.
create table login_tries (
    login_hash text not null primary key,
    failures bigint not null check (failures > 0),
    last_at timestamptz not null
) /* key first */;

create index login_tries_by_time on login_tries (last_at);
