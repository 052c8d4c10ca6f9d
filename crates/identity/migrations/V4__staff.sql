-- Whether whoever has this session proved a second factor.
alter table sessions add column second_factor boolean not null default false;

-- What search compares: the name in small letters.
alter table accounts add column name_key text not null default '';
update accounts set name_key = lower(name);
-- Counts changes, so that two who change an account do not overwrite each other.
alter table accounts add column version bigint not null default 1;

-- One-time passwords by the clock (RFC 6238). Secrets are sealed: base64 of a nonce and what
-- AES-256-GCM makes of the secret under a key of the shop.
create table totp (
    account_id uuid not null primary key references accounts (id),
    -- The one that counts.
    sealed text,
    -- One that was shown and has not been confirmed with a code.
    offered text,
    -- The latest step of thirty seconds whose code was taken: none up to it is taken again.
    last_step bigint not null default 0,
    confirmed_at timestamptz,
    check ((sealed is null) = (confirmed_at is null)),
    check (sealed is not null or offered is not null)
) /* key first */;

-- What helps when the second factor is lost: each once. Only the SHA-256 is kept.
create table recovery_codes (
    account_id uuid not null references accounts (id),
    code_hash text not null,
    used_at timestamptz,
    primary key (account_id, code_hash)
) /* key first */;

-- WebAuthn credentials.
create table passkeys (
    id uuid not null primary key,
    account_id uuid not null references accounts (id),
    -- As the authenticator names it, in base64url.
    credential_id text not null unique,
    -- COSE: -7 for ES256, -8 for EdDSA.
    algorithm bigint not null check (algorithm in (-7, -8)),
    public_key bytea not null,
    sign_count bigint not null,
    name text not null,
    made_at timestamptz not null,
    last_used_at timestamptz
) /* key first */;

create index passkeys_of_account on passkeys (account_id);

-- What an authenticator is asked to sign, to be kept once.
create table passkey_challenges (
    account_id uuid not null primary key references accounts (id),
    challenge text not null,
    expires_at timestamptz not null
) /* key first */;

-- A password was right, and the second factor is still to come.
create table pending_logins (
    id uuid not null primary key,
    account_id uuid not null references accounts (id),
    -- What a passkey is to sign.
    challenge text not null,
    tries bigint not null default 0,
    expires_at timestamptz not null
) /* key first */;

create index pending_logins_by_expiry on pending_logins (expires_at);

-- Wrong second factors of an account, whichever sign-in they came with.
create table second_factor_failures (
    account_id uuid not null primary key references accounts (id),
    failures bigint not null,
    since timestamptz not null
) /* key first */;

-- Keys of the API for programs. Only the SHA-256 of the secret is kept.
create table api_keys (
    id uuid not null primary key,
    name text not null,
    secret_hash text not null unique,
    -- Names of permissions, with a space between them.
    scopes text not null,
    made_by uuid not null references accounts (id),
    made_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
) /* key first */;

-- Who was asked to work in the shop. Only the SHA-256 of the token is kept.
create table invitations (
    id uuid not null primary key,
    token_hash text not null unique,
    -- The login it is for, as it is compared, and as it was written.
    login_key text not null,
    login text not null,
    role text not null check (role in ('support', 'warehouse', 'manager', 'owner')),
    invited_by uuid not null references accounts (id),
    invited_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid references accounts (id),
    withdrawn_at timestamptz,
    check ((accepted_at is null) = (accepted_by is null)),
    check (accepted_at is null or withdrawn_at is null)
) /* key first */;

-- One that is open for each login.
create unique index invitation_open on invitations (login_key)
    where accepted_at is null and withdrawn_at is null;

create index accounts_of_staff on accounts (role) where role <> 'customer';

-- What the people of the shop did and what happened to their accounts. Each line carries the hash
-- of the one before it.
create table audit (
    seq bigint not null primary key check (seq >= 1),
    at timestamptz not null,
    -- What is begun and what ends has the same.
    operation uuid not null,
    stage text not null check (stage in ('begun', 'ended', 'noted')),
    actor uuid,
    api_key uuid,
    action text not null,
    object text not null,
    outcome text not null,
    -- A JSON object, as it went into the hash.
    facts text not null,
    previous text not null,
    hash text not null unique
) /* key first */;
/* append only: audit */

create index audit_of_actor on audit (actor, seq);
create index audit_of_operation on audit (operation);

-- The last line: what was cut off at the end would not be missed otherwise. Whoever writes the
-- next one locks it.
create table audit_head (
    id bigint not null primary key check (id = 1),
    seq bigint not null,
    hash text not null
) /* key first */;

insert into audit_head (id, seq, hash) values (1, 0, '');
