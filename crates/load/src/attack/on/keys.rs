//! Attacks on keys: the same wish many times at once, another wish under the same key, none.

use serde_json::{Value, json};

use super::{Answer, Ask, Attack, Kit, Round, Sheet, Tally};

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A13",
        name: "the same button thirty times at once",
        run: |kit, sheet| Box::pin(double_submit(kit, sheet)),
    },
    Attack {
        id: "A14",
        name: "the same key for another wish",
        run: |kit, sheet| Box::pin(other_body(kit, sheet)),
    },
    Attack {
        id: "A15",
        name: "no key, or one that is none",
        run: |kit, sheet| Box::pin(no_key(kit, sheet)),
    },
    Attack {
        id: "A16",
        name: "two tabs order the same cart",
        run: |kit, sheet| Box::pin(two_tabs(kit, sheet)),
    },
];

const TIMES: usize = 30;

/// Whether all answers that brought something brought the same.
fn all_the_same(answers: &[Answer], pointer: &str) -> bool {
    let mut found = answers.iter().filter(|answer| answer.status < 300).map(|it| it.at(pointer));
    let first = found.next().unwrap_or_default();
    !first.is_empty() && found.all(|one| one == first)
}

async fn double_submit(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let expected = "1 × 201, 29 × 200 with the same order, one unit gone";
    kit.rounds(sheet, "one quote is placed 30 times", expected, async || {
        let goods = kit.goods(50, 1000).await?;
        let quote = kit.quote(buyer, &goods, 1).await?;
        let asks = vec![Kit::place(buyer, &quote, "cash_on_delivery"); TIMES];
        let answers = kit.race(&asks).await?;
        let tally = Tally::of(&answers);
        let good = tally.count("201") == 1 && tally.count("200") == TIMES - 1;
        let good = good && all_the_same(&answers, "/number");
        Ok(Round::of(good && kit.available(&goods).await? == 49, &tally))
    })
    .await?;
    let expected = "30 × 200 with the same count, one unit more";
    kit.rounds(sheet, "one stock adjustment 30 times", expected, async || {
        let goods = kit.goods(5, 1000).await?;
        let ask = adjust(kit, &goods.variant.to_string(), 1).key(&kit.fresh_key());
        let answers = kit.race(&vec![ask; TIMES]).await?;
        let good = answers.iter().all(|answer| answer.status == 200);
        let good = good && all_the_same(&answers, "/on_hand");
        Ok(Round::of(good && kit.available(&goods).await? == 6, &Tally::of(&answers)))
    })
    .await?;
    let expected = "30 × 200, the units come back once";
    kit.rounds(sheet, "one cancellation 30 times", expected, async || {
        let goods = kit.goods(5, 1000).await?;
        let order = kit.order(buyer, &goods, "cash_on_delivery").await?.at("/id");
        let path = format!("/api/v1/orders/{order}/cancel");
        let ask = Ask::post(path, &json!({})).by(&buyer.token).key(&kit.fresh_key());
        let answers = kit.race(&vec![ask; TIMES]).await?;
        let good = answers.iter().all(|answer| answer.status == 200);
        Ok(Round::of(good && kit.available(&goods).await? == 5, &Tally::of(&answers)))
    })
    .await?;
    let Some(bank) = &kit.bank else {
        sheet.not_here("one payment is begun 30 times", "no payment sandbox to look into");
        return Ok(());
    };
    let expected = "30 × 201 with the same payment, opened once at the gateway";
    kit.rounds(sheet, "one payment is begun 30 times", expected, async || {
        let goods = kit.goods(5, 1000).await?;
        let order = kit.order(buyer, &goods, "sandbox").await?.at("/id");
        let ask = super::super::bank::pay_ask(kit, buyer, &order);
        let answers = kit.race(&vec![ask; TIMES]).await?;
        // Whoever asks while the first is still with the gateway may be told to come back.
        let tally = Tally::of(&answers);
        let good = tally.only(&["201", "503 gateway-busy"]) && tally.count("201") > 0;
        let good = good && all_the_same(&answers, "/id");
        let attempt = answers.iter().find(|answer| answer.status == 201).map(|it| it.at("/id"));
        let opened = bank.opened(&attempt.unwrap_or_default()).await?;
        let seen = format!("{}, opened {opened} time(s)", tally.in_words());
        Ok(Round { held: good && opened == 1, seen })
    })
    .await
}

fn adjust(kit: &Kit, variant: &str, delta: i64) -> Ask {
    let body = json!({ "variant_id": variant, "delta": delta, "reason": "counted" });
    Ask::post("/api/v1/admin/stock-adjustments", &body).by(&kit.shop.admin)
}

async fn other_body(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let reused: &[(u16, &str)] = &[(422, "idempotency-key-reused")];
    let goods = kit.goods(50, 1000).await?;
    let quote = kit.quote(buyer, &goods, 1).await?;
    kit.need(&Kit::place(buyer, &quote, "sandbox"), 201).await?;
    let answer = kit.ask(&Kit::place(buyer, &quote, "cash_on_delivery")).await;
    sheet.refused("the same quote, paid another way", reused, &answer);
    let fresh = kit.quote(buyer, &goods, 1).await?;
    let foreign = Kit::place(buyer, &fresh, "sandbox").key("something-else");
    let mismatch = &[(422, "idempotency-key-mismatch")];
    sheet.refused("an order with a key of its own", mismatch, &kit.ask(&foreign).await);
    let key = kit.fresh_key();
    let variant = goods.variant.to_string();
    kit.need(&adjust(kit, &variant, 1).key(&key), 200).await?;
    let other = kit.ask(&adjust(kit, &variant, 2).key(&key)).await;
    sheet.refused("the same key, another adjustment", reused, &other);
    let order = kit.order(buyer, &goods, "sandbox").await?.at("/id");
    let second = kit.order(buyer, &goods, "sandbox").await?.at("/id");
    let cancel = |order: &str| {
        let path = format!("/api/v1/orders/{order}/cancel");
        Ask::post(path, &json!({})).by(&buyer.token).key(&key)
    };
    kit.need(&cancel(&order), 200).await?;
    let other = kit.ask(&cancel(&second)).await;
    sheet.refused("the same key, another order", reused, &other);
    let stranger = &kit.buyers[1];
    let theirs = kit.order(stranger, &goods, "sandbox").await?.at("/id");
    let path = format!("/api/v1/orders/{theirs}/cancel");
    let answer = kit.ask(&Ask::post(path, &json!({})).by(&stranger.token).key(&key)).await;
    let independent = answer.status == 200 && answer.at("/id") == theirs;
    let expected = "200 with their own order: keys of two accounts never meet";
    sheet.note("somebody else uses the same key", expected, answer.in_short(), independent);

    let expected = "one of the two wishes is done; the other is 422 idempotency-key-reused";
    kit.rounds(sheet, "+1 and +2 under one key, 15 times each at once", expected, async || {
        let goods = kit.goods(10, 1000).await?;
        let (key, variant) = (kit.fresh_key(), goods.variant.to_string());
        let asks: Vec<Ask> = (0..TIMES)
            .map(|turn| adjust(kit, &variant, if turn % 2 == 0 { 1 } else { 2 }).key(&key))
            .collect();
        let answers = kit.race(&asks).await?;
        let tally = Tally::of(&answers);
        let good = tally.count("200") == 15 && tally.count("422 idempotency-key-reused") == 15;
        let left = kit.available(&goods).await?;
        let good = good && all_the_same(&answers, "/on_hand") && (left == 11 || left == 12);
        Ok(Round { held: good, seen: format!("{}, {left} units", tally.in_words()) })
    })
    .await
}

async fn no_key(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let goods = kit.goods(5, 1000).await?;
    let order = kit.order(buyer, &goods, "sandbox").await?.at("/id");
    let routes: [(&str, String, Value, bool); 4] = [
        ("cancel", format!("/api/v1/orders/{order}/cancel"), json!({}), false),
        ("pay", format!("/api/v1/orders/{order}/payments"), json!({}), false),
        (
            "advance",
            format!("/api/v1/admin/orders/{order}/advance"),
            json!({ "to": "packed" }),
            true,
        ),
        (
            "adjust",
            "/api/v1/admin/stock-adjustments".to_owned(),
            json!({ "variant_id": goods.variant, "delta": 1, "reason": "counted" }),
            true,
        ),
    ];
    for (name, path, body, staff) in routes {
        let token = if staff { &kit.shop.admin } else { &buyer.token };
        let ask = || Ask::post(path.clone(), &body).by(token);
        let answer = kit.ask(&ask()).await;
        sheet.refused(
            format!("{name} without a key"),
            &[(400, "idempotency-key-missing")],
            &answer,
        );
        let mut tally = Vec::new();
        for bad in ["", "\"\"", "\"a", "a b", &"k".repeat(256), "k\u{e9}"] {
            tally.push(kit.ask(&ask().key(bad)).await);
        }
        tally.push(kit.ask(&ask().key("a").key("b")).await);
        let tally = Tally::of(&tally);
        let held = tally.only(&["400 idempotency-key-invalid"]);
        let did = format!("{name} with seven keys that are none");
        sheet.note(did, "400 idempotency-key-invalid", tally.in_words(), held);
    }
    Ok(())
}

async fn two_tabs(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let expected = "1 × 201, the others 409 cart-already-ordered with the order's number";
    for tabs in [2, 10] {
        kit.rounds(sheet, &format!("{tabs} tabs, a quote each"), expected, async || {
            kit.need(&Kit::clear_cart(buyer), 200).await?;
            let goods = kit.goods(50, 1000).await?;
            kit.need(&Kit::add_to_cart(buyer, &goods, &json!(1)), 200).await?;
            let mut asks = Vec::new();
            for _ in 0..tabs {
                asks.push(Kit::place(buyer, &kit.quote_cart(buyer).await?, "sandbox"));
            }
            let answers = kit.race(&asks).await?;
            let tally = Tally::of(&answers);
            let number = answers.iter().find(|it| it.status == 201).map(|it| it.at("/number"));
            let named = |answer: &&Answer| Some(answer.at("/number")) == number;
            let told = answers.iter().filter(|it| it.status == 409).filter(named).count();
            let good = tally.count("201") == 1
                && tally.count("409 cart-already-ordered") == tabs - 1
                && told == tabs - 1;
            Ok(Round::of(good && kit.available(&goods).await? == 49, &tally))
        })
        .await?;
    }
    Ok(())
}
