//! Connections: accepted, joined with one to the other side, and ended kindly or hard.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::postgres::is_over;
use crate::pump::{End, Pump, Verdict};
use crate::spot::Spot;
use crate::{Fate, Mode, Shared, State, Way, What, lock};

/// Takes connections for ever.
pub(crate) async fn accept(
    listener: std::net::TcpListener,
    upstream: SocketAddr,
    state: watch::Receiver<State>,
    shared: Arc<Shared>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        // A connection that ended has nothing more to say.
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else { continue };
        number += 1;
        let born = *state.borrow();
        lock(&shared.open).push(born.age);
        let (state, shared) = (state.clone(), Arc::clone(&shared));
        connections.spawn(async move {
            serve(client, upstream, (state, born), &shared, number).await;
            shared.ended(born.age);
        });
    }
}

async fn serve(
    mut client: TcpStream,
    upstream: SocketAddr,
    (state, born): (watch::Receiver<State>, State),
    shared: &Shared,
    number: u64,
) {
    if born.mode == Mode::Refusing {
        return hard(&client);
    }
    let Ok(mut server) = TcpStream::connect(upstream).await else { return hard(&client) };
    for stream in [&client, &server] {
        // Small delays of its own are not what this line is for.
        let _ = stream.set_nodelay(true);
    }
    let end = tokio::select! {
        end = join(&mut client, &mut server, &state, shared, number) => end,
        () = aged(state.clone(), born.age) => End::Reset,
    };
    if end == End::Reset {
        hard(&client);
        hard(&server);
    }
}

/// The kernel sends a reset instead of an end when the stream is dropped.
fn hard(stream: &TcpStream) {
    // A connection that is gone already needs none.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

async fn aged(mut state: watch::Receiver<State>, born: u64) {
    if state.wait_for(|state| state.age != born).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn join(
    client: &mut TcpStream,
    server: &mut TcpStream,
    state: &watch::Receiver<State>,
    shared: &Shared,
    number: u64,
) -> End {
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    let muted = AtomicBool::new(false);
    let of_what = std::sync::Mutex::new(None);
    let pump = |from, to, way| {
        let dice = Dice(number << 1 | u64::from(way == Way::Up));
        Pump { from, to, way, state: state.clone(), shared, dice }
    };
    let mut spot = Spot::default();
    let up = pump(client_reads, server_writes, Way::Up).run(|piece| {
        let Some(struck) = spot.look(shared, piece) else { return Verdict::Pass };
        match struck.fate {
            Fate::NeverDelivered => Verdict::Reset,
            Fate::AnswerSwallowed => {
                *lock(&of_what) = Some(struck.what);
                muted.store(true, Ordering::Release);
                Verdict::Pass
            }
        }
    });
    let mut swallowed = Vec::new();
    let down = pump(server_reads, client_writes, Way::Down).run(|piece| {
        if !muted.load(Ordering::Acquire) {
            return Verdict::Pass;
        }
        swallowed.extend_from_slice(piece);
        let answered = match &*lock(&of_what) {
            Some(What::Commit) => is_over(&swallowed),
            _ => true,
        };
        if answered { Verdict::Reset } else { Verdict::Drop }
    });
    tokio::select! {
        end = up => end,
        end = down => end,
    }
}
