//! Attacks with HTTP/2 frames, spoken without encryption and without asking (RFC 9113, 3.3).

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Ask, Attack, Kit, Sheet};
use crate::clock::now;

pub const ATTACKS: &[Attack] = &[Attack {
    id: "A69",
    name: "HTTP/2: rapid reset, and floods of every frame",
    run: |kit, sheet| Box::pin(floods(kit, sheet)),
}];

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// So long a flood may go on.
const SPEAKING_MAX: Duration = Duration::from_secs(10);
/// So soon after its end the shop has to hang up, if it is to.
const END_MAX: Duration = Duration::from_secs(1);

// RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A request's head (RFC 7541: entries of the static table, and the path in plain).
fn head(method: u8, path: &str) -> Vec<u8> {
    let mut block = vec![method, 0x86, 0x41, 4];
    block.extend(b"shop");
    block.extend([0x44, u8::try_from(path.len()).unwrap_or_default()]);
    block.extend(path.as_bytes());
    block
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

fn hello() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

fn stream(number: u32) -> u32 {
    number * 2 + 1
}

/// What came of a flood.
struct Heard {
    /// Bytes the shop took of those that were offered.
    taken: usize,
    goaway: Option<u32>,
    closed: bool,
    frames: [usize; 16],
}

/// Says everything, reading meanwhile or not, and listens until the shop hangs up.
async fn flood(kit: &Kit, bytes: &[u8], reads: bool) -> anyhow::Result<Heard> {
    let mut socket = TcpStream::connect(kit.address()).await?;
    let (mut from, mut to) = socket.split();
    let mut heard = Vec::new();
    let (mut taken, mut cut) = (0, false);
    let writing = async {
        for piece in bytes.chunks(16 * 1024) {
            if to.write_all(piece).await.is_err() {
                cut = true;
                break;
            }
            taken += piece.len();
        }
        if reads {
            // Whoever reads hears the end.
            tokio::time::sleep(END_MAX).await;
        }
    };
    let reading = async {
        if !reads {
            std::future::pending::<()>().await;
        }
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            heard.extend_from_slice(&buffer[..count]);
        }
    };
    let ended = timeout(SPEAKING_MAX, async {
        tokio::select! {
            () = writing => false,
            () = reading => true,
        }
    })
    .await;
    let mut frames = [0; 16];
    let (mut rest, mut goaway) = (&heard[..], None);
    while let Some(head) = rest.get(..9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let Some(body) = rest.get(9..9 + length) else { break };
        frames[usize::from(head[3] & 15)] += 1;
        if head[3] == GOAWAY {
            goaway = body.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
        }
        rest = &rest[9 + length..];
    }
    Ok(Heard { taken, goaway, closed: ended.unwrap_or(false) || cut, frames })
}

struct Flood {
    did: &'static str,
    bytes: Vec<u8>,
    reads: bool,
    /// Whether the connection has to end; harmless frames may go on as long as others are served.
    must_end: bool,
}

fn kinds(quick: bool) -> Vec<Flood> {
    let many: u32 = if quick { 20_000 } else { 100_000 };
    let repeat = |count: u32, make: &dyn Fn(u32) -> Vec<u8>| -> Vec<u8> {
        let mut bytes = hello();
        for number in 0..count {
            bytes.extend(make(number));
        }
        bytes
    };
    let whole = END_STREAM | END_HEADERS;
    let mut continuation = hello();
    continuation.extend(frame(HEADERS, END_STREAM, 1, &head(GET, "/")));
    for _ in 0..if quick { 500 } else { 4000 } {
        continuation.extend(frame(CONTINUATION, 0, 1, &vec![0x40; 16_000]));
    }
    let mut empty = hello();
    empty.extend(frame(HEADERS, END_STREAM, 1, &head(GET, "/")));
    for _ in 0..many {
        empty.extend(frame(CONTINUATION, 0, 1, &[]));
    }
    let flood = |did, bytes, must_end| Flood { did, bytes, reads: true, must_end };
    let mut all = vec![
        flood(
            "requests that are called off at once",
            repeat(many, &|number| {
                let mut both = frame(HEADERS, whole, stream(number), &head(GET, "/"));
                both.extend(frame(RST_STREAM, 0, stream(number), &8_u32.to_be_bytes()));
                both
            }),
            true,
        ),
        flood(
            "requests that make the shop call them off",
            repeat(many, &|number| {
                let open = head(POST, "/api/v1/sessions");
                let mut both = frame(HEADERS, END_HEADERS, stream(number), &open);
                both.extend(frame(WINDOW_UPDATE, 0, stream(number), &0_u32.to_be_bytes()));
                both
            }),
            true,
        ),
        flood(
            "more requests at once than are allowed",
            repeat(1000, &|number| {
                frame(HEADERS, END_HEADERS, stream(number), &head(POST, "/api/v1/sessions"))
            }),
            false,
        ),
        flood("a head that never ends", continuation, true),
        flood("a head that goes on with nothing", empty, true),
        flood("settings", repeat(many, &|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1])), false),
        flood("pings", repeat(many, &|_| frame(PING, 0, 0, &[0; 8])), false),
        flood(
            "priorities",
            repeat(many, &|number| frame(PRIORITY, 0, stream(number), &[0, 0, 0, 0, 1])),
            false,
        ),
        flood(
            "data of nothing",
            repeat(many, &|number| {
                if number == 0 {
                    frame(HEADERS, END_HEADERS, 1, &head(POST, "/api/v1/sessions"))
                } else {
                    frame(DATA, 0, 1, &[])
                }
            }),
            false,
        ),
        flood("a frame larger than allowed", repeat(1, &|_| frame(PING, 0, 0, &[0; 70_000])), true),
        flood("an even stream", repeat(1, &|_| frame(HEADERS, whole, 2, &head(GET, "/"))), true),
        flood(
            "a table entry that is none",
            repeat(1, &|_| frame(HEADERS, whole, 1, &[0xff; 3])),
            true,
        ),
    ];
    let pings = repeat(many, &|_| frame(PING, 0, 0, &[0; 8]));
    all.push(Flood {
        did: "pings, and no answer is taken",
        bytes: pings,
        reads: false,
        must_end: false,
    });
    all
}

/// Whether the shop speaks HTTP/2 here at all.
async fn speaks(kit: &Kit) -> anyhow::Result<bool> {
    let mut all = hello();
    all.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head(GET, "/healthz")));
    all.extend(frame(GOAWAY, 0, 0, &[0; 8]));
    let heard = flood(kit, &all, true).await?;
    Ok(heard.frames[usize::from(HEADERS)] > 0)
}

async fn floods(kit: &Kit, sheet: &mut Sheet) -> anyhow::Result<()> {
    if !speaks(kit).await? {
        sheet.not_here("every flood", "this shop speaks no HTTP/2 without encryption");
        return Ok(());
    }
    let before = kit.shop.resident_peak_bytes();
    for Flood { did, bytes, reads, must_end } in kinds(kit.effort.quick) {
        let begun = now();
        // Others ask all the while.
        let others = async {
            let mut worst = Duration::ZERO;
            for _ in 0..5 {
                let asked = now();
                let answer = kit.ask(&Ask::get("/healthz")).await;
                let took = if answer.status == 200 { asked.elapsed() } else { Duration::MAX };
                worst = worst.max(took);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            worst
        };
        let (heard, worst) = tokio::join!(flood(kit, &bytes, reads), others);
        let heard = heard?;
        let served = worst < Duration::from_secs(1);
        let held = served && (heard.closed || !must_end);
        let end = match (heard.goaway, heard.closed) {
            (Some(code), _) => format!("GOAWAY {code}"),
            (None, true) => "closed".to_owned(),
            (None, false) => "went on".to_owned(),
        };
        let seen = format!(
            "{end} after {} of {} KB in {} ms; others at most {} ms",
            heard.taken / 1000,
            bytes.len() / 1000,
            begun.elapsed().as_millis(),
            worst.as_millis()
        );
        let expected = if must_end { "ended; others served" } else { "others served" };
        sheet.note(did, expected, seen, held);
    }
    if let (Some(before), Some(after)) = (before, kit.shop.resident_peak_bytes()) {
        let more = after.saturating_sub(before) / 1_000_000;
        sheet.note(
            "memory, after all of it",
            "less than 64 MB more",
            format!("{more} MB"),
            more < 64,
        );
    }
    Ok(())
}
