//! One direction of one connection: reads, looks, waits as long as the line is late, and writes.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::dice::Dice;
use crate::{Line, Mode, Shared, State, Way, lock};

/// Bytes read at once.
const PIECE: usize = 16 * 1024;
/// Pieces on their way at once.
const PIECES: usize = 256;

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// As it should.
    Closed,
    /// Hard.
    Reset,
}

/// What becomes of a piece.
pub(crate) enum Verdict {
    Pass,
    /// It goes nowhere.
    Drop,
    /// It goes nowhere, and that is the end.
    Reset,
}

pub(crate) struct Pump<'a> {
    pub(crate) from: ReadHalf<'a>,
    pub(crate) to: WriteHalf<'a>,
    pub(crate) way: Way,
    pub(crate) state: watch::Receiver<State>,
    pub(crate) shared: &'a Shared,
    pub(crate) dice: Dice,
}

enum Item {
    Piece(Instant, Vec<u8>),
    Close(Duration),
    Reset,
}

impl Pump<'_> {
    /// Moves bytes until the end; `judge` looks at each piece before it goes.
    pub(crate) async fn run(self, mut judge: impl FnMut(&[u8]) -> Verdict) -> End {
        let Self { mut from, to, way, mut state, shared, mut dice } = self;
        let (send, receive) = mpsc::channel(PIECES);
        let reading = async move {
            let mut buffer = vec![0; PIECE];
            loop {
                let read = from.read(&mut buffer).await;
                let Some(now) = unpaused(&mut state).await else { return };
                let item = match read {
                    Err(_) => Item::Reset,
                    Ok(0) => Item::Close(now.line.slow_close),
                    Ok(count) => {
                        let piece = &buffer[..count];
                        if now.mode == Mode::Blackhole {
                            continue;
                        }
                        match judge(piece) {
                            Verdict::Drop => continue,
                            Verdict::Reset => Item::Reset,
                            Verdict::Pass => {
                                let due = Instant::now() + late(now.line, &mut dice, count);
                                let (piece, cut) = up_to_the_cut(shared, way, piece);
                                if send.send(Item::Piece(due, piece.to_vec())).await.is_err() {
                                    return;
                                }
                                if !cut {
                                    continue;
                                }
                                Item::Reset
                            }
                        }
                    }
                };
                // Whoever writes may be gone already.
                let _ = send.send(item).await;
                return;
            }
        };
        let ((), end) = tokio::join!(reading, write(to, way, receive));
        end
    }
}

/// How things stand once nothing is paused: what arrives during a pause, or in the very moment it
/// begins, waits with the rest. None when the proxy is gone.
async fn unpaused(state: &mut watch::Receiver<State>) -> Option<State> {
    state.wait_for(|state| state.mode != Mode::Paused).await.ok().map(|state| *state)
}

async fn write(mut to: WriteHalf<'_>, way: Way, mut items: mpsc::Receiver<Item>) -> End {
    while let Some(item) = items.recv().await {
        match item {
            Item::Piece(due, piece) => {
                sleep_until(due).await;
                if to.write_all(&piece).await.is_err() {
                    return End::Reset;
                }
            }
            Item::Reset => return End::Reset,
            Item::Close(after) => {
                sleep(after).await;
                // Gone already, perhaps.
                let _ = to.shutdown().await;
                // Whoever asked may still be waiting for its answer.
                if way == Way::Up {
                    std::future::pending::<()>().await;
                }
                return End::Closed;
            }
        }
    }
    End::Reset
}

fn late(line: Line, dice: &mut Dice, bytes: usize) -> Duration {
    let jitter = u64::try_from(line.jitter.as_micros()).unwrap_or(u64::MAX);
    let drawn = if jitter == 0 { 0 } else { dice.up_to(jitter) };
    let carried = line
        .bytes_per_second
        .map_or(Duration::ZERO, |speed| Duration::from_secs(bytes as u64) / speed.max(1));
    line.latency + Duration::from_micros(drawn) + carried
}

/// As much of a piece as may go before a planned cut, and whether that is the cut.
fn up_to_the_cut<'p>(shared: &Shared, way: Way, piece: &'p [u8]) -> (&'p [u8], bool) {
    let mut planned = lock(&shared.cut);
    match planned.as_mut() {
        Some((of, left)) if *of == way => {
            let count = piece.len() as u64;
            if count <= *left {
                *left -= count;
                return (piece, false);
            }
            let kept = usize::try_from(*left).unwrap_or(piece.len());
            *planned = None;
            (&piece[..kept], true)
        }
        _ => (piece, false),
    }
}
