//! Every statement on the tables of accounts, sessions and addresses.

/// The columns of an account, in the order of its struct.
macro_rules! select_account {
    ($rest:literal) => {
        concat!(
            "select a.id, a.name, a.role, e.text, e.verified_at, p.text, p.verified_at, u.text, \
             a.created_at, a.disabled_at, a.guest, a.contact from accounts a \
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

    query GUEST_ADD {
        "insert into accounts (id, name, role, created_at, guest, contact, name_key)
         values ($1, $2, 'customer', $3, true, $4, $5)"
    }

    query ACCOUNT_ERASE {
        "update accounts set name = 'Erased', name_key = 'erased', version = version + 1,
             password_hash = null, contact = null,
             disabled_at = coalesce(disabled_at, $2), erased_at = $2
         where id = $1"
    }

    query CODES_ERASE {
        "delete from codes where account_id = $1
             or login_key in (select key from logins where account_id = $1)"
    }

    query INVITATIONS_ERASE {
        "delete from invitations
         where login_key in (select key from logins where account_id = $1)"
    }

    query PENDING_LOGINS_ERASE {
        "delete from pending_logins where account_id = $1"
    }

    query LOGINS_ERASE {
        "delete from logins where account_id = $1"
    }

    query ADDRESSES_ERASE {
        "delete from addresses where account_id = $1"
    }

    query SESSIONS_ERASE {
        "delete from sessions where account_id = $1"
    }

    query CONSENTS_ERASE {
        "delete from consents where account_id = $1"
    }

    query COPIES_ERASE {
        "delete from personal_requests where account_id = $1 and kind = 'export'"
    }

    query CONSENTS {
        "select purpose, given, wording, at from consents where account_id = $1 order by id desc"
    }

    query CONSENT_TO {
        "select given from consents where account_id = $1 and purpose = $2
         order by id desc limit 1"
    }

    query CONSENTS_COUNT {
        "select count(*) from consents where account_id = $1"
    }

    query CONSENT_ADD {
        "insert into consents (account_id, id, purpose, given, wording, at)
         values ($1, $2, $3, $4, $5, $6)"
    }

    query PERSONAL_REQUEST_ADD {
        "insert into personal_requests (id, account_id, kind, state, made_at, due_at)
         values ($1, $2, $3, 'waiting', $4, $5)
         on conflict do nothing"
    }

    query PERSONAL_REQUEST {
        "select id, account_id, kind, waits_for, result, made_at, done_at from personal_requests
         where id = $1"
    }

    query PERSONAL_REQUEST_OF {
        "select id, account_id, kind, waits_for, result, made_at, done_at from personal_requests
         where account_id = $1 and kind = $2 and state <> 'over'"
    }

    query PERSONAL_REQUESTS_DUE {
        "select id, account_id, kind, waits_for, result, made_at, done_at from personal_requests
         where due_at <= $1 order by due_at limit $2"
    }

    query PERSONAL_REQUEST_PUT_OFF {
        "update personal_requests set waits_for = $2, due_at = $3
         where id = $1 and state = 'waiting'"
    }

    query PERSONAL_REQUEST_COPIED {
        "update personal_requests set state = 'done', waits_for = null, result = $2, done_at = $3,
             due_at = $4
         where id = $1 and state = 'waiting'"
    }

    query PERSONAL_REQUEST_OVER {
        "update personal_requests set state = 'over', waits_for = null, result = null,
             done_at = coalesce(done_at, $2), due_at = null
         where id = $1"
    }

    query PASSWORD_HASH {
        "select password_hash from accounts where id = $1"
    }

    query TRIES {
        "select failures, last_at from login_tries where login_hash = $1"
    }

    query TRIES_ADD {
        "insert into login_tries (login_hash, failures, last_at) values ($1, 1, $2)
         on conflict (login_hash) do update
         set failures = login_tries.failures + 1, last_at = excluded.last_at"
    }

    query TRIES_FORGIVE {
        "delete from login_tries where login_hash = $1"
    }

    query TRIES_FORGET {
        "delete from login_tries where last_at < $1"
    }

    query PASSWORD_IF_OPEN {
        "select password_hash from accounts where id = $1 and disabled_at is null"
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
         where s.token_hash = $1 and s.kind = 'page' and a.disabled_at is null"
    }

    query SESSIONS_OF_ACCOUNT {
        "select id, kind = 'page', device, address, created_at,
            coalesce(last_used_at, created_at), expires_at
         from sessions where account_id = $1 and expires_at > $2 order by id desc"
    }

    query SESSION_IDS_OF_ACCOUNT {
        "select id from sessions where account_id = $1 order by id"
    }

    query SESSION_OWNER {
        "select account_id from sessions where id = $1"
    }

    query SESSION_TO_HAND {
        "select s.id, a.id, a.role, s.expires_at
         from sessions s join accounts a on a.id = s.account_id
         where s.token_hash = $1 and s.kind = 'page' and a.disabled_at is null"
    }

    query SESSION_HAND {
        "update sessions set kind = 'api', token_hash = $2, last_used_at = $3, device = $4,
            address = $5
         where token_hash = $1 and kind = 'page'"
    }

    query SESSION_NOTE {
        "update sessions set last_used_at = $2, device = $3, address = $4 where token_hash = $1"
    }

    query SESSION_TO_REFRESH {
        "select a.id, a.role, s.created_at, s.expires_at, s.token_hash, s.previous_hash,
            s.rotated_at
         from sessions s join accounts a on a.id = s.account_id
         where s.id = $1 and s.kind = 'api' and s.expires_at > $2 and a.disabled_at is null"
    }

    query SESSION_REFRESH {
        "update sessions set token_hash = $3, previous_hash = $2, rotated_at = $4,
            last_used_at = $4, expires_at = $5
         where id = $1 and token_hash = $2"
    }

    query SESSION_END_BY_ID {
        "delete from sessions where id = $1"
    }

    query REVOCATION_ADD {
        "insert into revocations (session_id, revoked_at) values ($1, $2)
         on conflict (session_id) do nothing"
    }

    query REVOCATIONS_SINCE {
        "select session_id, revoked_at from revocations where revoked_at >= $1"
    }

    query REVOCATIONS_FORGET {
        "delete from revocations where revoked_at < $1"
    }

    query SESSION_EXTEND {
        "update sessions set expires_at = $2, last_used_at = $3 where id = $1"
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

    query SESSION_IS_PROVEN {
        "select second_factor from sessions where id = $1"
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

    query CODE_ADD {
        "insert into codes
            (id, purpose, login_key, login_kind, login_text, account_id, hash, letter, opens,
             created_at, sent_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)"
    }

    query CODE {
        "select id, purpose, login_key, login_kind, login_text, account_id, hash, letter, opens,
             tries, sends, sent_at, expires_at, used_at
         from codes where id = $1"
    }

    query CODE_TRY {
        "update codes set tries = tries + 1
         where id = $1 and purpose = $2 and tries < 5 and used_at is null and expires_at > $3"
    }

    query CODE_USE {
        "update codes set used_at = $2, letter = '' where id = $1 and used_at is null"
    }

    query CODE_RESEND {
        "update codes set sends = sends + 1, sent_at = $3
         where id = $1 and sends = $2 and used_at is null and tries < 5"
    }

    query CODES_FORGET {
        "delete from codes where expires_at <= $1"
    }

    query BUDGET {
        "select since, used from budgets where key = $1"
    }

    query BUDGET_TAKE {
        "insert into budgets (key, since, used) values ($1, $2, 1)
         on conflict (key) do update set
            used = case when budgets.since <= $3 then 1 else budgets.used + 1 end,
            since = case when budgets.since <= $3 then excluded.since else budgets.since end"
    }

    query BUDGETS_FORGET {
        "delete from budgets where since <= $1"
    }

    query LOGIN_OWNER {
        "select account_id, verified_at from logins where key = $1"
    }

    query LOGINS_OF {
        "select kind, text, key, verified_at from logins where account_id = $1 order by kind"
    }

    query LOGIN_PROVEN {
        "update logins set verified_at = $2 where key = $1 and verified_at is null"
    }

    query LOGIN_REMOVE {
        "delete from logins where key = $1"
    }

    query LOGIN_REMOVE_KIND {
        "delete from logins where account_id = $1 and kind = $2"
    }

    query PASSWORD_SET {
        "update accounts set password_hash = $2 where id = $1"
    }
}
