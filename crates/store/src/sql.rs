//! The statements of the store's own tables.

crate::sql! {
    insert OUTBOX_ADD {
        "outbox" (
            aggregate uuid, seq bigint, kind text, payload text, created_at timestamptz,
            due_at timestamptz
        )
    }

    query OUTBOX_DUE {
        "select aggregate, seq, kind, payload, created_at, tries from outbox
         where delivered_at is null and dead_reason is null and due_at <= $1
             and (kind = 'letter') = $3
         order by due_at, aggregate, seq limit $2"
    }

    query OUTBOX_WAITING {
        "select count(*) from outbox where delivered_at is null and dead_reason is null"
    }

    update OUTBOX_DELIVERED {
        "outbox" by (aggregate uuid, seq bigint) set (delivered_at timestamptz)
    }

    query OUTBOX_FAILED {
        "update outbox set tries = tries + 1, due_at = $3, dead_reason = $4
         where aggregate = $1 and seq = $2"
    }

    query HANDLED_ADD {
        "insert into handled (aggregate, seq, consumer, handled_at) values ($1, $2, $3, $4)
         on conflict (aggregate, seq, consumer) do nothing"
    }

    query KEY_FIND {
        "select fingerprint, status, body from idempotency
         where scope = $1 and route = $2 and key = $3"
    }

    query KEY_ADD {
        "insert into idempotency (scope, route, key, fingerprint, status, body, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)"
    }

    query KEYS_FORGET {
        "delete from idempotency where created_at < $1"
    }

    query KEYS_FORGET_SCOPE {
        "delete from idempotency where scope = $1"
    }

    query SECRET_FIND {
        "select value from secrets where name = $1"
    }

    query SECRETS_NAMED {
        "select value, created_at from secrets where name like $1 order by created_at, name"
    }

    query SECRET_ADD {
        "insert into secrets (name, value, created_at) values ($1, $2, $3)
         on conflict (name) do nothing"
    }
}
