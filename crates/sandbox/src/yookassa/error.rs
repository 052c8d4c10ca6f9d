//! Refusals, as the API words them.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::hex::hex;

/// `{"type":"error","id","code","description","parameter"}`. The id is made of what is said, so
/// that a seed decides it too.
pub(super) fn answer(
    status: u16,
    code: &str,
    description: &str,
    parameter: Option<&str>,
) -> Answer {
    let mut error = Map::new();
    error.insert("type".to_owned(), json!("error"));
    error.insert("id".to_owned(), json!(id(code, description)));
    error.insert("code".to_owned(), json!(code));
    error.insert("description".to_owned(), json!(description));
    if let Some(parameter) = parameter {
        error.insert("parameter".to_owned(), json!(parameter));
    }
    Answer::json(status, Value::Object(error))
}

/// A request that makes no sense.
pub(super) fn invalid(parameter: &str, description: &str) -> Answer {
    answer(400, "invalid_request", description, Some(parameter))
}

/// A step that the payment's state does not allow.
pub(super) fn wrong_state(description: &str) -> Answer {
    answer(400, "invalid_request", description, None)
}

pub(super) fn not_found(parameter: &str) -> Answer {
    let parameter = Some(parameter).filter(|name| !name.is_empty());
    answer(404, "not_found", "Incorrect identifier: there is no such object", parameter)
}

fn id(code: &str, description: &str) -> String {
    let digest = Sha256::digest(format!("{code} {description}"));
    let hex = hex(&digest);
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
}
