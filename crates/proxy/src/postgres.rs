//! Reads what a client says to PostgreSQL, as far as needed to know a commit when it goes by.
//!
//! Source: the message formats of the frontend/backend protocol 3.0. A message is a type byte, a
//! length that counts itself, and a body; the first one of a connection has no type. A commit is a
//! simple query (`Q`), or a statement that was parsed (`P`), bound (`B`) and executed (`E`).

use std::collections::HashSet;

/// Bytes of a body that are looked at; a commit is short.
const LOOKED_AT: usize = 256;
/// In place of a protocol version: "may we encrypt?", asked before the first message.
const ASKS: [u32; 2] = [80_877_103, 80_877_104];

/// The client's side of one connection.
#[derive(Default)]
pub(crate) struct Reader {
    started: bool,
    head: Vec<u8>,
    body: Vec<u8>,
    /// Bytes of the body that are still to come.
    left: usize,
    in_body: bool,
    reads_only: bool,
    /// Whether every transaction of the connection does.
    reads_by_default: bool,
    /// Names of prepared statements, and of portals, that commit.
    statements: HashSet<Vec<u8>>,
    portals: HashSet<Vec<u8>>,
}

impl Reader {
    /// Takes what goes by; gives how many commits of transactions that may write were in it.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> u64 {
        let mut commits = 0;
        while !bytes.is_empty() {
            if self.in_body {
                let (now, later) = bytes.split_at(self.left.min(bytes.len()));
                let room = LOOKED_AT.saturating_sub(self.body.len()).min(now.len());
                self.body.extend_from_slice(&now[..room]);
                self.left -= now.len();
                bytes = later;
            } else {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                self.begin_body();
            }
            if self.in_body && self.left == 0 {
                commits += u64::from(self.message());
            }
        }
        commits
    }

    fn begin_body(&mut self) {
        let typed = usize::from(self.started);
        let Some(length) = self.head.get(typed..typed + 4) else { return };
        let length = u32::from_be_bytes(length.try_into().unwrap_or_default());
        self.left = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(4);
        self.in_body = true;
        self.body.clear();
    }

    /// A whole message has come; says whether it commits.
    fn message(&mut self) -> bool {
        let kind = self.head[0];
        self.head.clear();
        self.in_body = false;
        if !self.started {
            let version = self.body.get(..4).and_then(|bytes| bytes.try_into().ok());
            self.started = !ASKS.contains(&version.map_or(0, u32::from_be_bytes));
            return false;
        }
        let mut words = self.body.split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default().to_ascii_lowercase();
        match kind {
            b'Q' => {
                let text = word();
                self.statement(&text)
            }
            b'P' => {
                let (name, text) = (word(), word());
                if is_commit(&text) {
                    self.statements.insert(name);
                } else {
                    self.statements.remove(&name);
                }
                false
            }
            b'B' => {
                let (portal, name) = (word(), word());
                if self.statements.contains(&name) {
                    self.portals.insert(portal);
                } else {
                    self.portals.remove(&portal);
                }
                false
            }
            b'E' => {
                let portal = word();
                self.portals.contains(&portal) && self.statement(b"commit")
            }
            _ => false,
        }
    }

    fn statement(&mut self, text: &[u8]) -> bool {
        let text = text.trim_ascii_start();
        if contains(text, b"default_transaction_read_only = on") {
            self.reads_by_default = true;
        }
        if text.starts_with(b"begin") || text.starts_with(b"start transaction") {
            self.reads_only = self.reads_by_default || contains(text, b"read only");
        }
        is_commit(text) && !self.reads_only
    }
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|part| part == words)
}

fn is_commit(text: &[u8]) -> bool {
    matches!(text.trim_ascii().trim_suffix_semicolon(), b"commit" | b"end" | b"commit work")
}

trait TrimSemicolon {
    fn trim_suffix_semicolon(&self) -> &[u8];
}

impl TrimSemicolon for [u8] {
    fn trim_suffix_semicolon(&self) -> &[u8] {
        self.strip_suffix(b";").unwrap_or(self)
    }
}

/// Whether this ends a transaction: "ready for query, and in no transaction".
pub(crate) fn is_over(answer: &[u8]) -> bool {
    answer.windows(6).any(|bytes| bytes == b"Z\0\0\0\x05I")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    fn hello() -> Vec<u8> {
        let mut all = vec![0, 0, 0, 8, 4, 210, 22, 47]; // may we encrypt?
        all.extend_from_slice(&[0, 0, 0, 16, 0, 3, 0, 0]);
        all.extend_from_slice(b"user\0a\0\0");
        all
    }

    #[test]
    fn commits_are_counted_however_they_are_cut() {
        let mut all = hello();
        all.extend(message(b'Q', b"begin isolation level serializable\0"));
        all.extend(message(b'P', b"s1\0insert into commit values ($1)\0\0\0"));
        all.extend(message(b'B', b"\0s1\0\0\0\0\x01\0\0\0\x06commit\0\0"));
        all.extend(message(b'E', b"\0\0\0\0\0"));
        all.extend(message(b'S', b""));
        all.extend(message(b'Q', b"COMMIT;\0"));
        all.extend(message(b'Q', b"begin isolation level repeatable read read only\0"));
        all.extend(message(b'Q', b"commit\0"));
        all.extend(message(b'Q', b"begin\0"));
        all.extend(message(b'P', b"s2\0commit\0\0\0"));
        all.extend(message(b'B', b"\0s2\0\0\0\0\0\0\0"));
        all.extend(message(b'E', b"\0\0\0\0\0"));
        for size in [1, 2, 3, 5, 7, 64, all.len()] {
            let mut reader = Reader::default();
            let commits: u64 = all.chunks(size).map(|chunk| reader.feed(chunk)).sum();
            assert_eq!(commits, 2, "in pieces of {size}");
        }
    }

    #[test]
    fn a_connection_that_only_reads_commits_nothing() {
        let mut all = hello();
        all.extend(message(
            b'Q',
            b"set lock_timeout = '1s'; SET default_transaction_read_only = on\0",
        ));
        for text in [&b"begin\0"[..], b"commit and chain\0", b"commit\0"] {
            all.extend(message(b'Q', text));
        }
        assert_eq!(Reader::default().feed(&all), 0);
    }

    #[test]
    fn the_end_of_a_transaction_is_known() {
        assert!(is_over(b"C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I"));
        assert!(!is_over(b"C\0\0\0\x0fINSERT 0 1\0Z\0\0\0\x05T"));
    }
}
