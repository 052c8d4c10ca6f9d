//! A bare line: a server that reads one request and answers with the bytes it was given.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came over the line.
pub(crate) struct Request {
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Answers every connection with `answer` and hangs up. Gives the base address.
pub(crate) async fn answering(answer: String) -> String {
    let (listener, base) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}

/// Answers with a status and a JSON body.
pub(crate) async fn saying(status: u16, json: &str) -> String {
    let length = json.len();
    answering(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{json}")).await
}

/// Takes connections and requests, and never says a word.
pub(crate) async fn silent() -> String {
    let (listener, base) = listen().await;
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    base
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    listen().await.1
}

pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// Reads one request with its body.
pub(crate) async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let mut lines = head.lines();
            let first_line = lines.next().unwrap().to_owned();
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
            let length = length.map_or(0, |(_, value)| value.parse().unwrap());
            let body = &bytes[end + 4..];
            if body.len() >= length {
                return Request { first_line, headers, body: body.to_vec() };
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return Request { first_line: String::new(), headers: Vec::new(), body: Vec::new() };
        }
    }
}

/// A server that answers one request after the other with what it was given, and keeps what it
/// was asked.
pub(crate) struct Script {
    pub base: String,
    heard: tokio::sync::mpsc::UnboundedReceiver<Request>,
}

impl Script {
    /// Answers with these statuses and bodies, in this order; then nobody answers.
    pub async fn of(answers: &[(u16, &str)]) -> Self {
        let whole = answers.iter().map(|(status, body)| {
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
        });
        Self::raw(whole.collect()).await
    }

    /// Answers with these bytes.
    pub async fn raw(answers: Vec<Vec<u8>>) -> Self {
        let (listener, base) = listen().await;
        let (tell, heard) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let request = read(&mut stream).await;
                // Nobody left to hear it means that the test is over.
                let _ = tell.send(request);
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { base, heard }
    }

    /// The next request that came.
    pub async fn heard(&mut self) -> Request {
        self.heard.recv().await.unwrap()
    }
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Method and path with query.
    pub fn line(&self) -> &str {
        self.first_line.strip_suffix(" HTTP/1.1").unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
