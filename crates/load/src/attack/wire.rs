//! Connections without manners: bytes go out as they are, and what comes back is read as it is.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ask::Answer;

/// Longer than a shop takes for any answer.
pub const PATIENCE: Duration = Duration::from_secs(35);

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, heard: Vec::new() })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next answer, or why there is none.
    pub async fn answer(&mut self, within: Duration) -> Answer {
        match timeout(within, self.read_answer()).await {
            Ok(answer) => answer,
            Err(_) => Answer::none(format!("no answer within {} s", within.as_secs())),
        }
    }

    async fn read_answer(&mut self) -> Answer {
        loop {
            let (parsed, length) = parse(&self.heard, false);
            if let Some(answer) = parsed {
                self.heard.drain(..length);
                return answer;
            }
            let mut buffer = [0; 8192];
            match self.stream.read(&mut buffer).await {
                Ok(0) => return parse(&self.heard, true).0.unwrap_or_else(|| closed("closed")),
                Ok(count) => self.heard.extend_from_slice(&buffer[..count]),
                Err(_) => return closed("reset"),
            }
        }
    }

    /// Everything until the shop hangs up, and whether it has within this time.
    pub async fn until_closed(&mut self, within: Duration) -> (Vec<u8>, bool) {
        let all = async {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = self.stream.read(&mut buffer).await {
                self.heard.extend_from_slice(&buffer[..count]);
            }
        };
        let ended = timeout(within, all).await.is_ok();
        (std::mem::take(&mut self.heard), ended)
    }
}

fn closed(how: &str) -> Answer {
    Answer::none(format!("connection {how}"))
}

/// Sends one request on a connection of its own.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let asked = async {
        let mut wire = Wire::open(address).await?;
        // A shop that has heard enough may hang up before all is said, and answers all the same.
        let _ = wire.send(bytes).await;
        Ok::<_, std::io::Error>(wire.answer(PATIENCE).await)
    };
    asked.await.unwrap_or_else(|error| Answer::none(error.to_string()))
}

/// Sends all requests so that they are complete at the same moment: everything but the last byte
/// of each first, then all last bytes together.
pub async fn race(address: SocketAddr, requests: &[Vec<u8>]) -> anyhow::Result<Vec<Answer>> {
    let mut wires = Vec::with_capacity(requests.len());
    for request in requests {
        let mut wire = Wire::open(address).await?;
        wire.send(&request[..request.len().saturating_sub(1)]).await?;
        wires.push(wire);
    }
    // A whole request behind them: when it has been answered, the shop has had its turn to read
    // what is there.
    exchange(address, b"GET /healthz HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await;
    for (wire, request) in wires.iter_mut().zip(requests) {
        wire.send(&request[request.len().saturating_sub(1)..]).await?;
    }
    let mut answers = Vec::with_capacity(wires.len());
    for wire in &mut wires {
        answers.push(wire.answer(PATIENCE).await);
    }
    Ok(answers)
}

/// The answer at the start of `bytes` and how long it is; none while it is not whole.
pub fn parse(bytes: &[u8], at_end: bool) -> (Option<Answer>, usize) {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return (None, 0) };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let start = end + 4;
    if status == 100 {
        // Only says that the rest may come.
        let (answer, length) = parse(&bytes[start..], at_end);
        return (answer, start + length);
    }
    let header = |name: &str| headers.iter().find(|(of, _)| of == name).map(|(_, value)| value);
    let length = header("content-length").and_then(|length| length.parse::<usize>().ok());
    let chunked = header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let (body, used) = match length {
        Some(length) => match bytes.get(start..start + length) {
            Some(body) => (body.to_vec(), length),
            None => return (None, 0),
        },
        None if chunked => match unchunk(&bytes[start..]) {
            Some(found) => found,
            None => return (None, 0),
        },
        None if status == 204 || status == 304 => (Vec::new(), 0),
        None if at_end => (bytes[start..].to_vec(), bytes.len() - start),
        None => return (None, 0),
    };
    (Some(Answer { status, headers, body }), start + used)
}

fn unchunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = find(bytes.get(at..)?, b"\r\n")?;
        let text = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(text.split(';').next()?.trim(), 16).ok()?;
        at += line + 2;
        body.extend_from_slice(bytes.get(at..at + size)?);
        at += size + 2;
        if size == 0 {
            return (bytes.len() >= at).then_some((body, at));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_cut_where_they_end() {
        let two = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 404 N\r\n";
        let (answer, length) = parse(two, false);
        let answer = answer.unwrap();
        assert_eq!((answer.status, &answer.body[..], length), (200, &b"ok"[..], 40));
        let chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert_eq!(parse(chunks, false).0.unwrap().body, b"ok");
        assert!(parse(&chunks[..chunks.len() - 1], false).0.is_none());
        let open = b"HTTP/1.0 200 OK\r\n\r\nrest";
        assert!(parse(open, false).0.is_none());
        assert_eq!(parse(open, true).0.unwrap().body, b"rest");
        let early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n";
        assert_eq!(parse(early, false).0.unwrap().status, 204);
    }
}
