//! Attacks on HTTP/1.1 itself: requests within requests, and heads without measure.

use super::super::ask::Tally;
use super::super::wire::{Wire, parse};
use super::{Answer, Attack, Kit, Sheet};
use std::time::Duration;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A66",
        name: "a request hidden in another",
        run: |kit, sheet| Box::pin(smuggling(kit, sheet)),
    },
    Attack {
        id: "A67",
        name: "heads and bodies without measure",
        run: |kit, sheet| Box::pin(oversized(kit, sheet)),
    },
];

/// An answer comes, and a refused connection is closed, well within this.
const WITHIN: Duration = Duration::from_secs(3);

/// What came back on one connection until it was closed or nothing more came.
async fn hear(kit: &Kit, bytes: &[u8]) -> anyhow::Result<(Vec<Answer>, bool)> {
    let mut wire = Wire::open(kit.address()).await?;
    // The shop may hang up before all is said.
    let _ = wire.send(bytes).await;
    let (heard, closed) = wire.until_closed(WITHIN).await;
    let (mut answers, mut rest) = (Vec::new(), &heard[..]);
    while let (Some(answer), length) = parse(rest, true) {
        answers.push(answer);
        rest = &rest[length..];
    }
    Ok((answers, closed))
}

async fn smuggling(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let host = kit.host();
    let hidden = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let post = |head: &str, body: &str| {
        let kind = "content-type: application/json";
        format!(
            "POST /api/v1/sessions HTTP/1.1\r\nhost: {host}\r\n{kind}\r\n{head}\r\n\r\n\
             {body}{hidden}"
        )
    };
    let chunks = "0\r\n\r\n";
    let cases: Vec<(&str, String)> = vec![
        ("two lengths", post("content-length: 4\r\ncontent-length: 5", "abcde")),
        ("two lengths in one", post("content-length: 4, 5", "abcde")),
        ("the same length twice in one", post("content-length: 4, 4", "abcd")),
        ("a length with a sign", post("content-length: +4", "abcd")),
        ("a negative length", post("content-length: -1", "")),
        ("a length in hexadecimal", post("content-length: 0x4", "abcd")),
        ("a length beyond all numbers", post("content-length: 99999999999999999999", "")),
        ("a coding of another name", post("transfer-encoding: xchunked", chunks)),
        ("a coding behind another", post("transfer-encoding: chunked, identity", chunks)),
        ("a coding before a colon", post("transfer-encoding : chunked", chunks)),
        ("a coding with a tab", post("transfer-encoding:\tchunked\x0b", chunks)),
        ("a coding in two lines", post("transfer-encoding: gzip\r\ntransfer-encoding: x", chunks)),
        ("a folded line", post("x-a: b\r\n transfer-encoding: chunked", chunks)),
        ("a bare CR in a line", post("x-a: b\rtransfer-encoding: chunked", chunks)),
        ("a NUL in a line", post("x-a: b\0c", "")),
        ("a line without a name", post(": b", "")),
        ("a chunk with a sign", post("transfer-encoding: chunked", "+1\r\na\r\n0\r\n\r\n")),
        ("a chunk beyond all numbers", {
            post("transfer-encoding: chunked", "fffffffffffffffff\r\na\r\n0\r\n\r\n")
        }),
        ("a chunk that ends in the wrong place", {
            post("transfer-encoding: chunked", "1\r\nabc\r\n0\r\n\r\n")
        }),
        ("a version of the future", format!("GET / HTTP/9.9\r\nhost: {host}\r\n\r\n{hidden}")),
        ("chunks in HTTP/1.0", {
            let head = "POST /api/v1/sessions HTTP/1.0\r\ntransfer-encoding: chunked";
            format!("{head}\r\nhost: {host}\r\n\r\n{chunks}{hidden}")
        }),
        ("two hosts", format!("GET / HTTP/1.1\r\nhost: {host}\r\nhost: evil\r\n\r\n{hidden}")),
        ("no host", format!("GET /healthz HTTP/1.1\r\n\r\n{hidden}")),
        ("a line of TLS", format!("\u{16}\u{3}\u{1}{}{hidden}", "\0".repeat(50))),
    ];
    for (did, bytes) in cases {
        let (answers, closed) = hear(kit, bytes.as_bytes()).await?;
        let refused = answers.first().is_none_or(|answer| (400..500).contains(&answer.status));
        let held = refused && answers.len() <= 1 && closed;
        let end = if closed { "closed" } else { "left open" };
        let seen = format!("{}; {end}", Tally::of(&answers).in_words());
        let expected = "4xx or nothing, closed; the hidden request is not answered";
        sheet.note(did, expected, seen, held);
    }
    understood_in_one_way(kit, sheet, post).await
}

/// What may be understood must be understood in one way.
async fn understood_in_one_way(
    kit: &Kit,
    sheet: &mut Sheet,
    post: impl Fn(&str, &str) -> String,
) -> anyhow::Result<()> {
    let host = kit.host();
    let both = post("content-length: 6\r\ntransfer-encoding: chunked", "0\r\n\r\n");
    let (answers, closed) = hear(kit, both.as_bytes()).await?;
    let held = answers.len() == 1 && closed;
    let seen = format!("{}; closed: {closed}", Tally::of(&answers).in_words());
    let expected = "one answer, then closed (RFC 9112, 6.1)";
    sheet.note("a length and chunks", expected, seen, held);
    let bare = format!("GET /healthz HTTP/1.1\nhost: {host}\nconnection: close\n\n");
    let (answers, _) = hear(kit, bare.as_bytes()).await?;
    let held = answers.len() == 1 && answers[0].status < 500;
    let expected = "refused, or taken as one request (RFC 9112, 2.2 allows it)";
    sheet.note("lines that end in LF alone", expected, Tally::of(&answers).in_words(), held);
    let chunk = post("transfer-encoding: chunked", "0;a=\"b\r\n\r\n");
    let (answers, _) = hear(kit, chunk.as_bytes()).await?;
    let held = answers.len() <= 2 && answers.iter().all(|answer| answer.status < 500);
    let expected = "passed over, or 400";
    sheet.note("an extension of a chunk", expected, Tally::of(&answers).in_words(), held);
    Ok(())
}

async fn oversized(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let host = kit.host();
    let (long, wide) = ("a".repeat(70_000), "x-a: b\r\n".repeat(10_000));
    let some = "x-a: b\r\n".repeat(101);
    let length = 10_u64 << 30;
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("an address of 70,000", format!("GET /{long} HTTP/1.1\r\nhost: {host}\r\n\r\n").into(), &[414, 431]),
        ("a query of 70,000", format!("GET /products?a={long} HTTP/1.1\r\nhost: {host}\r\n\r\n").into(), &[414, 431]),
        ("a field of 70,000", format!("GET / HTTP/1.1\r\nhost: {host}\r\nx-a: {long}\r\n\r\n").into(), &[431]),
        ("a name of 70,000", format!("GET / HTTP/1.1\r\nhost: {host}\r\n{long}: a\r\n\r\n").into(), &[400, 431]),
        ("a method of 70,000", format!("{long} / HTTP/1.1\r\nhost: {host}\r\n\r\n").into(), &[400, 414, 431]),
        ("101 fields", format!("GET / HTTP/1.1\r\nhost: {host}\r\n{some}\r\n").into(), &[431]),
        ("10,000 fields", format!("GET / HTTP/1.1\r\nhost: {host}\r\n{wide}\r\n").into(), &[431]),
        ("a body of 10 GB, announced", format!("POST /api/v1/sessions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n").into(), &[413]),
        ("a body of 10 GB, after asking", format!("POST /api/v1/sessions HTTP/1.1\r\nhost: {host}\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n").into(), &[413, 417]),
        ("chunks without end", {
            let head = format!("POST /api/v1/sessions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
            [head.into_bytes(), format!("8000\r\n{}\r\n", "a".repeat(0x8000)).repeat(40).into_bytes()].concat()
        }, &[413]),
    ];
    for (did, bytes, wanted) in cases {
        let mut wire = Wire::open(kit.address()).await?;
        let _ = wire.send(&bytes).await;
        let answer = wire.answer(WITHIN).await;
        // Whoever is still sending when it is refused may lose the answer with the connection.
        let cut = bytes.len() > 65_536 && answer.text().starts_with("connection ");
        let held = wanted.contains(&answer.status) || cut;
        let words: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        sheet.note(did, words.join(" or "), answer.in_short(), held);
    }
    for method in ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "get"] {
        let bytes = format!("{method} / HTTP/1.1\r\nhost: {host}\r\nx-secret: s3cret\r\n\r\n");
        let answers = hear_one(kit, bytes.as_bytes()).await?;
        let echoes = answers.text().contains("s3cret");
        let held = matches!(answers.status, 0 | 400 | 404 | 405 | 501) && !echoes;
        sheet.note(
            format!("the method {method}"),
            "400, 404, 405 or 501",
            answers.in_short(),
            held,
        );
    }
    Ok(())
}

async fn hear_one(kit: &Kit, bytes: &[u8]) -> anyhow::Result<Answer> {
    let mut wire = Wire::open(kit.address()).await?;
    let _ = wire.send(bytes).await;
    Ok(wire.answer(WITHIN).await)
}
