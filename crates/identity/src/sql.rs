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
        "insert into accounts (id, name, role, password_hash, created_at)
         values ($1, $2, $3, $4, $5)"
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
        "insert into sessions (id, token_hash, account_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5)"
    }

    query SESSION_FIND {
        "select s.id, s.created_at, s.expires_at, a.id, a.role, a.name
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

    query SESSIONS_END {
        "delete from sessions where account_id = $1"
    }

    query SESSIONS_END_OTHERS {
        "delete from sessions where account_id = $1 and id <> $2"
    }
}
