//! Attacks with words: that a database, a page or a header might take for something else.

use serde_json::{Value, json};

use super::super::ask::encoded;
use super::{Ask, Attack, Kit, Sheet, Tally};
use crate::clock::now;

pub const ATTACKS: &[Attack] = &[
    Attack { id: "A58", name: "SQL in every text", run: |kit, sheet| Box::pin(sql(kit, sheet)) },
    Attack {
        id: "A59",
        name: "markup, formulas and line breaks in every text",
        run: |kit, sheet| Box::pin(markup(kit, sheet)),
    },
];

const SQL: [&str; 10] = [
    "' OR 1=1--",
    "'; drop table orders;--",
    "\" OR \"\"=\"",
    "1) union select 1,2,3--",
    "' || pg_sleep(5) || '",
    "' || randomblob(100000000) || '",
    "%_\\%",
    "$1",
    "\u{0}'",
    "a\\'; select load_extension('x')--",
];

/// Makes a request with a text in some place.
type Place<'a> = Box<dyn Fn(&str) -> Ask + 'a>;

async fn sql(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyer().await?;
    let goods = kit.goods(5, 1000).await?;
    let text_at = |field: &'static str| {
        move |word: &str| {
            let mut body = json!({
                "name": "A", "line1": "1 Long Street", "city": "Berlin", "postcode": "10115",
                "country": "DE",
            });
            body[field] = json!(word);
            body
        }
    };
    let get = |path: String| Ask::get(path);
    let post = |path: &str, body: &Value| Ask::post(path, body).by(&me.token);
    let places: Vec<(&str, Place<'_>)> = vec![
        ("a sort key", Box::new(move |w| get(format!("/api/v1/products?sort={}", encoded(w))))),
        ("a category", Box::new(move |w| get(format!("/api/v1/products?category={}", encoded(w))))),
        ("a cursor", Box::new(move |w| get(format!("/api/v1/products?cursor={}", encoded(w))))),
        ("a price", Box::new(move |w| get(format!("/api/v1/products?price_min={}", encoded(w))))),
        ("a product's name", Box::new(move |w| get(format!("/api/v1/products/{}", encoded(w))))),
        ("a page's filter", Box::new(move |w| get(format!("/products?sort={}", encoded(w))))),
        (
            "a login",
            Box::new(|w| Ask::post("/api/v1/sessions", &json!({ "login": w, "password": w }))),
        ),
        ("an address' name", Box::new(|w| post("/api/v1/me/addresses", &text_at("name")(w)))),
        ("an address' city", Box::new(|w| post("/api/v1/me/addresses", &text_at("city")(w)))),
        (
            "a token",
            Box::new(|w| {
                Ask::get("/api/v1/cart").with("authorization", format!("Bearer {}", encoded(w)))
            }),
        ),
        (
            "a key",
            Box::new(|w| {
                let path = format!("/api/v1/orders/{}/cancel", me.address);
                Ask::post(path, &json!({})).by(&me.token).key(&encoded(w))
            }),
        ),
    ];
    for (place, ask) in places {
        let (mut answers, begun) = (Vec::new(), now());
        for word in SQL {
            answers.push(kit.ask(&ask(word)).await);
        }
        let took = begun.elapsed().as_millis();
        let tally = Tally::of(&answers);
        let held = answers.iter().all(|answer| (200..500).contains(&answer.status)) && took < 4000;
        let seen = format!("{} in {took} ms", tally.in_words());
        sheet.note(format!("{} texts as {place}", SQL.len()), "no 5xx, no wait", seen, held);
    }
    let left = kit.available(&goods).await?;
    let broken = kit.broken_books().await?;
    let held = left == 5 && broken.is_none();
    let seen = broken.unwrap_or_else(|| format!("{left} left, books in order"));
    sheet.note("the stock and the books, after all of it", "as they were", seen, held);
    Ok(())
}

async fn markup(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let bad = "\"><svg/onload=alert(1)><script>alert(1)</script>{{7*7}}${7*7}";
    let name = kit.fresh_key();
    let body = json!({
        "slug": name, "title": format!("Mug {bad}"), "description": format!("Good {bad}"),
        "variants": [{
            "sku": name.to_uppercase(), "options": { "colour": bad }, "units": 5,
            "price": { "minor": 100, "currency": "EUR" },
        }],
    });
    let made = kit.ask(&Ask::post("/api/v1/admin/products", &body).by(&kit.shop.admin)).await;
    if made.status == 201 {
        for path in [format!("/p/{name}"), "/products".to_owned(), "/".to_owned()] {
            let page = kit.ask(&Ask::get(path.clone())).await;
            let text = page.text();
            let raw = text.contains("<svg/onload") || text.contains("<script>alert");
            let counted = text.contains("Mug \"><svg") || text.contains("}49$");
            let policy = page.header("content-security-policy").unwrap_or_default();
            let guarded = policy.contains("script-src 'none'") || policy.contains("default-src");
            let held = page.status == 200 && !raw && !counted && guarded;
            let seen = format!("{}, raw: {raw}, policy: {guarded}", page.in_short());
            let plain = path.replace(&name, "{slug}");
            sheet.note(format!("a product of markup at {plain}"), "escaped", seen, held);
        }
        let variant = made.at("/variants/0/id");
        let json = kit.ask(&Ask::get(format!("/api/v1/products/{name}"))).await;
        let kind = json.header("content-type").unwrap_or_default().to_owned();
        let held = kind.starts_with("application/json")
            && json.header("x-content-type-options") == Some("nosniff");
        sheet.note("the same as JSON", "application/json, nosniff", kind, held);
        anyhow::ensure!(!variant.is_empty(), "a product without a variant");
    } else {
        sheet.refused("a product of markup", &[(422, "product-invalid")], &made);
    }
    let me = &kit.buyer().await?;
    for (what, word) in [
        ("two lines", "A\r\nBcc: all@example.org"),
        ("a NUL", "A\u{0}B"),
        ("an escape", "A\u{1b}[2J"),
    ] {
        let body = json!({
            "name": word, "line1": "1 Long Street", "city": "Berlin", "postcode": "10115",
            "country": "DE",
        });
        let answer = kit.ask(&Ask::post("/api/v1/me/addresses", &body).by(&me.token)).await;
        sheet.refused(format!("{what} in a name"), &[(422, "")], &answer);
    }
    let asked = Ask::get("/products?sort=%0d%0aset-cookie:%20a=b");
    let answer = kit.ask(&asked).await;
    let held = answer.header("set-cookie").is_none() && answer.status < 500;
    sheet.note("line breaks in an address", "no header of ours", answer.in_short(), held);
    let answer = kit.ask(&Ask::get("/healthz").with("x-request-id", "<script>")).await;
    let id = answer.header("x-request-id").unwrap_or_default().to_owned();
    let held = !id.contains('<');
    sheet.note("markup as a request id", "an id of the shop's own", id, held);
    sheet.not_here("formulas in tables for a spreadsheet", "with exports");
    sheet.not_here("line breaks in a mail's head", "with mails");
    Ok(())
}
