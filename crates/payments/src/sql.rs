//! The statements of attempts, refunds and the inbox.

/// The columns of an attempt, in the order of its struct.
macro_rules! select_attempt {
    ($rest:literal) => {
        concat!(
            "select id, order_id, gateway, state, amount, currency, reference, redirect_url, \
             review, orphan, observations, created_at, updated_at, poll_at, polls from attempts ",
            $rest
        )
    };
}

/// The columns of a refund, in the order of its struct.
macro_rules! select_refund {
    ($rest:literal) => {
        concat!(
            "select id, attempt_id, order_id, amount, currency, reason, state, reference, tries, \
             created_at, updated_at from refunds ",
            $rest
        )
    };
}

store::sql! {
    query ATTEMPTS {
        select_attempt!("where id = any($1)")
    }


    query ATTEMPTS_OF_ORDERS_LOCKED {
        select_attempt!("where order_id = any($1) order by id for update")
    }

    query ATTEMPTS_OF_ORDER {
        select_attempt!("where order_id = $1 order by id")
    }

    query ATTEMPTS_TO_POLL {
        select_attempt!("where poll_at <= $1 order by poll_at limit $2")
    }

    insert ATTEMPTS_ADD {
        "attempts" (
            id uuid, order_id uuid, gateway text, state text, amount bigint, currency text,
            created_at timestamptz, updated_at timestamptz, poll_at timestamptz
        )
    }

    update ATTEMPTS_SET {
        "attempts" by (id uuid) set (
            state text, reference text, redirect_url text, review text, orphan boolean,
            observations bigint, updated_at timestamptz, poll_at timestamptz
        )
    }

    query ATTEMPT_SUBMITTED {
        "update attempts set state = 'awaiting_payer', reference = coalesce(reference, $2),
         redirect_url = $3, updated_at = $4, poll_at = $5
         where id = $1 and state in ('submitting', 'awaiting_payer') and redirect_url is null
             and review is null"
    }

    query ATTEMPT_POLLED {
        "update attempts set polls = polls + 1, poll_at = $2 where id = $1 and poll_at is not null"
    }

    insert HISTORY_ADD {
        "attempt_history" (
            attempt_id uuid, seq bigint, source text, saw text, effect text, at timestamptz
        )
    }

    query HISTORY {
        "select attempt_id, seq, source, saw, effect, at from attempt_history
         where attempt_id = $1 order by seq"
    }


    query REFUNDS_OF_ATTEMPTS_LOCKED {
        select_refund!("where attempt_id = any($1) order by id for update")
    }

    query REFUNDS_OF_ORDER {
        select_refund!("where order_id = $1 order by id")
    }

    query REFUNDS_DUE {
        select_refund!("where due_at <= $1 order by due_at limit $2")
    }

    insert REFUNDS_ADD {
        "refunds" (
            id uuid, attempt_id uuid, order_id uuid, amount bigint, currency text, reason text,
            state text, created_at timestamptz, updated_at timestamptz, due_at timestamptz
        )
    }

    update REFUNDS_SET {
        "refunds" by (id uuid) set (
            state text, reference text, updated_at timestamptz, due_at timestamptz
        )
    }

    query REFUND_FAILED {
        "update refunds set tries = tries + 1, due_at = $2 where id = $1 and state = 'requested'"
    }

    query NOTICE_ADD {
        "insert into notices (id, gateway, dedupe_key, reference, attempt_id, body, headers,
         received_at, due_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         on conflict (gateway, dedupe_key) do nothing"
    }

    query NOTICES_DUE {
        "select id, gateway, reference, attempt_id, tries from notices
         where due_at <= $1 order by due_at limit $2"
    }

    query NOTICE_HANDLED {
        "update notices set handled_at = $2, effect = $3, due_at = null where id = $1"
    }

    query NOTICE_FAILED {
        "update notices set tries = tries + 1, due_at = $2 where id = $1 and handled_at is null"
    }
}
