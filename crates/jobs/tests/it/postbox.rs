//! Where letters arrive: a mail server that speaks SMTP (RFC 5321) by a script, and a provider of
//! SMS that takes HTTP.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const WAIT: Duration = Duration::from_secs(40);

/// What was said to the server instead of its usual answer, and to which command; an empty answer
/// ends the conversation.
pub type Script = Vec<(&'static str, &'static str)>;

pub struct Postbox {
    pub address: SocketAddr,
    letters: watch::Receiver<Vec<String>>,
    connections: Arc<Mutex<u32>>,
}

impl Postbox {
    /// A mail server.
    pub async fn smtp(script: Script) -> Self {
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        Self::open(move |line, arrived| {
            let (script, arrived) = (script.clone(), arrived.clone());
            tokio::spawn(async move { drop(converse(line, &script, &arrived).await) });
        })
        .await
    }

    /// A provider of SMS, that answers with these statuses and then with 200.
    #[allow(dead_code, reason = "not every kind of test wants one")]
    pub async fn http(statuses: Vec<u16>) -> Self {
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses)));
        Self::open(move |line, arrived| {
            let (statuses, arrived) = (statuses.clone(), arrived.clone());
            tokio::spawn(async move { drop(take(line, &statuses, &arrived).await) });
        })
        .await
    }

    async fn open(
        serve: impl Fn(TcpStream, &Arc<watch::Sender<Vec<String>>>) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (arrived, letters) = watch::channel(Vec::new());
        let arrived = Arc::new(arrived);
        let connections = Arc::new(Mutex::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                serve(line, &arrived);
            }
        });
        Self { address, letters, connections }
    }

    /// Everything that arrived, as it was sent.
    #[allow(dead_code, reason = "not every kind of test looks at all")]
    pub fn all(&self) -> Vec<String> {
        self.letters.borrow().clone()
    }

    #[allow(dead_code, reason = "not every kind of test counts them")]
    pub fn connections(&self) -> u32 {
        *self.connections.lock().unwrap()
    }

    /// The newest letter that says this, once there are `count` of them.
    #[allow(dead_code, reason = "not every kind of test waits for one")]
    pub async fn newest(&self, says: &str, count: usize) -> String {
        let mut letters = self.letters.clone();
        let theirs = |all: &Vec<String>| all.iter().filter(|it| it.contains(says)).count() >= count;
        let all = tokio::time::timeout(WAIT, letters.wait_for(theirs)).await;
        let all = all.unwrap_or_else(|_| panic!("no letter says {says}")).unwrap();
        all.iter().rev().find(|it| it.contains(says)).unwrap().clone()
    }
}

async fn converse(
    line: TcpStream,
    script: &Mutex<VecDeque<(&'static str, &'static str)>>,
    arrived: &watch::Sender<Vec<String>>,
) -> std::io::Result<()> {
    let mut line = BufReader::new(line);
    line.write_all(b"220 postbox ESMTP\r\n").await?;
    loop {
        let mut said = String::new();
        if line.read_line(&mut said).await? == 0 {
            return Ok(());
        }
        let verb = said.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let usual = match verb.as_str() {
            "EHLO" => "250-postbox\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let mut instead = None;
        {
            let mut script = script.lock().unwrap();
            if script.front().is_some_and(|(at, _)| *at == verb) {
                instead = script.pop_front().map(|(_, answer)| answer);
            }
        }
        let answer = instead.unwrap_or(usual);
        if answer.is_empty() {
            return Ok(());
        }
        line.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if verb == "DATA" && answer == usual {
            let mut letter = String::new();
            loop {
                let mut part = String::new();
                line.read_line(&mut part).await?;
                if part == ".\r\n" || part.is_empty() {
                    break;
                }
                letter.push_str(&part);
            }
            let mut after = None;
            {
                let mut script = script.lock().unwrap();
                if script.front().is_some_and(|(at, _)| *at == ".") {
                    after = script.pop_front().map(|(_, answer)| answer);
                }
            }
            if after.is_none_or(str::is_empty) {
                arrived.send_modify(|all| all.push(letter));
            }
            match after {
                Some("") => return Ok(()),
                after => {
                    let after = after.unwrap_or("250 taken");
                    line.write_all(format!("{after}\r\n").as_bytes()).await?;
                }
            }
        }
        if verb == "QUIT" {
            return Ok(());
        }
    }
}

async fn take(
    line: TcpStream,
    statuses: &Mutex<VecDeque<u16>>,
    arrived: &watch::Sender<Vec<String>>,
) -> std::io::Result<()> {
    let mut line = BufReader::new(line);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut part = String::new();
            if line.read_line(&mut part).await? == 0 {
                return Ok(());
            }
            if part == "\r\n" {
                break;
            }
            let lower = part.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&part);
        }
        let mut body = vec![0; length];
        line.read_exact(&mut body).await?;
        let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
        if status == 200 {
            let body = String::from_utf8(body).unwrap();
            arrived.send_modify(|all| all.push(format!("{head}\r\n{body}")));
        }
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
        line.write_all(answer.as_bytes()).await?;
    }
}
