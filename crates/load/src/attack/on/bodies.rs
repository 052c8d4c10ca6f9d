//! Attacks with bodies: deep, wide, long, packed, and in other kinds.

use std::fmt::Write as _;

use super::{Answer, Ask, Attack, Kit, Sheet};
use crate::clock::now;

pub const ATTACKS: &[Attack] = &[
    Attack {
        id: "A60",
        name: "JSON that is deep, wide, long, or hardly JSON",
        run: |kit, sheet| Box::pin(json_bombs(kit, sheet)),
    },
    Attack {
        id: "A61",
        name: "packed bodies, and bodies of another kind",
        run: |kit, sheet| Box::pin(packed(kit, sheet)),
    },
];

/// A refusal takes no longer than this, in milliseconds.
const QUICKLY: u128 = 2000;

async fn json_bombs(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0].token;
    let mut keys = String::from("{");
    for number in 0..6000 {
        // Writing to a string does not fail.
        let _ = write!(keys, "\"k{number}\":1,");
    }
    keys.push_str("\"z\":1}");
    let line = |rest: &str| format!(r#"{{"variant_id":"x","quantity":1{rest}}}"#).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("30,000 lists in one another", [vec![b'['; 30_000], vec![b']'; 30_000]].concat()),
        ("10,000 objects in one another", {
            ["{\"a\":".repeat(10_000), "1".to_owned(), "}".repeat(10_000)].concat().into_bytes()
        }),
        ("30,000 lists that never end", vec![b'['; 30_000]),
        ("6,000 keys", keys.into_bytes()),
        (
            "a text of 10 MB",
            [b"{\"a\":\"".to_vec(), vec![b'a'; 10 << 20], b"\"}".to_vec()].concat(),
        ),
        ("a number of 60,000 digits", line(&format!(",\"a\":{}", "9".repeat(60_000)))),
        ("the same key twice", line(",\"quantity\":2")),
        ("half a surrogate", line(",\"\\ud800\":1")),
        ("a byte order mark", [b"\xef\xbb\xbf".to_vec(), line("")].concat()),
        ("a NUL", [line(""), vec![0]].concat()),
        ("bytes that are no UTF-8", line(",\"\u{fe}\":1").into_iter().map(|b| b | 0x80).collect()),
        ("two values", [line(""), line("")].concat()),
        ("a comment", line("/* a */")),
        ("a comma too many", line(",")),
        ("single quotes", b"{'quantity':1}".to_vec()),
        ("nothing", Vec::new()),
        ("white space", vec![b' '; 60_000]),
    ];
    let before = kit.shop.resident_peak_bytes();
    for (did, body) in cases {
        let begun = now();
        let ask = Ask::new("POST", "/api/v1/cart/lines").by(me).bytes(body);
        let answer = kit.ask(&ask).await;
        let took = begun.elapsed().as_millis();
        let known = ["400 malformed-json", "422 validation", "413 body-too-large"];
        // Whoever is still sending when it is refused may lose the answer with the connection.
        let cut = did.contains("10 MB") && answer.status == 0;
        let held = (known.contains(&answer.in_short().as_str()) || cut) && took < QUICKLY;
        let seen = format!("{} in {took} ms", answer.in_short());
        sheet.note(did, "400, 413 or 422, at once", seen, held);
    }
    if let (Some(before), Some(after)) = (before, kit.shop.resident_peak_bytes()) {
        let more = after.saturating_sub(before) / 1_000_000;
        let seen = format!("{more} MB");
        sheet.note("memory, after all of it", "less than 32 MB more", seen, more < 32);
    }
    Ok(())
}

/// A gzip of zeros: stored as runs, it unpacks to a thousand times its size.
fn gzip_of_zeros() -> Vec<u8> {
    // One deflate block with fixed codes (RFC 1951, 3.2.6): a literal 0, then copies of 258 bytes
    // from one byte back, until 64 MB are described; then the end.
    let mut bits = Bits::default();
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_reversed(0b0011_0000, 8);
    for _ in 0..(64 << 20) / 258 {
        bits.push_reversed(0b1100_0101, 8); // length 258
        bits.push_reversed(0b0_0000, 5); // distance 1
    }
    bits.push_reversed(0, 7);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.extend(bits.done());
    bytes.extend([0; 8]);
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    filled: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.filled.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> bit & 1 == 1) << (self.filled % 8);
            }
            self.filled += 1;
        }
    }

    /// Codes go out from their highest bit.
    fn push_reversed(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }

    fn done(self) -> Vec<u8> {
        self.bytes
    }
}

async fn packed(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    let me = &kit.buyers[0].token;
    let bomb = gzip_of_zeros();
    let small = bomb[..20_000.min(bomb.len())].to_vec();
    let post = || Ask::new("POST", "/api/v1/cart/lines").by(me);
    let wanted: &[(u16, &str)] = &[(415, "unsupported-media-type"), (413, "body-too-large")];
    for (did, encoding) in [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("br", "br"),
        ("gzip in gzip", "gzip, gzip"),
        ("an encoding that is none", "zip"),
    ] {
        let ask = post().bytes(small.clone()).with("content-encoding", encoding);
        let answer = kit.ask(&ask).await;
        sheet.refused(format!("a bomb, said to be {did}"), wanted, &answer);
    }
    let large = kit.ask(&post().bytes(bomb).with("content-encoding", "gzip")).await;
    let held = wanted.iter().any(|(status, _)| *status == large.status) || large.status == 0;
    sheet.note("a bomb of 300 KB", "415 or 413, or hung up", large.in_short(), held);
    let body = r#"{"variant_id":"x","quantity":1}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ] {
        let answer = kit.ask(&post().with("content-type", kind).body(body)).await;
        let wanted = &[(415, "unsupported-media-type")];
        sheet.refused(format!("a body said to be {kind:?}"), wanted, &answer);
    }
    let answer = kit.ask(&post().body(body)).await;
    sheet.refused("a body of no kind", &[(415, "unsupported-media-type")], &answer);
    let twice = post().bytes(body).with("content-type", "text/plain");
    sheet.refused("two kinds", &[(415, "unsupported-media-type")], &kit.ask(&twice).await);
    let mut parts = String::new();
    for number in 0..1000 {
        // Writing to a string does not fail.
        let _ = write!(parts, "--x\r\ncontent-disposition: form-data; name=a{number}\r\n\r\n1\r\n");
    }
    let form = post().with("content-type", "multipart/form-data; boundary=x").body(parts);
    let answer: Answer = kit.ask(&form).await;
    sheet.refused("a form of 1,000 parts", wanted, &answer);
    Ok(())
}
