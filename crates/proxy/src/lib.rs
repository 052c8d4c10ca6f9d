//! A bad line on demand, for tests and for measuring: a TCP proxy that stands between a shop and
//! its database, or its payment gateway, and does to them what networks do.
//!
//! | command | what happens |
//! |---|---|
//! | [`Proxy::carry`] | everything is late, more or less ([`Line::latency`], [`Line::jitter`]), or slow ([`Line::bytes_per_second`]), or ends late ([`Line::slow_close`]) |
//! | [`Proxy::pause`], [`Proxy::resume`] | nothing moves, and then everything does, as with a stopped process |
//! | [`Proxy::blackhole`] | what is said vanishes, and new connections are taken and never answered |
//! | [`Proxy::refuse`] | whoever is there is cut off, and nobody gets in |
//! | [`Proxy::heal`] | the end of both: who is left of before is reset |
//! | [`Proxy::reset`] | all connections are reset |
//! | [`Proxy::cut_after`] | after so many bytes one way, in the middle of a word, the connection is reset |
//! | [`Proxy::strike`] | the nth request of a kind is delivered and its answer swallowed, or not delivered at all |
//!
//! A request is recognised by what is in it ([`What::Text`]); a commit by reading PostgreSQL's
//! protocol ([`What::Commit`]). The proxy has a thread of its own, so that whoever blocks can use
//! it too, and is gone when it is dropped.

mod connection;
mod dice;
mod postgres;
mod pump;
mod spot;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use url::Url;

use crate::connection::accept;

/// A reset of all connections takes no longer than this.
const RESET_MAX: Duration = Duration::from_secs(1);

/// A direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From whoever asks to whoever answers.
    Up,
    /// Back.
    Down,
}

/// How bytes are carried, both ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// How late everything is.
    pub latency: Duration,
    /// How much later than that, at most; drawn anew for each piece.
    pub jitter: Duration,
    /// Bytes that go through in a second; as many as there are when none.
    pub bytes_per_second: Option<u32>,
    /// How long after one end has closed the other hears of it.
    pub slow_close: Duration,
}

/// What a request is recognised by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A PostgreSQL transaction that may write is committed.
    Commit,
    /// These bytes go up: `POST /v1/refunds`, say.
    Text(Vec<u8>),
}

/// What becomes of a request that was recognised. The connection is reset in either case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is delivered and carried out, and its answer never comes back.
    AnswerSwallowed,
    /// It is never delivered.
    NeverDelivered,
}

/// What is planned for one request.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plan {
    what: What,
    /// Requests of this kind until it strikes.
    left: u64,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Open,
    Paused,
    Blackhole,
    Refusing,
}

/// What connections watch.
#[derive(Clone, Copy, Debug)]
struct State {
    line: Line,
    mode: Mode,
    /// Connections of an earlier age are reset.
    age: u64,
}

/// What connections share and change.
#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Option<Plan>>,
    cut: Mutex<Option<(Way, u64)>>,
    /// The age each open connection is of.
    open: Mutex<Vec<u64>>,
    ended: Condvar,
}

impl Shared {
    fn ended(&self, age: u64) {
        let mut open = lock(&self.open);
        if let Some(at) = open.iter().position(|of| *of == age) {
            open.swap_remove(at);
        }
        self.ended.notify_all();
    }
}

/// See the crate's words.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of this machine and passes everything on to `upstream`.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = State { line: Line::default(), mode: Mode::Open, age: 0 };
        let (state, watched) = watch::channel(state);
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared::default());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let inner = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("proxy".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, upstream, watched, inner) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, state, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Stands in front of whatever `url` names (`postgres://user@host:port/name`, `http://…`) and
    /// gives the address to use instead.
    pub fn before(url: &str) -> io::Result<(Self, String)> {
        let bad = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let mut url = Url::parse(url).map_err(|error| bad(format!("`{url}`: {error}")))?;
        let usual = if url.scheme().starts_with("postgres") { Some(5432) } else { None };
        let port = url.port_or_known_default().or(usual);
        let (Some(host), Some(port)) = (url.host_str(), port) else {
            return Err(bad(format!("`{url}` names no host and port")));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = (host, port).to_socket_addrs()?.next();
        let proxy = Self::start(found.ok_or_else(|| bad(format!("`{host}` has no address")))?)?;
        let (ip, port) = (proxy.address.ip().to_string(), proxy.address.port());
        let moved = url.set_host(Some(&ip)).is_ok() && url.set_port(Some(port)).is_ok();
        if moved { Ok((proxy, url.into())) } else { Err(bad(format!("`{url}` stays put"))) }
    }

    /// Where to connect instead.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How bytes are carried from now on.
    pub fn carry(&self, line: Line) {
        self.state.send_modify(|state| state.line = line);
    }

    /// Nothing moves; what is said meanwhile is kept.
    pub fn pause(&self) {
        self.state.send_modify(|state| state.mode = Mode::Paused);
    }

    /// Everything goes on where it stood.
    pub fn resume(&self) {
        self.state.send_modify(|state| state.mode = Mode::Open);
    }

    /// What is said vanishes, and nobody is told.
    pub fn blackhole(&self) {
        self.state.send_modify(|state| state.mode = Mode::Blackhole);
    }

    /// Whoever is connected is cut off, and whoever comes too.
    pub fn refuse(&self) {
        self.age(Some(Mode::Refusing));
    }

    /// Everything is well again for whoever connects now. Connections of before have lost bytes
    /// and are reset, as by a machine that has come back and knows nothing of them.
    pub fn heal(&self) {
        self.age(Some(Mode::Open));
    }

    /// Resets every connection; new ones are carried as before.
    pub fn reset(&self) {
        self.age(None);
    }

    /// Comes back when everybody of before has been reset.
    fn age(&self, mode: Option<Mode>) {
        let mut age = 0;
        self.state.send_modify(|state| {
            state.mode = mode.unwrap_or(state.mode);
            state.age += 1;
            age = state.age;
        });
        let older = |open: &mut Vec<u64>| open.iter().any(|of| *of < age);
        // Ends in any case: a proxy that is slow is no reason to hang.
        let _ = self.shared.ended.wait_timeout_while(lock(&self.shared.open), RESET_MAX, older);
    }

    /// Lets `bytes` more bytes go this way, on all connections together, and resets the
    /// connection on which the next one would have gone.
    pub fn cut_after(&self, way: Way, bytes: u64) {
        *lock(&self.shared.cut) = Some((way, bytes));
    }

    /// The `nth` request of this kind from now (1 is the next) meets this fate.
    pub fn strike(&self, what: What, nth: u64, fate: Fate) {
        *lock(&self.shared.plan) = Some(Plan { what, left: nth, fate });
    }

    /// Nothing is planned any more. Says whether a plan was still waiting.
    pub fn calm(&self) -> bool {
        let plan = lock(&self.shared.plan).take().is_some();
        lock(&self.shared.cut).take().is_some() || plan
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already said so.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
