//! The bill of a day.

use std::io::{Cursor, Write as _};

use kernel::Date;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::*;
use crate::error::GatewayError;
use crate::listing::{DailyReport, EntryKind};
use crate::port::Gateway as _;
use crate::testing::line::Script;

const METHOD: &str = "alipay.data.dataservice.bill.downloadurl.query";
const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

fn day() -> Date {
    "2026-01-02".parse().unwrap()
}

fn row(kind: &str, ours: &str, amount: &str, refund: &str, fee: &str) -> String {
    format!(
        "{TRADE_NO}\t,{ours}\t,{kind},\"Order, with a comma\",2026-01-02 11:04:20,2026-01-02 11:04:30,,,,,csq***,{amount},{amount},0.00,0.00,0.00,0.00,0.00,,0.00,0.00,{refund}\t,{fee},0.00,"
    )
}

fn table(rows: &[String]) -> String {
    let line = "#-----------------------------------------业务明细列表";
    format!(
        "#支付宝业务明细查询\r\n#账号：[20881011221366690156]\r\n{line}----\r\n{COLUMNS}\r\n{}\r\n{line}结束----\r\n#导出时间：[2026年01月03日 10:00:00]\r\n",
        rows.join("\r\n")
    )
}

fn packed(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GBK.encode(text).0.into_owned()
}

/// The bill as it comes over two calls.
async fn fetch(file: Vec<u8>) -> Result<Option<DailyReport>, GatewayError> {
    let files = Script::raw(vec![{
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", file.len());
        [head.into_bytes(), file].concat()
    }]);
    let files = files.await;
    let url = json!({ "bill_download_url": format!("{}/bill?fileId=1", files.base) });
    let line = Script::of(&[(200, &answer(METHOD, &good(&url)))]).await;
    gateway(&line.base).daily_report(day(), PATIENCE).await
}

#[tokio::test]
async fn reads_payments_and_refunds_of_a_day() {
    let mark = refund_id().0.simple().to_string();
    let rows = [
        row("交易", &number(), "1234.50", "", "-7.41"),
        row("退款", &number(), "-600.00", &mark, "3.60"),
        row("退款", "by-hand", "-1.00", "20260102", "0.00"),
        row("转账", "other", "5.00", "", "0.00"),
    ];
    let summary = gbk("#支付宝业务汇总查询\r\n门店编号,合计\r\n,1\r\n");
    let details = gbk(&table(&rows));
    let both = [("明细.csv", details.as_slice()), ("明细(汇总).csv", &summary)];
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let report = fetch(packed(&both, method)).await.unwrap().unwrap();
        assert_eq!((report.day, report.entries.len()), (day(), 3));
        let [paid, back, by_hand] = &report.entries[..] else { panic!("three") };
        assert_eq!((&paid.kind, paid.attempt), (&EntryKind::Payment, Some(attempt())));
        assert_eq!((paid.amount, paid.fee.unwrap().minor), (PRICE, 741));
        assert_eq!(paid.at, "2026-01-02T03:04:30Z".parse().unwrap());
        assert_eq!(paid.secondary_id.as_deref(), Some(TRADE_NO));
        assert_eq!(back.kind, EntryKind::Refund { refund: Some(refund_id()), name: mark.clone() });
        assert_eq!((back.amount.minor, back.fee.unwrap().minor), (60_000, -360));
        assert_eq!(by_hand.kind, EntryKind::Refund { refund: None, name: "20260102".into() });
        let midnight = "2026-01-01T16:00:00Z".parse().unwrap();
        assert_eq!(report.span.from, midnight, "their day begins in Beijing");
        assert_eq!((by_hand.attempt, by_hand.gateway_id.as_str()), (None, "by-hand"));
    }
}

#[tokio::test]
async fn a_bill_that_is_not_ready_is_none() {
    for word in ["isp.bill_not_exist", "BILL_NOT_EXIST"] {
        let mut line = Script::of(&[(200, &answer(METHOD, &refused(word)))]).await;
        let report = gateway(&line.base).daily_report(day(), PATIENCE).await.unwrap();
        assert_eq!(report, None);
        let body = line.heard().await;
        assert!(body.text().contains("2026-01-02") && body.text().contains("trade"));
    }
}

#[tokio::test]
async fn a_bill_that_cannot_be_read_is_not_believed() {
    let deflated = |text: &str| packed(&[("a.csv", &gbk(text))], CompressionMethod::Deflated);
    let good = table(&[row("交易", &number(), "1234.50", "", "-7.41")]);
    let whole = deflated(&good);
    let mut cases = vec![
        b"<html>".to_vec(),
        Vec::new(),
        whole[..whole.len() / 2].to_vec(),
        packed(&[], CompressionMethod::Stored),
        deflated("nothing"),
        deflated(&good.replace("服务费（元）", "手续费")),
        deflated(&good.replace("1234.50", "1e3")),
        deflated(&good.replace("1234.50", "0.00")),
        deflated(&good.replace("2026-01-02 11:04:30", "yesterday")),
        deflated(&good.replace("\"Order, with a comma\"", "Order, with a comma")),
        packed(&[("a.csv", b"#\xff\xff\r\n")], CompressionMethod::Stored),
    ];
    let mut broken = whole.clone();
    broken[60] ^= 0xff;
    cases.push(broken);
    for file in cases {
        let error = fetch(file).await.unwrap_err();
        assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{error}");
    }
    let nowhere = json!({ "bill_download_url": "ftp://bill" });
    let line = Script::of(&[(200, &answer(METHOD, &good_url(&nowhere)))]).await;
    let error = gateway(&line.base).daily_report(day(), PATIENCE).await.unwrap_err();
    assert!(matches!(error, GatewayError::UntrustedAnswer(_)), "{error}");
}

fn good_url(fields: &Value) -> Value {
    good(fields)
}
