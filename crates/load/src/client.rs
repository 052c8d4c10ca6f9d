//! One virtual connection: HTTP/1.1 with keep-alive, as light as it gets.
//!
//! hyper's connection is driven by the task that waits for the answer, not by one of its own: a
//! request costs no hand-over between tasks, and what the generator uses stays small beside what
//! the shop uses.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// No answer within this is an error.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A request ready to be sent.
pub type Call = Request<Full<Bytes>>;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    pub request_id: Option<HeaderValue>,
    /// Seconds, from `Retry-After`.
    pub retry_after: Option<u64>,
}

/// No answer.
#[derive(Debug)]
pub enum Broken {
    Connect(io::Error),
    Transport(hyper::Error),
    Late,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Transport(error) => {
                write!(f, "the connection broke: {error}")?;
                match std::error::Error::source(error) {
                    Some(source) => write!(f, ": {source}"),
                    None => Ok(()),
                }
            }
            Self::Late => write!(f, "no answer within {} s", ANSWER_MAX.as_secs()),
        }
    }
}

impl std::error::Error for Broken {}

/// Opens itself when first used, and again after it broke or the shop closed it.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    link: Option<Link>,
}

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

#[derive(Debug)]
struct Link {
    sender: http1::SendRequest<Full<Bytes>>,
    /// None once it is over: a request that was handed to it but never written is given back
    /// only when it is dropped.
    driver: Option<Pin<Box<Driver>>>,
}

impl Connection {
    /// Nothing is opened yet.
    pub fn to(address: SocketAddr) -> Self {
        Self { address, link: None }
    }

    /// Sends and waits for the whole answer.
    pub async fn send(&mut self, call: Call) -> Result<Answer, Broken> {
        let outcome = tokio::time::timeout(ANSWER_MAX, self.exchange(call)).await;
        let outcome = outcome.unwrap_or(Err(Broken::Late));
        if outcome.is_err() {
            self.link = None;
        }
        outcome
    }

    async fn exchange(&mut self, call: Call) -> Result<Answer, Broken> {
        let mut call = call;
        // A kept-alive connection may have been closed by the shop at any moment. A request that
        // was never written is sent again on a fresh connection; one that was, never.
        if let Some(link) = &mut self.link {
            match link.exchange(call).await {
                Ok(answer) => return Ok(answer),
                Err(Failed { error, unsent: None }) => return Err(Broken::Transport(error)),
                Err(Failed { unsent: Some(unsent), .. }) => call = unsent,
            }
        }
        let link = self.link.insert(Link::open(self.address).await?);
        link.exchange(call).await.map_err(|failed| Broken::Transport(failed.error))
    }
}

struct Failed {
    error: hyper::Error,
    unsent: Option<Call>,
}

impl Link {
    async fn open(address: SocketAddr) -> Result<Self, Broken> {
        let stream = TcpStream::connect(address).await.map_err(Broken::Connect)?;
        stream.set_nodelay(true).map_err(Broken::Connect)?;
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(Broken::Transport)?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    async fn exchange(&mut self, call: Call) -> Result<Answer, Failed> {
        let Self { sender, driver } = self;
        let answer = async {
            if let Err(error) = sender.ready().await {
                return Err(Failed { error, unsent: Some(call) });
            }
            let response = sender.try_send_request(call).await.map_err(|mut failed| {
                let unsent = failed.take_message();
                Failed { error: failed.into_error(), unsent }
            })?;
            read(response).await.map_err(|error| Failed { error, unsent: None })
        };
        let mut answer = pin!(answer);
        poll_fn(|context| {
            // Asking first hands the request over, driving writes and reads it, asking again
            // takes what has come.
            if let Poll::Ready(outcome) = answer.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
                *driver = None;
            }
            answer.as_mut().poll(context)
        })
        .await
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let (mut parts, body) = response.into_parts();
    let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| text.parse().ok());
    Ok(Answer {
        status: parts.status,
        request_id: parts.headers.remove(&REQUEST_ID),
        retry_after,
        body: body.collect().await?.to_bytes(),
    })
}

/// Writes raw bytes on a connection of their own and hangs up without reading: what a client
/// does that dies in the middle.
pub async fn send_and_hang_up(address: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// A call as it stands on the wire.
pub async fn on_the_wire(call: Call) -> Vec<u8> {
    let (parts, body) = call.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    };
    let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

#[cfg(test)]
mod tests {
    use hyper::header::HOST;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\nok";

    fn call() -> Call {
        Request::get("/").header(HOST, "localhost").body(Full::default()).unwrap()
    }

    async fn read_head(stream: &mut TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
    }

    /// A kept-alive connection that the shop has closed is noticed before the request is written,
    /// and the request goes out on a fresh one.
    #[tokio::test]
    async fn a_closed_connection_is_opened_again() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut connection = Connection::to(listener.local_addr().unwrap());
        let (closed, mut is_closed) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_head(&mut stream).await;
                stream.write_all(ANSWER).await.unwrap();
                drop(stream);
                closed.send(()).await.unwrap();
            }
        });
        for _ in 0..50 {
            let answer = connection.send(call()).await.unwrap();
            assert_eq!((answer.status, answer.retry_after), (StatusCode::OK, Some(3)));
            assert_eq!(answer.body, "ok");
            is_closed.recv().await.unwrap();
        }
    }

    /// A request that was written may have had its effect: it is never sent twice.
    #[tokio::test]
    async fn a_request_without_an_answer_is_not_sent_again() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut connection = Connection::to(listener.local_addr().unwrap());
        let shop = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_head(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            read_head(&mut stream).await;
            drop(stream);
            listener
        });
        assert!(connection.send(call()).await.is_ok());
        assert!(matches!(connection.send(call()).await, Err(Broken::Transport(_))));
        drop(shop.await.unwrap());
        assert!(matches!(connection.send(call()).await, Err(Broken::Connect(_))));
    }

    #[tokio::test]
    async fn a_call_is_written_as_it_is_sent() {
        let mut call = call();
        *call.body_mut() = Full::new(Bytes::from_static(b"{}"));
        let bytes = on_the_wire(call).await;
        let text = "GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }
}
