//! Attacks on what was promised: something changes between the preview and the order.

use serde_json::json;

use super::{Answer, Ask, Attack, Goods, Kit, Round, Sheet, Tally};

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A08",
        name: "the cart grows while its order is placed",
        run: |kit, sheet| Box::pin(cart_grows(kit, sheet)),
    },
    Attack {
        id: "A09",
        name: "the price changes between preview and order",
        run: |kit, sheet| Box::pin(price_changes(kit, sheet)),
    },
    Attack {
        id: "A10",
        name: "a quote is altered, borrowed, or ordered on other terms",
        run: |kit, sheet| Box::pin(quote_altered(kit, sheet)),
    },
];

fn price(kit: &Kit, goods: &Goods, minor: i64) -> Ask {
    let body = json!({ "price": { "minor": minor, "currency": "EUR" } });
    let path = format!("/api/v1/admin/variants/{}", goods.variant);
    Ask::new("PATCH", path).by(&kit.shop.admin).json(&body)
}

async fn cart_grows(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    let expected = "201 at the quote's total with one unit, or 409 cart-changed";
    kit.rounds(sheet, "1 is ordered as another tab makes it 5", expected, async || {
        kit.need(&Kit::clear_cart(buyer), 200).await?;
        let goods = kit.goods(20, 1000).await?;
        kit.need(&Kit::add_to_cart(buyer, &goods, &json!(1)), 200).await?;
        let quote = kit.quote_cart(buyer).await?;
        let path = format!("/api/v1/cart/lines/{}", goods.variant);
        let grow = Ask::new("PATCH", path).by(&buyer.token).json(&json!({ "quantity": 5 }));
        let answers = kit.race(&[Kit::place(buyer, &quote, "sandbox"), grow]).await?;
        let as_promised = |order: &Answer| {
            order.at("/total/minor") == quote.at("/total/minor") && order.at("/item_count") == "1"
        };
        let good = match answers[0].in_short().as_str() {
            "201" => as_promised(&answers[0]),
            "409 cart-changed" => true,
            _ => false,
        };
        Ok(Round::of(good, &Tally::of(&answers)))
    })
    .await
}

async fn price_changes(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyers[0];
    for (did, minor) in [("the price doubles", 2000), ("the price halves", 500)] {
        let goods = kit.goods(5, 1000).await?;
        let quote = kit.quote(buyer, &goods, 1).await?;
        kit.need(&price(kit, &goods, minor), 200).await?;
        let answer = kit.ask(&Kit::place(buyer, &quote, "sandbox")).await;
        let held = answer.in_short() == "409 quote-changed" && !answer.at("/changes").is_empty();
        let seen = format!("{} changes {}", answer.in_short(), answer.at("/changes"));
        let expected = "409 quote-changed at once, with the difference in `changes`";
        sheet.note(format!("{did} after the quote"), expected, seen, held);
    }
    let expected = "201 at the quote's total, or 409 quote-changed; never another total";
    kit.rounds(sheet, "the price doubles as 10 orders are placed", expected, async || {
        let goods = kit.goods(20, 1000).await?;
        let mut asks = vec![price(kit, &goods, 2000)];
        let mut total = String::new();
        for buyer in &kit.buyers[..10] {
            let quote = kit.quote(buyer, &goods, 1).await?;
            total = quote.at("/total/minor");
            asks.push(Kit::place(buyer, &quote, "sandbox"));
        }
        let answers = kit.race(&asks).await?;
        let good = answers[1..].iter().all(|answer| match answer.in_short().as_str() {
            "201" => answer.at("/total/minor") == total,
            "409 quote-changed" => true,
            _ => false,
        });
        Ok(Round::of(good && answers[0].status == 200, &Tally::of(&answers)))
    })
    .await
}

async fn quote_altered(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (buyer, other) = (&kit.buyers[0], &kit.buyers[1]);
    let goods = kit.goods(5, 1000).await?;
    let quote = kit.quote(buyer, &goods, 1).await?;
    let token = quote.at("/token");
    let mut tally = Vec::new();
    let step = (token.len() / 60).max(1);
    for at in (0..token.len()).step_by(step) {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8_lossy(&altered).into_owned();
        tally.push(kit.ask(&order_with(buyer, &altered)).await);
    }
    let tally = Tally::of(&tally);
    let held = tally.only(&["422 quote-invalid"]);
    let did = "one character of the token is another, everywhere in turn";
    sheet.note(did, "422 quote-invalid", tally.in_words(), held);
    let cut = &token[..token.len() - 1];
    let twice = format!("{token}{token}");
    let long = "A".repeat(60_000);
    for (did, text) in [
        ("the token is cut", cut),
        ("the token stands twice", twice.as_str()),
        ("an empty token", ""),
        ("a token of 60,000 characters", long.as_str()),
        ("a token that is not Base64", "ÿ%00\u{0}"),
    ] {
        let answer = kit.ask(&order_with(buyer, text)).await;
        sheet.refused(did, &[(422, "quote-invalid")], &answer);
    }
    let answer = kit.ask(&Kit::place(other, &quote, "sandbox")).await;
    sheet.refused("somebody else's quote is ordered", &[(404, "not-found")], &answer);
    for method in ["", "free", "SANDBOX", "cash_on_delivery\u{0}"] {
        let answer = kit.ask(&Kit::place(buyer, &quote, method)).await;
        let did = format!("paid by {method:?}");
        sheet.refused(did, &[(422, "payment-method-unknown")], &answer);
    }
    sheet.not_here("a coupon is edited after the quote", "with coupons");
    sheet.not_here("tax or delivery is edited after the quote", "with settings in the admin");
    Ok(())
}

fn order_with(buyer: &crate::scene::Buyer, token: &str) -> Ask {
    let body = json!({ "quote": token, "payment_method": "sandbox" });
    Ask::post("/api/v1/orders", &body).by(&buyer.token)
}
