//! The statements of attempts, refunds, the ledger and the inbox.

/// The columns of an attempt, in the order of its struct.
macro_rules! select_attempt {
    ($rest:literal) => {
        concat!(
            "select id, order_id, gateway, state, amount, currency, tax, two_stage, details, \
             deadline, payable_until, reference, secondary, redirect_url, method, review, reason, \
             orphan, unwanted, captured, reserved, refunded, fee, observations, last_saw, created_at, \
             updated_at, since, poll_at, polls, pays, pays_currency, rate, worth_back from attempts ",
            $rest
        )
    };
}

/// The columns of a refund, in the order of its struct.
macro_rules! select_refund {
    ($rest:literal) => {
        concat!(
            "select id, attempt_id, order_id, amount, currency, reason, origin, state, reference, \
             failure, actor, tries, sent_at, due_at, created_at, updated_at, worth from refunds ",
            $rest
        )
    };
}

store::sql! {
    query ATTEMPTS {
        select_attempt!("where id = any($1)")
    }

    query ATTEMPT_BY_REFERENCE {
        select_attempt!("where gateway = $1 and reference = $2")
    }

    query ATTEMPT_BY_SECONDARY {
        select_attempt!("where gateway = $1 and secondary = $2 order by id limit 1")
    }

    query ATTEMPTS_IN_REVIEW {
        select_attempt!("where review is not null order by id limit $1")
    }

    query ATTEMPTS_SINCE_BETWEEN {
        select_attempt!(
            "where gateway = $1 and created_at >= $2 and since >= $3 and since < $4 order by id"
        )
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

    query ATTEMPTS_MADE_BETWEEN {
        select_attempt!("where gateway = $1 and created_at >= $2 and created_at < $3 order by id")
    }

    insert ATTEMPTS_ADD {
        "attempts" (
            id uuid, order_id uuid, gateway text, state text, amount bigint, currency text,
            pays bigint, pays_currency text, rate bigint, tax bigint, two_stage boolean, details text, deadline timestamptz,
            payable_until timestamptz, reason text, captured bigint, observations bigint,
            last_saw text,
            created_at timestamptz, updated_at timestamptz, since timestamptz,
            poll_at timestamptz, polls bigint
        )
    }

    update ATTEMPTS_SET {
        "attempts" by (id uuid) set (
            state text, reference text, secondary text, redirect_url text, method text,
            review text, reason text, orphan boolean, unwanted boolean, captured bigint,
            reserved bigint, refunded bigint, worth_back bigint, fee bigint, observations bigint,
            last_saw text, updated_at timestamptz, since timestamptz, poll_at timestamptz, polls bigint
        )
    }

    query ATTEMPT_SUBMITTED {
        "update attempts set
             state = case when state = 'submitting' then 'awaiting_payer' else state end,
             reference = coalesce(reference, $2), redirect_url = $3, updated_at = $4,
             since = case when state = 'submitting' then $4 else since end,
             poll_at = case when state = 'closing' then $4 else $5 end,
             secondary = coalesce(secondary, $6), payable_until = coalesce($7, payable_until)
         where id = $1 and state in ('submitting', 'awaiting_payer', 'closing')
             and redirect_url is null and review is null"
    }

    query ATTEMPT_POLLED {
        "update attempts set polls = polls + 1,
             poll_at = case when state = 'canceled' then $2 else coalesce($2, poll_at) end
         where id = $1 and poll_at is not null"
    }

    query ATTEMPT_POLL_SOON {
        "update attempts set poll_at = $2
         where id = $1 and poll_at > $2 and state <> 'canceled'"
    }

    update ATTEMPTS_ERASE {
        "attempts" by (id uuid) set (details text, method text)
    }

    query NOTICES_ERASE {
        "update notices set body = '', headers = '{}', source = null
         where attempt_id = $1 and handled_at is not null"
    }

    query REFUND_REASONS_ERASE {
        "update refunds set reason = '' where order_id = $1"
    }

    insert HISTORY_ADD {
        "attempt_history" (
            attempt_id uuid, seq bigint, source text, saw text, amount bigint, currency text,
            refunded bigint, reference text, effect text, at timestamptz
        )
    }

    query HISTORY {
        "select attempt_id, seq, source, saw, amount, currency, refunded, reference, effect, at
         from attempt_history where attempt_id = $1 order by seq"
    }

    query REFUNDS {
        select_refund!("where id = any($1)")
    }

    query REFUNDS_OF_ATTEMPTS_LOCKED {
        select_refund!("where attempt_id = any($1) order by id for update")
    }

    query REFUNDS_OF_ORDER {
        select_refund!("where order_id = $1 order by id")
    }

    query REFUNDS_BETWEEN {
        select_refund!(
            "where attempt_id in (select id from attempts where gateway = $1)
                 and created_at < $3 and updated_at >= $2 order by id"
        )
    }

    query REFUNDS_OF_ATTEMPTS {
        select_refund!("where attempt_id = any($1) order by id")
    }

    query REFUNDS_STUCK {
        select_refund!(
            "where state in ('reserved', 'sent', 'pending') and created_at <= $1
             order by id limit $2"
        )
    }

    query REFUNDS_FAILED {
        select_refund!(
            "where state = 'failed' and not exists (
                 select 1 from refunds n where n.attempt_id = refunds.attempt_id
                     and n.id > refunds.id and n.state <> 'failed' and n.worth >= refunds.worth
             ) order by id limit $1"
        )
    }

    query REFUNDS_DUE {
        select_refund!("where due_at <= $1 order by due_at limit $2")
    }

    insert REFUNDS_ADD {
        "refunds" (
            id uuid, attempt_id uuid, order_id uuid, amount bigint, currency text, worth bigint,
            reason text, origin text, state text, reference text, failure text, actor uuid,
            due_at timestamptz, created_at timestamptz, updated_at timestamptz
        )
    }

    update REFUNDS_SET {
        "refunds" by (id uuid) set (
            state text, reference text, failure text, updated_at timestamptz, due_at timestamptz
        )
    }

    query REFUND_SENT {
        "update refunds set tries = tries + 1, due_at = $3, sent_at = coalesce(sent_at, $2),
             state = case when state = 'reserved' then 'sent' else state end, updated_at = $2
         where id = $1 and state in ('reserved', 'sent', 'pending')"
    }

    query REFUND_SOON {
        "update refunds set due_at = $2 where id = $1 and due_at > $2"
    }

    query REFUND_LINES {
        "select refund_id, position, quantity, amount, restocked from refund_lines
         where refund_id = any($1) order by refund_id, position"
    }

    query REFUND_LINES_OF_ORDER {
        "select l.refund_id, l.position, l.quantity, l.amount, l.restocked from refund_lines l
         join refunds r on r.id = l.refund_id where r.order_id = $1
         order by l.refund_id, l.position"
    }

    insert REFUND_LINES_ADD {
        "refund_lines" (
            refund_id uuid, position bigint, quantity bigint, amount bigint, restocked boolean
        )
    }

    insert LEDGER_ADD {
        "ledger" (
            txn uuid, line bigint, account text, currency text, amount bigint, kind text,
            order_id uuid, attempt_id uuid, refund_id uuid, at timestamptz
        )
    }

    query BALANCES {
        "select account, currency, cast(sum(amount) as bigint) from ledger
         group by account, currency order by account, currency"
    }

    query LEDGER_OF_ORDER {
        "select txn, line, account, currency, amount, kind, at from ledger
         where order_id = $1 order by txn, line"
    }

    query NOTICE_ADD {
        "insert into notices (id, gateway, dedupe_key, reference, attempt_id, body, headers,
         source, received_at, due_at, kind, payment, refund_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)
         on conflict (gateway, dedupe_key) do nothing"
    }

    query NOTICES_DUE {
        "select id, gateway, reference, attempt_id, kind, payment, refund_id, tries from notices
         where due_at <= $1 order by due_at limit $2"
    }

    query NOTICE_HANDLED {
        "update notices set handled_at = $2, effect = $3, due_at = null where id = $1"
    }

    query NOTICE_FAILED {
        "update notices set tries = tries + 1, due_at = $2 where id = $1 and handled_at is null"
    }

    query NOTICE_MATCHED {
        "update notices set attempt_id = $2 where id = $1"
    }

    query NOTICES_WAITING {
        "select id, gateway, dedupe_key, reference, attempt_id, body, headers, source,
             received_at, tries, due_at from notices
         where due_at is not null and tries > 0 and id < $1 order by id desc limit $2"
    }

    query NOTICES_GIVEN_UP {
        "select id, gateway, dedupe_key, reference, attempt_id, body, headers, source,
             received_at, tries, effect from notices
         where handled_at is not null and effect like 'given up%' and id < $1
         order by id desc limit $2"
    }

    query NOTICE_REPLAYED {
        "update notices set due_at = $2, handled_at = null, effect = null, tries = 0
         where id = $1 and handled_at is not null"
    }

    query STATEMENT_KEPT {
        "insert into statements (gateway, reference, attempt_id, status, amount, currency,
             captured, refunded, fee, made_at, seen_at, unmatched_since)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (gateway, reference) do update set
             attempt_id = coalesce(excluded.attempt_id, statements.attempt_id),
             status = excluded.status, amount = excluded.amount, currency = excluded.currency,
             captured = excluded.captured, refunded = excluded.refunded,
             fee = coalesce(excluded.fee, statements.fee),
             made_at = coalesce(excluded.made_at, statements.made_at),
             seen_at = excluded.seen_at,
             unmatched_since = case when excluded.unmatched_since is null then null
                 else coalesce(statements.unmatched_since, excluded.unmatched_since) end"
    }

    query STATEMENTS_UNMATCHED {
        "select gateway, reference, attempt_id, status, amount, currency, captured, refunded, fee,
             made_at, seen_at, unmatched_since from statements
         where unmatched_since is not null order by unmatched_since limit $1"
    }

    query DISPUTE_KEPT {
        "insert into disputes (gateway, reference, attempt_id, order_id, state, amount, currency,
             reason, opened_at, updated_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (gateway, reference) do update set
             state = excluded.state, amount = excluded.amount, reason = excluded.reason,
             updated_at = excluded.updated_at, due_at = excluded.due_at
         where disputes.state = 'open'"
    }

    query DISPUTES_DUE {
        "select gateway, reference, attempt_id, order_id, state, amount, currency, reason,
             opened_at, updated_at, due_at from disputes
         where due_at <= $1 order by due_at limit $2"
    }

    query DISPUTE_POLLED {
        "update disputes set due_at = $3 where gateway = $1 and reference = $2 and state = 'open'"
    }

    query DISPUTES_NOT_WON {
        "select gateway, reference, attempt_id, order_id, state, amount, currency, reason,
             opened_at, updated_at, due_at from disputes
         where state in ('open', 'lost') order by opened_at limit $1"
    }

    query DISPUTES_OF_ATTEMPTS {
        "select gateway, reference, attempt_id, order_id, state, amount, currency, reason,
             opened_at, updated_at, due_at from disputes where attempt_id = any($1)
         order by gateway, reference"
    }

    query DAY_COMPARED {
        "insert into days_compared (gateway, day, differences, compared_at)
         values ($1, $2, $3, $4)
         on conflict (gateway, day) do update set
             differences = excluded.differences, compared_at = excluded.compared_at"
    }

    query WAS_DAY_COMPARED {
        "select compared_at from days_compared where gateway = $1 and day = $2"
    }

    query DAYS_THAT_DIFFER {
        "select gateway, day, differences, compared_at from days_compared
         where differences > 0 order by day desc, gateway limit $1"
    }

    query ATTENDED {
        "select subject from attended order by at desc limit $1"
    }

    query ATTEND {
        "insert into attended (subject, actor, note, at) values ($1, $2, $3, $4)
         on conflict (subject) do nothing"
    }

    query LIST_READ_UNTIL {
        "select read_until from list_marks where gateway = $1"
    }

    query LIST_READ {
        "insert into list_marks (gateway, read_until) values ($1, $2)
         on conflict (gateway) do update set read_until = excluded.read_until"
    }
}
