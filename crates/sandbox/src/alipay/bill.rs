//! The daily bill: a ZIP file with a table in GBK, under an address that is good for 30 seconds.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::trade::Fields;
use crate::amount::decimal;
use crate::answer::Answer;
use crate::book::Page;
use crate::book::payments::{self, Payment};
use crate::book::refunds::{self, Refund, RefundStatus};
use crate::clock::{beijing, from_beijing};
use crate::gateway::Gateway;
use crate::world::World;

/// How long an address is good.
const ADDRESS_LIFE: i64 = 30;
/// A bill is there at nine in the morning of the day after.
const READY_AFTER: SignedDuration = SignedDuration::from_hours(33);
/// What the provider keeps of every thousand.
const FEE_PER_MILLE: i64 = 6;

const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,\
    门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,\
    支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,\
    卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

/// `alipay.data.dataservice.bill.downloadurl.query`
pub(super) fn address(page: &Page<'_>, biz: &Value) -> Fields {
    let (kind, day) = (biz["bill_type"].as_str(), biz["bill_date"].as_str().unwrap_or_default());
    if !matches!(kind, Some("trade" | "signcustomer")) {
        return Err("isv.invalid-arguments");
    }
    let Some(start) = from_beijing(&format!("{day} 00:00:00")) else {
        return Err("isv.invalid-arguments");
    };
    if page.now < start + READY_AFTER {
        return Err("isp.bill_not_exist");
    }
    let until = page.now.as_second() + ADDRESS_LIFE;
    let url = format!("{}/cashier/bill?date={day}&until={until}", page.fixed.base_url);
    Ok(json!({ "bill_download_url": url }))
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    date: String,
    until: i64,
}

/// `GET /cashier/bill`
pub(crate) async fn download(
    State(world): State<Arc<World>>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Answer> {
    let gone = || Answer::refused(403, "expired", "This address was good for 30 seconds.");
    let start = from_beijing(&format!("{} 00:00:00", wanted.date)).ok_or_else(gone)?;
    if world.fixed().env.now().as_second() > wanted.until {
        return Err(gone());
    }
    let table = world.book.write(move |page| table(page, start)).await;
    let table = table.map_err(|error| Answer::broken(&error))?;
    let (gbk, ..) = encoding_rs::GBK.encode(&table);
    let name = format!("20881011221366690156_{}_业务明细.csv", wanted.date.replace('-', ""));
    let broken = |_| Answer::refused(500, "internal", "The bill cannot be packed.");
    let bytes = packed(&name, &gbk).map_err(broken)?;
    Ok(([(header::CONTENT_TYPE, "application/zip")], bytes).into_response())
}

fn packed(name: &str, bytes: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file(name, options)?;
    archive.write_all(bytes)?;
    Ok(archive.finish()?.into_inner())
}

/// Everything that was paid or given back on the day that begins at `start`.
fn table(page: &Page<'_>, start: Timestamp) -> rusqlite::Result<String> {
    let end = start + SignedDuration::from_hours(24);
    let within = |at: Timestamp| start <= at && at < end;
    let (mut rows, mut sums) = (String::new(), [(0_i64, 0_i64); 2]);
    for payment in payments::all(page, Gateway::Alipay)?.iter().rev() {
        if let Some(at) = payment.paid_at.filter(|at| within(*at) && payment.captured_minor > 0) {
            row(&mut rows, payment, None, at);
            sums[0] = (sums[0].0 + 1, sums[0].1 + payment.captured_minor);
        }
        for refund in refunds::of_payment(page, &payment.id)? {
            if refund.status == RefundStatus::Succeeded && within(refund.created_at) {
                row(&mut rows, payment, Some(&refund), refund.created_at);
                sums[1] = (sums[1].0 + 1, sums[1].1 - refund.amount_minor);
            }
        }
    }
    let [(paid, came), (given, went)] = sums;
    let (from, to, now) = (beijing(start), beijing(end), beijing(page.now));
    Ok(format!(
        "#支付宝业务明细查询\r\n#账号：[20881011221366690156]\r\n\
         #起始日期：[{from}]   终止日期：[{to}]\r\n\
         #-----------------------------------------业务明细列表----------------------------------------\r\n\
         {COLUMNS}\r\n{rows}\
         #-----------------------------------------业务明细列表结束------------------------------------\r\n\
         #交易合计：{paid}笔，商家实收共{}元\r\n#退款合计：{given}笔，商家实收退款共{}元\r\n\
         #导出时间：[{now}]\r\n",
        decimal(came),
        decimal(went),
    ))
}

/// One line; a tab behind numbers keeps spreadsheets from rounding them.
fn row(rows: &mut String, payment: &Payment, refund: Option<&Refund>, at: Timestamp) {
    let (kind, minor, named) = match refund {
        None => ("交易", payment.captured_minor, ""),
        Some(refund) => ("退款", -refund.amount_minor, refund.reference.as_str()),
    };
    let money = decimal(minor);
    let fee = decimal(-minor * FEE_PER_MILLE / 1000);
    let subject = payment.description.replace([',', '\r', '\n'], " ");
    let (created, done) = (beijing(payment.created_at), beijing(at));
    let (id, reference) = (&payment.id, &payment.reference);
    let _ = write!(
        rows,
        "{id}\t,{reference}\t,{kind},{subject},{created},{done},,,,,{},{money},{money},0.00,0.00,\
         0.00,0.00,0.00,,0.00,0.00,{named}\t,{fee},0.00,\r\n",
        super::BUYER_LOGON,
    );
}
