//! Attacks that cost the shop more than the attacker: deep pages, wide lists, many passwords.

use std::time::Duration;

use serde_json::json;

use super::{Ask, Attack, Kit, Sheet, Tally};
use crate::clock::now;

pub const ATTACKS: &[Attack] = &[Attack {
    id: "A70",
    name: "requests that are dear to answer, while others buy",
    run: |kit, sheet| Box::pin(dear(kit, sheet)),
}];

async fn dear(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let goods = kit.goods(10_000, 1000).await?;
    let (logins, deep) = if kit.effort.quick { (100, 100) } else { (500, 500) };
    let guess = |number: usize| {
        let login = format!("nobody-{number}@load.example");
        let body = json!({ "login": login, "password": "a wrong phrase of words" });
        kit.bytes(&Ask::post("/api/v1/sessions", &body))
    };
    let guesses: Vec<Vec<u8>> = (0..logins).map(guess).collect();
    let guessing = super::super::wire::race(kit.address(), &guesses);
    let (guessed, bought) = tokio::join!(guessing, buying(kit, &goods));
    let tally = Tally::of(&guessed?);
    let known = ["401 login-failed", "429 rate-limited", "503 overloaded", "503 timed-out"];
    let did = format!("{logins} passwords guessed at once");
    let held = tally.only(&known);
    sheet.note(did, "401, 429 or 503; none gets in", tally.in_words(), held);
    let (worst, seen) = bought?;
    let held = worst < Duration::from_secs(2);
    sheet.note("an order meanwhile", "placed within 2 s", seen, held);

    let queries = [
        "limit=100&sort=price",
        "limit=100&sort=-price",
        "limit=100&sort=newest",
        "limit=100&price_min=0&price_max=9223372036854775807",
        "limit=100",
    ];
    let asks: Vec<Vec<u8>> = (0..deep)
        .map(|number: usize| {
            // No two are alike: an answer that is kept costs nothing.
            let (query, price) = (queries[number % queries.len()], number);
            let query = if query.contains("price_min") {
                query.replace("price_min=0", &format!("price_min={price}"))
            } else {
                format!("{query}&price_min={price}")
            };
            kit.bytes(&Ask::get(format!("/api/v1/products?{query}")))
        })
        .collect();
    let asking = super::super::wire::race(kit.address(), &asks);
    let (listed, bought) = tokio::join!(asking, buying(kit, &goods));
    let tally = Tally::of(&listed?);
    let held = tally.only(&["200", "400 parameter-invalid", "429 rate-limited", "503 overloaded"]);
    let did = format!("{deep} different lists of 100 at once");
    sheet.note(did, "200, or refused", tally.in_words(), held);
    let (worst, seen) = bought?;
    let held = worst < Duration::from_secs(2);
    sheet.note("an order meanwhile", "placed within 2 s", seen, held);
    sheet.not_here("wildcards in a search", "with search");
    sheet.not_here("a report over everything", "with reports in the admin");
    Ok(())
}

/// Buys five times; gives the longest wait for an order.
async fn buying(kit: &Kit, goods: &super::Goods) -> anyhow::Result<(Duration, String)> {
    let (mut worst, mut placed) = (Duration::ZERO, 0);
    for buyer in &kit.buyers[..5] {
        let begun = now();
        let quote = kit.quote(buyer, goods, 1).await?;
        let answer = kit.ask(&Kit::place(buyer, &quote, "cash_on_delivery")).await;
        let took = if answer.status == 201 { begun.elapsed() } else { Duration::MAX };
        placed += usize::from(answer.status == 201);
        worst = worst.max(took);
    }
    Ok((worst, format!("{placed} of 5 placed, at most {} ms", worst.as_millis())))
}
