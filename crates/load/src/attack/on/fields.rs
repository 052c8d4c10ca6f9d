//! Attacks with fields that nobody asked for, and with numbers that are none or too large.

use serde_json::{Value, json};

use super::{Ask, Attack, Kit, Sheet, Tally};

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A53",
        name: "fields that only the shop sets",
        run: |kit, sheet| Box::pin(foreign_fields(kit, sheet)),
    },
    Attack {
        id: "A56",
        name: "quantities that are none",
        run: |kit, sheet| Box::pin(quantities(kit, sheet)),
    },
    Attack {
        id: "A57",
        name: "sums beyond what can be counted",
        run: |kit, sheet| Box::pin(sums(kit, sheet)),
    },
];

const FOREIGN: [&str; 14] = [
    "price",
    "total",
    "discount",
    "role",
    "status",
    "is_admin",
    "customer_id",
    "account_id",
    "paid_at",
    "id",
    "created_at",
    "state",
    "__proto__",
    "constructor",
];

async fn foreign_fields(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (me, admin) = (&kit.buyers[0].token, &kit.shop.admin);
    let goods = kit.goods(10, 1000).await?;
    let quote = kit.quote(&kit.buyers[0], &goods, 1).await?;
    let order = kit.order(&kit.buyers[0], &goods, "sandbox").await?.at("/id");
    let key = kit.fresh_key();
    let post = |path: &str| Ask::new("POST", path).key(&key);
    let email = format!("grown-{}@load.example", kit.fresh_key());
    let account = json!({ "login": email, "password": "a long phrase of words", "name": "A" });
    let address = json!({
        "name": "A", "line1": "1 Long Street", "city": "Berlin", "postcode": "10115",
        "country": "DE",
    });
    let product = json!({ "slug": key, "title": "A", "variants": [] });
    let price = json!({ "price": { "minor": 1, "currency": "EUR" } });
    let routes: Vec<(&str, Ask, Value)> = vec![
        ("an account", post("/api/v1/accounts"), account.clone()),
        ("a session", post("/api/v1/sessions"), json!({ "login": "a", "password": "b" })),
        ("an address", post("/api/v1/me/addresses").by(me), address),
        (
            "a line of a cart",
            post("/api/v1/cart/lines").by(me),
            json!({ "variant_id": goods.variant, "quantity": 1 }),
        ),
        ("a quote", post("/api/v1/checkout/quote").by(me), json!({ "source": "cart" })),
        (
            "an order",
            post("/api/v1/orders").by(me),
            json!({ "quote": quote.at("/token"), "payment_method": "sandbox" }),
        ),
        ("a cancellation", post(&format!("/api/v1/orders/{order}/cancel")).by(me), json!({})),
        ("a payment", post(&format!("/api/v1/orders/{order}/payments")).by(me), json!({})),
        ("a product", post("/api/v1/admin/products").by(admin), product),
        (
            "a price",
            Ask::new("PATCH", format!("/api/v1/admin/variants/{}", goods.variant)).by(admin),
            price,
        ),
        (
            "an adjustment",
            post("/api/v1/admin/stock-adjustments").by(admin),
            json!({ "variant_id": goods.variant, "delta": 1, "reason": "r" }),
        ),
    ];
    for (name, ask, body) in routes {
        let mut answers = Vec::new();
        for field in FOREIGN {
            let mut more = body.clone();
            more[field] = json!(1);
            answers.push(kit.ask(&ask.clone().json(&more)).await);
        }
        let tally = Tally::of(&answers);
        // Where a field is the body's own, its value is not what it should be.
        let held = tally.only(&["422 validation", "422 product-invalid"]);
        let did = format!("{name} with each of {} more fields", FOREIGN.len());
        sheet.note(did, "422 validation", tally.in_words(), held);
    }
    let state = kit.need(&Ask::get(format!("/api/v1/orders/{order}")).by(me), 200).await?;
    let left = kit.available(&goods).await?;
    let held = state.at("/state") == "pending" && left == 9;
    let seen = format!("{}, {left} left", state.at("/state"));
    sheet.note("order and stock, after all of it", "pending, 9 left", seen, held);
    let mut grown = account;
    grown["login"] = json!(format!("x-{email}"));
    let made = kit.need(&Ask::post("/api/v1/accounts", &grown), 201).await?;
    let held = made.at("/account/role") == "customer";
    sheet.note("a new account's role", "customer", made.at("/account/role"), held);
    Ok(())
}

async fn quantities(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let buyer = &kit.buyer().await?;
    let goods = kit.goods(100, 1000).await?;
    let texts = [
        "-1",
        "0",
        "1000000000",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "1.5",
        "1.0",
        "1e400",
        "1e2",
        "\"1\"",
        "\"１\"",
        "true",
        "null",
        "[]",
        "[1]",
        "{}",
        "NaN",
        "Infinity",
        "0x10",
        "01",
        "+1",
        "1_000",
        "",
    ];
    for text in texts {
        let cart = format!(r#"{{"variant_id":"{}","quantity":{text}}}"#, goods.variant);
        let quote =
            format!(r#"{{"source":"buy_now","variant_id":"{}","quantity":{text}}}"#, goods.variant);
        let mut answers = Vec::new();
        for (path, body) in [("/api/v1/cart/lines", cart), ("/api/v1/checkout/quote", quote)] {
            answers.push(kit.ask(&Ask::new("POST", path).by(&buyer.token).bytes(body)).await);
        }
        let tally = Tally::of(&answers);
        let wanted = ["422 quantity-invalid", "422 validation", "400 malformed-json"];
        let held = tally.only(&wanted);
        let did = format!("quantity {}", if text.is_empty() { "nothing" } else { text });
        sheet.note(did, "422 or 400", tally.in_words(), held);
    }
    kit.need(&Kit::add_to_cart(buyer, &goods, &json!(1)), 200).await?;
    let path = format!("/api/v1/cart/lines/{}", goods.variant);
    let line = |body: Value| Ask::new("PATCH", path.clone()).by(&buyer.token).json(&body);
    for (did, body) in [
        ("a line changed by −1,000", json!({ "change": -1000 })),
        ("a line changed by the smallest number", json!({ "change": i64::MIN })),
        ("a line changed by the largest number", json!({ "change": i64::MAX })),
        ("a line set to −1", json!({ "quantity": -1 })),
    ] {
        let answer = kit.ask(&line(body)).await;
        let cart = kit.need(&Ask::get("/api/v1/cart").by(&buyer.token), 200).await?;
        let units: i64 = cart.at("/selected_quantity").parse().unwrap_or(-1);
        let held = answer.status < 500 && (0..=10_000).contains(&units);
        let seen = format!("{}, {units} in the cart", answer.in_short());
        sheet.note(did, "refused, or a cart with 0 to 10,000", seen, held);
    }
    kit.need(&Kit::clear_cart(buyer), 200).await?;
    let left = kit.available(&goods).await?;
    sheet.note("the stock, after all of it", "100", left.to_string(), left == 100);
    Ok(())
}

async fn sums(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let admin = &kit.shop.admin;
    let buyer = &kit.buyers[0];
    for text in ["-1", "9223372036854775808", "1.5", "1e400", "\"1\"", "null", "1e3"] {
        let name = kit.fresh_key();
        let body = format!(
            r#"{{"slug":"{name}","title":"A","variants":[{{"sku":"{name}","units":1,"price":{{"minor":{text},"currency":"EUR"}}}}]}}"#
        );
        let ask = Ask::new("POST", "/api/v1/admin/products").by(admin).bytes(body);
        let wanted = &[(422, ""), (400, "malformed-json")];
        sheet.refused(format!("a price of {text}"), wanted, &kit.ask(&ask).await);
    }
    for currency in ["", "eur", "EURO", "XTS", "USD"] {
        let name = kit.fresh_key();
        let body = json!({
            "slug": name, "title": "A",
            "variants": [{ "sku": name, "units": 1, "price": { "minor": 1, "currency": currency } }],
        });
        let answer = kit.ask(&Ask::post("/api/v1/admin/products", &body).by(admin)).await;
        sheet.refused(format!("a currency {currency:?}"), &[(422, "")], &answer);
    }
    for price in [i64::MAX, 1_000_000_000_000, 10_000_000_000, 1_000_000_000] {
        let goods = match kit.goods(10_000, price).await {
            Ok(goods) => goods,
            Err(error) => {
                let refused = format!("{error:#}").contains("422");
                let did = format!("a product at {price}");
                sheet.note(did, "a price, or 422", "422", refused);
                continue;
            }
        };
        let answer = kit.ask(&Kit::quote_ask(buyer, &goods, 10_000)).await;
        let did = format!("10,000 of a thing at {price}");
        let exact = i128::from(price) * 10_000;
        let total: i128 = answer.at("/merchandise/minor").parse().unwrap_or(-1);
        let held =
            answer.in_short() == "422 amount-too-large" || (answer.status == 200 && total == exact);
        let seen = format!("{} {}", answer.in_short(), answer.at("/merchandise/minor"));
        sheet.note(did, "422 amount-too-large, or the exact sum", seen, held);
    }
    let person = &kit.buyer().await?;
    let mut last = 0;
    let mut code = String::new();
    for _ in 0..101 {
        let goods = kit.goods(1, 1).await?;
        let answer = kit.ask(&Kit::add_to_cart(person, &goods, &json!(1))).await;
        (last, code) = (answer.status, answer.in_short());
        if last != 200 {
            break;
        }
    }
    let held = last == 422 && code == "422 too-many-lines";
    sheet.note("101 different things in a cart", "422 too-many-lines", code, held);
    kit.need(&Kit::clear_cart(person), 200).await?;
    for (did, delta) in [("the largest", i64::MAX), ("the smallest", i64::MIN)] {
        let goods = kit.goods(5, 1).await?;
        let body = json!({ "variant_id": goods.variant, "delta": delta, "reason": "counted" });
        let ask = Ask::post("/api/v1/admin/stock-adjustments", &body).by(admin);
        let answer = kit.ask(&ask.key(&kit.fresh_key())).await;
        let wanted = &[(422, ""), (409, "out-of-stock")];
        sheet.refused(format!("{did} number of units is received"), wanted, &answer);
    }
    Ok(())
}
