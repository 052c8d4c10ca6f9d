//! Attacks on stock: more is asked for than there is, by many at the same moment.

use serde_json::json;

use super::{Attack, Kit, Round, Sheet, Tally};
use crate::scene::Buyer;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A01",
        name: "more buyers than units, all at the same moment",
        run: |kit, sheet| Box::pin(oversell(kit, sheet)),
    },
    Attack {
        id: "A02",
        name: "the same stock twice: by two lines, by a cart and directly",
        run: |kit, sheet| Box::pin(twice(kit, sheet)),
    },
    Attack {
        id: "A03",
        name: "baskets in opposite order, to make two orders wait for each other",
        run: |kit, sheet| Box::pin(opposite(kit, sheet)),
    },
    Attack {
        id: "A04",
        name: "a hold ends at the moment its order is placed",
        run: |kit, sheet| Box::pin(hold_ends(kit, sheet)),
    },
];

const SHORT: &str = "409 out-of-stock";

async fn oversell(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyers = &kit.buyers[..50];
    let expected = "10 × 201, 40 × 409 out-of-stock, nothing left";
    kit.rounds(sheet, "50 buy one of 10 directly", expected, async || {
        let goods = kit.goods(10, 1000).await?;
        let mut asks = Vec::new();
        for buyer in buyers {
            asks.push(Kit::place(buyer, &kit.quote(buyer, &goods, 1).await?, "cash_on_delivery"));
        }
        let tally = Tally::of(&kit.race(&asks).await?);
        let sold = tally.count("201") == 10 && tally.count(SHORT) == 40;
        Ok(Round::of(sold && kit.available(&goods).await? == 0, &tally))
    })
    .await?;
    let expected = "10 carts hold one (200), 40 × 409 out-of-stock; those 10 become orders (201)";
    kit.rounds(sheet, "50 put one of 10 into their carts, and order", expected, async || {
        let goods = kit.goods(10, 1000).await?;
        let asks: Vec<_> =
            buyers.iter().map(|buyer| Kit::add_to_cart(buyer, &goods, &json!(1))).collect();
        let held = kit.race(&asks).await?;
        let tally = Tally::of(&held);
        let mut asks = Vec::new();
        let lucky: Vec<&Buyer> =
            buyers.iter().zip(&held).filter(|(_, held)| held.status == 200).map(|x| x.0).collect();
        for buyer in &lucky {
            let quote = kit.quote_cart(buyer).await?;
            asks.push(Kit::place(buyer, &quote, "cash_on_delivery"));
        }
        let placed = Tally::of(&kit.race(&asks).await?);
        let held = tally.count("200") == 10 && tally.count(SHORT) == 40;
        let good = held && placed.count("201") == 10 && kit.available(&goods).await? == 0;
        Ok(Round { held: good, seen: format!("{}; then {}", tally.in_words(), placed.in_words()) })
    })
    .await?;
    let expected = "3 × 201, 17 × 409 out-of-stock, one left: all of an order or nothing";
    kit.rounds(sheet, "20 buy three of 10", expected, async || {
        let goods = kit.goods(10, 1000).await?;
        let mut asks = Vec::new();
        for buyer in &buyers[..20] {
            asks.push(Kit::place(buyer, &kit.quote(buyer, &goods, 3).await?, "sandbox"));
        }
        let tally = Tally::of(&kit.race(&asks).await?);
        let good = tally.count("201") == 3 && tally.count(SHORT) == 17;
        Ok(Round::of(good && kit.available(&goods).await? == 1, &tally))
    })
    .await
}

async fn twice(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let goods = kit.goods(3, 1000).await?;
    kit.need(&Kit::clear_cart(buyer), 200).await?;
    kit.need(&Kit::add_to_cart(buyer, &goods, &json!(2)), 200).await?;
    let more = kit.ask(&Kit::add_to_cart(buyer, &goods, &json!(2))).await;
    sheet.refused("2 and again 2 of 3 into one cart", &[(409, "out-of-stock")], &more);
    let left = kit.available(&goods).await?;
    let (expected, seen) = ("2 held, 1 left", format!("{left} left"));
    sheet.note("what the refusal has taken", expected, seen, left == 1);

    let expected = "1 × 200, 1 × 409 out-of-stock";
    kit.rounds(sheet, "two tabs put 2 of 3 into one cart at once", expected, async || {
        kit.need(&Kit::clear_cart(buyer), 200).await?;
        let goods = kit.goods(3, 1000).await?;
        let ask = Kit::add_to_cart(buyer, &goods, &json!(2));
        let tally = Tally::of(&kit.race(&[ask.clone(), ask]).await?);
        let good = tally.count("200") == 1 && tally.count(SHORT) == 1;
        Ok(Round::of(good && kit.available(&goods).await? == 1, &tally))
    })
    .await?;

    let expected = "one of the two is 201, the other 409, never both";
    kit.rounds(sheet, "3 of 3 from the cart and 3 directly at once", expected, async || {
        kit.need(&Kit::clear_cart(buyer), 200).await?;
        let goods = kit.goods(3, 1000).await?;
        let other = &kit.buyers[1];
        let direct = kit.quote(other, &goods, 3).await?;
        kit.need(&Kit::add_to_cart(buyer, &goods, &json!(3)), 200).await?;
        let cart = kit.quote_cart(buyer).await?;
        let asks =
            [Kit::place(buyer, &cart, "sandbox"), Kit::place(other, &direct, "cash_on_delivery")];
        let answers = kit.race(&asks).await?;
        // The cart holds its units: nobody else gets them.
        let good = answers[0].status == 201 && answers[1].in_short() == SHORT;
        Ok(Round::of(good, &Tally::of(&answers)))
    })
    .await
}

async fn opposite(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let pairs = if kit.effort.quick { 20 } else { 100 };
    let did = format!("{} orders of (A, B) and (B, A) at once", pairs * 2);
    let expected = "every one 201: no 5xx, nobody waits for somebody who waits";
    let buyers = &kit.buyers[..50];
    let (one, two) = (kit.goods(1_000_000, 700).await?, kit.goods(1_000_000, 900).await?);
    kit.rounds(sheet, &did, expected, async || {
        let (mut answers, mut left) = (Vec::new(), pairs * 2);
        while left > 0 {
            let mut asks = Vec::new();
            for (index, buyer) in buyers.iter().take(left).enumerate() {
                let order = if index % 2 == 0 { [&one, &two] } else { [&two, &one] };
                kit.need(&Kit::clear_cart(buyer), 200).await?;
                for goods in order {
                    kit.need(&Kit::add_to_cart(buyer, goods, &json!(1)), 200).await?;
                }
                let quote = kit.quote_cart(buyer).await?;
                asks.push(Kit::place(buyer, &quote, "cash_on_delivery"));
            }
            left -= asks.len();
            answers.extend(kit.race(&asks).await?);
        }
        let tally = Tally::of(&answers);
        Ok(Round::of(tally.only(&["201"]), &tally))
    })
    .await
}

async fn hold_ends(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    for (did, empty) in [("the cart is emptied", true), ("the line is taken out", false)] {
        let did = format!("{did} as its order is placed");
        let expected = "201, or 409 cart-changed and the units are free; never both";
        kit.rounds(sheet, &did, expected, async || {
            kit.need(&Kit::clear_cart(buyer), 200).await?;
            let goods = kit.goods(2, 1000).await?;
            kit.need(&Kit::add_to_cart(buyer, &goods, &json!(2)), 200).await?;
            let quote = kit.quote_cart(buyer).await?;
            let end = if empty {
                Kit::clear_cart(buyer)
            } else {
                let path = format!("/api/v1/cart/lines/{}", goods.variant);
                super::Ask::new("DELETE", path).by(&buyer.token)
            };
            let answers = kit.race(&[Kit::place(buyer, &quote, "sandbox"), end]).await?;
            let left = kit.available(&goods).await?;
            let good = match answers[0].in_short().as_str() {
                "201" => left == 0,
                "409 cart-changed" => left == 2,
                _ => false,
            };
            let good = good && matches!(answers[1].status, 200 | 404);
            let seen = format!("{}, {left} left", Tally::of(&answers).in_words());
            Ok(Round { held: good, seen })
        })
        .await?;
    }
    sheet.not_here(
        "the hold's time runs out as its order is placed",
        "the shop's clock cannot be moved from outside; the simulator moves it",
    );
    Ok(())
}
