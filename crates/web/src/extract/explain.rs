//! Says what is wrong with a body or a query, field by field, without saying back what was sent.

use http::StatusCode;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::Problem;

/// Characters of a field's name that are said back.
const NAME_CHARS_MAX: usize = 64;

/// Not JSON.
pub(super) fn syntax(body: &[u8], error: &serde_json::Error) -> Problem {
    let detail = if body.is_empty() {
        "the body is empty: send a JSON object".to_owned()
    } else if error.is_eof() {
        "the body ends in the middle of the JSON".to_owned()
    } else {
        let (line, column) = (error.line(), error.column());
        format!("the body is not JSON: line {line}, column {column}")
    };
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", detail)
        .with("line", error.line())
        .with("column", error.column())
}

/// Perhaps JSON, but not what was asked for: reads it once more to find out where.
pub(super) fn data<T: DeserializeOwned>(body: &[u8], object: bool) -> Problem {
    // The reading stopped at the first wrong field; the rest may not even be JSON.
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return syntax(body, &error);
    }
    if !object {
        return Problem::field("", "must be an object");
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
    let Err(error) = read else { return Problem::field("", "is not what was asked for") };
    let path = error.path().to_string();
    let text = error.inner().to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let (path, message) = in_words(&path, text);
    Problem::field(&path, &message)
}

/// Turns the library's words into ours: the field, and what is wrong with it.
pub(super) fn in_words(path: &str, text: &str) -> (String, String) {
    let path = if path == "." { "" } else { path };
    if let Some(name) = quoted(text, "unknown field `", "`, ") {
        return (inside(path, name), "is not a field of this request".into());
    }
    if let Some(name) = quoted(text, "missing field `", "`") {
        return (inside(path, name), "is missing".into());
    }
    if let Some(name) = quoted(text, "duplicate field `", "`") {
        return (inside(path, name), "is there twice".into());
    }
    let path = short(path);
    if let Some((_, expected)) = text.rsplit_once(", expected ") {
        let found = found(text);
        return (path, format!("must be {}{found}", expectation(expected)));
    }
    if text.starts_with("UUID parsing failed") {
        return (path, "must be a UUID".into());
    }
    if text.contains("digit found in string") || text.starts_with("number too") {
        return (path, "must be a whole number".into());
    }
    (path, text.to_owned())
}

fn quoted<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (name, _) = text.strip_prefix(before)?.rsplit_once(after)?;
    // Names of known fields may stand behind, each in its own quotes.
    Some(name.split_once("`, expected").map_or(name, |(name, _)| name))
}

/// The path of `name` in the object at `path`, which the library sometimes has there already.
fn inside(path: &str, name: &str) -> String {
    let (name, path) = (short(name), short(path));
    if path.is_empty() || path == name || path.ends_with(&format!(".{name}")) {
        return if path.is_empty() { name } else { path };
    }
    format!("{path}.{name}")
}

fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// `, not a string`: the kind of what was sent, without what it was.
fn found(text: &str) -> &'static str {
    let Some(kind) = text.strip_prefix("invalid type: ") else { return "" };
    let kinds = [
        ("null", ", not null"),
        ("string", ", not a string"),
        ("integer", ", not a number"),
        ("floating point", ", not a fraction"),
        ("boolean", ", not a boolean"),
        ("sequence", ", not a list"),
        ("map", ", not an object"),
    ];
    kinds.iter().find(|(prefix, _)| kind.starts_with(prefix)).map_or("", |(_, words)| words)
}

fn expectation(expected: &str) -> String {
    match expected {
        "i64" => "a whole number of at most 64 bits".into(),
        "u64" | "u32" => "a whole number, not below zero".into(),
        "a boolean" => "true or false".into(),
        "a UUID string" | "UUID" | "a formatted UUID string" => "a UUID".into(),
        "borrowed bytes" => "text".into(),
        other if other.starts_with("struct ") || other == "a map" => "an object".into(),
        other if other.starts_with("a sequence") => "a list".into(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, text: &str) -> String {
        let (path, message) = in_words(path, text);
        format!("{path} {message}")
    }

    #[test]
    fn nothing_that_was_sent_is_said_back() {
        let cases = [
            (
                ("quantity", "invalid type: string \"a, expected b\", expected i64"),
                "quantity must be a whole number of at most 64 bits, not a string",
            ),
            (
                (".", "unknown field `price`, expected one of `a`, `b`"),
                "price is not a field of this request",
            ),
            (
                ("price", "unknown field `tax`, there are no fields"),
                "price.tax is not a field of this request",
            ),
            (("variants[0]", "missing field `sku`"), "variants[0].sku is missing"),
            ((".", "duplicate field `sku`"), "sku is there twice"),
            (
                ("source", "unknown variant `x`, expected `cart` or `buy_now`"),
                "source must be `cart` or `buy_now`",
            ),
            (("id", "UUID parsing failed: invalid character"), "id must be a UUID"),
        ];
        for ((path, text), wanted) in cases {
            assert_eq!(words(path, text), wanted);
        }
    }
}
