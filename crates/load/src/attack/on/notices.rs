//! Attacks with notices: forged, repeated, out of order, about the wrong thing, and true but late.

use serde_json::{Value, json};

use super::super::bank::{Bank, Begun, seen, until_state};
use super::{Ask, Attack, Kit, Round, Sheet, Tally};
use crate::clock::unix_seconds;
use crate::scene::Buyer;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A35",
        name: "forged notices",
        run: |kit, sheet| Box::pin(with_bank(kit, sheet, Notices::Forged)),
    },
    Attack {
        id: "A36",
        name: "notices again and again, and old ones",
        run: |kit, sheet| Box::pin(with_bank(kit, sheet, Notices::Replayed)),
    },
    Attack {
        id: "A37",
        name: "notices in the wrong order, and untrue ones",
        run: |kit, sheet| Box::pin(with_bank(kit, sheet, Notices::Untrue)),
    },
    Attack {
        id: "A38",
        name: "the wrong amount, the wrong currency, another order",
        run: |kit, sheet| Box::pin(with_bank(kit, sheet, Notices::Wrong)),
    },
    Attack {
        id: "A39",
        name: "notices too early and money too late",
        run: |kit, sheet| Box::pin(with_bank(kit, sheet, Notices::Late)),
    },
];

enum Notices {
    Forged,
    Replayed,
    Untrue,
    Wrong,
    Late,
}

const SUCCEEDED: &str = "payment.succeeded";

async fn with_bank(kit: &Kit, sheet: &mut Sheet, which: Notices) -> anyhow::Result<()> {
    let Some(bank) = &kit.bank else {
        let why = "the payment sandbox and its secret are not known (--sandbox-secret)";
        sheet.not_here("everything of this attack", why);
        return Ok(());
    };
    let buyer = &kit.buyers[0];
    let outcome = match which {
        Notices::Forged => forged(kit, sheet, bank, buyer).await,
        Notices::Replayed => replayed(kit, sheet, bank, buyer).await,
        Notices::Untrue => untrue(kit, sheet, bank, buyer).await,
        Notices::Wrong => wrong(kit, sheet, bank, buyer).await,
        Notices::Late => late(kit, sheet, bank, buyer).await,
    };
    bank.calm().await;
    outcome
}

async fn forged(kit: &Kit, sheet: &mut Sheet, bank: &Bank, buyer: &Buyer) -> anyhow::Result<()> {
    let begun = bank.begin(kit, buyer).await?;
    let event = Bank::event(kit, SUCCEEDED, &begun);
    let now = unix_seconds();
    let body = event.to_string();
    let plain = || Ask::new("POST", "/hooks/sandbox").bytes(body.clone());
    let cases = [
        ("no signature", plain()),
        ("an empty signature", plain().with("sandbox-signature", "")),
        ("a signature of zeros", {
            plain().with("sandbox-signature", format!("t={now},v1={}", "0".repeat(64)))
        }),
        ("a time, and no signature", plain().with("sandbox-signature", format!("t={now}"))),
        ("signed with another secret", bank.notice(&event, Some("not-the-secret"), now)),
        ("signed with no secret", bank.notice(&event, Some(""), now)),
        ("signed ten minutes ago", bank.notice(&event, None, now - 600)),
        ("signed in ten minutes", bank.notice(&event, None, now + 600)),
        ("signed before 1970", bank.notice(&event, None, -1)),
        ("a body that was changed after it was signed", {
            bank.notice(&event, None, now).body(body.replace("evt_", "evt_x"))
        }),
        ("five thousand signatures", {
            let all = vec![format!("v1={}", "0".repeat(64)); 300].join(",");
            plain().with("sandbox-signature", format!("t={now},{all}"))
        }),
    ];
    for (did, ask) in cases {
        let answer = kit.ask(&ask).await;
        sheet.refused(did, &[(400, ""), (401, ""), (403, "")], &answer);
    }
    let other = Ask::new("POST", "/hooks/nobody").bytes(body.clone());
    sheet.refused("a gateway that is none", &[(404, "not-found")], &kit.ask(&other).await);
    let state = seen(kit, buyer, &begun.order).await?.at("/state");
    let held = state == "pending";
    sheet.note("the order, after all of it", "pending", state, held);
    Ok(())
}

async fn replayed(kit: &Kit, sheet: &mut Sheet, bank: &Bank, buyer: &Buyer) -> anyhow::Result<()> {
    let copies = if kit.effort.quick { 50 } else { 100 };
    let did = format!("one true notice {copies} times at once");
    let expected = "every one taken, the order paid once, captured once";
    kit.rounds(sheet, &did, expected, async || {
        bank.fault(json!({ "op": "notify", "fault": "notify_never", "times": 5 })).await?;
        let begun = bank.begin(kit, buyer).await?;
        bank.force(&begun.payment, "pay").await?;
        let event = Bank::event(kit, SUCCEEDED, &begun);
        let ask = bank.notice(&event, None, unix_seconds());
        let tally = Tally::of(&kit.race(&vec![ask; copies]).await?);
        let state = until_state(kit, buyer, &begun.order, &["paid"]).await?;
        let order = seen(kit, buyer, &begun.order).await?.json();
        let steps = order["history"].as_array().map_or(0, Vec::len);
        let good = tally.only(&["200", "202", "204"]) && state == "paid" && steps == 2;
        bank.calm().await;
        Ok(Round { held: good, seen: format!("{}, {state}, {steps} steps", tally.in_words()) })
    })
    .await?;
    let begun = bank.begin(kit, buyer).await?;
    bank.fault(json!({ "op": "notify", "fault": "notify_twice", "times": 5 })).await?;
    bank.force(&begun.payment, "pay").await?;
    let state = until_state(kit, buyer, &begun.order, &["paid"]).await?;
    let held = state == "paid";
    sheet.note("the gateway sends each notice twice", "paid", state, held);
    Ok(())
}

async fn untrue(kit: &Kit, sheet: &mut Sheet, bank: &Bank, buyer: &Buyer) -> anyhow::Result<()> {
    let begun = bank.begin(kit, buyer).await?;
    for kind in [SUCCEEDED, "payment.canceled", "refund.succeeded", "nothing.known"] {
        let event = Bank::event(kit, kind, &begun);
        kit.ask(&bank.notice(&event, None, unix_seconds())).await;
    }
    let state = settled(kit, bank, buyer, &begun).await?;
    let held = state == "pending";
    let did = "signed notices of money that never came";
    sheet.note(did, "pending: the gateway is asked, the notice is not believed", state, held);
    bank.force(&begun.payment, "pay").await?;
    for kind in ["payment.canceled", SUCCEEDED, "payment.pending"] {
        let event = Bank::event(kit, kind, &begun);
        kit.ask(&bank.notice(&event, None, unix_seconds())).await;
    }
    let state = until_state(kit, buyer, &begun.order, &["paid"]).await?;
    let held = state == "paid";
    let did = "cancelled, then succeeded, then waiting, about money that came";
    sheet.note(did, "paid: what the gateway says when asked", state, held);
    Ok(())
}

async fn wrong(kit: &Kit, sheet: &mut Sheet, bank: &Bank, buyer: &Buyer) -> anyhow::Result<()> {
    for (did, fault) in [("one unit more", "wrong_amount"), ("another currency", "wrong_currency")]
    {
        let begun = bank.begin(kit, buyer).await?;
        bank.fault(json!({ "op": "fetch", "fault": fault, "times": 3 })).await?;
        bank.force(&begun.payment, "pay").await?;
        bank.until_struck(fault).await?;
        bank.calm().await;
        let state = settled(kit, bank, buyer, &begun).await?;
        let held = state == "pending";
        let expected = "pending: put aside for a person, nothing moves";
        sheet.note(format!("the gateway says {did}"), expected, state, held);
    }
    let (one, two) = (bank.begin(kit, buyer).await?, bank.begin(kit, &kit.buyers[1]).await?);
    bank.force(&one.payment, "pay").await?;
    let mixed = Begun { payment: one.payment.clone(), ..two };
    let event = Bank::event(kit, SUCCEEDED, &mixed);
    kit.ask(&bank.notice(&event, None, unix_seconds())).await;
    until_state(kit, buyer, &one.order, &["paid"]).await?;
    let state = settled(kit, bank, &kit.buyers[1], &mixed).await?;
    let held = state == "pending";
    let did = "a paid payment is said to be another order's";
    sheet.note(did, "pending: what is paid for is in the gateway's book", state, held);
    let broken = kit.broken_books().await?;
    let held = broken.is_none();
    let seen = broken.unwrap_or_else(|| "in order".to_owned());
    sheet.note("the books, after all of it", "in order", seen, held);
    Ok(())
}

/// Where an order stands when all that was said of it so far has been looked into: the shop takes
/// notices in turn, and that of another payment, which is really paid, comes behind them.
async fn settled(kit: &Kit, bank: &Bank, buyer: &Buyer, begun: &Begun) -> anyhow::Result<String> {
    let after = bank.begin(kit, buyer).await?;
    bank.force(&after.payment, "pay").await?;
    until_state(kit, buyer, &after.order, &["paid"]).await?;
    Ok(seen(kit, buyer, &begun.order).await?.at("/state"))
}

async fn late(kit: &Kit, sheet: &mut Sheet, bank: &Bank, buyer: &Buyer) -> anyhow::Result<()> {
    bank.fault(json!({ "op": "create", "fault": "notify_before_answer" })).await?;
    let begun = bank.begin(kit, buyer).await?;
    let state = until_state(kit, buyer, &begun.order, &["paid"]).await?;
    let held = state == "paid";
    sheet.note("the notice comes before the gateway's answer", "paid", state, held);
    bank.calm().await;

    let nobody: Value = json!({
        "id": format!("evt_nobody_{}", kit.fresh_key()), "type": SUCCEEDED,
        "payment_id": "pay_of_nobody", "reference": "0192f0c1-0000-7000-8000-000000000000",
        "created_at": "2027-01-15T08:00:00Z",
    });
    let answer = kit.ask(&bank.notice(&nobody, None, unix_seconds())).await;
    let held = (200..300).contains(&answer.status);
    let expected = "taken, and nothing comes of it";
    sheet.note("a notice about a payment of nobody", expected, answer.in_short(), held);

    let expected = "the money goes back by itself";
    kit.rounds(sheet, "money comes for an order that was called off", expected, async || {
        let begun = bank.begin(kit, buyer).await?;
        let path = format!("/api/v1/orders/{}/cancel", begun.order);
        let off = Ask::post(path, &json!({})).by(&buyer.token).key(&kit.fresh_key());
        kit.need(&off, 200).await?;
        bank.force(&begun.payment, "pay").await?;
        let book = bank.given_back(&begun.payment, true).await?;
        let state = seen(kit, buyer, &begun.order).await?.at("/state");
        let held = book.0 > 0 && book.0 == book.1;
        Ok(Round { held, seen: format!("{state}, {} of {} back", book.1, book.0) })
    })
    .await?;
    let why = "the shop's clock cannot be moved from outside; the simulator moves it";
    sheet.not_here("money comes after the order's time is over", why);
    Ok(())
}
