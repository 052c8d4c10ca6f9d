//! Every statement on the tables of accounts, sessions and addresses.

/// The columns of an account, in the order of its struct.
macro_rules! select_account {
    ($rest:literal) => {
        concat!(
            "select a.id, a.name, a.role, e.text, e.verified_at, p.text, p.verified_at, u.text, \
             a.created_at, a.disabled_at from accounts a \
             left join logins e on e.account_id = a.id and e.kind = 'email' \
             left join logins p on p.account_id = a.id and p.kind = 'phone' \
             left join logins u on u.account_id = a.id and u.kind = 'username' ",
            $rest
        )
    };
}

store::sql! {
    query ACCOUNT_ADD {
        "insert into accounts (id, name, role, password_hash, created_at, name_key)
         values ($1, $2, $3, $4, $5, $6)"
    }

    query LOGIN_ADD {
        "insert into logins (key, kind, text, account_id, verified_at, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (key) do nothing"
    }

    query ACCOUNT {
        select_account!("where a.id = $1")
    }

    query ACCOUNT_BY_LOGIN {
        select_account!("where a.id = (select account_id from logins where key = $1)")
    }

    query PASSWORD_HASH {
        "select password_hash from accounts where id = $1"
    }

    query PASSWORD_REHASH {
        "update accounts set password_hash = $3 where id = $1 and password_hash = $2"
    }

    query SESSION_ADD {
        "insert into sessions (id, token_hash, account_id, created_at, expires_at, second_factor)
         values ($1, $2, $3, $4, $5, $6)"
    }

    query SESSION_FIND {
        "select s.id, s.created_at, s.expires_at, s.second_factor, a.id, a.role, a.name
         from sessions s join accounts a on a.id = s.account_id
         where s.token_hash = $1 and a.disabled_at is null"
    }

    query SESSION_EXTEND {
        "update sessions set expires_at = $2 where id = $1"
    }

    query SESSION_END {
        "delete from sessions where token_hash = $1"
    }

    query SESSIONS_FORGET {
        "delete from sessions where expires_at <= $1"
    }

    query ADDRESS_ADD {
        "insert into addresses
            (id, account_id, name, line1, line2, city, postcode, country, phone, is_default)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    }

    query ADDRESS {
        "select id, account_id, name, line1, line2, city, postcode, country, phone, is_default
         from addresses where account_id = $1 and id = $2"
    }

    query ADDRESSES {
        "select id, account_id, name, line1, line2, city, postcode, country, phone, is_default
         from addresses where account_id = $1 order by is_default desc, id desc"
    }

    query ADDRESS_PREFERRED {
        "select id, account_id, name, line1, line2, city, postcode, country, phone, is_default
         from addresses where account_id = $1 order by is_default desc, id desc limit 1"
    }

    query ADDRESS_NO_DEFAULT {
        "update addresses set is_default = false where account_id = $1 and is_default"
    }

    query ADDRESS_DEFAULT {
        "update addresses set is_default = true where account_id = $1 and id = $2"
    }

    query ADDRESS_REMOVE {
        "delete from addresses where account_id = $1 and id = $2"
    }

    query AUDIT_HEAD {
        "select seq, hash from audit_head where id = 1 for update"
    }

    query AUDIT_HEAD_MOVE {
        "update audit_head set seq = $1, hash = $2 where id = 1"
    }

    query AUDIT_ADD {
        "insert into audit (seq, at, operation, stage, actor, api_key, action, object, outcome,
             facts, previous, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    }

    query AUDIT_FOLLOWING {
        "select seq, at, operation, stage, actor, api_key, action, object, outcome, facts,
             previous, hash
         from audit where seq > $1 order by seq limit $2"
    }

    query API_KEY_ADD {
        "insert into api_keys (id, name, secret_hash, scopes, made_by, made_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)"
    }

    query API_KEYS {
        "select id, name, scopes, made_by, made_at, expires_at, last_used_at, revoked_at
         from api_keys order by id desc"
    }

    query API_KEY {
        "select id from api_keys where id = $1"
    }

    query API_KEY_REVOKE {
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null"
    }

    query API_KEY_WHO {
        "select k.id, k.made_by, a.role, k.scopes, k.expires_at, k.last_used_at
         from api_keys k join accounts a on a.id = k.made_by
         where k.secret_hash = $1 and k.revoked_at is null and a.disabled_at is null"
    }

    query API_KEY_USED {
        "update api_keys set last_used_at = $2 where id = $1"
    }

    query SESSION_PROVED {
        "update sessions set second_factor = true where id = $1"
    }

    query TOTP {
        "select sealed, last_step from totp where account_id = $1"
    }

    query TOTP_SEALED {
        "select sealed from totp where account_id = $1"
    }

    query TOTP_OFFERED {
        "select offered from totp where account_id = $1"
    }

    query TOTP_OFFER {
        "insert into totp (account_id, offered) values ($1, $2)
         on conflict (account_id) do update set offered = excluded.offered"
    }

    query TOTP_CONFIRM {
        "update totp set sealed = offered, offered = null, last_step = $2, confirmed_at = $3
         where account_id = $1"
    }

    query TOTP_STEP {
        "update totp set last_step = $2 where account_id = $1 and last_step < $2"
    }

    query TOTP_REMOVE {
        "delete from totp where account_id = $1"
    }

    query RECOVERY_CODE_ADD {
        "insert into recovery_codes (account_id, code_hash) values ($1, $2)"
    }

    query RECOVERY_CODE_USE {
        "update recovery_codes set used_at = $3
         where account_id = $1 and code_hash = $2 and used_at is null"
    }

    query RECOVERY_CODES_LEFT {
        "select count(*) from recovery_codes where account_id = $1 and used_at is null"
    }

    query RECOVERY_CODES_FORGET {
        "delete from recovery_codes where account_id = $1"
    }

    query PASSKEYS_COUNT {
        "select count(*) from passkeys where account_id = $1"
    }

    query PENDING_LOGIN_ADD {
        "insert into pending_logins (id, account_id, challenge, expires_at)
         values ($1, $2, $3, $4)"
    }

    query PENDING_LOGIN {
        "select account_id, tries, expires_at from pending_logins where id = $1 for update"
    }

    query PENDING_LOGIN_TRIED {
        "update pending_logins set tries = $2 where id = $1"
    }

    query PENDING_LOGIN_END {
        "delete from pending_logins where id = $1"
    }

    query PENDING_LOGINS_FORGET {
        "delete from pending_logins where expires_at <= $1"
    }

    query FAILURES {
        "select failures, since from second_factor_failures where account_id = $1"
    }

    query FAILURES_ADD {
        "insert into second_factor_failures (account_id, failures, since) values ($1, 1, $2)"
    }

    query FAILURES_COUNT {
        "update second_factor_failures set failures = failures + 1 where account_id = $1"
    }

    query FAILURES_FORGET {
        "delete from second_factor_failures where account_id = $1"
    }

    query CUSTOMERS {
        select_account!(
            "where a.role = 'customer' and a.id < $1 order by a.id desc limit $2"
        )
    }

    query CUSTOMERS_FOUND {
        select_account!(
            "where a.role = 'customer' and a.id < $1 and a.id in (
                 select account_id from logins where key like $3 escape '!'
                 union select id from accounts where name_key like $4 escape '!')
             order by a.id desc limit $2"
        )
    }

    query ACCOUNT_VERSION {
        "select version from accounts where id = $1"
    }

    query ACCOUNT_RENAME {
        "update accounts set name = $2, name_key = $3, version = version + 1 where id = $1"
    }

    query ACCOUNT_DISABLE {
        "update accounts set disabled_at = $2, version = version + 1
         where id = $1 and disabled_at is null"
    }

    query ACCOUNT_ENABLE {
        "update accounts set disabled_at = null, version = version + 1
         where id = $1 and disabled_at is not null"
    }

    query ACCOUNT_ROLE {
        "update accounts set role = $2, version = version + 1 where id = $1"
    }

    query OTHER_OWNERS {
        "select count(*) from accounts
         where role = 'owner' and disabled_at is null and id <> $1"
    }

    query STAFF {
        select_account!("where a.role <> 'customer' order by a.id")
    }

    query SESSIONS_END_ALL {
        "delete from sessions where account_id = $1"
    }

    query PASSKEYS_REMOVE_ALL {
        "delete from passkeys where account_id = $1"
    }

    query INVITATION_ADD {
        "insert into invitations
             (id, token_hash, login_key, login, role, invited_by, invited_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)"
    }

    query INVITATIONS_OPEN {
        "select id, login, role, invited_by, invited_at, expires_at from invitations
         where accepted_at is null and withdrawn_at is null and expires_at > $1 order by id desc"
    }

    query INVITATION_BY_TOKEN {
        "select id, login_key, role, invited_by, expires_at from invitations
         where token_hash = $1 and accepted_at is null and withdrawn_at is null"
    }

    query INVITATION_WITHDRAW {
        "update invitations set withdrawn_at = $2
         where id = $1 and accepted_at is null and withdrawn_at is null"
    }

    query INVITATIONS_WITHDRAW {
        "update invitations set withdrawn_at = $2
         where login_key = $1 and accepted_at is null and withdrawn_at is null"
    }

    query INVITATION_ACCEPT {
        "update invitations set accepted_at = $2, accepted_by = $3
         where id = $1 and accepted_at is null and withdrawn_at is null"
    }
}
