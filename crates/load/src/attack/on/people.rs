//! Attacks on who somebody is: another's session and cart, names that look like other names, what
//! is known of other people, links to orders.

use serde_json::json;

use super::{Answer, Ask, Attack, Kit, Sheet};
use crate::api::Token;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A30",
        name: "a session brought along, and a guest's cart taken over at sign-in",
        run: |kit, sheet| Box::pin(fixation(kit, sheet)),
    },
    Attack {
        id: "A34",
        name: "names that look like other names",
        run: |kit, sheet| Box::pin(lookalikes(kit, sheet)),
    },
    Attack {
        id: "A44",
        name: "somebody else's copy of everything, and somebody else's end",
        run: |kit, sheet| Box::pin(copies(kit, sheet)),
    },
];

const PASSWORD: &str = "a long phrase of words";

fn account(login: &str) -> Ask {
    let body = json!({ "login": login, "password": PASSWORD, "name": "A" });
    Ask::post("/api/v1/accounts", &body)
}

/// Somebody new, with a password that is known here.
async fn newcomer(kit: &Kit) -> anyhow::Result<Token> {
    let login = format!("somebody-{}@load.example", kit.fresh_key());
    let made = kit.need(&account(&login), 201).await?;
    Token::new(&made.at("/token"))
}

fn sign_in(login: &str) -> Ask {
    Ask::post("/api/v1/sessions", &json!({ "login": login, "password": PASSWORD }))
}

/// The cookie of this name that an answer sets.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.header("set-cookie")?;
    let (key, rest) = set.split_once('=')?;
    (key.trim_start_matches("__Host-") == name)
        .then(|| rest.split(';').next().unwrap_or_default().to_owned())
}

async fn fixation(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let login = format!("fixed-{}@load.example", kit.fresh_key());
    kit.need(&account(&login), 201).await?;
    let brought = "A".repeat(43);
    let form = format!("login={}&password=a+long+phrase+of+words", login.replace('@', "%40"));
    let post = |form: &str| {
        Ask::new("POST", "/login")
            .with("content-type", "application/x-www-form-urlencoded")
            .with("cookie", format!("hf_s={brought}"))
            .body(form.to_owned())
    };
    let answer = kit.ask(&post(&form)).await;
    let given = cookie(&answer, "hf_s").unwrap_or_default();
    let held = given.len() >= 22 && given != brought;
    sheet.note("signing in with a session of one's own making", "a new one", &given, held);
    let page = kit.ask(&Ask::get("/account").with("cookie", format!("hf_s={brought}"))).await;
    sheet.note("the brought one afterwards", "to sign in", page.in_short(), page.status == 303);
    for (did, cart) in [
        ("a cart that nobody has", "B".repeat(32)),
        ("a cart named by an account", kit.buyers[1].address.simple().to_string()),
    ] {
        let token = newcomer(kit).await?;
        let ask = Ask::get("/api/v1/cart").by(&token).with("cookie", format!("hf_c={cart}"));
        let answer = kit.ask(&ask).await;
        let empty = answer.json()["lines"].as_array().is_some_and(Vec::is_empty);
        sheet.note(did, "an empty cart", answer.in_short(), answer.status == 200 && empty);
    }
    Ok(())
}

async fn lookalikes(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let mark = kit.fresh_key();
    let login = format!("ada-{mark}@load.example");
    let made = kit.need(&account(&login), 201).await?;
    let id = made.at("/account/id");
    for (did, same) in
        [("in capitals", login.to_uppercase()), ("with spaces around it", format!("  {login}\t"))]
    {
        let answer = kit.ask(&account(&same)).await;
        sheet.refused(format!("an account {did}"), &[(409, "login-taken")], &answer);
    }
    for (did, other) in [
        ("with a Cyrillic a", login.replacen('a', "а", 1)),
        ("in full width", login.replacen("ada", "ａｄａ", 1)),
        ("with a joiner inside", login.replacen("ada", "a\u{200d}da", 1)),
        ("with a dotted I", login.replacen("ada", "adaİ", 1)),
        ("with a point at the end", format!("{login}.")),
        ("quoted", format!("\"ada-{mark}\"@load.example")),
        ("with a comment", format!("ada-{mark}(x)@load.example")),
    ] {
        let answer = kit.ask(&sign_in(&other)).await;
        sheet.refused(format!("the victim's password {did}"), &[(401, "login-failed")], &answer);
        let answer = kit.ask(&account(&other)).await;
        let own = answer.status == 201 && answer.at("/account/id") != id;
        let held = own || matches!(answer.status, 409 | 422);
        sheet.note(format!("an account {did}"), "refused, or another", answer.in_short(), held);
    }
    let digits: String = mark.chars().filter(char::is_ascii_digit).cycle().take(6).collect();
    let number = format!("+4179{digits:0>7}");
    let first = kit.ask(&account(&number)).await;
    if first.status == 201 {
        let (country, rest) = number.split_at(3);
        for same in [format!("{country} ({}) {}", &rest[..2], &rest[2..]), format!(" {number} ")] {
            let answer = kit.ask(&account(&same)).await;
            sheet.refused("the same number, written otherwise", &[(409, "login-taken")], &answer);
        }
    }
    for wrong in ["0791234567", "+４１791234567", "+41791234567;ext=1"] {
        let answer = kit.ask(&account(wrong)).await;
        sheet.refused(format!("the number {wrong}"), &[(422, "login-invalid")], &answer);
    }
    Ok(())
}

async fn copies(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let (ada, bob) = (newcomer(kit).await?, newcomer(kit).await?);
    let ask = Ask::new("POST", "/api/v1/me/export");
    kit.need(&ask.clone().by(&ada), 202).await?;
    let copy = |token: &Token| Ask::get("/api/v1/me/export").by(token);
    sheet.refused(
        "a copy that somebody else asked for",
        &[(404, "not-found")],
        &kit.ask(&copy(&bob)).await,
    );
    sheet.refused(
        "a copy without a token",
        &[(401, "unauthorized")],
        &kit.ask(&Ask::get("/api/v1/me/export")).await,
    );
    let named = Ask::get("/api/v1/me/export?account_id=1").by(&bob);
    sheet.refused(
        "a copy of somebody who is named",
        &[(400, "unknown-parameter")],
        &kit.ask(&named).await,
    );
    let storm = kit.race(&vec![ask.clone().by(&ada); 20]).await?;
    let ids: std::collections::BTreeSet<String> = storm.iter().map(|it| it.at("/id")).collect();
    sheet.note(
        "asked for by twenty at once",
        "one request",
        format!("{}", ids.len()),
        ids.len() == 1,
    );
    let end = |token: &Token, body| Ask::new("DELETE", "/api/v1/me").by(token).json(&body);
    for (did, body) in [
        ("without the password", json!({})),
        ("with another password", json!({ "password": "another phrase of words" })),
        ("with no password at all", json!({ "password": null })),
    ] {
        let answer = kit.ask(&end(&ada, body)).await;
        sheet.refused(format!("the end of an account, {did}"), &[(422, "password-wrong")], &answer);
    }
    let mass = kit.ask(&end(&ada, json!({ "password": PASSWORD, "account_id": "1" }))).await;
    sheet.refused("the end of an account that is named", &[(422, "validation")], &mass);
    let me = kit.ask(&Ask::get("/api/v1/me").by(&ada)).await;
    sheet.note("the account afterwards", "is there", me.in_short(), me.status == 200);
    Ok(())
}

/// The link to an order, altered.
pub async fn links(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let owner = &kit.buyers[0];
    let goods = kit.goods(100, 1000).await?;
    let mut links = Vec::new();
    for _ in 0..2 {
        let order = kit.order(owner, &goods, "sandbox").await?;
        let path = format!("/api/v1/orders/{}", order.at("/id"));
        let link = kit.need(&Ask::get(path).by(&owner.token), 200).await?.at("/link");
        let url: url::Url = link.parse()?;
        links.push((url.path().to_owned(), url.query().unwrap_or_default().to_owned()));
    }
    let [(path, key), (other, _)] = links.as_slice() else { anyhow::bail!("two orders") };
    let page = kit.ask(&Ask::get(format!("{path}?{key}"))).await;
    sheet.note("the link as it is", "the order", page.in_short(), page.status == 200);
    for (did, ask) in [
        ("on another order", format!("{other}?{key}")),
        ("without a letter", format!("{path}?{}", &key[..key.len() - 1])),
        ("with a letter more", format!("{path}?{key}A")),
        ("in capitals", format!("{path}?{}", key.to_uppercase().replace("KEY=", "key="))),
        ("twice", format!("{path}?{key}&{key}")),
        ("empty", format!("{path}?key=")),
        ("of NUL", format!("{path}?key=%00")),
        ("on the page that cancels", format!("{path}/cancel?{key}")),
    ] {
        let answer = kit.ask(&Ask::get(ask)).await;
        let held = matches!(answer.status, 303 | 404);
        sheet.note(format!("the key {did}"), "to sign in, or nothing", answer.in_short(), held);
    }
    let shown = page.text();
    let hidden = !shown.contains("/cancel") && !shown.contains("name=\"method\"");
    sheet.note("what the link lets one do", "look, and nothing else", "the page", hidden);
    Ok(())
}
