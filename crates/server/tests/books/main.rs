//! `holdfast reconcile` on a day with a thousand payments at three providers and twelve planted
//! differences: all twelve are named and nothing else, `--fix` mends what can be mended, and a
//! second run names what is left to a person.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends"
)]

mod sweeps;
mod town;

use flows::RefundNews;
use futures_util::future::join_all;
use kernel::{AttemptId, Currency, Money};
use payments::{Attempt, RefundState, Saw};
use serde_json::Value;

use town::{Said, Town, breaks, field};

/// The differences that are planted, as a report names them.
struct Planted {
    all: Vec<(String, String, String)>,
    /// Those that are mended without a person.
    mended: Vec<&'static str>,
}

impl Planted {
    fn plant(&mut self, gateway: &str, class: &str, reference: Option<&str>) {
        let reference = reference.unwrap_or("-").to_owned();
        self.all.push((gateway.to_owned(), class.to_owned(), reference));
    }
}

/// A thousand payments, spread over the day.
async fn the_day(town: &Town) {
    // Alipay's day ends in Beijing.
    let at_hour = |hour: usize| {
        let alipay = if hour < 15 { 10 } else { 0 };
        [("yookassa", 16), ("stripe", 18), ("alipay", alipay)]
    };
    let mut made = 0;
    for hour in 0..24 {
        for minute in [10, 45] {
            town.turn_to(&format!("2026-01-15T{hour:02}:{minute}:00Z"));
            let wanted = at_hour(hour).into_iter().flat_map(|(name, n)| vec![name; n / 2]);
            let paid = join_all(wanted.map(|name| town.paid(name))).await;
            made += paid.len();
        }
        if hour % 3 == 2 {
            town.sweep(&["yookassa", "stripe"]).await;
        }
    }
    // The last few, shortly before midnight.
    town.turn_to("2026-01-15T23:56:00Z");
    made += join_all((made..1000).map(|_| town.paid("stripe"))).await.len();
    town.turn_to("2026-01-15T23:56:30Z");
    town.sweep(&["yookassa", "stripe"]).await;
    assert_eq!(made, 1000);
}

/// Twelve differences, in the books of either side.
async fn plant(town: &Town, old: &Old) -> Planted {
    let mut planted = Planted { all: Vec::new(), mended: vec!["heard", "stuck", "back", "fee"] };
    let roubles = |minor| Money::new(minor, Currency::RUB);
    town.turn_to("2026-01-15T23:57:00Z");
    let env = &town.env;

    // 1: taken there for something that nobody here asked for
    let stranger: AttemptId = env.id();
    let id = town.paid_behind("yookassa", stranger, roubles(99_000)).await;
    planted.plant("yookassa", "missing_local", Some(&id));

    // 2: an order paid with money that was never there
    let ghost = town.meant("stripe").await;
    town.believe(&ghost, Saw::Captured, "cs_test_never").await;
    planted.plant("stripe", "missing_remote", Some("cs_test_never"));

    // 3 and 4: another amount, another currency
    planted.plant("alipay", "amount", old.cheap.reference.as_deref());
    planted.plant("stripe", "currency", old.dollars.reference.as_deref());

    // 5: paid and taken there, and nobody told
    let unheard = town.begun("yookassa").await;
    planted.plant("yookassa", "status", unheard.reference.as_deref());

    // 6: paid here, and over there
    let wished = town.begun("yookassa").await;
    town.believe(&wished, Saw::Captured, wished.reference.as_deref().unwrap()).await;
    planted.plant("yookassa", "status", wished.reference.as_deref());

    // 7: let go here, reserved there
    let stuck = town.begun("stripe").await;
    let over = Saw::Canceled("expired".to_owned());
    town.believe(&stuck, over, stuck.reference.as_deref().unwrap()).await;
    planted.plant("stripe", "status", stuck.reference.as_deref());

    // 8: given back there, of a payment of the day before
    let back = old.there.reference.as_deref();
    town.control("stripe", back, old.there.id, "refund?amount_minor=500").await;
    planted.plant("stripe", "refund", back);

    // 9: given back here, of a payment of the day before, was planted at noon
    planted.plant("alipay", "refund", old.here.reference.as_deref());

    // 10: another fee than theirs
    let dear = town.paid("yookassa").await;
    let shop = &town.at("yookassa").shop;
    shop.book_fee(dear.order_id, dear.id, roubles(1)).await.unwrap();
    planted.plant("yookassa", "fee", dear.reference.as_deref());

    // 11: no fee at all
    let fresh = town.paid("stripe").await;
    planted.plant("stripe", "fee", fresh.reference.as_deref());

    // 12: the payer was asked twice
    let id = town.paid_behind("yookassa", old.twice.id, old.twice.amount).await;
    planted.plant("yookassa", "duplicate", Some(&id));

    // Two of them go on after midnight, when the payer's term is over.
    town.turn_to("2026-01-16T03:00:00Z");
    town.control("yookassa", unheard.reference.as_deref(), unheard.id, "pay").await;
    let id = unheard.reference.clone().unwrap();
    town.take_behind(unheard.id, "yookassa", unheard.amount, &id).await;
    town.control("stripe", stuck.reference.as_deref(), stuck.id, "pay").await;
    planted.all.sort();
    planted
}

/// Payments that something is planted in.
struct Old {
    /// Of the day before, at Stripe and at Alipay.
    there: Attempt,
    here: Attempt,
    /// Of the day itself.
    cheap: Attempt,
    dollars: Attempt,
    twice: Attempt,
}

/// The shop holds a refund for done of which nobody at the provider has heard.
async fn refund_here_only(town: &Town, of: &Attempt) {
    let refund_id = town.give_back(of, 700).await;
    let (order_id, says) = (of.order_id, RefundState::Succeeded);
    let news = RefundNews { refund_id, order_id, says, reference: None, failure: None };
    town.at(&of.gateway).shop.refund_news(news).await.unwrap();
}

fn show(said: &Said) {
    println!("{}", said.out);
    assert_eq!(said.err, "", "nothing is drawn where nobody looks");
}

store::on_both_engines! { flows::SCHEMAS;
    async fn twelve_planted_differences_of_a_thousand_payments(db: TestDb) {
        let mut town = Town::found(db, "2026-01-14T10:00:00Z").await;
        let there = town.paid("stripe").await;
        let here = town.paid("alipay").await;
        town.turn_to("2026-01-15T00:05:00Z");
        the_first_hours(&town).await;
        let cheap = town.paid("alipay").await;
        let dollars = town.paid("stripe").await;
        let twice = town.paid("yookassa").await;
        refund_here_only(&town, &here).await;
        the_day(&town).await;

        // Before anything is planted in them, the lists agree to the last fee.
        for gateway in ["yookassa", "stripe"] {
            let day = "2026-01-15".parse().unwrap();
            let compared = town.at(gateway).cashier.compare_day(day, &|_, _| {}).await.unwrap();
            let differ = compared[0].breaks.len();
            assert_eq!(differ, 0, "{gateway}: {:?}", compared[0].breaks.first());
            assert!(compared[0].ours > 300, "{gateway}: {}", compared[0].ours);
        }
        let (cheap_id, dollars_id) = (cheap.id, dollars.id);
        let old = Old { there, here, cheap, dollars, twice };
        let planted = plant(&town, &old).await;
        town.sweep(&["alipay"]).await;
        let plants = format!(
            "update attempts set amount = amount - 100, captured = captured - 100 \
             where id = uuid '{cheap_id}'; \
             update attempts set currency = 'USD' where id = uuid '{dollars_id}';"
        );
        town.db.raw(&plants).await.unwrap();

        let day = ["reconcile", "--day", "2026-01-15"];
        let table = town.holdfast(&day).await;
        show(&table);
        assert_eq!(table.code, Some(1));
        let json = town.holdfast(&["reconcile", "--day", "2026-01-15", "--json"]).await;
        assert_eq!(json.code, Some(1), "{}", json.err);
        assert_eq!(breaks(&json.out), planted.all, "all twelve, and nothing else");
        for (_, class, reference) in &planted.all {
            assert!(table.out.contains(&format!("  {class:<14} {reference}\n")), "{class}");
        }
        let named = table.out.lines().filter(|line| line.starts_with("    here: ")).count();
        assert_eq!(named, 12);
        assert_eq!(field(&json.out, "waiting").as_array().unwrap().len(), 0, "nothing else waits");

        town.close_the_shop();
        let fixed = town.holdfast(&["reconcile", "--day", "2026-01-15", "--fix"]).await;
        show(&fixed);
        assert_eq!(fixed.code, Some(1));
        let again = town.holdfast(&["reconcile", "--day", "2026-01-15", "--fix", "--json"]).await;
        let left = breaks(&again.out);
        assert_eq!(left.len(), planted.all.len() - planted.mended.len(), "{left:#?}");
        assert!(left.iter().all(|it| planted.all.contains(it)), "{left:#?}");
        let did = field(&again.out, "mended");
        let did: Vec<&str> = did.as_array().unwrap().iter().map(text).collect();
        assert!(did.iter().all(|did| *did == "left to a person"), "{did:?}");

        let other = town.holdfast(&["reconcile", "--day", "2026-01-12", "--json"]).await;
        assert_eq!(breaks(&other.out), [], "{}", other.err);
    }
}

fn text(mended: &Value) -> &str {
    mended["did"].as_str().unwrap()
}

/// A few payments before the first list is read.
async fn the_first_hours(town: &Town) {
    town.sweep(&["yookassa", "stripe", "alipay"]).await;
}
