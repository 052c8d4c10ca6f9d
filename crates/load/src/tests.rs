//! Whole runs against a shop that is played: what the tool reports, and when it says no.

use clap::Parser as _;
use serde_json::Value;

use crate::cli::{Arguments, Scenario};
use crate::fake::{Habits, open};
use crate::report::Report;
use crate::scene::Draw;
use crate::{browse, hot_sku, mixed, spread};

/// Runs a command line against the played shop.
async fn played(habits: Habits, line: &str) -> Report {
    let shop = open(habits).await;
    let words = format!("load {line} --seed 11");
    let arguments = Arguments::try_parse_from(words.split_whitespace()).unwrap();
    let draw = Draw::new(arguments.scenario.common().seed);
    match arguments.scenario {
        Scenario::HotSku(arguments) => hot_sku::in_shop(&arguments, &shop, draw).await,
        Scenario::Spread(arguments) => spread::in_shop(&arguments, &shop, draw).await,
        Scenario::Browse(arguments) => browse::in_shop(&arguments, &shop, draw).await,
        Scenario::Mixed(arguments) => mixed::in_shop(&arguments, &shop, draw).await,
        Scenario::Kill(_) | Scenario::Crash(_) | Scenario::Power(_) | Scenario::Overload(_) => {
            panic!("needs a shop of its own")
        }
        Scenario::Attack(_) => panic!("see the kit's own tests"),
    }
    .unwrap()
}

const HOT: &str = "hot-sku --buyers 60 --units 40 --connections 8";

fn json(report: &Report) -> Value {
    let line = report.json_line().unwrap();
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn everybody_is_served_or_told() {
    let report = played(Habits::default(), HOT).await;
    assert_eq!(report.failures(), [""; 0]);
    let line = json(&report);
    assert_eq!((&line["scenario"], &line["engine"]), (&"hot-sku".into(), &"played".into()));
    assert_eq!((&line["placed"], &line["refused"]), (&40.into(), &20.into()));
    assert_eq!((&line["errors"], &line["left"]), (&0.into(), &0.into()));
    assert_eq!(line["requests"], 120);
    assert_eq!(line["violations"], Value::Null, "nothing was verified, and it says so");
    assert_eq!(line["operation"], "place");
    assert_eq!(line["operations"]["place"]["count"], 60);
    for figure in ["orders_per_s", "p50_ms", "p99_ms", "generator_cpu"] {
        assert!(line[figure].is_number(), "{figure}");
    }
    let table = report.table();
    assert!(table.contains("placed 40   refused 20   overloaded 0   errors 0"), "{table}");
}

#[tokio::test]
async fn overselling_is_noticed() {
    let report = played(Habits { oversells: true, ..Habits::default() }, HOT).await;
    assert_eq!(
        report.failures(),
        ["60 orders were placed instead of 40", "the shop shows -20 units left instead of 0"]
    );
}

#[tokio::test]
async fn failures_of_the_shop_are_errors_and_shown() {
    let report = played(Habits { fails_every: Some(10), ..Habits::default() }, HOT).await;
    assert_eq!(report.book.errors, 6);
    assert!(report.failures().contains(&"6 errors".to_owned()));
    assert!(report.samples().all(|sample| sample.contains("/problems/internal")));
}

#[tokio::test]
async fn a_buyer_who_is_turned_away_comes_back() {
    let report = played(Habits { turns_away: 12, ..Habits::default() }, HOT).await;
    assert_eq!(report.failures(), [""; 0]);
    assert_eq!((report.book.placed, report.book.overloaded), (40, 12));
}

#[tokio::test]
async fn a_price_that_is_not_the_quoted_one_is_an_error() {
    let report = played(Habits { overcharges: true, ..Habits::default() }, HOT).await;
    assert_eq!(report.book.errors, 40);
}

#[tokio::test]
async fn the_warm_up_leaves_the_hot_variant_alone() {
    let report = played(Habits::default(), &format!("{HOT} --warmup 0.05")).await;
    assert_eq!(report.failures(), [""; 0]);
    assert!(report.book.warmup_turns > 0);
    assert_eq!((report.book.placed, report.book.requests), (40, 120));
}

#[tokio::test]
async fn an_open_loop_lets_all_buyers_in() {
    let report = played(Habits::default(), &format!("{HOT} --rate 2000")).await;
    assert_eq!(report.failures(), [""; 0]);
    assert_eq!(json(&report)["loop"], "open, Poisson");
    assert_eq!((report.book.placed, report.book.refused, report.unsent), (40, 20, 0));
}

#[tokio::test]
async fn orders_of_several_lines_go_through_the_cart() {
    for (lines, requests) in [(1, 200), (3, 500)] {
        let line = format!("spread --variants 7 --lines {lines} --orders 100 --connections 4");
        let report = played(Habits::default(), &line).await;
        assert_eq!(report.failures(), [""; 0]);
        assert_eq!((report.book.placed, report.book.requests), (100, requests));
    }
}

#[tokio::test]
async fn pages_are_compared_with_the_baseline() {
    let line = "browse --products 45 --baseline --duration 0.3 --warmup 0 --connections 4";
    let report = played(Habits::default(), line).await;
    assert_eq!(report.failures(), [""; 0]);
    let line = json(&report);
    for page in ["list", "product", "baseline"] {
        assert!(line["pages"][page]["per_s"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["pages"][page]["of_baseline"].as_f64().unwrap() > 0.0, "{line}");
    }
}

const MIXED: &str = "mixed --products 30 --duration 0.5 --warmup 0 --connections 8 --accounts 16";

#[tokio::test]
async fn a_mixed_day_in_a_good_shop_is_good() {
    let report = played(Habits::default(), MIXED).await;
    let samples: Vec<&str> = report.samples().collect();
    assert_eq!(report.failures(), [""; 0], "{samples:?}");
    assert!(report.book.placed > 0 && report.book.misbehaved > 0);
}

#[tokio::test]
async fn an_order_that_was_acknowledged_and_lost_is_missing() {
    let report = played(Habits { loses_every: Some(20), ..Habits::default() }, MIXED).await;
    assert!(!report.missing.is_empty());
    assert!(report.failures().iter().any(|reason| reason.contains("missing")));
}

#[tokio::test]
async fn one_quote_that_makes_two_orders_is_an_error() {
    let report = played(Habits { forgets_quotes: true, ..Habits::default() }, MIXED).await;
    let samples: Vec<&str> = report.samples().collect();
    assert!(report.book.errors > 0);
    assert!(
        samples.iter().any(|sample| sample.contains("two orders")
            || sample.contains("201 twice")
            || sample.contains("place: 201")),
        "{samples:?}"
    );
}

#[test]
fn a_target_needs_its_owner_and_stays_on_this_machine() {
    let parse = |line: &str| Arguments::try_parse_from(line.split_whitespace());
    assert!(parse("load mixed --target http://127.0.0.1:1").is_err());
    assert!(parse("load mixed --database sqlite:x").is_err());
    assert!(parse("load hot-sku --buyers 0").is_err());
    assert!(parse("load hot-sku --rate 0").is_err());
    assert!(parse("load mixed --target http://127.0.0.1:1 --admin a:b").is_ok());
}

#[tokio::test]
async fn a_shop_elsewhere_is_refused_before_anything_is_sent() {
    let line = "load mixed --target http://192.0.2.1:8080 --admin a@b.example:secret";
    let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
    let Scenario::Mixed(arguments) = arguments.scenario else { panic!("parsed as another") };
    let error = mixed::run(arguments).await.err().unwrap().to_string();
    assert!(error.contains("not on this machine"), "{error}");
}
