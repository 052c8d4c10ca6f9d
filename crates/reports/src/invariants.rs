//! What must hold at every moment, each with a name, a sentence and its statement.

use store::Statement;

use crate::sql;

/// Something that must hold.
pub(crate) struct Invariant {
    /// Stable; the number is for people who talk about it.
    pub name: &'static str,
    /// What holds, in one sentence.
    pub says: &'static str,
    /// Finds what breaks it.
    pub finds: &'static Statement,
    /// How the statement finds it.
    pub how: How,
}

/// How a statement finds what is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Its rows are the places.
    Alone,
    /// As alone; it asks for the instant before which things should have happened.
    InTime,
    /// Its rows are the lines of the audit log behind a number, to be walked along.
    AlongTheChain,
}

const fn always(name: &'static str, says: &'static str, finds: &'static Statement) -> Invariant {
    Invariant { name, says, finds, how: How::Alone }
}

const fn in_time(name: &'static str, says: &'static str, finds: &'static Statement) -> Invariant {
    Invariant { name, says, finds, how: How::InTime }
}

const fn chain(name: &'static str, says: &'static str, finds: &'static Statement) -> Invariant {
    Invariant { name, says, finds, how: How::AlongTheChain }
}

/// All of them. Numbers that are missing belong to tables that are not there yet.
pub(crate) static ALL: &[Invariant] = &[
    always(
        "I01_no_negative_stock",
        "No counter of stock is below zero, and no more is held than is there.",
        &sql::NO_NEGATIVE_STOCK,
    ),
    always(
        "I02_held_equals_live_holds",
        "The held units of a variant are the sum of its holds.",
        &sql::HELD_EQUALS_LIVE_HOLDS,
    ),
    always(
        "I03_on_hand_equals_movements",
        "The units on hand of a variant are the sum of its movements.",
        &sql::ON_HAND_EQUALS_MOVEMENTS,
    ),
    always(
        "I04_sold_equals_committed_lines",
        "The sold units of a variant are those in the lines of orders that have them.",
        &sql::SOLD_EQUALS_COMMITTED_LINES,
    ),
    always(
        "I05_sale_movements_equal_lines",
        "An order that has its units took exactly those of its lines from the shelf.",
        &sql::SALE_MOVEMENTS_EQUAL_LINES,
    ),
    in_time(
        "I06_no_stale_cart_hold",
        "No cart holds units whose time is over.",
        &sql::NO_STALE_CART_HOLD,
    ),
    always(
        "I07_hold_belongs",
        "A hold belongs to an unpaid order with the same units, or to a cart line with as many.",
        &sql::HOLD_BELONGS,
    ),
    always(
        "I08_no_bad_line",
        "Every line has a quantity above zero, a price, and their product as its total.",
        &sql::NO_BAD_LINE,
    ),
    always(
        "I09_order_arithmetic",
        "The sums of an order are those of its lines, and its total follows from them.",
        &sql::ORDER_ARITHMETIC,
    ),
    always(
        "I10_order_number_unique",
        "No two orders have the same number.",
        &sql::ORDER_NUMBER_UNIQUE,
    ),
    always(
        "I11_one_order_per_cart_version",
        "No two orders were made from the same version of a cart.",
        &sql::ONE_ORDER_PER_CART_VERSION,
    ),
    always(
        "I12_paid_order_has_exactly_one_exact_payment",
        "A paid order was paid once, its total in its currency or at a rate, and the money was kept.",
        &sql::PAID_ORDER_HAS_EXACTLY_ONE_EXACT_PAYMENT,
    ),
    always(
        "I13_no_orphan_money",
        "Money that no order wants is on its way back, all of it.",
        &sql::NO_ORPHAN_MONEY,
    ),
    always(
        "I14_refunds_within_captured",
        "No more goes back than came, in the currency it came in and of what it paid of the order.",
        &sql::REFUNDS_WITHIN_CAPTURED,
    ),
    always(
        "I15_ledger_balances",
        "The lines of every transaction of the ledger add up to nothing in each currency.",
        &sql::LEDGER_BALANCES,
    ),
    always(
        "I16_ledger_equals_captured_minus_refunded",
        "What gateways owe by the ledger, customers are owed, and was exchanged, is what payments say.",
        &sql::LEDGER_EQUALS_CAPTURED_MINUS_REFUNDED,
    ),
    in_time(
        "I17_inbox_unique_and_handled",
        "A notice is kept once, and looked into when it is due.",
        &sql::INBOX_UNIQUE_AND_HANDLED,
    ),
    always(
        "I18_provider_ref_unique",
        "No two attempts go by the same reference at a gateway.",
        &sql::PROVIDER_REF_UNIQUE,
    ),
    always(
        "I20_dead_order_keeps_nothing",
        "An order that has ended holds nothing and has taken nothing from the shelf.",
        &sql::DEAD_ORDER_KEEPS_NOTHING,
    ),
    always(
        "I21_every_transition_legal_and_last_matches",
        "Every step of an order is one it may take, and the last led to where it stands.",
        &sql::EVERY_TRANSITION_LEGAL_AND_LAST_MATCHES,
    ),
    always(
        "I22_one_event_per_step_gapless",
        "Every step of an order has its event, and no event is missing.",
        &sql::ONE_EVENT_PER_STEP_GAPLESS,
    ),
    in_time(
        "I23_outbox_drained",
        "No event that is due waits to be handed on.",
        &sql::OUTBOX_DRAINED,
    ),
    always(
        "I24_handled_consistent",
        "What was handled is an event, once for each consumer; nothing is handed on and dead.",
        &sql::HANDLED_CONSISTENT,
    ),
    always(
        "I25_idempotency_sound",
        "A key has one request and one answer.",
        &sql::IDEMPOTENCY_SOUND,
    ),
    always(
        "I30_history_gapless_and_counted",
        "The history of an order counts its steps without a gap.",
        &sql::HISTORY_GAPLESS_AND_COUNTED,
    ),
    always(
        "I31_attempt_history_gapless",
        "The history of an attempt to pay counts what was observed without a gap.",
        &sql::ATTEMPT_HISTORY_GAPLESS,
    ),
    in_time(
        "I32_no_unpaid_order_past_its_time",
        "No order waits for its payment longer than it may.",
        &sql::NO_UNPAID_ORDER_PAST_ITS_TIME,
    ),
    always(
        "I33_product_sold_equals_committed_lines",
        "The sold units of a product are those in the lines of orders that have them.",
        &sql::PRODUCT_SOLD_EQUALS_COMMITTED_LINES,
    ),
    always(
        "I34_a_claim_is_being_captured",
        "An order is claimed by the one payment whose money is being taken, and by no other.",
        &sql::A_CLAIM_IS_BEING_CAPTURED,
    ),
    always(
        "I35_no_payment_is_forgotten",
        "Whatever is under way at a gateway has a time at which it is looked at again.",
        &sql::NO_PAYMENT_IS_FORGOTTEN,
    ),
    always(
        "I36_a_rate_is_kept",
        "A payment in another currency is what it pays of its order, at the rate it was begun with.",
        &sql::A_RATE_IS_KEPT,
    ),
    chain(
        "I37_the_audit_log_is_a_chain",
        "Every line of the audit log has its hash and that of the line before, up to the last.",
        &sql::AUDIT_LINES,
    ),
    in_time(
        "X2_gateway_success_has_paid_order_or_refund",
        "Money that a gateway's list says it took has a paid order, or is on its way back.",
        &sql::GATEWAY_SUCCESS_HAS_PAID_ORDER_OR_REFUND,
    ),
    always(
        "X3_our_settled_is_gateway_succeeded",
        "What we say was paid and went back is what the gateway's newer list says.",
        &sql::OUR_SETTLED_IS_GATEWAY_SUCCEEDED,
    ),
    in_time(
        "X4_one_gateway_charge_per_order",
        "No gateway's list shows an order paid twice.",
        &sql::ONE_GATEWAY_CHARGE_PER_ORDER,
    ),
];
