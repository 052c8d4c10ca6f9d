//! Attacks on people's browsers: forms from elsewhere, ways back that lead elsewhere, frames,
//! pictures that are none, answers kept for the wrong visitor.

use super::super::ask::encoded;
use super::{Answer, Ask, Attack, Kit, Sheet, Tally};

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A50",
        name: "forms sent from other sites",
        run: |kit, sheet| Box::pin(foreign_forms(kit, sheet)),
    },
    Attack {
        id: "A51",
        name: "ways back that lead elsewhere",
        run: |kit, sheet| Box::pin(ways_back(kit, sheet)),
    },
    Attack {
        id: "A52",
        name: "pages within other pages, answers taken for something else",
        run: |kit, sheet| Box::pin(frames(kit, sheet)),
    },
    Attack {
        id: "A62",
        name: "paths out of the pictures' folder",
        run: |kit, sheet| Box::pin(paths(kit, sheet)),
    },
    Attack {
        id: "A76",
        name: "answers kept for the wrong visitor",
        run: |kit, sheet| Box::pin(kept(kit, sheet)),
    },
];

fn form(path: &str, fields: &str) -> Ask {
    Ask::new("POST", path).with("content-type", "application/x-www-form-urlencoded").body(fields)
}

async fn foreign_forms(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let goods = kit.goods(5, 1000).await?;
    let add = format!("variant={}&quantity=1&back=/", goods.variant);
    let forms = [
        ("/cart/add", add.as_str()),
        ("/cart/clear", ""),
        ("/checkout", "quote=x&method=x"),
        ("/login", "login=a&password=b"),
        ("/logout", ""),
    ];
    for (name, headers) in [
        ("another site", vec![("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")]),
        ("another site, as an old browser says it", vec![("origin", "http://evil.example")]),
        ("a site below the same name", vec![("sec-fetch-site", "same-site")]),
        ("nowhere", vec![("origin", "null")]),
    ] {
        let mut answers = Vec::new();
        for (path, fields) in forms {
            let mut ask = form(path, fields);
            for (header, value) in &headers {
                ask = ask.with(header, *value);
            }
            answers.push(kit.ask(&ask).await);
        }
        let tally = Tally::of(&answers);
        let held = answers.iter().all(|answer| answer.status == 403);
        sheet.note(format!("{} forms from {name}", forms.len()), "403", tally.in_words(), held);
    }
    let left = kit.available(&goods).await?;
    sheet.note("the stock, after all of it", "5", left.to_string(), left == 5);
    Ok(())
}

async fn ways_back(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    for next in [
        "//evil.example",
        "https://evil.example",
        "https:evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%09/evil.example",
        "%2F%2Fevil.example",
        "/\t/evil.example",
    ] {
        let sent = encoded(next);
        let email = format!("back-{}%40load.example", kit.fresh_key());
        let fields = format!("name=A&login={email}&password=a+long+phrase+of+words&next={sent}");
        let answer = kit.ask(&form("/register", &fields)).await;
        let back = answer.header("location").unwrap_or_default().to_owned();
        let here = back.starts_with('/') && !back.starts_with("//") && !back.contains('\\');
        let here = here && !back.contains('\t');
        let held = matches!(answer.status, 400..500) || answer.status == 303 && here;
        let seen = format!("{} {back}", answer.in_short());
        sheet.note(format!("a way back of {next:?}"), "a page of the shop", seen, held);
    }
    let buyer = &kit.buyers[0];
    let goods = kit.goods(5, 1000).await?;
    let order = kit.order(buyer, &goods, "sandbox").await?.at("/id");
    for query in ["", "?status=success", "?paid=true&payment_id=1"] {
        let path = format!("/pay/{order}/return{query}");
        kit.ask(&Ask::get(path)).await;
    }
    let path = format!("/api/v1/orders/{order}");
    let state = kit.need(&Ask::get(path).by(&buyer.token), 200).await?.at("/state");
    let held = state == "pending";
    sheet.note("the return page says that it was paid", "pending", state, held);
    Ok(())
}

async fn frames(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    for (what, ask) in [
        ("the first page", Ask::get("/")),
        ("a list", Ask::get("/products")),
        ("a page that is not there", Ask::get("/nothing")),
        ("a page that wants another method", Ask::new("PUT", "/")),
        ("the sign-in", Ask::get("/login")),
        ("JSON", Ask::get("/api/v1/products")),
        ("a refusal", Ask::get("/api/v1/cart")),
        ("an address that is not there", Ask::get("/api/v1/nothing")),
        ("health", Ask::get("/healthz")),
    ] {
        let answer = kit.ask(&ask.with("origin", "http://evil.example")).await;
        let has =
            |name: &str, word: &str| answer.header(name).is_some_and(|value| value.contains(word));
        let mut missing = Vec::new();
        for (name, word) in [
            ("content-security-policy", "frame-ancestors 'none'"),
            ("content-security-policy", "base-uri 'none'"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", ""),
            ("content-type", "charset=utf-8"),
        ] {
            let is_json = name == "content-type" && has(name, "json");
            if !has(name, word) && !is_json {
                missing.push(format!("{name} {word}"));
            }
        }
        if answer.header("access-control-allow-origin").is_some() {
            missing.push("no access-control-allow-origin".to_owned());
        }
        let seen = if missing.is_empty() { "all there".to_owned() } else { missing.join(", ") };
        let expected = "a policy against frames, no guessing, no other origin";
        sheet.note(what, expected, format!("{}: {seen}", answer.status), missing.is_empty());
    }
    Ok(())
}

async fn paths(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let long = "a".repeat(5000);
    for root in ["/media/", "/assets/"] {
        let mut answers: Vec<Answer> = Vec::new();
        for name in [
            "..",
            "../shop.db",
            "..%2fshop.db",
            "%2e%2e%2fshop.db",
            "%252e%252e%252fshop.db",
            "....//shop.db",
            "..%5cshop.db",
            "%2fetc%2fpasswd",
            "/etc/passwd",
            "a%00.jpg",
            "C:%5cwindows%5cwin.ini",
            "shop.db",
            ".",
            "%2e",
            "~",
            "a.jpg%0a",
            long.as_str(),
        ] {
            answers.push(kit.ask(&Ask::get(format!("{root}{name}"))).await);
        }
        let tally = Tally::of(&answers);
        let leaks = answers.iter().any(|answer| {
            let text = answer.text();
            text.contains("SQLite format") || text.contains("root:")
        });
        let held = !leaks && answers.iter().all(|answer| (400..500).contains(&answer.status));
        sheet.note(format!("17 paths below {root}"), "4xx", tally.in_words(), held);
    }
    sheet.not_here("a picture with a path for its name", "with uploads");
    Ok(())
}

async fn kept(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0].token;
    for path in ["/api/v1/me", "/api/v1/cart", "/api/v1/orders", "/api/v1/me/addresses"] {
        let answer = kit.need(&Ask::get(path).by(me), 200).await?;
        let kept = answer.header("cache-control").unwrap_or_default().to_owned();
        let held = kept.contains("no-store");
        sheet.note(format!("{path}, one's own"), "no-store", kept, held);
    }
    for path in ["/api/v1/me/a.css", "/api/v1/me%2fa.css", "/account/a.css", "/api/v1/me;a.css"] {
        let answer = kit.ask(&Ask::get(path).by(me)).await;
        sheet.refused(format!("{path}, said to be a style"), &[(404, "")], &answer);
    }
    let plain = kit.ask(&Ask::get("/products")).await;
    for (header, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "evil"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/evil"),
        ("forwarded", "host=evil"),
        ("accept-language", "evil"),
    ] {
        let answer = kit.ask(&Ask::get("/products").with(header, value)).await;
        let held = !answer.text().contains("evil") && answer.status == plain.status;
        sheet.note(
            format!("a page asked for with {header}"),
            "as without",
            answer.in_short(),
            held,
        );
    }
    Ok(())
}
