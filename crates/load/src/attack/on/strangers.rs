//! Attacks on what is somebody else's: it has to look exactly like what is not there.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Ask, Attack, Kit, Sheet, Tally};
use crate::scene::Buyer;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A40",
        name: "somebody else's order: read, called off, paid, moved on",
        run: |kit, sheet| Box::pin(orders(kit, sheet)),
    },
    Attack {
        id: "A41",
        name: "somebody else's cart and addresses",
        run: |kit, sheet| Box::pin(carts(kit, sheet)),
    },
    Attack {
        id: "A42",
        name: "ids next to one's own, and other names for an order",
        run: |kit, sheet| Box::pin(neighbours(kit, sheet)),
    },
    Attack {
        id: "A46",
        name: "other people's ids inside one's own requests",
        run: |kit, sheet| Box::pin(borrowed(kit, sheet)),
    },
    Attack {
        id: "A47",
        name: "parameters that ask for more than the page has",
        run: |kit, sheet| Box::pin(more_parameters(kit, sheet)),
    },
    Attack {
        id: "A48",
        name: "lists of everybody, of too much, from somebody else's page",
        run: |kit, sheet| Box::pin(lists(kit, sheet)),
    },
    Attack {
        id: "A49",
        name: "a customer changes an order, or does what staff do",
        run: |kit, sheet| Box::pin(changes(kit, sheet)),
    },
];

/// What an answer says apart from which request it was to.
fn without_instance(answer: &Answer) -> Value {
    let mut body = answer.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("instance");
    }
    body
}

/// Somebody else's thing and a missing one, asked for in the same way.
async fn like_missing(
    kit: &Kit,
    sheet: &mut Sheet,
    did: &str,
    ask: impl Fn(&str) -> Ask,
    theirs: &str,
) {
    let nobodys = "0192f0c1-0000-7000-8000-000000000000";
    let (foreign, missing) = (kit.ask(&ask(theirs)).await, kit.ask(&ask(nobodys)).await);
    let same = without_instance(&foreign) == without_instance(&missing);
    let held = foreign.status == 404 && missing.status == 404 && same;
    let seen = format!("{} and {}", foreign.in_short(), missing.in_short());
    sheet.note(did, "404, the same answer as for what is not there", seen, held);
}

async fn orders(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (me, other) = (&kit.buyers[0].token, &kit.buyers[1]);
    let goods = kit.goods(100, 1000).await?;
    let theirs = kit.order(other, &goods, "sandbox").await?;
    let id = theirs.at("/id");
    let path = |id: &str, rest: &str| format!("/api/v1/orders/{id}{rest}");
    let key = kit.fresh_key();
    let post = |id: &str, rest: &str| Ask::post(path(id, rest), &json!({})).by(me).key(&key);
    like_missing(kit, sheet, "read", |id| Ask::get(path(id, "")).by(me), &id).await;
    like_missing(kit, sheet, "called off", |id| post(id, "/cancel"), &id).await;
    like_missing(kit, sheet, "paid", |id| post(id, "/payments"), &id).await;
    let named = |id: &str| Ask::post(path(id, "/payments"), &json!({ "gateway": "sandbox" }));
    let named = |id: &str| named(id).by(me).key(&key);
    like_missing(kit, sheet, "paid at a gateway that is named", named, &id).await;
    for (did, token) in [
        ("without a token", None),
        ("with a token that is none", Some("Bearer nonsense")),
        ("with a cookie instead", Some("Basic b3duZXI6b3duZXI=")),
    ] {
        let mut ask = Ask::get(path(&id, ""));
        if let Some(token) = token {
            ask = ask.with("authorization", token);
        }
        let refusals = [(401, "unauthorized"), (401, "token-invalid")];
        sheet.refused(format!("read {did}"), &refusals, &kit.ask(&ask).await);
    }
    let page = kit.ask(&Ask::get(format!("/o/{id}"))).await;
    let leaks = page.text().contains(&theirs.at("/number"));
    let held = !leaks && (300..500).contains(&page.status);
    sheet.note("its page, signed in as nobody", "no order", page.in_short(), held);
    let state = kit.need(&Ask::get(path(&id, "")).by(&other.token), 200).await?.at("/state");
    let held = state == "pending";
    sheet.note("the order, after all of it", "pending", state, held);
    Ok(())
}

async fn carts(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (me, other) = (&kit.buyers[0], &kit.buyers[1]);
    let goods = kit.goods(100, 1000).await?;
    kit.need(&Kit::clear_cart(me), 200).await?;
    kit.need(&Kit::add_to_cart(other, &goods, &json!(2)), 200).await?;
    let line = format!("/api/v1/cart/lines/{}", goods.variant);
    let patch = Ask::new("PATCH", line.clone()).by(&me.token).json(&json!({ "quantity": 1 }));
    sheet.refused("a line of their cart is changed", &[(404, "")], &kit.ask(&patch).await);
    kit.ask(&Ask::new("DELETE", line).by(&me.token)).await;
    kit.ask(&Kit::clear_cart(me)).await;
    let cart = kit.need(&Ask::get("/api/v1/cart").by(&other.token), 200).await?;
    let held = cart.at("/lines/0/quantity") == "2";
    sheet.note("their cart, after all of it", "2 in it", cart.at("/lines/0/quantity"), held);
    let mine = kit.need(&Ask::get("/api/v1/me/addresses").by(&me.token), 200).await?;
    let leaks = mine.text().contains(&other.address.to_string());
    sheet.note("my addresses", "none of theirs", mine.in_short(), !leaks);
    let path = format!("/account/addresses/{}", other.address);
    let form = Ask::new("POST", path).with("content-type", "application/x-www-form-urlencoded");
    let answer = kit.ask(&form.body("action=delete")).await;
    let held = (300..500).contains(&answer.status);
    sheet.note("their address is deleted by a form of nobody", "refused", answer.in_short(), held);
    kit.need(&Kit::clear_cart(other), 200).await?;
    Ok(())
}

async fn neighbours(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0];
    let goods = kit.goods(100, 1000).await?;
    let mine = kit.order(me, &goods, "sandbox").await?;
    let id: Uuid = mine.at("/id").parse()?;
    let mut answers = Vec::new();
    for distance in 1..=50_u128 {
        for near in [id.as_u128().wrapping_add(distance), id.as_u128().wrapping_sub(distance)] {
            let path = format!("/api/v1/orders/{}", Uuid::from_u128(near));
            answers.push(kit.ask(&Ask::get(path).by(&me.token)).await);
        }
    }
    let tally = Tally::of(&answers);
    let held = tally.only(&["404 not-found"]);
    sheet.note("100 ids next to one's own", "404 not-found", tally.in_words(), held);
    let theirs = kit.order(&kit.buyers[1], &goods, "sandbox").await?;
    for (did, name) in [
        ("by its number", theirs.at("/number")),
        ("by its id in braces", format!("%7B{}%7D", theirs.at("/id"))),
        ("by its id as a URN", format!("urn:uuid:{}", theirs.at("/id"))),
        ("by its id and a path", format!("{}/../{}", mine.at("/id"), theirs.at("/id"))),
        ("by a bare id", theirs.at("/id").replace('-', "")),
        ("by a number", "1".to_owned()),
        ("by nothing", "%00".to_owned()),
    ] {
        let answer = kit.ask(&Ask::get(format!("/api/v1/orders/{name}")).by(&me.token)).await;
        sheet.refused(format!("their order {did}"), &[(404, "not-found")], &answer);
    }
    let numbers: Vec<String> = [&mine, &theirs].iter().map(|order| order.at("/number")).collect();
    let digits = numbers.iter().all(|number| number.chars().all(|c| c.is_ascii_digit()));
    let seen = numbers.join(", ");
    sheet.note("two order numbers in a row", "no count of orders in them", seen, !digits);
    Ok(())
}

async fn borrowed(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (me, other) = (&kit.buyers[0], &kit.buyers[1]);
    let goods = kit.goods(100, 1000).await?;
    let wish = |address: &str| {
        let body = json!({
            "source": "buy_now", "variant_id": goods.variant, "quantity": 1, "address_id": address,
        });
        Ask::post("/api/v1/checkout/quote", &body).by(&me.token)
    };
    let theirs = other.address.to_string();
    like_missing(kit, sheet, "their address in my quote", &wish, &theirs).await;
    kit.need(&Kit::add_to_cart(me, &goods, &json!(1)), 200).await?;
    let cart = |address: &str| {
        let body = json!({ "source": "cart", "address_id": address });
        Ask::post("/api/v1/checkout/quote", &body).by(&me.token)
    };
    like_missing(kit, sheet, "their address for my cart", cart, &theirs).await;
    kit.need(&Kit::clear_cart(me), 200).await?;
    let quote = kit.quote(other, &goods, 1).await?;
    let answer = kit.ask(&Kit::place(me, &quote, "sandbox")).await;
    sheet.refused("their quote in my order", &[(404, "not-found")], &answer);
    let id = quote.at("/id");
    let answer = kit.ask(&Kit::place(me, &quote, "sandbox").key(&id)).await;
    sheet.refused("their quote with its key", &[(404, "not-found")], &answer);
    kit.need(&Kit::place(other, &quote, "sandbox"), 201).await?;
    let answer = kit.ask(&Kit::place(me, &quote, "sandbox")).await;
    sheet.refused("their quote after they have ordered", &[(404, "not-found")], &answer);
    sheet.not_here("their coupon in my order", "with coupons");
    Ok(())
}

async fn more_parameters(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0];
    let goods = kit.goods(100, 1000).await?;
    let id = kit.order(me, &goods, "sandbox").await?.at("/id");
    let parameters = [
        "expand=customer",
        "include=orders",
        "fields=*",
        "filter[customer_id]=1",
        "sort=id",
        "associations[orders]=1",
        "_method=DELETE",
        "customer_id=1",
        "a=1&a=2",
        "=",
        "%00=1",
    ];
    for path in [format!("/api/v1/orders/{id}"), "/api/v1/cart".into(), "/api/v1/me".into()] {
        let mut answers = Vec::new();
        for parameter in parameters {
            answers.push(kit.ask(&Ask::get(format!("{path}?{parameter}")).by(&me.token)).await);
        }
        let tally = Tally::of(&answers);
        let held = tally.only(&["400 unknown-parameter", "404 not-found"]);
        let plain = path.replace(&id, "{id}");
        let did = format!("{} parameters at {plain}", parameters.len());
        sheet.note(did, "400 unknown-parameter", tally.in_words(), held);
    }
    sheet.not_here("a guest's order link with more in it", "with orders by guests");
    super::people::links(kit, sheet).await
}

async fn lists(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (me, other) = (&kit.buyer().await?, &kit.buyer().await?);
    let goods = kit.goods(100, 1000).await?;
    for buyer in [other, me, other, me, other] {
        kit.order(buyer, &goods, "sandbox").await?;
    }
    let list = |query: &str| Ask::get(format!("/api/v1/orders?{query}")).by(&me.token);
    for query in ["customer_id=1", "filter[customer_id]=1", "all=true", "offset=-1", "page=2"] {
        let answer = kit.ask(&list(query)).await;
        sheet.refused(format!("?{query}"), &[(400, "unknown-parameter")], &answer);
    }
    for limit in ["0", "-1", "101", "1000000000", "99999999999999999999", "1.5", "1e9", "", "a"] {
        let answer = kit.ask(&list(&format!("limit={limit}"))).await;
        let wanted: &[(u16, &str)] = &[(400, "limit-invalid"), (400, "parameter-invalid")];
        sheet.refused(format!("?limit={limit}"), wanted, &answer);
    }
    for cursor in ["x", "-1", "%27%20or%201=1", "%00", &"A".repeat(5000)] {
        let answer = kit.ask(&list(&format!("cursor={cursor}"))).await;
        let short: String = cursor.chars().take(20).collect();
        sheet.refused(format!("?cursor={short}"), &[(400, "")], &answer);
    }
    let theirs = Ask::get("/api/v1/orders?limit=1").by(&other.token);
    let cursor = kit.need(&theirs, 200).await?.at("/next_cursor");
    let page = kit.ask(&list(&format!("cursor={cursor}"))).await;
    let items = page.json()["items"].as_array().cloned().unwrap_or_default();
    let mut foreign = 0;
    for item in &items {
        let path = format!("/api/v1/orders/{}", item["id"].as_str().unwrap_or_default());
        foreign += usize::from(kit.ask(&Ask::get(path).by(&me.token)).await.status != 200);
    }
    let held = matches!(page.status, 200 | 400) && foreign == 0;
    let seen = format!("{}, {} items, {foreign} of others", page.in_short(), items.len());
    sheet.note("the cursor of somebody else's page", "400, or own orders only", seen, held);
    Ok(())
}

async fn changes(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me: &Buyer = &kit.buyers[0];
    let goods = kit.goods(100, 1000).await?;
    let id = kit.order(me, &goods, "cash_on_delivery").await?.at("/id");
    let path = format!("/api/v1/orders/{id}");
    let body = json!({ "state": "delivered", "total": { "minor": 1, "currency": "EUR" } });
    for method in ["PUT", "PATCH", "DELETE", "POST"] {
        let answer = kit.ask(&Ask::new(method, path.clone()).by(&me.token).json(&body)).await;
        let wanted = &[(405, "method-not-allowed")];
        sheet.refused(format!("{method} of one's own order"), wanted, &answer);
    }
    let override_ = Ask::post(format!("{path}/cancel"), &json!({})).by(&me.token);
    let answer = kit.ask(&override_.with("x-http-method-override", "DELETE")).await;
    let did = "another method in a header";
    sheet.refused(did, &[(400, "idempotency-key-missing")], &answer);
    let variant = goods.variant;
    let price = json!({ "price": { "minor": 1, "currency": "EUR" } });
    let adjust = json!({ "variant_id": variant, "delta": 1000, "reason": "a gift" });
    for (method, path, body) in [
        ("POST", format!("/api/v1/admin/orders/{id}/advance"), json!({ "to": "delivered" })),
        ("GET", "/api/v1/admin/orders".to_owned(), Value::Null),
        ("PATCH", format!("/api/v1/admin/variants/{variant}"), price),
        ("POST", "/api/v1/admin/stock-adjustments".to_owned(), adjust),
        ("POST", "/api/v1/admin/products".to_owned(), json!({})),
    ] {
        let mut ask = Ask::new(method, path.clone()).by(&me.token).key(&kit.fresh_key());
        if method != "GET" {
            ask = ask.json(&body);
        }
        let plain = path.replace(&id, "{id}").replace(&variant.to_string(), "{id}");
        let answer = kit.ask(&ask).await;
        sheet.refused(format!("{method} {plain} by a customer"), &[(403, "forbidden")], &answer);
    }
    let order = kit.need(&Ask::get(path).by(&me.token), 200).await?;
    let held = order.at("/state") == "cash_due" && kit.available(&goods).await? == 99;
    sheet.note("the order, after all of it", "cash_due, as it was", order.at("/state"), held);
    Ok(())
}
