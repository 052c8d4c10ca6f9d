//! Trades: opened by the payer's browser, asked for, closed and refunded by the shop.

use kernel::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::request::Params;
use super::{gbk_page, told};
use crate::amount::{self, decimal};
use crate::answer::{Answer, Outcome};
use crate::book::payments::{self, NewPayment, Payment, Status};
use crate::book::refunds::{self, NewRefund, Refund, RefundStatus};
use crate::book::{Page, steps};
use crate::call::Call;
use crate::clock::{beijing, from_beijing};
use crate::faults::Fault;
use crate::gateway::Gateway;

/// What a server call comes to: fields for the answer, or the `sub_code` of a refusal.
pub(super) type Fields = Result<Value, &'static str>;

/// A hundred million yuan, in fen.
const AMOUNT_MAX: i64 = 10_000_000_000;
const TERM_MAX: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The payer's browser arrives with a signed address: only now there is a trade.
pub(super) fn open(page: &Page<'_>, params: &Params, biz: &Value, wap: bool) -> Outcome {
    let new = match new_trade(page, params, biz, wap) {
        Ok(new) => new,
        Err(sub_code) => return Ok(gbk_page(sub_code)),
    };
    let known = payments::by_reference(page, Gateway::Alipay, &new.reference)?;
    let payment = match known {
        Some(known) if known.amount_minor != new.amount_minor => {
            return Ok(gbk_page("ACQ.CONTEXT_INCONSISTENT"));
        }
        Some(known) if known.description != new.description => {
            return Ok(gbk_page("ACQ.CONTEXT_INCONSISTENT"));
        }
        Some(known) => match known.status {
            Status::Succeeded => return Ok(gbk_page("ACQ.TRADE_HAS_SUCCESS")),
            Status::Canceled => return Ok(gbk_page("ACQ.TRADE_HAS_CLOSE")),
            _ => known,
        },
        None => {
            if new.expires_at <= page.now {
                return Ok(gbk_page("ACQ.TRADE_HAS_CLOSE"));
            }
            let day: String =
                beijing(page.now).chars().filter(char::is_ascii_digit).take(8).collect();
            let id = format!("{day}2200{}", page.digits(16)?);
            let opened = payments::open(page, &NewPayment { id, ..new })?;
            opened.ok_or_else(|| gbk_page("ACQ.SYSTEM_ERROR"))?
        }
    };
    Ok(Answer::empty(302).with("location", format!("/cashier/{}", payment.id)))
}

fn new_trade(
    page: &Page<'_>,
    params: &Params,
    biz: &Value,
    wap: bool,
) -> Result<NewPayment, &'static str> {
    const INVALID: &str = "ACQ.INVALID_PARAMETER";
    let text = |name: &str| biz[name].as_str().unwrap_or_default();
    let reference = text("out_trade_no");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !(1..=64).contains(&reference.len()) || !reference.bytes().all(plain) {
        return Err(INVALID);
    }
    let subject = text("subject");
    let chars = subject.chars().count();
    if !(1..=256).contains(&chars) || subject.contains(['/', '=', '&']) {
        return Err(INVALID);
    }
    let product = if wap { "QUICK_WAP_WAY" } else { "FAST_INSTANT_TRADE_PAY" };
    if text("product_code") != product {
        return Err(INVALID);
    }
    let amount_minor = amount::hundredths(text("total_amount")).unwrap_or(0);
    if !(1..=AMOUNT_MAX).contains(&amount_minor) {
        return Err(INVALID);
    }
    let passback: Option<String> = biz["passback_params"].as_str().map(|given| {
        // It was encoded once more than the rest, and comes back decoded.
        url::form_urlencoded::parse(format!("x={given}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    });
    Ok(NewPayment {
        id: String::new(),
        second_id: None,
        gateway: Gateway::Alipay,
        reference: reference.to_owned(),
        amount_minor,
        currency: "CNY".to_owned(),
        manual: false,
        description: subject.to_owned(),
        return_url: params.get("return_url").to_owned(),
        notify_url: params.get("notify_url").to_owned(),
        expires_at: term(page.now, text("time_expire"), text("timeout_express")).ok_or(INVALID)?,
        extra: json!({
            "wap": wap, "quit_url": biz["quit_url"], "passback_params": passback,
            "body": biz["body"],
        }),
    })
}

/// The end of the payer's term: an absolute moment wins over `30m`, `2h`, `1d`, `1c`; without
/// either it is fifteen days.
fn term(now: Timestamp, absolute: &str, relative: &str) -> Option<Timestamp> {
    if !absolute.is_empty() {
        let at = from_beijing(absolute)?;
        return (at <= now + TERM_MAX).then_some(at);
    }
    if relative.is_empty() {
        return Some(now + TERM_MAX);
    }
    let (count, unit) = relative.split_at_checked(relative.len() - 1)?;
    let count: i64 = count.parse().ok().filter(|count| (1..=21_600).contains(count))?;
    let span = match unit {
        "m" => SignedDuration::from_mins(count),
        "h" => SignedDuration::from_hours(count),
        "d" => SignedDuration::from_hours(count * 24),
        // Until the end of the day in Beijing.
        "c" if count == 1 => {
            let day = beijing(now).get(..10)?.to_owned();
            return from_beijing(&format!("{day} 23:59:59"));
        }
        _ => return None,
    };
    (span <= TERM_MAX).then_some(now + span)
}

/// The trade that is meant: `trade_no` wins.
fn find(page: &Page<'_>, biz: &Value) -> rusqlite::Result<Result<Payment, &'static str>> {
    let text = |name: &str| biz[name].as_str().unwrap_or_default();
    let found = match (text("trade_no"), text("out_trade_no")) {
        ("", "") => return Ok(Err("ACQ.INVALID_PARAMETER")),
        ("", reference) => payments::by_reference(page, Gateway::Alipay, reference)?,
        (id, _) => payments::of(page, Gateway::Alipay, id)?,
    };
    Ok(found.ok_or("ACQ.TRADE_NOT_EXIST"))
}

/// `alipay.trade.query`
pub(super) fn query(page: &Page<'_>, biz: &Value) -> rusqlite::Result<Fields> {
    Ok(find(page, biz)?.map(|payment| told::trade(&payment)))
}

/// `alipay.trade.close`
pub(super) fn close(page: &Page<'_>, biz: &Value) -> rusqlite::Result<Fields> {
    let payment = match find(page, biz)? {
        Ok(payment) => payment,
        Err(sub_code) => return Ok(Err(sub_code)),
    };
    match payment.status {
        Status::Pending => {
            steps::cancel(page, &payment, "voided")?;
            Ok(Ok(json!({ "trade_no": payment.id, "out_trade_no": payment.reference })))
        }
        Status::Canceled => Ok(Err("ACQ.TRADE_HAS_CLOSE")),
        _ => Ok(Err("ACQ.TRADE_STATUS_ERROR")),
    }
}

/// `alipay.trade.refund`
pub(super) fn refund(page: &Page<'_>, call: &Call, biz: &Value) -> rusqlite::Result<Fields> {
    let payment = match find(page, biz)? {
        Ok(payment) => payment,
        Err(sub_code) => return Ok(Err(sub_code)),
    };
    let minor = biz["refund_amount"].as_str().and_then(amount::hundredths).unwrap_or(0);
    if minor < 1 {
        return Ok(Err("ACQ.REASON_TRADE_REFUND_FEE_ERR"));
    }
    let named = biz["out_request_no"].as_str().unwrap_or_default();
    if named.len() > 64 || (named.is_empty() && minor != payment.amount_minor) {
        return Ok(Err("ACQ.INVALID_PARAMETER"));
    }
    // A full refund may go without a name of its own.
    let named = if named.is_empty() { payment.reference.as_str() } else { named };
    let earlier = live(page, &payment, named)?;
    match (earlier, payment.status) {
        (Some(earlier), _) if earlier.amount_minor != minor => {
            Ok(Err("ACQ.DISCORDANT_REPEAT_REQUEST"))
        }
        (Some(_), _) => Ok(Ok(refunded(&payment, "N"))),
        (None, Status::Pending | Status::Processing) => Ok(Err("ACQ.TRADE_STATUS_ERROR")),
        (None, Status::Canceled) => Ok(Err("ACQ.TRADE_HAS_CLOSE")),
        (None, _) if payment.extra["finished"] == true => Ok(Err("ACQ.TRADE_HAS_FINISHED")),
        (None, _) => {
            let new = NewRefund {
                id: Gateway::Alipay.refund_id(page)?,
                reference: named.to_owned(),
                amount_minor: minor,
                extra: json!({ "reason": biz["refund_reason"] }),
            };
            let pending = call.struck.by(Fault::RefundPending);
            Ok(match steps::refund(page, &payment, new, pending)? {
                Some((now, _)) => Ok(refunded(&now, if pending { "N" } else { "Y" })),
                None => Err("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"),
            })
        }
    }
}

/// The refund with this number that has not failed.
fn live(page: &Page<'_>, payment: &Payment, named: &str) -> rusqlite::Result<Option<Refund>> {
    let all = refunds::of_payment(page, &payment.id)?;
    let is_it =
        |refund: &Refund| refund.reference == named && refund.status != RefundStatus::Failed;
    Ok(all.into_iter().find(is_it))
}

/// `refund_fee` is what went back in all.
fn refunded(payment: &Payment, fund_change: &str) -> Value {
    json!({
        "trade_no": payment.id,
        "out_trade_no": payment.reference,
        "buyer_logon_id": super::BUYER_LOGON,
        "buyer_user_id": super::BUYER_ID,
        "fund_change": fund_change,
        "refund_fee": decimal(payment.refunded_minor),
        "send_back_fee": decimal(payment.refunded_minor),
    })
}

/// `alipay.trade.fastpay.refund.query`
pub(super) fn refund_query(page: &Page<'_>, biz: &Value) -> rusqlite::Result<Fields> {
    let payment = match find(page, biz)? {
        Ok(payment) => payment,
        Err(sub_code) => return Ok(Err(sub_code)),
    };
    let named = biz["out_request_no"].as_str().unwrap_or_default();
    if named.is_empty() {
        return Ok(Err("ACQ.INVALID_PARAMETER"));
    }
    let found = live(page, &payment, named)?.filter(|r| r.status == RefundStatus::Succeeded);
    // Not received, failed, or under way: accepted, and nothing said.
    let Some(refund) = found else { return Ok(Ok(json!({}))) };
    let mut fields = json!({
        "trade_no": payment.id,
        "out_trade_no": payment.reference,
        "out_request_no": named,
        "refund_status": "REFUND_SUCCESS",
        "refund_amount": decimal(refund.amount_minor),
        "total_amount": decimal(payment.amount_minor),
        "send_back_fee": decimal(refund.amount_minor),
    });
    let options = biz["query_options"].as_array();
    if options.is_some_and(|options| options.iter().any(|option| option == "gmt_refund_pay")) {
        fields["gmt_refund_pay"] = json!(beijing(refund.created_at));
    }
    Ok(Ok(fields))
}
