//! The bill of a day: a table in GBK inside a ZIP file, found by the names of its columns.

use std::io::{Cursor, Read as _};

use encoding_rs::GBK;
use kernel::{Currency, Date, Money};

use super::beijing;
use crate::amount;
use crate::answer::untrusted;
use crate::error::GatewayError;
use crate::listing::{DailyReport, EntryKind, ReportEntry};

/// More than this nobody sells in a day; a small file that unpacks to more is a trap.
const TABLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

const TRADE_NO: &str = "支付宝交易号";
const OUR_NUMBER: &str = "商户订单号";
const KIND: &str = "业务类型";
const FINISHED: &str = "完成时间";
const AMOUNT: &str = "订单金额（元）";
const REFUND_NUMBER: &str = "退款批次号/请求号";
const FEE: &str = "服务费（元）";
const KIND_PAYMENT: &str = "交易";
const KIND_REFUND: &str = "退款";
/// A second file in the same archive adds the first one up.
const SUMMARY: &str = "汇总";

/// Reads the bill of `day`.
pub(super) fn read(day: Date, archive: &[u8]) -> Result<DailyReport, GatewayError> {
    let broken = |what: &str| untrusted(&format!("a bill {what}"));
    let mut archive =
        zip::ZipArchive::new(Cursor::new(archive)).map_err(|_| broken("that is no ZIP file"))?;
    let mut report = None;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| broken("that cannot be unpacked"))?;
        let mut bytes = Vec::new();
        let read = file.take(TABLE_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|_| broken("that cannot be unpacked"))?;
        if bytes.len() as u64 == TABLE_BYTES_MAX {
            return Err(broken("that is too long"));
        }
        let (text, _, garbled) = GBK.decode(&bytes);
        if text.starts_with('#') && !text.lines().next().unwrap_or_default().contains(SUMMARY) {
            if garbled {
                return Err(broken("that is not in GBK"));
            }
            report = Some(table(day, &text)?);
        }
    }
    report.ok_or_else(|| broken("without a table"))
}

/// Lines that begin with `#` are for people; the first other one names the columns.
fn table(day: Date, text: &str) -> Result<DailyReport, GatewayError> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let head = fields(lines.next().unwrap_or_default());
    let column = |name: &str| {
        let found = head.iter().position(|field| field == name);
        found.ok_or_else(|| untrusted(&format!("a bill without the column {name}")))
    };
    let columns = [TRADE_NO, OUR_NUMBER, KIND, FINISHED, AMOUNT, REFUND_NUMBER, FEE].map(column);
    let [trade_no, ours, kind, finished, amount, refund, fee] = columns;
    let (trade_no, ours, kind, finished) = (trade_no?, ours?, kind?, finished?);
    let (amount, refund, fee) = (amount?, refund?, fee?);
    let mut entries = Vec::new();
    for line in lines {
        let row = fields(line);
        let wrong = || untrusted(&format!("a line of a bill: {line}"));
        if row.len() != head.len() {
            return Err(wrong());
        }
        let (kind, given_back) = match row[kind].as_str() {
            KIND_PAYMENT => (EntryKind::Payment, false),
            KIND_REFUND => {
                let (number, done) = (&row[refund], &row[finished]);
                // A refund without a number is known by its trade and its second.
                let name = if number.is_empty() {
                    format!("{} {done}", row[trade_no])
                } else {
                    number.clone()
                };
                (EntryKind::Refund { refund: number.parse().ok(), name }, true)
            }
            // Other movements (a transfer, a service) are not about what we sold.
            _ => continue,
        };
        let sum = unsigned(&row[amount]).filter(|sum| sum.minor > 0).ok_or_else(wrong)?;
        // Kept from a payment, given back with a refund, whatever sign stands before it.
        let fee = unsigned(&row[fee]).map(|fee| if given_back { negative(fee) } else { fee });
        entries.push(ReportEntry {
            kind,
            attempt: row[ours].parse().ok(),
            gateway_id: row[ours].clone(),
            secondary_id: Some(row[trade_no].clone()),
            amount: sum,
            fee,
            at: beijing::read(&row[finished]).ok_or_else(wrong)?,
        });
    }
    let span = beijing::day(day).ok_or_else(|| untrusted("a day that is none"))?;
    Ok(DailyReport { day, span, entries })
}

fn unsigned(text: &str) -> Option<Money> {
    amount::read_decimal(text.strip_prefix('-').unwrap_or(text), Currency::CNY)
}

fn negative(money: Money) -> Money {
    Money { minor: -money.minor, ..money }
}

/// The fields of a line. A tab behind a number keeps spreadsheets from rounding it; quotes keep
/// commas together.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field).trim().to_owned()),
            other => field.push(other),
        }
    }
    fields.push(field.trim().to_owned());
    fields
}
