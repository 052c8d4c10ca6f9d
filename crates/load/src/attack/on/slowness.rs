//! Attacks by taking one's time: many connections that hardly say anything, while others shop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::wire::Wire;
use super::{Ask, Attack, Kit, Sheet};
use crate::clock::now;

pub const ATTACKS: &[Attack] = &[Attack {
    id: "A68",
    name: "slow heads, slow bodies, silence, and connections nobody uses",
    run: |kit, sheet| Box::pin(slowloris(kit, sheet)),
}];

/// Somebody who takes their time.
struct Slow {
    did: &'static str,
    /// Said at once.
    first: String,
    /// Said every second from then on.
    then: &'static str,
    /// Seconds after which the shop must have had enough.
    at_most: u64,
}

fn sorts(kit: &Kit) -> Vec<Slow> {
    let host = kit.host();
    let slow = |did, first: String, then, at_most| Slow { did, first, then, at_most };
    let post = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    );
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n");
    let mut all = vec![
        slow("silence", String::new(), "", 20),
        slow("a field, a byte a second", "GET / HTTP/1.1\r\nx-a: ".into(), "b", 15),
        slow("a head, a field a second", "GET / HTTP/1.1\r\n".into(), "a:b\r\n", 15),
        slow("a body, a byte a second", format!("{post}content-length: 99\r\n\r\n{{"), " ", 15),
        slow("a chunk a second", chunked, "1\r\n \r\n", 15),
        slow("the beginning of HTTP/2, and no more", "PRI * HT".into(), "", 20),
    ];
    if !kit.effort.quick {
        let get = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
        all.push(slow("one request, and then nothing", get, "", 65));
    }
    all
}

/// Whether the shop hung up in time.
async fn drip(address: SocketAddr, first: &str, then: &str, at_most: u64) -> bool {
    // With so many at once, getting in takes a while of its own.
    let Ok(mut wire) = Wire::open(address).await else { return true };
    let talk = async {
        let mut said = wire.send(first.as_bytes()).await;
        while said.is_ok() {
            let (_, closed) = wire.until_closed(Duration::from_secs(1)).await;
            if closed {
                return;
            }
            said = wire.send(then.as_bytes()).await;
        }
    };
    timeout(Duration::from_secs(at_most), talk).await.is_ok()
}

async fn slowloris(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let each = if kit.effort.quick { 50 } else { 300 };
    let goods = kit.goods(1000, 1000).await?;
    let all = sorts(kit);
    let mut crowd = JoinSet::new();
    for (sort, slow) in all.iter().enumerate() {
        for _ in 0..each {
            let (address, first, then) = (kit.address(), slow.first.clone(), slow.then);
            let at_most = slow.at_most;
            crowd.spawn(async move { (sort, drip(address, &first, then, at_most).await) });
        }
    }
    let mut in_time = vec![0; all.len()];
    let (mut waits, mut unserved) = (Vec::new(), 0);
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while !crowd.is_empty() {
        pace.tick().await;
        let begun = now();
        let answer = kit.ask(&Ask::get(crate::api::product_path(&goods.slug))).await;
        waits.push(begun.elapsed());
        unserved += usize::from(answer.status != 200);
        while let Some(ended) = crowd.try_join_next() {
            let (sort, closed) = ended?;
            in_time[sort] += usize::from(closed);
        }
    }
    for (slow, in_time) in all.iter().zip(in_time) {
        let did = format!("{each} connections: {}", slow.did);
        let expected = format!("closed within {} s", slow.at_most);
        sheet.note(did, expected, format!("{in_time} of {each} closed"), in_time == each);
    }
    waits.sort_unstable();
    let worst = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
    let held = unserved == 0 && worst < Duration::from_millis(250);
    let seen = format!(
        "{} requests, {unserved} not served, p99 {:.1} ms",
        waits.len(),
        worst.as_secs_f64() * 1e3
    );
    sheet.note("others, all the while", "all served, p99 below 250 ms", seen, held);
    Ok(())
}
