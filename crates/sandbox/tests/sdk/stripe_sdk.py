"""Stripe's own library: sessions, intents, refunds, events, signed webhooks."""

import json

import stripe

from checks import URL, Ear, Page, check, control, refused, steps

stripe.api_key = "sk_test_HoldfastSandbox0123456789"
stripe.api_base = URL
stripe.max_network_retries = 0
ear = Ear(b"")
hook = {}


def wish(attempt, amount=123450, **more):
    manual = {"capture_method": "manual", "metadata": {"attempt_id": attempt}}
    return {
        "mode": "payment",
        "client_reference_id": "HF-42",
        "metadata": {"order_id": "HF-42", "attempt_id": attempt},
        "payment_intent_data": manual,
        "line_items": [{"quantity": 1, "price_data": {
            "currency": "eur", "unit_amount": amount, "product_data": {"name": "Order HF-42"}}}],
        "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cart",
        **more,
    }


def heard(kind, subject):
    """The event of this kind about this object, checked by the library."""
    def wanted(_, body):
        told = json.loads(body)
        return (told["type"], told["data"]["object"]["id"]) == (kind, subject)
    headers, body = ear.hear(wanted)
    event = stripe.Webhook.construct_event(body, headers["stripe-signature"], hook["secret"])
    return event, headers, body


def setting_up():
    made = stripe.WebhookEndpoint.create(
        url=ear.url, enabled_events=["*"], api_version=stripe.api_version)
    hook.update(id=made.id, secret=made.secret)
    check("endpoint: its secret is told once", made.secret.startswith("whsec_")
          and "secret" not in stripe.WebhookEndpoint.retrieve(made.id))
    check("the version of the API is the library's", made.api_version == stripe.api_version,
          made.api_version)
    wrong = stripe.StripeClient("sk_test_wrong", base_addresses={"api": URL})
    refused("a wrong key is refused", lambda: wrong.v1.refunds.list(),
            lambda e: isinstance(e, stripe.AuthenticationError))


def two_steps():
    session = stripe.checkout.Session.create(**wish("a-1"), idempotency_key="a-1")
    check("create: open and unpaid, no intent yet", (session.status, session.payment_status,
          session.payment_intent) == ("open", "unpaid", None), session)
    check("create: the sum", (session.amount_total, session.currency) == (123450, "eur"))
    again = stripe.checkout.Session.create(**wish("a-1"), idempotency_key="a-1")
    replayed = again.last_response.headers.get("Idempotent-Replayed")
    check("create: the same key, the same session", (again.id, replayed) == (session.id, "true"))
    refused("create: the same key, other parameters",
            lambda: stripe.checkout.Session.create(**wish("a-1", 777), idempotency_key="a-1"),
            lambda e: isinstance(e, stripe.IdempotencyError) and e.http_status == 400)

    page = Page(session.url)
    check("page: sum and order", "1,234.50" in page.text and "HF-42" in page.text, page.text)
    back = page.press("pay")
    check("page: leads back with the session's id", f"done?s={session.id}" in back, back)

    session = stripe.checkout.Session.retrieve(session.id, expand=["payment_intent.latest_charge"])
    intent = session.payment_intent
    check("pay: complete, but not paid yet", (session.status, session.payment_status, session.url)
          == ("complete", "unpaid", None), session)
    check("pay: the intent waits for capture", (intent.status, intent.amount_capturable,
          intent.amount_received) == ("requires_capture", 123450, 0), intent)
    check("pay: the intent has its own metadata", intent.metadata["attempt_id"] == "a-1")
    card = intent.latest_charge.payment_method_details.card
    check("pay: a card without its number", (card.brand, card.last4) == ("visa", "4242"), card)
    event, _, _ = heard("payment_intent.amount_capturable_updated", intent.id)
    check("webhook: signed, about the intent", event.livemode is False, event)
    heard("checkout.session.completed", session.id)
    check("webhook: the session is complete", True)

    done = stripe.PaymentIntent.capture(intent.id, idempotency_key="c-a-1")
    check("capture: succeeded", (done.status, done.amount_received) == ("succeeded", 123450), done)
    _, headers, body = heard("payment_intent.succeeded", intent.id)
    refused("webhook: another byte", lambda: stripe.Webhook.construct_event(
        body + b" ", headers["stripe-signature"], hook["secret"]),
        lambda e: isinstance(e, stripe.SignatureVerificationError))
    refused("capture: not twice", lambda: stripe.PaymentIntent.capture(intent.id),
            lambda e: e.code == "payment_intent_unexpected_state"
            and e.error.payment_intent.status == "succeeded")
    paid = stripe.checkout.Session.retrieve(session.id)
    check("capture: now the session is paid", paid.payment_status == "paid", paid)
    fee = stripe.Charge.retrieve(done.latest_charge, expand=["balance_transaction"])
    check("capture: fee and net", fee.balance_transaction.net + fee.balance_transaction.fee
          == 123450, fee)
    return intent.id


def refunds(intent):
    part = stripe.Refund.create(payment_intent=intent, amount=3450, metadata={"refund_id": "r-1"},
                                reason="requested_by_customer", idempotency_key="r-1")
    check("refund: part of it", (part.status, part.amount) == ("succeeded", 3450), part)
    heard("refund.created", part.id)
    event, _, _ = heard("charge.refunded", part.charge)
    check("webhook: the charge knows what went back", event.data.object.amount_refunded == 3450)
    refused("refund: never more than was paid",
            lambda: stripe.Refund.create(payment_intent=intent, amount=120001),
            lambda e: isinstance(e, stripe.InvalidRequestError) and e.param == "amount")
    rest = stripe.Refund.create(payment_intent=intent)
    check("refund: without a sum, the rest", rest.amount == 120000, rest)
    refused("refund: nothing is left", lambda: stripe.Refund.create(payment_intent=intent),
            lambda e: e.code == "charge_already_refunded")
    check("refund: by its id", stripe.Refund.retrieve(part.id).metadata["refund_id"] == "r-1")
    listed = [r.id for r in stripe.Refund.list(payment_intent=intent).auto_paging_iter()]
    check("refund: listed, newest first", listed == [rest.id, part.id], listed)
    control(f"refunds/{rest.id}/fail?reason=expired_or_canceled_card")
    event, _, _ = heard("refund.failed", rest.id)
    check("refund: fails days later", (event.data.object.status, event.data.object.failure_reason)
          == ("failed", "expired_or_canceled_card"), event)


def other_ends():
    one = stripe.checkout.Session.create(**{**wish("b-1"), "payment_intent_data": {}})
    control(f"stripe/{one.id}/pay")
    one = stripe.checkout.Session.retrieve(one.id, expand=["payment_intent"])
    check("one step: paid at once", (one.payment_status, one.payment_intent.status)
          == ("paid", "succeeded"), one)

    held = stripe.checkout.Session.create(**wish("b-2"))
    control(f"stripe/{held.id}/pay")
    held = stripe.checkout.Session.retrieve(held.id)
    done = stripe.PaymentIntent.capture(held.payment_intent, amount_to_capture=100000)
    check("partial capture", (done.amount, done.amount_received, done.amount_capturable)
          == (123450, 100000, 0), done)

    gone = stripe.checkout.Session.create(**wish("b-3"))
    control(f"stripe/{gone.id}/pay")
    gone = stripe.checkout.Session.retrieve(gone.id)
    gone = stripe.PaymentIntent.cancel(gone.payment_intent, cancellation_reason="duplicate")
    check("cancel: the hold is let go", (gone.status, gone.cancellation_reason)
          == ("canceled", "duplicate"), gone)
    heard("payment_intent.canceled", gone.id)

    shut = stripe.checkout.Session.create(**wish("b-4"))
    check("expire: the page is closed", stripe.checkout.Session.expire(shut.id).status == "expired")
    heard("checkout.session.expired", shut.id)
    refused("expire: only once", lambda: stripe.checkout.Session.expire(shut.id),
            lambda e: isinstance(e, stripe.InvalidRequestError))

    poor = stripe.checkout.Session.create(**wish("b-5"))
    control(f"stripe/{poor.id}/decline?reason=insufficient_funds")
    poor = stripe.checkout.Session.retrieve(poor.id, expand=["payment_intent"])
    check("decline: the session stays open", (poor.status, poor.payment_intent.status)
          == ("open", "requires_payment_method"), poor)
    check("decline: with its reason", poor.payment_intent.last_payment_error.decline_code
          == "insufficient_funds")
    heard("payment_intent.payment_failed", poor.payment_intent.id)

    slow = stripe.checkout.Session.create(**{**wish("b-6"), "payment_intent_data": {}})
    control(f"stripe/{slow.id}/process")
    slow = stripe.checkout.Session.retrieve(slow.id, expand=["payment_intent"])
    check("a method that takes days: complete, processing", (slow.status, slow.payment_status,
          slow.payment_intent.status) == ("complete", "unpaid", "processing"), slow)
    control(f"stripe/{slow.id}/pay")
    heard("checkout.session.async_payment_succeeded", slow.id)
    check("a method that takes days: succeeds", True)

    refused("nobody's session is not found", lambda: stripe.checkout.Session.retrieve("cs_test_no"),
            lambda e: e.code == "resource_missing" and e.http_status == 404)
    refused("a parameter with a wrong name is refused",
            lambda: stripe.checkout.Session.create(**wish("b-7", sucess_url="x")),
            lambda e: e.code == "parameter_unknown")
    refused("too small a sum is refused", lambda: stripe.checkout.Session.create(**wish("b-8", 49)),
            lambda e: e.code == "amount_too_small")


def lists():
    sessions = list(stripe.checkout.Session.list(limit=2).auto_paging_iter())
    check("list: sessions page by page, each once", len({s.id for s in sessions}) == len(sessions)
          >= 7, len(sessions))
    expired = stripe.checkout.Session.list(status="expired").data
    check("list: by status", {s.status for s in expired} == {"expired"})
    intents = list(stripe.PaymentIntent.list(limit=3).auto_paging_iter())
    check("list: intents, newest first",
          [i.created for i in intents] == sorted((i.created for i in intents), reverse=True))
    events = list(stripe.Event.list(limit=5, type="checkout.session.completed").auto_paging_iter())
    check("list: events by type", len(events) >= 4
          and {e.type for e in events} == {"checkout.session.completed"}, len(events))
    check("an event by its id", stripe.Event.retrieve(events[0].id).data.object.id
          == events[0].data.object.id)
    found = stripe.PaymentIntent.search(query="metadata['attempt_id']:'a-1'")
    check("search: is behind by a minute", found.data == [], found)


def rotation():
    rolled = control(f"stripe/{hook['id']}/roll")
    one = stripe.checkout.Session.create(**wish("z-1"))
    stripe.checkout.Session.expire(one.id)
    headers, body = ear.hear(lambda _, body: one.id.encode() in body)
    for which, secret in (("new", rolled["secret"]), ("old", hook["secret"])):
        event = stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
        check(f"rotation: the {which} secret verifies", event.data.object.id == one.id)


def all_of_it():
    refunds(two_steps())


steps(setting_up, all_of_it, other_ends, lists, rotation)
