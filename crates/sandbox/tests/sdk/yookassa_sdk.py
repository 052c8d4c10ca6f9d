"""YooKassa's own library: create, pay, capture, refund, cancel, lists, notifications."""

import json
import uuid

from yookassa import Configuration, Payment, Receipt, Refund, Settings
from yookassa.domain.notification import WebhookNotification, WebhookNotificationFactory
from yookassa.domain.exceptions import BadRequestError, NotFoundError, UnauthorizedError

from checks import URL, Ear, Page, check, control, refused, steps

SHOP, KEY = "100500", "test_HoldfastSecretKey0123456789"
Configuration.configure(SHOP, KEY, api_url=f"{URL}/v3")
ear = Ear()
control("yookassa/webhook_url", {"url": ear.url})


def rub(value):
    return {"value": value, "currency": "RUB"}


RECEIPT = {
    "customer": {"email": "a@example.com"},
    "items": [
        {"description": "Платье", "quantity": "2.00", "amount": rub("600.00"),
         "vat_code": 11, "payment_subject": "commodity", "payment_mode": "full_prepayment"},
        {"description": "Доставка", "quantity": 1, "amount": rub("34.50"),
         "vat_code": 11, "payment_subject": "service", "payment_mode": "full_prepayment"},
    ],
}


def wish(value, **more):
    return {
        "amount": rub(value),
        "confirmation": {"type": "redirect", "return_url": "https://shop.example/back"},
        "capture": False,
        "description": "Заказ HF-42",
        "metadata": {"order_id": "HF-42", "attempt_id": str(uuid.uuid4())},
        **more,
    }


def heard(event, subject):
    def wanted(_, body):
        told = json.loads(body)
        return (told["event"], told["object"]["id"]) == (event, subject)
    headers, body = ear.hear(wanted)
    return headers, WebhookNotificationFactory().create(json.loads(body))


def credentials():
    me = Settings.get_account_settings()
    check("settings of the account", (me.account_id, me.test) == (SHOP, True), dict(me))
    Configuration.configure(SHOP, "test_wrong", api_url=f"{URL}/v3")
    refused("a wrong key is refused", Settings.get_account_settings,
            lambda e: isinstance(e, UnauthorizedError))
    Configuration.configure(SHOP, KEY, api_url=f"{URL}/v3")


def two_steps():
    key = str(uuid.uuid4())
    asked = wish("1234.50", receipt=RECEIPT)
    payment = Payment.create(asked, key)
    check("create: pending", payment.status == "pending" and not payment.paid, payment.status)
    check("create: 36 characters of id", len(payment.id) == 36, payment.id)
    check("create: amount", (str(payment.amount.value), payment.amount.currency)
          == ("1234.50", "RUB"), dict(payment.amount))
    check("create: metadata", payment.metadata["order_id"] == "HF-42", payment.metadata)
    check("create: a test payment", payment.test is True, payment.test)
    again = Payment.create(asked, key)
    check("create: the same key, the same payment", again.id == payment.id, again.id)
    refused("create: the same key, another body", lambda: Payment.create(wish("7.00"), key),
            lambda e: isinstance(e, BadRequestError)
            and "Idempotence key duplicated" in str(e) and "Idempotence-Key" in str(e))

    page = Page(payment.confirmation.confirmation_url)
    check("page: sum and order", "1,234.50" in page.text and "HF-42" in page.text, page.text)
    back = page.press("pay")
    check("page: leads back to the shop", "https://shop.example/back" in back, back)

    held = Payment.find_one(payment.id)
    check("pay: waits for capture, paid", (held.status, held.paid)
          == ("waiting_for_capture", True), held.status)
    check("pay: the hold has an end", held.expires_at > held.created_at, held.expires_at)
    check("pay: a card without its number", held.payment_method.card.last4 == "4477",
          dict(held.payment_method))
    _, told = heard("payment.waiting_for_capture", payment.id)
    check("notification: waiting for capture", isinstance(told, WebhookNotification)
          and told.object.status == "waiting_for_capture", told)

    done = Payment.capture(payment.id, None, str(uuid.uuid4()))
    check("capture: succeeded", done.status == "succeeded", done.status)
    check("capture: income without the fee", 0 < done.income_amount.value < done.amount.value,
          dict(done.income_amount))
    check("capture: the receipt is registered", done.receipt_registration == "succeeded",
          done.receipt_registration)
    _, told = heard("payment.succeeded", payment.id)
    check("notification: succeeded", told.object.captured_at is not None, told)
    refused("capture: not twice under a new key",
            lambda: Payment.capture(payment.id, None, str(uuid.uuid4())),
            lambda e: isinstance(e, BadRequestError))
    refused("cancel: not after the capture", lambda: Payment.cancel(payment.id, str(uuid.uuid4())),
            lambda e: isinstance(e, BadRequestError))
    return payment.id


def refunds(payment_id):
    key = str(uuid.uuid4())
    part = {"payment_id": payment_id, "amount": rub("34.50"), "description": "Доставка",
            "metadata": {"refund_id": "r-1"}}
    refund = Refund.create(part, key)
    check("refund: part of it", refund.status == "succeeded", refund.status)
    check("refund: the same key, the same refund", Refund.create(part, key).id == refund.id)
    _, told = heard("refund.succeeded", refund.id)
    check("notification: refund", told.object.payment_id == payment_id, told)
    now = Payment.find_one(payment_id)
    check("refund: the payment stays succeeded and says how much went back",
          (now.status, str(now.refunded_amount.value)) == ("succeeded", "34.50"), now.status)
    refused("refund: never more than was paid", lambda: Refund.create(
        {"payment_id": payment_id, "amount": rub("1200.01")}, str(uuid.uuid4())),
        lambda e: isinstance(e, BadRequestError))
    rest = Refund.create({"payment_id": payment_id, "amount": rub("1200.00")}, str(uuid.uuid4()))
    check("refund: the rest", rest.status == "succeeded", rest.status)
    check("refund: nothing is left", Payment.find_one(payment_id).refundable is False)
    check("refund: by its id", Refund.find_one(refund.id).payment_id == payment_id)
    listed = Refund.list({"payment_id": payment_id})
    check("refund: listed, newest first", [item.id for item in listed.items]
          == [rest.id, refund.id], [item.id for item in listed.items])


def other_ends():
    paid = Payment.create(wish("500.00", capture=True), str(uuid.uuid4()))
    control(f"yookassa/{paid.id}/pay")
    check("one step: succeeded at once", Payment.find_one(paid.id).status == "succeeded")

    part = Payment.create(wish("500.00"), str(uuid.uuid4()))
    Page(part.confirmation.confirmation_url).press("pay")
    done = Payment.capture(part.id, {"amount": rub("300.00")}, str(uuid.uuid4()))
    check("partial capture: the amount is what was captured", str(done.amount.value) == "300.00",
          dict(done.amount))

    held = Payment.create(wish("500.00"), str(uuid.uuid4()))
    refused("cancel: not before it is paid", lambda: Payment.cancel(held.id, str(uuid.uuid4())),
            lambda e: isinstance(e, BadRequestError))
    Page(held.confirmation.confirmation_url).press("pay")
    gone = Payment.cancel(held.id, str(uuid.uuid4()))
    check("cancel: by the merchant", (gone.status, gone.cancellation_details.party,
          gone.cancellation_details.reason) == ("canceled", "merchant", "canceled_by_merchant"))
    _, told = heard("payment.canceled", held.id)
    check("notification: canceled", told.object.status == "canceled", told)

    poor = Payment.create(wish("500.00"), str(uuid.uuid4()))
    control(f"yookassa/{poor.id}/decline?reason=insufficient_funds")
    poor = Payment.find_one(poor.id)
    check("decline: with its reason", (poor.status, poor.cancellation_details.reason)
          == ("canceled", "insufficient_funds"), poor.status)
    slow = Payment.create(wish("500.00"), str(uuid.uuid4()))
    control(f"yookassa/{slow.id}/expire")
    slow = Payment.find_one(slow.id)
    check("expire: the payer's term", slow.cancellation_details.reason
          == "expired_on_confirmation", dict(slow.cancellation_details))
    secure = Payment.create(wish("500.00"), str(uuid.uuid4()))
    Page(secure.confirmation.confirmation_url).press("challenge")
    Page(secure.confirmation.confirmation_url).press("confirm")
    secure = Payment.find_one(secure.id)
    check("3-D Secure: applied", secure.authorization_details.three_d_secure.applied is True)
    refused("nobody's payment is not found", lambda: Payment.find_one("2419a771-000f-5000-9000-no"),
            lambda e: isinstance(e, NotFoundError))
    refused("another currency is refused", lambda: Payment.create(
        {**wish("5.00"), "amount": {"value": "5.00", "currency": "USD"}}, str(uuid.uuid4())),
        lambda e: isinstance(e, BadRequestError))


def lists():
    seen, cursor = [], None
    while True:
        page = Payment.list({"limit": 3, **({"cursor": cursor} if cursor else {})})
        seen += [(item.created_at, item.id) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    check("list: page by page, newest first, each once",
          len(seen) == len(set(seen)) >= 6 and seen == sorted(seen, key=lambda s: s[0], reverse=True),
          seen)
    only = Payment.list({"status": "succeeded", "limit": 100})
    check("list: by status", {item.status for item in only.items} == {"succeeded"})
    none = Payment.list({"created_at.lt": "2020-01-01T00:00:00.000Z"})
    check("list: by time", none.items == [], none.items)


def closing_receipt(payment_id):
    receipt = Receipt.create({
        "type": "payment", "payment_id": payment_id, "send": True,
        "customer": {"email": "a@example.com"},
        "items": [{"description": "Платье", "quantity": "1.000", "amount": rub("500.00"),
                   "vat_code": 11, "payment_subject": "commodity", "payment_mode": "full_payment"}],
        "settlements": [{"type": "prepayment", "amount": rub("500.00")}],
    }, str(uuid.uuid4()))
    check("receipt: the closing one", receipt.status == "succeeded", receipt.status)
    check("receipt: listed", [r.id for r in Receipt.list({"payment_id": payment_id}).items]
          == [receipt.id])


def all_of_it():
    paid = two_steps()
    refunds(paid)
    other_ends()
    lists()
    closing_receipt(paid)


steps(credentials, all_of_it)
