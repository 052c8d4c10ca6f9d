"""python-alipay-sdk: page and wap pay, query, close, refund, notifications; keys and certificates."""

import urllib.parse

from alipay import AliPay, DCAliPay

from checks import URL, Ear, Page, check, control, read_key, refused, steps

APP = "2021000000000000"
ear = Ear()
common = {"appid": APP, "app_notify_url": ear.url, "sign_type": "RSA2"}
with_keys = AliPay(app_private_key_string=read_key("app_private_pkcs1.pem"),
                   alipay_public_key_string=read_key("alipay_public.pem"), **common)
with_certificates = DCAliPay(
    app_private_key_string=read_key("app_private_pkcs1.pem"),
    app_public_key_cert_string=read_key("app_cert.crt"),
    alipay_public_key_cert_string=read_key("alipay_cert.crt"),
    alipay_root_cert_string=read_key("alipay_root_chain.crt"), **common)


def page_url(alipay, order, wap=False, amount="1234.50", **more):
    pay = alipay.api_alipay_trade_wap_pay if wap else alipay.api_alipay_trade_page_pay
    product = "QUICK_WAP_WAY" if wap else "FAST_INSTANT_TRADE_PAY"
    query = pay(subject="Holdfast 订单 #42 + gift", out_trade_no=order, total_amount=amount,
                return_url="https://shop.example/back?x=1", notify_url=ear.url,
                product_code=product, **more)
    return f"{URL}/gateway.do?{query}"


def fields(text):
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def story(mode, alipay):
    alipay._gateway = f"{URL}/gateway.do"
    order = f"HF_{mode}_1"
    absent = alipay.api_alipay_trade_query(out_trade_no=order)
    check(f"{mode}: nobody has opened the page", absent["sub_code"] == "ACQ.TRADE_NOT_EXIST", absent)
    closed = alipay.api_alipay_trade_close(out_trade_no=order)
    check(f"{mode}: nothing to close", closed["sub_code"] == "ACQ.TRADE_NOT_EXIST", closed)

    page = Page(page_url(alipay, order, passback_params="a%3D1%26b%3D2"))
    check(f"{mode}: page pay leads to the cashier", "/cashier/" in page.url
          and "1,234.50" in page.text, page.url)
    open_trade = alipay.api_alipay_trade_query(out_trade_no=order)
    check(f"{mode}: waits for the buyer", open_trade["trade_status"] == "WAIT_BUYER_PAY",
          open_trade)

    ear.answers.insert(0, b"fail")
    back = page.press("pay")
    address = back.split('url=')[1].split('"')[0].replace("&#38;", "&")
    told = fields(urllib.parse.urlsplit(address).query)
    sign = told.pop("sign")
    check(f"{mode}: the way back is signed", alipay.verify(dict(told), sign)
          and told["out_trade_no"] == order, told)
    seen = set()
    for attempt in ("first", "second"):
        _, body = ear.hear(lambda _, body: f"out_trade_no={order}&".encode() in body)
        notice = fields(body.decode())
        sign = notice.pop("sign")
        good = alipay.verify(dict(notice), sign)
        check(f"{mode}: notification, {attempt} try", good
              and notice["trade_status"] == "TRADE_SUCCESS"
              and notice["total_amount"] == "1234.50"
              and notice["passback_params"] == "a=1&b=2", notice)
        seen.add(notice["notify_id"])
        notice["total_amount"] = "0.01"
        check(f"{mode}: a changed sum is noticed", not alipay.verify(dict(notice), sign))
    check(f"{mode}: both tries have one id", len(seen) == 1, seen)

    paid = alipay.api_alipay_trade_query(out_trade_no=order)
    check(f"{mode}: paid", (paid["trade_status"], paid["total_amount"])
          == ("TRADE_SUCCESS", "1234.50"), paid)
    closed = alipay.api_alipay_trade_close(out_trade_no=order)
    check(f"{mode}: what is paid is not closed", closed["sub_code"] == "ACQ.TRADE_STATUS_ERROR",
          closed)

    refund = {"out_trade_no": order, "out_request_no": "r1"}
    part = alipay.api_alipay_trade_refund(refund_amount="34.50", **refund)
    check(f"{mode}: part goes back", (part["fund_change"], part["refund_fee"]) == ("Y", "34.50"),
          part)
    again = alipay.api_alipay_trade_refund(refund_amount="34.50", **refund)
    check(f"{mode}: the same number changes nothing", (again["code"], again["fund_change"],
          again["refund_fee"]) == ("10000", "N", "34.50"), again)
    other = alipay.api_alipay_trade_refund(refund_amount="1.00", **refund)
    check(f"{mode}: the same number, another sum", other["sub_code"]
          == "ACQ.DISCORDANT_REPEAT_REQUEST", other)
    much = alipay.api_alipay_trade_refund(
        refund_amount="1200.01", out_trade_no=order, out_request_no="r2")
    check(f"{mode}: never more than was paid", much["sub_code"]
          == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", much)
    known = alipay.api_alipay_trade_fastpay_refund_query("r1", out_trade_no=order)
    check(f"{mode}: the refund is known", (known["refund_status"], known["refund_amount"])
          == ("REFUND_SUCCESS", "34.50"), known)
    unknown = alipay.api_alipay_trade_fastpay_refund_query("r9", out_trade_no=order)
    check(f"{mode}: another refund is not", unknown["code"] == "10000"
          and "refund_status" not in unknown, unknown)
    rest = alipay.api_alipay_trade_refund(
        refund_amount="1200.00", out_trade_no=order, out_request_no="r3")
    check(f"{mode}: the rest goes back, the sum is what went in all", rest["refund_fee"]
          == "1234.50", rest)
    ended = alipay.api_alipay_trade_query(out_trade_no=order)
    check(f"{mode}: refunded to the last fen is closed", ended["trade_status"] == "TRADE_CLOSED"
          and "send_pay_date" in ended, ended)

    wap = f"HF_{mode}_2"
    page = Page(page_url(alipay, wap, wap=True, quit_url="https://shop.example/quit"))
    check(f"{mode}: wap pay leads to a narrow page", 'class="narrow"' in page.text, page.text)
    closed = alipay.api_alipay_trade_close(out_trade_no=wap)
    check(f"{mode}: an open trade is closed", closed["code"] == "10000", closed)
    again = Page(page_url(alipay, wap, wap=True))
    check(f"{mode}: a closed trade is not opened again", "ACQ.TRADE_HAS_CLOSE" in again.text)
    control(f"alipay/{wap}/pay")
    late = alipay.api_alipay_trade_query(out_trade_no=wap)
    check(f"{mode}: a late success", late["trade_status"] == "TRADE_SUCCESS", late)


def keys():
    story("keys", with_keys)
    url = page_url(with_keys, "HF_forged").replace("1234.50", "0.01")
    check("keys: a tampered address is refused", "isv.invalid-signature" in Page(url).text)
    with_keys._appid = "2021000000000009"
    refused("keys: another application", lambda: with_keys.api_alipay_trade_query(out_trade_no="x"),
            lambda e: True)
    with_keys._appid = APP


def certificates():
    story("certificates", with_certificates)


steps(keys, certificates)
