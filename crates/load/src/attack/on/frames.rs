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

const WHOLE: u8 = END_STREAM | END_HEADERS;

/// A connection that begins as it should and says this so many times.
fn repeat(count: u32, make: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = hello();
    for number in 0..count {
        bytes.extend(make(number));
    }
    bytes
}

/// A head that goes on and on.
fn endless(count: u32, piece: &[u8]) -> Vec<u8> {
    let first = frame(HEADERS, END_STREAM, 1, &head(GET, "/"));
    repeat(
        count,
        |number| {
            if number == 0 { first.clone() } else { frame(CONTINUATION, 0, 1, piece) }
        },
    )
}

/// A request whose body is still to come.
fn open(number: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream(number), &head(POST, "/api/v1/sessions"))
}

fn floods_that_must_end(many: u32, quick: bool) -> Vec<Flood> {
    let flood = |did, bytes| Flood { did, bytes, reads: true, must_end: true };
    vec![
        flood(
            "requests that are called off at once",
            repeat(many, |number| {
                let mut both = frame(HEADERS, WHOLE, stream(number), &head(GET, "/"));
                both.extend(frame(RST_STREAM, 0, stream(number), &8_u32.to_be_bytes()));
                both
            }),
        ),
        flood(
            "requests that make the shop call them off",
            repeat(many, |number| {
                let mut both = open(number);
                both.extend(frame(WINDOW_UPDATE, 0, stream(number), &0_u32.to_be_bytes()));
                both
            }),
        ),
        flood("a head that never ends", endless(if quick { 500 } else { 4000 }, &[0x40; 16_000])),
        flood("a head that goes on with nothing", endless(many, &[])),
        flood("a frame larger than allowed", repeat(1, |_| frame(PING, 0, 0, &[0; 70_000]))),
        flood("an even stream", repeat(1, |_| frame(HEADERS, WHOLE, 2, &head(GET, "/")))),
        flood("a table entry that is none", repeat(1, |_| frame(HEADERS, WHOLE, 1, &[0xff; 3]))),
    ]
}

fn floods_that_may_go_on(many: u32) -> Vec<Flood> {
    let flood = |did, bytes| Flood { did, bytes, reads: true, must_end: false };
    let pings = repeat(many, |_| frame(PING, 0, 0, &[0; 8]));
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]);
    let priority = |number| frame(PRIORITY, 0, stream(number), &[0, 0, 0, 0, 1]);
    let nothing = |number| if number == 0 { open(0) } else { frame(DATA, 0, 1, &[]) };
    vec![
        flood("more requests at once than are allowed", repeat(1000, open)),
        flood("settings", repeat(many, |_| settings.clone())),
        flood("priorities", repeat(many, priority)),
        flood("data of nothing", repeat(many, nothing)),
        flood("pings", pings.clone()),
        Flood { did: "pings, and no answer is taken", bytes: pings, reads: false, must_end: false },
    ]
}

/// Whether the shop speaks HTTP/2 here at all.
async fn speaks(kit: &Kit) -> anyhow::Result<bool> {
    let mut all = hello();
    all.extend(frame(HEADERS, WHOLE, 1, &head(GET, "/healthz")));
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
    let (quick, many) = if kit.effort.quick { (true, 20_000) } else { (false, 100_000) };
    let all = floods_that_must_end(many, quick).into_iter().chain(floods_that_may_go_on(many));
    for Flood { did, bytes, reads, must_end } in all {
        let begun = now();
        // Others ask all the while.
        let others = async {
            let mut worst = Duration::ZERO;
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            for _ in 0..5 {
                pace.tick().await;
                let asked = now();
                let answer = kit.ask(&Ask::get("/healthz")).await;
                let took = if answer.status == 200 { asked.elapsed() } else { Duration::MAX };
                worst = worst.max(took);
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
