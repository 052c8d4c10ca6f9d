//! Every code an error answer can carry, and what it means.

use std::fmt::Write as _;

/// Code, HTTP status, meaning. In the order of the status, then of the alphabet.
static CATALOGUE: &[(&str, u16, &str)] = &[
    ("body-incomplete", 400, "The connection ended before the body did."),
    ("cursor-invalid", 400, "No page of this list in this order has given this cursor."),
    ("idempotency-key-invalid", 400, "The `Idempotency-Key` is not 1 to 255 visible characters."),
    (
        "idempotency-key-missing",
        400,
        "This request moves money or stock and needs an `Idempotency-Key`.",
    ),
    ("limit-invalid", 400, "A page cannot have this many items."),
    (
        "malformed-json",
        400,
        "The body is not JSON; `line` and `column` say where it stops being it.",
    ),
    ("parameter-invalid", 400, "A parameter in the address is not what it should be."),
    ("unknown-parameter", 400, "The address has a parameter that nobody reads."),
    (
        "login-over",
        401,
        "The sign-in took too long, had too many tries, or is completed: begin again.",
    ),
    ("login-failed", 401, "The login or the password is not right."),
    (
        "token-invalid",
        401,
        "The token is not one of this shop, or no longer: get another one, or sign in again.",
    ),
    ("unauthorized", 401, "The request carries no token."),
    ("cross-site", 403, "A form of a page was sent from another site."),
    ("forbidden", 403, "The account is signed in, but may not do this."),
    (
        "invitation-for-an-account",
        403,
        "There is an account with the invited login: sign in with it to accept.",
    ),
    (
        "more-than-yours",
        403,
        "Nobody hands out more than they may do; `permission` or `role` says what is too much.",
    ),
    (
        "second-factor-required",
        403,
        "The session was opened without the account's second factor: sign in again. With 202: the password is right, and the second step is to come.",
    ),
    (
        "second-factor-setup-required",
        403,
        "People of the shop have a second factor: set one up first, under `/me/second-factor`.",
    ),
    ("address-unknown", 404, "There is no such address, or it is somebody else's."),
    ("category-unknown", 404, "There is no such category."),
    ("not-found", 404, "There is no such thing, or it is somebody else's."),
    ("product-unknown", 404, "There is no such product."),
    ("second-factor-unknown", 404, "The account has no such second factor."),
    ("variant-unknown", 404, "There is no such variant."),
    (
        "method-not-allowed",
        405,
        "This address does not take this method; `Allow` names those it takes.",
    ),
    ("request-timeout", 408, "The body did not come in time."),
    ("already-staff", 409, "Whoever has this login works in the shop already."),
    (
        "cart-already-ordered",
        409,
        "An order was already made from this cart; `order_id` and `number` name it.",
    ),
    ("cart-changed", 409, "The cart has changed since the quote was made: ask for a new quote."),
    (
        "changed-meanwhile",
        409,
        "Somebody changed it since you looked; `version` is how it is counted now.",
    ),
    ("last-owner", 409, "The shop would be left without an owner who can sign in."),
    ("login-taken", 409, "There is already an account with this login."),
    ("last-second-factor", 409, "It is the last second factor of somebody who must have one."),
    ("staff-account", 409, "People of the shop cannot do this with their own account."),
    ("too-many-answers", 409, "The account has answered too often: nothing more is kept."),
    ("hold-used-up", 409, "The hold on the cart's units was extended as often as it can be."),
    (
        "notice-waits",
        409,
        "The notice was not given up: it waits to be looked into, or there is no such notice.",
    ),
    ("nothing-to-confirm", 409, "No new secret waits to be confirmed: ask for one."),
    ("no-password", 409, "The account has no password that could be changed: set one with a code."),
    ("nothing-to-pay", 409, "The order does not wait for a payment; `state` says where it stands."),
    ("nothing-to-refund", 409, "No money of the order can go back; `state` says where it stands."),
    ("order-state", 409, "The order cannot go from `state` to `wanted`."),
    (
        "out-of-stock",
        409,
        "Fewer units can be had than were asked for; `short` says of what and how many there are.",
    ),
    (
        "payment-under-way",
        409,
        "The order's payment is just being confirmed: wait a moment and look again.",
    ),
    ("quote-changed", 409, "Prices have changed since the quote was made; `changes` says which."),
    ("quote-expired", 409, "The quote is too old: ask for a new one."),
    (
        "refund-too-much",
        409,
        "More was to go back than is left; `left` says how much that is, in minor units.",
    ),
    (
        "refund-too-small",
        409,
        "It was paid in `currency`, which has no coin as small as this: give more back at once.",
    ),
    ("sku-taken", 409, "Another variant has this SKU."),
    ("slug-taken", 409, "Another product or category has this slug."),
    ("too-many-addresses", 409, "The account keeps as many addresses as it can."),
    ("invitation-over", 410, "The invitation is too old, accepted, withdrawn, or was never made."),
    (
        "code-over",
        410,
        "The code is too old, was used, guessed at or sent too often, or never was: ask for another.",
    ),
    ("body-too-large", 413, "The body is larger than `max` bytes."),
    ("unsupported-media-type", 415, "The body is not sent as plain JSON in UTF-8."),
    (
        "address-invalid",
        422,
        "A field of the address is not as it should be; `field` and `problem` say more.",
    ),
    ("address-missing", 422, "There is no address to deliver to."),
    ("amount-too-large", 422, "The sum is beyond what can be counted."),
    (
        "category-invalid",
        422,
        "A field of the category is not as it should be; `field` and `problem` say more.",
    ),
    ("password-wrong", 422, "The account's password was not sent with it, or another one."),
    ("purpose-invalid", 422, "A purpose is a short name of small letters, digits and dashes."),
    ("wording-invalid", 422, "The words that were shown are missing or too long."),
    ("code-invalid", 422, "A code has six digits."),
    ("code-required", 422, "Nobody gets an account in this shop without a code: ask for one."),
    ("code-wrong", 422, "This is not the code; `left` says how many tries are left."),
    ("currency-unknown", 422, "The price is in a currency that the shop does not take."),
    (
        "contact-invalid",
        422,
        "A guest cannot be reached there: neither an e-mail address nor a telephone number with its country's code.",
    ),
    (
        "login-invalid",
        422,
        "This is neither an e-mail address, nor a telephone number with its country's code, nor a name.",
    ),
    (
        "login-unreachable",
        422,
        "No code can be sent to a name: use an e-mail address or a telephone number.",
    ),
    ("form-invalid", 422, "A form of a page did not come as it was sent out."),
    (
        "idempotency-key-mismatch",
        422,
        "The `Idempotency-Key` of an order is the id of its quote, or is left out.",
    ),
    ("idempotency-key-reused", 422, "The key came before with another request."),
    (
        "key-invalid",
        422,
        "A field of the key is not as it should be; `field` and `problem` say more.",
    ),
    (
        "invitation-needs-an-account",
        422,
        "There is no account with the invited login: choose a name and a password.",
    ),
    ("name-invalid", 422, "The name is empty, too long, or more than one line."),
    ("nothing-selected", 422, "Nothing in the cart is selected for checkout."),
    ("password-too-common", 422, "The password is among the first that anybody would try."),
    ("password-too-long", 422, "The password has more characters than `max_length`."),
    ("password-too-short", 422, "The password has fewer characters than `min_length`."),
    ("payment-method-unfit", 422, "This way to pay does not take this amount or currency."),
    ("payment-method-unknown", 422, "This is not a way to pay here."),
    (
        "product-invalid",
        422,
        "A field of the product, variant or price is not as it should be; `field` and `problem` say more.",
    ),
    ("quantity-invalid", 422, "The quantity is not between `min` and `max`."),
    ("quote-invalid", 422, "This is not a quote of this shop, or it was altered."),
    ("second-factor-wrong", 422, "The code is not right, too old, or was used before."),
    ("too-many-lines", 422, "The cart would have more than `max` different things."),
    ("units-invalid", 422, "The number of units is not between `min` and `max`."),
    ("validation", 422, "Fields are missing, unknown or of the wrong type; `errors` lists them."),
    ("second-factor-blocked", 429, "So many codes were wrong that none is looked at for an hour."),
    (
        "too-many-requests",
        429,
        "Too many requests came from this address or for this account: try again after \
         `Retry-After` seconds.",
    ),
    (
        "too-many-tries",
        429,
        "Too many wrong passwords were given for this login: try again after `Retry-After` \
         seconds, or sign in with a code.",
    ),
    (
        "too-many-codes",
        429,
        "Too many codes were asked for, or the last one only just now: `Retry-After` says when.",
    ),
    ("internal", 500, "Something is broken on our side; `instance` is the request id to tell us."),
    ("books-closed", 502, "A payment gateway did not show its books: try again later."),
    ("gateway-busy", 503, "The payment service does not answer. The order is kept: try again."),
    ("not-ready", 503, "The database does not answer, or cannot be read."),
    ("overloaded", 503, "Too many requests at once: try again after `Retry-After` seconds."),
    ("storage-full", 503, "The disk is full: nothing was written, reading goes on."),
    ("storage-unavailable", 503, "The database does not answer: try again with the same key."),
    (
        "timed-out",
        503,
        "The answer took too long. It may have happened: ask again with the same key.",
    ),
];

/// Every code an error answer can carry: code, HTTP status, meaning.
pub fn catalogue() -> &'static [(&'static str, u16, &'static str)] {
    CATALOGUE
}

/// The catalogue as the page `docs/errors.md`.
pub fn catalogue_markdown() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Every answer from 400 on is `application/problem+json` (RFC 9457):\n\n\
         ```json\n\
         {\"type\":\"/problems/out-of-stock\",\"title\":\"out of stock\",\"status\":409,\n \
         \"detail\":\"not enough in stock\",\"instance\":\"urn:uuid:0192f0c1-…\",\"short\":[…]}\n\
         ```\n\n\
         `type` is stable: programs look at nothing else. `detail` is for people, `instance` is \
         the request id, which also stands in `X-Request-Id` and in the log. Further members are \
         facts named below. This page is written by `holdfast errors`.\n\n\
         | type | status | meaning |\n|---|---|---|\n",
    );
    for (code, status, meaning) in CATALOGUE {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| `/problems/{code}` | {status} | {meaning} |");
    }
    page
}

/// What is known of a code.
pub(crate) fn entry(code: &str) -> Option<&'static (&'static str, u16, &'static str)> {
    CATALOGUE.iter().find(|(known, ..)| *known == code)
}
