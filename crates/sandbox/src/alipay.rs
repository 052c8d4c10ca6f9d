//! Alipay's gateway protocol, version 1.0: everything through `/gateway.do`, signed with RSA2.

mod bill;
mod request;
mod sign;
mod told;
mod trade;

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::Url;

pub(crate) use bill::download;

use crate::accounts::AlipayAccount;
use crate::amount;
use crate::answer::{Answer, Body, Outcome};
use crate::book::Page;
use crate::book::deliveries::{self, Delivery, NewDelivery};
use crate::book::payments::{Payment, Status};
use crate::book::refunds::RefundStatus;
use crate::book::steps::News;
use crate::call::Call;
use crate::clock::beijing;
use crate::faults::{Fault, Op, Struck};
use crate::gateway::{Gateway, Letter, Way};
use crate::world::World;
use request::Params;

/// What `app_id` and seller are told with every notification.
const SELLER_EMAIL: &str = "seller@sandbox.com";
pub(super) const BUYER_ID: &str = "2088102169481075";
pub(super) const BUYER_LOGON: &str = "csq***@sandbox.com";

pub(crate) fn op(call: &Call) -> Op {
    let params = Params::of(call);
    match params.get("method") {
        "alipay.trade.page.pay" | "alipay.trade.wap.pay" => Op::Create,
        "alipay.trade.query" | "alipay.trade.fastpay.refund.query" => Op::Fetch,
        "alipay.trade.close" => Op::Void,
        "alipay.trade.refund" => Op::Refund,
        "alipay.data.dataservice.bill.downloadurl.query" => Op::List,
        _ => Op::Other,
    }
}

pub(crate) fn answer(page: &Page<'_>, call: &Call) -> Outcome {
    let params = Params::of(call);
    let account = &page.fixed.accounts.alipay;
    let method = params.get("method");
    let for_browser = matches!(method, "alipay.trade.page.pay" | "alipay.trade.wap.pay");
    if let Err(problem) = request::check(&params, account) {
        // The browser of a payer gets a page, whatever is wrong.
        return Ok(if for_browser { gbk_page(problem.sub_code) } else { problem.answer(&params) });
    }
    let Ok(biz) = serde_json::from_str::<Value>(params.get("biz_content")) else {
        let problem = request::Problem::illegal_json();
        return Ok(if for_browser { gbk_page(problem.sub_code) } else { problem.answer(&params) });
    };
    let fields = match method {
        "alipay.trade.page.pay" => return trade::open(page, &params, &biz, false),
        "alipay.trade.wap.pay" => return trade::open(page, &params, &biz, true),
        "alipay.trade.query" => trade::query(page, &biz)?,
        "alipay.trade.close" => trade::close(page, &biz)?,
        "alipay.trade.refund" => trade::refund(page, call, &biz)?,
        "alipay.trade.fastpay.refund.query" => trade::refund_query(page, &biz)?,
        "alipay.data.dataservice.bill.downloadurl.query" => bill::address(page, &biz),
        "alipay.open.app.alipaycert.download" => Ok(certificate(account, &biz)),
        _ => return Ok(request::Problem::unknown_method().answer(&params)),
    };
    let value = match fields {
        Ok(mut fields) => {
            fields["code"] = json!("10000");
            fields["msg"] = json!("Success");
            fields
        }
        Err(sub_code) => told::failure(&params, sub_code),
    };
    Ok(request::signed(&params, account, value))
}

fn certificate(account: &AlipayAccount, biz: &Value) -> Value {
    use base64::Engine as _;
    let known = biz["alipay_cert_sn"] == account.certificates.alipay_sn.as_str();
    let text = if known { account.certificates.alipay_certificate.as_str() } else { "" };
    json!({ "alipay_cert_content": base64::prelude::BASE64_STANDARD.encode(text) })
}

/// An object under its name, signed: what goes over the line.
pub(crate) fn seal(
    account: &AlipayAccount,
    node: &str,
    value: &Value,
    certificate: Option<&str>,
    struck: &Struck,
) -> String {
    // The provider escapes every slash; whoever writes the object again signs another text.
    let text = value.to_string().replace('/', "\\/");
    let known = node != "error_response";
    if !known || struck.by(Fault::Unsigned) {
        return format!("{{\"{node}\":{text}}}");
    }
    let signed = if struck.by(Fault::BadSignature) { format!("{text} ") } else { text.clone() };
    let sign = sign::sign(&account.alipay_private, &signed).unwrap_or_default();
    let certificate =
        certificate.map(|sn| format!(",\"alipay_cert_sn\":\"{sn}\"")).unwrap_or_default();
    format!("{{\"{node}\":{text}{certificate},\"sign\":\"{sign}\"}}")
}

/// The page that a payer sees when an address is no good. In GBK, like the original.
pub(crate) fn gbk_page(sub_code: &str) -> Answer {
    let text = include_str!("../assets/alipay_error.html").replace("{sub_code}", sub_code);
    let (bytes, ..) = encoding_rs::GBK.encode(&text);
    let body = Body::Text { content_type: "text/html;charset=GBK", bytes: bytes.into_owned() };
    Answer { status: 200, headers: Vec::new(), body }
}

pub(crate) fn trouble(call: &Call, status: u16) -> Answer {
    let params = Params::of(call);
    let problem = match status {
        429 => request::Problem::limited(),
        _ => request::Problem::out_of_order(),
    };
    if status == 503 {
        // In front of the gateway itself stands somebody who knows nothing of signatures.
        return Answer::empty(StatusCode::SERVICE_UNAVAILABLE.as_u16());
    }
    problem.answer(&params)
}

/// Tells every amount one fen higher, or that it was paid in another currency.
pub(crate) fn bend(told: &mut Value, struck: &Struck) {
    let Some(fields) = told.as_object_mut() else { return };
    for (name, value) in fields.iter_mut() {
        let money = name.ends_with("_amount") || name.ends_with("_fee");
        if let (true, Some(minor)) = (money, value.as_str().and_then(amount::hundredths))
            && struck.by(Fault::WrongAmount)
        {
            *value = amount::decimal(minor + 1).into();
        }
    }
    if struck.by(Fault::WrongCurrency) && fields.contains_key("total_amount") {
        fields.insert("trans_currency".to_owned(), "USD".into());
        fields.insert("settle_currency".to_owned(), "USD".into());
    }
}

/// News are sent for payments, and for refunds that leave something; not for closing, nor for a
/// full refund.
pub(crate) fn tell(page: &Page<'_>, now: &Payment, news: News<'_>) -> rusqlite::Result<()> {
    let refund = match news {
        News::Paid => None,
        News::Refunding(refund) | News::Refunded(refund)
            if refund.status == RefundStatus::Succeeded
                && now.refunded_minor < now.captured_minor =>
        {
            Some(refund)
        }
        _ => return Ok(()),
    };
    if now.notify_url.is_empty() {
        return Ok(());
    }
    // `2026010200222110430081075abcdef01234`: the day, then what nobody else has.
    let day: String = beijing(page.now).chars().filter(char::is_ascii_digit).take(8).collect();
    let id = format!("{day}{}", page.hex(28)?);
    let mut fields = told::trade(now);
    let account = &page.fixed.accounts.alipay;
    let more = json!({
        "notify_type": "trade_status_sync", "notify_id": id, "charset": "utf-8", "version": "1.0",
        "app_id": account.app_id, "auth_app_id": account.app_id, "seller_id": account.seller_id,
        "seller_email": SELLER_EMAIL, "subject": now.description, "body": now.extra["body"],
        "gmt_create": beijing(now.created_at),
        "gmt_payment": now.paid_at.map(beijing),
        "gmt_refund": refund.map(|refund| beijing(refund.created_at)),
        "refund_fee": refund.map(|_| amount::decimal(now.refunded_minor)),
        "out_biz_no": refund.map(|refund| refund.reference.clone()),
        "passback_params": now.extra["passback_params"],
        "fund_bill_list": json!([{ "amount": amount::decimal(now.amount_minor),
            "fundChannel": "ALIPAYACCOUNT" }]).to_string(),
        "buyer_id": BUYER_ID,
    });
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
        fields.retain(|name, value| {
            value.is_string() && !matches!(name.as_str(), "buyer_user_id" | "send_pay_date")
        });
    }
    let new = NewDelivery {
        id: &id,
        gateway: Gateway::Alipay,
        kind: told::status(now),
        subject: &now.id,
        url: &now.notify_url,
        endpoint: None,
        body: &fields.to_string(),
    };
    deliveries::add(page, &new)
}

/// The fields of a notification, signed anew for each try.
pub(crate) fn letter(world: &World, delivery: &Delivery, struck: &Struck) -> Letter {
    let mut told: Value = serde_json::from_str(&delivery.body).unwrap_or_default();
    bend(&mut told, struck);
    let mut at = world.fixed().env.now();
    if struck.by(Fault::StaleSignature) {
        at -= kernel::SignedDuration::from_secs(crate::plain::STALE_BY);
    }
    told["notify_time"] = json!(beijing(at));
    let fields: Vec<(String, String)> = told
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let mut text = sign::notification_text(&fields);
    if struck.by(Fault::BadSignature) {
        text.push(' ');
    }
    let sign = sign::sign(&world.fixed().accounts.alipay.alipay_private, &text).unwrap_or_default();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&fields)
        .append_pair("sign_type", "RSA2")
        .append_pair("sign", &sign)
        .finish();
    let content_type = "application/x-www-form-urlencoded; charset=utf-8".to_owned();
    Letter { headers: vec![("content-type", content_type)], body }
}

/// The shop's own address with what happened, signed; only for display, because nobody is sure to
/// come back.
pub(crate) fn way_back(page: &Page<'_>, payment: &Payment, way: Way) -> String {
    let quit = payment.text("quit_url");
    if way == Way::Left && !quit.is_empty() {
        return quit.to_owned();
    }
    let Ok(mut url) = Url::parse(&payment.return_url) else { return String::new() };
    if payment.status != Status::Succeeded {
        return url.into();
    }
    let account = &page.fixed.accounts.alipay;
    let of = if payment.extra["wap"] == true { "wap" } else { "page" };
    let told = [
        ("app_id", account.app_id.clone()),
        ("auth_app_id", account.app_id.clone()),
        ("charset", "utf-8".to_owned()),
        ("method", format!("alipay.trade.{of}.pay.return")),
        ("out_trade_no", payment.reference.clone()),
        ("seller_id", account.seller_id.clone()),
        ("timestamp", beijing(page.now)),
        ("total_amount", amount::decimal(payment.amount_minor)),
        ("trade_no", payment.id.clone()),
        ("version", "1.0".to_owned()),
    ];
    for (name, value) in &told {
        url.query_pairs_mut().append_pair(name, value);
    }
    // Whoever checks takes everything that arrived, the shop's own parameters as well.
    let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let sign = sign::sign(&account.alipay_private, &sign::notification_text(&all));
    let sign = sign.unwrap_or_default();
    url.query_pairs_mut().append_pair("sign_type", "RSA2").append_pair("sign", &sign);
    url.into()
}
