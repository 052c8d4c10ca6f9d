//! Attacks on what is owed: stock kept from others, money given back twice, steps that exclude
//! each other taken together.

use serde_json::json;

use super::super::bank::{seen, until_state};
use super::{Ask, Attack, Kit, Round, Sheet, Tally};
use crate::scene::Buyer;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A17",
        name: "stock is kept from others without buying it",
        run: |kit, sheet| Box::pin(hoarding(kit, sheet)),
    },
    Attack {
        id: "A18",
        name: "money is asked back many times",
        run: |kit, sheet| Box::pin(refunds(kit, sheet)),
    },
    Attack {
        id: "A19",
        name: "two steps that exclude each other, at once",
        run: |kit, sheet| Box::pin(exclusive_steps(kit, sheet)),
    },
];

async fn hoarding(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyer().await?;
    let goods = kit.goods(20_000, 1000).await?;
    let too_many = kit.ask(&Kit::add_to_cart(buyer, &goods, &json!(10_001))).await;
    sheet.refused("10,001 units in a line", &[(422, "quantity-invalid")], &too_many);
    kit.need(&Kit::add_to_cart(buyer, &goods, &json!(10_000)), 200).await?;
    let more = kit.ask(&Kit::add_to_cart(buyer, &goods, &json!(1))).await;
    sheet.refused("one more into a full line", &[(422, "quantity-invalid")], &more);
    let ask = Ask::new("POST", "/api/v1/cart/extend").by(&buyer.token);
    let answers = kit.race(&vec![ask.clone(); 30]).await?;
    let tally = Tally::of(&answers);
    let extended = tally.count("200");
    let held = tally.only(&["200", "409 hold-used-up"]) && (1..30).contains(&extended);
    let expected = "no more 200 than a hold has extensions, then 409 hold-used-up";
    sheet.note("the hold is extended 30 times at once", expected, tally.in_words(), held);
    let answer = kit.ask(&ask).await;
    sheet.refused("and once more", &[(409, "hold-used-up")], &answer);
    kit.need(&Kit::clear_cart(buyer), 200).await?;
    let stranger = kit.ask(&Ask::new("POST", "/api/v1/cart/extend")).await;
    sheet.refused("the hold of nobody", &[(401, "unauthorized")], &stranger);
    sheet.not_here(
        "many accounts, or one that puts back and takes again, keep everything held",
        "with limits for each customer",
    );
    Ok(())
}

fn cancel(buyer: &Buyer, order: &str, key: &str) -> Ask {
    let path = format!("/api/v1/orders/{order}/cancel");
    Ask::post(path, &json!({})).by(&buyer.token).key(key)
}

fn advance(kit: &Kit, order: &str, to: &str) -> Ask {
    let path = format!("/api/v1/admin/orders/{order}/advance");
    Ask::post(path, &json!({ "to": to })).by(&kit.shop.admin).key(&kit.fresh_key())
}

async fn refunds(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let Some(bank) = &kit.bank else {
        sheet.not_here("a paid order is called off 30 times", "no payment sandbox to look into");
        return Ok(());
    };
    for (did, one_key) in [("under one key", true), ("each under a key of its own", false)] {
        let did = format!("a paid order is called off 30 times, {did}");
        let expected = "given back once: refunded = captured in the gateway's book";
        kit.rounds(sheet, &did, expected, async || {
            let begun = bank.begin(kit, buyer).await?;
            bank.force(&begun.payment, "pay").await?;
            until_state(kit, buyer, &begun.order, &["paid"]).await?;
            let key = kit.fresh_key();
            let asks: Vec<Ask> = (0..30)
                .map(|turn| {
                    let own = format!("{key}-{turn}");
                    cancel(buyer, &begun.order, if one_key { &key } else { &own })
                })
                .collect();
            let tally = Tally::of(&kit.race(&asks).await?);
            let wanted = if one_key { tally.count("200") == 30 } else { tally.count("200") == 1 };
            let good = wanted && tally.only(&["200", "409 order-state"]);
            let state = until_state(kit, buyer, &begun.order, &["refunded"]).await?;
            let (captured, refunded) = bank.book(&begun.payment).await?;
            let good = good && state == "refunded" && captured > 0 && captured == refunded;
            let seen = format!("{}; {state}, {refunded} of {captured} back", tally.in_words());
            Ok(Round { held: good, seen })
        })
        .await?;
    }
    sheet.not_here("partial refunds of 60 and 60 out of 100", "with refunds by staff");
    sheet.not_here("a refund meets a chargeback", "with chargebacks");
    Ok(())
}

async fn exclusive_steps(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let goods = kit.goods(1_000_000, 1000).await?;
    let expected = "one of the two is 200, the other 409 order-state";
    kit.rounds(sheet, "cancel and pack", expected, async || {
        let order = kit.order(buyer, &goods, "cash_on_delivery").await?.at("/id");
        let pair = [cancel(buyer, &order, &kit.fresh_key()), advance(kit, &order, "packed")];
        let tally = Tally::of(&kit.race(&pair).await?);
        let good = tally.count("200") == 1 && tally.count("409 order-state") == 1;
        Ok(Round::of(good, &tally))
    })
    .await?;
    let expected = "1 × 200, 9 × 409 order-state";
    kit.rounds(sheet, "delivered ten times, cash in hand", expected, async || {
        let order = kit.order(buyer, &goods, "cash_on_delivery").await?.at("/id");
        for step in ["packed", "shipped"] {
            kit.need(&advance(kit, &order, step), 200).await?;
        }
        let asks: Vec<Ask> = (0..10).map(|_| advance(kit, &order, "delivered")).collect();
        let tally = Tally::of(&kit.race(&asks).await?);
        let good = tally.count("200") == 1 && tally.count("409 order-state") == 9;
        Ok(Round::of(good, &tally))
    })
    .await?;
    for (did, first, second) in
        [("shipped before packed", "shipped", ""), ("packed twice", "packed", "packed")]
    {
        let order = kit.order(buyer, &goods, "cash_on_delivery").await?.at("/id");
        let mut answer = kit.ask(&advance(kit, &order, first)).await;
        if !second.is_empty() {
            answer = kit.ask(&advance(kit, &order, second)).await;
        }
        sheet.refused(did, &[(409, "order-state")], &answer);
    }
    let Some(bank) = &kit.bank else {
        sheet.not_here("cancel and pay", "no payment sandbox to play the payer");
        return Ok(());
    };
    let expected = "cancelled with nothing kept, or refunded in full";
    kit.rounds(sheet, "the payer pays as the order is cancelled", expected, async || {
        let begun = bank.begin(kit, buyer).await?;
        let off = [cancel(buyer, &begun.order, &kit.fresh_key())];
        let paying = Box::pin(bank.force(&begun.payment, "pay"));
        let (paid, off) = tokio::join!(paying, Box::pin(kit.race(&off)));
        let (voided, off) = (paid.is_err(), off?);
        let (captured, refunded) = bank.given_back(&begun.payment, !voided).await?;
        let good = off[0].status == 200 && captured == refunded;
        // A payment that came after the cancellation leaves the order as it is.
        let ends = ["cancelled", "refunded"];
        let state = until_state(kit, buyer, &begun.order, &ends).await?;
        let good = good && ends.contains(&state.as_str());
        Ok(Round { held: good, seen: format!("{state}, {refunded} of {captured} back") })
    })
    .await?;
    let pending = kit.order(buyer, &goods, "sandbox").await?.at("/id");
    let answer = kit.ask(&advance(kit, &pending, "packed")).await;
    sheet.refused("an unpaid order is packed", &[(409, "order-state")], &answer);
    let state = seen(kit, buyer, &pending).await?.at("/state");
    let held = state == "pending";
    sheet.note("and stays as it was", "pending", state, held);
    Ok(())
}
