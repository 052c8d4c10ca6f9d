//! Requests as bytes, and answers as they came: an attacker uses no library that minds manners.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::api::{Token, problem_code};

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new("POST", path).json(body)
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string())
    }

    /// A body as it is, said to be JSON.
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        self.with("content-type", "application/json").body(body)
    }

    /// A body of no announced kind.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn by(self, token: &Token) -> Self {
        let value = token.value().to_str().unwrap_or_default().to_owned();
        self.with("authorization", value)
    }

    pub fn key(self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As it goes over the wire.
    pub fn on_the_wire(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            // Writing to a string does not fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(body) = &self.body {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

/// An answer; a status of 0 says that there was none, and the body why.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn none(why: impl Into<String>) -> Self {
        Self { status: 0, headers: Vec::new(), body: why.into().into_bytes() }
    }

    /// The code of a problem; empty for what is none.
    pub fn code(&self) -> String {
        if self.status < 400 { String::new() } else { problem_code(&self.body).unwrap_or_default() }
    }

    /// Whether a busy shop asks them to come back, by a problem or by a page.
    pub fn is_turned_away(&self) -> bool {
        self.status == 503
            && self.header("retry-after").is_some()
            && matches!(self.code().as_str(), "overloaded" | "")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Status and code, or what there was instead of an answer.
    pub fn in_short(&self) -> String {
        match (self.status, self.code()) {
            (0, _) => self.text(),
            (status, code) if code.is_empty() => status.to_string(),
            (status, code) => format!("{status} {code}"),
        }
    }

    /// The value at a JSON pointer, as text.
    pub fn at(&self, pointer: &str) -> String {
        match self.json().pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

/// How many answers of each kind there were.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, usize>);

impl Tally {
    pub fn of(answers: &[Answer]) -> Self {
        let mut tally = Self::default();
        for answer in answers {
            *tally.0.entry(answer.in_short()).or_default() += 1;
        }
        tally
    }

    /// Answers of one kind: `201`, `409 out-of-stock`.
    pub fn count(&self, kind: &str) -> usize {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// Whether there is nothing but these kinds.
    pub fn only(&self, kinds: &[&str]) -> bool {
        self.0.keys().all(|kind| kinds.contains(&kind.as_str()))
    }

    /// `10 × 201, 40 × 409 out-of-stock`
    pub fn in_words(&self) -> String {
        let words: Vec<String> =
            self.0.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        words.join(", ")
    }
}

/// Every byte of a text as it is written in an address.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        // Writing to a string does not fail.
        let _ = write!(all, "%{byte:02X}");
        all
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_written_plainly() {
        let ask = Ask::post("/a", &json!({})).by(&Token::new("t").unwrap()).key("k");
        let text = "POST /a HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n\
                    authorization: Bearer t\r\nidempotency-key: k\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(ask.on_the_wire("h")).unwrap(), text);
    }

    #[test]
    fn answers_are_tallied_by_status_and_code() {
        let problem = br#"{"type":"/problems/out-of-stock"}"#.to_vec();
        let answer = |status, body: &[u8]| Answer { status, headers: vec![], body: body.to_vec() };
        let all = [answer(201, b"{}"), answer(409, &problem), answer(409, &problem)];
        let tally = Tally::of(&all);
        assert_eq!((tally.count("201"), tally.count("409 out-of-stock")), (1, 2));
        assert_eq!(tally.in_words(), "1 × 201, 2 × 409 out-of-stock");
        assert!(tally.only(&["201", "409 out-of-stock"]) && !tally.only(&["201"]));
    }
}
