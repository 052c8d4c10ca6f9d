//! Attacks on the doors: tokens that have ended, accounts that are guessed, rooms of the staff.

use serde_json::json;

use super::{Ask, Attack, Kit, Sheet, Tally};
use crate::api::Token;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A26",
        name: "a token after signing out",
        run: |kit, sheet| Box::pin(signed_out(kit, sheet)),
    },
    Attack {
        id: "A33",
        name: "which accounts exist",
        run: |kit, sheet| Box::pin(enumeration(kit, sheet)),
    },
    Attack {
        id: "A71",
        name: "a customer, and nobody, at every door of the staff",
        run: |kit, sheet| Box::pin(staff_doors(kit, sheet)),
    },
];

const PASSWORD: &str = "a long phrase of words";

/// Somebody new, with a token of this session.
async fn register(kit: &Kit) -> anyhow::Result<(String, Token)> {
    let email = format!("door-{}@load.example", kit.fresh_key());
    let body = json!({ "login": email, "password": PASSWORD, "name": "A" });
    let made = kit.need(&Ask::post("/api/v1/accounts", &body), 201).await?;
    Ok((email, Token::new(&made.at("/token"))?))
}

async fn signed_out(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (email, token) = register(kit).await?;
    let body = json!({ "login": email, "password": PASSWORD });
    let other = kit.need(&Ask::post("/api/v1/sessions", &body), 201).await?;
    let other = Token::new(&other.at("/token"))?;
    let me = |token: &Token| Ask::get("/api/v1/me").by(token);
    kit.need(&me(&token), 200).await?;
    let out = Ask::new("DELETE", "/api/v1/sessions/current").by(&token);
    kit.need(&out, 204).await?;
    let answers = kit.race(&vec![me(&token); 20]).await?;
    let tally = Tally::of(&answers);
    let held = tally.only(&["401 token-invalid"]);
    sheet.note("20 requests right after signing out", "401 token-invalid", tally.in_words(), held);
    let again = kit.ask(&out).await;
    sheet.refused("signing out once more", &[(401, "token-invalid")], &again);
    let still = kit.ask(&me(&other)).await;
    let held = still.status == 200;
    sheet.note("another session of the same account", "200", still.in_short(), held);
    Ok(())
}

async fn enumeration(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (email, _) = register(kit).await?;
    let sign_in = |login: &str| {
        let body = json!({ "login": login, "password": "a wrong phrase of words" });
        Ask::post("/api/v1/sessions", &body)
    };
    let nobody = format!("nobody-{}@load.example", kit.fresh_key());
    let mut waits = [Vec::new(), Vec::new()];
    let mut answers = [String::new(), String::new()];
    for _ in 0..if kit.effort.quick { 15 } else { 100 } {
        for (which, login) in [&email, &nobody].into_iter().enumerate() {
            let begun = crate::clock::now();
            let answer = kit.ask(&sign_in(login)).await;
            waits[which].push(begun.elapsed());
            let mut body = answer.json();
            if let Some(body) = body.as_object_mut() {
                body.remove("instance");
                body.remove("retry_after");
            }
            answers[which] = format!("{} {body}", answer.status);
        }
    }
    // Too many wrong passwords are refused before they are looked at, whoever's they are.
    let refused = ["401", "429"].iter().any(|status| answers[0].starts_with(status));
    let same = answers[0] == answers[1] && refused;
    let did = "a wrong password, and a login of nobody";
    sheet.note(did, "the same refusal, word by word", answers[1].clone(), same);
    let [known, unknown] = waits.map(|mut waits| {
        waits.sort_unstable();
        waits[waits.len() / 2].as_secs_f64() * 1e3
    });
    // A login of nobody must cost a hash too. The machine is shared, so half is the bar.
    let held = unknown > known / 2.0 && known > unknown / 2.0;
    let seen = format!("medians {known:.1} ms and {unknown:.1} ms");
    sheet.note("how long either takes", "about the same", seen, held);
    sheet.not_here(
        "registering an address that is taken",
        "409 login-taken says so, as docs/errors.md decides, until addresses are confirmed by mail",
    );
    Ok(())
}

async fn staff_doors(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0].token;
    let document = kit.need(&Ask::get("/api/v1/openapi.json"), 200).await?.json();
    let mut doors = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        if !path.contains("/admin/") {
            continue;
        }
        let path = path.replace("{id}", "0192f0c1-0000-7000-8000-000000000000");
        let path = path.replace("{variant_id}", "0192f0c1-0000-7000-8000-000000000000");
        for (method, name) in [
            ("get", "GET"),
            ("post", "POST"),
            ("patch", "PATCH"),
            ("put", "PUT"),
            ("delete", "DELETE"),
        ] {
            if methods.get(method).is_some() {
                doors.push((name, path.clone()));
            }
        }
    }
    anyhow::ensure!(!doors.is_empty(), "the shop's document names no door of the staff");
    let ask = |method: &'static str, path: &str| {
        let ask = Ask::new(method, path).key(&kit.fresh_key());
        if method == "GET" { ask } else { ask.json(&json!({})) }
    };
    let (mut nobody, mut customer) = (Vec::new(), Vec::new());
    for (method, path) in &doors {
        nobody.push(kit.ask(&ask(method, path)).await);
        customer.push(kit.ask(&ask(method, path).by(me)).await);
    }
    let count = doors.len();
    for (who, answers, wanted) in
        [("nobody", nobody, "401 unauthorized"), ("a customer", customer, "403 forbidden")]
    {
        let tally = Tally::of(&answers);
        let held = tally.only(&[wanted]);
        sheet.note(format!("{who} at {count} doors"), wanted, tally.in_words(), held);
    }
    let mut around = Vec::new();
    for path in [
        "/api/v1/admin/orders/",
        "/api/v1//admin/orders",
        "/api/v1/ADMIN/orders",
        "/api/v1/admin;x/orders",
        "/api/v1/admin%2forders",
        "/api/v1/cart/../admin/orders",
        "/api/v1/./admin/orders",
        "//api/v1/admin/orders",
        "/api/v1/admin/orders%20",
    ] {
        around.push(kit.ask(&ask("GET", path).by(me)).await);
    }
    for header in ["x-original-url", "x-rewrite-url", "x-forwarded-prefix"] {
        let by_header = Ask::get("/healthz").by(me).with(header, "/api/v1/admin/orders");
        let answer = kit.ask(&by_header).await;
        let leaks = answer.text().contains("customer_id");
        sheet.note(
            format!("around a door by {header}"),
            "not listened to",
            answer.in_short(),
            !leaks,
        );
    }
    let tally = Tally::of(&around);
    let held = around.iter().all(|answer| (300..500).contains(&answer.status));
    sheet.note("around a door by nine spellings", "no 2xx", tally.in_words(), held);
    Ok(())
}
