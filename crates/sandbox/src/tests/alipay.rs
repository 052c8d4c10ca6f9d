//! Alipay's protocol.

use std::io::Read as _;

use kernel::SignedDuration;
use serde_json::{Value, json};

use super::merchant::{alipay_notice, alipay_query, of, signed};
use super::town::Town;

fn order(order: &str) -> Value {
    json!({ "out_trade_no": order })
}

#[tokio::test]
async fn p20_what_nobody_has_opened_does_not_exist_and_can_still_be_paid() {
    let mut town = Town::found().await;
    let absent = town.alipay("alipay.trade.query", &order("HF_1")).await;
    assert_eq!(
        (&absent["code"], &absent["sub_code"]),
        (&json!("40004"), &json!("ACQ.TRADE_NOT_EXIST"))
    );
    let closed = town.alipay("alipay.trade.close", &order("HF_1")).await;
    assert_eq!(closed["sub_code"], "ACQ.TRADE_NOT_EXIST");

    town.alipay_opened("HF_1").await;
    let waits = town.alipay("alipay.trade.query", &order("HF_1")).await;
    assert_eq!(
        (&waits["code"], &waits["trade_status"]),
        (&json!("10000"), &json!("WAIT_BUYER_PAY"))
    );
    assert_eq!(waits["send_pay_date"], Value::Null);
    let page =
        format!("{}/cashier/{}", town.sandbox.base_url(), waits["trade_no"].as_str().unwrap());
    town.http.post(format!("{page}/pay")).send().await.unwrap();
    let paid = town.alipay("alipay.trade.query", &order("HF_1")).await;
    assert_eq!(
        (&paid["trade_status"], &paid["total_amount"]),
        (&json!("TRADE_SUCCESS"), &json!("1234.50"))
    );
    assert_eq!(paid["send_pay_date"], "2027-01-15 16:00:00", "in Beijing");
    let (fields, genuine) = alipay_notice(&town.shop.hear().await.body);
    assert!(genuine);
    for (name, value) in [
        ("trade_status", "TRADE_SUCCESS"),
        ("out_trade_no", "HF_1"),
        ("total_amount", "1234.50"),
        ("app_id", "2021000000000000"),
        ("seller_id", "2088101122136669"),
        ("notify_type", "trade_status_sync"),
        ("sign_type", "RSA2"),
        ("subject", "Holdfast 订单 42"),
        ("gmt_payment", "2027-01-15 16:00:00"),
    ] {
        assert_eq!(of(&fields, name), value, "{name}");
    }
    let closed = town.alipay("alipay.trade.close", &order("HF_1")).await;
    assert_eq!(closed["sub_code"], "ACQ.TRADE_STATUS_ERROR", "paid is not closed");
}

#[tokio::test]
async fn the_answer_is_text_with_escaped_slashes_and_a_signature_over_that_text() {
    let town = Town::found().await;
    town.alipay_browser("HF_1", &[("subject", "a}b{c \" end")]).await;
    let (text, genuine) =
        town.alipay_text(&alipay_query("alipay.trade.query", &order("HF_1"), &[])).await;
    assert!(genuine, "{text}");
    let names = [
        ("app_cert_sn", "dd7728d2cd83270e4cab653218150e87"),
        ("alipay_root_cert_sn", "9126e2a2bb73c0126a5a1b190b8e7ff5"),
    ];
    let certified = alipay_query("alipay.trade.query", &order("HF_1"), &names);
    let (text, genuine) = town.alipay_text(&certified).await;
    assert!(genuine && text.contains(",\"alipay_cert_sn\":\"98b0c71d757de45a9cba9cec2aaaf564\""));
    let other = [("app_cert_sn", "0123"), ("alipay_root_cert_sn", "4567")];
    let (text, _) =
        town.alipay_text(&alipay_query("alipay.trade.query", &order("x"), &other)).await;
    assert!(text.contains("isv.invalid-cert-sn"), "{text}");
    let biz = json!({ "alipay_cert_sn": "98b0c71d757de45a9cba9cec2aaaf564" });
    let answer = town.alipay("alipay.open.app.alipaycert.download", &biz).await;
    assert!(answer["alipay_cert_content"].as_str().unwrap().len() > 1000);

    // Bills have an address with slashes in it.
    let day = json!({ "bill_type": "trade", "bill_date": "2027-01-10" });
    let method = "alipay.data.dataservice.bill.downloadurl.query";
    let (text, genuine) = town.alipay_text(&alipay_query(method, &day, &[])).await;
    assert!(genuine && text.contains("http:\\/\\/127.0.0.1"), "{text}");
}

#[tokio::test]
async fn requests_that_are_not_the_applications_are_refused() {
    let town = Town::found().await;
    let biz = order("HF_1").to_string();
    let with = |change: (&'static str, &'static str)| {
        let mut fields = vec![
            ("app_id", "2021000000000000"),
            ("method", "alipay.trade.query"),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", "2027-01-15 16:00:00"),
            ("version", "1.0"),
            ("biz_content", biz.as_str()),
        ];
        fields.retain(|(name, _)| *name != change.0);
        if !change.1.is_empty() {
            fields.push(change);
        }
        signed(&mut fields)
    };
    for (change, sub_code, code, is_signed) in [
        (("app_id", "2021000000000001"), "isv.invalid-app-id", "40002", false),
        (("app_id", ""), "isv.missing-app-id", "40001", false),
        (("method", "alipay.trade.nonsense"), "isv.invalid-method", "40002", true),
        (("method", ""), "isv.missing-method", "40001", true),
        (("charset", "gbk"), "isv.invalid-charset", "40002", true),
        (("sign_type", "RSA"), "isv.invalid-signature-type", "40002", true),
        (("timestamp", "2027-01-15T16:00:00"), "isv.invalid-timestamp", "40002", true),
        (("timestamp", ""), "isv.missing-timestamp", "40001", true),
        (("biz_content", "{"), "isv.illegal-json", "40002", true),
    ] {
        let (text, genuine) = town.alipay_text(&with(change)).await;
        assert!(text.contains(sub_code) && text.contains(code), "{change:?}: {text}");
        assert_eq!(genuine, is_signed, "{change:?}: {text}");
    }
    let good = with(("format", "JSON"));
    let (text, _) = town.alipay_text(&good.replace("HF_1", "HF_2")).await;
    assert!(text.contains("isv.invalid-signature"), "{text}");
    let (text, _) = town.alipay_text(&format!("{good}&version=1.0")).await;
    assert!(text.contains("isv.suspected-attack"), "{text}");
    // Half in the query, half in a form, and with the whole address in the first line.
    let (query, form) = good.split_once("&biz_content=").unwrap();
    let (biz, rest) = form.split_once('&').unwrap();
    let url = format!("{}/gateway.do?{query}&{rest}", town.sandbox.base_url());
    let posted = town
        .http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded;charset=utf-8")
        .body(format!("biz_content={biz}"));
    let text = posted.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("ACQ.TRADE_NOT_EXIST"), "{text}");
}

#[tokio::test]
async fn a_browser_sees_a_page_in_gbk_where_something_is_wrong() {
    let town = Town::found().await;
    let bad: [&[(&str, &str)]; 8] = [
        &[("out_trade_no", "HF-1")],
        &[("total_amount", "12,50")],
        &[("total_amount", "0.00")],
        &[("subject", "a/b")],
        &[("product_code", "QUICK_WAP_PAY")],
        &[("timeout_express", "1.5h")],
        &[("time_expire", "2027-02-15 16:00:00")],
        &[("time_expire", "tomorrow")],
    ];
    for more in bad {
        let answer = town.alipay_browser("HF_1", more).await;
        assert_eq!(answer.status(), 200, "{more:?}");
        assert_eq!(answer.headers()["content-type"], "text/html;charset=GBK");
        let bytes = answer.bytes().await.unwrap();
        let (text, _, wrong) = encoding_rs::GBK.decode(&bytes);
        assert!(
            !wrong && text.contains("调试错误") && text.contains("ACQ.INVALID_PARAMETER"),
            "{text}"
        );
    }
    town.alipay_opened("HF_1").await;
    let other = town.alipay_browser("HF_1", &[("total_amount", "7.00")]).await;
    let seen = String::from_utf8_lossy(&other.bytes().await.unwrap()).into_owned();
    assert!(seen.contains("ACQ.CONTEXT_INCONSISTENT"), "{seen}");
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    let again = town.alipay_browser("HF_1", &[]).await.bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&again).contains("ACQ.TRADE_HAS_SUCCESS"));
}

#[tokio::test]
async fn the_term_is_absolute_or_relative_or_fifteen_days() {
    let town = Town::found().await;
    let terms: [(&str, &[(&str, &str)], SignedDuration); 4] = [
        ("A", &[("time_expire", "2027-01-15 16:05:00")], SignedDuration::from_mins(5)),
        ("B", &[("timeout_express", "30m")], SignedDuration::from_mins(30)),
        ("C", &[("timeout_express", "1c")], SignedDuration::from_hours(8)),
        ("D", &[], SignedDuration::from_hours(15 * 24)),
    ];
    for (order, more, _) in terms {
        assert_eq!(town.alipay_browser(order, more).await.status(), 302, "{order}");
    }
    let mut past = SignedDuration::ZERO;
    for (name, _, term) in terms {
        town.clock.advance(term - past - SignedDuration::from_secs(2));
        let open = town.alipay("alipay.trade.query", &order(name)).await;
        assert_eq!(open["trade_status"], "WAIT_BUYER_PAY", "{name}");
        town.clock.advance(SignedDuration::from_secs(2));
        let over = town.alipay("alipay.trade.query", &order(name)).await;
        assert_eq!(over["trade_status"], "TRADE_CLOSED", "{name}");
        past = term;
    }
}

#[tokio::test]
async fn p19_closed_is_both_unpaid_and_refunded_to_the_last_fen() {
    let mut town = Town::found().await;
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    town.shop.hear().await;
    let refund = |amount: &str, number: &str| json!({ "out_trade_no": "HF_1", "refund_amount": amount, "out_request_no": number });
    let part = town.alipay("alipay.trade.refund", &refund("34.50", "r1")).await;
    assert_eq!((&part["fund_change"], &part["refund_fee"]), (&json!("Y"), &json!("34.50")));
    let (fields, genuine) = alipay_notice(&town.shop.hear().await.body);
    assert!(genuine);
    assert_eq!((of(&fields, "trade_status"), of(&fields, "out_biz_no")), ("TRADE_SUCCESS", "r1"));
    assert_eq!(of(&fields, "refund_fee"), "34.50");
    let again = town.alipay("alipay.trade.refund", &refund("34.50", "r1")).await;
    assert_eq!((&again["code"], &again["fund_change"]), (&json!("10000"), &json!("N")));
    let other = town.alipay("alipay.trade.refund", &refund("34.51", "r1")).await;
    assert_eq!(other["sub_code"], "ACQ.DISCORDANT_REPEAT_REQUEST");
    let over = town.alipay("alipay.trade.refund", &refund("1200.01", "r2")).await;
    assert_eq!(over["sub_code"], "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
    let rest = town.alipay("alipay.trade.refund", &refund("1200.00", "r3")).await;
    assert_eq!(rest["refund_fee"], "1234.50", "in all");
    let ended = town.alipay("alipay.trade.query", &order("HF_1")).await;
    assert_eq!(ended["trade_status"], "TRADE_CLOSED");
    assert_eq!(ended["send_pay_date"], "2027-01-15 16:00:00", "it was paid once");
    let asked = json!({ "out_trade_no": "HF_1", "out_request_no": "r1" });
    let known = town.alipay("alipay.trade.fastpay.refund.query", &asked).await;
    assert_eq!(
        (&known["refund_status"], &known["refund_amount"]),
        (&json!("REFUND_SUCCESS"), &json!("34.50"))
    );
    let asked = json!({ "out_trade_no": "HF_1", "out_request_no": "r9" });
    let unknown = town.alipay("alipay.trade.fastpay.refund.query", &asked).await;
    assert_eq!((&unknown["code"], &unknown["refund_status"]), (&json!("10000"), &Value::Null));
    assert!(!town.shop.has_heard_more(), "nothing is said of a full refund");

    town.alipay_opened("HF_2").await;
    assert_eq!(town.alipay("alipay.trade.close", &order("HF_2")).await["code"], "10000");
    let closed = town.alipay("alipay.trade.query", &order("HF_2")).await;
    assert_eq!(
        (&closed["trade_status"], &closed["send_pay_date"]),
        (&json!("TRADE_CLOSED"), &Value::Null)
    );
    assert!(!town.shop.has_heard_more(), "nor of closing");

    town.alipay_opened("HF_3").await;
    town.control("alipay/HF_3/pay").await;
    town.control("alipay/HF_3/finish").await;
    let over = town.alipay("alipay.trade.query", &order("HF_3")).await;
    assert_eq!(over["trade_status"], "TRADE_FINISHED");
    let late = json!({ "out_trade_no": "HF_3", "refund_amount": "1.00", "out_request_no": "r" });
    assert_eq!(
        town.alipay("alipay.trade.refund", &late).await["sub_code"],
        "ACQ.TRADE_HAS_FINISHED"
    );
}

#[tokio::test]
async fn only_the_seven_letters_stop_redelivery() {
    let mut town = Town::found().await;
    town.shop.answer(&[204, 500]);
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (fields, genuine) = alipay_notice(&town.shop.hear().await.body);
        assert!(genuine);
        ids.push(of(&fields, "notify_id").to_owned());
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "one news, one id: {ids:?}");
    town.tries(3).await;
    assert!(!town.shop.has_heard_more());
}

#[tokio::test]
async fn the_way_back_is_signed_only_when_it_was_paid() {
    let town = Town::found().await;
    let opened =
        town.alipay_browser("HF_1", &[("wap", "1"), ("quit_url", "http://127.0.0.1:9/quit")]).await;
    let cashier = opened.headers()["location"].to_str().unwrap().to_owned();
    let url = format!("{}{cashier}", town.sandbox.base_url());
    let page = town.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("class=\"narrow\"") && page.contains("CN¥1,234.50"), "{page}");
    let left = town.http.post(format!("{url}/leave")).send().await.unwrap();
    assert_eq!(left.headers()["location"], format!("{cashier}/done"));
    let done = town.http.get(format!("{url}/done")).send().await.unwrap().text().await.unwrap();
    assert!(done.contains("http://127.0.0.1:9/quit"), "{done}");
    town.http.post(format!("{url}/pay")).send().await.unwrap();
    let done = town.http.get(format!("{url}/done")).send().await.unwrap().text().await.unwrap();
    let query =
        done.split("0; url=http://127.0.0.1:9/r?").nth(1).unwrap().split('"').next().unwrap();
    let (fields, genuine) = alipay_notice(&query.replace("&#38;", "&"));
    assert!(genuine, "{query}");
    assert_eq!(of(&fields, "method"), "alipay.trade.wap.pay.return");
    assert_eq!(of(&fields, "out_trade_no"), "HF_1");
}

#[tokio::test]
async fn the_bill_of_a_day_is_a_zip_of_a_table_in_gbk() {
    let town = Town::found().await;
    town.alipay_opened("HF_1").await;
    town.control("alipay/HF_1/pay").await;
    let refund =
        json!({ "out_trade_no": "HF_1", "refund_amount": "34.50", "out_request_no": "r1" });
    town.alipay("alipay.trade.refund", &refund).await;
    let method = "alipay.data.dataservice.bill.downloadurl.query";
    let day = json!({ "bill_type": "trade", "bill_date": "2027-01-15" });
    assert_eq!(town.alipay(method, &day).await["sub_code"], "isp.bill_not_exist", "not today");
    town.clock.advance(SignedDuration::from_hours(17));
    let address = town.alipay(method, &day).await;
    let address = address["bill_download_url"].as_str().unwrap();
    let bytes = town.http.get(address).send().await.unwrap().bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut table = Vec::new();
    archive.by_index(0).unwrap().read_to_end(&mut table).unwrap();
    let (text, _, wrong) = encoding_rs::GBK.decode(&table);
    assert!(!wrong);
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("HF_1")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].contains(",交易,") && rows[0].contains(",1234.50,1234.50,"), "{}", rows[0]);
    assert!(
        rows[1].contains(",退款,") && rows[1].contains(",-34.50,") && rows[1].contains(",r1\t,")
    );
    assert!(text.contains("#交易合计：1笔，商家实收共1234.50元"), "{text}");
    town.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(town.http.get(address).send().await.unwrap().status(), 403, "30 seconds");
}
