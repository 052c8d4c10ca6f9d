//! Trades as the gateway tells them.

use serde_json::{Value, json};

use super::request::Params;
use super::{BUYER_ID, BUYER_LOGON};
use crate::amount::decimal;
use crate::book::payments::{Payment, Status};
use crate::clock::beijing;

/// `TRADE_CLOSED` is both: closed without money, and refunded to the last fen.
pub(super) fn status(payment: &Payment) -> &'static str {
    match payment.status {
        Status::Pending | Status::Processing | Status::Authorized => "WAIT_BUYER_PAY",
        Status::Succeeded if payment.refunded_minor == payment.captured_minor => "TRADE_CLOSED",
        Status::Succeeded if payment.extra["finished"] == true => "TRADE_FINISHED",
        Status::Succeeded => "TRADE_SUCCESS",
        Status::Canceled => "TRADE_CLOSED",
    }
}

pub(super) fn trade(payment: &Payment) -> Value {
    let paid = payment.status == Status::Succeeded;
    let total = decimal(payment.amount_minor);
    let received = if paid { total.clone() } else { "0.00".to_owned() };
    let mut told = json!({
        "trade_no": payment.id,
        "out_trade_no": payment.reference,
        "trade_status": status(payment),
        "total_amount": total,
        "receipt_amount": received,
        "buyer_pay_amount": received,
        "invoice_amount": received,
        "point_amount": "0.00",
        "buyer_user_id": BUYER_ID,
        "buyer_logon_id": BUYER_LOGON,
    });
    if let Some(at) = payment.paid_at.filter(|_| paid) {
        told["send_pay_date"] = json!(beijing(at));
        told["fund_bill_list"] = json!([{ "amount": total, "fund_channel": "ALIPAYACCOUNT" }]);
    }
    told
}

/// A refusal of the trade itself.
pub(super) fn failure(params: &Params, sub_code: &str) -> Value {
    let sub_msg = match sub_code {
        "ACQ.TRADE_NOT_EXIST" => "交易不存在",
        "ACQ.TRADE_HAS_SUCCESS" => "交易已被支付",
        "ACQ.TRADE_HAS_CLOSE" => "交易已经关闭",
        "ACQ.TRADE_HAS_FINISHED" => "交易已完结",
        "ACQ.TRADE_STATUS_ERROR" => "交易状态不合法",
        "ACQ.DISCORDANT_REPEAT_REQUEST" => "不一致的请求",
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL" => "退款金额超限",
        "ACQ.INVALID_PARAMETER" => "参数无效",
        _ => "业务处理失败",
    };
    let mut told = json!({
        "code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": sub_msg,
    });
    if params.get("method") == "alipay.trade.query" {
        let none = "0.00";
        told["buyer_pay_amount"] = json!(none);
        told["invoice_amount"] = json!(none);
        told["point_amount"] = json!(none);
        told["receipt_amount"] = json!(none);
    }
    told
}
