//! The kit against shops that are played: a bad one is caught, and a good one is not accused.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::case::{Case, Verdict};
use super::*;
use crate::api::Token;
use crate::fake::{Habits, open as played};

/// The cases of one attack on a shop with these habits.
async fn attacked(habits: Habits, id: &str) -> Vec<Case> {
    let (draw, effort) =
        (Draw::new(Some(5)), Effort { rounds: 2, quick: true, db_delay: Duration::ZERO });
    let kit = Kit::open(played(habits).await, draw, effort, PEOPLE, None).await.unwrap();
    cases(&kit, id).await
}

async fn cases(kit: &Kit, id: &str) -> Vec<Case> {
    let attacks = chosen(&[id.to_owned()]).unwrap();
    let report = carry_out(kit, &attacks).await;
    report.attacks.into_iter().flat_map(|entry| entry.cases).collect()
}

fn verdict(cases: &[Case], id: &str) -> Verdict {
    let case = cases.iter().find(|case| case.id == id).unwrap_or_else(|| panic!("{cases:?}"));
    case.verdict
}

#[tokio::test]
async fn overselling_gets_through() {
    let good = attacked(Habits::default(), "A01").await;
    assert_eq!(verdict(&good, "A01.1"), Verdict::Held, "{good:?}");
    assert_eq!(verdict(&good, "A01.3"), Verdict::Held, "{good:?}");
    let bad = attacked(Habits { oversells: true, ..Habits::default() }, "A01").await;
    assert_eq!(verdict(&bad, "A01.1"), Verdict::GotThrough, "{bad:?}");
    assert!(bad[0].seen.contains("50 × 201"), "{bad:?}");
    assert_eq!(verdict(&bad, "A01.3"), Verdict::GotThrough, "{bad:?}");
}

#[tokio::test]
async fn one_quote_that_makes_two_orders_gets_through() {
    let good = attacked(Habits::default(), "A13").await;
    assert_eq!(verdict(&good, "A13.1"), Verdict::Held, "{good:?}");
    let bad = attacked(Habits { forgets_quotes: true, ..Habits::default() }, "A13").await;
    assert_eq!(verdict(&bad, "A13.1"), Verdict::GotThrough, "{bad:?}");
    assert!(bad[0].seen.contains("30 × 201"), "{bad:?}");
}

/// The played shop shows anybody's order to anybody, and takes any number for a quantity.
#[tokio::test]
async fn what_belongs_to_others_and_what_is_no_number_get_through() {
    let strangers = attacked(Habits::default(), "A40").await;
    assert_eq!(verdict(&strangers, "A40.1"), Verdict::GotThrough, "{strangers:?}");
    let numbers = attacked(Habits::default(), "A56").await;
    assert_eq!(verdict(&numbers, "A56.1"), Verdict::GotThrough, "{numbers:?}");
}

/// It cannot do what the attack needs: that is not taken for a shop that holds.
#[tokio::test]
async fn what_could_not_be_tried_is_not_good() {
    let cases = attacked(Habits { fails_every: Some(1), ..Habits::default() }, "A40").await;
    let last = cases.last().unwrap();
    assert_eq!(last.verdict, Verdict::NotTried, "{cases:?}");
    assert!(!last.verdict.is_good());
}

/// Answers 200 to everything that looks like the beginning of a request, wherever it stands.
async fn gullible() -> Shop {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 100_000];
                let count = stream.read(&mut buffer).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                for _ in 0..text.matches(" HTTP/").count() {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Shop::played(address, Token::new("owner").unwrap())
}

#[tokio::test]
async fn a_hidden_request_gets_through() {
    let effort = Effort { rounds: 1, quick: true, db_delay: Duration::ZERO };
    let kit = Kit::with(gullible().await, Draw::new(Some(6)), effort, Vec::new());
    let cases = cases(&kit, "A66").await;
    let through = cases.iter().filter(|case| case.verdict == Verdict::GotThrough).count();
    assert!(through >= 24, "{cases:?}");
    let report = carry_out(&kit, &chosen(&["A67".into()]).unwrap()).await;
    assert!(!report.is_good(), "{}", report.table(true));
    let page = page::page(&report);
    assert!(page.contains("GOT THROUGH") && !page.contains("<script"), "{page}");
    assert!(report.table(false).contains("GOT THROUGH"));
    assert!(serde_json::to_string(&report).unwrap().contains("\"got_through\""));
}

#[test]
fn every_attack_has_its_own_number_and_none_is_forgotten() {
    let mut ids: Vec<&str> = on::all().iter().map(|attack| attack.id).collect();
    ids.extend(later::LATER.iter().map(|(id, ..)| *id));
    ids.sort_unstable();
    let all: Vec<String> = (1..=85).map(|number| format!("A{number:02}")).collect();
    assert_eq!(ids, all);
    assert!(chosen(&["A99".into()]).is_err());
    assert_eq!(chosen(&["a01".into(), "A13".into()]).unwrap().len(), 2);
}
